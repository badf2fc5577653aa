//! Whom a shop believes to be Stripe: whoever signs with a secret that is good just now, and nobody else. While the
//! secret is changed two are good; afterwards the old one is not. A callback that is not believed changes nothing.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, Shop, Stripe, on_both_stores, stripe_signature};

const CALLBACK: &str = "/api/v1/payments/providers/stripe/webhook";
const SECRET: &str = "SOUK_PAYMENTS__STRIPE__WEBHOOK_SECRET";
const SECRET_BEFORE: &str = "SOUK_PAYMENTS__STRIPE__WEBHOOK_SECRET_BEFORE";

/// What callbacks are signed with at first (`Stripe::sign`), and what takes its place.
const OLD: &str = "whsec_of_the_shop";
const NEW: &str = "whsec_of_next_year";

/// A shop that learns what became of a payment by callbacks only, and its Stripe.
async fn open(more: &[(&str, &str)]) -> (Stripe, Shop) {
    let stripe = Stripe::start();
    stripe.at_our_time();
    let given = stripe.settings();
    let mut settings = vec![("SOUK_PAYMENTS__SWEEP_EVERY_MS", "3600000")];
    settings.extend(given.iter().map(|(name, value)| (&**name, &**value)));
    settings.extend(more);
    let shop = Shop::start_with(&settings).await;
    (stripe, shop)
}

on_both_stores! {
    open:
    two_secrets_are_good_while_one_takes_the_other_s_place_and_one_afterwards,
    a_callback_that_is_not_believed_changes_nothing,
}

/// A payment that waits for its buyer's proof, of an order of its own.
async fn challenged(ann: &Client, key: &str, product: &str) -> Answer {
    let order = ann.order(key, product, 1).await;
    assert_eq!(order.status, 201, "{}", order.text);
    let body = json!({"order_id": order.str("/id"), "method": "pm_card_challenge"});
    let begun = ann.post_with_key("/api/v1/payments", key, &body).await;
    let seen = (begun.status, begun.str("/status"));
    assert_eq!(seen, (202, "requires_action"), "{}", begun.text);
    begun
}

/// The buyer proves it is theirs: what Stripe says of it.
fn proved(stripe: &Stripe, payment: &Answer) -> String {
    stripe.events();
    stripe.prove(payment.str("/next_action"), true);
    stripe.events().pop().unwrap()
}

async fn call_back(shop: &Shop, signature: &str, body: &str) -> Answer {
    let visitor = shop.visitor();
    let request = visitor.request(Method::POST, CALLBACK);
    let request = request
        .header("stripe-signature", signature)
        .header("content-type", "application/json");
    visitor.send(request.body(body.to_owned())).await
}

fn is_refused(answer: &Answer) {
    let seen = (answer.status, answer.code());
    assert_eq!(seen, (400, "bad_signature"), "{}", answer.text);
}

async fn is_believed(ann: &Client, payment: &Answer, answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    let path = format!("/api/v1/payments/{}", payment.str("/id"));
    ann.get_until(&path, |seen| seen.str("/status") == "captured")
        .await;
}

/// All that a callback could change: the payments, their orders, the stock, and what was asked of Stripe.
async fn all(admin: &Client, payments: [&Answer; 2], stripe: &Stripe) -> Vec<Value> {
    let mut paths = vec![
        "/api/v1/orders?limit=100".to_owned(),
        "/api/v1/products?limit=100".to_owned(),
        "/api/v1/payments/sagas".to_owned(),
        "/api/v1/payments/reviews".to_owned(),
    ];
    for payment in payments {
        paths.push(format!("/api/v1/payments/{}", payment.str("/id")));
        paths.push(format!(
            "/api/v1/orders/{}/timeline",
            payment.str("/order_id")
        ));
    }
    let mut all = vec![json!(stripe.calls()), json!(stripe.intents())];
    for path in paths {
        let seen = admin.get(&path).await;
        assert_eq!(seen.status, 200, "{path}: {}", seen.text);
        all.push(seen.json);
    }
    all
}

async fn two_secrets_are_good_while_one_takes_the_other_s_place_and_one_afterwards(
    (stripe, mut shop): (Stripe, Shop),
) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 100).await;
    let ann = shop.customer("ann").await;
    let mut payments = Vec::new();
    for key in [
        "before",
        "by-the-old",
        "by-the-new",
        "by-both",
        "afterwards",
    ] {
        payments.push(challenged(&ann, key, &product).await);
    }
    let [before, old, new, both, after] = payments.try_into().unwrap();
    let now = stripe.at_our_time();
    // Nobody knows the new one yet.
    let body = proved(&stripe, &before);
    is_refused(&call_back(&shop, &stripe_signature(NEW, &body, now), &body).await);
    let told = call_back(&shop, &stripe.sign(&body, now), &body).await;
    is_believed(&ann, &before, &told).await;

    assert!(shop.stop().await);
    shop.restart_with(&[(SECRET, NEW), (SECRET_BEFORE, OLD)])
        .await;
    assert!(shop.is_open(), "it starts with two secrets");
    let ann = ann.at(shop.url());
    let body = proved(&stripe, &old);
    let told = call_back(&shop, &stripe.sign(&body, now), &body).await;
    is_believed(&ann, &old, &told).await;
    let body = proved(&stripe, &new);
    let told = call_back(&shop, &stripe_signature(NEW, &body, now), &body).await;
    is_believed(&ann, &new, &told).await;
    // Stripe signs with each that is good.
    let body = proved(&stripe, &both);
    let signature = stripe_signature(NEW, &body, now);
    let other = stripe.sign(&body, now);
    let (_, other) = other.split_once(',').unwrap();
    let told = call_back(&shop, &format!("{signature},{other}"), &body).await;
    is_believed(&ann, &both, &told).await;
    is_refused(
        &call_back(
            &shop,
            &stripe_signature("whsec_of_nobody", &body, now),
            &body,
        )
        .await,
    );

    assert!(shop.stop().await);
    shop.restart_with(&[(SECRET, NEW)]).await;
    assert!(shop.is_open(), "it starts with one secret again");
    let ann = ann.at(shop.url());
    let body = proved(&stripe, &after);
    is_refused(&call_back(&shop, &stripe.sign(&body, now), &body).await);
    let path = format!("/api/v1/payments/{}", after.str("/id"));
    assert_eq!(ann.get(&path).await.str("/status"), "requires_action");
    let told = call_back(&shop, &stripe_signature(NEW, &body, now), &body).await;
    is_believed(&ann, &after, &told).await;
    assert_eq!((stripe.intents().len(), stripe.holds()), (5, 5 * 1_999));
    shop.verify().await;
}

async fn a_callback_that_is_not_believed_changes_nothing((stripe, mut shop): (Stripe, Shop)) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 100).await;
    let ann = shop.customer("ann").await;
    let payment = challenged(&ann, "k", &product).await;
    let other = challenged(&ann, "other", &product).await;
    let body = proved(&stripe, &payment);
    let now = stripe.at_our_time();
    let good = stripe.sign(&body, now);
    let others = body.replace(payment.str("/id"), other.str("/id"));
    let more = body.replace("1999", "1");
    assert!(others != body && more != body);
    let before = all(&admin, [&payment, &other], &stripe).await;
    for (signature, body) in [
        (String::new(), &body),
        ("rubbish".to_owned(), &body),
        (good.replace("v1=", "v0="), &body),
        (good.replace("v1=", "v1=0"), &body),
        (good.replace("t=", "t=1"), &body),
        (stripe_signature("whsec_of_nobody", &body, now), &body),
        (stripe_signature("", &body, now), &body),
        (stripe.sign(&body, now - 3_600), &body),
        (stripe.sign(&body, now + 3_600), &body),
        (good.clone(), &others),
        (good.clone(), &more),
        (good.clone(), &String::new()),
        (good.clone(), &format!("{body} ")),
    ] {
        is_refused(&call_back(&shop, &signature, body).await);
    }
    let bare = shop.visitor().request(Method::POST, CALLBACK);
    is_refused(&shop.visitor().send(bare.body(body.clone())).await);
    assert_eq!(all(&admin, [&payment, &other], &stripe).await, before);
    // It was not for something else that they were refused.
    let told = call_back(&shop, &good, &body).await;
    is_believed(&ann, &payment, &told).await;
    let path = format!("/api/v1/payments/{}", other.str("/id"));
    assert_eq!(ann.get(&path).await.str("/status"), "requires_action");
    shop.verify().await;
}
