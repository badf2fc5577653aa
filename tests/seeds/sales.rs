//! D5 to D7 of the seeds' own implementations: stock that is lost or sold twice, and money that is believed.

use crate::program::{Expected, Program, open};
use futures_util::future::join_all;
use serde_json::{Value, json};

#[tokio::test]
async fn d5_eighty_parallel_orders_take_eighty_units_and_not_one_more() {
    let shop = open().await;
    let seller = Program::register(&shop, "seller").await;
    let tea = seller.sell("Tea", "2", 80).await;
    let buyers = join_all((0..8).map(|number| {
        let name = format!("buyer{number}");
        let shop = &shop;
        async move { Program::register(shop, &name).await }
    }))
    .await;
    let orders = join_all((0..120).map(|number| buyers[number % 8].order(&tea, 1))).await;
    let taken = orders.iter().filter(|answer| answer.status == 201).count();
    let refused = orders
        .iter()
        .filter(|answer| answer.code() == "insufficient_stock")
        .count();
    assert_eq!((taken, refused, seller.stock(&tea).await), (80, 40, 0));
    // Sales and the merchant's own changes at once: neither loses the other.
    seller
        .put(&format!("/products/{tea}"), json!({"stock": 40}))
        .await
        .is(200);
    let path = format!("/products/{tea}");
    let sell = join_all((0..30).map(|number| buyers[number % 8].order(&tea, 1)));
    let edit = join_all(
        (0..6).map(|number| seller.put(&path, json!({"description": number.to_string()}))),
    );
    let (sold, edited) = tokio::join!(sell, edit);
    assert!(sold.iter().all(|answer| answer.status == 201));
    assert!(edited.iter().all(|answer| answer.status == 200));
    assert_eq!(
        seller.stock(&tea).await,
        10,
        "no form brought sold units back"
    );
    shop.verify().await;
}

#[tokio::test]
async fn d6_each_line_is_taken_from_its_own_product_or_none_is() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let mut ids = Vec::new();
    for name in ["A", "B", "C"] {
        ids.push(amira.sell(name, "1", 10).await);
    }
    let stocks = async || {
        let mut stocks = Vec::new();
        for id in &ids {
            stocks.push(amira.stock(id).await);
        }
        stocks
    };
    let place = async |quantities: Value| {
        let body = json!({"productIds": ids, "quantities": quantities});
        amira.post("/orders", body).await
    };
    let order = place(json!([1, 2, 3])).await.is(201).str("/_id").to_owned();
    assert_eq!(stocks().await, [9, 8, 7]);
    for quantities in [
        json!([1, 1, 8]),
        json!([10, 1, 1]),
        json!([1, 0, 1]),
        json!([1, 1, -1]),
    ] {
        let answer = place(quantities).await;
        assert!(matches!(answer.status, 409 | 422), "{}", answer.text);
        assert_eq!(stocks().await, [9, 8, 7], "no line without the others");
    }
    amira.pay(&order).await.is(201);
    assert_eq!(stocks().await, [9, 8, 7], "paying takes nothing more");
    for _ in 0..3 {
        amira.set_status(&order, "shipped").await.is(200);
    }
    assert_eq!(stocks().await, [9, 8, 7], "shipping takes nothing more");
    let second = place(json!([1, 1, 1])).await.is(201).str("/_id").to_owned();
    amira.set_status(&second, "cancelled").await.is(200);
    assert_eq!(stocks().await, [9, 8, 7], "every line came back");
    shop.verify().await;
}

#[tokio::test]
async fn d7_an_order_costs_what_the_shop_says_and_is_paid_once() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "0.10", 90).await;
    for (quantity, total) in [(3, json!(0.3)), (7, json!(0.7)), (29, json!(2.9))] {
        let order = amira.order(&tea, quantity).await.is(201);
        assert_eq!(order.json["total"], total, "to the cent");
    }
    let order = amira.place(&tea, 1).await;
    let told = amira.set_status(&order, "paid").await;
    told.refused(409, "illegal_transition");
    for invented in [
        "pay_01h455vb4pex5vsknk084sn02q",
        "tok_forged",
        "",
        "4242424242424242",
    ] {
        let body = json!({"order_id": order, "method": invented, "payment_id": invented, "status": "captured"});
        let told = amira.post("/payments", body).await;
        told.refused(422, "validation_failed");
    }
    let pays = join_all((0..12).map(|_| amira.pay(&order))).await;
    let captured: Vec<_> = pays.iter().filter(|answer| answer.status == 201).collect();
    assert_eq!(captured.len(), 1);
    assert!(pays.iter().all(|answer| matches!(answer.status, 201 | 409)));
    // A key that paid one order pays no other.
    let pay = async |order: &str| {
        let body = json!({"order_id": order, "method": "tok_ok"});
        let headers = [("idempotency-key", "k1")];
        amira
            .call_with("POST", "/payments", Some(body), &headers)
            .await
    };
    let first = amira.place(&tea, 1).await;
    let paid = pay(&first).await.is(201);
    assert_eq!(
        pay(&first).await.is(201).str("/_id"),
        paid.str("/_id"),
        "the same payment"
    );
    for _ in 0..2 {
        let other = amira.place(&tea, 1).await;
        pay(&other).await.refused(422, "idempotency_key_reused");
        let unpaid = amira.get(&format!("/orders/{other}")).await.is(200);
        assert_eq!(unpaid.str("/status"), "pending");
    }
    shop.verify().await;
}
