//! What is kept in memory of products: as fresh as this node's last acknowledged write, soon as fresh as any node's,
//! and never what only some may see.

use crate::{NOW, Shop, Who};
use contracts::{
    catalog::{Catalog, ItemRef, ReservationState, Reserve, ReserveLine, Resolve},
    values::{OrderId, ProductId, Quantity},
};
use futures_util::future::{join, join_all};
use platform::{
    bus::{Bus, MemoryBus},
    clock::Clock,
    redis::{Options, Redis},
    tasks::Tasks,
};
use serde_json::json;
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

async fn reserve(shop: &Shop, product: ProductId, units: u32) -> OrderId {
    let order_id = OrderId::generate();
    let wish = Reserve {
        order_id,
        fingerprint: [0; 32],
        lines: vec![ReserveLine {
            item: ItemRef::Product(product),
            quantity: Quantity::try_from(units).unwrap(),
        }],
        expected_total: None,
        currency: None,
        hold_until: NOW.plus_seconds(900),
    };
    let mut answers = shop.service.reserve_all(vec![wish]).await;
    answers.pop().unwrap().unwrap();
    order_id
}

async fn resolve(shop: &Shop, order_id: OrderId, to: ReservationState) {
    let actor = "system".to_owned();
    let wish = Resolve {
        order_id,
        to,
        actor,
    };
    let mut answers = shop.service.resolve_all(vec![wish]).await;
    answers.pop().unwrap().unwrap();
}

async fn names(shop: &Shop, path: &str) -> Vec<String> {
    let list = shop.get(Who::Nobody, path).await;
    let rows = list.body["data"].as_array().unwrap().iter();
    rows.map(|row| row["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_shown_less_than_was_acknowledged() {
    let shop = Shop::open().await;
    let made = shop
        .product(json!({"name": "Tea", "price": 1, "stock": 5}))
        .await;
    let path = format!("/api/v1/products/{}", made.text("id"));
    let (acknowledged, edits) = (AtomicI64::new(1), 40);
    let editor = async {
        for version in 1..=edits {
            let tag = format!("if-match: \"{version}\"");
            let body = json!({"name": format!("Tea {version}")});
            let answer = shop
                .call(Who::Merchant, &format!("PATCH {path}"), &[&tag], body)
                .await;
            assert_eq!(answer.status, 200);
            acknowledged.store(version + 1, SeqCst);
        }
    };
    let readers = (0..16).map(|reader| {
        let path = ["/api/v1/products/tea", &path, "/api/v1/products"][reader % 3];
        let (shop, acknowledged) = (&shop, &acknowledged);
        async move {
            while acknowledged.load(SeqCst) <= edits {
                // An answer from memory waits for nothing: without this the editor would never be heard.
                tokio::task::yield_now().await;
                let before = acknowledged.load(SeqCst);
                let answer = shop.get(Who::Nobody, path).await;
                let product = answer
                    .body
                    .get("data")
                    .map_or(&answer.body, |data| &data[0]);
                let version = product["version"].as_i64().unwrap();
                assert!(version >= before, "{path}: {version} after {before}");
                if answer.body.get("data").is_none() {
                    assert!(answer.header("etag").starts_with(&format!("\"{version}-")));
                }
            }
        }
    });
    join(editor, join_all(readers)).await;
}

#[tokio::test]
async fn every_move_of_stock_shows_at_once_where_it_is_shown() {
    let shop = Shop::open().await;
    let made = shop
        .product(json!({"name": "Tea", "price": 1, "stock": 2}))
        .await;
    let id: ProductId = made.text("id").parse().unwrap();
    let seen = async || {
        let path = format!("/api/v1/products/{id}");
        let one = shop.get(Who::Nobody, &path).await.body["stock"]["available"].clone();
        let list = shop.get(Who::Nobody, "/api/v1/products").await;
        assert_eq!(list.body["data"][0]["stock"]["available"], one);
        let in_stock = names(&shop, "/api/v1/products?in_stock=true").await.len();
        (one.as_i64().unwrap(), in_stock)
    };
    assert_eq!(seen().await, (2, 1));
    let order = reserve(&shop, id, 2).await;
    assert_eq!(seen().await, (0, 0));
    resolve(&shop, order, ReservationState::Released).await;
    assert_eq!(seen().await, (2, 1));
    let order = reserve(&shop, id, 1).await;
    resolve(&shop, order, ReservationState::Committed).await;
    assert_eq!(seen().await, (1, 1));
    let body = json!({"changes": [{"sku": made.text("sku"), "delta": -1, "reason": "gone"}]});
    shop.post(Who::Merchant, "/api/v1/inventory/adjust", body)
        .await;
    assert_eq!(seen().await, (0, 0));
}

#[tokio::test]
async fn names_that_come_and_go_are_found_and_lost_at_once() {
    let shop = Shop::open().await;
    let status = async |path: &str| shop.get(Who::Nobody, path).await.status;
    assert_eq!(status("/api/v1/products/tea").await, 404);
    assert_eq!(names(&shop, "/api/v1/products").await, [""; 0]);
    let made = shop.product(json!({"name": "Tea", "price": 1})).await;
    assert_eq!(status("/api/v1/products/tea").await, 200);
    assert_eq!(status("/api/v1/products/green").await, 404);
    let line = format!("PATCH /api/v1/products/{}", made.text("id"));
    let body = json!({"slug": "green"});
    shop.call(Who::Merchant, &line, &["if-match: \"1\""], body)
        .await;
    assert_eq!(status("/api/v1/products/green").await, 200);
    let shown = shop.get(Who::Nobody, "/api/v1/products/tea").await;
    assert_eq!(shown.text("slug"), "green", "an address that it had");
    assert_eq!(names(&shop, "/api/v1/products").await, ["Tea"]);
    let line = format!("DELETE /api/v1/products/{}", made.text("id"));
    shop.call(Who::Merchant, &line, &["if-match: \"2\""], "")
        .await;
    for path in ["/api/v1/products/green", "/api/v1/products/tea"] {
        assert_eq!(status(path).await, 404);
    }
    assert_eq!(names(&shop, "/api/v1/products").await, [""; 0]);
}

#[tokio::test]
async fn what_some_may_see_is_shown_to_nobody_else() {
    let shop = Shop::open().await;
    let draft = json!({"name": "Plan", "price": 1, "status": "draft"});
    let made = shop.product(draft).await;
    let path = format!("/api/v1/products/{}", made.text("id"));
    let drafts = "/api/v1/products?status=draft";
    for _ in 0..2 {
        for (who, status, rows) in [
            (Who::Merchant, 200, 1),
            (Who::Nobody, 404, 0),
            (Who::Admin, 200, 1),
            (Who::Other, 404, 0),
            (Who::Customer, 404, 0),
        ] {
            assert_eq!(shop.get(who, &path).await.status, status, "{who:?}");
            let list = shop.get(who, drafts).await;
            assert_eq!(list.body["data"].as_array().unwrap().len(), rows, "{who:?}");
        }
    }
}

#[tokio::test]
async fn a_list_has_a_tag_that_follows_from_what_is_in_it() {
    let shop = Shop::open().await;
    let made = shop
        .product(json!({"name": "Tea", "price": 1, "stock": 5}))
        .await;
    let list = async |known: &str| {
        let header = format!("if-none-match: {known}");
        shop.call(Who::Nobody, "GET /api/v1/products?limit=1", &[&header], "")
            .await
    };
    let first = list("\"x\"").await;
    let tag = first.header("etag").to_owned();
    assert_eq!(first.status, 200);
    let again = list(&tag).await;
    assert_eq!((again.status, again.header("etag")), (304, tag.as_str()));
    reserve(&shop, made.text("id").parse().unwrap(), 1).await;
    let sold = list(&tag).await;
    assert_eq!(sold.status, 200);
    assert_ne!(sold.header("etag"), tag);
}

/// Waits until a node shows this name; how long it took.
async fn shows(shop: &Shop, name: &str) -> Duration {
    let begun = Instant::now();
    loop {
        let shown = shop.get(Who::Nobody, "/api/v1/products/tea").await;
        let listed = names(shop, "/api/v1/products").await;
        if shown.text("name") == name && listed == [name] {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "{name}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn rename(shop: &Shop, id: &str, version: u32) -> String {
    let (line, tag) = (
        format!("PATCH /api/v1/products/{id}"),
        format!("if-match: \"{version}\""),
    );
    let name = format!("Tea {version}");
    let answer = shop
        .call(Who::Merchant, &line, &[&tag], json!({"name": name}))
        .await;
    assert_eq!(answer.status, 200);
    name
}

#[tokio::test]
async fn other_nodes_follow_within_a_second_by_news_and_by_age_without() {
    let one = Shop::open().await;
    let other = one.beside(None).await;
    let made = one.product(json!({"name": "Tea", "price": 1})).await;
    shows(&other, "Tea").await;
    let name = rename(&one, made.text("id"), 1).await;
    let took = shows(&other, &name).await;
    assert!(took < Duration::from_secs(5), "without a bus: {took:?}");

    let (tasks, bus) = (
        Tasks::default(),
        Arc::new(MemoryBus::default()) as Arc<dyn Bus>,
    );
    for node in [&one, &other] {
        catalog::start_news(&node.service, &tasks, &bus, Clock::System);
    }
    for version in 2..6 {
        shows(&other, &format!("Tea {}", version - 1)).await;
        let name = rename(&one, made.text("id"), version).await;
        let took = shows(&other, &name).await;
        assert!(took < Duration::from_secs(1), "by news: {took:?}");
    }
    tasks.stop();
}

#[tokio::test]
async fn with_a_redis_between_them_nodes_still_show_what_is_so() {
    let Some(server) = testkit::Redis::start() else {
        return;
    };
    let tasks = Tasks::default();
    let options = Options {
        prefix: "tests".to_owned(),
        secret: String::new(),
        timeout_ms: 50,
        connect_timeout_ms: 1_000,
        failures_max: 5,
        rest_ms: 100,
        errands_max: 64,
    };
    let redis = Redis::new(&server.url(), options).unwrap();
    redis.start(&tasks);
    let first = Shop::open().await;
    let nodes = [
        first.beside(Some(redis.clone())).await,
        first.beside(Some(redis)).await,
    ];
    let made = nodes[0]
        .product(json!({"name": "Tea", "price": 1, "attributes": {"x": 0.1}}))
        .await;
    let begun = Instant::now();
    let mut version = 1;
    // Long enough for what one node reads to be taken by the other.
    while begun.elapsed() < Duration::from_secs(6) {
        let (writer, reader) = if version % 2 == 0 { (0, 1) } else { (1, 0) };
        let name = rename(&nodes[writer], made.text("id"), version).await;
        version += 1;
        let own = nodes[writer].get(Who::Nobody, "/api/v1/products/tea").await;
        assert_eq!(own.text("name"), name, "its own write");
        let took = shows(&nodes[reader], &name).await;
        assert!(took < Duration::from_secs(5), "{took:?}");
        if version == 4 {
            server.fill_with_garbage();
        }
    }
    assert!(server.keys() > 0, "Redis was used");
    server.freeze();
    let name = rename(&nodes[0], made.text("id"), version).await;
    shows(&nodes[1], &name).await;
    tasks.stop();
}
