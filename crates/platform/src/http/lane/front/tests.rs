//! Whatever is asked on a connection, and in whichever pieces it comes: each request is answered once, in turn, with
//! its own answer.

use super::super::{
    Way, costs, counted_in, everybodys,
    tests::{Good, lane, refusing},
};
use super::*;
use crate::http::load::tests::{late, load};
use axum::http::{Request, Response};
use http_body_util::{BodyExt, Either as EitherBody};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use proptest::{prelude::*, test_runner::TestRunner};
use std::{convert::Infallible, sync::atomic::AtomicU32};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

/// Says what was asked. Of what begins with `/kept` it may be said again.
async fn said(request: Request<Incoming>, lane: Lane, is_whole: bool) -> Response<Sent> {
    let key = match lane.look(&request, HERE, is_whole) {
        Way::Express(response) => return response,
        Way::Long(key) => key,
    };
    // Long enough for the next request to be there before this one is answered.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = format!("{} {} {}", parts.method, parts.uri, body.len());
    let mut response = Response::new(axum::body::Body::from(text));
    if let Some(key) = key.filter(|_| parts.uri.path().starts_with("/kept")) {
        response = everybodys(response, Good::default());
        costs(&mut response, 1);
        counted_in(&mut response, crate::metrics::seconds);
        response = lane.keep(key, response).await;
    }
    response.map(EitherBody::Right)
}

/// What comes back on one connection for these pieces, and how many requests hyper saw.
async fn sent(lane: &Lane, pieces: Vec<Vec<u8>>) -> (Vec<u8>, u32) {
    let (mut near, far) = duplex(600);
    let front = Front::new(far, Some(lane.clone()), HERE);
    let answered = front.answered();
    let (seen, lane) = (Arc::new(AtomicU32::new(0)), lane.clone());
    let counted = Arc::clone(&seen);
    let service = service_fn(move |request: Request<Incoming>| {
        counted.fetch_add(1, Relaxed);
        let (lane, answered) = (lane.clone(), answered.clone());
        async move {
            let response = said(request, lane, answered.is_whole()).await;
            Ok::<_, Infallible>(response.map(|body| answered.tells(body)))
        }
    });
    let serving = hyper::server::conn::http1::Builder::new();
    let serving = serving.serve_connection(TokioIo::new(front), service);
    let asking = async {
        let (mut hear, mut say) = tokio::io::split(&mut near);
        let saying = async {
            for piece in pieces {
                say.write_all(&piece).await.unwrap();
                // Both sides have their turn, whichever is first.
                for _ in 0..2 {
                    tokio::task::yield_now().await;
                }
            }
        };
        let mut all = Vec::new();
        let (read, ()) = tokio::join!(hear.read_to_end(&mut all), saying);
        read.unwrap();
        all
    };
    let (served, all) = tokio::join!(serving, asking);
    served.unwrap();
    (all, seen.load(Relaxed))
}

/// The bodies of answers that follow one another.
fn bodies(bytes: &[u8], asked: &[Wish]) -> Vec<String> {
    let (mut all, mut bodies) = (std::str::from_utf8(bytes).unwrap(), Vec::new());
    for wish in asked {
        let (head, rest) = all.split_once("\r\n\r\n").expect("a head");
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        let length = head.split("content-length: ").nth(1).expect("a length");
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        let length = if *wish == Wish::Head { 0 } else { length };
        let (body, rest) = rest.split_at(length);
        bodies.push(body.to_owned());
        all = rest;
    }
    assert_eq!(all, "", "more than was asked for");
    bodies
}

/// A body that looks like a request.
const BODY: &str = "GET /kept/no HTTP/1.1\r\nhost: souk\r\n\r\n";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Kept,
    Other,
    Head,
    Post,
    PostInChunks,
    PostsOfTwoLengths,
}

impl Wish {
    fn request(self) -> String {
        let length = BODY.len();
        let (line, rest) = match self {
            Self::Kept => ("GET /kept/tea", "\r\n".to_owned()),
            Self::Other => ("GET /other", "\r\n".to_owned()),
            Self::Head => ("HEAD /kept/tea", "\r\n".to_owned()),
            Self::Post => (
                "POST /kept/tea",
                format!("content-length: {length}\r\n\r\n{BODY}"),
            ),
            Self::PostInChunks => (
                "POST /other",
                format!("transfer-encoding: chunked\r\n\r\n{length:x}\r\n{BODY}\r\n0\r\n\r\n"),
            ),
            Self::PostsOfTwoLengths => (
                "POST /other",
                format!("content-length: {length}\r\ncontent-length: {length}\r\n\r\n{BODY}"),
            ),
        };
        format!("{line} HTTP/1.1\r\nhost: souk\r\n{rest}")
    }

    fn answer(self) -> String {
        let length = BODY.len();
        match self {
            Self::Kept => "GET /kept/tea 0".to_owned(),
            Self::Other => "GET /other 0".to_owned(),
            Self::Head => String::new(),
            Self::Post => format!("POST /kept/tea {length}"),
            Self::PostInChunks | Self::PostsOfTwoLengths => format!("POST /other {length}"),
        }
    }
}

fn expected(wishes: &[Wish]) -> Vec<String> {
    wishes.iter().map(|wish| wish.answer()).collect()
}

const LAST: &str = "GET /other HTTP/1.1\r\nconnection: close\r\n\r\n";

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_given_before_hyper_hears_of_it_and_the_rest_is_hypers() {
    use Wish::{Head, Kept, Other, Post, PostInChunks};
    for (wishes, hypers) in [
        // The first one is hyper's anyhow, and the last.
        (vec![Kept, Kept, Kept, Kept], 2),
        (vec![Kept, Other, Kept, Post, Kept, Head, Kept], 5),
        // After it hyper has the connection to itself.
        (vec![Kept, Kept, PostInChunks, Kept, Kept], 5),
    ] {
        let lane = lane(100);
        let mut pieces: Vec<Vec<u8>> = Vec::new();
        for wish in &wishes {
            pieces.push(wish.request().into_bytes());
            // The answer has left when the next one comes.
            pieces.extend((0..20).map(|_| Vec::new()));
        }
        pieces.push(LAST.into());
        let (bytes, seen) = sent(&lane, pieces).await;
        let mut all = wishes.clone();
        all.push(Other);
        assert_eq!(bodies(&bytes, &all), expected(&all));
        assert_eq!(seen, hypers, "{wishes:?}");
    }
}

/// Keeps a body of so many bytes under this address.
async fn kept(lane: &Lane, address: &str, bytes: usize) {
    let request = Request::get(address).body(axum::body::Body::empty());
    let Way::Long(Some(key)) = lane.look(&request.unwrap(), HERE, true) else {
        panic!("it is kept already")
    };
    let body = Response::new(axum::body::Body::from("w".repeat(bytes)));
    let mut response = everybodys(body, Good::default());
    costs(&mut response, 1);
    counted_in(&mut response, crate::metrics::seconds);
    drop(lane.keep(key, response).await);
}

fn front(lane: Lane) -> Front<tokio::io::DuplexStream> {
    let mut front = Front::new(duplex(600).1, Some(lane), HERE);
    front.since = Some(Instant::now());
    front
}

#[tokio::test(start_paused = true)]
async fn once_a_second_hyper_hears_of_a_connection() {
    let lane = lane(100);
    kept(&lane, "/kept/tea", 3).await;
    let ask = Wish::Kept.request();
    for (age_ms, given) in [(0, true), (999, true), (1_000, false)] {
        let mut front = front(lane.clone());
        tokio::time::advance(Duration::from_millis(age_ms)).await;
        front.serve(ask.as_bytes());
        assert_eq!(!front.unsent.is_empty(), given, "{age_ms}");
        assert_eq!(front.owed == ask.len(), !given, "{age_ms}");
        assert_eq!(front.turn == Turn::Hypers, !given, "{age_ms}");
    }
}

#[tokio::test]
async fn whoever_asks_for_much_at_once_is_answered_only_so_far_and_much_is_left_to_hyper() {
    const BYTES: usize = 3_000;
    let lane = lane(1_000_000);
    kept(&lane, "/kept/wide", BYTES).await;
    kept(&lane, "/kept/huge", UNSENT_BYTES + 1).await;
    let mut front = front(lane);
    let ask = "GET /kept/wide HTTP/1.1\r\n\r\n";
    front.serve(ask.repeat(100).as_bytes());
    assert!(front.unsent.len() > UNSENT_BYTES && front.unsent.len() < UNSENT_BYTES + 2 * BYTES);
    assert_eq!((front.turn, front.owed), (Turn::Anybodys, 0));
    assert!(front.read.len() > 80 * ask.len() && front.read.len().is_multiple_of(ask.len()));
    (front.unsent, front.read) = (Vec::new(), Vec::new());
    let ask = "GET /kept/huge HTTP/1.1\r\n\r\n";
    front.serve(ask.as_bytes());
    assert_eq!((front.turn, front.owed), (Turn::Hypers, ask.len()));
}

/// What is sent at once for this request, if anything is.
fn at_once(front: &mut Front<tokio::io::DuplexStream>, line: &str, rest: &str) -> String {
    front.serve(format!("{line} HTTP/1.1\r\nhost: souk\r\n{rest}").as_bytes());
    let text = String::from_utf8(mem::take(&mut front.unsent)).unwrap();
    front.turn = Turn::Anybodys;
    (front.read, front.owed) = (Vec::new(), 0);
    text
}

#[tokio::test]
async fn while_a_door_is_late_whoever_comes_hears_so_at_once_but_for_probes_and_pages() {
    let load = load(2);
    let mut front = front(refusing(&load));
    let order = format!("content-length: {}\r\n\r\n{BODY}", BODY.len());
    assert_eq!(at_once(&mut front, "POST /api/v1/orders", &order), "");
    late(&load, 200).await;
    front.since = Some(Instant::now());
    let told = at_once(&mut front, "POST /api/v1/orders?x=1", &order);
    let (head, body) = told.split_once("\r\n\r\n").expect(&told);
    for line in [
        "HTTP/1.1 503 Service Unavailable",
        "strict-transport-security: max-age=9",
        "content-type: application/problem+json",
        "cache-control: no-store",
        "retry-after: 1",
        "x-content-type-options: nosniff",
        &format!("content-length: {}", body.len()),
    ] {
        assert!(head.lines().any(|one| one == line), "{line}: {head}");
    }
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["type"], "https://souk.example/problems/overloaded");
    assert_eq!(problem["instance"], "/api/v1/orders");
    let id = format!("x-request-id: {}", problem["request_id"].as_str().unwrap());
    assert!(head.lines().any(|one| one == id), "{id}: {head}");
    let head = at_once(&mut front, "HEAD /api/v1/orders", "\r\n");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
    for (line, rest) in [
        ("GET /livez", "\r\n"),
        ("GET /readyz", "\r\n"),
        ("GET https://souk.example/livez", "\r\n"),
        ("GET /livez#x", "\r\n"),
        ("GET /cart", "accept: text/html\r\n\r\n"),
        (
            "POST /api/v1/orders",
            "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        ("POST /api/v1/orders", "connection: close\r\n\r\n"),
        ("POST /api/v1/orders", "content-length: 9\r\n\r\nhalf"),
    ] {
        assert_eq!(at_once(&mut front, line, rest), "", "{line} {rest}");
        front.since = Some(Instant::now());
    }
}

#[tokio::test]
async fn while_a_door_is_late_hyper_s_requests_are_refused_but_not_one_that_is_on_its_way() {
    let load = load(2);
    let lane = refusing(&load);
    late(&load, 200).await;
    let head = "POST /api/v1/orders HTTP/1.1\r\nhost: souk\r\nconnection: close\r\n";
    let head = format!("{head}content-length: {}\r\n\r\n", BODY.len());
    let (whole, body) = (format!("{head}{BODY}"), BODY.to_owned());
    for (pieces, expected) in [
        (vec![whole.clone()], "HTTP/1.1 503 "),
        (vec![head, body], "HTTP/1.1 200 "),
        (vec![format!("{whole}more")], "HTTP/1.1 200 "),
    ] {
        let bytes = pieces.into_iter().map(String::into_bytes).collect();
        let (answer, seen) = sent(&lane, bytes).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with(expected), "{answer}");
        assert_eq!(seen, 1);
    }
}

#[tokio::test]
async fn of_what_does_not_tell_where_it_ends_nothing_is_answered_not_even_while_the_door_is_late() {
    let load = load(2);
    let mut front = front(refusing(&load));
    late(&load, 200).await;
    for lengths in [
        "content-length: +0",
        "content-length: -0",
        "content-length: 0x0",
        "content-length: 0, 38",
        "content-length: 0\r\ncontent-length: 38",
        "content-length: 99999999999",
        "content-length:",
        "content-length : 0",
        "content-length: 0\r\ntransfer-encoding: chunked",
        "transfer-encoding: identity",
        "x-a: 1\r\n content-length: 0",
        "content-length: 0\r\nx-a: \0",
        "x-a: 1\rcontent-length: 0",
        "upgrade: websocket",
        "expect: 100-continue",
    ] {
        front.since = Some(Instant::now());
        let bytes = format!("POST /no HTTP/1.1\r\n{lengths}\r\n\r\n{BODY}");
        front.serve(bytes.as_bytes());
        assert_eq!(front.unsent, b"", "{lengths}");
        assert_eq!(
            (front.turn, front.owed),
            (Turn::HypersAlone, bytes.len()),
            "{lengths}"
        );
        (front.turn, front.owed, front.read) = (Turn::Anybodys, 0, Vec::new());
    }
}

/// A request, how long it is waited for after it, and where it is cut, if it is.
type Coming = (Wish, usize, Option<usize>);

fn sent_so() -> impl Strategy<Value = Vec<Coming>> {
    use Wish::{Head, Kept, Other, Post, PostInChunks, PostsOfTwoLengths};
    let wish = prop_oneof![
        8 => Just(Kept), 2 => Just(Other), 1 => Just(Head), 3 => Just(Post),
        1 => Just(PostInChunks), 1 => Just(PostsOfTwoLengths),
    ];
    let wait = prop_oneof![1 => 0_usize..4, 4 => Just(30_usize)];
    let cut = prop_oneof![12 => Just(None), 1 => (1_usize..150).prop_map(Some)];
    prop::collection::vec((wish, wait, cut), 1..14)
}

#[test]
fn each_request_has_its_own_answer_however_it_comes() {
    let (asked, hypers) = (AtomicU32::new(0), AtomicU32::new(0));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(400));
    let held = runner.run(&sent_so(), |all| {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let mut pieces = Vec::new();
        for (wish, wait, cut) in &all {
            let request = wish.request();
            let bytes = request.as_bytes();
            let (first, second) = bytes.split_at(cut.unwrap_or(0).min(bytes.len()));
            pieces.extend([first.to_vec(), Vec::new(), second.to_vec()]);
            pieces.extend((0..*wait).map(|_| Vec::new()));
        }
        pieces.push(LAST.into());
        let mut wishes: Vec<Wish> = all.iter().map(|(wish, ..)| *wish).collect();
        wishes.push(Wish::Other);
        let (bytes, seen) = runtime.unwrap().block_on(sent(&lane(100), pieces));
        prop_assert_eq!(bodies(&bytes, &wishes), expected(&wishes));
        asked.fetch_add(u32::try_from(wishes.len()).unwrap(), Relaxed);
        hypers.fetch_add(seen, Relaxed);
        Ok(())
    });
    held.unwrap();
    let (asked, hypers) = (asked.into_inner(), hypers.into_inner());
    assert!(hypers < asked * 9 / 10, "hyper saw {hypers} of {asked}");
}
