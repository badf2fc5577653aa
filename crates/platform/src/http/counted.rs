//! What requests are measured by: how many, how they ended, how long they took, by method, by the template of the route
//! and by the class of the status. Never by a path, an id or an address: whatever has no template shares one name.

use super::lane;
use crate::metrics::{Family, Gauge, Histogram, Registry};
use axum::{
    Router,
    extract::{MatchedPath, Request, State},
    http::{Extensions, Method, StatusCode},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use std::{
    borrow::Cow,
    sync::{Arc, LazyLock, OnceLock},
};
use tokio::time::Instant;

/// Seconds, as the conventions of `OpenTelemetry` for servers have them.
const BUCKETS: [f64; 14] = [
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
];
/// What has no template of ours: pages that are not there, requests that were refused before anybody looked.
const OTHER: &str = "other";

type Labels = [(&'static str, Cow<'static, str>); 4];
type AtDoor = [(&'static str, &'static str); 1];

struct Requests {
    seconds: Family<Labels, Histogram, fn() -> Histogram>,
    in_flight: Family<AtDoor, Gauge>,
}

static REQUESTS: LazyLock<Requests> = LazyLock::new(|| Requests {
    seconds: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
    in_flight: Family::default(),
});

/// Adds them to a registry.
pub fn register(registry: &mut Registry) {
    registry.register(
        "souk_http_request_seconds",
        "From a request until its answer begins, by route; of whoever went away before it, the status is gone",
        REQUESTS.seconds.clone(),
    );
    registry.register(
        "souk_http_requests_in_flight",
        "Requests at work",
        REQUESTS.in_flight.clone(),
    );
}

/// Where a request arrived; whoever knows it first says so.
#[derive(Clone, Default)]
pub(super) struct Place(Arc<OnceLock<Cow<'static, str>>>);

impl Place {
    /// What is known of it by now.
    pub(super) fn name(&self) -> Cow<'static, str> {
        self.0.get().cloned().unwrap_or(Cow::Borrowed(OTHER))
    }
}

/// Where the request with these extensions arrived, as soon as anybody knows.
pub(super) fn place_of(extensions: &Extensions) -> Place {
    extensions.get().cloned().unwrap_or_default()
}

/// Says what a request with these extensions shall be counted as. The first word counts.
pub fn place(extensions: &Extensions, name: &'static str) {
    note(extensions, Cow::Borrowed(name));
}

fn note(extensions: &Extensions, name: Cow<'static, str>) {
    if let Some(Place(place)) = extensions.get() {
        // Somebody further out knew better.
        drop(place.set(name));
    }
}

/// Puts the count around a whole door, outside of everything else.
pub fn around(router: Router, door: &'static str) -> Router {
    router.layer(from_fn_with_state(door, count))
}

/// Lets the routes of a router be counted by their templates, and whatever has none by this name.
pub fn named(router: Router, otherwise: &'static str) -> Router {
    router.layer(from_fn_with_state(otherwise, tell))
}

/// The same for routes that share the name of all that have none.
pub fn by_route(router: Router) -> Router {
    named(router, OTHER)
}

/// Counts a request that was refused before anybody looked, since then.
pub(super) fn refused(door: &'static str, method: &Method, started: Instant) {
    let labels = [
        ("door", Cow::Borrowed(door)),
        ("method", Cow::Borrowed(name_of(method))),
        ("route", Cow::Borrowed(OTHER)),
        (
            "status",
            Cow::Borrowed(class_of(StatusCode::SERVICE_UNAVAILABLE)),
        ),
    ];
    let seconds = REQUESTS.seconds.get_or_create_owned(&labels);
    seconds.observe(started.elapsed().as_secs_f64());
}

async fn tell(State(otherwise): State<&'static str>, request: Request, next: Next) -> Response {
    let extensions = request.extensions();
    let name = match extensions.get::<MatchedPath>() {
        Some(path) => Cow::Owned(path.as_str().to_owned()),
        None => Cow::Borrowed(otherwise),
    };
    note(extensions, name);
    next.run(request).await
}

async fn count(State(door): State<&'static str>, mut request: Request, next: Next) -> Response {
    let open = Open::of(door, request.method());
    request.extensions_mut().insert(open.place.clone());
    let mut response = next.run(request).await;
    let status = response.status();
    lane::counted_in(&mut response, || open.seconds(class_of(status)));
    open.answered(status);
    response
}

/// A request at work. It is counted when it ends, also if nobody waits for it any more.
struct Open {
    door: &'static str,
    method: &'static str,
    place: Place,
    status: &'static str,
    started: Instant,
    in_flight: Gauge,
}

impl Open {
    fn of(door: &'static str, method: &Method) -> Self {
        let in_flight = REQUESTS.in_flight.get_or_create_owned(&[("door", door)]);
        in_flight.inc();
        Self {
            door,
            method: name_of(method),
            place: Place::default(),
            status: "gone",
            started: Instant::now(),
            in_flight,
        }
    }

    fn answered(mut self, status: StatusCode) {
        self.status = class_of(status);
    }
}

impl Open {
    /// Where those are counted that end like this.
    fn seconds(&self, status: &'static str) -> Histogram {
        let labels = [
            ("door", Cow::Borrowed(self.door)),
            ("method", Cow::Borrowed(self.method)),
            ("route", self.place.name()),
            ("status", Cow::Borrowed(status)),
        ];
        REQUESTS.seconds.get_or_create_owned(&labels)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let seconds = self.seconds(self.status);
        seconds.observe(self.started.elapsed().as_secs_f64());
        self.in_flight.dec();
    }
}

/// A method is whatever a caller writes: only those that we know have a name.
pub(super) fn name_of(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let known = KNOWN.into_iter().find(|known| *known == method.as_str());
    known.unwrap_or(OTHER)
}

fn class_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        0..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{body::Body, routing::get};
    use tower::ServiceExt;

    /// The lines of this door, and how often each was counted.
    fn counted(door: &str) -> Vec<String> {
        let mut registry = Registry::default();
        register(&mut registry);
        let text = crate::metrics::text(&registry).unwrap();
        let mine = format!("souk_http_request_seconds_count{{door=\"{door}\"");
        let mut lines: Vec<String> = text
            .lines()
            .filter(|line| line.starts_with(&mine))
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    }

    fn line(door: &str, rest: &str) -> String {
        format!("souk_http_request_seconds_count{{door=\"{door}\",{rest}")
    }

    async fn ask(router: &Router, method: &str, path: &str) -> u16 {
        let request = Request::builder().method(method).uri(path);
        let request = request.body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        answer.status().as_u16()
    }

    #[tokio::test]
    async fn however_many_paths_and_methods_are_asked_the_names_are_few() {
        let inner = Router::new().route("/things/{id}", get(|| async { "a thing" }));
        let inner = by_route(inner);
        let outer = Router::new().fallback(move |request: Request| inner.clone().oneshot(request));
        let door = around(outer, "few");
        for number in 0..300 {
            assert_eq!(ask(&door, "GET", &format!("/things/{number}")).await, 200);
            assert_eq!(ask(&door, "GET", &format!("/nothing/{number}")).await, 404);
            assert_eq!(
                ask(&door, &format!("M{number}"), "/things/1").await,
                405,
                "a method of the caller's own"
            );
        }
        let expected = [
            "method=\"GET\",route=\"/things/{id}\",status=\"2xx\"} 300",
            "method=\"GET\",route=\"other\",status=\"4xx\"} 300",
            "method=\"other\",route=\"/things/{id}\",status=\"4xx\"} 300",
        ];
        assert_eq!(counted("few"), expected.map(|rest| line("few", rest)));
    }

    #[tokio::test]
    async fn whoever_goes_before_the_answer_is_counted_as_gone() {
        let inner = Router::new().route("/slow", get(std::future::pending::<&'static str>));
        let door = around(by_route(inner), "gone");
        let asked = tokio::time::timeout(
            std::time::Duration::from_millis(1),
            ask(&door, "GET", "/slow"),
        );
        assert!(asked.await.is_err());
        let expected = "method=\"GET\",route=\"/slow\",status=\"gone\"} 1";
        assert_eq!(counted("gone"), [line("gone", expected)]);
        let in_flight = REQUESTS.in_flight.get_or_create_owned(&[("door", "gone")]);
        assert_eq!(in_flight.get(), 0);
    }

    #[tokio::test]
    async fn the_first_word_for_a_place_counts() {
        let inner = by_route(Router::new().route("/inner", get(|| async { "here" })));
        let outer = Router::new().fallback(move |request: Request| {
            place(request.extensions(), "translated");
            inner.clone().oneshot(request)
        });
        assert_eq!(ask(&around(outer, "first"), "GET", "/inner").await, 200);
        let expected = "method=\"GET\",route=\"translated\",status=\"2xx\"} 1";
        assert_eq!(counted("first"), [line("first", expected)]);
    }
}
