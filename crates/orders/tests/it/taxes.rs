//! Taxes through the router: by place and class, in the prices or on top of them, for orders and carts.

use crate::shop::{Ask, CUP, Shop, TEA, admin, ann, config, tea, with};
use axum::http::StatusCode;
use orders::{Config, TaxMode};
use serde_json::{Value, json};

const RATES: &str = "/api/v1/tax-rates";

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// A shop at home in Germany, with its two rates and California's.
async fn shop(tax: TaxMode) -> Shop {
    let shop = Shop::with(Config {
        tax,
        tax_country: "DE".to_owned().try_into().unwrap(),
        ..config()
    })
    .await;
    for rate in [
        json!({"name": "VAT 19%", "country": "DE", "millionths": 190_000}),
        json!({"name": "VAT 7%", "country": "DE", "class": "reduced", "millionths": 70_000}),
        json!({"name": "Sales tax", "country": "US", "region": "CA", "millionths": 72_500}),
    ] {
        let made = shop
            .ask(Ask::post(RATES, rate.to_string()).by(&admin()))
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    }
    shop
}

/// A tea for 19.99, two cups for 5.00 each, which are taxed less.
fn both() -> Value {
    json!({"items": [{"product_id": TEA, "quantity": 1}, {"product_id": CUP, "quantity": 2}]})
}

fn to(country: &str, region: &str) -> Value {
    json!({"name": "Ann", "line1": "Way 1", "city": "There", "region": region, "country": country})
}

async fn place(shop: &Shop, key: &str, body: &Value) -> Value {
    let placed = shop.ask(Ask::place(body).key(key).by(&ann())).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    let again = shop.ask(Ask::place(body).key(key).by(&ann())).await;
    assert!(again.replayed() && again.bytes == placed.bytes);
    placed.json()
}

/// The taxes of an order: what each is called, adds, and is.
fn taxes(order: &Value) -> Vec<(&str, i64, i64)> {
    let parts = order["parts"].as_array().into_iter().flatten();
    let taxes = parts.filter(|part| part["kind"] == "tax");
    let tax = |part: &'_ Value| {
        let minor = |pointer: &str| part.pointer(pointer).and_then(Value::as_i64).unwrap();
        (minor("/amount/amount"), minor("/tax/amount/amount"))
    };
    taxes
        .map(|part| (part["title"].as_str().unwrap(), tax(part).0, tax(part).1))
        .collect()
}

#[tokio::test]
async fn taxes_come_on_top_by_line_class_and_place_and_are_charged() {
    let shop = shop(TaxMode::Added).await;
    shop.catalog.restock(CUP, 100);
    let paid = with(both(), "payment", json!({"method": "tok_ok"}));
    let home = place(&shop, "k1", &paid).await;
    assert_eq!(taxes(&home), [("VAT 19%", 380, 380), ("VAT 7%", 70, 70)]);
    assert_eq!(
        (&home["total"], &home["status"]),
        (&usd(3_449), &json!("paid"))
    );
    assert_eq!(
        (&home["items"][0]["tax"], &home["items"][1]["tax"]),
        (&usd(380), &usd(70))
    );
    let there = |country, region| with(both(), "shipping_address", to(country, region));
    // There is no rate for reduced goods there, and none at all elsewhere.
    let far = place(&shop, "k2", &there("US", "ca")).await;
    assert_eq!(
        (taxes(&far), &far["total"]),
        (vec![("Sales tax", 145, 145)], &usd(3_144))
    );
    let free = place(&shop, "k3", &there("US", "NY")).await;
    assert_eq!((taxes(&free), &free["total"]), (vec![], &usd(2_999)));
    let wrong = with(both(), "total", usd(2_999));
    let wrong = shop.ask(Ask::place(&wrong).key("k4").by(&ann())).await;
    assert_eq!(
        (wrong.said().as_str(), &wrong.json()["total"]),
        ("409 price_changed", &usd(3_449))
    );
    place(&shop, "k4", &with(both(), "total", usd(3_449))).await;
    assert!(shop.orders().await.iter().all(|one| one.taxes_add_up));
}

#[tokio::test]
async fn taxes_that_are_in_the_prices_are_shown_and_add_nothing_and_shipping_has_them_too() {
    let shop = shop(TaxMode::Included).await;
    let post = json!({"name": "Post", "price": usd(500)}).to_string();
    let post = shop
        .ask(Ask::post("/api/v1/shipping-methods", post).by(&admin()))
        .await;
    let cart = shop.ask(Ask::post("/api/v1/carts", "").by(&ann())).await;
    let cart = cart.json()["id"].as_str().unwrap().to_owned();
    let put = async |rest: &str, body: Value| {
        let path = format!("/api/v1/carts/{cart}{rest}");
        shop.ask(Ask::put(&path, body.to_string()).by(&ann()))
            .await
            .json()
    };
    put(&format!("/items/{TEA}"), json!({"quantity": 1})).await;
    let shown = put("/shipping", json!({"method": post.json()["id"]})).await;
    // 319 of 19.99, and 80 of 5.00.
    assert_eq!(
        (taxes(&shown), &shown["total"]),
        (vec![("VAT 19%", 0, 399)], &usd(2_499))
    );
    assert_eq!(shown["parts"][1]["tax"]["shipping"], usd(80));
    let far = put("/address", json!({"address": to("US", "CA")})).await;
    assert_eq!(
        (taxes(&far), &far["total"]),
        (vec![("Sales tax", 0, 169)], &usd(2_499))
    );
    let order = place(&shop, "k1", &json!({"cart_id": cart})).await;
    assert_eq!(
        (&order["parts"], &order["total"]),
        (&far["parts"], &far["total"])
    );
    let code = json!({"code": "all", "basis_points": 10_000}).to_string();
    shop.ask(Ask::post("/api/v1/discounts", code).by(&admin()))
        .await;
    let gift = place(&shop, "k2", &with(tea(1), "discount_code", json!("all"))).await;
    assert_eq!(
        (taxes(&gift), &gift["total"]),
        (vec![("VAT 19%", 0, 0)], &usd(0))
    );
}

#[tokio::test]
async fn rates_are_changed_by_version_and_orders_keep_what_they_were_taxed() {
    let shop = shop(TaxMode::Added).await;
    let before = place(&shop, "k1", &tea(1)).await;
    let list = shop.ask(Ask::get(RATES)).await.json();
    let rates = list["data"].as_array().unwrap();
    assert_eq!(rates.len(), 3);
    let standard = rates.iter().find(|rate| rate["name"] == "VAT 19%").unwrap();
    let path = format!("{RATES}/{}", standard["id"].as_str().unwrap());
    let body = json!({"name": "VAT 16%", "country": "DE", "millionths": 160_000, "version": 1})
        .to_string();
    let theirs = shop.ask(Ask::put(&path, body.clone()).by(&ann())).await;
    assert_eq!(theirs.status, StatusCode::FORBIDDEN);
    let change = async || shop.ask(Ask::put(&path, body.clone()).by(&admin())).await;
    assert_eq!(change().await.json()["version"], 2);
    assert_eq!(change().await.status, StatusCode::CONFLICT);
    let after = place(&shop, "k2", &tea(1)).await;
    assert_eq!((taxes(&before)[0].1, taxes(&after)[0].1), (380, 320));
    assert_eq!(place(&shop, "k1", &tea(1)).await, before);
    let twin =
        json!({"name": "Twin", "country": "US", "region": "ca", "millionths": 1}).to_string();
    let twin = shop.ask(Ask::post(RATES, twin).by(&admin())).await;
    assert_eq!(twin.said(), "422 validation_failed /region");
    let much = json!({"name": "Much", "country": "FR", "millionths": 1_000_001}).to_string();
    let much = shop.ask(Ask::post(RATES, much).by(&admin())).await;
    assert_eq!(much.said(), "422 validation_failed /millionths");
}
