//! The request itself: too long, too wide, in pieces that do not fit, or with headers that say something odd.

use super::{
    ask::{Ask, Case, wrong_shape},
    world::{
        By::{self, *},
        World,
    },
};
use contracts::problem::Code::{self, *};
use testkit::raw;

const PLACE: &str = r#"{"items":[{"product_id":"$product","quantity":1}]}"#;
const PAY: &str = r#"{"order_id":"$pending","method":"tok_ok"}"#;
const RENAME: &str = r#"{"name":"x"}"#;
const PRICED: &str = r#"{"name":"x","price":1}"#;
const RAISE: &str = r#"{"roles":["merchant"]}"#;

fn ask(world: &World, by: By, line: &str) -> Ask {
    Ask::new(world.fill(line)).by(world.client(by))
}

/// Keys that name no request.
pub(crate) fn keys(world: &World) -> Vec<Case> {
    let long = "k".repeat(129);
    let longer = "k".repeat(8_000);
    let bad: [&[u8]; 12] = [
        b"",
        b"\"\"",
        b"a b",
        b"a\tb",
        b"\xff",
        b"\xc3\xa9",
        "\u{1f375}".as_bytes(),
        b"\"a b\"",
        b"\"",
        long.as_bytes(),
        longer.as_bytes(),
        b"\" \"",
    ];
    let routes = [
        (Ann, "POST /api/v1/orders", PLACE, true),
        (Nobody, "POST /api/v1/orders", PLACE, true),
        (Ann, "POST /api/v1/payments", PAY, true),
        (
            Ann,
            "POST /orders",
            r#"{"product_id":"$product","quantity":1}"#,
            false,
        ),
        (Ann, "POST /payments", PAY, false),
        (Admin, "POST /api/v1/products", PRICED, false),
        (
            Admin,
            "POST /api/v1/products/batch",
            r#"{"products":[{"name":"x","price":1}]}"#,
            false,
        ),
        (
            Admin,
            "POST /api/v1/inventory/adjust",
            r#"{"changes":[{"sku":"Tea","delta":1,"reason":"x"}]}"#,
            false,
        ),
        (Admin, "POST /products", PRICED, false),
    ];
    let mut cases = Vec::new();
    for (by, line, body, required) in routes {
        let ask = || ask(world, by, line).json(world.fill(body));
        for key in bad {
            // A lone quotation mark is a visible character.
            if key != b"\"" {
                cases.push(Case::new(
                    ask().header("idempotency-key", key),
                    &[IdempotencyKeyInvalid],
                ));
            }
        }
        let two = ask()
            .header("idempotency-key", "one")
            .header("idempotency-key", "two");
        cases.push(Case::new(two, &[IdempotencyKeyInvalid]));
        if required {
            cases.push(Case::new(ask(), &[IdempotencyKeyMissing]));
        }
    }
    cases
}

/// Preconditions that name no version of ours, none at all, or another.
pub(crate) fn preconditions(world: &World) -> Vec<Case> {
    #[rustfmt::skip] // a rule a line
    let tags: &[(&[u8], &[Code])] = &[
        (b"*", &[Malformed]),
        (b"", &[Malformed]),
        (b"x", &[Malformed]),
        (b"\"x\"", &[Malformed]),
        (b"W/\"1\"", &[Malformed, PreconditionFailed]),
        (b"\"1\", \"2\"", &[Malformed]),
        (b"\"0\"", &[Malformed]),
        (b"\"-1\"", &[Malformed]),
        (b"\"1.0\"", &[Malformed]),
        (b"\"1e0\"", &[Malformed]),
        (b"\" 1\"", &[Malformed]),
        (b"\"\"1\"\"", &[Malformed]),
        (b"\"1", &[Malformed]),
        (b"\"1-x\"", &[Malformed]),
        (b"\"1-' OR 1=1\"", &[Malformed]),
        (b"\"99999999999999999999\"", &[Malformed]),
        (b"\xff", &[Malformed]),
        (b"\"7\"", &[PreconditionFailed]),
        (b"\"7-1\"", &[PreconditionFailed]),
        (b"\"9223372036854775807\"", &[PreconditionFailed]),
    ];
    let routes = [
        (Ann, "PATCH /api/v1/me", RENAME),
        (Admin, "PATCH /api/v1/users/$bob", RAISE),
        (Admin, "PUT /api/v1/products/$product", PRICED),
        (Admin, "PATCH /api/v1/products/$product", RENAME),
        (Admin, "DELETE /api/v1/products/$product", ""),
    ];
    let mut cases = Vec::new();
    for (by, line, body) in routes {
        let ask = |line: &str| {
            let ask = ask(world, by, line);
            if body.is_empty() { ask } else { ask.json(body) }
        };
        cases.push(Case::new(ask(line), &[PreconditionRequired]));
        for (tag, codes) in tags {
            cases.push(Case::new(ask(line).header("if-match", tag), codes));
        }
        let two = ask(line)
            .header("if-match", "\"1\"")
            .header("if-match", "\"2\"");
        cases.push(Case::new(two, &[Malformed]));
    }
    for query in [
        "version=0",
        "version=-1",
        "version=x",
        "version=",
        "version=1.5",
        "x=1",
    ] {
        let line = format!("DELETE /api/v1/products/$product?{query}");
        cases.push(Case::new(ask(world, Admin, &line), &[InvalidParameter]));
    }
    let differ =
        ask(world, Admin, "DELETE /api/v1/products/$product?version=2").header("if-match", "\"1\"");
    cases.push(Case::new(differ, &[Malformed]));
    let differ = ask(world, Ann, "PATCH /api/v1/me")
        .header("if-match", "\"1\"")
        .json(r#"{"name":"x","version":2}"#);
    cases.push(Case::new(differ, &[Malformed]));
    cases
}

/// Too long, too wide, too many; and who asks said in ways that are not understood.
pub(crate) fn limits(world: &World) -> Vec<Case> {
    let wide = |bytes: usize| Ask::new("GET /api/v1/products").header("x-wide", "a".repeat(bytes));
    let long = |bytes: usize| Ask::new(format!("GET /api/v1/products?q={}", "a".repeat(bytes)));
    let token = |token: &[u8]| Ask::new("GET /api/v1/me").header("authorization", token);
    let foreign = |name: &str, value: &str| {
        ask(world, Nobody, "OPTIONS /api/v1/orders")
            .header("origin", "https://evil.example")
            .header(name, value)
    };
    vec![
        Case::new(long(8 * 1_024), &[UriTooLong]),
        Case::new(long(30 * 1_024), &[UriTooLong]),
        Case::new(
            Ask::new(format!("GET /{}", "a/".repeat(5_000))),
            &[UriTooLong],
        ),
        Case::new(
            Ask::new(format!("POST /{}", "a".repeat(9_000))),
            &[UriTooLong],
        ),
        Case::new(wide(17 * 1_024), &[HeadersTooLarge]),
        Case::new(wide(40 * 1_024), &[HeadersTooLarge]),
        Case::new(token(b"Bearer"), &[InvalidToken, Unauthenticated]),
        Case::new(token(b"Bearer \xff\xfe"), &[InvalidToken, Unauthenticated]),
        Case::new(token(b""), &[InvalidToken, Unauthenticated]),
        Case::new(token(&[b'a'; 9_000]), &[InvalidToken, Unauthenticated]),
        Case::new(
            Ask::new(world.fill("GET /api/v1/orders/$paid")).header("order-token", b"\xff"),
            &[NotFound, Unauthenticated],
        ),
        Case::new(
            Ask::new(world.fill("GET /api/v1/orders/$paid")).header("order-token", "x"),
            &[NotFound],
        ),
        Case::new(
            Ask::new(world.fill("GET /api/v1/orders/$paid"))
                .header("order-token", "a".repeat(9_000)),
            &[NotFound],
        ),
        Case::new(
            foreign("access-control-request-method", "POST"),
            &[Forbidden],
        ),
    ]
}

/// What HTTP itself forbids. It ends before there is a request that could be answered with a problem.
pub(crate) async fn assert_broken_requests_end(world: &World) {
    let host = "host: shop.example\r\nconnection: close\r\n";
    let json = "idempotency-key: broken\r\ncontent-type: application/json\r\n";
    let order = format!("POST /api/v1/orders HTTP/1.1\r\n{host}{json}");
    let body = world
        .fill(PLACE)
        .replace("}]}", "}],\"email\":\"guest@souk.example\"}");
    let length = body.len();
    let shorter = length - 5;
    // More headers than hyper keeps on its stack; to keep more would cost every request.
    let many: String = (0..101).map(|n| format!("x-{n}: 1\r\n")).collect();
    let requests = [
        format!("GET /api/v1/products HTTP/1.1\r\n{host}{many}\r\n"),
        "GET\r\n\r\n".to_owned(),
        "rubbish\r\n\r\n".to_owned(),
        "\u{0}\u{1}\u{2}\u{3}\r\n\r\n".to_owned(),
        format!("GET /api/v1/products HTTP/9.9\r\n{host}\r\n"),
        format!("GET /api/v1/products HTTP/1.1 x\r\n{host}\r\n"),
        format!("GET /api/v1/pro ducts HTTP/1.1\r\n{host}\r\n"),
        format!("GET /api/v1/products?q=\" HTTP/1.1\r\n{host}\r\n"),
        format!("G@T /api/v1/products HTTP/1.1\r\n{host}\r\n"),
        format!("GET /api/v1/products HTTP/1.1\r\n{host}x-a: 1\r\n folded\r\n\r\n"),
        format!("GET /api/v1/products HTTP/1.1\r\n{host}x a: 1\r\n\r\n"),
        format!("GET /api/v1/products HTTP/1.1\r\n{host}x-a : 1\r\n\r\n"),
        format!("GET /api/v1/products HTTP/1.1\r\n{host}: 1\r\n\r\n"),
        format!("{order}x-a: \u{7f}\r\n\r\n"),
        format!("GET /api/v1/products HTTP/1.1\r\n{host}x-a: \u{0}\r\n\r\n"),
        format!("GET /{} HTTP/1.1\r\n{host}\r\n", "a".repeat(70_000)),
        format!(
            "GET / HTTP/1.1\r\n{host}x-a: {}\r\n\r\n",
            "a".repeat(100_000)
        ),
        format!("{order}content-length: {length}\r\ncontent-length: {shorter}\r\n\r\n{body}"),
        format!("{order}content-length: -1\r\n\r\n{body}"),
        format!("{order}content-length: x\r\n\r\n{body}"),
        format!("{order}content-length: 99999999999999999999999\r\n\r\n{body}"),
        format!("{order}transfer-encoding: chunked\r\n\r\nx\r\n{body}\r\n0\r\n\r\n"),
        format!("{order}transfer-encoding: chunked\r\n\r\n-1\r\n{body}\r\n0\r\n\r\n"),
        format!(
            "{order}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n{body}\r\n0\r\n\r\n"
        ),
        format!("{order}transfer-encoding: chunked\r\n\r\n1\r\n{body}\r\n0\r\n\r\n"),
        format!("{order}transfer-encoding: gzip\r\n\r\n{body}"),
        format!("{order}transfer-encoding: chunked\r\ncontent-length: {length}\r\n\r\n{body}"),
    ];
    for request in requests {
        let shown: String = request.chars().take(400).collect();
        // No answer at all is one too: the connection was closed.
        let Some(answer) = raw(world.url(), request.as_bytes()).await else {
            continue;
        };
        assert!(
            (400..500).contains(&answer.status),
            "{shown}: {} {}",
            answer.status,
            answer.text
        );
        if !answer.text.is_empty() {
            let path = answer.str("/instance").to_owned();
            assert_eq!(
                wrong_shape(world.url(), &path, &answer),
                None,
                "{shown}: {}",
                answer.text
            );
        }
    }
}

/// A length beside chunks: the chunks count, and nothing after them is taken for another request.
pub(crate) async fn assert_nothing_is_smuggled(world: &World) {
    let inner = "GET /version HTTP/1.1\r\nhost: shop.example\r\nconnection: close\r\n\r\n";
    for lengths in [
        "content-length: 5\r\ntransfer-encoding: chunked",
        "transfer-encoding: chunked\r\ncontent-length: 5",
    ] {
        let request = format!(
            "POST /api/v1/nope HTTP/1.1\r\nhost: shop.example\r\n{lengths}\r\n\r\n0\r\n\r\n{inner}"
        );
        let answer = raw(world.url(), request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 404, "{}", answer.text);
        assert!(
            !answer.text.contains("HTTP/1.1"),
            "two answers: {}",
            answer.text
        );
    }
}

/// Headers that say something odd and are no reason to refuse.
#[rustfmt::skip] // a header a line
const ODD: &[(&str, &[u8])] = &[
    ("accept", b"application/xml"),
    ("accept", b"text/html;q=x"),
    ("accept", b"\xff"),
    ("accept", b"*/*;q=0"),
    ("accept-language", b"\xff"),
    ("accept-encoding", b"x, \xff, gzip;q=9"),
    ("cookie", b"\xff=\xfe; souk_access=; =; ;;"),
    ("cookie", b"souk_access=rubbish; souk_refresh=rubbish"),
    ("if-none-match", b"rubbish, \xff"),
    ("if-none-match", b"W/\"x\", \"1"),
    ("if-modified-since", b"yesterday"),
    ("range", b"bytes=9999999-"),
    ("range", b"rubbish"),
    ("expect", b"x"),
    ("upgrade", b"h2c"),
    ("x-request-id", b"a b"),
    ("x-request-id", b"<script>alert(1)</script>"),
    ("x-request-id", b"\xff"),
    ("traceparent", b"rubbish"),
    ("idempotency-key", b"\xff"),
    ("content-type", b"\xff"),
    ("content-length", b"0"),
    ("origin", b"https://evil.example"),
    ("origin", b"null"),
    ("referer", b"\xff"),
    ("user-agent", b"() { :; }; /bin/sh"),
    ("x-forwarded-for", b"' OR 1=1 --, \xff"),
    ("x-forwarded-host", b"evil.example"),
    ("forwarded", b"for=\"[::1]\";host=evil.example"),
    ("te", b"trailers"),
    ("date", b"\xff"),
    ("from", b"$ne"),
];

pub(crate) async fn assert_odd_headers_do_no_harm(world: &World) {
    for (name, value) in ODD {
        for path in ["/api/v1/products", "/products", "/", "/api/v1/nope"] {
            let ask = Ask::new(format!("GET {path}")).header(name, value);
            let answer = ask.send(world.url()).await.unwrap();
            let shown = format!(
                "{name}: {} at {path}: {}",
                String::from_utf8_lossy(value),
                answer.text
            );
            assert!(
                [200, 304, 404].contains(&answer.status),
                "{} {shown}",
                answer.status
            );
            assert!(!answer.text.contains("evil.example"), "{shown}");
            assert!(
                !answer.header("x-request-id").contains(['<', ' ']),
                "{shown}"
            );
            assert_eq!(answer.header("access-control-allow-origin"), "", "{shown}");
        }
    }
    // What the caller calls the shop is not repeated either.
    for target in [
        "http://evil.example/api/v1/nope",
        "//evil.example/api/v1/nope",
        "/api/v1/nope",
    ] {
        let request =
            format!("GET {target} HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
        let answer = raw(world.url(), request.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 404, "{target}: {}", answer.text);
        assert!(
            !answer.str("/type").contains("evil.example"),
            "{target}: {}",
            answer.text
        );
        assert_eq!(answer.header("location"), "", "{target}");
    }
}
