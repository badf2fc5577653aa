//! A shop with something in it, and a census of everything, so that a refused request is seen to have changed
//! nothing.

use reqwest::Method;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};
use testkit::{Answer, Client, Shop};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Nobody,
    Ann,
    Admin,
}

/// A shop with something in it.
pub(crate) struct World {
    pub(crate) shop: Shop,
    pub(crate) nobody: Client,
    pub(crate) ann: Client,
    pub(crate) admin: Client,
    words: Vec<(&'static str, String)>,
    watched: Vec<String>,
    count: AtomicU64,
}

impl World {
    pub(crate) async fn new() -> Self {
        let mut shop = Shop::start_with(&[("SOUK_LOG_LEVEL", "error")]).await;
        let admin = shop.admin().await;
        let (ann, bob) = (shop.customer("ann").await, shop.customer("bob").await);
        let mut world = Self {
            nobody: shop.visitor(),
            shop,
            ann,
            admin,
            words: Vec::new(),
            watched: Vec::new(),
            count: AtomicU64::new(0),
        };
        world.word("$bob", bob.user_id());
        let own = world.admin.user_id().to_owned();
        world.word("$admin", &own);
        world.stock().await;
        world.sell().await;
        let carl = json!({"email": "carl@souk.example", "username": "carl", "password": PASSWORD});
        let carl = done(world.nobody.post("/api/v1/auth/register", &carl).await);
        world.word("$refresh", carl.str("/refresh_token"));
        world.word("$carl", carl.str("/user/id"));
        world
    }

    fn word(&mut self, word: &'static str, value: &str) {
        self.words.push((word, value.to_owned()));
    }

    async fn stock(&mut self) {
        let category = json!({"name": "Drinks", "slug": "drinks"});
        done(self.admin.post("/api/v1/categories", &category).await);
        for (word, name, status) in [
            ("$product", "Tea", "active"),
            ("$other", "Cup", "active"),
            ("$draft", "Mug", "draft"),
        ] {
            let mut body = json!({"name": name, "sku": name, "price": "19.99", "stock": 50, "category": "drinks"});
            body["status"] = Value::from(status);
            let made = done(self.admin.post("/api/v1/products", &body).await);
            self.word(word, made.str("/id"));
            if word == "$product" {
                self.word("$variant", made.str("/variants/0/id"));
            }
        }
    }

    async fn sell(&mut self) {
        let product = self.fill("$product");
        for word in ["$pending", "$paid", "$shipped"] {
            let order = done(self.ann.order(word, &product, 2).await);
            let id = order.str("/id").to_owned();
            self.word(word, &id);
            if word == "$pending" {
                continue;
            }
            let pay = json!({"order_id": id, "method": "tok_ok"});
            let paid = done(self.ann.post_with_key("/api/v1/payments", word, &pay).await);
            self.watched
                .push(format!("/api/v1/payments/{}", paid.str("/id")));
            if word == "$shipped" {
                done(
                    self.admin
                        .post(&format!("/api/v1/orders/{id}/ship"), &json!({}))
                        .await,
                );
            } else {
                self.word("$payment", paid.str("/id"));
            }
        }
    }

    pub(crate) fn url(&self) -> &str {
        self.shop.url()
    }

    pub(crate) fn client(&self, by: By) -> &Client {
        match by {
            By::Nobody => &self.nobody,
            By::Ann => &self.ann,
            By::Admin => &self.admin,
        }
    }

    /// A number that was not given before.
    pub(crate) fn number(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// The text with its `$words` filled in.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.words
            .iter()
            .fold(text.to_owned(), |text, (word, value)| {
                text.replace(word, value)
            })
    }

    /// Everything there is, by address.
    pub(crate) async fn census(&self) -> BTreeMap<String, String> {
        let mut seen = BTreeMap::new();
        let people = ["$bob", "$carl"].map(|word| self.fill(&format!("/api/v1/users/{word}")));
        let ann = format!("/api/v1/users/{}", self.ann.user_id());
        let own = format!("/api/v1/users/{}", self.admin.user_id());
        for path in people
            .into_iter()
            .chain([ann, own, "/api/v1/categories".to_owned()])
            .chain(self.watched.clone())
        {
            let answer = done(self.admin.get(&path).await);
            seen.insert(path, answer.text);
        }
        for list in [
            "/api/v1/products?limit=100&status=draft",
            "/api/v1/products?limit=100&status=active",
            "/api/v1/products?limit=100&status=archived",
            "/api/v1/inventory?limit=100",
            "/api/v1/orders?limit=100",
        ] {
            self.count(list, &mut seen).await;
        }
        seen
    }

    /// All rows of a list, and what hangs on each.
    async fn count(&self, list: &str, seen: &mut BTreeMap<String, String>) {
        let mut next = Some(list.to_owned());
        while let Some(path) = next.take() {
            let page = done(self.admin.get(&path).await);
            for row in page.json["data"].as_array().unwrap() {
                let more = match (row["id"].as_str(), row["variant_id"].as_str()) {
                    (_, Some(variant)) => {
                        format!("/api/v1/inventory/{variant}/movements?limit=100")
                    }
                    (Some(order), None) if order.starts_with("ord_") => {
                        format!("/api/v1/orders/{order}/timeline")
                    }
                    (Some(other), None) => format!("/api/v1/products/{other}"),
                    (None, None) => panic!("a row without an id: {row}"),
                };
                seen.insert(more.clone(), done(self.admin.get(&more).await).text);
            }
            if let Value::String(cursor) = &page.json["next_cursor"] {
                next = Some(format!("{list}&cursor={cursor}"));
            }
            seen.insert(path, page.text);
        }
    }

    /// Fails unless everything is as it was, and the books balance.
    pub(crate) async fn assert_unchanged(&self, before: &BTreeMap<String, String>) {
        let after = self.census().await;
        let changed = |(path, text): &(&String, &String)| before.get(*path) != Some(text);
        let changed: Vec<_> = after.iter().filter(changed).collect();
        assert!(changed.is_empty(), "refused requests changed {changed:#?}");
        assert_eq!(before.len(), after.len(), "something has gone");
        let ready = self
            .nobody
            .send(self.nobody.request(Method::GET, "/readyz"))
            .await;
        assert_eq!(ready.status, 200);
        self.shop.verify().await;
    }
}

/// The answer, if it is no refusal.
fn done(answer: Answer) -> Answer {
    assert!(answer.status < 300, "{} {}", answer.status, answer.text);
    answer
}
