//! Ways of shipping through the router: what they add to an order, and when they do not.

use crate::shop::{Ask, Shop, TEA, admin, ann, config, tea, with};
use axum::http::StatusCode;
use orders::Config;
use serde_json::{Value, json};

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

async fn make(shop: &Shop, method: Value) -> Value {
    let ask = Ask::post("/api/v1/shipping-methods", method.to_string());
    let answer = shop.ask(ask.by(&admin())).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()["id"].clone()
}

async fn post(shop: &Shop) -> Value {
    make(
        shop,
        json!({"name": "Post", "price": usd(500), "free_from": usd(3_500)}),
    )
    .await
}

#[tokio::test]
async fn an_order_is_shipped_for_what_the_way_costs_and_free_from_a_sum_on() {
    let shop = Shop::open().await;
    let id = post(&shop).await;
    let body = |quantity| with(tea(quantity), "shipping_method", id.clone());
    let place =
        async |key: &str, body: &Value| shop.ask(Ask::place(body).key(key).by(&ann())).await;
    let paid = with(body(1), "payment", json!({"method": "tok_ok"}));
    let one = place("k1", &paid).await;
    let order = one.json();
    assert_eq!(
        (&order["status"], &order["total"]["amount"]),
        (&json!("paid"), &json!(2_499))
    );
    let part = json!([{"kind": "shipping", "title": "Post", "amount": usd(500)}]);
    assert_eq!(order["parts"], part);
    let two = place("k2", &body(2)).await.json();
    assert_eq!(
        (&two["total"], &two["parts"][0]["amount"]),
        (&usd(3_998), &usd(0))
    );
    let wrong = with(body(1), "total", usd(1_999));
    let wrong = place("k3", &wrong).await;
    assert_eq!(
        (wrong.said(), &wrong.json()["total"]),
        ("409 price_changed".to_owned(), &usd(2_499))
    );
    let right = with(body(1), "total", usd(2_499));
    assert_eq!(place("k3", &right).await.status, StatusCode::CREATED);
    // What it costs later says nothing about what stands.
    let path = format!("/api/v1/shipping-methods/{}", id.as_str().unwrap());
    let change = json!({"name": "Post", "price": usd(900), "active": false, "version": 1});
    let changed = shop
        .ask(Ask::put(&path, change.to_string()).by(&admin()))
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    let again = place("k1", &paid).await;
    assert!(again.replayed() && again.bytes == one.bytes);
    let refused = place("k9", &body(1)).await;
    assert_eq!(
        refused.said(),
        "422 shipping_not_applicable /shipping_method"
    );
}

#[tokio::test]
async fn a_code_counts_before_shipping_is_free_and_a_cart_shows_both() {
    let shop = Shop::open().await;
    let id = post(&shop).await;
    let half = json!({"code": "half", "basis_points": 5_000}).to_string();
    let made = shop
        .ask(Ask::post("/api/v1/discounts", half).by(&admin()))
        .await;
    assert_eq!(made.status, StatusCode::CREATED);
    let cart = shop
        .ask(Ask::post("/api/v1/carts", "").by(&ann()))
        .await
        .json();
    let put = async |rest: &str, body: Value| {
        let path = format!("/api/v1/carts/{}{rest}", cart["id"].as_str().unwrap());
        shop.ask(Ask::put(&path, body.to_string()).by(&ann())).await
    };
    put(&format!("/items/{TEA}"), json!({"quantity": 2})).await;
    let free = put("/shipping", json!({"method": id})).await.json();
    assert_eq!(
        (&free["total"], &free["shipping_method"]),
        (&usd(3_998), &id)
    );
    let shown = put("/discount", json!({"code": "half"})).await.json();
    assert_eq!(
        (&shown["subtotal"], &shown["total"]),
        (&usd(3_998), &usd(2_499))
    );
    let euros = make(
        &shop,
        json!({"name": "Poste", "price": {"amount": 5, "currency": "EUR"}}),
    )
    .await;
    let foreign = put("/shipping", json!({"method": euros})).await.json();
    assert_eq!(foreign["total"], usd(1_999));
    assert!(
        foreign["shipping_refused"]
            .as_str()
            .unwrap()
            .contains("another currency")
    );
    put("/shipping", json!({"method": id})).await;
    let body = json!({"cart_id": cart["id"]});
    let order = shop
        .ask(Ask::place(&body).key("k1").by(&ann()))
        .await
        .json();
    assert_eq!(
        (&order["total"], &order["parts"]),
        (&shown["total"], &shown["parts"])
    );
}

#[tokio::test]
async fn where_shipping_is_required_nothing_is_ordered_without() {
    let shop = Shop::with(Config {
        shipping_required: true,
        ..config()
    })
    .await;
    let refused = shop.ask(Ask::place(&tea(1)).key("k1").by(&ann())).await;
    assert_eq!(refused.said(), "422 shipping_required /shipping_method");
    shop.assert_untouched("it").await;
    let body = with(tea(1), "shipping_method", post(&shop).await);
    let placed = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
}

#[tokio::test]
async fn only_admins_make_ways_of_shipping_and_see_those_that_cannot_be_chosen() {
    let shop = Shop::open().await;
    post(&shop).await;
    make(
        &shop,
        json!({"name": "Gone", "price": usd(1), "active": false}),
    )
    .await;
    let path = "/api/v1/shipping-methods";
    let names = async |ask: Ask| {
        let list = shop.ask(ask).await.json();
        list["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(Ask::get(path)).await, ["Post"]);
    assert_eq!(names(Ask::get(path).by(&admin())).await, ["Gone", "Post"]);
    let body = json!({"name": "Mine", "price": usd(1)}).to_string();
    let theirs = shop.ask(Ask::post(path, body.clone()).by(&ann())).await;
    assert_eq!(theirs.status, StatusCode::FORBIDDEN);
    let nobody = shop.ask(Ask::post(path, body)).await;
    assert_eq!(nobody.status, StatusCode::UNAUTHORIZED);
    let less = json!({"name": "Less", "price": usd(-1)}).to_string();
    let less = shop.ask(Ask::post(path, less).by(&admin())).await;
    assert_eq!(less.said(), "422 validation_failed /price");
}

/// A way with zones: a unit of tea weighs 250 grams.
async fn zoned(shop: &Shop) -> Value {
    let zone = |countries: &[&str], price| json!({"countries": countries, "price": usd(price)});
    let far = with(zone(&["US"], 2_000), "regions", json!(["CA"]));
    let bands = json!([{"weight_max_grams": 500, "price": usd(300)}, {"goods_below": usd(1), "price": usd(9)}]);
    let near = with(zone(&["DE", "AT"], 500), "bands", bands);
    let near = with(near, "weight_max_grams", json!(1_000));
    make(
        shop,
        json!({"name": "Post", "price": usd(0), "zones": [near, far]}),
    )
    .await
}

/// What a cart is shown of ways of shipping.
async fn ways(shop: &Shop, cart: &str) -> Vec<(Value, i64)> {
    let path = format!("/api/v1/carts/{cart}/shipping-methods");
    let list = shop.ask(Ask::get(&path).by(&ann())).await.json();
    let list = list["data"].as_array().unwrap().clone();
    let way = |way: Value| {
        (
            way["method"].clone(),
            way["price"]["amount"].as_i64().unwrap(),
        )
    };
    list.into_iter().map(way).collect()
}

async fn put(shop: &Shop, (cart, rest): (&str, &str), body: Value) -> Value {
    let path = format!("/api/v1/carts/{cart}{rest}");
    let set = shop.ask(Ask::put(&path, body.to_string()).by(&ann())).await;
    assert_eq!(set.status, StatusCode::OK, "{set:?}");
    set.json()
}

#[tokio::test]
async fn what_shipping_costs_depends_on_place_weight_and_sum_and_a_cart_is_shown_what_fits() {
    let shop = Shop::open().await;
    let (post, bike) = (
        zoned(&shop).await,
        make(&shop, json!({"name": "Bike", "price": usd(100)})).await,
    );
    let cart = shop.ask(Ask::post("/api/v1/carts", "").by(&ann())).await;
    let cart = cart.json()["id"].as_str().unwrap().to_owned();
    let go = async |country: &str, region: &str| {
        let address = json!({"name": "Ann", "line1": "Way 1", "city": "There", "region": region, "country": country});
        put(&shop, (&cart, "/address"), json!({"address": address})).await
    };
    let items = format!("/items/{TEA}");
    let buy = async |quantity: u32| {
        put(&shop, (&cart, &items), json!({"quantity": quantity})).await;
    };
    buy(2).await;
    let unknown = put(&shop, (&cart, "/shipping"), json!({"method": post})).await;
    let why = unknown["shipping_refused"].as_str().unwrap();
    assert!(why.contains("address"), "{why}");
    assert_eq!(ways(&shop, &cart).await, [(bike.clone(), 100)]);
    for (country, region, quantity, expected) in [
        ("DE", "", 2, Some(300)),
        ("AT", "", 3, Some(500)),
        ("AT", "", 5, None),
        ("US", "ca", 5, Some(2_000)),
        ("US", "NY", 1, None),
    ] {
        buy(quantity).await;
        let shown = go(country, region).await;
        let part = shown.pointer("/parts/0/amount/amount");
        assert_eq!(part.and_then(Value::as_i64), expected, "{country} {region}");
        let post = expected.map(|price| (post.clone(), price));
        let fits: Vec<_> = [(bike.clone(), 100)].into_iter().chain(post).collect();
        assert_eq!(
            ways(&shop, &cart).await,
            fits,
            "{country} {region} {quantity}"
        );
    }
    let body = json!({"cart_id": cart});
    let refused = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
    assert_eq!(
        refused.said(),
        "422 shipping_not_applicable /shipping_method"
    );
    shop.assert_untouched("it").await;
    let shown = go("DE", "").await;
    let order = shop
        .ask(Ask::place(&body).key("k1").by(&ann()))
        .await
        .json();
    assert_eq!(
        (&order["total"], &order["parts"]),
        (&shown["total"], &shown["parts"])
    );
    assert_eq!(order["parts"][0]["amount"], usd(300));
}

#[tokio::test]
async fn a_zone_that_cannot_be_is_refused_by_its_place() {
    let shop = Shop::open().await;
    let zone = json!({"countries": ["DE"], "price": usd(1), "bands": [{"price": usd(1)}]});
    let body = json!({"name": "Post", "price": usd(1), "zones": [zone]}).to_string();
    let refused = shop
        .ask(Ask::post("/api/v1/shipping-methods", body).by(&admin()))
        .await;
    assert_eq!(refused.said(), "422 validation_failed /zones/0/bands/0");
}
