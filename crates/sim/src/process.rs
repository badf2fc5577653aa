//! A process of the shop: a runtime of its own with all services on it, wired as the server wires them. It dies by
//! being dropped, with everything that it had not written.

use crate::{
    bus::{Deliveries, Manners, SimBus},
    cast::{self, COUNTRY},
    net::{INBOX_MAX, Net, Parcel},
    plan::Plan,
    ports::{FarCatalog, FarOrders},
    random::Random,
    unsure::Unsure,
};
use axum::{
    Router,
    body::{Body, Bytes},
    http::{Request, Response, header::CONTENT_TYPE},
};
use contracts::{BoxError, catalog::Catalog, orders::Orders, payments::Payments};
use http_body_util::BodyExt;
use platform::{
    bus::Bus,
    clock::Clock,
    config::{Sources, load},
    db::{
        Place,
        sqlite::{self, inline},
    },
    http::stack,
    outward,
    tasks::Tasks,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    path::Path,
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};
use tokio::{runtime::Runtime, sync::mpsc};
use tower::ServiceExt;

/// Streams of the seed that processes draw from, one for each life.
const LIVES: u64 = 1_000;
/// The longest wait at the disk, in milliseconds.
const DISK_MS_MAX: u32 = 4;

const SQLITE: sqlite::Options = sqlite::Options {
    readers: 1,
    write_queue_max: 64,
    group_max: 64,
    wal_checkpoint_pages: 1_000,
    cache_kilobytes: 1_000,
    mapped_megabytes: 0,
};

/// Time-outs short enough for a run to see them.
fn settings(tax: &str) -> Result<Settings, BoxError> {
    let defaults = [
        outward::DEFAULTS,
        catalog::DEFAULTS,
        orders::DEFAULTS,
        payments::DEFAULTS,
    ]
    .concat();
    let sources = Sources {
        defaults: &defaults,
        file: None,
        environment: false,
    };
    let shorter = json!({
        "orders": {
            "payment_window_seconds": PAYMENT_WINDOW_SECONDS,
            "orphan_grace_seconds": 5,
            "sweep_every_ms": 500,
            "tax": tax,
            "tax_country": COUNTRY,
        },
        "payments": {
            "provider_timeout_ms": 3_000,
            "sandbox_slow_ms": 900,
            "sweep_every_ms": 500,
            "challenge_seconds": CHALLENGE_SECONDS,
            "reconcile_every_seconds": 7,
        },
    });
    Ok(load(&sources, shorter)?)
}

/// How long an unpaid order lives in a simulated shop.
pub(crate) const PAYMENT_WINDOW_SECONDS: u32 = 15;

/// How long a buyer has there to prove something.
pub(crate) const CHALLENGE_SECONDS: u32 = 20;

#[derive(Deserialize)]
struct Settings {
    outward: outward::Options,
    catalog: catalog::Config,
    orders: orders::Config,
    payments: payments::Config,
}

/// The services of a process, as the others see them: with whatever was put in front on purpose.
#[derive(Clone)]
pub struct Services {
    /// The catalog.
    pub catalog: Arc<dyn Catalog>,
    /// Orders.
    pub orders: Arc<dyn Orders>,
    /// Payments.
    pub payments: Arc<dyn Payments>,
    /// Where background work runs.
    pub tasks: Tasks,
    /// The process's clock.
    pub clock: Clock,
    /// The provider, which is part of the process.
    pub sandbox: payments::Sandbox,
    near_payments: Arc<payments::Service>,
    near_catalog: Arc<catalog::Service>,
    near_orders: Arc<orders::Service>,
}

impl Services {
    /// Makes something by a route that no other service asks, as an admin does before anybody comes; gives the answer.
    pub(crate) async fn made(&self, path: &str, body: Value) -> Result<Value, BoxError> {
        let router = orders::routes_beside(Arc::clone(&self.near_orders));
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .extension(cast::admin())
            .body(Body::from(body.to_string()))?;
        let Ok(response) = router.oneshot(request).await;
        if !response.status().is_success() {
            return Err(format!("{path}: {}", response.status()).into());
        }
        let body = response.into_body().collect().await?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    }
}

/// What a process finds when it starts, and what outlives it.
#[derive(Clone)]
pub(crate) struct Ground<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) folder: &'a Path,
    pub(crate) clock: Clock,
    pub(crate) net: Net,
    pub(crate) disk_troubles: Arc<AtomicU32>,
    pub(crate) manners: Manners,
    pub(crate) deliveries: Deliveries,
}

pub(crate) struct Process {
    runtime: Runtime,
    pub(crate) services: Services,
    net: Net,
}

impl Process {
    /// Starts the process for the so many-th time.
    pub(crate) fn start(ground: &Ground<'_>, life: u64) -> Result<Self, BoxError> {
        let runtime = paused_runtime()?;
        let seed = Random::new(ground.plan.seed, LIVES.saturating_add(life)).number();
        inline::on_this_thread(Some(inline::Pace {
            seed,
            wait_ms_max: DISK_MS_MAX,
            troubles_per_mille: Arc::clone(&ground.disk_troubles),
        }));
        let services = runtime.block_on(open(ground, seed));
        inline::on_this_thread(None);
        Ok(Self {
            runtime,
            services: services?,
            net: ground.net.clone(),
        })
    }

    /// Lets so much time pass in the process.
    pub(crate) fn step(&self, time: Duration) {
        self.runtime
            .block_on(async { tokio::time::sleep(time).await });
    }

    /// Does something in the process, and waits for it.
    pub(crate) fn within<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Whoever sends something now finds nobody; whoever waits hears that the connection is gone.
        self.net.lead_nowhere();
    }
}

/// A runtime whose time stands still unless somebody waits for it.
pub(crate) fn paused_runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
}

async fn open(ground: &Ground<'_>, seed: u64) -> Result<Services, BoxError> {
    let settings = settings(cast::tax(ground.plan))?;
    let (folder, tampering) = (ground.folder, &ground.plan.tampering);
    let (tasks, clock) = (Tasks::default(), ground.clock.clone());
    let near_catalog = catalog::open(catalog::Parts {
        place: Place::Sqlite(folder.join("catalog.sqlite"), SQLITE),
        config: settings.catalog,
        outward: settings.outward.clone(),
        clock: clock.clone(),
        redis: None,
    })
    .await?;
    let mut catalog: Arc<dyn Catalog> = near_catalog.clone();
    if let Some(wrap) = &tampering.catalog {
        catalog = wrap(catalog);
    }
    let way = way(ground, seed);
    let far_catalog: Arc<dyn Catalog> = Arc::new(FarCatalog {
        inner: Arc::clone(&catalog),
        way: way.clone(),
    });
    let opened = orders::open(orders::Parts {
        place: Place::Sqlite(folder.join("orders.sqlite"), SQLITE),
        config: settings.orders.clone(),
        clock: clock.clone(),
        tasks: tasks.clone(),
        catalog: Arc::clone(&far_catalog),
        // Nobody in the bottle reads mails.
        post: None,
    })
    .await?;
    let mut orders: Arc<dyn Orders> = opened.service.clone();
    if let Some(wrap) = &tampering.orders {
        orders = wrap(orders);
    }
    let near_payments = payments::open(payments::Parts {
        place: Place::Sqlite(folder.join("payments.sqlite"), SQLITE),
        sandbox_place: Place::Sqlite(folder.join("sandbox.sqlite"), SQLITE),
        config: settings.payments,
        outward: settings.outward,
        clock: clock.clone(),
        tasks: tasks.clone(),
        orders: Arc::new(FarOrders {
            inner: Arc::clone(&orders),
            way,
        }),
        catalog: far_catalog,
    })
    .await?;
    let services = Services {
        catalog,
        orders,
        payments: near_payments.clone(),
        tasks: tasks.clone(),
        clock,
        sandbox: near_payments.sandbox().clone(),
        near_payments: Arc::clone(&near_payments),
        near_catalog: Arc::clone(&near_catalog),
        near_orders: Arc::clone(&opened.service),
    };
    begin(
        ground,
        seed,
        (near_catalog, opened, near_payments),
        &services,
    );
    serve(ground, &services, &settings.orders);
    Ok(services)
}

/// The way between two services, which is not always sure.
fn way(ground: &Ground<'_>, seed: u64) -> Unsure {
    Unsure {
        seed,
        per_mille: ground.plan.port_troubles_per_mille,
        troubled: Arc::clone(&ground.manners.troubled),
        began: tokio::time::Instant::now(),
    }
}

type Near = (
    Arc<catalog::Service>,
    orders::Opened,
    Arc<payments::Service>,
);

/// Starts relays, sweepers and consumers, as far as they are not left out on purpose.
fn begin(ground: &Ground<'_>, seed: u64, near: Near, services: &Services) {
    let (near_catalog, opened, near_payments) = near;
    let (tampering, tasks) = (&ground.plan.tampering, &services.tasks);
    let lots = Random::new(seed, 1);
    let bus = SimBus::new(lots, ground.manners.clone(), Arc::clone(&ground.deliveries));
    let bus: Arc<dyn Bus> = Arc::new(bus);
    bus.subscribe(catalog::consumer(near_catalog));
    bus.subscribe(payments::consumer(near_payments.clone()));
    if !tampering.never_started.contains(&"returns") {
        bus.subscribe(payments::returns_consumer(near_payments.clone()));
    }
    for consumer in tampering.consumers.iter().flat_map(|make| make(services)) {
        bus.subscribe(consumer);
    }
    if !tampering.never_started.contains(&"orders") {
        opened.start(tasks, &bus);
    }
    if !tampering.never_started.contains(&"payments") {
        payments::start(near_payments, tasks);
    }
}

/// Answers what comes in by the real routes in the real stack.
fn serve(ground: &Ground<'_>, services: &Services, config: &orders::Config) {
    let routes = orders::routes(
        services.orders.clone(),
        services.payments.clone(),
        config,
        None,
    )
    .merge(orders::routes_beside(Arc::clone(&services.near_orders)))
    .merge(payments::routes(Arc::clone(&services.near_payments)))
    .merge(catalog::routes(
        services.catalog.clone(),
        Arc::clone(&services.near_catalog),
    ));
    let options = stack::Options {
        timeout_ms: 10_000,
        in_flight_max: 512,
        late_ms_max: 0,
        body_bytes_max: 65_536,
    };
    let router = stack::wrap(routes, &options, "http://souk.test", services.clock.clone());
    let (inbox, mut waiting) = mpsc::channel::<Parcel>(INBOX_MAX);
    ground.net.lead_to(inbox);
    let workers = services.tasks.clone();
    services.tasks.start("door", move |_| async move {
        while let Some(parcel) = waiting.recv().await {
            drop(workers.finish(answer(router.clone(), parcel)));
        }
        Ok(())
    });
}

async fn answer(router: Router, parcel: Parcel) {
    tokio::time::sleep(parcel.delay).await;
    let Ok(response) = router.oneshot(parcel.request).await;
    let (head, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        return;
    };
    let body: Bytes = body.to_bytes();
    // Whoever gave up waiting has no use for it.
    drop(parcel.answer.send(Response::from_parts(head, body)));
}
