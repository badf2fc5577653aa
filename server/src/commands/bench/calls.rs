//! `souk bench calls`: what it costs to ask a service on another node instead of in this process. The same calls go
//! both ways in turn, one at a time: to the service itself, and to it over a socket of the loopback address, signed,
//! through a pool, as between nodes. Both ends are this process.

use crate::{
    args::CallsArgs,
    commands::replay::{own_config, percentile},
    config::Config,
    console::say,
    peers::Ways,
    shop::Shop,
    target::Target,
};
use contracts::{
    BoxError,
    access::SHOP,
    catalog::{Catalog, ImportProduct, ItemRef, Reserve, ReserveLine},
    payments::Payments,
    values::{Money, OrderId, ProductId, Quantity, VariantId},
};
use platform::{clock::Clock, digest, tasks::Tasks};
use secrecy::SecretString;
use std::time::Duration;
use tokio::time::Instant;

/// Calls each way that are not counted: connections are made, caches filled.
const WARM_UP: u32 = 200;

/// The two ways to the same services.
struct Ends<'s> {
    near: &'s Shop,
    catalog: catalog::Client,
    payments: payments::Client,
    product: ProductId,
}

pub(in crate::commands) async fn calls(plan: CallsArgs) -> Result<(), BoxError> {
    let config = listening(own_config(None)?)?;
    let shop = Shop::open(config.clone(), true).await?;
    let (ways, tasks) = ways_to(&shop, config)?;
    let ends = Ends {
        near: &shop,
        catalog: catalog::Client::new(ways.peer(Target::Catalog)?),
        payments: payments::Client::new(ways.peer(Target::Payments)?),
        product: product(&shop).await?,
    };
    let outcome = ends.run(plan.calls).await;
    tasks.stop();
    shop.close().await;
    outcome
}

/// The shop answers other nodes, too.
fn listening(mut config: Config) -> Result<Config, BoxError> {
    let secret = digest::base64url(&digest::random::<32>()?);
    config.internal.secret = SecretString::from(secret).into();
    config.http.internal_listen = "127.0.0.1:0".to_owned();
    Ok(config)
}

/// The ways of a node that has no service of its own.
fn ways_to(shop: &Shop, mut config: Config) -> Result<(Ways, Tasks), BoxError> {
    let address = shop
        .internal_address
        .ok_or("the shop answers no other node")?;
    let there = vec![address.to_string().parse()?];
    config.target = "gateway,storefront".parse()?;
    (config.peers.catalog, config.peers.payments) = (there.clone(), there);
    let tasks = Tasks::default();
    let ways = Ways::open(&config, &Clock::System, &tasks)?;
    Ok((ways, tasks))
}

/// Something to reserve, more than anybody does here.
async fn product(shop: &Shop) -> Result<ProductId, BoxError> {
    let thing = ImportProduct {
        publish_at: None,
        unpublish_at: None,
        related: None,
        slug: None,
        prices: Vec::new(),
        sku: "THING".to_owned(),
        name: "Thing".to_owned(),
        description: String::new(),
        category_path: Vec::new(),
        price: Money::new(999, "USD".parse()?),
        status: None,
        stock: 1_000_000,
        image_url: None,
        attributes: serde_json::Map::new(),
        options: Vec::new(),
        variants: Vec::new(),
    };
    let catalog = &shop.services.catalog;
    catalog.import_products(SHOP, vec![thing], true).await?;
    let stock: Vec<_> = catalog.audit_products(None::<VariantId>, 1).await?;
    let first = stock.first().ok_or("there is no product")?;
    Ok(first.product_id)
}

impl Ends<'_> {
    async fn run(&self, calls: u32) -> Result<(), BoxError> {
        let mut accepts = (Vec::new(), Vec::new());
        let mut reserves = (Vec::new(), Vec::new());
        for number in 0..calls.saturating_add(WARM_UP) {
            let (near, far) = (&self.near.services.payments, &self.payments);
            let asked = (
                timed(accepts_of(near.as_ref())).await?,
                timed(accepts_of(far)).await?,
            );
            let (near, far) = (&self.near.services.catalog, &self.catalog);
            let reserved = (
                timed(self.reserve(near.as_ref())).await?,
                timed(self.reserve(far)).await?,
            );
            if number >= WARM_UP {
                accepts.0.push(asked.0);
                accepts.1.push(asked.1);
                reserves.0.push(reserved.0);
                reserves.1.push(reserved.1);
            }
        }
        tell("a call that does nothing (payments.accepts)", accepts);
        tell(
            "one order's stock, with its fsync (catalog.reserve_all)",
            reserves,
        );
        Ok(())
    }

    async fn reserve(&self, catalog: &dyn Catalog) -> Result<(), BoxError> {
        let wish = Reserve {
            order_id: OrderId::generate(),
            fingerprint: [0; 32],
            lines: vec![ReserveLine {
                item: ItemRef::Product(self.product),
                quantity: Quantity::try_from(1)?,
            }],
            expected_total: None,
            currency: None,
            hold_until: Clock::System.now().plus_seconds(900),
        };
        let answers = catalog.reserve_all(vec![wish]).await;
        for answer in answers {
            answer?;
        }
        Ok(())
    }
}

async fn accepts_of(payments: &dyn Payments) -> Result<(), BoxError> {
    payments.accepts("tok_ok").await.map(drop)
}

async fn timed(work: impl Future<Output = Result<(), BoxError>>) -> Result<Duration, BoxError> {
    let began = Instant::now();
    work.await?;
    Ok(began.elapsed())
}

fn tell(name: &str, (mut near, mut far): (Vec<Duration>, Vec<Duration>)) {
    near.sort_unstable();
    far.sort_unstable();
    let at = |times: &[Duration], hundredths| percentile(times, hundredths);
    let added = at(&far, 50).saturating_sub(at(&near, 50));
    say(format!(
        "{name}, {} each way: near p50 {:.1?}, p99 {:.1?}; far p50 {:.1?}, p99 {:.1?}; added at p50 {added:.1?}",
        near.len(),
        at(&near, 50),
        at(&near, 99),
        at(&far, 50),
        at(&far, 99),
    ));
}
