//! What a message looks like on the other side of the door, and what never gets there.

use crate::{
    door::Door,
    node::{Node, Reply, Seen},
};
use testkit::raw;

/// What the only node behind a door was sent for this request.
async fn passed(settings: &[(&str, &str)], lines: &str) -> Seen {
    let node = Node::start("one").await;
    let door = Door::before_with(&[&node], settings).await;
    let request =
        format!("GET /x?y=1 HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n{lines}\r\n");
    let answer = raw(&door.url, request.as_bytes()).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text);
    node.seen().remove(0)
}

#[tokio::test]
async fn the_node_hears_who_asks_and_for_what_and_nobody_else_s_word_for_it() {
    let seen = passed(
        &[],
        "x-forwarded-for: 6.6.6.6\r\nforwarded: for=6.6.6.6\r\nx-real-ip: 6.6.6.6\r\nx-user-id: admin\r\n\
         authorization: Bearer t\r\ncookie: a=b\r\ntraceparent: 00-1-2-01\r\nx-request-id: r-1\r\n",
    )
    .await;
    assert_eq!(seen.path, "/x?y=1");
    for (name, expected) in [
        ("host", "shop.example"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "http"),
        ("x-forwarded-host", "shop.example"),
        (
            "forwarded",
            "for=127.0.0.1;proto=http;host=\"shop.example\"",
        ),
        ("x-real-ip", ""),
        ("x-user-id", ""),
        ("authorization", "Bearer t"),
        ("cookie", "a=b"),
        ("traceparent", "00-1-2-01"),
        ("x-request-id", "r-1"),
    ] {
        assert_eq!(seen.header(name), expected, "{name}");
    }
    let left: u64 = seen.header("x-deadline-ms").parse().unwrap();
    assert!((1..=10_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_proxy_before_us_is_believed_if_we_were_told_to() {
    let trusting = [
        ("SOUK_GATEWAY__TRUSTED_PROXIES", "[\"127.0.0.1/32\"]"),
        ("SOUK_HTTP__PUBLIC_URL", "https://shop.example"),
    ];
    let seen = passed(&trusting, "x-forwarded-for: 6.6.6.6, 198.51.100.7\r\n").await;
    assert_eq!(seen.header("x-forwarded-for"), "198.51.100.7");
    assert_eq!(seen.header("x-forwarded-proto"), "https");
}

#[tokio::test]
async fn what_belongs_to_one_connection_ends_at_the_door_both_ways() {
    let node = Node::start("one").await;
    let lines = "connection: x-mine\r\nx-mine: 1\r\nkeep-alive: timeout=9\r\nx-yours: 2\r\n\
        proxy-authenticate: Basic\r\n";
    node.does(move |_| Reply::Status(200, lines));
    let door = Door::before(&[&node]).await;
    let request = b"GET /x HTTP/1.1\r\nhost: shop\r\nconnection: close, x-secret\r\nx-secret: 1\r\nte: trailers\r\n\
        upgrade: websocket\r\nproxy-authorization: Basic x\r\nx-other: 1\r\n\r\n";
    let answer = raw(&door.url, request).await.unwrap();
    let seen = node.seen().remove(0);
    for name in [
        "connection",
        "x-secret",
        "te",
        "upgrade",
        "proxy-authorization",
    ] {
        assert_eq!(seen.header(name), "", "{name}");
    }
    assert_eq!(seen.header("x-other"), "1");
    for name in ["x-mine", "keep-alive", "proxy-authenticate"] {
        assert_eq!(answer.header(name), "", "{name}");
    }
    assert_eq!(answer.header("x-yours"), "2");
}

/// Heads that two readers could read in two ways; `$` is the length of what follows them.
const AMBIGUOUS: &[(&str, &str)] = &[
    (
        "both lengths",
        "content-length: $\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "two lengths",
        "content-length: 0\r\ncontent-length: $\r\n\r\n",
    ),
    ("a list of lengths", "content-length: 0, $\r\n\r\n"),
    ("a signed length", "content-length: +$\r\n\r\n"),
    (
        "chunked twice",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "chunked not last",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    ),
    (
        "a coding of no name",
        "transfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    ),
    (
        "a bad chunk",
        "transfer-encoding: chunked\r\n\r\nzz\r\n\r\n0\r\n\r\n",
    ),
    ("a folded line", "x-a: 1\r\n content-length: 5\r\n\r\n"),
    ("a space before the colon", "content-length : $\r\n\r\n"),
    (
        "a bare line feed in a value",
        "x-a: 1\ncontent-length: $\r\n\r\n",
    ),
    ("a nought in a value", "x-a: \0\r\n\r\n"),
];

/// Requests that two readers could read as two different ones. Each is refused at the door, or reaches the node
/// once, with one length.
#[tokio::test]
async fn nothing_can_be_smuggled_past_the_door() {
    let node = Node::start("one").await;
    let door = Door::before(&[&node]).await;
    refuse_to_be_fooled(&door.url, &[&node]).await;
}

/// Sends everything ambiguous to this address, before these nodes.
pub(crate) async fn refuse_to_be_fooled(url: &str, nodes: &[&Node]) {
    let inner = "GET /smuggled HTTP/1.1\r\nhost: x\r\n\r\n";
    let length = inner.len().to_string();
    for (what, head) in AMBIGUOUS {
        let head = head.replace('$', &length);
        let request =
            format!("POST /x HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{head}{inner}");
        let before: Vec<usize> = nodes.iter().map(|node| node.count()).collect();
        let answer = raw(url, request.as_bytes()).await;
        let seen = nodes.iter().zip(before);
        let seen = seen.flat_map(|(node, before)| node.seen().split_off(before));
        let seen: Vec<Seen> = seen.collect();
        assert!(seen.len() <= 1, "{what}: {seen:?}");
        for one in &seen {
            assert_eq!(
                (one.method.as_str(), one.path.as_str()),
                ("POST", "/x"),
                "{what}"
            );
            let lengths = one
                .headers
                .iter()
                .filter(|(name, _)| name == "content-length");
            let coded = !one.header("transfer-encoding").is_empty();
            assert!(lengths.count() + usize::from(coded) <= 1, "{what}: {one:?}");
        }
        let status = answer.map_or(0, |answer| answer.status);
        let passed = seen.len() == 1 && status == 200;
        assert!(
            passed || (seen.is_empty() && [0, 400, 501].contains(&status)),
            "{what}: {status} {seen:?}"
        );
    }
}

#[tokio::test]
async fn methods_that_ask_for_tunnels_and_mirrors_are_refused_at_the_door() {
    let node = Node::start("one").await;
    let door = Door::before(&[&node]).await;
    for line in ["CONNECT evil:443", "TRACE /x"] {
        let request = format!("{line} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
        let answer = raw(&door.url, request.as_bytes()).await.unwrap();
        assert_eq!(
            (answer.status, answer.code()),
            (405, "method_not_allowed"),
            "{line}"
        );
    }
    assert_eq!(node.count(), 0);
}

#[tokio::test]
async fn large_bodies_pass_whole_and_too_large_ones_not_at_all() {
    let node = Node::start("one").await;
    node.does(|seen| match seen.method.as_str() {
        "GET" => Reply::Large(3_000_000),
        _ => Reply::Status(200, ""),
    });
    let settings = [("SOUK_BALANCE__BODY_BYTES_MAX", "1000000")];
    let door = Door::before_with(&[&node], &settings).await;
    assert_eq!(door.get("/large").await.text.len(), 3_000_000);
    let sent = vec![b'x'; 900_000];
    let answer = door.send("POST", "/x", &[], sent.clone()).await.unwrap();
    assert_eq!(answer.0, 200);
    assert_eq!(node.seen()[1].body, sent);
    let chunked = |chunks: usize| {
        let head = "POST /x HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
        let chunk = format!("3e8\r\n{}\r\n", "y".repeat(1_000));
        format!("{head}{}0\r\n\r\n", chunk.repeat(chunks)).into_bytes()
    };
    let answer = raw(&door.url, &chunked(900)).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(node.seen()[2].body.len(), 900_000);
    let head =
        "POST /x HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-length: 1000001\r\n\r\n";
    let told = raw(
        &door.url,
        format!("{head}{}", "x".repeat(1_000_001)).as_bytes(),
    )
    .await;
    assert_eq!(told.unwrap().status, 413);
    let streamed = raw(&door.url, &chunked(2_000)).await;
    assert_ne!(streamed.map_or(0, |answer| answer.status), 200);
    assert_eq!(node.count(), 3);
}
