//! A cluster as `souk cluster demo` starts it: nodes, the database, the broker and the cache are killed while people
//! buy. Nothing that was acknowledged may be lost or doubled, and the books must balance. Real processes only.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on should stop"
)]

mod demo;

use demo::Demo;
use reqwest::Method;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use testkit::{Answer, Client};
use tokio::task::JoinSet;

const BUYERS: usize = 4;
/// Longer than a failover takes, with its new standby.
const LONG: Duration = Duration::from_secs(60);

/// What buyers were told: orders by key.
#[derive(Debug, Default)]
struct Told {
    acknowledged: BTreeMap<String, String>,
    in_trouble: usize,
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_dies_nothing_acknowledged_is_lost_or_doubled_and_the_books_balance() {
    let Some(mut demo) = Demo::start().await else {
        return;
    };
    let ann = demo.customer("ann").await;
    let products = demo.products(4).await;
    let told = Arc::new(Mutex::new(Told::default()));
    let over = Arc::new(AtomicBool::new(false));
    let mut buyers = JoinSet::new();
    for buyer in 0..BUYERS {
        let (ann, told, over) = (ann.clone(), Arc::clone(&told), Arc::clone(&over));
        let product = products[buyer % products.len()].clone();
        buyers.spawn(async move { buy(&ann, buyer, &product, &told, &over).await });
    }
    for (part, sign) in [
        ("node-2", "started"),
        ("postgres", "failed-over"),
        ("standby", "started"),
        ("nats", "started"),
        ("redis", "started"),
    ] {
        more(&told, 20).await;
        // The standby is made anew by itself after the failover; it is only waited for.
        if part != "standby" {
            demo.kill(part);
        }
        demo.hear(part, sign, LONG).await;
    }
    more(&told, 20).await;
    over.store(true, Ordering::SeqCst);
    while let Some(buyer) = buyers.join_next().await {
        buyer.unwrap();
    }
    let told = Arc::into_inner(told).unwrap().into_inner().unwrap();
    let distinct: BTreeSet<&String> = told.acknowledged.values().collect();
    assert_eq!(
        distinct.len(),
        told.acknowledged.len(),
        "an order for each key"
    );
    for (key, id) in &told.acknowledged {
        let answer = ann.get(&format!("/api/v1/orders/{id}")).await;
        assert_eq!(answer.status, 200, "{key}: {}", answer.text);
    }
    assert!(
        told.in_trouble < told.acknowledged.len(),
        "{}",
        told.in_trouble
    );
    demo.verify().await;
    demo.stop().await;
}

/// Orders and pays one after the other, each until it is acknowledged, with the same key.
async fn buy(ann: &Client, buyer: usize, product: &str, told: &Mutex<Told>, over: &AtomicBool) {
    let wish = json!({
        "items": [{"product_id": product, "quantity": 1}], "payment": {"method": "tok_ok"},
    });
    let mut number = 0;
    while !over.load(Ordering::SeqCst) {
        let key = format!("buyer-{buyer}-{number}");
        let request = ann
            .request(Method::POST, "/api/v1/orders")
            .header("idempotency-key", &key)
            .json(&wish);
        let answer = ann.try_send(request).await;
        if told.lock().unwrap().note(&key, answer) {
            number += 1;
        } else {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Told {
    /// Whether the order is acknowledged. Whoever is told nothing, or that it was not possible, asks again.
    fn note(&mut self, key: &str, answer: Result<Answer, reqwest::Error>) -> bool {
        match answer {
            Ok(answer) if [201, 202].contains(&answer.status) => {
                let id = answer.str("/id").to_owned();
                self.acknowledged.insert(key.to_owned(), id);
                return true;
            }
            Ok(answer) => assert!(answer.status > 500, "{}", answer.text),
            Err(_) => {}
        }
        self.in_trouble += 1;
        false
    }
}

/// Waits until so many more orders are acknowledged.
async fn more(told: &Mutex<Told>, orders: usize) {
    let count = || told.lock().unwrap().acknowledged.len();
    let enough = count() + orders;
    let waiting = async {
        while count() < enough {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, waiting).await.unwrap();
}
