//! A shop with one service in it: its files, its clock, its neighbours, and a look into both books.

use crate::fakes::{FakeCatalog, FakeOrder, FakeOrders};
use contracts::{
    access::{Principal, Role},
    catalog::ReservationState,
    orders::{OrderLineView, OrderStatus, Reader},
    payments::{PayError, PayOrder, PaymentView, Payments, SagaQuery},
    request::{Answered, IdempotencyKey},
    values::{Money, OrderId, ProductId, Quantity, SessionId, Timestamp, UserId, VariantId},
};
use futures_util::FutureExt;
use payments::{Config, Parts, Service};
use platform::{
    clock::Clock,
    config::{Sources, load},
    db::{Place, sqlite::Options},
    outward,
    tasks::Tasks,
};
use rusqlite::Connection;
use std::{path::PathBuf, sync::Arc, time::Duration};

pub(crate) const PRICE: i64 = 1_999;

const SQLITE: Options = Options {
    readers: 2,
    write_queue_max: 4_096,
    group_max: 256,
    wal_checkpoint_pages: 1_000,
    cache_kilobytes: 1_000,
    mapped_megabytes: 0,
};

pub(crate) struct Shop {
    pub(crate) folder: PathBuf,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    pub(crate) orders: Arc<FakeOrders>,
    pub(crate) catalog: Arc<FakeCatalog>,
    pub(crate) service: Arc<Service>,
    pub(crate) ann: Principal,
}

impl Shop {
    pub(crate) fn start() -> Self {
        Self::with(|_| ())
    }

    pub(crate) fn with(change: impl FnOnce(&mut Config)) -> Self {
        let folder = std::env::temp_dir().join(format!("souk-payments-{}", OrderId::generate()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut config = config();
        change(&mut config);
        let orders = Arc::new(FakeOrders::default());
        let catalog = Arc::new(FakeCatalog::default());
        let clock = Clock::manual(Timestamp::from_ms(1_800_000_000_000));
        let tasks = Tasks::default();
        let parts = parts(&folder, &config, &clock, &tasks, (&orders, &catalog));
        let service = open(parts);
        let ann = user(&[Role::Customer]);
        Self {
            folder,
            config,
            clock,
            tasks,
            orders,
            catalog,
            service,
            ann,
        }
    }

    /// Lets what is under way come to its end, forgets everything in memory, and opens the files again.
    pub(crate) async fn restart(&mut self) {
        self.tasks.stop();
        assert!(self.tasks.wait(Duration::from_secs(30)).await);
        self.tasks = Tasks::default();
        self.service = self.second();
    }

    /// Another service over the same files, as in another process: it shares nothing in memory.
    pub(crate) fn second(&self) -> Arc<Service> {
        let neighbours = (&self.orders, &self.catalog);
        let parts = parts(
            &self.folder,
            &self.config,
            &self.clock,
            &self.tasks,
            neighbours,
        );
        open(parts)
    }

    /// An order of Ann's that waits for money, its stock held.
    pub(crate) fn order(&self) -> OrderId {
        self.order_of(Some(self.ann.user_id), None)
    }

    pub(crate) fn order_of(&self, owner: Option<UserId>, token: Option<&str>) -> OrderId {
        let id = OrderId::generate();
        let order = FakeOrder {
            status: OrderStatus::Pending,
            total: Money::new(PRICE, "USD".parse().unwrap()),
            owner,
            token: token.map(str::to_owned),
            payment: None,
            lines: vec![line("tea", PRICE, 1)],
            parts: Vec::new(),
            refunds: Vec::new(),
            returns: Vec::new(),
        };
        self.orders.orders.lock().unwrap().insert(id, order);
        self.catalog.set(id, ReservationState::Open);
        id
    }

    pub(crate) async fn pay(
        &self,
        key: &str,
        order: OrderId,
        method: &str,
    ) -> Result<Answered<PaymentView>, PayError> {
        let who = Reader::user(self.ann.clone());
        self.pay_as(&who, key, order, method).await
    }

    pub(crate) async fn pay_as(
        &self,
        who: &Reader,
        key: &str,
        order: OrderId,
        method: &str,
    ) -> Result<Answered<PaymentView>, PayError> {
        let wish = PayOrder {
            order_id: order,
            method: method.to_owned(),
        };
        self.service
            .pay(who, IdempotencyKey::parse(key).unwrap(), wish)
            .await
    }

    /// Restarts with a provider that is given time, so that a slow disk is not taken for a lost answer.
    pub(crate) async fn be_patient(&mut self) {
        self.config.provider_timeout_ms = 5_000;
        self.restart().await;
    }

    /// Waits until nothing is under way, without any help.
    pub(crate) async fn rest(&self) {
        let open = || self.service.sagas(SagaQuery::default());
        let rests = async {
            while !open().await.unwrap().data.is_empty() {
                tokio::task::yield_now().await;
            }
        };
        let rested = tokio::time::timeout(Duration::from_secs(20), rests).await;
        assert!(rested.is_ok(), "{:?}", open().await);
    }

    /// Lets time pass and the sweeper work until nothing is unfinished.
    pub(crate) async fn settle(&self) {
        for _ in 0..10 {
            self.clock.advance_seconds(61);
            if self.service.sweep().await.unwrap() == 0 {
                return;
            }
        }
        panic!("something stays unfinished");
    }

    pub(crate) fn payments_file(&self) -> Connection {
        connect(&self.folder.join("payments.sqlite"))
    }

    pub(crate) fn sandbox_file(&self) -> Connection {
        connect(&self.folder.join("sandbox.sqlite"))
    }

    /// How often the provider entered this state into its books.
    pub(crate) fn entries(&self, state: &str) -> i64 {
        let sql = "SELECT COUNT(*) FROM entries WHERE state = ?1";
        self.sandbox_file()
            .query_row(sql, [state], |row| row.get(0))
            .unwrap()
    }

    pub(crate) fn charges(&self) -> i64 {
        let sql = "SELECT COUNT(*) FROM charges";
        self.sandbox_file()
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    }

    /// The statuses of all payments, in the order they were begun.
    pub(crate) fn statuses(&self) -> Vec<String> {
        let connection = self.payments_file();
        let sql = "SELECT status FROM payments ORDER BY payment_number";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

/// The documented defaults, but for a sandbox that keeps nobody waiting.
pub(crate) fn config() -> Config {
    #[derive(serde::Deserialize)]
    struct All {
        payments: Config,
    }
    Config {
        sandbox_slow_ms: 20,
        settle_batch_max: 64,
        ..defaults::<All>(payments::DEFAULTS).payments
    }
}

/// A way out to this machine.
pub(crate) fn outward_options() -> outward::Options {
    #[derive(serde::Deserialize)]
    struct All {
        outward: outward::Options,
    }
    outward::Options {
        allow: vec![outward::Network::try_from("127.0.0.1".to_owned()).unwrap()],
        ports: Vec::new(),
        http: true,
        ..defaults::<All>(outward::DEFAULTS).outward
    }
}

fn defaults<T: serde::de::DeserializeOwned>(defaults: &str) -> T {
    let sources = Sources {
        defaults,
        file: None,
        environment: false,
    };
    load(&sources, serde_json::json!({})).unwrap()
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A line of this many things of a name.
pub(crate) fn line(sku: &str, price: i64, units: u32) -> OrderLineView {
    let unit_price = Money::new(price, "USD".parse().unwrap());
    let quantity = Quantity::try_from(units).unwrap();
    OrderLineView {
        product_id: ProductId::generate(),
        variant_id: variant(sku),
        sku: sku.to_owned(),
        name: sku.to_owned(),
        quantity,
        unit_price,
        line_total: unit_price.times(quantity).unwrap(),
        tax: None,
    }
}

/// The variant of that name.
pub(crate) fn variant(sku: &str) -> VariantId {
    VariantId::from_bytes(platform::digest::derived_id("variant", sku))
}

pub(crate) fn user(roles: &[Role]) -> Principal {
    Principal {
        user_id: UserId::generate(),
        session_id: SessionId::generate(),
        roles: roles.to_vec(),
        key: None,
    }
}

pub(crate) fn guest(token: &str) -> Reader {
    Reader {
        principal: None,
        order_token: Some(token.to_owned()),
    }
}

fn parts(
    folder: &std::path::Path,
    config: &Config,
    clock: &Clock,
    tasks: &Tasks,
    (orders, catalog): (&Arc<FakeOrders>, &Arc<FakeCatalog>),
) -> Parts {
    Parts {
        place: Place::Sqlite(folder.join("payments.sqlite"), SQLITE),
        sandbox_place: Place::Sqlite(folder.join("sandbox.sqlite"), SQLITE),
        config: config.clone(),
        outward: outward_options(),
        clock: clock.clone(),
        tasks: tasks.clone(),
        orders: Arc::clone(orders) as _,
        catalog: Arc::clone(catalog) as _,
    }
}

/// Files are opened without any waiting.
fn open(parts: Parts) -> Arc<Service> {
    let opened = payments::open(parts).now_or_never();
    opened.unwrap().unwrap()
}

fn connect(path: &std::path::Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(Duration::from_secs(10)).unwrap();
    connection
}
