//! Certificates that are exchanged while people come and go: nobody notices, and what cannot be used is not taken.

use crate::caller::{Caller, Line, Secure};
use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// The files are looked at so seldom that it must have been the signal.
const SELDOM: (&str, &str) = ("SOUK_HTTP__TLS__LOOK_EVERY_MS", "3600000");
const OFTEN: (&str, &str) = ("SOUK_HTTP__TLS__LOOK_EVERY_MS", "20");

async fn shown(caller: &Caller) -> Vec<u8> {
    caller.connect("localhost").await.unwrap().certificate()
}

/// Waits until another certificate is shown than this one.
async fn another_than(caller: &Caller, before: &[u8]) -> Vec<u8> {
    let begun = Instant::now();
    loop {
        let now = shown(caller).await;
        if now != before {
            return now;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "it is exchanged");
    }
}

/// Whole days are told: of the last one a moment is gone, or not yet.
async fn assert_days(shop: &Secure, signed: i64) {
    let days = shop.metric("souk_tls_certificate_left_seconds").await / 86_400;
    assert!((signed - 1..=signed).contains(&days), "{days}");
}

async fn ask(line: &mut Line) {
    let answer = line.get("/api/v1/products").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[tokio::test]
async fn a_certificate_is_exchanged_under_way_and_no_request_fails() {
    let Some(shop) = Secure::start(&[SELDOM]).await else {
        return;
    };
    let caller = shop.caller(&["http/1.1"]);
    let (done, asked) = (AtomicBool::new(false), AtomicUsize::new(0));
    let is_done = || done.load(Ordering::Relaxed);
    // One who stays on the connection that they have, and one who comes anew each time.
    let staying = async {
        let mut line = caller.connect("localhost").await.unwrap();
        let first = line.certificate();
        while !is_done() {
            ask(&mut line).await;
            asked.fetch_add(1, Ordering::Relaxed);
        }
        assert_eq!(line.certificate(), first, "still the same connection");
    };
    let coming = async {
        while !is_done() {
            ask(&mut caller.connect("localhost").await.unwrap()).await;
            asked.fetch_add(1, Ordering::Relaxed);
        }
    };
    let exchanging = async {
        let mut before = shown(&caller).await;
        for round in 0..5 {
            shop.authority.sign("next", 1 + round);
            shop.exchange("next");
            shop.process.signal("HUP").await;
            before = another_than(&caller, &before).await;
        }
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(staying, coming, exchanging);
    assert!(asked.into_inner() > 10);
    assert_eq!(
        shop.metric("souk_tls_certificates_total{outcome=\"taken\"}")
            .await,
        5
    );
    assert_days(&shop, 5).await;
}

#[tokio::test]
async fn files_that_change_are_seen_without_a_signal() {
    let Some(shop) = Secure::start(&[OFTEN]).await else {
        return;
    };
    let caller = shop.caller(&[]);
    let before = shown(&caller).await;
    shop.authority.sign("next", 30);
    shop.exchange("next");
    another_than(&caller, &before).await;
    assert_days(&shop, 30).await;
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_changes_nothing_and_is_told() {
    let Some(shop) = Secure::start(&[OFTEN]).await else {
        return;
    };
    let caller = shop.caller(&[]);
    let before = shown(&caller).await;
    shop.authority.sign("other", 1);
    shop.authority.sign("ended", -1);
    let file = |name: &str| std::fs::read(shop.authority.at(name)).unwrap();
    let mut refused = 0;
    for (name, content, why) in [
        ("server.pem", file("other.pem"), "does not belong to it"),
        ("server.pem", file("ended.pem"), "does not belong to it"),
        ("server.pem", Vec::new(), "no certificate"),
        ("server.key", b"rubbish".to_vec(), "no certificate"),
    ] {
        shop.put(name, &content);
        let begun = Instant::now();
        let counted = "souk_tls_certificates_total{outcome=\"refused\"}";
        while shop.metric(counted).await <= refused {
            assert!(begun.elapsed() < Duration::from_secs(30), "{why}");
        }
        refused = shop.metric(counted).await;
        assert!(shop.log().contains(why), "{why}: {}", shop.log());
        assert_eq!(shown(&caller).await, before, "{why}");
    }
    assert!(
        shop.log()
            .contains("the door keeps the certificate that it has")
    );
    assert!(!shop.log().contains("PRIVATE KEY"));
    // A right one after all those wrong ones is taken.
    shop.exchange("other");
    another_than(&caller, &before).await;
}
