//! Where orders go, through the router: said with the order or kept with its cart, checked field by field.

use crate::shop::{Ask, Shop, TEA, admin, ann, bob, tea, tea_merchant, with};
use axum::http::StatusCode;
use serde_json::{Value, json};

fn cologne() -> Value {
    json!({"name": "Ann Lee", "line1": "Weg 1", "postcode": "50667", "city": "Köln", "country": "DE"})
}

#[tokio::test]
async fn an_order_goes_where_it_was_said_and_only_those_who_may_see_it_learn_where() {
    let shop = Shop::open().await;
    let typed = with(
        with(cologne(), "country", json!("de")),
        "company",
        json!(""),
    );
    let body = with(tea(1), "shipping_address", typed);
    let place = async |body: &Value| shop.ask(Ask::place(body).key("k1").by(&ann())).await;
    let placed = place(&body).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    assert_eq!(placed.json()["shipping_address"], cologne());
    let again = place(&body).await;
    assert!(again.replayed() && again.bytes == placed.bytes);
    let elsewhere = with(
        tea(1),
        "shipping_address",
        with(cologne(), "city", json!("Bonn")),
    );
    let other = place(&elsewhere).await;
    assert_eq!(other.said(), "422 idempotency_key_reused");
    let id = placed.order_id();
    for who in [ann(), tea_merchant(), admin()] {
        let seen = shop.ask(Ask::order(id).by(&who)).await;
        assert_eq!(seen.json()["shipping_address"], cologne());
    }
    let stranger = shop.ask(Ask::order(id).by(&bob())).await;
    assert_eq!(stranger.status, StatusCode::NOT_FOUND);
    let plain = shop.ask(Ask::place(&tea(1)).key("k2").by(&ann())).await;
    assert!(plain.json().get("shipping_address").is_none());
}

#[tokio::test]
async fn an_address_that_breaks_rules_is_refused_with_all_of_them_and_nothing_is_ordered() {
    let shop = Shop::open().await;
    let wrong = json!({"name": "A\u{7}", "line1": "", "city": "Köln", "country": "XX", "phone": "1".repeat(41)});
    let body = with(tea(1), "shipping_address", wrong);
    let refused = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = refused.json();
    let mut fields: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["field"].as_str().unwrap())
        .collect();
    fields.sort_unstable();
    assert_eq!(
        fields,
        ["country", "line1", "name", "phone"].map(|name| format!("/shipping_address/{name}"))
    );
    shop.assert_untouched("it").await;
}

#[tokio::test]
async fn a_cart_s_order_goes_where_the_cart_does() {
    let shop = Shop::open().await;
    let opened = shop.ask(Ask::post("/api/v1/carts", "").by(&ann())).await;
    let cart = opened.json()["id"].as_str().unwrap().to_owned();
    let put = async |rest: &str, body: Value| {
        let path = format!("/api/v1/carts/{cart}{rest}");
        shop.ask(Ask::put(&path, body.to_string()).by(&ann())).await
    };
    put(&format!("/items/{TEA}"), json!({"quantity": 1})).await;
    let no_city = with(cologne(), "city", json!(" "));
    let refused = put("/address", json!({"address": no_city})).await;
    assert_eq!(refused.said(), "422 validation_failed /address/city");
    let set = put("/address", json!({"address": cologne()})).await.json();
    assert_eq!(set["shipping_address"], cologne());
    let twice = put("/address", json!({"address": cologne()})).await.json();
    assert_eq!(twice["version"], set["version"]);
    let own = json!({"cart_id": cart, "shipping_address": cologne()});
    let own = shop.ask(Ask::place(&own).key("k1").by(&ann())).await;
    assert_eq!(own.said(), "422 validation_failed /shipping_address");
    let body = json!({"cart_id": cart});
    let order = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
    assert_eq!(order.status, StatusCode::CREATED, "{order:?}");
    assert_eq!(order.json()["shipping_address"], cologne());
    let again = shop.ask(Ask::place(&body).key("k2").by(&ann())).await;
    assert!(again.replayed() && again.bytes == order.bytes);
    let closed = put("/address", json!({"address": null})).await;
    assert_eq!(closed.status, StatusCode::CONFLICT);
}
