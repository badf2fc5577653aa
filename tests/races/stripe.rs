//! Buyers at once who are paid for by Stripe, through a way that loses answers: each is charged once, whichever node
//! asks and asks again.

use crate::ground::Ground;
use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use testkit::{Answer, Client, Stripe, Trouble};

const PRICE: i64 = 1_999;
const BUYERS: usize = 12;
const CALLBACK: &str = "/api/v1/payments/providers/stripe/webhook";

/// Each of these with a Stripe of its own, in one shop and on two nodes.
macro_rules! paid_by_stripe {
    ($($race:ident),* $(,)?) => {
        mod in_one_shop {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $race() {
                let stripe = super::stripe();
                let shop = crate::Ground::one_shop_with(&super::settings(&stripe.settings())).await;
                super::$race(stripe, shop).await;
            })*
        }
        mod on_two_nodes {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $race() {
                let stripe = super::stripe();
                let settings = stripe.settings();
                if let Some(nodes) = crate::Ground::two_nodes_with(&super::settings(&settings)).await {
                    super::$race(stripe, nodes).await;
                }
            })*
        }
    };
}

paid_by_stripe! {
    buyers_are_charged_once_though_the_first_answer_to_everything_is_lost,
    a_challenge_ends_by_a_callback_that_is_signed_and_by_no_other,
}

fn stripe() -> Stripe {
    let stripe = Stripe::start();
    stripe.at_our_time();
    stripe
}

fn settings(all: &[(String, String)]) -> Vec<(&str, &str)> {
    all.iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect()
}

/// Asks until it is so.
async fn until(client: &Client, path: &str, name: &str, expected: &str) {
    let is_so = |answer: &Answer| answer.str(name) == expected;
    client.get_until(path, is_so).await;
}

async fn buyers_are_charged_once_though_the_first_answer_to_everything_is_lost(
    stripe: Stripe,
    mut shop: Ground,
) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", PRICE, 100).await;
    let ann = shop.customer("ann").await;
    stripe.troubles_first(Some(Trouble::LostAfter));
    let pay = |number: usize| {
        let (ann, product) = (&ann, &product);
        async move {
            let order = ann.order(&format!("k{number}"), product, 1).await;
            let id = order.str("/id").to_owned();
            let body = json!({"order_id": id, "method": "pm_card_visa"});
            let key = format!("p{number}");
            let ask = || ann.post_with_key("/api/v1/payments", &key, &body);
            let (one, other) = join(ask(), ask()).await;
            for answer in [&one, &other] {
                assert!([201, 202].contains(&answer.status), "{}", answer.text);
            }
            assert_eq!(one.str("/id"), other.str("/id"));
            until(ann, &format!("/api/v1/orders/{id}"), "/status", "paid").await;
            one.str("/id").to_owned()
        }
    };
    let payments = join_all((0..BUYERS).map(pay)).await;
    let total = PRICE * i64::try_from(BUYERS).expect("a few");
    assert_eq!(stripe.holds(), total);
    assert_eq!(stripe.intents().len(), BUYERS);
    let of = format!("/api/v1/payments/{}/refunds", payments[0]);
    let given = admin.post_with_key(&of, "r", &json!({})).await;
    assert!([201, 202].contains(&given.status), "{}", given.text);
    until(&admin, &of, "/data/0/status", "succeeded").await;
    assert_eq!((stripe.refunds().len(), stripe.holds()), (1, total - PRICE));
    shop.verify().await;
}

async fn a_challenge_ends_by_a_callback_that_is_signed_and_by_no_other(
    stripe: Stripe,
    mut shop: Ground,
) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", PRICE, 100).await;
    let ann = shop.customer("ann").await;
    let order = ann.order("k", &product, 1).await;
    let body = json!({"order_id": order.str("/id"), "method": "pm_card_challenge"});
    let begun = ann.post_with_key("/api/v1/payments", "p", &body).await;
    assert_eq!(
        (begun.status, begun.str("/status")),
        (202, "requires_action")
    );
    stripe.prove(begun.str("/next_action"), true);
    let body = stripe.events().pop().expect("a callback");
    let now = stripe.at_our_time();
    let good = stripe.sign(&body, now);
    let send = |signature: String, body: String| {
        let visitor = shop.visitor();
        async move {
            let request = visitor.request(reqwest::Method::POST, CALLBACK);
            let request = request
                .header("stripe-signature", signature)
                .header("content-type", "application/json");
            visitor.send(request.body(body)).await
        }
    };
    let mut changed: Value = serde_json::from_str(&body).expect("JSON");
    changed["livemode"] = json!(true);
    for (signature, body) in [
        (good.clone(), changed.to_string()),
        (stripe.sign(&body, now - 3_600), body.clone()),
        (good.replace("v1=", "v1=0"), body.clone()),
    ] {
        let refused = send(signature, body).await;
        assert_eq!((refused.status, refused.code()), (400, "bad_signature"));
    }
    let path = format!("/api/v1/payments/{}", begun.str("/id"));
    assert_eq!(ann.get(&path).await.str("/status"), "requires_action");
    for _ in 0..3 {
        let taken = send(good.clone(), body.clone()).await;
        assert_eq!(taken.status, 200, "{}", taken.text);
    }
    until(&ann, &path, "/status", "captured").await;
    assert_eq!((stripe.intents().len(), stripe.holds()), (1, PRICE));
    let knobs = "/api/v1/payments/providers/sandbox/knobs";
    assert_eq!(admin.get(knobs).await.status, 404);
    shop.verify().await;
}
