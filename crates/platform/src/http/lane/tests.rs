//! What is given again, and to whom.

use super::*;
use crate::http::{
    Load,
    load::tests::{late, load},
    readiness::Options,
};
use hyper::header::HeaderName;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

#[derive(Clone, Default)]
pub(super) struct Good(Arc<(AtomicBool, AtomicU32)>);

impl Holds for Good {
    fn holds(&self) -> bool {
        !self.0.0.load(SeqCst)
    }
    fn given(&self) {
        self.0.1.fetch_add(1, SeqCst);
    }
}

/// Lets so many in, one unit each.
struct Few(AtomicU32);

impl Turnstile for Few {
    fn pass(&self, _: IpAddr, _: Heads<'_>, units: u32, told: &mut dyn Told) -> bool {
        let left = self.0.load(SeqCst).checked_sub(units);
        if let Some(left) = left {
            self.0.store(left, SeqCst);
            told.tell(&HeaderName::from_static("ratelimit"), &[&left.to_string()]);
        }
        left.is_some()
    }
    fn tells(&self) -> &'static [&'static str] {
        &["ratelimit"]
    }
}

pub(super) fn lane(most: u32) -> Lane {
    Lane::new(Few(AtomicU32::new(most)), ready())
}

fn ready() -> Readiness {
    Readiness::new(Options {
        every_ms: 1_000,
        timeout_ms: 1_000,
        failures: 1,
        successes: 1,
    })
}

/// A lane that refuses when this is late.
pub(super) fn refusing(load: &Load) -> Lane {
    let few = Few(AtomicU32::new(100));
    let strict = Some(HeaderValue::from_static("max-age=9"));
    let refusing = Refusing::new("test", load, "https://souk.example/", strict);
    Lane::refusing(few, ready(), refusing)
}

fn asked(path: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let request = Request::get(path).body(Full::default()).unwrap();
    headers.iter().fold(request, |mut request, (name, value)| {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, value.parse().unwrap());
        request
    })
}

fn answer(holds: &Good, status: u16, body: &str) -> Response {
    let mut response = Response::new(Body::from(body.to_owned()));
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    response
        .headers_mut()
        .insert("ratelimit", HeaderValue::from_static("of the first"));
    let mut response = everybodys(response, holds.clone());
    costs(&mut response, 1);
    counted_in(&mut response, metrics::seconds);
    response
}

/// The key of whoever goes the long way, if what comes of it may be kept.
fn long(way: Way) -> Option<Key> {
    match way {
        Way::Long(key) => key,
        Way::Express(response) => panic!("{response:?}"),
    }
}

async fn given(way: Way) -> (u16, String, HeaderMap) {
    let Way::Express(response) = way else {
        panic!("the long way");
    };
    let (parts, body) = response.into_parts();
    let body = to_bytes(Body::new(body), 1_000).await.unwrap();
    let body = String::from_utf8(body.to_vec()).unwrap();
    (parts.status.as_u16(), body, parts.headers)
}

#[tokio::test]
async fn what_left_once_is_given_again_as_long_as_it_holds_and_there_is_room() {
    let (lane, good, tea) = (lane(3), Good::default(), asked("/tea", &[]));
    let key = long(lane.look(&tea, HERE, true)).unwrap();
    let first = lane.keep(key, answer(&good, 200, "tea")).await;
    assert_eq!(to_bytes(first.into_body(), 9).await.unwrap(), "tea");
    for left in ["2", "1"] {
        let (status, body, head) = given(lane.look(&tea, HERE, true)).await;
        assert_eq!((status, body.as_str()), (200, "tea"));
        assert_eq!(head["ratelimit"], left);
        assert!(head.contains_key(stack::X_REQUEST_ID));
    }
    assert_eq!(good.0.1.load(SeqCst), 2, "each is a read from memory");
    let again = asked("/tea", &[("x-request-id", "mine-1")]);
    assert_eq!(
        given(lane.look(&again, HERE, true)).await.2["x-request-id"],
        "mine-1"
    );
    assert!(
        long(lane.look(&tea, HERE, true)).is_none(),
        "there is no room"
    );
    good.0.0.store(true, SeqCst);
    let key = long(lane.look(&tea, HERE, true));
    assert!(key.is_some(), "what comes now may be kept");
}

#[tokio::test]
async fn an_answer_is_kept_for_its_three_headers_and_no_others() {
    let (lane, good) = (lane(100), Good::default());
    let (plain, known) = (asked("/tea", &[]), asked("/tea", &[("if-none-match", "a")]));
    for (request, status, body) in [(&plain, 200, "tea"), (&known, 304, "")] {
        let key = long(lane.look(request, HERE, true)).unwrap();
        lane.keep(key, answer(&good, status, body)).await;
    }
    assert_eq!(given(lane.look(&plain, HERE, true)).await.0, 200);
    assert_eq!(given(lane.look(&known, HERE, true)).await.0, 304);
    for other in [
        asked("/tea?", &[]),
        asked("/tea", &[("if-none-match", "b")]),
        asked("/tea", &[("accept-encoding", "a")]),
        asked("/tea", &[("authorization", "a")]),
    ] {
        assert!(long(lane.look(&other, HERE, true)).is_some(), "{other:?}");
    }
}

#[tokio::test]
async fn whoever_is_more_than_somebody_who_asks_goes_the_long_way() {
    let (lane, good, tea) = (lane(100), Good::default(), asked("/tea", &[]));
    let key = long(lane.look(&tea, HERE, true)).unwrap();
    lane.keep(key, answer(&good, 200, "tea")).await;
    let long_text = "e".repeat(KEY_BYTES_MAX);
    let wide = "w".repeat(17 * 1_024);
    for headers in [
        vec![("authorization", "Bearer x"), ("authorization", "Bearer x")],
        vec![("order-token", "x")],
        vec![("cart-token", "x")],
        vec![("cookie", "a=b")],
        vec![("origin", "https://app.example")],
        vec![("content-encoding", "gzip")],
        vec![("transfer-encoding", "chunked")],
        vec![("traceparent", "00-1-2-01")],
        vec![("x-deadline-ms", "1")],
        vec![("accept-encoding", "gzip"), ("accept-encoding", "br")],
        vec![("if-none-match", &long_text)],
        vec![("if-none-match", "\u{ff}")],
        vec![("x-wide", &wide)],
    ] {
        let request = asked("/tea", &headers);
        assert!(
            long(lane.look(&request, HERE, true)).is_none(),
            "{headers:?}"
        );
    }
    let mut posts = asked("/tea", &[]);
    *posts.method_mut() = Method::POST;
    assert!(long(lane.look(&posts, HERE, true)).is_none());
    let with_body = asked("/tea", &[]).map(|_| Full::<Bytes>::from("body"));
    assert!(long(lane.look(&with_body, HERE, true)).is_none());
    lane.0.readiness.drain();
    assert!(
        long(lane.look(&tea, HERE, true)).is_none(),
        "they are told to go"
    );
}

#[tokio::test]
async fn what_is_for_a_token_is_kept_for_that_token_alone() {
    let (lane, good) = (lane(100), Good::default());
    let of = |token| asked("/order", &[("authorization", token)]);
    let theirs = |body| {
        let mut response = bearers(Response::new(Body::from(body)), good.clone());
        costs(&mut response, 1);
        counted_in(&mut response, metrics::seconds);
        response
    };
    for token in ["Bearer anna", "Bearer bert"] {
        let key = long(lane.look(&of(token), HERE, true)).unwrap();
        lane.keep(key, theirs(token)).await;
    }
    for token in ["Bearer anna", "Bearer bert"] {
        assert_eq!(given(lane.look(&of(token), HERE, true)).await.1, token);
    }
    let nobody = asked("/order", &[]);
    let key = long(lane.look(&nobody, HERE, true)).unwrap();
    lane.keep(key, theirs("nobody's")).await;
    assert!(long(lane.look(&nobody, HERE, true)).is_some());
}

#[tokio::test]
async fn what_is_not_everybodys_is_not_kept() {
    let (lane, good, tea) = (lane(100), Good::default(), asked("/tea", &[]));
    let nobodys = Response::new(Body::from("tea"));
    let uncounted = everybodys(Response::new(Body::from("tea")), good.clone());
    let mut cookies = answer(&good, 200, "tea");
    let cookie = HeaderValue::from_static("a=b");
    cookies.headers_mut().insert(SET_COOKIE, cookie);
    let wide = "t".repeat(200_000);
    let large = answer(&good, 200, &wide);
    let missing = answer(&good, 404, "tea");
    for response in [nobodys, uncounted, cookies, large, missing] {
        let status = response.status();
        let key = long(lane.look(&tea, HERE, true)).unwrap();
        let sent = lane.keep(key, response).await;
        assert_eq!(sent.status(), status);
        let body = to_bytes(sent.into_body(), 1_000_000).await.unwrap();
        assert!(body.starts_with(b"tea") || body.len() == wide.len());
    }
    assert!(long(lane.look(&tea, HERE, true)).is_some());
}

#[tokio::test]
async fn while_a_door_is_late_hyper_s_own_requests_are_refused_as_well_once_they_are_whole() {
    let load = load(1);
    let lane = refusing(&load);
    let mut order = asked("/api/v1/orders?x=1", &[("x-request-id", "mine")]);
    *order.method_mut() = Method::POST;
    assert!(long(lane.look(&order, HERE, true)).is_none());
    late(&load, 128).await;
    let (status, body, head) = given(lane.look(&order, HERE, true)).await;
    let (expected, said) = stack::refusal("https://souk.example/", "/api/v1/orders", "mine");
    assert_eq!((status, body.as_bytes()), (503, said.as_slice()));
    assert_eq!(head["strict-transport-security"], "max-age=9");
    for (name, value) in &expected {
        assert_eq!(head.get(name), Some(value), "{name}");
    }
    // hyper would close the connection over what is left of it.
    assert!(long(lane.look(&order, HERE, false)).is_none());
    let probe = asked("/livez", &[]);
    assert!(long(lane.look(&probe, HERE, true)).is_some());
    let page = asked("/cart", &[("accept", "text/html")]);
    assert!(long(lane.look(&page, HERE, true)).is_some());
}
