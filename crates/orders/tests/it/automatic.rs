//! Discounts that are given by themselves, through the router: what fits an order, the best of several, and what
//! happens where a limit has no room left.

use crate::{
    fakes::TEAS,
    races::{at_once, count},
    shop::{Ask, CUP, Shop, TEA, admin, ann, bob, person, tea, with},
};
use axum::http::StatusCode;
use contracts::{access::Role, orders::Discounts, values::DiscountId};
use serde_json::{Value, json};

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

async fn make(shop: &Shop, path: &str, body: Value) -> Value {
    let answer = shop.ask(Ask::post(path, body.to_string()).by(&admin()));
    let answer = answer.await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()
}

/// One that is given by itself.
async fn given(shop: &Shop, discount: Value) -> Value {
    let discount = with(discount, "automatic", json!(true));
    make(shop, "/api/v1/discounts", discount).await
}

async fn place(shop: &Shop, key: &str, body: &Value) -> Value {
    let answer = shop.ask(Ask::place(body).key(key).by(&ann())).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.json()
}

/// What the parts are called and how much they are, and the total.
fn costs(order: &Value) -> (Vec<(&str, i64)>, i64) {
    let parts = order["parts"].as_array().into_iter().flatten();
    let part = |part| {
        let part: &Value = part;
        let amount = part["amount"]["amount"].as_i64().unwrap();
        (part["title"].as_str().unwrap(), amount)
    };
    let total = order["total"]["amount"].as_i64().unwrap();
    (parts.map(part).collect(), total)
}

#[tokio::test]
async fn three_teas_cost_as_much_as_two_and_the_order_says_why() {
    let shop = Shop::open().await;
    let teas = json!({"categories": [TEAS]});
    let buy = json!({"quantity": 2, "of": teas, "get": 1, "times_max": 2});
    let three =
        json!({"code": "tea-3", "name": "Three teas for two", "basis_points": 10_000, "buy": buy});
    let three = with(three, "only", teas.clone());
    let made = given(&shop, three).await;
    assert_eq!(
        (&made["buy"], &made["only"]["categories"]),
        (&buy_shown(), &json!([TEAS]))
    );
    assert_eq!(costs(&place(&shop, "k1", &tea(2)).await), (vec![], 3_998));
    let body = with(tea(3), "total", usd(3_998));
    let order = place(&shop, "k2", &body).await;
    let part = json!([{"kind": "discount", "title": "Three teas for two", "code": "TEA-3", "amount": usd(-1_999)}]);
    assert_eq!((&order["parts"], &order["total"]), (&part, &usd(3_998)));
    let items = json!({"items": [
        {"product_id": TEA, "quantity": 1}, {"product_id": CUP, "quantity": 4}, {"product_id": TEA, "quantity": 2},
    ]});
    assert_eq!(costs(&place(&shop, "k3", &items).await).1, 3_998 + 2_000);
    let again = shop.ask(Ask::place(&body).key("k2").by(&ann())).await;
    assert!(again.replayed());
    assert_eq!(again.json(), order);
    let said = with(tea(3), "total", usd(5_997));
    let refused = shop.ask(Ask::place(&said).key("k4").by(&ann())).await;
    assert_eq!(refused.said(), "409 price_changed");
    assert_eq!(refused.json()["total"], usd(3_998));
}

fn buy_shown() -> Value {
    json!({"quantity": 2, "of": {"products": [], "categories": [TEAS]}, "get": 1, "times_max": 2})
}

#[tokio::test]
async fn of_several_the_best_is_given_and_a_code_beside_it() {
    let shop = Shop::open().await;
    let post = json!({"name": "Post", "price": usd(500)});
    let post = make(&shop, "/api/v1/shipping-methods", post).await["id"].clone();
    given(&shop, json!({"code": "tenth", "basis_points": 1_000})).await;
    given(
        &shop,
        json!({"code": "more", "amount": usd(450), "minimum": usd(3_000), "name": "4.50 off"}),
    )
    .await;
    let free = json!({"code": "post-free", "basis_points": 10_000, "takes_off": "shipping", "minimum": usd(1_000)});
    given(&shop, free).await;
    given(
        &shop,
        json!({"code": "later", "basis_points": 9_000, "starts_at": "2100-01-01T00:00:00Z"}),
    )
    .await;
    make(
        &shop,
        "/api/v1/discounts",
        json!({"code": "half", "basis_points": 5_000}),
    )
    .await;
    let shipped = |body| with(body, "shipping_method", post.clone());
    let coded = |body| with(body, "discount_code", json!("half"));
    for (key, body, parts, total) in [
        ("k1", tea(1), vec![("TENTH", -200)], 1_799),
        ("k2", tea(2), vec![("4.50 off", -450)], 3_548),
        (
            "k3",
            shipped(tea(1)),
            vec![("Post", 500), ("POST-FREE", -500)],
            1_999,
        ),
        (
            "k4",
            coded(tea(1)),
            vec![("TENTH", -200), ("HALF", -1_000)],
            799,
        ),
        (
            "k5",
            shipped(coded(tea(1))),
            vec![("HALF", -1_000), ("Post", 500), ("POST-FREE", -500)],
            999,
        ),
    ] {
        let order = place(&shop, key, &body).await;
        assert_eq!(costs(&order), (parts, total), "{body}");
    }
    let named = with(tea(1), "discount_code", json!("tenth"));
    let named = shop.ask(Ask::place(&named).key("k6").by(&ann())).await;
    assert_eq!(named.said(), "422 discount_not_applicable /discount_code");
    assert!(
        shop.opened
            .service
            .audit_discounts()
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_cart_shows_what_is_given_by_itself_and_is_bought_with_it() {
    let shop = Shop::open().await;
    let tenth = given(
        &shop,
        json!({"code": "tenth", "name": "A tenth", "basis_points": 1_000}),
    )
    .await;
    let cart = shop
        .ask(Ask::post("/api/v1/carts", "").by(&ann()))
        .await
        .json();
    let path = format!("/api/v1/carts/{}", cart["id"].as_str().unwrap());
    let item = Ask::put(
        &format!("{path}/items/{TEA}"),
        json!({"quantity": 2}).to_string(),
    );
    let shown = shop.ask(item.by(&ann())).await.json();
    assert_eq!(costs(&shown), (vec![("A tenth", -400)], 3_598));
    // What the buyer saw is gone by the time: they hear of it before they pay more.
    let off = json!({"code": "tenth", "basis_points": 1_000, "active": false, "version": 1});
    let change = format!("/api/v1/discounts/{}", tenth["id"].as_str().unwrap());
    let changed = shop
        .ask(Ask::put(&change, off.to_string()).by(&admin()))
        .await;
    assert_eq!(changed.status, StatusCode::OK);
    let body = json!({"cart_id": cart["id"], "total": usd(3_598)});
    let refused = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
    assert_eq!(refused.said(), "409 price_changed");
    let on = json!({"code": "tenth", "name": "A tenth", "automatic": true, "basis_points": 1_000, "version": 2});
    let changed = shop
        .ask(Ask::put(&change, on.to_string()).by(&admin()))
        .await;
    assert_eq!(changed.status, StatusCode::OK);
    let bought = shop.ask(Ask::place(&body).key("k1").by(&ann())).await;
    assert_eq!(bought.status, StatusCode::CREATED, "{bought:?}");
    assert_eq!(costs(&bought.json()), costs(&shown));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_limit_has_no_room_an_order_costs_what_it_does_without() {
    let shop = Shop::open().await;
    shop.catalog.restock(TEA, 100);
    let half =
        json!({"code": "three", "basis_points": 5_000, "uses_max": 3, "customer_uses_max": 1});
    let half: DiscountId = given(&shop, half).await["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    given(&shop, json!({"code": "tenth", "basis_points": 1_000})).await;
    let ask = |n: u8| {
        Ask::place(&tea(1))
            .key("k1")
            .by(&person(100 + n, Role::Customer))
    };
    let answers = at_once(&shop, (0..40_u8).map(ask)).await;
    assert_eq!(
        count(&answers, StatusCode::CREATED),
        40,
        "nobody is refused"
    );
    let with_half = answers
        .iter()
        .filter(|one| costs(&one.json()) == (vec![("THREE", -1_000)], 999));
    assert_eq!(with_half.count(), 3);
    let with_tenth = answers
        .iter()
        .filter(|one| costs(&one.json()) == (vec![("TENTH", -200)], 1_799));
    assert_eq!(with_tenth.count(), 37);
    let discounts: &dyn Discounts = &*shop.opened.service;
    assert_eq!(
        discounts.discount(&admin(), half).await.unwrap().uses,
        Some(3)
    );
    assert!(discounts.audit_discounts().await.unwrap().is_empty());
    let again = at_once(&shop, [ask(1), ask(2)]).await;
    assert!(
        again.iter().all(|one| one.replayed()),
        "a repetition is what it was"
    );
    // What comes back with an order that is called off is given to somebody else.
    let won = answers
        .iter()
        .find(|one| costs(&one.json()).1 == 999)
        .unwrap();
    let cancel = Ask::step(won.order_id(), "cancel").by(&admin());
    assert_eq!(shop.ask(cancel).await.status, StatusCode::OK);
    for (who, total) in [(bob(), 999), (bob(), 1_799), (ann(), 1_799)] {
        let key = format!("k{total}");
        let order = shop.ask(Ask::place(&tea(1)).key(&key).by(&who)).await;
        assert_eq!(costs(&order.json()).1, total);
    }
}

#[tokio::test]
async fn what_goes_not_together_is_refused_and_fifty_are_enough() {
    let shop = Shop::open().await;
    let ask = async |body: Value| {
        let ask = Ask::post("/api/v1/discounts", body.to_string());
        shop.ask(ask.by(&admin())).await.said()
    };
    let buy = json!({"quantity": 0, "get": 1});
    for (body, said) in [
        (
            json!({"code": "abc", "amount": usd(1), "takes_off": "shipping"}),
            "/basis_points",
        ),
        (
            json!({"code": "abc", "basis_points": 1, "buy": buy}),
            "/buy/quantity",
        ),
        (
            json!({"code": "abc", "basis_points": 1, "name": ""}),
            "/name",
        ),
    ] {
        assert_eq!(ask(body).await, format!("422 validation_failed {said}"));
    }
    for number in 0..50 {
        given(
            &shop,
            json!({"code": format!("code-{number}"), "basis_points": 1}),
        )
        .await;
    }
    let more = json!({"code": "more", "basis_points": 1, "automatic": true});
    assert_eq!(ask(more).await, "422 validation_failed /automatic");
    make(
        &shop,
        "/api/v1/discounts",
        json!({"code": "more", "basis_points": 1}),
    )
    .await;
}
