//! Orders at the seeds' addresses: each form of body, who sees them, and how they move.

use crate::program::{Expected, Program, filled, list, open};
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::Answer;

/// An order id that nothing has.
const NO_ORDER: &str = "ord_01h455vb4pex5vsknk084sn02q";

/// Bodies that are orders, after how many TEAs and POTs they take and what they cost.
const FORMS: &str = r#"
2 0 39.98 {"product_id": TEA, "quantity": 2, "total_price": 39.98}
2 0 39.98 {"product_id": TEA, "quantity": "2", "total_price": "39.98"}
1 0 19.99 {"productId": TEA, "quantity": 1, "colour": "red"}
0 3 0.3 {"product_id": POT, "quantity": 3, "total_price": 0.30000000000000004}
2 1 40.08 {"productIds": [TEA, POT], "quantities": [2, 1], "totalAmount": 40.08, "userId": ME}
2 1 40.08 {"productIds": [POT, TEA], "quantities": ["1", "2"], "totalAmount": "40.08", "userId": "Amira"}
1 1 20.09 {"items": [{"product_id": TEA, "quantity": 1}, {"productId": POT, "quantity": "1"}], "total": 20.09}
2 0 39.98 {"items": [{"product_id": TEA, "quantity": 1, "price": 0}, {"product_id": TEA, "quantity": 1}]}
1 0 19.99 {"items": [{"product_id": TEA, "quantity": 1}], "total": {"amount": 1999, "currency": "USD"}}
"#;

#[tokio::test]
async fn d9_an_order_in_each_documented_form_is_taken() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "19.99", 50).await;
    let pot = amira.sell("Pot", "0.1", 50).await;
    let names = [("TEA", tea.as_str()), ("POT", &pot), ("ME", &amira.user)];
    let (mut teas, mut pots) = (50, 50);
    for (number, line) in FORMS.trim().lines().enumerate() {
        let words: Vec<&str> = line.splitn(4, ' ').collect();
        let (total, form) = (words[2], words[3]);
        teas -= words[0].parse::<i64>().expect("a number");
        pots -= words[1].parse::<i64>().expect("a number");
        let path = ["/orders", "/api/orders", "/orders/", "/api/orders/"][number % 4];
        let order = amira.post(path, filled(form, &names)).await.is(201);
        assert_eq!(order.str("/status"), "pending", "{form}");
        assert_eq!(
            (order.str("/user_id"), order.str("/userId")),
            (&*amira.user, &*amira.user)
        );
        for name in ["total", "total_price", "totalAmount"] {
            assert_eq!(order.json[name].to_string(), total, "{form}");
        }
        let left = (amira.stock(&tea).await, amira.stock(&pot).await);
        assert_eq!(left, (teas, pots), "{form}");
    }
    assert_eq!(amira.orders().await, FORMS.trim().lines().count());
    shop.verify().await;
}

/// Bodies that are none, after the status that says so.
const WRONG: &str = r#"
409 {"product_id": TEA, "quantity": 2, "total_price": 39.97}
409 {"product_id": TEA, "quantity": 2, "total_price": "0"}
409 {"product_id": TEA, "quantity": 1, "total": {"amount": 1999, "currency": "EUR"}}
422 {"product_id": TEA, "quantity": 1, "total_price": {"$gt": 0}}
403 {"product_id": TEA, "quantity": 1, "userId": OTHER}
403 {"product_id": TEA, "quantity": 1, "userId": "other"}
403 {"product_id": TEA, "quantity": 1, "user_id": "nobody"}
400 {"product_id": TEA, "quantity": 1, "userId": {"$ne": 1}}
409 {"product_id": TEA, "quantity": 6}
422 {"product_id": TEA, "quantity": 0}
422 {"product_id": TEA, "quantity": -1, "total_price": -19.99}
422 {"product_id": TEA, "quantity": "-1"}
422 {"product_id": TEA, "quantity": 1.5}
422 {"product_id": TEA, "quantity": "1e3"}
422 {"product_id": TEA, "quantity": 4294967297}
422 {"product_id": TEA, "quantity": 1e300}
400 {"product_id": TEA, "quantity": {"$gt": 0}}
400 {"product_id": TEA, "quantity": true}
422 {"product_id": TEA}
422 {"quantity": 1}
422 {}
400 []
422 {"product_id": "prd_01h455vb4pex5vsknk084sn02q", "quantity": 1}
400 {"product_id": "507f1f77bcf86cd799439011", "quantity": 1}
400 {"product_id": {"$ne": null}, "quantity": 1}
400 {"product_id": [TEA], "quantity": 1}
422 {"productIds": [TEA, POT], "quantities": [1]}
422 {"productIds": [TEA], "quantities": [1, 1]}
422 {"productIds": [TEA]}
422 {"productIds": [], "quantities": []}
400 {"productIds": TEA, "quantities": 1}
409 {"productIds": [TEA, POT], "quantities": [1, 6]}
422 {"productIds": [TEA, "prd_01h455vb4pex5vsknk084sn02q"], "quantities": [1, 1]}
409 {"items": [{"product_id": TEA, "quantity": 3}, {"product_id": TEA, "quantity": 3}]}
400 {"items": "all"}
400 {"items": [TEA]}
422 {"items": []}
"#;

#[tokio::test]
async fn what_cannot_be_ordered_is_refused_and_takes_nothing() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let other = Program::register(&shop, "other").await;
    let tea = amira.sell("Tea", "19.99", 5).await;
    let pot = amira.sell("Pot", "5", 5).await;
    let names = [("TEA", tea.as_str()), ("POT", &pot), ("OTHER", &other.user)];
    for line in WRONG.trim().lines() {
        let (status, body) = line.split_once(' ').expect("two columns");
        let answer = amira.post("/orders", filled(body, &names)).await;
        assert_eq!(answer.status.to_string(), status, "{body}: {}", answer.text);
        let message = answer.str("/message");
        assert!(!message.is_empty(), "{body}: {}", answer.text);
    }
    let told = amira.order(&tea, 6).await;
    told.refused(409, "insufficient_stock");
    let wish = json!({"product_id": tea, "quantity": 2, "total_price": 1});
    let told = amira.post("/orders", wish).await;
    let told = told.refused(409, "price_changed");
    assert!(told.str("/message").contains("39.98"), "{}", told.text);
    let gone = amira.sell("Gone", "1", 5).await;
    amira.delete(&format!("/products/{gone}")).await.is(204);
    let told = amira.order(&gone, 1).await;
    told.refused(422, "product_unavailable");
    let told = Program::new(&shop).order(&tea, 1).await;
    told.refused(401, "unauthenticated");
    assert_eq!((amira.stock(&tea).await, amira.stock(&pot).await), (5, 5));
    assert_eq!(amira.orders().await, 0);
    shop.verify().await;
}

/// A refusal without what tells one request from another.
fn bare(answer: &Answer) -> (u16, String) {
    (answer.status, answer.str("/message").to_owned())
}

#[tokio::test]
async fn orders_are_seen_by_whoever_placed_them() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let other = Program::register(&shop, "other").await;
    let seller = Program::register(&shop, "seller").await;
    let tea = seller.sell("Tea", "2", 50).await;
    let mut mine = Vec::new();
    for _ in 0..3 {
        mine.push(Value::from(amira.place(&tea, 1).await));
    }
    mine.reverse();
    other.place(&tea, 1).await;
    let by_id = format!("/orders/user/{}", amira.user);
    for path in [
        "/orders",
        "/api/orders/",
        "/orders/user/amira",
        "/orders/user/AMIRA/",
        &by_id,
    ] {
        let seen = amira.get(path).await.is(200);
        let seen: Vec<_> = list(&seen)
            .iter()
            .map(|order| order["_id"].clone())
            .collect();
        assert_eq!(seen, mine, "{path}: the newest first, and nobody else's");
    }
    let first = mine[0].as_str().expect("an id");
    let unknown = other.get(&format!("/orders/{NO_ORDER}")).await;
    for path in [format!("/orders/{first}"), format!("/api/orders/{first}/")] {
        assert_eq!(amira.get(&path).await.is(200).str("/product_id"), tea);
        let foreign = other.get(&path).await.refused(404, "not_found");
        assert_eq!(bare(&foreign), bare(&unknown));
        let told = Program::new(&shop).get(&path).await;
        told.refused(401, "unauthenticated");
    }
    let page = amira.get("/orders?limit=2").await.is(200);
    assert_eq!(list(&page).len(), 2);
    let link = page.header("link");
    let next = link.split(['<', '>']).nth(1).expect("a next page");
    assert!(next.starts_with("/orders?"), "{link}");
    assert_eq!(list(&amira.get(next).await.is(200)).len(), 1);
}

#[tokio::test]
async fn nobody_else_s_orders_are_listed_whoever_is_named() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let other = Program::register(&shop, "other").await;
    let tea = amira.sell("Tea", "2", 50).await;
    other.place(&tea, 1).await;
    let unknown = amira.get("/orders/user/nobody").await;
    let unknown = unknown.refused(404, "not_found");
    let no_user = "usr_01h455vb4pex5vsknk084sn02q";
    for who in [
        "other",
        "OTHER",
        &other.user,
        no_user,
        "%20",
        "a%2Fb",
        "$ne",
        "null",
    ] {
        let foreign = amira.get(&format!("/orders/user/{who}")).await;
        assert_eq!(bare(&foreign), bare(&unknown), "{who}");
    }
    let named = format!("/orders?customer_id={}", other.user);
    let answer = amira.get(&named).await;
    assert!(
        answer.status != 200 || list(&answer).is_empty(),
        "{}",
        answer.text
    );
    for path in ["/orders", "/orders/user/amira", "/api/orders"] {
        let told = Program::new(&shop).get(path).await;
        told.refused(401, "unauthenticated");
    }
}

#[tokio::test]
async fn a_cancelled_order_gives_its_stock_back_once() {
    let shop = open().await;
    let seller = Program::register(&shop, "seller").await;
    let amira = Program::register(&shop, "amira").await;
    let tea = seller.sell("Tea", "2", 10).await;
    for (word, paid) in [
        ("cancelled", false),
        ("Canceled", false),
        ("CANCELLED", true),
    ] {
        let order = amira.place(&tea, 3).await;
        if paid {
            amira.pay(&order).await.is(201);
        }
        assert_eq!(amira.stock(&tea).await, 7);
        let cancel = async || amira.set_status(&order, word).await;
        assert_eq!(cancel().await.is(200).str("/status"), "cancelled");
        assert_eq!(amira.stock(&tea).await, 10);
        cancel().await.is(200);
        assert_eq!(amira.stock(&tea).await, 10, "nothing is given back twice");
        for status in ["shipped", "delivered", "pending", "paid", "refunded"] {
            let told = seller.set_status(&order, status).await;
            told.refused(409, "illegal_transition");
        }
        let told = amira.pay(&order).await;
        told.refused(409, "illegal_transition");
    }
    let order = amira.place(&tea, 3).await;
    let cancels = (0..8).map(|_| amira.set_status(&order, "cancelled"));
    let answers = join_all(cancels).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(amira.stock(&tea).await, 10);
    shop.verify().await;
}

#[tokio::test]
async fn d8_only_the_known_words_are_a_status() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "2", 10).await;
    let order = amira.place(&tea, 2).await;
    let path = format!("/orders/{order}");
    for word in [
        "sent",
        "",
        "shipped; DROP TABLE orders",
        "ship ped",
        "\u{0}",
        "null",
    ] {
        let told = amira.set_status(&order, word).await;
        told.refused(422, "validation_failed");
    }
    for body in [
        r#"{"status": {"$ne": 1}}"#,
        r#"{"status": ["paid"]}"#,
        r#"{"status": 1}"#,
    ] {
        let told = amira.put(&path, filled(body, &[])).await;
        told.refused(400, "malformed");
    }
    for body in ["{}", r#"{"status": null}"#, r#"{"state": "cancelled"}"#] {
        let told = amira.put(&path, filled(body, &[])).await;
        told.refused(422, "validation_failed");
    }
    let seen = amira.get(&path).await.is(200);
    assert_eq!((seen.str("/status"), seen.int("/version")), ("pending", 0));
}

#[tokio::test]
async fn d8_an_order_moves_only_forward_and_by_those_who_may() {
    let shop = open().await;
    let seller = Program::register(&shop, "seller").await;
    let amira = Program::register(&shop, "amira").await;
    let other = Program::register(&shop, "other").await;
    let nobody = Program::new(&shop);
    let tea = seller.sell("Tea", "2", 10).await;
    let order = amira.place(&tea, 2).await;
    let illegal = async |who: &Program, words: &[&str]| {
        for word in words {
            let told = who.set_status(&order, word).await;
            told.refused(409, "illegal_transition");
        }
    };
    illegal(
        &seller,
        &["shipped", "delivered", "refunded", "paid", "processing"],
    )
    .await;
    amira.pay(&order).await.is(201);
    illegal(&seller, &["pending", "delivered", "refunded"]).await;
    for word in ["shipped", "delivered"] {
        let told = amira.set_status(&order, word).await;
        told.refused(403, "forbidden");
    }
    for word in ["shipped", "cancelled", "paid"] {
        let told = other.set_status(&order, word).await;
        told.refused(404, "not_found");
        let told = nobody.set_status(&order, word).await;
        told.refused(401, "unauthenticated");
    }
    let path = format!("/orders/{order}");
    let body = json!({"status": "SHIPPED", "tracking": "1Z"});
    let shipped = seller.put(&path, body).await.is(200);
    assert_eq!(
        (shipped.str("/status"), shipped.str("/tracking")),
        ("shipped", "1Z")
    );
    for _ in 0..2 {
        seller.set_status(&order, "shipped").await.is(200);
    }
    assert_eq!(
        amira.stock(&tea).await,
        8,
        "shipped three times, taken once"
    );
    illegal(&amira, &["pending", "paid", "cancelled", "refunded"]).await;
    let delivered = seller.set_status(&order, "completed").await.is(200);
    assert_eq!(delivered.str("/status"), "delivered");
    illegal(&amira, &["pending", "paid", "cancelled", "refunded"]).await;
    illegal(&seller, &["shipped"]).await;
    assert_eq!(amira.get(&path).await.is(200).str("/status"), "delivered");
    assert_eq!(amira.stock(&tea).await, 8);
    shop.verify().await;
}
