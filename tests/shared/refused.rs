//! What is refused costs the database nothing: a storm of sign-ins, of which most find no place to wait for their hash,
//! is not heard of there.

use crate::counted::{Counted, TIMES};
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::{Client, PASSWORD};

/// One hash at a time, that nobody may wait for, and that takes some seconds.
const SLOW: [(&str, &str); 3] = [
    ("SOUK_IDENTITY__HASH_PERMITS", "1"),
    ("SOUK_IDENTITY__HASH_QUEUE_MAX", "0"),
    ("SOUK_IDENTITY__ARGON2_PASSES", "200"),
];
/// Longer than until a hash begins.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_sign_in_that_there_is_no_place_for_looks_nobody_up() {
    let (shop, mut counted) = Counted::on_files(&SLOW).await;
    counted.learn().await;
    let visitor = shop.visitor();
    let heard_of = async {
        for _ in 0..TIMES {
            let made = visitor.post("/api/v1/carts", &json!({})).await;
            assert_eq!(made.status, 201, "{}", made.text);
        }
    };
    assert!(counted.each(heard_of).await >= 1);
    // It takes the only place, if not at once, and keeps it until its hash is made, whoever waits for its answer.
    let other = shop.visitor();
    let registering = async {
        let body = json!({"email": "bob@example.com", "password": PASSWORD});
        while other.post("/api/v1/auth/register", &body).await.status == 503 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        std::future::pending().await
    };
    let statements: u64 = tokio::select! {
        never = registering => never,
        statements = refused(&visitor, &counted) => statements,
    };
    assert_eq!(statements, 0);
}

/// How many statements a sign-in takes that is refused.
async fn refused(ann: &Client, counted: &Counted) -> u64 {
    let sign_in = json!({"email": "ann@example.com", "password": PASSWORD});
    let begun = Instant::now();
    while ann.post("/api/v1/auth/login", &sign_in).await.status != 503 {
        assert!(begun.elapsed() < PATIENCE, "never refused");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let many = async {
        for _ in 0..TIMES {
            let answer = ann.post("/api/v1/auth/login", &sign_in).await;
            assert_eq!(answer.code(), "overloaded", "{}", answer.text);
        }
    };
    counted.each(many).await
}
