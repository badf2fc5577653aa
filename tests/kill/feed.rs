//! The feed: what becomes of products, stock and payments is in it once, though the shop is killed meanwhile.

use crate::webhooks::shop_on;
use serde_json::{Value, json};
use testkit::{Answer, Client, postgres::Postgres};

const FEED: &str = "/api/v1/events?limit=100";
const WANTED: [&str; 8] = [
    "product.created",
    "product.changed",
    "product.archived",
    "stock.changed",
    "stock.low",
    "payment.captured",
    "payment.failed",
    "payment.refunded",
];

fn of<'a>(feed: &'a Answer, kind: &str) -> Vec<&'a Value> {
    let events = feed.json["data"].as_array().expect("events");
    events.iter().filter(|one| one["type"] == kind).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_becomes_of_products_stock_and_payments_is_in_the_feed_once() {
    told(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_on_postgresql_tells_of_products_stock_and_payments_once() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    told(Some(&server.database())).await;
}

async fn told(database: Option<&str>) {
    let mut shop = shop_on(database).await;
    let admin = shop.admin().await;
    let tea = admin.sell("tea", 1_999, 8).await;
    let path = format!("/api/v1/products/{tea}");
    let renamed = admin
        .patch(&path, &json!({"name": "Green tea", "version": 1}))
        .await;
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    let order = sold(&admin, &shop.customer("ann").await, &tea).await;
    shop.kill().await;
    shop.restart().await;
    let admin = admin.at(shop.url());
    let archived = admin.delete(&format!("{path}?version=2"), None).await;
    assert_eq!(archived.status, 204, "{}", archived.text);

    let feed = admin
        .get_until(FEED, |feed| {
            WANTED.iter().all(|kind| !of(feed, kind).is_empty())
        })
        .await;
    let data = |kind: &str| {
        let found = of(&feed, kind);
        assert_eq!(found.len(), 1, "{kind}: {}", feed.text);
        found[0]["data"].clone()
    };
    let product =
        |version: u32, status: &str| json!({"id": tea, "version": version, "status": status});
    assert_eq!(data("product.created"), product(1, "active"));
    assert_eq!(data("product.changed"), product(2, "active"));
    assert_eq!(data("product.archived"), product(3, "archived"));
    let (changed, low) = (data("stock.changed"), data("stock.low"));
    assert_eq!(
        (&changed["product_id"], &changed["delta"]),
        (&json!(tea), &json!(10))
    );
    assert_eq!((&low["id"], &low["available"]), (&changed["id"], &json!(5)));
    let (captured, refunded) = (data("payment.captured"), data("payment.refunded"));
    let amount = json!({"amount": 5_997, "currency": "USD"});
    assert_eq!(
        (&captured["order_id"], &captured["amount"]),
        (&json!(order), &amount)
    );
    assert_eq!(
        (&refunded["id"], &refunded["amount"]),
        (&captured["id"], &amount)
    );
    assert_eq!(data("payment.failed")["status"], "declined");
    let events = feed.json["data"].as_array().expect("events");
    for (event, sequence) in events.iter().zip(1_i64..) {
        assert_eq!(event["sequence"], sequence, "{}", feed.text);
    }
    let heard = heard_in_parts(&admin).await;
    assert_eq!(heard.get(..events.len()), Some(events.as_slice()));
    assert!(
        // Her name alone stands in an id now and then.
        !feed.text.contains("ann@") && !feed.text.contains("\"ann") && !feed.text.contains("Green"),
        "{}",
        feed.text
    );
}

/// The feed as somebody reads it who comes back for more, and says how far they had come.
async fn heard_in_parts(admin: &Client) -> Vec<Value> {
    let (mut heard, mut after) = (Vec::new(), 0);
    loop {
        let page = format!("/api/v1/events?limit=2&after={after}");
        let page = admin.get(&page).await;
        let events = page.json["data"].as_array().expect("events");
        if events.is_empty() {
            assert_eq!(page.json["next_after"], after, "{}", page.text);
            return heard;
        }
        heard.extend(events.iter().cloned());
        after = page.int("/next_after");
    }
}

/// Buys, is refused, counts, and calls off; gives the order.
async fn sold(admin: &Client, ann: &Client, tea: &str) -> String {
    let bought = ann.buy("first", tea, 3, "tok_ok").await;
    assert_eq!(bought.status, 201, "{}", bought.text);
    ann.buy("second", tea, 1, "tok_declined").await;
    let body = json!({"changes": [{"sku": "tea", "delta": 10, "reason": "came in"}]});
    let counted = admin.post("/api/v1/inventory/adjust", &body).await;
    assert_eq!(counted.status, 200, "{}", counted.text);
    let order = bought.str("/id").to_owned();
    let called_off = ann
        .post(&format!("/api/v1/orders/{order}/cancel"), &json!({}))
        .await;
    assert_eq!(called_off.status, 200, "{}", called_off.text);
    order
}
