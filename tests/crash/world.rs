//! A small shop and its people, which can be copied as often as there are ways to die.

use crate::books::Provider;
use serde_json::Value;
use testkit::{Answer, Client, Disk, Shop};

/// Units of the product when the story begins.
pub(crate) const STOCK: i64 = 10;
/// What a unit costs, in minor units.
pub(crate) const PRICE: i64 = 1_999;
/// How many are ordered.
pub(crate) const QUANTITY: i64 = 2;

/// A shop, who is in it, and what they know.
pub(crate) struct World {
    pub(crate) shop: Shop,
    pub(crate) admin: Client,
    pub(crate) ann: Client,
    pub(crate) product: String,
    pub(crate) variant: String,
    /// The order that the story is about, if there is one before the operation.
    pub(crate) order: String,
    /// Its payment, if there is one before the operation.
    pub(crate) payment: String,
    /// What is to come back of it, if anything is.
    pub(crate) back: String,
    /// What the provider wants proved, if it wants anything.
    pub(crate) proof: String,
}

impl World {
    /// A shop with one product, an admin and a customer.
    pub(crate) async fn new(settings: &[(&str, &str)]) -> Self {
        let quiet = [
            ("SOUK_LOG_LEVEL", "error"),
            // What is told of an operation afterwards is no part of it, and has tests of its own.
            ("SOUK_WEBHOOKS__LOOK_EVERY_MS", "60000"),
        ];
        let settings: Vec<_> = quiet.iter().chain(settings).copied().collect();
        let mut shop = Shop::breakable(&settings).await;
        let admin = shop.admin().await;
        let product = admin.sell("tea", PRICE, STOCK).await;
        let shown = admin.get(&format!("/api/v1/products/{product}")).await;
        let ann = shop.customer("ann").await;
        Self {
            shop,
            admin,
            ann,
            product,
            variant: shown.str("/variants/0/id").to_owned(),
            order: String::new(),
            payment: String::new(),
            back: String::new(),
            proof: String::new(),
        }
    }

    /// The same world once more, in a shop that will die at this point.
    pub(crate) async fn doomed(&self, point: &str) -> Self {
        self.in_shop(self.shop.copy(&[("SOUK_FAIL_POINT", point)]).await)
    }

    /// The same on a disk that can lose its power.
    pub(crate) async fn doomed_on(&self, disk: &Disk, point: &str) -> Self {
        let folder = disk.path().join("shop");
        let settings = [("SOUK_FAIL_POINT", point)];
        self.in_shop(self.shop.copy_to(&folder, &settings).await)
    }

    fn in_shop(&self, shop: Shop) -> Self {
        Self {
            admin: self.admin.at(shop.url()),
            ann: self.ann.at(shop.url()),
            shop,
            product: self.product.clone(),
            variant: self.variant.clone(),
            order: self.order.clone(),
            payment: self.payment.clone(),
            back: self.back.clone(),
            proof: self.proof.clone(),
        }
    }

    /// Starts the shop again; everybody finds it.
    pub(crate) async fn revive(&mut self) {
        self.shop.restart().await;
        self.follow();
    }

    /// Everybody finds the shop where it is now.
    pub(crate) fn follow(&mut self) {
        self.admin = self.admin.at(self.shop.url());
        self.ann = self.ann.at(self.shop.url());
    }

    /// All orders, as the admin sees them.
    pub(crate) async fn orders(&self) -> Vec<Value> {
        let answer = self.admin.get("/api/v1/orders?limit=100").await;
        let orders = answer.json["data"].as_array();
        orders.unwrap_or_else(|| panic!("{}", answer.text)).clone()
    }

    /// Waits until so many units are on hand, and so many of them reserved.
    pub(crate) async fn stock_becomes(&self, on_hand: i64, reserved: i64) -> Answer {
        let path = format!("/api/v1/products/{}", self.product);
        let fits = |answer: &Answer| {
            answer.int("/stock/on_hand") == on_hand && answer.int("/stock/reserved") == reserved
        };
        self.admin.get_until(&path, fits).await
    }

    /// Waits until an order, or a payment, is so.
    pub(crate) async fn becomes(&self, path: &str, status: &str) -> Answer {
        self.ann
            .get_until(path, |answer| answer.str("/status") == status)
            .await
    }

    /// Waits until the return was paid back.
    pub(crate) async fn returned(&self) {
        let path = format!("/api/v1/orders/{}/returns", self.order);
        let is_over = |answer: &Answer| answer.str("/data/0/status") == "refunded";
        self.ann.get_until(&path, is_over).await;
    }

    /// How often something happened to an order, as its timeline tells.
    pub(crate) async fn happened(&self, order: &str, kind: &str) -> usize {
        let path = format!("/api/v1/orders/{order}/timeline");
        let answer = self.ann.get(&path).await;
        let entries = answer.json["data"].as_array();
        let entries = entries.unwrap_or_else(|| panic!("{}", answer.text));
        entries.iter().filter(|entry| entry["kind"] == kind).count()
    }

    /// What the provider did.
    pub(crate) fn provider(&self) -> Provider {
        Provider::read(self.shop.folder())
    }
}
