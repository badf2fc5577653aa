//! A discount that many want at once, by its code or by itself: as many get it as there are uses, and a use comes back
//! with an order that is called off.

use crate::{customers, ground::Ground, outcomes};
use contracts::values::EventId;
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeMap;
use testkit::Client;

async fn of_a_thousand_uses_of_a_code_for_ten_ten_are_given(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 2_000).await;
    let ten = json!({"code": "ten", "basis_points": 1_000, "uses_max": 10});
    let code = admin.post("/api/v1/discounts", &ten).await;
    let code = format!("/api/v1/discounts/{}", code.str("/id"));
    let buyers = customers(&shop, 25).await;
    let body = json!({"items": [{"product_id": product, "quantity": 1}], "discount_code": "ten"});
    let uses = (0..40).flat_map(|number| buyers.iter().map(move |buyer| (number, buyer)));
    let uses = uses.map(|(number, buyer)| {
        let body = &body;
        async move {
            let key = format!("k{number}");
            buyer.post_with_key("/api/v1/orders", &key, body).await
        }
    });
    let answers = join_all(uses).await;
    let expected = BTreeMap::from([((201, ""), 10), ((409, "discount_exhausted"), 990)]);
    assert_eq!(outcomes(&answers), expected);
    assert_eq!(admin.get(&code).await.int("/uses"), 10);
    shop.has_stock(&product, (2_000, 10, 1_990)).await;
    let won = answers.iter().find(|answer| answer.status == 201);
    let won = won.map_or("", |answer| answer.str("/id"));
    let cancel = format!("/api/v1/orders/{won}/cancel");
    assert_eq!(admin.post(&cancel, &json!({})).await.status, 200);
    assert_eq!(admin.get(&code).await.int("/uses"), 9);
    let again = buyers[0]
        .post_with_key("/api/v1/orders", "again", &body)
        .await;
    assert_eq!((again.status, again.int("/total/amount")), (201, 1_799));
    let over = buyers[1]
        .post_with_key("/api/v1/orders", "over", &body)
        .await;
    assert_eq!(over.code(), "discount_exhausted");
    shop.verify().await;
}

async fn of_a_thousand_orders_ten_get_what_is_given_to_ten_and_none_is_refused(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 2_000).await;
    let ten = json!({"code": "ten", "automatic": true, "basis_points": 1_000, "uses_max": 10});
    let ten = admin.post("/api/v1/discounts", &ten).await;
    let ten = format!("/api/v1/discounts/{}", ten.str("/id"));
    let buyers = customers(&shop, 25).await;
    let body = json!({"items": [{"product_id": product, "quantity": 1}]});
    let orders = (0..40).flat_map(|number| buyers.iter().map(move |buyer| (number, buyer)));
    let orders = orders.map(|(number, buyer)| {
        let body = &body;
        async move {
            let key = format!("k{number}");
            buyer.post_with_key("/api/v1/orders", &key, body).await
        }
    });
    let answers = join_all(orders).await;
    assert_eq!(outcomes(&answers), BTreeMap::from([((201, ""), 1_000)]));
    let less = answers
        .iter()
        .filter(|one| one.int("/total/amount") == 1_799);
    assert_eq!(less.count(), 10);
    assert_eq!(admin.get(&ten).await.int("/uses"), 10);
    shop.verify().await;
}

async fn one_customer_who_orders_thirty_two_times_at_once_has_a_code_for_each_once(
    mut shop: Ground,
) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 2_000, 200).await;
    // Uses of a code without a limit of its own are nowhere counted together.
    for (code, uses_max) in [("once", None), ("seldom", Some(50))] {
        let body = json!({"code": code, "basis_points": 1_000, "customer_uses_max": 1, "uses_max": uses_max});
        let made = admin.post("/api/v1/discounts", &body).await;
        let path = format!("/api/v1/discounts/{}", made.str("/id"));
        let uses = async |expected: i64| {
            let seen = admin.get(&path).await;
            assert_eq!(seen.json["uses"].as_i64(), uses_max.map(|_| expected));
        };
        let ann = shop.customer(&format!("ann-{code}")).await;
        let won = each_at_once(&ann, &product, code, None).await;
        uses(1).await;
        let orders = ann.get("/api/v1/orders?limit=100").await;
        assert_eq!(orders.json["data"].as_array().map(Vec::len), Some(1));
        // It is each customer's own: a guest has it once as well, under one address.
        each_at_once(&shop.visitor(), &product, code, Some("gus@souk.example")).await;
        uses(2).await;
        // Called off, it is hers again, once.
        let cancel = format!("/api/v1/orders/{won}/cancel");
        assert_eq!(ann.post(&cancel, &json!({})).await.status, 200);
        uses(1).await;
        each_at_once(&ann, &product, code, None).await;
        uses(2).await;
    }
    shop.verify().await;
}

/// Thirty-two orders at once with this code: one is made, for less; its id.
async fn each_at_once(buyer: &Client, product: &str, code: &str, email: Option<&str>) -> String {
    let items = json!([{"product_id": product, "quantity": 1}]);
    let place = |number: usize| {
        // Half of them pay at once: neither way is a way around.
        let payment = number
            .is_multiple_of(2)
            .then(|| json!({"method": "tok_ok"}));
        let mut body = json!({"items": items, "discount_code": code, "payment": payment});
        if let Some(email) = email {
            body["email"] = json!(email);
        }
        let key = EventId::generate().to_string();
        async move { buyer.post_with_key("/api/v1/orders", &key, &body).await }
    };
    let answers = join_all((0..32).map(place)).await;
    let expected = BTreeMap::from([((201, ""), 1), ((409, "discount_exhausted"), 31)]);
    assert_eq!(outcomes(&answers), expected);
    let won = answers.iter().find(|answer| answer.status == 201);
    let won = won.expect("one of them");
    assert_eq!(won.int("/total/amount"), 1_800);
    won.str("/id").to_owned()
}

on_both_grounds! {
    of_a_thousand_uses_of_a_code_for_ten_ten_are_given,
    one_customer_who_orders_thirty_two_times_at_once_has_a_code_for_each_once,
    of_a_thousand_orders_ten_get_what_is_given_to_ten_and_none_is_refused,
}
