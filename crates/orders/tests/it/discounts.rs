//! Discount codes through the router: what they take off, for whom, how often, and what a refusal leaves behind.

use crate::{
    races::{at_once, count},
    shop::{Ask, Shop, TEA, admin, ann, bob, person, tea, with},
};
use axum::http::StatusCode;
use contracts::{access::Role, orders::Discounts};
use serde_json::{Value, json};

async fn make(shop: &Shop, discount: Value) -> Value {
    let ask = Ask::post("/api/v1/discounts", discount.to_string());
    let answer = shop.ask(ask.by(&admin())).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()
}

fn coded(quantity: u32, code: &str) -> Value {
    with(tea(quantity), "discount_code", json!(code))
}

#[tokio::test]
async fn an_order_shows_its_parts_and_is_paid_as_it_adds_up() {
    let shop = Shop::open().await;
    make(&shop, json!({"code": "tea-10", "basis_points": 1_000})).await;
    let body = with(coded(2, "Tea-10"), "payment", json!({"method": "tok_ok"}));
    let answer = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
    let order = answer.json();
    assert_eq!(order["status"], "paid", "{order}");
    assert_eq!(order["total"]["amount"], 3_598);
    let part = json!([{"kind": "discount", "title": "TEA-10", "amount": {"amount": -400, "currency": "USD"}}]);
    assert_eq!(order["parts"], part);
    let plain = shop.placed("k2", 1).await;
    assert!(
        shop.seen(plain).await.get("parts").is_none(),
        "nothing of it"
    );
    let again = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
    assert!(again.replayed());
    assert_eq!(again.bytes, answer.bytes);
    let audit = shop.orders().await;
    assert_eq!(
        audit.iter().map(|one| one.parts_total_minor).sum::<i64>(),
        -400
    );
}

#[tokio::test]
async fn a_code_that_does_not_apply_is_refused_and_leaves_nothing() {
    let shop = Shop::open().await;
    for discount in [
        json!({"code": "off", "basis_points": 500, "active": false}),
        json!({"code": "over", "basis_points": 500, "ends_at": "2020-01-01T00:00:00Z"}),
        json!({"code": "later", "basis_points": 500, "starts_at": "2100-01-01T00:00:00Z"}),
        json!({"code": "big", "basis_points": 500, "minimum": {"amount": 9_000, "currency": "USD"}}),
        json!({"code": "euro", "amount": {"amount": 100, "currency": "EUR"}}),
    ] {
        make(&shop, discount).await;
    }
    for code in ["none", "off", "over", "later", "big", "euro"] {
        let ask = Ask::place(&coded(1, code)).key("k1").by(&ann());
        let said = shop.ask(ask).await.said();
        assert_eq!(said, "422 discount_not_applicable /discount_code", "{code}");
    }
    let wrong = Ask::place(&coded(1, "x y z")).key("k1").by(&ann());
    assert_eq!(
        shop.ask(wrong).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let total = json!({"amount": 1_999, "currency": "USD"});
    make(&shop, json!({"code": "half", "basis_points": 5_000})).await;
    let body = with(coded(1, "half"), "total", total);
    let refused = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
    assert_eq!(refused.said(), "409 price_changed");
    assert_eq!(refused.json()["total"]["amount"], 999);
    shop.assert_untouched("all of them").await;
    let total = json!({"amount": 999, "currency": "USD"});
    let right = with(coded(1, "half"), "total", total);
    let placed = shop.ask(Ask::place(&right).key("k1").by(&ann())).await;
    assert_eq!(placed.status, StatusCode::CREATED);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_for_three_is_given_to_three_of_forty_and_again_when_one_is_called_off() {
    let shop = Shop::open().await;
    shop.catalog.restock(TEA, 100);
    let code = make(
        &shop,
        json!({"code": "three", "basis_points": 1_000, "uses_max": 3}),
    )
    .await;
    let ask = |n: u8| {
        Ask::place(&coded(1, "three"))
            .key("k1")
            .by(&person(100 + n, Role::Customer))
    };
    let answers = at_once(&shop, (0..40_u8).map(ask)).await;
    assert_eq!(count(&answers, StatusCode::CREATED), 3);
    let refused = answers
        .iter()
        .filter(|one| one.said() == "409 discount_exhausted");
    assert_eq!(refused.count(), 37);
    assert_eq!(
        shop.catalog.stock(TEA),
        (100, 3),
        "the refused hold nothing"
    );
    let won = answers.iter().find(|one| one.status == StatusCode::CREATED);
    let cancel = Ask::step(won.unwrap().order_id(), "cancel").by(&admin());
    assert_eq!(shop.ask(cancel).await.status, StatusCode::OK);
    let id = code["id"].as_str().unwrap().parse().unwrap();
    let discounts: &dyn Discounts = &*shop.opened.service;
    assert_eq!(
        discounts.discount(&admin(), id).await.unwrap().uses,
        Some(2)
    );
    let again = Ask::place(&coded(1, "three")).key("k9").by(&bob());
    assert_eq!(shop.ask(again).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_customer_has_a_code_as_often_as_it_says_and_another_as_well() {
    let shop = Shop::open().await;
    make(
        &shop,
        json!({"code": "once", "basis_points": 1_000, "customer_uses_max": 1}),
    )
    .await;
    let ask = |key: &str| Ask::place(&coded(1, "once")).key(key);
    assert_eq!(
        shop.ask(ask("k1").by(&ann())).await.status,
        StatusCode::CREATED
    );
    assert_eq!(
        shop.ask(ask("k2").by(&ann())).await.said(),
        "409 discount_exhausted"
    );
    assert_eq!(
        shop.ask(ask("k1").by(&bob())).await.status,
        StatusCode::CREATED
    );
    let guest = |key: &str, email: &str| {
        let body = with(coded(1, "once"), "email", json!(email));
        Ask::place(&body).key(key)
    };
    let placed = shop.ask(guest("k1", "gus@example.com")).await;
    assert_eq!(placed.status, StatusCode::CREATED);
    let again = shop.ask(guest("k2", "Gus@Example.com")).await;
    assert_eq!(again.said(), "409 discount_exhausted");
}

#[tokio::test]
async fn only_admins_have_to_do_with_discounts() {
    let shop = Shop::open().await;
    let discount = make(&shop, json!({"code": "tea-10", "basis_points": 1_000})).await;
    let path = format!("/api/v1/discounts/{}", discount["id"].as_str().unwrap());
    let change = json!({"code": "tea-10", "basis_points": 2_000, "version": 1}).to_string();
    let asks = || {
        [
            Ask::get("/api/v1/discounts"),
            Ask::get(&path),
            Ask::post("/api/v1/discounts", change.clone()),
            Ask::put(&path, change.clone()),
        ]
    };
    for ask in asks() {
        assert_eq!(shop.ask(ask.clone()).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(shop.ask(ask.by(&ann())).await.status, StatusCode::FORBIDDEN);
    }
    let [list, _, taken, changed] = asks();
    let list = shop.ask(list.by(&admin())).await.json();
    assert_eq!(list["data"], json!([discount]));
    assert_eq!(
        shop.ask(taken.by(&admin())).await.said(),
        "409 code_taken /code"
    );
    let changed = shop.ask(changed.by(&admin())).await;
    assert_eq!(
        (changed.status, &changed.json()["version"]),
        (StatusCode::OK, &json!(2))
    );
    let bare = Ask::put(
        &path,
        json!({"code": "tea-10", "basis_points": 1}).to_string(),
    );
    let bare = shop.ask(bare.by(&admin())).await;
    assert_eq!(bare.status, StatusCode::PRECONDITION_REQUIRED);
    let wrong = json!({"code": "tea-11", "basis_points": 10_001}).to_string();
    let wrong = shop
        .ask(Ask::post("/api/v1/discounts", wrong).by(&admin()))
        .await;
    assert_eq!(wrong.said(), "422 validation_failed /basis_points");
}

#[tokio::test]
async fn a_cart_shows_its_code_and_is_bought_with_it() {
    let shop = Shop::open().await;
    let minimum = json!({"amount": 3_000, "currency": "USD"});
    make(
        &shop,
        json!({"code": "tea-10", "basis_points": 1_000, "minimum": minimum}),
    )
    .await;
    let cart = shop
        .ask(Ask::post("/api/v1/carts", "").by(&ann()))
        .await
        .json();
    let path = |rest: &str| format!("/api/v1/carts/{}{rest}", cart["id"].as_str().unwrap());
    let put = async |rest: &str, body: Value| {
        let ask = Ask::put(&path(rest), body.to_string()).by(&ann());
        shop.ask(ask).await
    };
    let item = format!("/items/{TEA}");
    put(&item, json!({"quantity": 1})).await;
    let unknown = put("/discount", json!({"code": "none"})).await;
    assert_eq!(unknown.said(), "422 discount_not_applicable /discount_code");
    let shown = put("/discount", json!({"code": "tea-10"})).await.json();
    assert_eq!(shown["total"]["amount"], 1_999);
    assert!(
        shown["discount_refused"]
            .as_str()
            .unwrap()
            .contains("30.00"),
        "{shown}"
    );
    let body = json!({"cart_id": cart["id"]});
    let refused = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
    assert_eq!(refused.said(), "422 discount_not_applicable /discount_code");
    let shown = put(&item, json!({"quantity": 2})).await.json();
    assert_eq!(
        (&shown["subtotal"]["amount"], &shown["total"]["amount"]),
        (&json!(3_998), &json!(3_598))
    );
    let order = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
    assert_eq!(order.json()["total"], shown["total"]);
    assert_eq!(order.json()["parts"], shown["parts"]);
    let again = shop.ask(Ask::place(&body).key("k2").by(&ann())).await;
    assert!(again.replayed() && again.bytes == order.bytes);
}
