//! `Idempotency-Key` on whatever makes something: all routes of the document that take one or might, and what became of
//! a request that came twice, at once, to whichever node.

use crate::ground::Ground;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::{collections::BTreeMap, fs, path::Path};
use testkit::Client;

/// What becomes of a repetition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repeated {
    /// It has to have a key.
    Must,
    /// It may have one.
    May,
    /// It needs none.
    Harmless(&'static str),
}

use Repeated::{Harmless, May, Must};

const TABLE: &[(&str, Repeated)] = &[
    ("/api/v1/api-keys", May),
    (
        "/api/v1/api-keys/{id}/rotate",
        Harmless("the secret of before ends, whichever it was"),
    ),
    (
        "/api/v1/auth/login",
        Harmless("another session, which ends like the first"),
    ),
    (
        "/api/v1/auth/login/second-factor",
        Harmless("a code works once"),
    ),
    ("/api/v1/auth/logout", Harmless("what has ended stays so")),
    (
        "/api/v1/auth/password/change",
        Harmless("it names the password of before"),
    ),
    (
        "/api/v1/auth/password/forgot",
        Harmless("one mail more, of which there are few an hour"),
    ),
    ("/api/v1/auth/password/reset", Harmless("a link works once")),
    (
        "/api/v1/auth/refresh",
        Harmless("a token that was used says who has its successor"),
    ),
    (
        "/api/v1/auth/register",
        Harmless("an address has one account"),
    ),
    ("/api/v1/auth/setup", Harmless("the token works once")),
    ("/api/v1/auth/verify", Harmless("verified is verified")),
    (
        "/api/v1/carts",
        Harmless("whoever opens it has one open cart"),
    ),
    (
        "/api/v1/carts/{id}/merge",
        Harmless("a cart that was merged is empty"),
    ),
    ("/api/v1/categories", May),
    (
        "/api/v1/deliveries/{id}/replay",
        Harmless("one more of the same, which its receiver knows by its id"),
    ),
    ("/api/v1/discounts", May),
    (
        "/api/v1/earlier-orders/import",
        Harmless("a record is known by its reference"),
    ),
    (
        "/api/v1/events/dead/{id}/redrive",
        Harmless("an event is taken once, by its id"),
    ),
    ("/api/v1/inventory/adjust", May),
    (
        "/api/v1/me/addresses",
        Harmless("an address that is kept already is not kept again"),
    ),
    (
        "/api/v1/me/second-factor",
        Harmless("it begins anew, and counts once it is confirmed"),
    ),
    (
        "/api/v1/me/second-factor/confirm",
        Harmless("a code works once"),
    ),
    (
        "/api/v1/me/second-factor/recovery-codes",
        Harmless("the codes of before end, whichever they were"),
    ),
    (
        "/api/v1/me/verification",
        Harmless("one mail more, of which there are few an hour"),
    ),
    ("/api/v1/orders", Must),
    (
        "/api/v1/orders/{id}/cancel",
        Harmless("an order that stands there stays there"),
    ),
    (
        "/api/v1/orders/{id}/deliver",
        Harmless("an order that stands there stays there"),
    ),
    (
        "/api/v1/orders/{id}/mails",
        Harmless("it asks for one mail more"),
    ),
    ("/api/v1/orders/{id}/notes", May),
    ("/api/v1/orders/{id}/refund", Must),
    ("/api/v1/orders/{id}/returns", May),
    (
        "/api/v1/orders/{id}/returns/{return}/approve",
        Harmless("a return that stands there stays there"),
    ),
    (
        "/api/v1/orders/{id}/returns/{return}/receive",
        Harmless("a return that stands there stays there"),
    ),
    (
        "/api/v1/orders/{id}/returns/{return}/refuse",
        Harmless("a return that stands there stays there"),
    ),
    (
        "/api/v1/orders/{id}/ship",
        Harmless("an order that stands there stays there"),
    ),
    ("/api/v1/orders/{id}/shipments", May),
    ("/api/v1/payments", Must),
    (
        "/api/v1/payments/providers/sandbox/proofs/{proof}",
        Harmless("a proof is decided once"),
    ),
    (
        "/api/v1/payments/providers/{name}/webhook",
        Harmless("an event is kept once, by its id"),
    ),
    (
        "/api/v1/payments/sagas/{id}/retry",
        Harmless("each step is taken once"),
    ),
    ("/api/v1/payments/{id}/refunds", Must),
    (
        "/api/v1/payments/{id}/void",
        Harmless("a payment that was given up stays so"),
    ),
    ("/api/v1/products", May),
    ("/api/v1/products/batch", May),
    (
        "/api/v1/products/import",
        Harmless("a product is known by its SKUs"),
    ),
    (
        "/api/v1/products/{product}/images",
        Harmless("a picture that the product has is answered again"),
    ),
    ("/api/v1/products/{product}/reviews", May),
    ("/api/v1/products/{product}/variants", May),
    ("/api/v1/shipping-methods", May),
    ("/api/v1/tax-rates", May),
    (
        "/api/v1/users/import",
        Harmless("an account is known by its address"),
    ),
    (
        "/api/v1/users/{id}/password-reset",
        Harmless("one mail more, of which there are few an hour"),
    ),
    ("/api/v1/webhooks", May),
    (
        "/api/v1/webhooks/{id}/ping",
        Harmless("it asks for one more"),
    ),
    (
        "/api/v1/webhooks/{id}/replay",
        Harmless("more of the same, which its receiver knows by their ids"),
    ),
    (
        "/api/v1/webhooks/{id}/rotate",
        Harmless("the secret before the last ends, whichever it was"),
    ),
];

/// What the document says of each POST.
fn documented() -> BTreeMap<String, Option<bool>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let text = fs::read_to_string(path).expect("the document");
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let posts = paths.iter().filter(|(_, item)| item.get("post").is_some());
    let key = |item: &Value| {
        let parameters = item["post"]["parameters"].as_array().cloned();
        let mut parameters = parameters.unwrap_or_default().into_iter();
        let key = parameters.find(|one| one["name"] == "Idempotency-Key")?;
        Some(key["required"] == true)
    };
    posts
        .map(|(path, item)| (path.clone(), key(item)))
        .collect()
}

#[test]
fn every_post_takes_a_key_or_says_why_it_needs_none() {
    let expected = |repeated: Repeated| match repeated {
        Must => Some(true),
        May => Some(false),
        Harmless(why) => {
            assert!(!why.is_empty());
            None
        }
    };
    let table: BTreeMap<String, Option<bool>> = TABLE
        .iter()
        .map(|(path, repeated)| ((*path).to_owned(), expected(*repeated)))
        .collect();
    assert_eq!(documented(), table);
}

/// Sends it eight times at once: it was done once, and another body under the key is refused.
async fn is_once(who: &Client, path: &str, body: Value, other: Value) -> String {
    let key = path.replace(['/', '_'], "-");
    let twins = (0..8).map(|_| who.post_with_key(path, &key, &body));
    let answers = join_all(twins).await;
    let first = &answers[0];
    for answer in &answers {
        assert_eq!(answer.status, 201, "{path}: {}", answer.text);
        assert_eq!(answer.str("/id"), first.str("/id"), "{path}");
        assert_eq!(
            answer.header("location"),
            first.header("location"),
            "{path}"
        );
    }
    let is_fresh = |answer: &&testkit::Answer| answer.header("idempotent-replayed").is_empty();
    assert_eq!(answers.iter().filter(is_fresh).count(), 1, "{path}");
    let refused = who.post_with_key(path, &key, &other).await;
    assert_eq!(
        (refused.status, refused.code()),
        (422, "idempotency_key_reused"),
        "{path}"
    );
    first.str("/id").to_owned()
}

async fn how_many(who: &Client, path: &str) -> usize {
    let list = who.get(path).await;
    let data = list.json["data"].as_array().or(list.json.as_array());
    data.map_or(0, Vec::len)
}

async fn what_is_made_with_a_key_is_made_once_whichever_node_is_asked(mut shop: Ground) {
    let admin = shop.admin().await;
    let ann = shop.customer("ann").await;
    let product = admin.sell("tea", 1_000, 100).await;
    let bought = ann.buy("k", &product, 5, "tok_ok").await;
    assert_eq!(bought.status, 201, "{}", bought.text);
    let order = format!("/api/v1/orders/{}", bought.str("/id"));
    let shirt = json!({"name": "Shirt", "price": "10.00", "options": [{"name": "Size", "values": ["S", "M", "L"]}],
        "variants": [{"options": {"Size": "S"}}]});
    let shirt = is_once(
        &admin,
        "/api/v1/products",
        shirt,
        json!({"name": "Cap", "price": "1.00"}),
    )
    .await;
    let variants = format!("/api/v1/products/{shirt}/variants");
    let size = |size: &str| json!({"options": {"Size": size}, "price": "12.00", "stock": 3});
    is_once(&admin, &variants, size("M"), size("L")).await;
    assert_eq!(how_many(&admin, &variants).await, 2);
    let named = |name: &str| json!({ "name": name });
    is_once(&admin, "/api/v1/categories", named("Tea"), named("Coffee")).await;
    let post =
        |minor: i64| json!({"name": "By post", "price": {"amount": minor, "currency": "USD"}});
    is_once(&admin, "/api/v1/shipping-methods", post(500), post(600)).await;
    assert_eq!(how_many(&admin, "/api/v1/shipping-methods").await, 1);
    let rate = |millionths: i64| json!({"name": "VAT", "country": "DE", "class": "standard", "millionths": millionths});
    is_once(&admin, "/api/v1/tax-rates", rate(190_000), rate(70_000)).await;
    assert_eq!(how_many(&admin, "/api/v1/tax-rates").await, 1);
    let tenth = |points: i64| json!({"code": "tenth", "basis_points": points});
    is_once(&admin, "/api/v1/discounts", tenth(1_000), tenth(2_000)).await;
    let notes = format!("{order}/notes");
    let note = |text: &str| json!({ "text": text });
    is_once(&admin, &notes, note("wants a ribbon"), note("wants none")).await;
    assert_eq!(how_many(&admin, &notes).await, 1);
    let sent = |quantity: i64| json!({"lines": [{"line": 1, "quantity": quantity}]});
    is_once(&admin, &format!("{order}/shipments"), sent(2), sent(1)).await;
    let back = |reason: &str| json!({"lines": [{"line": 1, "quantity": 1}], "reason": reason});
    is_once(
        &ann,
        &format!("{order}/returns"),
        back("too strong"),
        back("too weak"),
    )
    .await;
    let reviews = format!("/api/v1/products/{product}/reviews");
    let review = |rating: i64| json!({"rating": rating, "title": "So", "text": "As it should be.", "author": "Ann"});
    is_once(&ann, &reviews, review(5), review(1)).await;
    assert_eq!(how_many(&ann, &reviews).await, 1);
    // Nobody meets another's key.
    let theirs = admin
        .post_with_key(&reviews, &reviews.replace(['/', '_'], "-"), &review(5))
        .await;
    assert_ne!(theirs.status, 201, "{}", theirs.text);
    shop.verify().await;
}

on_both_grounds! {
    what_is_made_with_a_key_is_made_once_whichever_node_is_asked,
}
