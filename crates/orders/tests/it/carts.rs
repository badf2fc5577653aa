//! Carts through the router: whose they are, what they show, and that one becomes one order.

use crate::{
    races::at_once,
    shop::{Answer, Ask, CUP, CUP_VARIANT, Shop, TEA, admin, ann, bob},
};
use axum::http::StatusCode;
use contracts::{access::Principal, values::ProductId};
use futures_util::future::join_all;
use serde_json::{Value, json};

/// A cart in somebody's hands.
struct Held<'s> {
    shop: &'s Shop,
    id: String,
    token: Option<String>,
    who: Option<Principal>,
}

impl<'s> Held<'s> {
    async fn open(shop: &'s Shop, who: Option<Principal>) -> Self {
        let ask = Ask::post("/api/v1/carts", "");
        let ask = match &who {
            Some(who) => ask.by(who),
            None => ask,
        };
        let answer = shop.ask(ask).await;
        assert!(answer.status.is_success(), "{answer:?}");
        let cart = answer.json();
        Self {
            shop,
            id: cart["id"].as_str().unwrap().to_owned(),
            token: cart["cart_token"].as_str().map(str::to_owned),
            who,
        }
    }

    fn ask(&self, ask: Ask) -> Ask {
        let ask = match &self.token {
            Some(token) => ask.header("cart-token", token.as_bytes()),
            None => ask,
        };
        match &self.who {
            Some(who) => ask.by(who),
            None => ask,
        }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/v1/carts/{}{rest}", self.id)
    }

    async fn seen(&self) -> Value {
        let answer = self.shop.ask(self.ask(Ask::get(&self.path("")))).await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    async fn set(&self, item: &str, body: Value) -> Answer {
        let path = self.path(&format!("/items/{item}"));
        let ask = Ask::put(&path, body.to_string());
        self.shop.ask(self.ask(ask)).await
    }

    async fn put(&self, product: ProductId, quantity: u32) -> Value {
        let answer = self
            .set(&product.to_string(), json!({"quantity": quantity}))
            .await;
        assert_eq!(answer.status, StatusCode::OK, "{answer:?}");
        answer.json()
    }

    fn check_out(&self, key: &str, more: &Value) -> Ask {
        let mut body = json!({"cart_id": self.id});
        if self.who.is_none() {
            body["email"] = json!("gus@example.com");
        }
        for (field, value) in more.as_object().unwrap() {
            body[field] = value.clone();
        }
        self.ask(Ask::place(&body).key(key))
    }

    async fn buy(&self, key: &str, more: &Value) -> Answer {
        self.shop.ask(self.check_out(key, more)).await
    }
}

#[tokio::test]
async fn a_cart_shows_what_its_lines_cost_now() {
    let shop = Shop::open().await;
    let cart = Held::open(&shop, None).await;
    assert_eq!(cart.seen().await["total"], Value::Null);
    cart.put(TEA, 2).await;
    cart.set(&CUP_VARIANT.to_string(), json!({"quantity": 1}))
        .await;
    let seen = cart.seen().await;
    assert_eq!(seen["total"], json!({"amount": 4_498, "currency": "USD"}));
    assert_eq!(
        (&seen["version"], &seen["items"][0]["name"]),
        (&json!(3), &json!("The TEA-1"))
    );
    assert!(seen.get("cart_token").is_none(), "shown once");
    shop.catalog.reprice(TEA, 2_100);
    shop.catalog.restock(CUP, 0);
    let seen = cart.seen().await;
    let changes: Vec<_> = seen["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| line["change"].as_str().unwrap())
        .collect();
    assert_eq!(changes, ["price_changed", "insufficient_stock"]);
    assert_eq!(seen["items"][0]["unit_price_before"]["amount"], 1_999);
    let again = cart.put(TEA, 2).await;
    assert_eq!(
        again["items"][0]["change"],
        Value::Null,
        "seen with its price"
    );
    cart.put(CUP, 0).await;
    assert_eq!(cart.put(TEA, 0).await["items"], json!([]));
    shop.assert_untouched("a cart holds nothing").await;
}

#[tokio::test]
async fn a_cart_is_there_for_whoever_holds_it_and_nobody_else() {
    let shop = Shop::open().await;
    let (guests, hers) = (
        Held::open(&shop, None).await,
        Held::open(&shop, Some(ann())).await,
    );
    for held in [&guests, &hers] {
        let path = held.path("");
        let said = |ask: Ask| async { shop.ask(ask).await.said() };
        assert_eq!(said(Ask::get(&path)).await, "401 unauthenticated");
        assert_eq!(said(Ask::get(&path).by(&bob())).await, "404 not_found");
        assert_eq!(said(Ask::get(&path).by(&admin())).await, "404 not_found");
        let forged = Ask::get(&path).header("cart-token", "x");
        assert_eq!(said(forged).await, "404 not_found");
        let foreign = Ask::place(&json!({"cart_id": held.id}))
            .key("k1")
            .by(&bob());
        assert_eq!(said(foreign).await, "404 not_found");
    }
    let again = Held::open(&shop, Some(ann())).await;
    assert_eq!((&again.id, &again.token), (&hers.id, &None));
}

#[tokio::test]
async fn what_cannot_be_put_in_is_refused_and_changes_nothing() {
    let shop = Shop::open().await;
    let cart = Held::open(&shop, None).await;
    cart.put(TEA, 1).await;
    let unknown = ProductId::generate().to_string();
    let tea = TEA.to_string();
    for (item, body, said) in [
        (
            unknown.as_str(),
            json!({"quantity": 1}),
            "422 product_unavailable",
        ),
        (
            tea.as_str(),
            json!({"quantity": 1_000_001}),
            "422 validation_failed /quantity",
        ),
        (
            tea.as_str(),
            json!({"quantity": 2, "version": 1}),
            "409 version_conflict",
        ),
        (
            tea.as_str(),
            json!({"quantity": 1, "price": 1}),
            "422 validation_failed /price",
        ),
        ("ord_x", json!({"quantity": 1}), "400 malformed"),
    ] {
        assert_eq!(cart.set(item, body).await.said(), said, "{item}");
    }
    let nothing = cart.set(&unknown, json!({"quantity": 0})).await;
    assert_eq!(nothing.status, StatusCode::OK);
    let seen = cart.seen().await;
    assert_eq!(
        (&seen["version"], &seen["items"][0]["quantity"]),
        (&json!(2), &json!(1))
    );
}

#[tokio::test]
async fn a_cart_becomes_one_order_and_says_so_again() {
    let shop = Shop::open().await;
    let cart = Held::open(&shop, None).await;
    assert_eq!(
        cart.buy("k1", &json!({})).await.said(),
        "422 validation_failed /cart_id"
    );
    cart.put(TEA, 2).await;
    let pays = json!({"payment": {"method": "tok_ok"}});
    let bought = cart.buy("k1", &pays).await;
    let order = bought.json();
    assert_eq!(
        (bought.status, &order["status"]),
        (StatusCode::CREATED, &json!("paid"))
    );
    assert_eq!(order["total"]["amount"], 3_998);
    assert!(order["order_token"].is_string(), "a guest's");
    for key in ["k1", "k2"] {
        let again = cart.buy(key, &pays).await;
        assert_eq!(again.json()["id"], order["id"]);
        assert!(again.replayed());
    }
    let seen = cart.seen().await;
    assert_eq!(
        (&seen["status"], &seen["order_id"]),
        (&json!("ordered"), &order["id"])
    );
    let late = cart.set(&TEA.to_string(), json!({"quantity": 1})).await;
    assert_eq!(late.said(), "409 illegal_transition");
    let other = cart.buy("k3", &json!({"email": "eve@example.com"})).await;
    assert_eq!(other.said(), "409 illegal_transition");
    assert_eq!(shop.orders().await.len(), 1);
}

#[tokio::test]
async fn differences_are_shown_line_by_line_and_sold_to_nobody() {
    let shop = Shop::open().await;
    let cart = Held::open(&shop, Some(ann())).await;
    cart.put(TEA, 2).await;
    cart.put(CUP, 1).await;
    shop.catalog.reprice(TEA, 2_100);
    let refused = cart.buy("k1", &json!({})).await;
    assert_eq!(refused.said(), "409 price_changed");
    let lines = &refused.json()["lines"];
    assert_eq!(lines.as_array().unwrap().len(), 1, "only what differs");
    assert_eq!(lines[0]["unit_price"]["amount"], 2_100);
    shop.catalog.restock(CUP, 0);
    let refused = cart.buy("k1", &json!({})).await;
    assert_eq!(refused.said(), "409 insufficient_stock");
    assert_eq!(refused.json()["items"][0]["available"], 0);
    assert_eq!(refused.json()["lines"].as_array().unwrap().len(), 2);
    shop.assert_untouched("refused").await;
    shop.catalog.restock(CUP, 5);
    // Who says the right total has seen the price.
    let total = json!({"total": {"amount": 4_700, "currency": "USD"}});
    assert_eq!(
        cart.buy("k1", &total).await.json()["total"]["amount"],
        4_700
    );
}

#[tokio::test]
async fn a_guest_s_cart_follows_them_in_once() {
    let shop = Shop::open().await;
    let hers = Held::open(&shop, Some(ann())).await;
    hers.put(TEA, 1).await;
    let mut guests = Held::open(&shop, None).await;
    guests.put(TEA, 2).await;
    guests.put(CUP, 1).await;
    let nobody = shop
        .ask(guests.ask(Ask::post(&guests.path("/merge"), "")))
        .await;
    assert_eq!(nobody.said(), "401 unauthenticated");
    guests.who = Some(ann());
    for _ in 0..2 {
        let ask = guests.ask(Ask::post(&guests.path("/merge"), ""));
        let merged = shop.ask(ask).await.json();
        assert_eq!(merged["id"], json!(hers.id));
        let units: Vec<_> = merged["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|line| line["quantity"].as_i64().unwrap())
            .collect();
        assert_eq!(units, [3, 1]);
    }
    assert_eq!(
        guests.buy("k1", &json!({})).await.said(),
        "409 illegal_transition"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_thirty_two_check_outs_one_makes_the_order() {
    let shop = Shop::open().await;
    let cart = Held::open(&shop, Some(ann())).await;
    cart.put(TEA, 2).await;
    let asks = (0..32).map(|n| cart.check_out(&format!("k{n}"), &json!({})));
    let answers = at_once(&shop, asks).await;
    let fresh = answers.iter().filter(|answer| !answer.replayed()).count();
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == StatusCode::CREATED)
    );
    assert!(
        answers
            .iter()
            .all(|answer| answer.bytes == answers[0].bytes)
    );
    assert_eq!(
        (fresh, shop.orders().await.len(), shop.catalog.stock(TEA)),
        (1, 1, (10, 2))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cart_that_changes_while_it_is_bought_becomes_one_order_of_one_state() {
    let shop = Shop::open().await;
    let cart = Held::open(&shop, Some(ann())).await;
    cart.put(TEA, 1).await;
    let tea = TEA.to_string();
    let turns = (1..=16_u32).map(|n| {
        let (cart, tea) = (&cart, tea.as_str());
        async move {
            if n % 2 == 0 {
                cart.set(tea, json!({"quantity": 1 + n % 3})).await
            } else {
                cart.buy(&format!("k{n}"), &json!({})).await
            }
        }
    });
    join_all(turns).await;
    let bought = cart.buy("last", &json!({})).await.json();
    let orders = shop.orders().await;
    assert_eq!(orders.len(), 1, "whoever won");
    let (on_hand, reserved) = shop.catalog.stock(TEA);
    assert_eq!(
        on_hand - reserved,
        10 - orders[0].units,
        "refused ones hold nothing"
    );
    assert_eq!(bought["items"][0]["quantity"], orders[0].units);
}

#[tokio::test]
async fn an_order_that_was_given_up_leaves_its_cart_to_be_bought() {
    let shop = Shop::open().await;
    let cart = Held::open(&shop, Some(ann())).await;
    cart.put(TEA, 1).await;
    let gate = shop.catalog.close_gate().await;
    let nothing_more = json!({});
    let held = async {
        while shop.catalog.reservations() == 0 {
            tokio::task::yield_now().await;
        }
        shop.catalog.reserved_for()
    };
    // Whoever asked has gone; what was held is not written.
    let held = tokio::select! {
        answer = cart.buy("k1", &nothing_more) => panic!("{answer:?}"),
        held = held => held,
    };
    // What the sweeper does with it later.
    shop.spoil(&format!(
        "INSERT INTO abandoned_orders (order_id, at_ms) VALUES (x'{}', 1)",
        held[0]
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    ));
    drop(gate);
    let bought = cart.buy("k1", &json!({})).await;
    assert_eq!(bought.status, StatusCode::CREATED, "{bought:?}");
    assert_eq!(shop.orders().await.len(), 1);
}
