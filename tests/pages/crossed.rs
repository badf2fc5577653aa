//! What something cost before: crossed out beside what it costs, where that is less, and counted nowhere.

use crate::browser::Browser;
use serde_json::json;
use testkit::{Shop, on_both_stores};

async fn open(more: &[(&str, &str)]) -> Shop {
    Shop::start_with(more).await
}

on_both_stores! {
    open:
    an_earlier_price_is_crossed_out_beside_a_lower_one_and_counted_nowhere,
}

async fn an_earlier_price_is_crossed_out_beside_a_lower_one_and_counted_nowhere(mut shop: Shop) {
    const CROSSED: &str = "<s><span class=\"unseen\">Before: </span>$4.00</s> $2.50";
    let admin = shop.admin().await;
    let tea = json!({"name": "Tea", "slug": "tea", "price": "2.50", "stock": 9,
        "attributes": {"compare_at_price": "4.00 USD", "colour": "green"}});
    let made = admin.post("/api/v1/products", &tea).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let path = format!("/api/v1/products/{}", made.str("/id"));
    let mut browser = Browser::new(&shop);
    for page in ["/p/tea", "/search?q=tea"] {
        let seen = browser.get_until(page, |seen| seen.text.contains(CROSSED));
        let seen = seen.await;
        assert!(!seen.text.contains("4.00 USD"), "told once: {}", seen.text);
    }
    let found = shop.visitor().get("/api/v1/products?q=4.00").await;
    assert_eq!(
        found.json.pointer("/data"),
        Some(&json!([])),
        "{}",
        found.text
    );
    let ann = shop.customer("ann").await;
    let order = ann.buy("k1", made.str("/id"), 2, "tok_ok").await;
    assert_eq!(order.int("/total/amount"), 500, "{}", order.text);
    let changes = [
        json!({"price": "4.00", "version": 1}),
        json!({"price": "2.50", "attributes": {"compare_at_price": "4.00 EUR"}, "version": 2}),
        json!({"attributes": {"compare_at_price": null}, "version": 3}),
    ];
    for change in &changes {
        let changed = admin.patch(&path, change).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        let is_new = |seen: &testkit::Answer| !seen.text.contains("Before:");
        browser.get_until("/p/tea", is_new).await;
    }
    let wrong = json!({"attributes": {"compare_at_price": "dear"}, "version": 4});
    let refused = admin.patch(&path, &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(
        refused.str("/errors/0/field"),
        "/attributes/compare_at_price"
    );
    shop.verify().await;
}
