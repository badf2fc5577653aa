//! `souk replay`: a real shop's orders, through the public API as fast as it takes them, then every total that
//! can be known. A client like any other: it has no other way into the shop.

mod report;
mod stock;
mod trace;

use crate::{
    args::ReplayArgs,
    commands::{
        api::{Api, Call, text},
        lines, password, verify,
    },
    config::{Config, Flags, HttpFlags},
    console::say,
    shop::Shop,
};
use contracts::{BoxError, values::Email};
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use report::{Placed, Report};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc, time::Duration};
use trace::{CatalogLine, OrderLine, TraceOrder};

/// What every customer of the trace signs in with, in the shop that is loaded.
const PASSWORD: &str = "a customer of the trace";

pub(super) async fn run(args: ReplayArgs) -> Result<(), BoxError> {
    let orders: Vec<TraceOrder> = lines::read_all(&args.orders)?;
    let catalog: Vec<CatalogLine> = lines::read_all(&args.catalog)?;
    match &args.url {
        Some(url) => {
            let email = args
                .admin_email
                .as_deref()
                .ok_or("--url needs --admin-email")?;
            let password = password::read("Password: ")?;
            let api = Api::new(url)?;
            let admin = sign_in(&api, email, &password).await?;
            let report = replay(&api, &admin, &orders, &catalog, args.clients).await?;
            report.say_and_judge()
        }
        None => replay_into_own_shop(&args, &orders, &catalog).await,
    }
}

async fn sign_in(api: &Api, email: &str, password: &SecretString) -> Result<String, BoxError> {
    let account = json!({"email": email, "password": password.expose_secret()});
    let answer = api
        .send(&Call::post("/api/v1/auth/login", &account))
        .await?;
    text(&answer.expect_status(200)?, "access_token")
}

/// A shop opened for this, without limits and without the demo catalog; verified before it closes.
async fn replay_into_own_shop(
    args: &ReplayArgs,
    orders: &[TraceOrder],
    catalog: &[CatalogLine],
) -> Result<(), BoxError> {
    let shop = own_shop(args.data.as_deref()).await?;
    say(format!(
        "replaying into a shop of its own, {}",
        shop.public_url
    ));
    let password = SecretString::from(platform::digest::base64url(
        &platform::digest::random::<18>()?,
    ));
    let email = Email::parse("replay-admin@souk.example")?;
    shop.services
        .identity
        .create_admin(email.clone(), password.clone())
        .await?;
    let api = Api::new(&shop.public_url)?;
    let admin = sign_in(&api, email.as_str(), &password).await?;
    let report = replay(&api, &admin, orders, catalog, args.clients).await?;
    let started = tokio::time::Instant::now();
    let books = verify::check(&shop.services).await?;
    let outcome = report.say_and_judge();
    books.violations.iter().for_each(say);
    say(verify::summary(&books, started.elapsed()));
    shop.close().await;
    outcome?;
    if books.violations.is_empty() {
        Ok(())
    } else {
        Err("the books do not balance".into())
    }
}

/// A shop within this process, on a free port of the loopback address.
pub(super) async fn own_shop(data: Option<&std::path::Path>) -> Result<Shop, BoxError> {
    let flags = Flags {
        db: data.map(|folder| format!("sqlite:{}", folder.display())),
        http: HttpFlags {
            listen: Some(([127, 0, 0, 1], 0).into()),
        },
        ..Flags::default()
    };
    // With the environment, so that everybody can measure settings of their own.
    let mut config = Config::load(None, true, &flags)?;
    config.shop.demo = false;
    config.limits.enabled = false;
    config.http.public_url = String::new();
    config.http.ops_listen = String::new();
    Shop::open(config, data.is_none()).await
}

async fn replay(
    api: &Api,
    admin: &str,
    orders: &[TraceOrder],
    catalog: &[CatalogLine],
    clients: usize,
) -> Result<Report, BoxError> {
    let shelves = stock::Shelves::fill(api, admin, orders, catalog).await?;
    let bar = ProgressBar::new(u64::try_from(orders.len())?);
    bar.set_style(ProgressStyle::with_template(
        "{bar:40} {pos}/{len} orders {per_sec} {elapsed} (eta {eta})",
    )?);
    let run = Arc::new(Run {
        api: api.clone(),
        shelves,
        bar,
    });
    let tokens = run.sign_customers_in(orders, clients).await?;
    let started = tokio::time::Instant::now();
    // In the trace's order for each customer; customers beside each other.
    let journeys = trace::by_customer(orders)
        .into_iter()
        .map(|(customer, own)| {
            let (run, token) = (Arc::clone(&run), tokens.get(customer).cloned());
            async move {
                let mut placed = Vec::with_capacity(own.len());
                for order in own {
                    placed.push(run.place(order, token.as_deref()).await?);
                }
                Ok::<_, BoxError>(placed)
            }
        });
    let placed: Vec<Vec<Placed>> = stream::iter(journeys)
        .buffer_unordered(clients.max(1))
        .try_collect()
        .await?;
    let elapsed = started.elapsed();
    run.bar.finish_and_clear();
    let left = run.shelves.count_left(api, admin).await?;
    Ok(Report::new(
        orders,
        placed.into_iter().flatten().collect(),
        left,
        elapsed,
    ))
}

/// What every customer's journey needs.
struct Run {
    api: Api,
    shelves: stock::Shelves,
    bar: ProgressBar,
}

impl Run {
    async fn sign_customers_in(
        &self,
        orders: &[TraceOrder],
        clients: usize,
    ) -> Result<HashMap<String, String>, BoxError> {
        let mut customers: Vec<&str> = orders
            .iter()
            .filter_map(|order| order.customer_ref.as_deref())
            .collect();
        customers.sort_unstable();
        customers.dedup();
        let signing = customers.into_iter().map(|customer| async move {
            let email = format!("customer-{customer}@trace.example");
            Ok::<_, BoxError>((customer.to_owned(), self.api.enter(&email, PASSWORD).await?))
        });
        // Passwords are hashed one at a time; a longer queue would only be refused.
        stream::iter(signing)
            .buffer_unordered(clients.clamp(1, 16))
            .try_collect()
            .await
    }

    async fn place(&self, order: &TraceOrder, token: Option<&str>) -> Result<Placed, BoxError> {
        let (items, total) = self.shelves.items(order)?;
        let mut wish = json!({"items": items, "total": total, "payment": {"method": "tok_ok"}});
        if token.is_none()
            && let Some(members) = wish.as_object_mut()
        {
            members.insert(
                "email".to_owned(),
                json!(format!("guest-{}@trace.example", order.order_ref)),
            );
        }
        let key = format!("trace-{}", order.order_ref);
        let mut call = Call::post("/api/v1/orders", &wish).key(&key);
        call.token = token;
        let started = tokio::time::Instant::now();
        let answer = self.api.send(&call).await?;
        let took = started.elapsed();
        let body = answer
            .expect_status(201)
            .map_err(|error| format!("order {}: {error}", order.order_ref))?;
        self.bar.inc(1);
        Placed::read(&body, took)
    }
}

/// The sum of some lines at their own prices, in minor units.
fn at_line_prices(lines: &[OrderLine]) -> i64 {
    lines.iter().fold(0, |sum, line| {
        sum.saturating_add(i64::from(line.qty).saturating_mul(line.unit_price_minor))
    })
}

/// A number in an answer.
fn number(body: &Value, pointer: &str) -> Result<i64, BoxError> {
    body.pointer(pointer)
        .and_then(Value::as_i64)
        .ok_or_else(|| format!("an answer lacks {pointer}").into())
}

/// The point below which this share (in hundredths) of the times lies; they must be sorted.
pub(super) fn percentile(sorted: &[Duration], hundredths: usize) -> Duration {
    let index = sorted
        .len()
        .saturating_mul(hundredths)
        .div_ceil(100)
        .saturating_sub(1);
    sorted.get(index).copied().unwrap_or_default()
}
