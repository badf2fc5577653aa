//! D10 to D14: input that nobody should send, lists without an end, filters, caches and limits.

use crate::program::{Expected, Program, account, filled, list, open};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{Answer, Shop};

/// What no answer may tell of what is behind it.
const INSIDE: &[&str] = &[
    "panicked",
    ".rs:",
    "rusqlite",
    "SQLITE",
    "SELECT ",
    "UPDATE ",
    "stack backtrace",
    // where this was built
    env!("CARGO_MANIFEST_DIR"),
    "/root/",
    "/tmp/",
    "    at ",
];

#[track_caller]
fn harmless(answer: &Answer, what: &str) {
    assert!(
        (400..500).contains(&answer.status),
        "{what}: {} {}",
        answer.status,
        answer.text
    );
    assert!(!answer.code().is_empty(), "{what}: {}", answer.text);
    for word in INSIDE {
        assert!(!answer.text.contains(word), "{what}: {}", answer.text);
    }
}

/// What is no id of anything; addresses that lead elsewhere are another matter.
const NO_IDS: &[&str] = &[
    "1",
    "-1",
    "undefined",
    "null",
    "NaN",
    "507f1f77bcf86cd799439011",
    "prd_",
    "ord_zzz",
    "prd_x'%3B%20DROP%20TABLE%20products%3B%20--",
    "%00",
    "%ff",
    "%f0%9f%8d%b5",
    "..%2f..%2fetc%2fpasswd",
    "*",
    "%3F",
    "$where",
    "1e309",
    "prd_01h455vb4pex5vsknk084sn02qq",
    "usr_01h455vb4pex5vsknk084sn02q",
];

/// Where an id is read.
const BY_ID: &str = r#"
GET /products/ID {}
PUT /products/ID {"price": 1, "stock": 1}
PUT /api/products/ID {"price": 1, "version": 0}
DELETE /products/ID {}
GET /orders/ID {}
PUT /orders/ID {"status": "cancelled"}
PUT /orders/ID/status {"status": "paid"}
GET /orders/user/ID {}
POST /orders {"product_id": "ID", "quantity": 1}
POST /orders {"productIds": ["ID"], "quantities": [1]}
POST /payments {"order_id": "ID", "method": "tok_ok"}
POST /payments {"order_id": "ID", "method": "tok_ok", "amount": 1}
"#;

#[tokio::test]
async fn d10_malformed_ids_are_refused_and_never_an_error_of_ours() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let long = "a".repeat(4_000);
    for id in NO_IDS.iter().chain(&[long.as_str()]) {
        for line in BY_ID.trim().lines() {
            let line = line.replace("ID", id);
            let words: Vec<&str> = line.splitn(3, ' ').collect();
            let body = filled(words[2], &[]);
            harmless(&amira.call(words[0], words[1], Some(body)).await, &line);
        }
    }
}

fn hostile_values() -> Vec<Value> {
    let deep = (0..100).fold(json!(1), |inner, _| json!([inner]));
    vec![
        Value::Null,
        json!(true),
        json!(""),
        json!(" "),
        json!("\u{0}"),
        json!("x".repeat(60_000)),
        json!(-1),
        json!(1e308),
        json!(9_223_372_036_854_775_807_i64),
        json!(u64::MAX),
        json!("-0"),
        json!("0x10"),
        json!("٣"),
        json!([]),
        json!([[]]),
        json!({}),
        json!({"$ne": null}),
        json!({"__proto__": {"admin": true}}),
        deep,
    ]
}

/// Bodies that would be refused anyway, so that whatever stands in a field changes nothing.
const BODIES: &str = r#"
POST /register {"username": "x", "email": "x@example.com", "password": "x", "name": "x"}
POST /login {"username": "other", "password": "correct horse battery"}
POST /api/auth/refresh {"refresh_token": "x"}
POST /api/auth/delete {"password": "x"}
POST /products {"name": "", "description": "", "price": -1, "stock": -1}
PUT /products/TEA {"name": "", "price": -1, "stock": -1, "version": 7}
POST /orders {"product_id": "x", "quantity": 0, "total_price": -1, "userId": "x"}
POST /orders {"productIds": ["x"], "quantities": [0], "totalAmount": 1}
PUT /orders/ORDER {"status": "x"}
POST /payments {"order_id": "x", "method": "x", "amount": 1}
"#;

#[tokio::test]
async fn d10_no_field_of_any_body_is_answered_with_an_error_of_ours() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "2", 5).await;
    let order = amira.place(&tea, 1).await;
    for line in BODIES.trim().lines() {
        let line = line.replace("TEA", &tea).replace("ORDER", &order);
        let words: Vec<&str> = line.splitn(3, ' ').collect();
        let send = async |body: Value| {
            let answer = amira.call(words[0], words[1], Some(body)).await;
            harmless(&answer, &line);
        };
        let good = filled(words[2], &[]);
        for name in good.as_object().into_iter().flatten().map(|(name, _)| name) {
            for value in hostile_values() {
                let mut body = good.clone();
                body[name.as_str()] = value;
                send(body).await;
            }
            let mut body = good.clone();
            body.as_object_mut().expect("an object").remove(name);
            send(body).await;
        }
        for body in [json!([]), json!("x"), json!(1), Value::Null] {
            send(body).await;
        }
    }
    let seen = amira.get(&format!("/products/{tea}")).await.is(200);
    assert_eq!((seen.int("/stock"), seen.int("/version")), (4, 0));
    assert_eq!(amira.orders().await, 1);
    shop.verify().await;
}

#[tokio::test]
async fn d11_lists_come_in_pages() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    for number in 0..105 {
        amira.sell(&format!("Tea {number}"), "2", 5).await;
    }
    for root in ["/products", "/api/products"] {
        let first = amira.get(root).await.is(200);
        assert_eq!(list(&first).len(), 100);
        let link = first.header("link").to_owned();
        assert!(link.contains("rel=\"next\""), "{link}");
        let next = link.split(['<', '>']).nth(1).expect("an address");
        assert!(next.starts_with(&format!("{root}?")), "{link}");
        let second = amira.get(next).await.is(200);
        assert_eq!((list(&second).len(), second.header("link")), (5, ""));
        let mut ids: Vec<_> = list(&first)
            .iter()
            .chain(list(&second))
            .map(|one| one["_id"].to_string())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 105);
        assert_eq!(
            list(&amira.get(&format!("{root}?limit=3")).await.is(200)).len(),
            3
        );
        for limit in ["0", "101", "1000000", "-1", "all", ""] {
            let answer = amira.get(&format!("{root}?limit={limit}")).await;
            answer.refused(400, "invalid_parameter");
        }
    }
}

#[tokio::test]
async fn d12_filters_take_texts_and_nothing_runs_in_them() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Green tea (first 100%)", "2", 5).await;
    amira.sell("Pot", "3", 5).await;
    assert_eq!(
        amira.get("/products?q=tea").await.is(200).str("/0/_id"),
        tea
    );
    for query in [
        "_id[$ne]=1",
        "name[$regex]=.*",
        "q[$ne]=1",
        "$where=sleep(9999)",
        "price[$gt]=0",
        "category[]=a",
        "where=1%3D1",
        "sort=price;DROP%20TABLE%20products",
        "sort=$natural",
        "fields=password",
        "select=%2A",
        "offset=1",
    ] {
        let answer = amira.get(&format!("/products?{query}")).await;
        answer.refused(400, "invalid_parameter");
        let answer = amira.get(&format!("/orders?{query}")).await;
        answer.refused(400, "invalid_parameter");
    }
    for words in [
        "(a%2B)%2B%24",
        ".%2A",
        "%27%20OR%201%3D1--",
        "%22%20OR%20%22",
        "NEAR(a%20b)",
        "%25",
        "_",
        "%2A",
        "%22",
        "%00",
        "tea%20AND%20NOT%20green",
        "name%3Agreen",
        "%D8%B4%D8%A7%D9%8A",
        &"a".repeat(190),
        &"%28".repeat(200),
        &"*%20".repeat(100),
    ] {
        let started = Instant::now();
        let answer = amira.get(&format!("/products?q={words}")).await;
        assert!(
            matches!(answer.status, 200 | 400),
            "{words}: {}",
            answer.text
        );
        assert!(started.elapsed() < Duration::from_secs(5), "{words}");
        assert!(
            answer.status == 400 || list(&answer).len() < 2,
            "{words} found all: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn d13_what_was_written_is_what_is_read() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let nobody = Program::new(&shop);
    let tea = amira.sell("Tea", "2", 1_000).await;
    let path = format!("/products/{tea}");
    for round in 1..=25 {
        amira
            .put(
                &path,
                json!({"price": round, "description": round.to_string()}),
            )
            .await
            .is(200);
        let seen = nobody.get(&path).await.is(200);
        assert_eq!(
            (&seen.json["price"], seen.int("/version")),
            (&json!(round), round)
        );
        let listed = nobody.get("/products").await.is(200);
        assert_eq!(listed.json[0]["price"], json!(round));
        amira.order(&tea, 1).await.is(201);
        let headers = [("if-none-match", seen.header("etag"))];
        let again = nobody.call_with("GET", &path, None, &headers).await.is(200);
        assert_eq!(
            again.int("/stock"),
            1_000 - round,
            "an order is another state"
        );
        let headers = [("if-none-match", again.header("etag"))];
        let same = nobody.call_with("GET", &path, None, &headers).await.is(304);
        assert!(same.text.is_empty());
    }
    amira.delete(&path).await.is(204);
    nobody.get(&path).await.refused(404, "not_found");
    assert!(list(&nobody.get("/products").await.is(200)).is_empty());
}

#[tokio::test]
async fn d14_limits_count_callers_and_never_the_shop_s_own_calls() {
    let settings = [
        ("SOUK_IDENTITY__REGISTRATION_ROLE", "merchant"),
        ("SOUK_LIMITS__ENABLED", "true"),
        ("SOUK_LIMITS__LOGIN__UNITS", "5"),
        ("SOUK_LIMITS__CHECKOUT__UNITS", "20"),
        ("SOUK_LIMITS__DEFAULT__UNITS", "40"),
    ];
    let shop = Shop::start_with(&settings).await;
    let amira = Program::register(&shop, "amira").await;
    let other = Program::register(&shop, "other").await;
    let tea = amira.sell("Tea", "2", 90).await;
    // Each order is several calls between services, and is counted as the one that it is.
    for _ in 0..20 {
        amira.order(&tea, 1).await.is(201);
    }
    let mut told = amira.order(&tea, 1).await;
    for _ in 0..20 {
        // One more is let in every three seconds.
        if told.status == 429 {
            break;
        }
        told = amira.order(&tea, 1).await;
    }
    let told = told.refused(429, "rate_limited");
    let wait = told.header("retry-after").parse::<u32>();
    assert!(wait.is_ok_and(|seconds| seconds > 0), "{:?}", told.headers);
    assert!(
        told.header("ratelimit").contains("r=0"),
        "{:?}",
        told.headers
    );
    other.order(&tea, 1).await.is(201);
    amira.get("/orders").await.is(200);
    // An address of one's own making is no other caller.
    let nobody = Program::new(&shop);
    let mut refused = 0;
    for number in 0..8 {
        let address = format!("203.0.113.{number}");
        let headers = [
            ("x-forwarded-for", address.as_str()),
            ("x-real-ip", &address),
        ];
        let body = Some(account("nobody"));
        let answer = nobody.call_with("POST", "/login", body, &headers).await;
        refused += i32::from(answer.status == 429);
        assert!(matches!(answer.status, 401 | 429), "{}", answer.text);
    }
    assert!(refused >= 3, "{refused}");
    for path in ["/livez", "/readyz"] {
        nobody.get(path).await.is(200);
    }
}
