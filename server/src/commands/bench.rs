//! `souk bench orders`: durable orders a second over HTTP, load and shop on the same machine, with the books
//! checked afterwards. Beside it, in the same run, what one write after the other to the same disk reaches.

use crate::{
    audit,
    commands::{
        api::{Api, Call, text},
        replay::{own_shop, percentile},
        verify,
    },
    console::say,
};
use contracts::BoxError;
use serde_json::{Value, json};
use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// What to measure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) orders: u32,
    pub(super) clients: u32,
    pub(super) products: u32,
}

/// Writes of the bare loop.
const BARE_WRITES: u32 = 300;

pub(super) async fn orders(plan: Plan) -> Result<(), BoxError> {
    let shop = own_shop(None).await?;
    let folder = shop.data_folder().to_owned();
    let bare = tokio::task::spawn_blocking(move || bare_writes_per_second(&folder)).await??;
    let api = Api::new(&shop.public_url)?;
    let (admin, products) = prepare(&api, &shop.services.identity, plan).await?;
    let started = Instant::now();
    let mut times = place(&api, &admin, Arc::new(products), plan).await?;
    let elapsed = started.elapsed();
    times.sort_unstable();
    let books = audit::check(&shop.services.books(), true).await?;
    let per_second = u64::from(plan.orders)
        .saturating_mul(1_000)
        .checked_div(millis(elapsed))
        .unwrap_or(0);
    say(format!(
        "{} orders of one line, {} clients, {} products: {per_second} durable orders a second, p50 {:.2?}, p99 {:.2?}",
        plan.orders,
        plan.clients,
        plan.products,
        percentile(&times, 50),
        percentile(&times, 99)
    ));
    let tenths = per_second
        .saturating_mul(10)
        .checked_div(bare.max(1))
        .unwrap_or(0);
    say(format!(
        "bare loop, 4 KiB written and synced one after the other: {bare} a second; orders per such write: {}.{}",
        tenths / 10,
        tenths % 10
    ));
    let balanced = verify::judge(&books);
    shop.close().await;
    balanced?;
    if books.counts.orders == u64::from(plan.orders) {
        Ok(())
    } else {
        Err("not all orders are there".into())
    }
}

fn millis(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_millis())
        .unwrap_or(u64::MAX)
        .max(1)
}

async fn prepare(
    api: &Api,
    identity: &identity::Service,
    plan: Plan,
) -> Result<(String, Vec<String>), BoxError> {
    let password = platform::digest::base64url(&platform::digest::random::<18>()?);
    let email = contracts::values::Email::parse("bench@souk.example")?;
    identity
        .create_admin(email, password.clone().into())
        .await?;
    let admin = api.enter("bench@souk.example", &password).await?;
    let mut ids = Vec::new();
    let numbers: Vec<u32> = (0..plan.products.max(1)).collect();
    for batch in numbers.chunks(100) {
        let products: Vec<Value> = batch
            .iter()
            .map(|number| json!({"name": format!("Thing {number}"), "price": "9.99", "stock": plan.orders}))
            .collect();
        let body = json!({"products": products});
        let answer = api
            .send(&Call::post("/api/v1/products/batch", &body).by(&admin))
            .await?
            .expect_status(200)?;
        for result in answer
            .get("results")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            ids.push(text(result.get("product").unwrap_or(&Value::Null), "id")?);
        }
    }
    Ok((admin, ids))
}

async fn place(
    api: &Api,
    token: &str,
    products: Arc<Vec<String>>,
    plan: Plan,
) -> Result<Vec<Duration>, BoxError> {
    let next = Arc::new(AtomicU32::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..plan.clients.max(1) {
        let (api, token, products, next) = (
            api.clone(),
            token.to_owned(),
            Arc::clone(&products),
            Arc::clone(&next),
        );
        clients.spawn(async move {
            let mut times = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= plan.orders {
                    return Ok::<_, BoxError>(times);
                }
                let index = usize::try_from(number)?
                    .checked_rem(products.len())
                    .unwrap_or(0);
                let product = products.get(index).ok_or("no product was made")?;
                let wish = json!({"items": [{"product_id": product, "quantity": 1}]});
                let key = format!("bench-{number}");
                let started = Instant::now();
                api.send(&Call::post("/api/v1/orders", &wish).by(&token).key(&key))
                    .await?
                    .expect_status(201)?;
                times.push(started.elapsed());
            }
        });
    }
    let mut times = Vec::new();
    while let Some(client) = clients.join_next().await {
        times.extend(client??);
    }
    Ok(times)
}

/// Appends 4 KiB to a file and waits for the disk, one after the other.
fn bare_writes_per_second(folder: &Path) -> Result<u64, BoxError> {
    let path = folder.join("bare-loop");
    let mut file = File::create(&path)?;
    let started = Instant::now();
    for _ in 0..BARE_WRITES {
        file.write_all(&[7; 4_096])?;
        file.sync_data()?;
    }
    let elapsed = millis(started.elapsed());
    std::fs::remove_file(&path)?;
    Ok(u64::from(BARE_WRITES)
        .saturating_mul(1_000)
        .checked_div(elapsed)
        .unwrap_or(0))
}
