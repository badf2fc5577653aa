//! `souk demo`: a shop that lives, says so on every page, and is never a shop that was real before.

use crate::refusal;
use serde_json::json;
use std::time::{Duration, Instant};
use testkit::{Client, Folder, Running, Shop, run};

/// Longer than the first things take that happen in a demo.
const PATIENCE: Duration = Duration::from_secs(90);
const NOTICE: &str = "This is a demo: people, orders and money here are made up.";

/// A demo in this folder, where it answers, and its admin's password.
async fn demo(data: &str) -> (Running, Client, String) {
    let arguments = [
        "demo",
        "--listen",
        "127.0.0.1:0",
        "--orders",
        "60",
        "--data",
        data,
    ];
    let mut demo = Running::start(&arguments, &[]);
    let admin = demo.after("Admin    ").await;
    let (_, password) = admin.rsplit_once(' ').expect("a password");
    let password = password.to_owned();
    let url = demo.after("listening on ").await;
    (demo, Client::new(url.trim()), password)
}

async fn admin(visitor: &Client, password: &str) -> Client {
    let body = json!({"email": "admin@demo.example", "password": password});
    let begun = Instant::now();
    loop {
        let answer = visitor.post("/api/v1/auth/login", &body).await;
        if answer.status == 200 {
            return visitor.signed_in(&answer);
        }
        assert!(begun.elapsed() < PATIENCE, "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn orders_come_by_themselves_and_every_page_says_what_they_are() {
    let folder = Folder::default();
    let data = folder.at("demo");
    let (mut first, visitor, password) = demo(&data).await;
    for path in ["/", "/search?q=tea", "/cart", "/sign-in", "/no/such/page"] {
        let request = visitor.request("GET".parse().expect("a method"), path);
        let page = visitor.send(request.header("accept", "text/html")).await;
        assert!(page.text.contains(NOTICE), "{path}: {}", page.text);
        assert!(page.text.contains("Souk (demo)"), "{path}: {}", page.text);
    }
    let keeper = admin(&visitor, &password).await;
    let moved = |orders: &serde_json::Value| {
        let orders = orders["data"].as_array().cloned().unwrap_or_default();
        let statuses = orders.iter().filter_map(|order| order["status"].as_str());
        statuses.collect::<std::collections::BTreeSet<_>>().len()
    };
    let orders = "/api/v1/orders?limit=100";
    let seen = timeout_until(&keeper, orders, |orders| moved(orders) >= 3).await;
    assert!(
        seen["data"].as_array().map_or(0, Vec::len) < 100,
        "a trickle, not a flood"
    );
    assert!(first.stop().await, "it ends in order");
    let verified = run(&["verify", "--data", &data], "").await;
    assert_eq!(verified.code, 0, "{verified:?}");
    // It comes back as the demo that it was, with the same way in.
    let (mut second, visitor, again) = demo(&data).await;
    assert_eq!(again, password);
    admin(&visitor, &password).await;
    assert!(second.stop().await);
    // Whoever opens it as any other shop says so, too.
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", &data];
    let mut served = Running::start(&serve, &[("SOUK_SHOP__NOTICE", "Closed in May.")]);
    let url = served.after("listening on ").await;
    let visitor = Client::new(url.trim());
    let request = visitor.request("GET".parse().expect("a method"), "/");
    let page = visitor.send(request.header("accept", "text/html")).await;
    let notice = "A demo made this shop: people, orders and money here are made up. Closed in May.";
    assert!(page.text.contains(notice), "{}", page.text);
    assert!(page.text.contains("Souk (demo)"), "{}", page.text);
    assert!(served.stop().await);
}

async fn timeout_until(
    client: &Client,
    path: &str,
    fits: impl Fn(&serde_json::Value) -> bool,
) -> serde_json::Value {
    let begun = Instant::now();
    loop {
        let answer = client.get(path).await;
        if fits(&answer.json) {
            return answer.json;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", answer.text);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_demo_opens_on_no_real_shop_and_for_this_machine_only() {
    let mut shop = Shop::start().await;
    assert!(shop.stop().await);
    let real = shop.folder().to_str().unwrap_or_default().to_owned();
    let folder = Folder::default();
    let fresh = folder.at("demo");
    let listen = ["--listen", "127.0.0.1:0"];
    for (arguments, why) in [
        (vec!["--data", &real], "is not empty, and no demo of before"),
        (
            vec!["--data", &fresh, "--listen", "0.0.0.0:0"],
            "unless you say --anywhere",
        ),
    ] {
        let command = [&["demo"], listen.as_slice(), &arguments].concat();
        let command = match arguments.contains(&"--listen") {
            true => [&["demo"], arguments.as_slice()].concat(),
            false => command,
        };
        let said = run(&command, "").await;
        assert!(refusal(&said).contains(why), "{said:?}");
    }
    for (setting, value, why) in [
        (
            "SOUK_DB",
            "postgres://souk@127.0.0.1:1/souk",
            "db: a demo keeps its shop in a folder",
        ),
        ("SOUK_PAYMENTS__PROVIDER", "stripe", "payments."),
    ] {
        let said = testkit::run_with(&["demo"], &[(setting, value)], "").await;
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(why), "{said:?}");
    }
    let page = Shop::start().await.visitor().get("/").await;
    assert!(
        !page.text.contains("made up"),
        "no shop is a demo by itself"
    );
}
