//! Limits at the door: who is counted as one, what is told, and what is never counted.

use crate::{
    fakes::answer,
    shop::{Answer, Shop, wish},
};
use serde_json::{Value, json};

fn shop(units: u32) -> Shop {
    let quota = json!({"units": units, "window_seconds": 60});
    let limits = json!({"default": quota, "checkout": quota, "login": quota});
    Shop::with(json!({"limits": limits}), |_| answer(200, &json!({})))
}

async fn statuses(shop: &Shop, addresses: &[&str]) -> Vec<u16> {
    let mut statuses = Vec::new();
    for address in addresses {
        let (method, path) = address.split_once(' ').unwrap();
        statuses.push(shop.ask(wish(method, path)).await.status);
    }
    statuses
}

#[tokio::test]
async fn forged_addresses_are_still_one_caller() {
    let shop = shop(10);
    let mut allowed = 0;
    for number in 0..1_000 {
        let forged = format!("198.51.{}.{}", number / 250, number % 250);
        let asked = wish("GET", "/api/v1/products")
            .header("x-forwarded-for", &forged)
            .header("x-real-ip", &forged);
        allowed += u32::from(shop.ask(asked).await.status == 200);
    }
    assert!((10..=11).contains(&allowed), "{allowed}");
}

#[tokio::test]
async fn a_refused_caller_is_told_when_to_come_back() {
    let shop = shop(2);
    let first = shop.ask(wish("GET", "/api/v1/products")).await;
    assert_eq!(first.header("ratelimit-policy"), "\"default\";q=2;w=60");
    assert_eq!(first.header("ratelimit"), "\"default\";r=1;t=60");
    assert_eq!(shop.ask(wish("GET", "/api/v1/products")).await.status, 200);
    let refused = shop.ask(wish("GET", "/api/v1/products")).await;
    assert_eq!(refused.brief(), "429 rate_limited");
    let wait: u32 = refused.header("retry-after").parse().unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    assert_eq!(
        refused.header("ratelimit"),
        format!("\"default\";r=0;t={wait}")
    );
    assert_eq!(shop.seen().len(), 2);
}

#[tokio::test]
async fn callers_and_buckets_do_not_starve_each_other() {
    let shop = shop(1);
    let sequence = [
        "GET /",
        "GET /",
        "POST /api/v1/orders",
        "POST /orders",
        "POST /login",
        "POST /register",
    ];
    assert_eq!(
        statuses(&shop, &sequence).await,
        [200, 429, 200, 429, 200, 429]
    );
    assert_eq!(
        shop.ask(wish("GET", "/").from("198.51.100.1")).await.status,
        200
    );
    assert_eq!(
        shop.ann(wish("GET", "/")).await.status,
        200,
        "a user is counted by name"
    );
    assert_eq!(
        shop.ann(wish("GET", "/").from("198.51.100.2")).await.status,
        429
    );
}

#[tokio::test]
async fn neighbours_of_an_ipv6_network_are_one_caller() {
    let shop = shop(1);
    assert_eq!(
        shop.ask(wish("GET", "/").from("2001:db8::1")).await.status,
        200
    );
    assert_eq!(
        shop.ask(wish("GET", "/").from("2001:db8::ffff:2"))
            .await
            .status,
        429
    );
    assert_eq!(
        shop.ask(wish("GET", "/").from("2001:db8:0:1::1"))
            .await
            .status,
        200
    );
}

/// A sign-in from this address.
async fn sign_in(shop: &Shop, address: &str) -> Answer {
    let asked = wish("POST", "/api/v1/auth/login").from(address);
    shop.ask(asked).await
}

#[tokio::test]
async fn sign_ins_are_counted_by_address_by_network_and_for_the_whole_shop() {
    let quota = |units: u32| json!({"units": units, "window_seconds": 60});
    let limits = json!({"login": quota(2), "login_network": quota(3), "login_all": quota(5)});
    let shop = Shop::with(json!({"limits": limits}), |_| answer(200, &json!({})));
    for (address, expected) in [
        ("198.51.100.1", "\"login\""),
        ("198.51.100.1", "\"login\""),
        // One too many of its own: its neighbours have theirs still.
        ("198.51.100.1", "429 \"login\""),
        ("198.51.100.1", "429 \"login\""),
        ("198.51.100.2", "\"login\""),
        ("198.51.100.3", "429 \"login-network\""),
        ("198.51.101.3", "\"login\""),
        ("2001:db8:7:1::1", "\"login\""),
        ("2001:db8:7:2::1", "429 \"login-all\""),
        ("203.0.113.1", "429 \"login-all\""),
    ] {
        let told = sign_in(&shop, address).await;
        let policy = told.header("ratelimit-policy").split(';').next().unwrap();
        let status = if told.status == 429 { "429 " } else { "" };
        assert_eq!(format!("{status}{policy}"), expected, "{address}");
        if told.status == 429 {
            let wait: u32 = told.header("retry-after").parse().unwrap();
            assert!((1..=30).contains(&wait), "{address}: {wait}");
        }
    }
    // Whoever is known already is not kept out by them.
    let renewal = wish("POST", "/api/v1/auth/refresh").from("203.0.113.1");
    assert_eq!(shop.ask(renewal).await.status, 200);
    assert_eq!(shop.ask(wish("POST", "/api/v1/orders")).await.status, 200);
}

#[tokio::test]
async fn searching_and_writing_cost_more_than_reading() {
    let shop = shop(4);
    let sequence = ["GET /search?q=tea", "POST /api/v1/products", "GET /"];
    assert_eq!(statuses(&shop, &sequence).await, [200, 200, 429]);
}

#[tokio::test]
async fn probes_and_files_are_never_counted() {
    let shop = shop(1);
    for path in ["/livez", "/readyz", "/assets/souk.css", "/media/a.jpg"] {
        for _ in 0..3 {
            let told = shop.ask(wish("GET", path)).await;
            assert_eq!((told.status, told.header("ratelimit")), (200, ""), "{path}");
        }
    }
}

#[tokio::test]
async fn guessing_tokens_and_renewing_sessions_are_counted_too() {
    let shop = shop(1);
    let guess = || wish("GET", "/api/v1/me").header("authorization", "Bearer x");
    assert_eq!(shop.ask(guess()).await.status, 401);
    assert_eq!(shop.ask(guess()).await.status, 429);
    let renew = |number: u32| {
        let cookie = format!("__Host-souk_refresh=bad{number}");
        wish("GET", "/api/v1/me")
            .from("198.51.100.1")
            .header("cookie", &cookie)
    };
    assert_eq!(shop.ask(renew(1)).await.status, 200);
    assert_eq!(shop.ask(renew(2)).await.status, 429);
    assert_eq!(*shop.renewals.lock().unwrap(), 1);
}

#[tokio::test]
async fn limits_can_be_turned_off() {
    let shop = Shop::with(json!({"limits": {"enabled": false}}), |_| {
        answer(200, &Value::Null)
    });
    for _ in 0..1_000 {
        let told = shop.ask(wish("POST", "/api/v1/auth/login")).await;
        assert_eq!((told.status, told.header("ratelimit")), (200, ""));
    }
}
