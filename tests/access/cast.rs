//! The six who ask, and the objects they ask for, made anew wherever an answer uses them up.

use crate::thing::Thing;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU64, Ordering};
use testkit::{Answer, Client, Shop};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Who asks, in the order of the table's columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Nobody,
    /// A customer to whom nothing here belongs.
    Stranger,
    /// The customer whose orders and payments these are.
    Owner,
    /// Sells other things.
    ForeignMerchant,
    /// Sells these things.
    OwnMerchant,
    Admin,
}

impl Who {
    pub(crate) const ALL: [Self; 6] = [
        Self::Nobody,
        Self::Stranger,
        Self::Owner,
        Self::ForeignMerchant,
        Self::OwnMerchant,
        Self::Admin,
    ];
}

/// An object, and who asks for it.
pub(crate) struct Made {
    pub(crate) asker: Client,
    pub(crate) id: String,
    pub(crate) order_token: Option<String>,
    pub(crate) cart_token: Option<String>,
    /// Who reads it and where, if no admin does.
    pub(crate) witness: Option<(Client, &'static str)>,
    words: Vec<(&'static str, String)>,
}

impl Made {
    pub(crate) fn new(asker: Client, id: &str) -> Self {
        let (id, words) = (id.to_owned(), Vec::new());
        Self {
            asker,
            id,
            order_token: None,
            cart_token: None,
            witness: None,
            words,
        }
    }

    pub(crate) fn with(mut self, word: &'static str, value: impl ToString) -> Self {
        self.words.push((word, value.to_string()));
        self
    }

    /// The text with its `$words` filled in.
    pub(crate) fn fill(&self, text: &str) -> String {
        let text = text.replace("$id", &self.id);
        self.words
            .iter()
            .fold(text, |text, (word, value)| text.replace(word, value))
    }

    /// The path with the id in the place of `{...}`.
    pub(crate) fn path(&self, path: &str) -> String {
        let path = self.fill(path).replace("{name}", "sandbox");
        let path = path.replace("{item}", &self.fill("$tea"));
        let path = path.replace("{image_id}", &self.fill("$image"));
        let path = match path.split_once("/variants/{variant_id}") {
            Some((product, rest)) => format!("{product}/variants/{}{rest}", self.fill("$variant")),
            None => path,
        };
        let path = path.replace("{return}", &self.fill("$return"));
        match (path.find('{'), path.find('}')) {
            (Some(open), Some(close)) => {
                format!("{}{}{}", &path[..open], self.id, &path[close + 1..])
            }
            _ => path,
        }
    }
}

/// A shop with everybody in it.
pub(crate) struct Cast {
    pub(crate) shop: Shop,
    pub(crate) nobody: Client,
    pub(crate) stranger: Client,
    pub(crate) owner: Client,
    pub(crate) foreign: Client,
    pub(crate) own: Client,
    pub(crate) admin: Client,
    product: String,
    foreign_product: String,
    count: AtomicU64,
}

impl Cast {
    pub(crate) async fn gather() -> Self {
        let mut shop = Shop::start_with(&[
            ("SOUK_LOG_LEVEL", "error"),
            ("SOUK_WEBHOOKS__WEBHOOKS_MAX", "100"),
            ("SOUK_WEBHOOKS__IN_FLIGHT_PER_WEBHOOK_MAX", "1"),
            ("SOUK_WEBHOOKS__OUTWARD__ALLOW", "[\"127.0.0.1\"]"),
        ])
        .await;
        let admin = shop.admin().await;
        let (foreign, own) = (
            shop.merchant(&admin, "mona").await,
            shop.merchant(&admin, "max").await,
        );
        let product = own.sell("tea", 1_000, 100_000).await;
        let foreign_product = foreign.sell("cup", 500, 100_000).await;
        Self {
            nobody: shop.visitor(),
            stranger: shop.customer("bob").await,
            owner: shop.customer("ann-canary-7f3a").await,
            foreign,
            own,
            admin,
            product,
            foreign_product,
            count: AtomicU64::new(0),
            shop,
        }
    }

    pub(crate) fn client(&self, who: Who) -> &Client {
        match who {
            Who::Nobody => &self.nobody,
            Who::Stranger => &self.stranger,
            Who::Owner => &self.owner,
            Who::ForeignMerchant => &self.foreign,
            Who::OwnMerchant => &self.own,
            Who::Admin => &self.admin,
        }
    }

    /// A number that was not given before.
    pub(crate) fn number(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// Makes what is asked for.
    pub(crate) async fn make(&self, who: Who, thing: Thing) -> Made {
        let asker = self.client(who).clone();
        let made = match thing {
            Thing::Nothing => Made::new(asker, ""),
            Thing::Letter => Made::new(asker, "orders-1"),
            // Nobody has no account, and tries another's.
            Thing::Own if who == Who::Nobody => Made::new(asker, self.owner.user_id()),
            Thing::Own => Made::new(asker.clone(), asker.user_id()),
            Thing::OwnerHerself => Made::new(asker, self.owner.user_id()),
            Thing::Account => self.account(asker).await,
            Thing::Double => self.double(who).await,
            Thing::KeptAddress => self.kept_address(asker).await,
            Thing::Session => self.session(asker).await,
            Thing::OwnSession => self.own_session(who).await,
            Thing::Key => self.key(asker).await,
            Thing::OwnKey => self.own_key(who).await,
            Thing::Webhook => self.webhook(asker).await,
            Thing::Delivery => Made::new(asker, "dlv_01h455vb4pex5vsknk084sn02q"),
            Thing::Product => self.offer(asker, "active").await,
            Thing::Draft => self.offer(asker, "draft").await,
            Thing::Archived => self.offer(asker, "archived").await,
            Thing::Variant => self.variant(asker).await,
            Thing::Image => self.image(asker).await,
            Thing::Category => self.category(asker).await,
            Thing::Bought => self.bought(asker).await,
            Thing::Review => self.review(asker).await,
            Thing::Pending | Thing::Paid | Thing::Shipped | Thing::Payment => {
                self.sale(asker, thing).await
            }
            Thing::Returned => self.returned(asker).await,
            Thing::Mixed => self.mixed(asker).await,
            Thing::Earlier => self.earlier(asker).await,
            Thing::Discount => self.discount(asker).await,
            Thing::ShippingMethod => self.shipping_method(asker).await,
            Thing::TaxRate => self.tax_rate(asker).await,
            Thing::Cart => self.cart(&self.owner, asker).await,
            Thing::GuestsCart => {
                let made = self.cart(&self.nobody, asker).await;
                Made {
                    cart_token: None,
                    ..made
                }
            }
            Thing::GuestsCartWithToken => self.cart(&self.nobody, asker).await,
            Thing::Guests
            | Thing::GuestsWithToken
            | Thing::GuestsWithOther
            | Thing::GuestsPayment => self.guests(asker, thing).await,
        };
        made.with("$n", self.number())
            .with("$password", PASSWORD)
            .with("$tea", &self.product)
            .with("$owner", self.owner.user_id())
    }

    async fn register(&self) -> (String, Answer) {
        let email = format!("account-{}@souk.example", self.number());
        let body = json!({"email": email, "password": PASSWORD});
        let answer = self.nobody.post("/api/v1/auth/register", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        (email, answer)
    }

    async fn account(&self, asker: Client) -> Made {
        let (email, account) = self.register().await;
        let made = Made::new(asker, account.str("/user/id"));
        made.with("$email", email)
            .with("$refresh", account.str("/refresh_token"))
            .with("$version", 1)
    }

    async fn double(&self, who: Who) -> Made {
        let (email, account) = self.register().await;
        let roles: &[&str] = match who {
            Who::Nobody => {
                let made = Made::new(self.nobody.clone(), self.owner.user_id());
                return made.with("$version", 1);
            }
            Who::Stranger | Who::Owner => &["customer"],
            Who::ForeignMerchant | Who::OwnMerchant => &["customer", "merchant"],
            Who::Admin => &["admin", "customer"],
        };
        let id = account.str("/user/id");
        let raise = json!({"roles": roles, "version": 1});
        let raised = self
            .admin
            .patch(&format!("/api/v1/users/{id}"), &raise)
            .await;
        assert_eq!(raised.status, 200, "{}", raised.text);
        let login = json!({"email": email, "password": PASSWORD});
        let again = self.nobody.post("/api/v1/auth/login", &login).await;
        assert_eq!(again.status, 200, "{}", again.text);
        Made::new(self.nobody.signed_in(&again), id)
            .with("$version", raised.int("/version"))
            .with("$refresh", again.str("/refresh_token"))
    }

    async fn kept_address(&self, asker: Client) -> Made {
        let address =
            json!({"name": "Olga", "line1": "1 Tea Lane", "city": "London", "country": "GB"});
        let kept = self.owner.post("/api/v1/me/addresses", &address).await;
        assert_eq!(kept.status, 201, "{}", kept.text);
        Made {
            witness: Some((self.owner.clone(), "/api/v1/me/addresses")),
            ..Made::new(asker, kept.str("/id"))
        }
    }

    async fn session(&self, asker: Client) -> Made {
        let (_, account) = self.register().await;
        let owner = self.nobody.signed_in(&account);
        let id = session_of(&owner).await;
        let witness = Some((owner, "/api/v1/me/sessions"));
        Made {
            witness,
            ..Made::new(asker, &id)
        }
    }

    async fn own_session(&self, who: Who) -> Made {
        if who == Who::Nobody {
            // Nobody has none, and tries another's.
            return self.session(self.nobody.clone()).await;
        }
        let mut made = self.double(who).await;
        made.id = session_of(&made.asker).await;
        made
    }

    async fn key(&self, asker: Client) -> Made {
        let (_, account) = self.register().await;
        let owner = self.nobody.signed_in(&account);
        Made::new(
            asker,
            make_key(&owner, &["orders:read"]).await.str("/key/id"),
        )
    }

    async fn own_key(&self, who: Who) -> Made {
        if who == Who::Nobody {
            // Nobody has none, and tries another's.
            return self.key(self.nobody.clone()).await;
        }
        let mut made = self.double(who).await;
        let key = make_key(&made.asker, &["orders:read"]).await;
        made.id = key.str("/key/id").to_owned();
        made
    }

    async fn webhook(&self, asker: Client) -> Made {
        let body = json!({"url": "https://127.0.0.1/", "types": ["user.deleted"]});
        let made = self.admin.post("/api/v1/webhooks", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        Made::new(asker, made.str("/webhook/id"))
    }

    async fn earlier(&self, asker: Client) -> Made {
        let row = json!({
            "number": self.number().to_string(), "placed_at": "2020-01-01T00:00:00Z", "status": "delivered",
            "currency": "USD", "lines": [{"sku": "A", "quantity": 1, "unit_price_minor": 1}], "total_minor": 1,
        });
        let body = json!({"source": "old", "rows": [row]});
        let made = self
            .admin
            .post("/api/v1/earlier-orders/import", &body)
            .await;
        assert_eq!(made.status, 200, "{}", made.text);
        Made::new(asker, made.str("/data/0/id"))
    }

    async fn offer(&self, asker: Client, status: &str) -> Made {
        let name = format!("Offer {}", self.number());
        let body =
            json!({"name": name, "sku": name, "price": "1.00", "stock": 5, "status": status});
        let answer = self.own.post("/api/v1/products", &body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        let made = Made::new(asker, answer.str("/id"))
            .with("$version", 1)
            .with("$sku", &name);
        made.with("$variant", answer.str("/variants/0/id"))
    }

    async fn variant(&self, asker: Client) -> Made {
        let mut made = self.offer(asker, "active").await;
        made.id = made.fill("$variant");
        made
    }

    async fn image(&self, asker: Client) -> Made {
        let made = self.offer(asker, "active").await;
        let image = self.own.show(&made.id).await;
        assert_eq!(image.status, 201, "{}", image.text);
        made.with("$image", image.str("/id"))
    }

    async fn category(&self, asker: Client) -> Made {
        let body = json!({"name": format!("Shelf {}", self.number())});
        let made = self.admin.post("/api/v1/categories", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
        Made::new(asker, made.str("/id"))
    }

    async fn bought(&self, asker: Client) -> Made {
        let made = self.offer(asker, "active").await;
        let items = json!([{"product_id": made.id, "quantity": 1}]);
        let body = json!({"items": items, "payment": {"method": "tok_ok"}});
        let order = self.place(&self.owner, &body).await;
        assert_eq!(order.str("/status"), "paid", "{}", order.text);
        made
    }

    async fn review(&self, asker: Client) -> Made {
        let mut made = self.bought(asker).await;
        let path = format!("/api/v1/products/{}/reviews", made.id);
        let review = self.owner.post(&path, &json!({"rating": 4})).await;
        assert_eq!(review.status, 201, "{}", review.text);
        made.id = review.str("/id").to_owned();
        made
    }

    async fn place(&self, buyer: &Client, body: &Value) -> Answer {
        let key = format!("made-{}", self.number());
        let answer = buyer.post_with_key("/api/v1/orders", &key, body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer
    }

    async fn sale(&self, asker: Client, thing: Thing) -> Made {
        let items = json!([{"product_id": self.product, "quantity": 1}]);
        let order = self.place(&self.owner, &json!({"items": items})).await;
        let id = order.str("/id");
        if thing == Thing::Pending {
            return Made::new(asker, id);
        }
        let key = format!("made-{}", self.number());
        let pay = json!({"order_id": id, "method": "tok_ok"});
        let paid = self
            .owner
            .post_with_key("/api/v1/payments", &key, &pay)
            .await;
        assert_eq!(paid.status, 201, "{}", paid.text);
        if thing == Thing::Payment {
            return Made::new(asker, paid.str("/id"));
        }
        if thing == Thing::Shipped {
            let shipped = self
                .own
                .post(&format!("/api/v1/orders/{id}/ship"), &json!({}))
                .await;
            assert_eq!(shipped.status, 200, "{}", shipped.text);
        }
        Made::new(asker, id)
    }

    async fn returned(&self, asker: Client) -> Made {
        let made = self.sale(asker, Thing::Shipped).await;
        let wish = json!({"lines": [{"line": 1, "quantity": 1}], "reason": "Too strong"});
        let path = format!("/api/v1/orders/{}/returns", made.id);
        let asked = self.owner.post(&path, &wish).await;
        assert_eq!(asked.status, 201, "{}", asked.text);
        made.with("$return", asked.str("/id"))
    }

    async fn cart(&self, holder: &Client, asker: Client) -> Made {
        let cart = holder.post("/api/v1/carts", &json!({})).await;
        assert!(matches!(cart.status, 200 | 201), "{}", cart.text);
        let token = cart.json["cart_token"].as_str();
        Made {
            cart_token: token.map(str::to_owned),
            ..Made::new(asker, cart.str("/id"))
        }
    }

    async fn mixed(&self, asker: Client) -> Made {
        let items = json!([
            {"product_id": self.product, "quantity": 1},
            {"product_id": self.foreign_product, "quantity": 1},
        ]);
        let body = json!({"items": items, "payment": {"method": "tok_ok"}});
        let order = self.place(&self.owner, &body).await;
        Made::new(asker, order.str("/id"))
    }

    async fn guests(&self, asker: Client, thing: Thing) -> Made {
        let items = json!([{"product_id": self.product, "quantity": 1}]);
        let body = json!({"items": items, "email": "guest-canary-91bc@souk.example"});
        let order = self.place(&self.nobody, &body).await;
        let token = |order: &Answer| Some(order.str("/order_token").to_owned());
        let mut made = Made::new(asker, order.str("/id"));
        if thing == Thing::GuestsPayment {
            let pay = json!({"order_id": made.id, "method": "tok_ok"});
            let request = keyed(
                self.nobody.request(Method::POST, "/api/v1/payments"),
                self.number(),
            );
            let request = request.header("order-token", order.str("/order_token"));
            let paid = self.nobody.send(request.json(&pay)).await;
            assert_eq!(paid.status, 201, "{}", paid.text);
            made.id = paid.str("/id").to_owned();
        }
        if thing == Thing::GuestsWithOther {
            made.order_token = token(&self.place(&self.nobody, &body).await);
        } else if thing != Thing::Guests {
            made.order_token = token(&order);
        }
        made
    }
}

/// An API key of this user's, with its text.
pub(crate) async fn make_key(owner: &Client, scopes: &[&str]) -> Answer {
    let body = json!({"name": "till", "scopes": scopes, "password": PASSWORD});
    let made = owner.post("/api/v1/api-keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made
}

/// The session that asks.
async fn session_of(client: &Client) -> String {
    let list = client.get("/api/v1/me/sessions").await;
    let rows = list.json["data"].as_array().unwrap();
    let current = rows.iter().find(|row| row["current"] == true).unwrap();
    current["id"].as_str().unwrap().to_owned()
}

/// The request with an idempotency key of its own.
pub(crate) fn keyed(request: RequestBuilder, number: u64) -> RequestBuilder {
    request.header("idempotency-key", format!("key-{number}"))
}
