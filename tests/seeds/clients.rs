//! One client for each document, from registration to the end of an order, in that document's own words.

use crate::program::{Expected, Program, list, open};
use serde_json::{Value, json};
use testkit::PASSWORD;

fn names(entries: &[Value]) -> Vec<&str> {
    entries
        .iter()
        .filter_map(|entry| entry["name"].as_str())
        .collect()
}

#[tokio::test]
async fn a_client_of_seed_003_sells() {
    let shop = open().await;
    let nobody = Program::new(&shop);
    let account = json!({"name": "Sobe", "email": "sobe@example.com", "password": PASSWORD});
    nobody.post("/auth/register", account.clone()).await.is(201);
    let answer = nobody.post("/auth/login", account).await.is(200);
    let sobe = nobody.with(answer.str("/token"));

    let lamp = json!({"name": "Lamp", "description": "Brass", "price": 29.99, "quantity": 10});
    let lamp = sobe.post("/products", lamp).await.is(201);
    assert_eq!(
        (&lamp.json["price"], lamp.int("/version")),
        (&json!(29.99), 0)
    );
    let rug = json!({"name": "Rug", "description": "Wool", "price": 100, "stock": 4});
    sobe.post("/products", rug).await.is(201);
    let listed = nobody.get("/products").await.is(200);
    assert_eq!(names(list(&listed)), ["Rug", "Lamp"], "the newest first");
    let path = format!("/products/{}", lamp.str("/_id"));
    assert_eq!(nobody.get(&path).await.is(200).json, lamp.json);

    let change = json!({"name": "Lamp", "description": "Brass", "price": 24.5, "version": 0});
    let changed = sobe.put(&path, change.clone()).await.is(200);
    assert_eq!(
        (&changed.json["price"], changed.int("/version")),
        (&json!(24.5), 1)
    );
    let stale = sobe.put(&path, change).await;
    let stale = stale.refused(409, "version_conflict");
    let message = "version 0 was sent, version 1 is current";
    assert_eq!(stale.str("/message"), message);

    sobe.delete(&path).await.is(204);
    for told in [sobe.get(&path).await, sobe.delete(&path).await] {
        told.refused(404, "not_found");
    }
    let listed = nobody.get("/products").await.is(200);
    assert_eq!(names(list(&listed)), ["Rug"]);
}

#[tokio::test]
async fn a_client_of_seed_003_buys_and_moves_its_order_on() {
    let shop = open().await;
    let sobe = Program::register(&shop, "sobe").await;
    let lamp = sobe.sell("Lamp", "24.5", 10).await;
    let rug = sobe.sell("Rug", "100", 4).await;
    let wish = json!({
        "productIds": [lamp, rug], "quantities": [2, 1], "totalAmount": 149, "userId": sobe.user,
    });
    let order = sobe.post("/orders", wish.clone()).await.is(201);
    for (name, value) in wish.as_object().into_iter().flatten() {
        assert_eq!(&order.json[name], value, "what was sent is answered");
    }
    assert_eq!((sobe.stock(&lamp).await, sobe.stock(&rug).await), (8, 3));
    let id = order.str("/_id");
    let history = sobe.get("/orders").await.is(200);
    assert_eq!(history.json, json!([order.json]));
    for word in ["Shipped", "Processing"] {
        let told = sobe.set_status(id, word).await;
        told.refused(409, "illegal_transition");
    }
    sobe.pay(id).await.is(201);
    for (word, status) in [
        ("Processing", "paid"),
        ("Shipped", "shipped"),
        ("Delivered", "delivered"),
    ] {
        let moved = sobe.set_status(id, word).await.is(200);
        assert_eq!(moved.str("/status"), status);
    }
    assert_eq!((sobe.stock(&lamp).await, sobe.stock(&rug).await), (8, 3));
    sobe.delete(&format!("/products/{lamp}")).await.is(204);
    let kept = sobe.get(&format!("/orders/{id}")).await.is(200);
    assert_eq!(
        kept.str("/items/0/name"),
        "Lamp",
        "history is not rewritten"
    );
    shop.verify().await;
}

#[tokio::test]
async fn a_client_of_seed_004_sends_every_number_as_text() {
    let shop = open().await;
    let nobody = Program::new(&shop);
    let account = json!({"username": "flask", "password": PASSWORD});
    let registered = nobody.post("/register", account.clone()).await.is(201);
    let user = registered.str("/user/id");
    let answer = nobody.post("/login", account).await.is(200);
    let flask = nobody.with(answer.str("/token"));

    let tea = json!({"name": "Tea", "description": "Green", "price": "19.99", "stock": "5"});
    let answer = flask.post("/products", tea).await.is(201);
    assert_eq!(
        (&answer.json["price"], answer.int("/stock")),
        (&json!(19.99), 5)
    );
    let tea = answer.str("/_id");
    let path = format!("/products/{tea}");
    let change = json!({"name": "Tea", "description": "Black", "price": "18.50", "stock": "7"});
    let changed = flask.put(&path, change).await.is(200);
    assert_eq!(
        (&changed.json["price"], changed.int("/stock")),
        (&json!(18.5), 7)
    );
    assert_eq!(changed.str("/description"), "Black");

    let wish = json!({"product_id": tea, "quantity": "2", "total_price": "37.00"});
    let answer = flask.post("/orders", wish).await.is(201);
    assert_eq!(
        (answer.str("/product_id"), answer.int("/quantity")),
        (tea, 2)
    );
    assert_eq!(
        (&answer.json["total_price"], answer.str("/status")),
        (&json!(37), "pending")
    );
    let order = format!("/orders/{}", answer.str("/_id"));
    assert_eq!(flask.stock(tea).await, 5);
    assert_eq!(flask.get(&order).await.is(200).str("/user_id"), user);
    for who in [user, "flask", "FLASK"] {
        let orders = flask.get(&format!("/orders/user/{who}")).await.is(200);
        assert_eq!(list(&orders).len(), 1, "{who}");
    }
    let moved = flask
        .put(&order, json!({"status": "Cancelled"}))
        .await
        .is(200);
    assert_eq!(
        (moved.str("/status"), flask.stock(tea).await),
        ("cancelled", 7)
    );
    flask.delete(&path).await.is(204);
    flask.get(&path).await.refused(404, "not_found");
    shop.verify().await;
}

#[tokio::test]
async fn the_placeholders_of_seed_004_are_refused_and_named() {
    let shop = open().await;
    let flask = Program::register(&shop, "flask").await;
    let tea = flask.sell("Tea", "2", 5).await;
    for (method, path, body, field) in [
        (
            "POST",
            "/products".to_owned(),
            json!({"name": "NAME", "description": "DESCRIPTION", "price": "PRICE", "stock": "1"}),
            "price",
        ),
        (
            "PUT",
            format!("/products/{tea}"),
            json!({"name": "NAME", "description": "DESCRIPTION", "price": "1", "stock": "STOCK"}),
            "stock",
        ),
        (
            "POST",
            "/orders".to_owned(),
            json!({"product_id": tea, "quantity": "QUANTITY", "total_price": "2"}),
            "quantity",
        ),
    ] {
        let answer = flask.call(method, &path, Some(body)).await;
        let answer = answer.refused(422, "validation_failed");
        assert!(answer.str("/message").contains(field), "{}", answer.text);
    }
    let wish = json!({"product_id": tea, "quantity": "1", "total_price": "TOTAL_PRICE"});
    let told = flask.post("/orders", wish).await;
    told.refused(409, "price_changed");
    let wish = json!({"product_id": "PRODUCT_ID", "quantity": "1"});
    flask.post("/orders", wish).await.refused(400, "malformed");
    assert_eq!((flask.stock(&tea).await, flask.orders().await), (5, 0));
}

#[tokio::test]
async fn a_client_of_seed_000_orders_and_pays_once() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "19.99", 5).await;
    let order = amira.place(&tea, 2).await;
    let pay = async |method: &str, amount: Value| {
        let body = json!({"orderId": order, "paymentMethod": method, "amount": amount});
        amira.post("/api/payments", body).await
    };
    pay("card", json!(39.98))
        .await
        .refused(422, "validation_failed");
    pay("tok_ok", json!(0.01))
        .await
        .refused(409, "price_changed");
    let declined = pay("tok_declined", json!(39.98)).await;
    declined.refused(402, "payment_declined");
    let status = async || {
        let answer = amira.get(&format!("/orders/{order}")).await.is(200);
        answer.str("/status").to_owned()
    };
    assert_eq!(status().await, "pending");
    let paid = pay("tok_ok", json!("39.98")).await.is(201);
    assert_eq!(
        (paid.str("/order_id"), paid.str("/status")),
        (order.as_str(), "captured")
    );
    assert_eq!(paid.int("/amount/amount"), 3998);
    assert_eq!(paid.str("/_id"), paid.str("/id"));
    assert_eq!(
        (status().await.as_str(), amira.stock(&tea).await),
        ("paid", 3)
    );
    pay("tok_ok", json!(39.98))
        .await
        .refused(409, "illegal_transition");

    let other = Program::register(&shop, "other").await;
    let second = amira.place(&tea, 1).await;
    other.pay(&second).await.refused(404, "not_found");
    let told = Program::new(&shop).pay(&second).await;
    told.refused(401, "unauthenticated");
    shop.verify().await;
}

#[tokio::test]
async fn a_client_of_seed_000_is_known_by_its_cookie_too() {
    let shop = open().await;
    let amira = Program::register(&shop, "amira").await;
    let tea = amira.sell("Tea", "2", 5).await;
    let browser = Program::new(&shop);
    let cookie = format!("souk_access={}", amira.token());
    let wish = json!({"product_id": tea, "quantity": 1});
    let order = async |headers: &[(&str, &str)]| {
        let headers = [headers, &[("cookie", cookie.as_str())]].concat();
        browser
            .call_with("POST", "/orders", Some(wish.clone()), &headers)
            .await
    };
    order(&[]).await.refused(403, "csrf_failed");
    order(&[("origin", "https://evil.example")])
        .await
        .refused(403, "csrf_failed");
    order(&[("sec-fetch-site", "cross-site")])
        .await
        .refused(403, "csrf_failed");
    assert_eq!((amira.stock(&tea).await, amira.orders().await), (5, 0));
    order(&[("origin", shop.url())]).await.is(201);
    order(&[("sec-fetch-site", "same-origin")]).await.is(201);
    let headers = [("cookie", cookie.as_str())];
    let mine = browser
        .call_with("GET", "/orders", None, &headers)
        .await
        .is(200);
    assert_eq!((list(&mine).len(), amira.stock(&tea).await), (2, 3));
}
