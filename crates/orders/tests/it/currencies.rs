//! Orders and carts in another currency than the shop's own, and what they ask the catalog for it.

use crate::shop::{Ask, CUP, Shop, TEA, admin, ann, config, with};
use axum::http::StatusCode;
use orders::{Config, TaxMode};
use serde_json::{Value, json};

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

fn euros(items: &Value) -> Value {
    json!({"items": items, "currency": "EUR"})
}

async fn made(shop: &Shop, path: &str, body: Value) -> Value {
    let made = shop
        .ask(Ask::post(path, body.to_string()).by(&admin()))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{made:?}");
    made.json()
}

/// With taxes, a way of shipping that weighs, and a code.
async fn with_all_there_is() -> (Shop, Value) {
    let shop = Shop::with(Config {
        tax: TaxMode::Added,
        tax_country: "DE".to_owned().try_into().unwrap(),
        ..config()
    })
    .await;
    let rate = json!({"name": "VAT", "country": "DE", "millionths": 190_000});
    made(&shop, "/api/v1/tax-rates", rate).await;
    let code = json!({"code": "TENTH", "basis_points": 1_000});
    made(&shop, "/api/v1/discounts", code).await;
    let band = |price: Value| json!([{"weight_max_grams": 600, "price": price}]);
    let post = json!({"name": "Post", "price": {"amount": 900, "currency": "USD"}, "bands": [],
        "currencies": [{"price": eur(800), "bands": band(eur(400))}]});
    let post = made(&shop, "/api/v1/shipping-methods", post).await;
    (shop, post["id"].clone())
}

#[tokio::test]
async fn an_order_asks_the_catalog_once_what_it_is_of() {
    let (shop, post) = with_all_there_is().await;
    let wish = euros(&json!([{"product_id": TEA, "quantity": 2}]));
    let wish = with(
        with(wish, "discount_code", json!("TENTH")),
        "shipping_method",
        post,
    );
    let before = shop.catalog.looks();
    let placed = shop.ask(Ask::place(&wish).key("k1").by(&ann())).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    assert_eq!(shop.catalog.looks(), before + 1);
    let order = placed.json();
    // 3598 less 360; two teas weigh 500 grams; a fifth less one percent of both comes on top.
    let amounts: Vec<&Value> = (0..3).map(|part| &order["parts"][part]["amount"]).collect();
    assert_eq!(amounts, [&eur(-360), &eur(400), &eur(691)]);
    assert_eq!(order["total"], eur(4_329));
    let plain = json!({"items": [{"product_id": CUP, "quantity": 1}]});
    let plain = with(plain, "currency", json!("USD"));
    let before = shop.catalog.looks();
    let placed = shop.ask(Ask::place(&plain).key("k2").by(&ann())).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    assert_eq!(shop.catalog.looks(), before + 1, "its taxes are asked for");
}

#[tokio::test]
async fn a_catalog_of_the_release_before_makes_no_order_in_a_currency_that_nobody_wanted() {
    let shop = Shop::open().await;
    shop.catalog.know_one_currency();
    let wish = euros(&json!([{"product_id": TEA, "quantity": 2}]));
    let placed = shop.ask(Ask::place(&wish).key("k1").by(&ann())).await;
    assert_eq!(
        placed.status,
        StatusCode::INTERNAL_SERVER_ERROR,
        "{placed:?}"
    );
    assert_eq!(shop.catalog.stock(TEA), (10, 0), "nothing is held for it");
    let list = shop.ask(Ask::get("/api/v1/orders").by(&ann())).await;
    assert_eq!(list.json()["data"], json!([]));
}

#[tokio::test]
async fn what_has_no_price_in_a_currency_is_not_sold_in_it_and_says_so() {
    let shop = Shop::open().await;
    let both = json!([{"product_id": TEA, "quantity": 1}, {"product_id": CUP, "quantity": 1}]);
    let refused = shop
        .ask(Ask::place(&euros(&both)).key("k1").by(&ann()))
        .await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{refused:?}");
    let problem = refused.json();
    assert_eq!(
        (&problem["code"], &problem["currency"]),
        (&json!("not_priced"), &json!("EUR"))
    );
    assert_eq!(problem["errors"][0]["field"], "/items/1");
    // Francs have no price and are no currency of the shop; whatever it holds stays free.
    let francs = with(euros(&both), "currency", json!("CHF"));
    let refused = shop.ask(Ask::place(&francs).key("k1").by(&ann())).await;
    assert_eq!(refused.json()["code"], "not_priced", "{refused:?}");
    assert_eq!(
        (shop.catalog.stock(TEA), shop.catalog.stock(CUP)),
        ((10, 0), (5, 0))
    );
    // The key is free for what can be bought.
    let tea = euros(&json!([{"product_id": TEA, "quantity": 1}]));
    let placed = shop.ask(Ask::place(&tea).key("k1").by(&ann())).await;
    assert_eq!(placed.json()["total"], eur(1_799), "{placed:?}");
    let again = shop.ask(Ask::place(&tea).key("k1").by(&ann())).await;
    assert!(again.replayed() && again.bytes == placed.bytes);
    let dollars = json!({"items": [{"product_id": TEA, "quantity": 1}]});
    let other = shop.ask(Ask::place(&dollars).key("k1").by(&ann())).await;
    assert_eq!(other.json()["code"], "idempotency_key_reused");
}
