//! A shop whose events travel by NATS: orders are taken and called off whether the broker is there or not, and
//! what a called-off order sets going is done as soon as it comes, even if it forgot everything.

use serde_json::json;
use testkit::{Client, Nats, Provider, Shop};

/// A paid order: its id and its payment's.
async fn paid(ann: &Client, product: &str, key: &str) -> (String, String) {
    let order = ann.order(key, product, 2).await;
    let body = json!({"order_id": order.str("/id"), "method": "tok_ok"});
    let payment = ann.post_with_key("/api/v1/payments", key, &body).await;
    assert_eq!(payment.status, 201, "{}", payment.text);
    (order.str("/id").to_owned(), payment.str("/id").to_owned())
}

async fn call_off(ann: &Client, order: &str) {
    let path = format!("/api/v1/orders/{order}/cancel");
    let cancelled = ann.post(&path, &json!({})).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
}

async fn refunded(ann: &Client, payment: &str) {
    let path = format!("/api/v1/payments/{payment}");
    ann.get_until(&path, |seen| seen.str("/status") == "refunded")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_whose_broker_comes_and_goes_and_forgets_gives_all_money_back() {
    let Some(mut nats) = Nats::later().await else {
        return;
    };
    let url = nats.url();
    let settings = [("SOUK_LOG_LEVEL", "error"), ("SOUK_BUS", url.as_str())];
    let mut shop = Shop::start_with(&settings).await;
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 10).await;
    let ann = shop.customer("ann").await;

    let (order, before_it_came) = paid(&ann, &product, "k1").await;
    call_off(&ann, &order).await;
    nats.restart().await;
    refunded(&ann, &before_it_came).await;

    let (order, while_it_is_there) = paid(&ann, &product, "k2").await;
    call_off(&ann, &order).await;
    refunded(&ann, &while_it_is_there).await;

    nats.kill();
    let (order, while_it_is_away) = paid(&ann, &product, "k3").await;
    call_off(&ann, &order).await;
    nats.wipe();
    nats.restart().await;
    refunded(&ann, &while_it_is_away).await;

    let (order, afterwards) = paid(&ann, &product, "k4").await;
    call_off(&ann, &order).await;
    refunded(&ann, &afterwards).await;
    assert_eq!(Provider::of(&admin).net().await, 0);
    assert_eq!(admin.stock(&product).await, (10, 0, 10));
    shop.verify().await;
}
