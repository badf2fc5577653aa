//! Moving orders on, and what a refused move leaves as it was.

use crate::shop::{Ask, Shop, TEA, admin, ann, tea, with};
use contracts::{catalog::ReservationState, values::OrderId};
use serde_json::{Value, json};

fn ship(id: OrderId, body: &Value) -> Ask {
    Ask::post(&format!("/api/v1/orders/{id}/ship"), body.to_string()).by(&admin())
}

#[tokio::test]
async fn an_order_goes_its_way_and_everything_is_noted() {
    let shop = Shop::open().await;
    let id = shop.paid("k1", 2).await;
    shop.clock.advance_seconds(60);
    let shipped = shop
        .ask(ship(id, &json!({"tracking": " 1Z999 "})))
        .await
        .json();
    assert_eq!(
        (
            &shipped["status"],
            &shipped["version"],
            &shipped["tracking"]
        ),
        (&json!("shipped"), &json!(3), &json!("1Z999"))
    );
    let delivered = shop.ask(Ask::step(id, "deliver").by(&admin())).await;
    assert_eq!(delivered.headers["etag"], "\"4\"");
    let (ann, admin) = (ann().user_id.to_string(), admin().user_id.to_string());
    let expected = [
        ("placed", ann.as_str()),
        ("payment_started", "system"),
        ("paid", "system"),
        ("shipped", &admin),
        ("delivered", &admin),
    ];
    let expected = expected.map(|(what, who)| (what.to_owned(), who.to_owned()));
    assert_eq!(shop.timeline(id).await, expected);
    assert_eq!(shop.catalog.stock(TEA), (8, 0));
}

#[tokio::test]
async fn an_order_goes_in_parcels_and_cannot_be_called_off_after_the_first() {
    let shop = Shop::open().await;
    let id = shop.paid("k1", 3).await;
    let path = format!("/api/v1/orders/{id}/shipments");
    let send = |body: Value| Ask::post(&path, body.to_string()).by(&admin());
    let first = json!({"lines": [{"line": 1, "quantity": 1}], "carrier": "Carrier",
        "tracking_url": "https://carrier.example/1"});
    let first = shop.ask(send(first)).await;
    assert_eq!(first.status, 201);
    assert_eq!(first.json()["lines"][0]["quantity"], 1);
    assert_eq!(shop.seen(id).await["status"], "paid");
    for refused in [
        json!({"lines": [{"line": 1, "quantity": 3}]}),
        json!({"lines": [{"line": 2, "quantity": 1}]}),
        json!({"lines": []}),
        json!({"tracking_url": "http://carrier.example/1"}),
        json!({"carrier": " "}),
    ] {
        assert_eq!(
            shop.ask(send(refused.clone())).await.status,
            422,
            "{refused}"
        );
    }
    let off = shop.ask(Ask::step(id, "cancel").by(&ann())).await;
    assert_eq!(off.said(), "409 illegal_transition");
    assert_eq!(shop.ask(send(json!({})).by(&ann())).await.status, 403);
    shop.ask(ship(id, &json!({"tracking": "1Z999"}))).await;
    assert_eq!(shop.seen(id).await["status"], "shipped");
    let all = shop.ask(Ask::get(&path).by(&ann())).await.json();
    assert_eq!(all["data"][1]["lines"][0]["quantity"], 2, "the rest");
    assert_eq!(all["data"][1]["tracking"], "1Z999");
}

#[tokio::test]
async fn what_is_noted_for_the_shop_is_not_shown_to_the_buyer() {
    let shop = Shop::open().await;
    let id = shop.paid("k1", 1).await;
    let path = format!("/api/v1/orders/{id}/notes");
    let note = |body: Value| Ask::post(&path, body.to_string()).by(&admin());
    for body in [
        json!({"text": "asks for much"}),
        json!({"text": "Thank you", "for_customer": true}),
    ] {
        assert_eq!(shop.ask(note(body)).await.status, 201);
    }
    assert_eq!(shop.ask(note(json!({"text": " "}))).await.status, 422);
    assert_eq!(
        shop.ask(note(json!({"text": "x"})).by(&ann())).await.status,
        403
    );
    let all = shop.ask(Ask::get(&path).by(&admin())).await.json();
    assert_eq!(all["data"].as_array().unwrap().len(), 2);
    assert_eq!(all["data"][0]["author"], admin().user_id.to_string());
    let hers = shop.ask(Ask::get(&path).by(&ann())).await.json();
    assert_eq!(hers["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&hers["data"][0]["text"], &hers["data"][0]["author"]),
        (&json!("Thank you"), &Value::Null)
    );
}

#[tokio::test]
async fn a_cancelled_order_gives_its_stock_back() {
    let shop = Shop::open().await;
    let (pending, paid) = (shop.placed("k1", 2).await, shop.paid("k2", 3).await);
    assert_eq!(shop.catalog.stock(TEA), (7, 2));
    for (id, state, stock) in [
        (pending, ReservationState::Released, (7, 0)),
        (paid, ReservationState::Returned, (10, 0)),
    ] {
        let answer = shop.ask(Ask::step(id, "cancel").by(&ann())).await;
        assert_eq!(answer.json()["status"], "cancelled");
        assert_eq!(shop.catalog.reservation(id), Some(state));
        assert_eq!(shop.catalog.stock(TEA), stock);
        let again = shop.ask(Ask::step(id, "cancel").by(&ann())).await;
        assert_eq!(again.said(), "409 illegal_transition");
        assert_eq!(shop.catalog.stock(TEA), stock, "given back once");
    }
}

#[tokio::test]
async fn an_illegal_move_is_refused_and_says_what_is_legal() {
    let shop = Shop::open().await;
    let pending = shop.placed("k1", 1).await;
    let (paid, shipped) = (shop.paid("k2", 1).await, shop.shipped("k3", 1).await);
    let delivered = shop.shipped("k4", 1).await;
    shop.ask(Ask::step(delivered, "deliver").by(&admin())).await;
    let cancelled = shop.placed("k5", 1).await;
    shop.ask(Ask::step(cancelled, "cancel").by(&ann())).await;
    let stock = shop.catalog.stock(TEA);
    let none: [&str; 0] = [];
    for (id, from, verb, allowed) in [
        (pending, "pending", "ship", json!(["paid", "cancelled"])),
        (pending, "pending", "deliver", json!(["paid", "cancelled"])),
        (paid, "paid", "deliver", json!(["shipped", "cancelled"])),
        (shipped, "shipped", "ship", json!(["delivered"])),
        (shipped, "shipped", "cancel", json!(["delivered"])),
        (delivered, "delivered", "cancel", json!(none)),
        (delivered, "delivered", "deliver", json!(none)),
        (cancelled, "cancelled", "ship", json!(none)),
        (cancelled, "cancelled", "cancel", json!(none)),
    ] {
        let before = (shop.seen(id).await, shop.timeline(id).await);
        let answer = shop.ask(Ask::step(id, verb).by(&admin())).await;
        assert_eq!(answer.said(), "409 illegal_transition", "{verb} {from}");
        let problem = answer.json();
        assert_eq!(
            (&problem["from"], &problem["allowed"]),
            (&json!(from), &allowed)
        );
        assert_eq!((shop.seen(id).await, shop.timeline(id).await), before);
    }
    assert_eq!(shop.catalog.stock(TEA), stock);
}

#[tokio::test]
async fn no_order_is_cancelled_while_its_payment_is_under_way() {
    let shop = Shop::open().await;
    let wish = with(tea(2), "payment", json!({"method": "tok_slow"}));
    let id = shop
        .ask(Ask::place(&wish).key("k1").by(&ann()))
        .await
        .order_id();
    for who in [ann(), admin()] {
        let answer = shop.ask(Ask::step(id, "cancel").by(&who)).await;
        assert_eq!(answer.said(), "409 payment_in_progress");
        assert_eq!(answer.json()["retryable"], true);
    }
    assert_eq!(shop.catalog.reservation(id), Some(ReservationState::Open));
    shop.payments.settle().await;
    assert_eq!(shop.seen(id).await["status"], "paid");
    let answer = shop.ask(Ask::step(id, "cancel").by(&ann())).await;
    assert_eq!(answer.said(), "200", "now there is money to give back");
    assert_eq!(shop.catalog.stock(TEA), (10, 0));
}

#[tokio::test]
async fn a_move_takes_a_body_of_its_own() {
    let shop = Shop::open().await;
    let id = shop.paid("k1", 1).await;
    let long = "x".repeat(101);
    for (body, expected) in [
        (json!({"tracking": ""}), "422 validation_failed /tracking"),
        (json!({"tracking": long}), "422 validation_failed /tracking"),
        (
            json!({"tracking": "a\u{0}b"}),
            "422 validation_failed /tracking",
        ),
        (json!({"tracking": 7}), "400 malformed /tracking"),
        (
            json!({"status": "shipped"}),
            "422 validation_failed /status",
        ),
        (json!([]), "400 malformed "),
    ] {
        assert_eq!(shop.ask(ship(id, &body)).await.said(), expected, "{body}");
    }
    let more = Ask::post(
        &format!("/api/v1/orders/{id}/cancel"),
        r#"{"refund":false}"#,
    );
    let said = shop.ask(more.by(&admin())).await.said();
    assert_eq!(said, "422 validation_failed /refund");
    let bare = Ask::step(id, "cancel").without("content-type").by(&admin());
    assert_eq!(shop.ask(bare).await.said(), "415 unsupported_media_type");
    let order = shop.seen(id).await;
    assert_eq!(
        (&order["status"], &order["tracking"]),
        (&json!("paid"), &json!(null))
    );
}
