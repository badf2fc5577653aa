//! What is refused costs the database nothing: a storm of sign-ins, of which most find no place to wait for their hash,
//! is not heard of there.

use crate::counted::{Counted, TIMES};
use serde_json::json;
use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};
use testkit::{Client, PASSWORD};

/// One hash at a time, that nobody may wait for, and that takes a second or more.
const SLOW: [(&str, &str); 3] = [
    ("SOUK_IDENTITY__HASH_PERMITS", "1"),
    ("SOUK_IDENTITY__HASH_QUEUE_MAX", "0"),
    ("SOUK_IDENTITY__ARGON2_PASSES", "200"),
];
/// Longer than until all that was asked is refused, however slow the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

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
    let registered = AtomicUsize::new(0);
    let statements = tokio::select! {
        never = registering(shop.visitor(), &registered) => match never {},
        statements = refused(&visitor, &counted, &registered) => statements,
    };
    assert_eq!(statements, Some(0));
}

/// People who register, one after the other: each has the only place until the hash is made.
async fn registering(visitor: Client, registered: &AtomicUsize) -> Infallible {
    loop {
        let number = registered.load(Ordering::Relaxed);
        let body = json!({"email": format!("{number}@example.com"), "password": PASSWORD});
        let answer = visitor.post("/api/v1/auth/register", &body).await;
        assert!(matches!(answer.status, 201 | 503), "{}", answer.text);
        registered.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How many statements a sign-in takes that is refused: several, one after the other, while one and the same hash is
/// made. None if they never were.
async fn refused(ann: &Client, counted: &Counted, registered: &AtomicUsize) -> Option<u64> {
    let sign_in = json!({"email": "ann@example.com", "password": PASSWORD});
    let ask = async || ann.post("/api/v1/auth/login", &sign_in).await.status;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        // Not to be the one who has the place each time.
        tokio::time::sleep(Duration::from_millis(50)).await;
        if ask().await != 503 {
            continue;
        }
        let (before, mut all_refused) = (registered.load(Ordering::Relaxed), true);
        let many = async {
            for _ in 0..TIMES {
                all_refused &= ask().await == 503;
            }
        };
        let statements = counted.each(many).await;
        if all_refused && registered.load(Ordering::Relaxed) == before {
            return Some(statements);
        }
    }
    None
}
