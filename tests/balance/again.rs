//! What is sent to another node, and above all what is not.

use crate::{
    door::{Door, until},
    node::{Node, Reply},
};
use testkit::{Client, raw};

const KEY: (&str, &str) = ("idempotency-key", "k1");
/// An ill node is asked as often as a good one, and is never left out: tries are what is counted here.
const EVEN: &[(&str, &str)] = &[
    ("SOUK_BALANCE__EJECT__FAILURES", "0"),
    ("SOUK_BALANCE__EJECT__FAILURE_PERCENT", "0"),
    ("SOUK_BALANCE__DECAY_MS", "0"),
    ("SOUK_BALANCE__RETRY__RESERVE", "1000"),
];

/// A node that does this, a good one, and a door in front of both.
async fn beside(reply: Reply, settings: &[(&str, &str)]) -> (Node, Node, Door) {
    let (ill, well) = (Node::start("ill").await, Node::start("well").await);
    ill.does(move |_| reply.clone());
    let settings = [EVEN, settings].concat();
    let door = Door::before_with(&[&ill, &well], &settings).await;
    (ill, well, door)
}

/// The code of a problem.
fn code(text: &str) -> String {
    let problem: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    problem["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn reads_and_what_has_a_key_go_to_another_node_when_one_breaks_off() {
    let (ill, _well, door) = beside(Reply::Close, &[]).await;
    let all: [(&str, &[(&str, &str)]); 6] = [
        ("GET", &[]),
        ("HEAD", &[]),
        ("POST", &[KEY]),
        ("PUT", &[KEY]),
        ("PATCH", &[KEY]),
        ("DELETE", &[KEY]),
    ];
    for (method, headers) in all {
        let before = ill.count();
        while ill.count() == before {
            let answer = door.send(method, "/x", headers, "{}").await;
            assert_eq!(answer.unwrap().0, 200, "{method}");
        }
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_ever_sent_twice() {
    let (ill, well, door) = beside(Reply::Close, &[]).await;
    let all: [(&str, &[(&str, &str)]); 4] = [
        ("POST", &[]),
        ("PUT", &[("if-match", "\"1\"")]),
        ("PATCH", &[("idempotency-key", "")]),
        ("DELETE", &[]),
    ];
    let mut sent = 0;
    for (method, headers) in all {
        let before = ill.count();
        while ill.count() == before {
            let (status, text) = door.send(method, "/x", headers, "{}").await.unwrap();
            sent += 1;
            let broke = ill.count() > before;
            let expected = if broke {
                (504, "outcome_unknown")
            } else {
                (200, "")
            };
            assert_eq!((status, code(&text).as_str()), expected, "{method} {text}");
        }
    }
    assert_eq!(ill.count() + well.count(), sent, "each exactly once");
}

#[tokio::test]
async fn what_was_not_sent_at_all_goes_elsewhere_whatever_it_is() {
    let (gone, well) = (Node::start("gone").await, Node::start("well").await);
    // Nobody asks how they are: only requests find out.
    let settings = [EVEN, &[("SOUK_BALANCE__PROBE__EVERY_MS", "0")]].concat();
    let nodes = format!("[\"{}\",\"{}\"]", gone.address, well.address);
    let door = Door::at(&nodes, &settings).await;
    drop(gone);
    for number in 0..20 {
        let (status, text) = door.send("POST", "/x", &[], "{}").await.unwrap();
        assert_eq!((status, text.as_str()), (200, "well"));
        assert_eq!(well.count(), number + 1);
    }
    let refused = "souk_upstream_attempts_total{role=\"node\",result=\"refused\"}";
    assert!(door.counted(refused).await > 0);
}

#[tokio::test]
async fn a_refusal_is_tried_elsewhere_and_a_failure_is_not() {
    for (status, tried_again) in [
        (502, true),
        (503, true),
        (500, false),
        (504, false),
        (429, false),
    ] {
        let (ill, _well, door) = beside(Reply::Status(status, "retry-after: 1\r\n"), &[]).await;
        while ill.count() == 0 {
            let answer = door.send("GET", "/x", &[], "").await.unwrap();
            let expected = if tried_again || ill.count() == 0 {
                200
            } else {
                status
            };
            assert_eq!(answer.0, expected);
        }
        // Without a key, what the node says is what the caller hears.
        let before = ill.count();
        while ill.count() == before {
            let answer = door.send("POST", "/x", &[], "").await.unwrap();
            let expected = if ill.count() == before { 200 } else { status };
            assert_eq!(answer.0, expected);
        }
    }
}

#[tokio::test]
async fn who_is_silent_costs_a_read_one_try_and_a_write_its_whole_time() {
    let settings = [
        ("SOUK_BALANCE__RETRY__TRY_MS", "100"),
        ("SOUK_BALANCE__TIMEOUT_MS", "1000"),
    ];
    let (ill, well, door) = beside(Reply::Silence, &settings).await;
    while ill.count() == 0 {
        assert_eq!(door.send("GET", "/x", &[], "").await.unwrap().1, "well");
    }
    let key: &[(&str, &str)] = &[KEY];
    for (path, headers, words) in [
        ("/keyed", key, "retry with the same Idempotency-Key"),
        ("/bare", &[], "look before you ask again"),
    ] {
        let at = |node: &Node| node.seen().iter().filter(|seen| seen.path == path).count();
        let mut sent = 0;
        while at(&ill) == 0 {
            let (status, text) = door.send("POST", path, headers, "{}").await.unwrap();
            sent += 1;
            let was_silent = at(&ill) > 0;
            assert_eq!(status, if was_silent { 504 } else { 200 });
            let told = code(&text) == "outcome_unknown" && text.contains(words);
            assert_eq!(told, was_silent, "{text}");
        }
        assert_eq!(at(&ill) + at(&well), sent, "{path}: each exactly once");
    }
}

#[tokio::test]
async fn a_large_body_is_sent_once_and_whole() {
    let (ill, well, door) = beside(Reply::Close, &[]).await;
    let large = vec![b'x'; 100_000];
    let mut whole = 0;
    while ill.count() == 0 || well.count() == 0 {
        let (status, _) = door
            .send("POST", "/x", &[KEY], large.clone())
            .await
            .unwrap();
        whole += 1;
        assert!([200, 504].contains(&status), "{status}");
    }
    assert_eq!(ill.count() + well.count(), whole);
    assert!(well.seen().iter().all(|seen| seen.body == large));
}

#[tokio::test]
async fn tries_again_have_a_budget() {
    let (one, other) = (Node::start("one").await, Node::start("other").await);
    for node in [&one, &other] {
        node.does(|_| Reply::Status(503, "retry-after: 1\r\n"));
    }
    let settings = [EVEN, &[("SOUK_BALANCE__RETRY__RESERVE", "5")]].concat();
    let door = Door::before_with(&[&one, &other], &settings).await;
    for _ in 0..100 {
        assert_eq!(door.get("/x").await.status, 503);
    }
    let again = one.count() + other.count() - 100;
    assert!(
        (10..=15).contains(&again),
        "{again} of a hundred, and a reserve of five"
    );
    let refused = "souk_upstream_retries_total{role=\"node\",result=\"over_budget\"}";
    assert!(door.counted(refused).await >= 85);
}

#[tokio::test]
async fn when_nobody_can_be_reached_the_caller_is_told_so_and_when_to_come_back() {
    let node = Node::start("gone").await;
    let door = Door::before(&[&node]).await;
    drop(node);
    let answer = door.get("/api/v1/products").await;
    assert_eq!(
        (answer.status, answer.code()),
        (502, "upstream_unavailable")
    );
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(answer.str("/request_id"), answer.header("x-request-id"));
    let refused = door.send("POST", "/x", &[], "{}").await.unwrap();
    assert_eq!(code(&refused.1), "upstream_unavailable", "nothing was sent");
    until("the door itself says no", || async {
        door.get("/readyz").await.status == 503
    })
    .await;
    assert_eq!(door.get("/livez").await.status, 200);
    let verbose = Client::new(&door.ops).get("/readyz?verbose").await;
    assert_eq!(verbose.json["checks"][0]["name"], "nodes");
    assert_eq!(verbose.json["checks"][0]["error"], "no node takes work");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_never_passed_off_as_a_whole_one() {
    let node = Node::start("half").await;
    node.does(|_| Reply::Half);
    let door = Door::before(&[&node]).await;
    let answer = door.send("GET", "/x", &[], "").await;
    assert!(answer.is_err(), "{answer:?}");
    assert_eq!(node.count(), 1, "and never begun anew");
    let request = b"GET /x HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";
    // Its head may be lost, too; if it is not, it says how much is missing.
    if let Some(answer) = raw(&door.url, request).await {
        assert_eq!(answer.header("content-length"), "1000");
        assert!(answer.text.len() < 1_000);
    }
    let free = |services: &serde_json::Value| services[0]["instances"][0]["in_flight"] == 0;
    door.until("nothing is at work any more", free).await;
}
