//! A shop of orders for one test: the real service and router, a shelf, a till, and people.

use crate::{
    fakes::FakeCatalog,
    mails::{FakeMailer, post},
    thing::Thing,
    till::FakePayments,
};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use contracts::{
    access::{Principal, Role},
    catalog::Catalog,
    orders::{OrderAudit, OrderMailKind, Orders},
    payments::Payments,
    values::{Money, OrderId, ProductId, SessionId, Timestamp, UserId, VariantId},
};
use http_body_util::BodyExt;
use orders::{Config, Home, Mails, Opened, Papers, Parts, Phrases, TaxMode, TaxRounding};
use platform::{
    clock::Clock,
    config::{Sources, load},
    db::{Place, sqlite},
    http::stack::{self, wrap},
    tasks::Tasks,
};
use serde_json::{Value, json};
use std::{path::PathBuf, sync::Arc};
use tower::ServiceExt;

pub(crate) const TEA: ProductId = ProductId::from_bytes([1; 16]);
pub(crate) const CUP: ProductId = ProductId::from_bytes([2; 16]);
pub(crate) const CUP_VARIANT: VariantId = VariantId::from_bytes([2; 16]);
/// Priced so that three of it cannot be counted.
pub(crate) const GEM: ProductId = ProductId::from_bytes([3; 16]);

pub(crate) fn person(number: u8, role: Role) -> Principal {
    Principal {
        user_id: UserId::from_bytes([number; 16]),
        session_id: SessionId::from_bytes([number; 16]),
        roles: vec![role],
        key: None,
    }
}

pub(crate) fn ann() -> Principal {
    person(10, Role::Customer)
}

pub(crate) fn bob() -> Principal {
    person(11, Role::Customer)
}

/// Sells tea and gems.
pub(crate) fn tea_merchant() -> Principal {
    person(20, Role::Merchant)
}

/// Sells cups.
pub(crate) fn cup_merchant() -> Principal {
    person(21, Role::Merchant)
}

pub(crate) fn admin() -> Principal {
    person(30, Role::Admin)
}

/// The words of a shop that sets none.
fn words() -> Box<Phrases> {
    #[derive(serde::Deserialize)]
    struct File {
        orders: Config,
    }
    let sources = Sources {
        defaults: orders::DEFAULTS,
        file: None,
        environment: false,
    };
    let file: File = load(&sources, serde_json::json!({})).unwrap();
    file.orders.mails.words
}

pub(crate) fn config() -> Config {
    Config {
        payment_window_seconds: 900,
        orphan_grace_seconds: 60,
        lines_max: 1_500,
        body_bytes_max: 262_144,
        place_queue_max: 4_096,
        place_batch_max: 256,
        place_batch_lines_max: 8_192,
        place_batches_in_flight_max: 2,
        cart_lines_max: 4,
        carts_per_address_max: 3,
        cart_keep_seconds: 3_600,
        shipping_required: false,
        tax: TaxMode::Off,
        tax_rounding: TaxRounding::HalfUp,
        tax_country: Home::default(),
        automatic_discounts_age_ms_max: 1_000,
        sweep_every_ms: 10,
        mails: Mails {
            kinds: OrderMailKind::ALL.to_vec(),
            received_after_seconds: 60,
            waiting_max: 100,
            words: words(),
        },
        papers: Papers {
            seller: vec!["Souk Ltd".to_owned()],
        },
    }
}

pub(crate) struct Shop {
    pub(crate) router: Router,
    pub(crate) opened: Opened,
    pub(crate) catalog: Arc<FakeCatalog>,
    pub(crate) payments: Arc<FakePayments>,
    pub(crate) mailer: Arc<FakeMailer>,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    folder: PathBuf,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::with(config()).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        let folder = std::env::temp_dir().join(format!("souk-orders-{}", OrderId::generate()));
        std::fs::create_dir_all(&folder).unwrap();
        let place = Place::Sqlite(folder.join("orders.sqlite"), sqlite_options());
        Self::at((place, folder), Arc::new(stocked()), config).await
    }

    /// A node of a shop whose orders are kept elsewhere, and whose stock this is.
    pub(crate) async fn node(place: Place, catalog: &Arc<FakeCatalog>) -> Self {
        Self::at((place, PathBuf::new()), Arc::clone(catalog), config()).await
    }

    async fn at(
        (place, folder): (Place, PathBuf),
        catalog: Arc<FakeCatalog>,
        config: Config,
    ) -> Self {
        let clock = Clock::manual(Timestamp::from_ms(1_766_000_000_000));
        let tasks = Tasks::default();
        let payments = Arc::new(FakePayments::new(Arc::clone(&catalog)));
        let mailer = Arc::new(FakeMailer::default());
        let parts = Parts {
            place,
            config: config.clone(),
            clock: clock.clone(),
            tasks: tasks.clone(),
            catalog: Arc::clone(&catalog) as Arc<dyn Catalog>,
            post: Some(post(&mailer)),
        };
        let opened = orders::open(parts).await.unwrap();
        let service = Arc::clone(&opened.service) as Arc<dyn Orders>;
        payments.serve(Arc::clone(&service));
        let till = Arc::clone(&payments) as Arc<dyn Payments>;
        let routes = orders::routes(service, till, &config, None)
            .merge(orders::routes_beside(Arc::clone(&opened.service)));
        let options = stack::Options {
            timeout_ms: 60_000,
            in_flight_max: 4_096,
            late_ms_max: 0,
            body_bytes_max: 65_536,
        };
        Self {
            router: wrap(routes, &options, "http://souk.test", clock.clone()),
            opened,
            catalog,
            payments,
            mailer,
            clock,
            tasks,
            folder,
        }
    }

    /// Sends a request.
    pub(crate) async fn ask(&self, ask: Ask) -> Answer {
        send(self.router.clone(), ask).await
    }

    /// Every order there is.
    pub(crate) async fn orders(&self) -> Vec<OrderAudit> {
        let orders: &dyn Orders = &*self.opened.service;
        orders.audit(None, 10_000).await.unwrap()
    }

    /// That neither an order nor a reservation exists.
    pub(crate) async fn assert_untouched(&self, why: &str) {
        assert_eq!(self.orders().await, [], "no order: {why}");
        assert_eq!(self.catalog.reservations(), 0, "no reservation: {why}");
        assert_eq!(self.catalog.stock(TEA), (10, 0), "{why}");
    }

    /// An order of so much tea, placed by Ann.
    pub(crate) async fn placed(&self, key: &str, quantity: u32) -> OrderId {
        let wish = Ask::place(&tea(quantity)).key(key).by(&ann());
        self.ask(wish).await.order_id()
    }

    /// The same, paid at once.
    pub(crate) async fn paid(&self, key: &str, quantity: u32) -> OrderId {
        let wish = with(tea(quantity), "payment", json!({"method": "tok_ok"}));
        let answer = self.ask(Ask::place(&wish).key(key).by(&ann())).await;
        assert_eq!(answer.json()["status"], "paid");
        answer.order_id()
    }

    /// The same, on its way.
    pub(crate) async fn shipped(&self, key: &str, quantity: u32) -> OrderId {
        let id = self.paid(key, quantity).await;
        let answer = self.ask(Ask::step(id, "ship").by(&admin())).await;
        assert_eq!(answer.status, StatusCode::OK);
        id
    }

    /// An order as an admin sees it.
    pub(crate) async fn seen(&self, id: OrderId) -> Value {
        let answer = self.ask(Ask::order(id).by(&admin())).await;
        assert_eq!(answer.status, StatusCode::OK);
        answer.json()
    }

    /// Its timeline: what, and by whom.
    pub(crate) async fn timeline(&self, id: OrderId) -> Vec<(String, String)> {
        let path = format!("/api/v1/orders/{id}/timeline");
        let answer = self.ask(Ask::get(&path).by(&admin())).await.json();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let entries = answer["data"].as_array().unwrap().iter();
        entries
            .map(|entry| (text(&entry["kind"]), text(&entry["actor"])))
            .collect()
    }

    /// Behind the service's back.
    pub(crate) fn spoil(&self, sql: &str) {
        let file = self.folder.join("orders.sqlite");
        let connection = rusqlite::Connection::open(file).unwrap();
        connection.execute_batch(sql).unwrap();
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        self.tasks.stop();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn sqlite_options() -> sqlite::Options {
    sqlite::Options {
        readers: 4,
        write_queue_max: 4_096,
        group_max: 256,
        wal_checkpoint_pages: 1_000,
        cache_kilobytes: 1_000,
        mapped_megabytes: 0,
    }
}

pub(crate) fn stocked() -> FakeCatalog {
    let catalog = FakeCatalog::new();
    for (product_id, sku, seller, minor, on_hand) in [
        (TEA, "TEA-1", tea_merchant(), 1_999, 10),
        (CUP, "CUP-1", cup_merchant(), 500, 5),
        (GEM, "GEM-1", tea_merchant(), i64::MAX / 2, 1_000),
    ] {
        catalog.put(Thing {
            product_id,
            sku,
            seller_id: seller.user_id,
            price: Money::new(minor, "USD".parse().unwrap()),
            on_hand,
            reserved: 0,
        });
    }
    catalog
}

/// A body that wishes for so much tea.
pub(crate) fn tea(quantity: u32) -> Value {
    json!({"items": [{"product_id": TEA, "quantity": quantity}]})
}

/// A body with one more field.
pub(crate) fn with(mut body: Value, field: &str, value: Value) -> Value {
    body[field] = value;
    body
}

/// A request in the making.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    method: &'static str,
    path: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
    who: Option<Principal>,
}

impl Ask {
    fn new(method: &'static str, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
            who: None,
        }
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub(crate) fn order(id: OrderId) -> Self {
        Self::get(&format!("/api/v1/orders/{id}"))
    }

    pub(crate) fn post(path: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let ask = Self::new("POST", path).header("content-type", "application/json");
        Self { body, ..ask }
    }

    pub(crate) fn put(path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            method: "PUT",
            ..Self::post(path, body)
        }
    }

    pub(crate) fn place(body: &Value) -> Self {
        Self::post("/api/v1/orders", body.to_string())
    }

    /// Cancel, ship or deliver.
    pub(crate) fn step(id: OrderId, verb: &str) -> Self {
        Self::post(&format!("/api/v1/orders/{id}/{verb}"), "{}")
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub(crate) fn by(self, who: &Principal) -> Self {
        Self {
            who: Some(who.clone()),
            ..self
        }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }
}

pub(crate) async fn send(router: Router, ask: Ask) -> Answer {
    let mut request = Request::builder().method(ask.method).uri(ask.path);
    for (name, value) in ask.headers {
        request = request.header(name, value);
    }
    let mut request = request.body(Body::from(ask.body)).unwrap();
    if let Some(who) = ask.who {
        request.extensions_mut().insert(who);
    }
    let response = router.oneshot(request).await.unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    Answer {
        status,
        headers,
        bytes: bytes.to_vec(),
    }
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// Status, and the code and fields of a problem: `422 validation_failed /items`.
    pub(crate) fn said(&self) -> String {
        let mut said = self.status.as_u16().to_string();
        if self.status.is_client_error() || self.status.is_server_error() {
            let problem = self.json();
            assert_eq!(self.header("content-type"), "application/problem+json");
            assert_eq!(problem["status"], self.status.as_u16());
            said = format!("{said} {}", problem["code"].as_str().unwrap());
            for error in problem["errors"].as_array().into_iter().flatten() {
                said = format!("{said} {}", error["field"].as_str().unwrap());
            }
        }
        said
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn replayed(&self) -> bool {
        self.header("idempotent-replayed") == "true"
    }

    pub(crate) fn order_id(&self) -> OrderId {
        let json = self.json();
        json["id"]
            .as_str()
            .unwrap_or_else(|| panic!("no order: {json}"))
            .parse()
            .unwrap()
    }
}
