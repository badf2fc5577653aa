//! Whatever is sent, the answer is a refusal that says what is wrong, and nothing happens.

use crate::shop::{Call, PASSWORD, Shop};
use axum::http::Method;
use serde_json::json;

const ROUTES: [(Method, &str); 8] = [
    (Method::POST, "/api/v1/auth/register"),
    (Method::POST, "/api/v1/auth/login"),
    (Method::POST, "/api/v1/auth/refresh"),
    (Method::POST, "/api/v1/auth/logout"),
    (Method::POST, "/api/v1/auth/setup"),
    (Method::PATCH, "/api/v1/me"),
    (Method::DELETE, "/api/v1/me"),
    (
        Method::PATCH,
        "/api/v1/users/usr_01h455vb4pex5vsknk084sn02q",
    ),
];

fn strange_bodies() -> Vec<Vec<u8>> {
    let mut bodies: Vec<Vec<u8>> = [
        "{",
        "}",
        "null",
        "true",
        "1e999",
        "[]",
        "[[]]",
        "\"x\"",
        "{}{}",
        "{\"\":1}",
        "{\"a\":",
        "{\"email\":{\"$ne\":\"\"},\"password\":{\"$ne\":\"\"}}",
        "{\"email\":\"a@b.c\",\"email\":\"a@b.c\",\"password\":\"correct horse\"}",
        "{\"email\":\"a@b.c\",\"password\":123456789}",
        "{\"email\":\"a@b.c\",\"password\":null}",
        "{\"email\":\"a@b.c\",\"password\":\"\\ud800aaaaaaaa\"}",
        "{\"email\":\"not an address\",\"password\":\"correct horse\"}",
        "{\"email\":\"a\\r\\nBcc: b@c.d\",\"password\":\"correct horse\"}",
        "{\"email\":\"a\\u0000@b.c\",\"password\":\"correct horse\"}",
        "{\"username\":\"<script>\",\"password\":\"correct horse\"}",
        "{\"refresh_token\":[]}",
        "{\"name\":7,\"version\":1}",
        "{\"name\":\"x\",\"version\":-1}",
        "{\"name\":\"x\",\"version\":9223372036854775808}",
        "{\"__proto__\":{\"admin\":true}}",
    ]
    .map(|text| text.as_bytes().to_vec())
    .into();
    bodies.push(vec![0xff, 0xfe, 0x00]);
    bodies.push(b"[".repeat(60_000));
    bodies.push(
        format!(
            "{{\"email\":\"{}@b.c\",\"password\":\"correct horse\"}}",
            "a".repeat(10_000)
        )
        .into(),
    );
    bodies
}

#[tokio::test]
async fn strange_bodies_are_refused_and_leave_nothing() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;
    for (method, path) in ROUTES {
        for body in strange_bodies() {
            if path.ends_with("/logout") && body == b"null" {
                continue; // Its body is optional.
            }
            let call = Call::new(method.clone(), path).bearer(&admin);
            let call = call
                .header("content-type", "application/json")
                .bytes(body.clone());
            let answer = shop.send(call).await;
            let shown = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            let status = answer.status.as_u16();
            assert!(
                [400, 422].contains(&status),
                "{status} {method} {path} {shown}"
            );
        }
    }
    assert!(shop.takes(&admin), "still signed in");
    let me = shop.send(Call::get("/api/v1/me").bearer(&admin)).await;
    assert_eq!(me.body["version"], 1);
}

#[tokio::test]
async fn other_kinds_and_sizes_of_bodies_are_refused() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;
    for (method, path) in ROUTES {
        let call = || Call::new(method.clone(), path).bearer(&admin);
        for kind in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/xml",
        ] {
            let answer = shop
                .send(call().header("content-type", kind).bytes("{}"))
                .await;
            assert_eq!(answer.status, 415, "{path} {kind}");
        }
        let large = json!({"email": "x".repeat(70_000)});
        assert_eq!(shop.send(call().json(&large)).await.status, 413, "{path}");
    }
}

#[tokio::test]
async fn unknown_methods_and_addresses_are_said() {
    let shop = Shop::start().await;
    assert_eq!(
        shop.send(Call::get("/api/v1/auth/login")).await.short(),
        "405 method_not_allowed"
    );
    assert_eq!(
        shop.send(Call::get("/api/v1/auth/nothing")).await.short(),
        "404 not_found"
    );
    let admin = shop.admin().await;
    for id in [
        "1",
        "me",
        "%00",
        "..%2f..",
        "usr_",
        "usr_zzzzzzzzzzzzzzzzzzzzzzzzzz",
        "' OR 1=1",
    ] {
        let path = format!("/api/v1/users/{}", id.replace(' ', "%20"));
        let answer = shop.send(Call::get(&path).bearer(&admin)).await;
        assert_eq!(answer.short(), "400 malformed", "{id}");
    }
    for tag in ["*", "x", "\"\"", "W/\"1\"", "\"1\", \"2\""] {
        let call = Call::patch("/api/v1/me")
            .bearer(&admin)
            .header("if-match", tag);
        let answer = shop.send(call.json(&json!({"name": "x"}))).await;
        assert_eq!(answer.short(), "400 malformed", "{tag}");
    }
}

#[tokio::test]
async fn names_are_only_data() {
    let shop = Shop::start().await;
    for (n, name) in [
        "'; DROP TABLE users; --",
        "${jndi:ldap://x}",
        "%s%n",
        "\u{202e}evil",
    ]
    .into_iter()
    .enumerate()
    {
        let email = format!("o'brien{n}@example.com");
        let body = json!({"email": email, "password": PASSWORD, "name": name});
        let answer = shop.post("/api/v1/auth/register", body).await;
        assert_eq!(answer.status, 201);
        assert_eq!(answer.body["user"]["name"], name);
    }
}
