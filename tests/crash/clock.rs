//! The machine's clock is wrong by an hour, all at once. Who had paid keeps the order, nobody pays twice, and what
//! waits for a moment does not wait for ever. Tokens are only as good as the clock: people sign in again.

use crate::books::Provider;
use testkit::{Client, Shop};

const HOUR: i64 = 3_600;
const PRICE: i64 = 1_999;

/// A shop with a paid order, one whose payment has no answer yet, and one that nobody pays.
struct Story {
    shop: Shop,
    ann: Client,
    product: String,
    paid: String,
    under_way: String,
    unpaid: String,
}

impl Story {
    async fn begin() -> Self {
        let settings = [
            ("SOUK_LOG_LEVEL", "off"),
            ("SOUK_PAYMENTS__PROVIDER_TIMEOUT_MS", "100"),
        ];
        let mut shop = Shop::breakable(&settings).await;
        let admin = shop.admin().await;
        let product = admin.sell("tea", PRICE, 10).await;
        let ann = shop.customer("ann").await;
        let paid = ann.buy("k1", &product, 1, "tok_ok").await;
        assert_eq!(paid.status, 201, "{}", paid.text);
        let unpaid = ann.order("k2", &product, 2).await;
        assert_eq!(unpaid.status, 201, "{}", unpaid.text);
        let under_way = ann.buy("k3", &product, 3, "tok_timeout").await;
        assert_eq!(under_way.status, 202, "{}", under_way.text);
        Self {
            shop,
            ann,
            product,
            paid: paid.str("/id").to_owned(),
            under_way: under_way.str("/id").to_owned(),
            unpaid: unpaid.str("/id").to_owned(),
        }
    }

    async fn jump(&mut self, seconds: i64) {
        self.shop.set_clock_offset_seconds(seconds);
        self.ann = self.shop.sign_in("ann").await;
    }

    async fn becomes(&self, order: &str, status: &str) {
        self.ann
            .get_until(&format!("/api/v1/orders/{order}"), |order| {
                order.str("/status") == status
            })
            .await;
    }

    async fn is(&self, order: &str, status: &str) {
        let order = self.ann.get(&format!("/api/v1/orders/{order}")).await;
        assert_eq!(order.str("/status"), status, "{}", order.text);
    }

    fn took(&self, captures: i64, units: i64) {
        let expected = Provider {
            captures,
            captured_minor: units * PRICE,
            ..Provider::NOTHING
        };
        assert_eq!(Provider::read(self.shop.folder()), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_an_hour_ahead_ends_only_what_nobody_pays() {
    let mut story = Story::begin().await;
    story.jump(HOUR).await;
    story.becomes(&story.under_way, "paid").await;
    // Its time is over by the only clock there is; nothing was paid for it, and its units are free again.
    story.becomes(&story.unpaid, "cancelled").await;
    story.is(&story.paid, "paid").await;
    story.took(2, 4);
    let again = story.ann.buy("k1", &story.product, 1, "tok_ok").await;
    assert_eq!(
        (again.status, again.str("/id")),
        (201, story.paid.as_str()),
        "{}",
        again.text
    );
    let new = story.ann.buy("k4", &story.product, 1, "tok_ok").await;
    assert_eq!(new.status, 201, "{}", new.text);
    story.took(3, 5);
    assert_eq!(story.ann.stock(&story.product).await, (5, 0, 5));
    story.shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_an_hour_behind_holds_up_no_payment_and_no_refund() {
    let mut story = Story::begin().await;
    story.jump(-HOUR).await;
    story.becomes(&story.under_way, "paid").await;
    // It keeps its units longer than was said: nobody loses anything by that.
    story.is(&story.unpaid, "pending").await;
    story.is(&story.paid, "paid").await;
    story.took(2, 4);
    let path = format!("/api/v1/orders/{}/cancel", story.paid);
    let cancelled = story.ann.post(&path, &serde_json::json!({})).await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    let timeline = format!("/api/v1/orders/{}/timeline", story.paid);
    story
        .ann
        .get_until(&timeline, |timeline| timeline.text.contains("\"refunded\""))
        .await;
    let money = Provider::read(story.shop.folder());
    assert_eq!((money.refunds, money.refunded_minor), (1, PRICE));
    let new = story.ann.buy("k4", &story.product, 1, "tok_ok").await;
    assert_eq!(new.status, 201, "{}", new.text);
    assert_eq!(story.ann.stock(&story.product).await, (6, 2, 4));
    story.shop.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_put_right_again_finds_everything_as_it_was() {
    let mut story = Story::begin().await;
    story.jump(HOUR).await;
    story.becomes(&story.unpaid, "cancelled").await;
    let late = story.ann.buy("k4", &story.product, 1, "tok_timeout").await;
    assert_eq!(late.status, 202, "{}", late.text);
    story.jump(0).await;
    story.becomes(late.str("/id"), "paid").await;
    story.becomes(&story.under_way, "paid").await;
    story.took(3, 5);
    story.shop.kill().await;
    story.shop.restart().await;
    story.ann = story.shop.sign_in("ann").await;
    story.is(&story.paid, "paid").await;
    story.is(&story.unpaid, "cancelled").await;
    assert_eq!(story.ann.stock(&story.product).await, (5, 0, 5));
    story.shop.verify().await;
}
