//! Every refusal, from whatever depth, is a problem with its id; every bound of the stack holds.

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Request, header},
    routing::{get, post},
};
use contracts::{access::Role, problem::Code};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use platform::{
    clock::Clock,
    http::{Fault, Json, stack},
};
use serde_json::Value;
use std::time::Duration;
use tower::ServiceExt;

fn shop() -> Router {
    let router = Router::new()
        .route("/fine", get(async || "fine"))
        .route(
            "/panics",
            get(async || {
                if true {
                    panic!("on purpose: secret-path")
                } else {
                    ""
                }
            }),
        )
        .route(
            "/slow",
            get(async || tokio::time::sleep(Duration::from_secs(600)).await),
        )
        .route(
            "/slow-write",
            post(async || tokio::time::sleep(Duration::from_secs(600)).await),
        )
        .route("/refuses", get(async || Fault::new(Code::Overloaded)))
        .route("/reads", post(async |Json(role): Json<Role>| Json(role)));
    let options = stack::Options {
        timeout_ms: 50,
        in_flight_max: 2,
        late_ms_max: 0,
        body_bytes_max: 100,
    };
    stack::wrap(router, &options, "https://shop.example", Clock::System)
}

struct Answer {
    status: u16,
    headers: axum::http::HeaderMap,
    body: Value,
    text: String,
}

async fn send(request: Request<Body>) -> Answer {
    let response = shop().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}

async fn fetch(path: &str) -> Answer {
    send(Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_router_s_own_refusals_are_problems_too() {
    for (method, path, status, code) in [
        ("GET", "/nowhere", 404, "not_found"),
        ("POST", "/fine", 405, "method_not_allowed"),
        ("GET", "/refuses", 503, "overloaded"),
        ("GET", "/panics", 500, "internal"),
        ("GET", "/slow", 503, "unavailable"),
        ("POST", "/slow-write", 504, "outcome_unknown"),
        ("POST", "/reads", 415, "unsupported_media_type"),
    ] {
        let answer = send(
            Request::builder()
                .method(method)
                .uri(path)
                .body(Body::empty())
                .unwrap(),
        )
        .await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (status, Some(code)),
            "{method} {path}"
        );
        assert_eq!(
            answer.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(
            answer.body["type"],
            format!("https://shop.example/problems/{code}")
        );
        assert_eq!(
            answer.body["request_id"].as_str().unwrap(),
            answer.headers[&stack::X_REQUEST_ID]
        );
        assert!(!answer.text.contains("secret-path") && !answer.text.contains("on purpose"));
    }
}

#[tokio::test]
async fn a_refusal_for_now_says_when_to_come_back() {
    assert_eq!(fetch("/refuses").await.headers[header::RETRY_AFTER], "1");
}

#[tokio::test]
async fn the_caller_s_request_id_is_kept_if_it_is_plain() {
    let with_id = |id: &str| {
        Request::get("/fine")
            .header("x-request-id", id)
            .body(Body::empty())
            .unwrap()
    };
    assert_eq!(
        send(with_id("abc-123")).await.headers[&stack::X_REQUEST_ID],
        "abc-123"
    );
    let ours = send(with_id("<script>")).await;
    assert_ne!(ours.headers[&stack::X_REQUEST_ID], "<script>");
}

#[tokio::test]
async fn too_much_of_anything_is_refused() {
    let long = format!("/{}", "a".repeat(9_000));
    assert_eq!(fetch(&long).await.status, 414);
    let wide = Request::get("/fine")
        .header("x-wide", "a".repeat(17_000))
        .body(Body::empty())
        .unwrap();
    assert_eq!(send(wide).await.status, 431);
    let many = (0..101).fold(Request::get("/fine"), |request, n| {
        request.header(format!("x-{n}"), "1")
    });
    assert_eq!(send(many.body(Body::empty()).unwrap()).await.status, 431);
    let big = Request::post("/reads")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from("1".repeat(101)));
    let answer = send(big.unwrap()).await;
    assert_eq!(
        (answer.status, answer.body["code"].as_str()),
        (413, Some("body_too_large"))
    );
}

#[tokio::test]
async fn a_body_that_never_comes_whole_had_no_effect() {
    let parts = futures_util::stream::iter([Ok::<_, std::io::Error>("{")]);
    let stalled = Body::from_stream(parts.chain(futures_util::stream::pending()));
    let request = Request::post("/reads").header(header::CONTENT_TYPE, "application/json");
    let answer = send(request.body(stalled).unwrap()).await;
    assert_eq!(
        (answer.status, answer.body["code"].as_str()),
        (408, Some("request_timeout"))
    );
}

#[tokio::test]
async fn a_caller_who_waits_less_is_answered_sooner_and_the_work_knows_when() {
    let knows = get(async || {
        let deadline = platform::deadline::current().unwrap();
        format!("{}", deadline.has_passed())
    });
    let slow = get(async || std::future::pending::<()>().await);
    let router = Router::new().route("/knows", knows).route("/slow", slow);
    let options = stack::Options {
        timeout_ms: 600_000,
        in_flight_max: 2,
        late_ms_max: 0,
        body_bytes_max: 100,
    };
    let shop = stack::wrap(router, &options, "https://shop.example", Clock::System);
    for (path, said, expected) in [
        ("/knows", "0", (200, "true")),
        ("/knows", "60000", (200, "false")),
        ("/knows", "soon", (200, "false")),
        ("/slow", "5", (503, "unavailable")),
    ] {
        let request = Request::get(path).header("x-deadline-ms", said);
        let request = request.body(Body::empty()).unwrap();
        let response = shop.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert_eq!(status, expected.0, "{path} {said}");
        assert!(text.contains(expected.1), "{path} {said}: {text}");
    }
}

/// Has a shop with so many requests at work do something, after its only thread was away for a while.
async fn when_late<T>(at_work: usize, then: impl AsyncFnOnce(&Router) -> T) -> T {
    let router = Router::new()
        .route("/fine", get(async || "fine"))
        .route("/livez", get(async || "alive"))
        .route("/slow", get(async || std::future::pending::<()>().await));
    let options = stack::Options {
        timeout_ms: 600_000,
        in_flight_max: 1_000,
        late_ms_max: 10,
        body_bytes_max: 100,
    };
    let shop = stack::wrap(router, &options, "https://shop.example", Clock::System);
    let mut waiting = Vec::new();
    for _ in 0..at_work {
        let request = Request::get("/slow").body(Body::empty()).unwrap();
        let mut work = Box::pin(shop.clone().oneshot(request));
        assert!(futures_util::poll!(&mut work).is_pending());
        waiting.push(work);
    }
    // Somebody has to look first; then the pulse beats.
    assert_eq!(ask(&shop, "/fine").await.0, 200);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let begun = std::time::Instant::now();
    while begun.elapsed() < Duration::from_millis(100) {
        std::hint::spin_loop();
    }
    then(&shop).await
}

async fn ask(shop: &Router, path: &str) -> (u16, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = shop.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&bytes).into_owned())
}

#[tokio::test]
async fn a_shop_that_does_not_keep_up_says_so_at_once_and_takes_work_again_when_it_does() {
    when_late(200, async |shop| {
        let (status, text) = ask(shop, "/fine").await;
        assert_eq!(status, 503, "{text}");
        assert!(text.contains("overloaded"), "{text}");
        let begun = std::time::Instant::now();
        while ask(shop, "/fine").await.0 != 200 {
            assert!(begun.elapsed() < Duration::from_secs(30));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

#[tokio::test]
async fn probes_are_answered_late_or_not_and_few_requests_are_not_what_makes_late() {
    let (alive, _) = when_late(200, async |shop| ask(shop, "/livez").await).await;
    let (fine, _) = when_late(20, async |shop| ask(shop, "/fine").await).await;
    assert_eq!((alive, fine), (200, 200));
    // Nobody counts as their own reason: 127 at work are few, from wherever it is seen.
    let (last, _) = when_late(127, async |shop| ask(shop, "/fine").await).await;
    let (next, _) = when_late(128, async |shop| ask(shop, "/fine").await).await;
    assert_eq!((last, next), (200, 503));
}

#[tokio::test]
async fn compressed_bodies_are_not_read() {
    for (coding, status) in [("gzip", 415), ("identity, br", 415), ("identity", 200)] {
        let request = Request::post("/reads")
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_ENCODING, coding)
            .body(Body::from("\"admin\""));
        assert_eq!(send(request.unwrap()).await.status, status, "{coding}");
    }
}

#[tokio::test]
async fn one_request_too_many_is_refused_at_once_and_probes_are_not() {
    let shop = shop();
    let request = |path: &str| {
        shop.clone()
            .oneshot(Request::get(path).body(Body::empty()).unwrap())
    };
    let (one, two, three, probe) = tokio::join!(
        request("/slow"),
        request("/slow"),
        request("/fine"),
        request("/livez")
    );
    assert_eq!(one.unwrap().status(), 503, "timed out");
    assert_eq!(two.unwrap().status(), 503, "timed out");
    assert_eq!(three.unwrap().status(), 503, "shed");
    assert_eq!(probe.unwrap().status(), 404, "reached the router");
}

#[tokio::test]
async fn people_get_a_page_and_programs_a_document() {
    let page = Request::get("/nowhere")
        .header(header::ACCEPT, "text/html")
        .body(Body::empty())
        .unwrap();
    let answer = send(page).await;
    assert_eq!(
        answer.headers[header::CONTENT_TYPE],
        "text/html; charset=utf-8"
    );
    assert!(answer.text.contains("<h1>Not found</h1>"));
    let api = Request::get("/api/v1/nowhere")
        .header(header::ACCEPT, "text/html")
        .body(Body::empty())
        .unwrap();
    assert_eq!(
        send(api).await.headers[header::CONTENT_TYPE],
        "application/problem+json"
    );
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    for path in ["/fine", "/nowhere", "/panics"] {
        for (accepted, default) in [
            ("application/json", "default-src 'none';"),
            ("text/html", "default-src 'self';"),
        ] {
            let asked = Request::get(path).header(header::ACCEPT, accepted);
            let answer = send(asked.body(Body::empty()).unwrap()).await;
            let is_page = answer.headers.get(header::CONTENT_TYPE)
                == Some(&HeaderValue::from_static("text/html; charset=utf-8"));
            assert_eq!(is_page, accepted == "text/html" && path != "/fine");
            assert_eq!(
                answer.headers["x-content-type-options"], "nosniff",
                "{path}"
            );
            assert_eq!(answer.headers["x-frame-options"], "DENY", "{path}");
            let policy = answer.headers["content-security-policy"].to_str().unwrap();
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
            if path != "/fine" {
                assert!(policy.starts_with(default), "{path}: {policy}");
            }
            assert_eq!(answer.headers.contains_key("permissions-policy"), is_page);
        }
    }
}
