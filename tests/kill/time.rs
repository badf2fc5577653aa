//! What time brings about by itself: unknown payments are found out, unpaid orders end.

use serde_json::json;
use testkit::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_outcome_is_unknown_is_found_out() {
    let settings = [
        ("SOUK_LOG_LEVEL", "error"),
        ("SOUK_PAYMENTS__PROVIDER_TIMEOUT_MS", "100"),
    ];
    let mut shop = Shop::start_with(&settings).await;
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 10).await;
    let ann = shop.customer("ann").await;
    let order = ann.order("k1", &product, 2).await;
    let path = format!("/api/v1/orders/{}", order.str("/id"));
    let body = json!({"order_id": order.str("/id"), "method": "tok_timeout"});
    let unknown = ann.post_with_key("/api/v1/payments", "p1", &body).await;
    assert_eq!(
        (unknown.status, unknown.str("/status")),
        (202, "pending"),
        "{}",
        unknown.text
    );
    assert_eq!(unknown.header("retry-after"), "1");
    let payment = ann
        .get_until(unknown.header("location"), |payment| {
            payment.str("/status") == "captured"
        })
        .await;
    assert_eq!(payment.int("/amount/amount"), 3_998);
    ann.get_until(&path, |order| order.str("/status") == "paid")
        .await;
    let again = ann.post_with_key("/api/v1/payments", "p1", &body).await;
    assert_eq!((again.status, again.str("/id")), (201, payment.str("/id")));
    assert_eq!(admin.stock(&product).await, (8, 0, 8));
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_outcome_is_unknown_survives_a_kill() {
    let settings = [
        ("SOUK_LOG_LEVEL", "error"),
        ("SOUK_PAYMENTS__PROVIDER_TIMEOUT_MS", "100"),
    ];
    let mut shop = Shop::start_with(&settings).await;
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 10).await;
    let ann = shop.customer("ann").await;
    let placed = ann.buy("k1", &product, 2, "tok_timeout").await;
    assert_eq!(
        (placed.status, placed.str("/status")),
        (202, "pending"),
        "{}",
        placed.text
    );
    shop.kill().await;
    shop.restart().await;
    let (ann, admin) = (ann.at(shop.url()), admin.at(shop.url()));
    ann.get_until(placed.header("location"), |order| {
        order.str("/status") == "paid"
    })
    .await;
    let again = ann.buy("k1", &product, 2, "tok_timeout").await;
    assert_eq!((again.status, again.str("/id")), (201, placed.str("/id")));
    assert_eq!(admin.stock(&product).await, (8, 0, 8));
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_pays_ends_and_its_stock_comes_back() {
    let settings = [
        ("SOUK_LOG_LEVEL", "error"),
        ("SOUK_ORDERS__PAYMENT_WINDOW_SECONDS", "1"),
    ];
    let mut shop = Shop::start_with(&settings).await;
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 10).await;
    let ann = shop.customer("ann").await;
    let order = ann.order("k1", &product, 4).await;
    assert_eq!(
        (order.status, order.str("/status")),
        (201, "pending"),
        "{}",
        order.text
    );
    let path = format!("/api/v1/orders/{}", order.str("/id"));
    ann.get_until(&path, |order| order.str("/status") == "cancelled")
        .await;
    let product_path = format!("/api/v1/products/{product}");
    admin
        .get_until(&product_path, |product| {
            product.int("/stock/available") == 10
        })
        .await;
    assert_eq!(admin.stock(&product).await, (10, 0, 10));
    let body = json!({"order_id": order.str("/id"), "method": "tok_ok"});
    let late = ann.post_with_key("/api/v1/payments", "p1", &body).await;
    assert_eq!(
        (late.status, late.code()),
        (409, "illegal_transition"),
        "{}",
        late.text
    );
    shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_whose_time_ended_while_the_shop_was_down_ends_when_it_is_back() {
    let settings = [
        ("SOUK_LOG_LEVEL", "error"),
        ("SOUK_ORDERS__PAYMENT_WINDOW_SECONDS", "1"),
    ];
    let mut shop = Shop::start_with(&settings).await;
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 10).await;
    let ann = shop.customer("ann").await;
    let order = ann.order("k1", &product, 4).await;
    shop.kill().await;
    shop.restart().await;
    let (ann, admin) = (ann.at(shop.url()), admin.at(shop.url()));
    let path = format!("/api/v1/orders/{}", order.str("/id"));
    ann.get_until(&path, |order| order.str("/status") == "cancelled")
        .await;
    let product_path = format!("/api/v1/products/{product}");
    admin
        .get_until(&product_path, |product| {
            product.int("/stock/available") == 10
        })
        .await;
    shop.verify().await;
}
