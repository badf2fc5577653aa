//! The seeds' orders and payments: what the services are asked, and what the clients get.

use crate::{
    fakes::{Seen, answer},
    shop::{Shop, me, wish},
};
use axum::response::{IntoResponse, Response};
use contracts::{
    access::Role,
    orders::{OrderError, OrderStatus},
    problem::Code,
    values::UserId,
};
use platform::http::Fault;
use serde_json::{Value, json};

const ID: &str = "ord_01h455vb4pex5vsknk084sn02q";
const TEA: &str = "prd_01h455vb4pex5vsknk084sn02q";
const POT: &str = "prd_01h455vb4pex5vsknk084sn02r";

fn line(product: &str, quantity: u32) -> Value {
    let money = json!({"amount": 1999, "currency": "USD"});
    json!({
        "product_id": product, "variant_id": "var_01h455vb4pex5vsknk084sn02q", "sku": "S", "name": "N",
        "quantity": quantity, "unit_price": money, "line_total": money,
    })
}

fn order(status: &str, who: Option<UserId>, items: &[Value]) -> Value {
    json!({
        "id": ID, "number": 10_001, "version": 1, "status": status, "customer_id": who, "items": items,
        "total": {"amount": 3998, "currency": "USD"}, "payment_due_at": "2026-01-01T00:15:00Z",
        "tracking": null, "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    })
}

/// Orders that stand at a status and move as the table of moves says.
fn standing(from: OrderStatus) -> impl Fn(&Seen) -> Option<Response> + Send + Sync + 'static {
    move |seen| {
        let is_admin = seen.who.is_some();
        let moved = |to: OrderStatus, froms: &[OrderStatus]| {
            if froms.contains(&from) {
                return answer(200, &order(to.as_str(), None, &[line(TEA, 2)]));
            }
            let allowed = Vec::new();
            Some(Fault::from(OrderError::IllegalTransition { from, to, allowed }).into_response())
        };
        let verb = seen.address.rsplit('/').next()?;
        match (seen.method.as_str(), verb) {
            ("GET", _) if is_admin => answer(200, &order(from.as_str(), None, &[line(TEA, 2)])),
            ("POST", "ship") => moved(OrderStatus::Shipped, &[OrderStatus::Paid]),
            ("POST", "deliver") => moved(OrderStatus::Delivered, &[OrderStatus::Shipped]),
            ("POST", "cancel") => moved(
                OrderStatus::Cancelled,
                &[OrderStatus::Pending, OrderStatus::Paid],
            ),
            _ => None,
        }
    }
}

fn placing(seen: &Seen) -> Option<Response> {
    let items = [line(TEA, 2), line(POT, 1)];
    let wished = seen.body["items"].as_array().map_or(0, Vec::len).min(2);
    me(seen).or_else(|| answer(201, &order("pending", seen.who, &items[..wished])))
}

#[tokio::test]
async fn each_shape_of_order_becomes_the_one() {
    let shop = Shop::open(placing);
    let one = json!([{"product_id": TEA, "quantity": 2}]);
    let two = json!([{"product_id": TEA, "quantity": 2}, {"product_id": POT, "quantity": 1}]);
    for (sent, items, total) in [
        (
            json!({"product_id": TEA, "quantity": 2, "total_price": 39.98}),
            &one,
            json!(39.98),
        ),
        (
            json!({"product_id": TEA, "quantity": "2", "total_price": "39.98"}),
            &one,
            json!("39.98"),
        ),
        (
            json!({"productIds": [TEA, POT], "quantities": [2, "1"], "totalAmount": 39.98, "userId": shop.ann}),
            &two,
            json!(39.98),
        ),
        (
            json!({"items": [{"productId": TEA, "quantity": 2, "price": 1}]}),
            &one,
            Value::Null,
        ),
        (
            json!({"items": [{"product_id": TEA, "quantity": "2"}], "total": {"amount": 1, "currency": "USD"}}),
            &one,
            json!({"amount": 1, "currency": "USD"}),
        ),
    ] {
        for path in ["/orders", "/api/orders"] {
            let told = shop.ann(wish("POST", path).json(&sent)).await;
            assert_eq!(told.status, 201, "{sent} {}", told.text);
            let seen = shop.seen().pop().unwrap();
            assert!(seen.is("POST", "/api/v1/orders") && seen.header("idempotency-key").is_some());
            assert_eq!(
                (&seen.body["items"], &seen.body["total"]),
                (items, &total),
                "{sent}"
            );
        }
    }
}

#[tokio::test]
async fn an_order_is_answered_in_the_words_it_was_sent_in() {
    let shop = Shop::open(placing);
    let sent = json!({"product_id": TEA, "quantity": 2, "total_price": 39.98});
    let got = shop.ann(wish("POST", "/orders").json(&sent)).await.json();
    for (name, expected) in [
        ("_id", json!(ID)),
        ("id", json!(ID)),
        ("user_id", json!(shop.ann)),
        ("status", json!("pending")),
        ("product_id", json!(TEA)),
        ("quantity", json!(2)),
        ("total_price", json!(39.98)),
        ("total", json!(39.98)),
    ] {
        assert_eq!(got[name], expected, "{name}");
    }
    let sent = json!({"productIds": [TEA, POT], "quantities": [2, 1], "totalAmount": 39.98});
    let got = shop.ann(wish("POST", "/orders").json(&sent)).await.json();
    assert_eq!(got["productIds"], json!([TEA, POT]));
    assert_eq!(got["quantities"], json!([2, 1]));
    assert_eq!(got["totalAmount"], json!(39.98));
    assert_eq!(got["product_id"], Value::Null, "there are two");
}

#[tokio::test]
async fn the_callers_key_is_kept_and_other_orders_get_one_each() {
    let shop = Shop::open(placing);
    let body = json!({"product_id": TEA, "quantity": 2});
    shop.ann(
        wish("POST", "/orders")
            .json(&body)
            .header("idempotency-key", "k1"),
    )
    .await;
    shop.ann(wish("POST", "/orders").json(&body)).await;
    shop.ann(wish("POST", "/orders").json(&body)).await;
    let seen = shop.seen();
    let keys: Vec<_> = seen
        .iter()
        .map(|seen| seen.header("idempotency-key").unwrap())
        .collect();
    assert_eq!(keys[0], "k1");
    assert!(keys[1] != keys[2] && keys[1].len() == 22, "{keys:?}");
}

#[tokio::test]
async fn orders_are_placed_for_oneself_only() {
    let shop = Shop::open(placing);
    for (user, expected) in [
        (json!(shop.ann), "201"),
        (json!("ann"), "201"),
        (json!("ANN@example.com"), "201"),
        (json!(null), "201"),
        (json!(UserId::generate()), "403 forbidden"),
        (json!("bob"), "403 forbidden"),
        (json!({"$ne": null}), "400 malformed"),
        (json!(7), "400 malformed"),
    ] {
        let body = json!({"product_id": TEA, "quantity": 2, "userId": user});
        let told = shop.ann(wish("POST", "/orders").json(&body)).await;
        assert_eq!(told.brief(), expected, "{user}");
        let placed = shop.seen().iter().any(|seen| seen.method == "POST");
        assert_eq!(placed, expected == "201", "{user}");
    }
}

#[tokio::test]
async fn nobody_orders_unless_they_leave_an_address() {
    let shop = Shop::open(placing);
    let body = json!({"product_id": TEA, "quantity": 2});
    assert_eq!(
        shop.ask(wish("POST", "/orders").json(&body)).await.brief(),
        "401 unauthenticated"
    );
    assert!(shop.seen().is_empty());
    let guest = json!({"product_id": TEA, "quantity": 2, "email": "a@b.c"});
    assert_eq!(
        shop.ask(wish("POST", "/orders").json(&guest)).await.status,
        201
    );
}

#[tokio::test]
async fn quantities_that_are_none_reach_nobody() {
    let shop = Shop::open(placing);
    for (body, expected) in [
        (
            json!({"product_id": TEA, "quantity": 1.5}),
            "422 validation_failed",
        ),
        (
            json!({"product_id": TEA, "quantity": "two"}),
            "422 validation_failed",
        ),
        (
            json!({"product_id": TEA, "quantity": {"$gt": 0}}),
            "400 malformed",
        ),
        (
            json!({"productIds": [TEA, POT], "quantities": [1]}),
            "422 validation_failed",
        ),
        (json!({"productIds": [TEA]}), "422 validation_failed"),
        (json!({"productIds": TEA, "quantities": 1}), "400 malformed"),
        (json!({"items": {"product_id": TEA}}), "400 malformed"),
        (json!({"items": [1]}), "400 malformed"),
    ] {
        let told = shop.ann(wish("POST", "/orders").json(&body)).await;
        assert_eq!(told.brief(), expected, "{body}");
    }
    assert!(shop.seen().is_empty());
}

#[tokio::test]
async fn lists_are_bare_arrays_of_ones_own() {
    let shop = Shop::open(|seen| {
        let page = json!({"data": [order("paid", seen.who, &[line(TEA, 2)])], "next_cursor": null});
        me(seen).or_else(|| answer(200, &page))
    });
    let list = "GET /api/v1/orders?limit=100".to_owned();
    let ann = shop.ann;
    for path in [
        "/orders",
        "/orders/user/ann",
        "/orders/user/Ann",
        "/orders/user/ANN%40example.com",
    ] {
        let told = shop.ann(wish("GET", path)).await;
        assert_eq!(told.json()[0]["user_id"], json!(ann), "{path}");
        assert_eq!(shop.lines().pop(), Some(list.clone()), "{path}");
    }
    shop.ann(wish("GET", &format!("/orders/user/{ann}"))).await;
    assert_eq!(shop.lines(), [list], "one's own id needs no question");
    for path in [
        "/orders/user/bob",
        "/orders/user/%ff",
        &format!("/orders/user/{}", UserId::generate()),
    ] {
        assert_eq!(
            shop.ann(wish("GET", path)).await.brief(),
            "404 not_found",
            "{path}"
        );
    }
    assert_eq!(
        shop.ask(wish("GET", "/orders")).await.brief(),
        "401 unauthenticated"
    );
    assert_eq!(
        shop.ask(wish("GET", "/orders/user/ann")).await.brief(),
        "401 unauthenticated"
    );
}

#[tokio::test]
async fn an_admin_lists_their_own_or_by_id_anybodys() {
    let shop = Shop::open(|seen| {
        me(seen).or_else(|| answer(200, &json!({"data": [], "next_cursor": null})))
    });
    let admin = UserId::generate();
    let list = |who: UserId| format!("GET /api/v1/orders?status=paid&customer_id={who}&limit=100");
    let own = wish("GET", "/orders?status=paid&customer_id=usr_x");
    assert_eq!(shop.ask_as(admin, &[Role::Admin], own).await.text, "[]");
    assert_eq!(shop.lines(), [list(admin)]);
    let anns = wish("GET", &format!("/orders/user/{}?status=paid", shop.ann));
    assert_eq!(shop.ask_as(admin, &[Role::Admin], anns).await.status, 200);
    assert_eq!(shop.lines(), [list(shop.ann)]);
    assert_eq!(
        shop.admin(wish("GET", "/orders/user/bob")).await.brief(),
        "404 not_found"
    );
}

#[tokio::test]
async fn one_order_is_read_by_whoever_may() {
    let shop = Shop::open(standing(OrderStatus::Paid));
    let told = shop.ann(wish("GET", &format!("/orders/{ID}"))).await.json();
    assert_eq!(
        (&told["status"], &told["total"]),
        (&json!("paid"), &json!(39.98))
    );
    let guest = wish("GET", &format!("/orders/{ID}")).header("order-token", "t1");
    assert_eq!(shop.ask(guest).await.brief(), "404 not_found");
    assert_eq!(
        shop.seen()[1].header("order-token"),
        Some("t1"),
        "passed on"
    );
}

#[tokio::test]
async fn each_status_is_reached_by_its_verb_or_not_at_all() {
    use OrderStatus::{Cancelled, Delivered, Paid, Pending, Shipped};
    for (from, text, expected, verb) in [
        (Paid, "Shipped", "200", Some("ship")),
        (Shipped, "DELIVERED", "200", Some("deliver")),
        (Shipped, "completed", "200", Some("deliver")),
        (Pending, "canceled", "200", Some("cancel")),
        (Paid, "cancelled", "200", Some("cancel")),
        (Pending, "pending", "200", None),
        (Paid, "processing", "200", None),
        (Paid, "paid", "200", None),
        (Shipped, "shipped", "200", Some("ship")),
        (Cancelled, "cancelled", "200", Some("cancel")),
        (Pending, "paid", "409 illegal_transition", None),
        (Pending, "processing", "409 illegal_transition", None),
        (Shipped, "pending", "409 illegal_transition", None),
        (Delivered, "refunded", "409 illegal_transition", None),
        (Pending, "shipped", "409 illegal_transition", Some("ship")),
        (
            Delivered,
            "cancelled",
            "409 illegal_transition",
            Some("cancel"),
        ),
        (Pending, "on its way", "422 validation_failed", None),
    ] {
        let shop = Shop::open(standing(from));
        for path in [format!("/orders/{ID}/status"), format!("/orders/{ID}")] {
            let told = shop
                .admin(wish("PUT", &path).json(&json!({"status": text})))
                .await;
            assert_eq!(told.brief(), expected, "{from:?} {text}");
            let posted = shop.seen().into_iter().find(|seen| seen.method == "POST");
            let address = posted.map(|seen| seen.address);
            let wanted = verb.map(|verb| format!("/api/v1/orders/{ID}/{verb}"));
            assert_eq!(address, wanted, "{from:?} {text}");
        }
    }
}

#[tokio::test]
async fn an_impossible_move_says_what_is_possible() {
    let shop = Shop::open(standing(OrderStatus::Pending));
    let put = wish("PUT", &format!("/orders/{ID}")).json(&json!({"status": "paid"}));
    let problem = shop.admin(put).await.json();
    assert_eq!(
        (&problem["from"], &problem["allowed"]),
        (&json!("pending"), &json!(["cancelled"]))
    );
    assert_eq!(problem["message"], "a pending order cannot be made paid");
}

#[tokio::test]
async fn a_status_must_be_a_text() {
    let shop = Shop::open(standing(OrderStatus::Paid));
    for (body, expected) in [
        (json!({}), "422 validation_failed"),
        (json!({"status": null}), "422 validation_failed"),
        (json!({"status": {"$ne": "paid"}}), "400 malformed"),
        (json!({"status": 3}), "400 malformed"),
    ] {
        let put = wish("PUT", &format!("/orders/{ID}/status")).json(&body);
        assert_eq!(shop.admin(put).await.brief(), expected, "{body}");
    }
    assert!(shop.seen().is_empty());
    let put = wish("PUT", &format!("/orders/{ID}/status")).json(&json!({"status": "paid"}));
    let conditional = put.header("if-none-match", "*");
    assert_eq!(
        shop.admin(conditional).await.status,
        200,
        "a condition for reading is none here"
    );
    let tracked = json!({"status": "shipped", "tracking": "T1"});
    shop.admin(wish("PUT", &format!("/orders/{ID}/status")).json(&tracked))
        .await;
    assert_eq!(shop.seen().pop().unwrap().body, json!({"tracking": "T1"}));
}

#[tokio::test]
async fn a_payment_needs_no_key_and_keeps_one() {
    let shop = Shop::open(|seen| {
        if seen.body["method"] == "tok_declined" {
            return Some(Fault::new(Code::PaymentDeclined).into_response());
        }
        answer(
            201,
            &json!({"id": "pay_1", "order_id": ID, "status": "captured"}),
        )
    });
    for (path, sent) in [
        (
            "/payments",
            json!({"order_id": ID, "method": "tok_ok", "colour": 1}),
        ),
        (
            "/api/payments",
            json!({"orderId": ID, "paymentMethod": "tok_ok"}),
        ),
    ] {
        let told = shop.ann(wish("POST", path).json(&sent)).await;
        assert_eq!(
            (told.status, &told.json()["_id"]),
            (201, &json!("pay_1")),
            "{path}"
        );
        let seen = shop.seen().remove(0);
        assert_eq!(seen.body, json!({"order_id": ID, "method": "tok_ok"}));
        assert!(seen.header("idempotency-key").is_some());
    }
    let body = json!({"order_id": ID, "method": "tok_declined"});
    let keyed = wish("POST", "/payments")
        .json(&body)
        .header("idempotency-key", "k1");
    let told = shop.ann(keyed).await;
    assert_eq!(told.brief(), "402 payment_declined");
    assert!(told.json()["message"].is_string());
    assert_eq!(shop.seen()[0].header("idempotency-key"), Some("k1"));
}

#[tokio::test]
async fn an_amount_that_comes_with_a_payment_must_be_the_order_s() {
    let shop = Shop::open(|seen| match seen.method.as_str() {
        "GET" => answer(200, &order("pending", seen.who, &[line(TEA, 2)])),
        _ => answer(201, &json!({"id": "pay_1", "status": "captured"})),
    });
    let pay = async |name: &str, amount: Value| {
        let sent = json!({"order_id": ID, "method": "tok_ok", name: amount});
        shop.ann(wish("POST", "/payments").json(&sent)).await
    };
    for amount in [
        json!(39.98),
        json!("39.98"),
        json!(39.980000000000004),
        json!({"amount": 3998, "currency": "USD"}),
    ] {
        let told = pay("amount", amount).await;
        assert_eq!(told.status, 201, "{}", told.text);
        let sent = shop.seen().pop().unwrap().body;
        assert_eq!(sent, json!({"order_id": ID, "method": "tok_ok"}));
    }
    for (name, amount, expected) in [
        ("amount", json!(1), "409 price_changed"),
        ("totalAmount", json!("-39.98"), "409 price_changed"),
        ("amount", json!("lots"), "409 price_changed"),
        (
            "amount",
            json!({"amount": 3998, "currency": "EUR"}),
            "409 price_changed",
        ),
        ("amount", json!({"$gt": 0}), "422 validation_failed"),
    ] {
        let told = pay(name, amount.clone()).await;
        assert_eq!(told.brief(), expected, "{amount} {}", told.text);
        assert!(shop.seen().iter().all(|seen| seen.method == "GET"));
    }
}
