//! No card's number is kept by a shop (PCI DSS, SAQ A), whoever pays there and however, and whoever sends one where
//! none belongs: all that its database has is read afterwards. And nothing that the API takes has a place for one.

use crate::scanned::{Kept, card_numbers, in_database, on_files};
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Provider, Shop, Stripe, postgres::Postgres};

/// Numbers that pass their own check, and are nobody's.
const CARDS: [&str; 4] = [
    "4242424242424242",
    "5555 5555 5555 4444",
    "3782-822463-10005",
    "pm_6011111111111117",
];

/// A shop, and where it keeps everything.
struct Till {
    shop: Shop,
    database: Option<String>,
    stripe: Option<Stripe>,
}

impl Till {
    async fn of(stripe: Option<Stripe>, more: &[(&str, &str)]) -> Self {
        let given = stripe.as_ref().map(Stripe::settings).unwrap_or_default();
        let mut settings = vec![("SOUK_PAYMENTS__SWEEP_EVERY_MS", "100")];
        settings.extend(given.iter().map(|(name, value)| (&**name, &**value)));
        settings.extend(more);
        let database = more.iter().find(|(name, _)| *name == "SOUK_DB");
        let database = database.and_then(|(_, url)| url.rsplit('/').next());
        Self {
            shop: Shop::start_with(&settings).await,
            database: database.map(str::to_owned),
            stripe,
        }
    }

    fn kept(&self) -> Vec<Kept> {
        match &self.database {
            Some(database) => in_database(Postgres::shared().unwrap(), database),
            None => on_files(self.shop.folder()),
        }
    }

    /// Where something stands that looks like a card's number.
    fn numbers(&self) -> Vec<String> {
        let kept = self.kept();
        let found = kept.iter().flat_map(|one| {
            let numbers = card_numbers(&one.value);
            numbers
                .into_iter()
                .map(|number| format!("{}: {number}", one.at))
        });
        found.collect()
    }

    /// What is read is all there is: orders, payments, the books, what was told, who signed in.
    fn is_read_to_the_end(&self) {
        let kept = self.kept();
        for table in ["orders", "payments", "outbox", "users", "ledger_entries"] {
            let rows = |one: &&Kept| one.at.ends_with(&format!(".{table}"));
            assert!(kept.iter().any(|one| rows(&one)), "nothing of {table}");
        }
        assert!(
            kept.iter()
                .any(|one| one.value.contains("ann@souk.example"))
        );
    }
}

async fn with_sandbox(more: &[(&str, &str)]) -> Till {
    Till::of(None, more).await
}

async fn with_stripe(more: &[(&str, &str)]) -> Till {
    let stripe = Stripe::start();
    stripe.at_our_time();
    Till::of(Some(stripe), more).await
}

mod sandbox {
    use super::{nobody_s_number_is_kept_after_all_that_the_sandbox_does, with_sandbox};

    testkit::on_both_stores! {
        with_sandbox: nobody_s_number_is_kept_after_all_that_the_sandbox_does
    }
}

mod stripe {
    use super::{nobody_s_number_is_kept_by_a_shop_that_is_paid_by_stripe, with_stripe};

    testkit::on_both_stores! {
        with_stripe: nobody_s_number_is_kept_by_a_shop_that_is_paid_by_stripe
    }
}

/// Orders one and pays it so.
async fn paid(buyer: &Client, key: &str, product: &str, method: &str) -> Answer {
    let order = buyer.order(key, product, 1).await;
    assert_eq!(order.status, 201, "{}", order.text);
    let body = json!({"order_id": order.str("/id"), "method": method});
    buyer.post_with_key("/api/v1/payments", key, &body).await
}

/// Sends cards' numbers wherever somebody may think that they belong; each is refused.
async fn numbers_are_refused(buyer: &Client, product: &str) {
    let order = buyer.order("numbers", product, 1).await;
    let items = json!([{"product_id": product, "quantity": 1}]);
    let cart = buyer.post("/api/v1/carts", &json!({})).await;
    let item = format!("/api/v1/carts/{}/items/{product}", cart.str("/id"));
    let put = buyer.put(&item, &json!({"quantity": 1})).await;
    assert_eq!(put.status, 200, "{}", put.text);
    for (number, card) in CARDS.into_iter().enumerate() {
        let id = order.str("/id");
        for (path, body) in [
            ("/api/v1/payments", json!({"order_id": id, "method": card})),
            (
                "/api/v1/payments",
                json!({"order_id": id, "method": "tok_ok", "card": card}),
            ),
            (
                "/api/v1/orders",
                json!({"items": items, "payment": {"method": card}}),
            ),
            (
                "/api/v1/orders",
                json!({"items": items, "payment": {"method": "tok_ok", "number": card}}),
            ),
            (
                "/api/v1/orders",
                json!({"items": items, "card": {"number": card, "cvc": "123"}}),
            ),
            (
                "/api/v1/orders",
                json!({"cart_id": cart.str("/id"), "payment": {"method": card}}),
            ),
        ] {
            let key = format!("number-{number}");
            let refused = buyer.post_with_key(path, &key, &body).await;
            assert!(
                matches!(refused.status, 400 | 422),
                "{body}: {}",
                refused.text
            );
            assert_eq!(card_numbers(&refused.text), [""; 0], "{}", refused.text);
        }
        // As the seeds' clients would.
        let request = buyer.request(Method::POST, "/payments");
        let refused = buyer
            .send(request.json(&json!({"order_id": id, "method": card})))
            .await;
        assert!(matches!(refused.status, 400 | 422), "{}", refused.text);
    }
}

/// One that comes where free words belong is kept, as any words are: that it is found shows that others would be.
async fn a_number_in_a_note_is_found(till: &Till, admin: &Client, order: &str) {
    let note = json!({"text": "she read it out: 4242 4242 4242 4242"});
    let path = format!("/api/v1/orders/{order}/notes");
    assert_eq!(admin.post(&path, &note).await.status, 201);
    let found = till.numbers();
    assert!(
        found
            .iter()
            .any(|one| one.contains("notes: 4242424242424242")),
        "{found:?}"
    );
}

async fn nobody_s_number_is_kept_after_all_that_the_sandbox_does(mut till: Till) {
    let admin = till.shop.admin().await;
    let product = admin.sell("tea", 1_999, 100).await;
    let ann = till.shop.customer("ann").await;
    let mut payments = Vec::new();
    for (key, method, status) in [
        ("ok", "tok_ok", 201),
        ("declined", "tok_declined", 402),
        ("slow", "tok_slow", 201),
        ("timeout", "tok_timeout", 202),
        ("challenge", "tok_challenge", 202),
    ] {
        let said = paid(&ann, key, &product, method).await;
        assert_eq!(said.status, status, "{method}: {}", said.text);
        payments.push(said);
    }
    let proved = Provider::prove(&ann, &payments[4], true).await;
    assert!(proved.status < 300, "{}", proved.text);
    for late in &payments[3..] {
        let path = format!("/api/v1/payments/{}", late.str("/id"));
        ann.get_until(&path, |seen| seen.str("/status") == "captured")
            .await;
    }
    let order = payments[0].str("/order_id").to_owned();
    let back = admin
        .post_with_key(
            &format!("/api/v1/orders/{order}/refund"),
            "back",
            &json!({"amount": "5.00"}),
        )
        .await;
    assert_eq!(back.status, 201, "{}", back.text);
    numbers_are_refused(&ann, &product).await;
    till.is_read_to_the_end();
    assert_eq!(till.numbers(), [""; 0]);
    till.shop.verify().await;
    a_number_in_a_note_is_found(&till, &admin, &order).await;
}

async fn nobody_s_number_is_kept_by_a_shop_that_is_paid_by_stripe(mut till: Till) {
    let stripe = till.stripe.clone().unwrap();
    let admin = till.shop.admin().await;
    let product = admin.sell("tea", 1_999, 100).await;
    let ann = till.shop.customer("ann").await;
    let good = paid(&ann, "ok", &product, "pm_card_visa").await;
    assert_eq!(good.status, 201, "{}", good.text);
    let declined = paid(&ann, "declined", &product, "pm_card_declined").await;
    assert_eq!(declined.status, 402, "{}", declined.text);
    let asked = paid(&ann, "asked", &product, "pm_card_challenge").await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    stripe.prove(asked.str("/next_action"), true);
    for body in stripe.events() {
        let visitor = till.shop.visitor();
        let request = visitor
            .request(Method::POST, "/api/v1/payments/providers/stripe/webhook")
            .header("stripe-signature", stripe.sign(&body, stripe.at_our_time()))
            .header("content-type", "application/json");
        let taken = visitor.send(request.body(body)).await;
        assert_eq!(taken.status, 200, "{}", taken.text);
    }
    let path = format!("/api/v1/payments/{}", asked.str("/id"));
    ann.get_until(&path, |seen| seen.str("/status") == "captured")
        .await;
    let order = good.str("/order_id").to_owned();
    let back = format!("/api/v1/payments/{}/refunds", good.str("/id"));
    let back = admin.post_with_key(&back, "back", &json!({})).await;
    assert!(matches!(back.status, 201 | 202), "{}", back.text);
    numbers_are_refused(&ann, &product).await;
    till.is_read_to_the_end();
    assert_eq!(till.numbers(), [""; 0]);
    till.shop.verify().await;
    a_number_in_a_note_is_found(&till, &admin, &order).await;
}

/// Words of names that something of a card would be called by.
const OF_CARDS: [&str; 17] = [
    "card",
    "cards",
    "cardholder",
    "pan",
    "cvc",
    "cvc2",
    "cvv",
    "cvv2",
    "csc",
    "exp",
    "expiry",
    "month",
    "year",
    "iban",
    "bank",
    "track",
    "pin",
];

/// All names in the document: of fields wherever they are, and of parameters, with what each is.
fn names(document: &Value, found: &mut Vec<(String, Value)>) {
    match document {
        Value::Object(members) => {
            let fields = members.get("properties").and_then(Value::as_object);
            found.extend(
                fields
                    .into_iter()
                    .flatten()
                    .map(|(name, what)| (name.clone(), what.clone())),
            );
            if let (Some(name), Some(_)) = (members.get("name"), members.get("in")) {
                found.extend(name.as_str().map(|name| {
                    (
                        name.to_owned(),
                        members.get("schema").cloned().unwrap_or_default(),
                    )
                }));
            }
            members.values().for_each(|member| names(member, found));
        }
        Value::Array(members) => members.iter().for_each(|member| names(member, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[tokio::test]
async fn nothing_that_the_api_takes_or_gives_is_called_as_something_of_a_card_is() {
    let shop = Shop::start().await;
    let document = shop.visitor().get("/openapi.json").await;
    let mut all = Vec::new();
    names(&document.json, &mut all);
    assert!(all.len() > 500, "the document was read: {}", all.len());
    let is_of_cards = |name: &str| {
        let words = name.split(['_', '-']);
        words
            .map(str::to_lowercase)
            .any(|word| OF_CARDS.contains(&word.as_str()))
    };
    assert!(is_of_cards("exp_month") && is_of_cards("Card-Number"));
    let of_cards: Vec<&(String, Value)> =
        all.iter().filter(|(name, _)| is_of_cards(name)).collect();
    assert!(of_cards.is_empty(), "{of_cards:?}");
    // What is called a number is counted by the shop; what it was at another shop are a few letters of its own.
    for (_, what) in all.iter().filter(|(name, _)| name == "number") {
        let told = what["description"].as_str().unwrap_or_default();
        let is_of_earlier =
            told.contains("other shop called it") || told.contains("What it called the order");
        assert!(what["type"] == "integer" || is_of_earlier, "{what}");
    }
}
