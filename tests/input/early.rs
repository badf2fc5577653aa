//! Answers that are ready before the body has come: many clients send the head and the body one after the other, and
//! the next request on the same connection.

use super::world::World;
use testkit::raw_in_pieces;

const NEXT: &str = "GET /livez HTTP/1.1\r\nhost: souk\r\n\r\n";
const WRONG: &str = "authorization: Bearer of.no.worth\r\n";
const KEY: &str = "idempotency-key: early\r\n";
const PACKED: &str = "content-encoding: gzip\r\n";
const WAITS: &str = "expect: 100-continue\r\n";
const JSON: &str = r#"{"items":[]}"#;
const CHUNKS: &str = "c\r\n{\"items\":[]}\r\n0\r\n\r\n";

/// What is asked, how long it says that the body is, what comes of it, the status, and whether the connection stays.
type Early = (
    &'static str,
    &'static [&'static str],
    &'static str,
    &'static str,
    u16,
    bool,
);

const OF_JSON: &str = "content-length: 12";
const OF_MORE: &str = "content-length: 13";
const OF_MUCH: &str = "content-length: 65537";
const OF_TOO_MUCH: &str = "content-length: 5000000";
const IN_CHUNKS: &str = "transfer-encoding: chunked";

const ORDERS: &str = "POST /api/v1/orders";
const CASES: [Early; 9] = [
    (ORDERS, &[WRONG, KEY], OF_JSON, JSON, 401, true),
    ("POST /api/v1/nowhere", &[], OF_JSON, JSON, 404, true),
    ("DELETE /api/v1/products", &[], OF_JSON, JSON, 405, true),
    ("POST /api/v1/products", &[PACKED], OF_JSON, JSON, 415, true),
    // Of these the rest is not waited for, or not for long.
    (ORDERS, &[WRONG, KEY], OF_MORE, JSON, 401, false),
    (ORDERS, &[WRONG, KEY], OF_MUCH, JSON, 401, false),
    (ORDERS, &[WRONG, KEY, WAITS], OF_JSON, "", 401, false),
    // After chunks the connection ends, whenever they come.
    (ORDERS, &[WRONG, KEY], IN_CHUNKS, CHUNKS, 401, false),
    ("POST /api/v1/auth/login", &[], OF_TOO_MUCH, "", 413, false),
];

pub(crate) async fn assert_nobody_is_cut_off(world: &World) {
    for (line, headers, length, body, status, stays) in CASES {
        let kind = "host: souk\r\ncontent-type: application/json";
        let headers = headers.concat();
        let head = format!("{line} HTTP/1.1\r\n{kind}\r\n{headers}{length}\r\n\r\n");
        let pieces = [head.as_bytes(), body.as_bytes()];
        let (first, next) = raw_in_pieces(world.url(), pieces, NEXT.as_bytes()).await;
        let first = first.unwrap_or_else(|| panic!("{head} is answered"));
        assert_eq!(first.status, status, "{head}: {}", first.text);
        let is_told = first
            .headers
            .get("connection")
            .is_some_and(|said| said == "close");
        assert_eq!(is_told, !stays, "{head}");
        let next = next.map(|next| next.status);
        assert_eq!(next, stays.then_some(200), "{head}");
    }
}
