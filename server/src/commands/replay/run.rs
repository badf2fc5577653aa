//! The run itself: customers beside each other, each in the trace's order; what is brought back is given back by the
//! admin, after its order was paid.

use super::{
    account::Account,
    report::{GivenBack, Placed},
    stock::Shelves,
    trace::{OrderLine, Return, Step, Trace, TraceOrder},
};
use crate::commands::api::{Api, Call};
use contracts::BoxError;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{task::JoinSet, time::Instant};

/// What every customer of the trace signs in with, in the shop that is loaded.
const PASSWORD: &str = "a customer of the trace";
/// Accounts that are opened at a time: their passwords are hashed one after the other, and a longer queue would only
/// be refused.
const ENTERING_MAX: usize = 16;
/// How often a payment or refund that is not decided yet is asked for, a second apart.
const ASKS_MAX: usize = 60;

/// What every customer's journey needs.
pub(super) struct Run {
    pub(super) api: Api,
    pub(super) admin: Account,
    pub(super) trace: Trace,
    pub(super) shelves: Shelves,
    customers: HashMap<String, Account>,
    journeys: Vec<Vec<Step>>,
    next: AtomicUsize,
    bar: ProgressBar,
}

/// What was done.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) placed: Vec<Placed>,
    pub(super) given_back: Vec<GivenBack>,
}

#[derive(Serialize)]
struct Wish<'a> {
    items: Vec<Item<'a>>,
    total: Amount<'a>,
    payment: Payment,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

#[derive(Serialize)]
struct Item<'a> {
    product_id: &'a str,
    quantity: u32,
}

#[derive(Serialize)]
struct Amount<'a> {
    amount: i64,
    currency: &'a str,
}

#[derive(Serialize)]
struct Payment {
    method: &'static str,
}

#[derive(Serialize)]
struct RefundWish<'a> {
    items: Vec<Returned<'a>>,
    reason: &'a str,
}

#[derive(Serialize)]
struct Returned<'a> {
    variant_id: &'a str,
    quantity: i64,
}

/// An order as the shop answers it, as far as we look.
#[derive(Deserialize)]
pub(super) struct OrderAnswer {
    pub(super) id: String,
    pub(super) status: String,
    pub(super) total: AmountAnswer,
    pub(super) items: Vec<ItemAnswer>,
}

#[derive(Deserialize)]
pub(super) struct AmountAnswer {
    pub(super) amount: i64,
}

#[derive(Deserialize)]
pub(super) struct ItemAnswer {
    pub(super) quantity: i64,
}

/// A refund as the shop answers it, as far as we look.
#[derive(Deserialize)]
pub(super) struct RefundAnswer {
    pub(super) status: String,
    pub(super) amount: AmountAnswer,
    pub(super) items: Vec<ItemAnswer>,
}

impl Run {
    /// Fills the shelves and signs everybody in.
    pub(super) async fn prepare(api: Api, admin: Account, trace: Trace) -> Result<Self, BoxError> {
        let shelves = Shelves::fill(&api, &admin, &trace).await?;
        let customers = sign_customers_in(&api, &trace.orders).await?;
        let journeys = trace.journeys();
        let steps = trace.orders.len().saturating_add(trace.returns.len());
        let template = "{bar:40} {pos}/{len} orders and returns {per_sec} {elapsed} (eta {eta})";
        Ok(Self {
            api,
            admin,
            trace,
            shelves,
            customers,
            journeys,
            next: AtomicUsize::new(0),
            bar: bar(steps, template)?,
        })
    }

    /// Everybody's journey, so many at a time.
    pub(super) async fn go(self: &Arc<Self>, clients: usize) -> Result<Done, BoxError> {
        let mut walking = JoinSet::new();
        for _ in 0..clients.max(1) {
            walking.spawn(Arc::clone(self).walk());
        }
        let mut all = Done::default();
        // The first who cannot go on ends it for all.
        while let Some(done) = walking.join_next().await {
            let done = done??;
            all.placed.extend(done.placed);
            all.given_back.extend(done.given_back);
        }
        self.bar.finish_and_clear();
        Ok(all)
    }

    async fn walk(self: Arc<Self>) -> Result<Done, BoxError> {
        let mut done = Done::default();
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(journey) = self.journeys.get(number) else {
                return Ok(done);
            };
            let mut ids: HashMap<usize, String> = HashMap::new();
            for step in journey {
                match step {
                    Step::Place(place) => {
                        let order = self.trace.orders.get(*place).ok_or("an order is gone")?;
                        let (id, placed) = self.place(order).await?;
                        ids.insert(*place, id);
                        done.placed.push(placed);
                    }
                    Step::GiveBack(place) => {
                        let back = self.trace.returns.get(*place).ok_or("a return is gone")?;
                        let id = ids
                            .get(&back.order)
                            .ok_or("a return comes before its order")?;
                        done.given_back.push(self.give_back(back, id).await?);
                    }
                }
                self.bar.inc(1);
            }
        }
    }

    async fn place(&self, order: &TraceOrder) -> Result<(String, Placed), BoxError> {
        let customer = order
            .customer_ref
            .as_ref()
            .and_then(|customer| self.customers.get(customer));
        let guest = || format!("guest-{}@trace.example", order.order_ref);
        let mut items = Vec::with_capacity(order.lines.len());
        for line in &order.lines {
            items.push(Item {
                product_id: &self.shelves.product(line.product)?.product_id,
                quantity: line.quantity,
            });
        }
        let wish = Wish {
            items,
            total: Amount {
                amount: self.trace.at_catalog_prices(&order.lines),
                currency: &order.currency,
            },
            payment: Payment { method: "tok_ok" },
            email: customer.is_none().then(guest),
        };
        let body = serde_json::to_vec(&wish)?;
        let key = format!("trace-{}", order.order_ref);
        let call = Call::post_bytes("/api/v1/orders", &body).key(&key);
        let started = Instant::now();
        let answer: Result<OrderAnswer, BoxError> = match customer {
            Some(customer) => customer.ask(&self.api, call, &[201, 202]).await,
            None => {
                let answer = self.api.ask(&call, &[201, 202]).await?;
                answer.map_err(|refused| refused.refusal(&[201]))
            }
        };
        let named = |error| format!("order {}: {error}", order.order_ref);
        let mut answer = answer.map_err(named)?;
        let took = started.elapsed();
        if answer.status == "pending" {
            answer.status = self.decided(&answer.id).await?;
        }
        Ok((answer.id.clone(), Placed::new(&answer, took)))
    }

    /// The status of an order whose payment was not decided at once.
    async fn decided(&self, id: &str) -> Result<String, BoxError> {
        let path = format!("/api/v1/orders/{id}");
        for _ in 0..ASKS_MAX {
            let call = Call::get(&path);
            let order: OrderAnswer = self.admin.ask(&self.api, call, &[200]).await?;
            if order.status != "pending" {
                return Ok(order.status);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Ok("pending".to_owned())
    }

    async fn give_back(&self, back: &Return, id: &str) -> Result<GivenBack, BoxError> {
        let mut items = Vec::new();
        for (product, quantity) in summed(&back.lines) {
            let variant_id = &self.shelves.product(product)?.variant_id;
            items.push(Returned {
                variant_id,
                quantity,
            });
        }
        let wish = RefundWish {
            items,
            reason: &back.cancel_ref,
        };
        let order_ref = self
            .trace
            .orders
            .get(back.order)
            .map_or("", |order| &order.order_ref);
        let key = format!("return-{}-{order_ref}", back.cancel_ref);
        let (path, body) = (
            format!("/api/v1/orders/{id}/refund"),
            serde_json::to_vec(&wish)?,
        );
        let named = |error| format!("return {} of order {order_ref}: {error}", back.cancel_ref);
        let started = Instant::now();
        let mut took = None;
        // A refund that is not confirmed yet is asked for again, under its key.
        for _ in 0..ASKS_MAX {
            let call = Call::post_bytes(&path, &body).key(&key);
            let answer = self.admin.ask(&self.api, call, &[201, 202]).await;
            let answer: RefundAnswer = answer.map_err(named)?;
            let took = *took.get_or_insert_with(|| started.elapsed());
            if answer.status == "succeeded" {
                return Ok(GivenBack::new(&answer, back, took));
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        Err(named("the provider did not confirm it in time".into()).into())
    }
}

/// Units of each product: a return may name one twice.
fn summed(lines: &[OrderLine]) -> BTreeMap<usize, i64> {
    let mut units: BTreeMap<usize, i64> = BTreeMap::new();
    for line in lines {
        let sum = units.entry(line.product).or_default();
        *sum = sum.saturating_add(i64::from(line.quantity));
    }
    units
}

async fn sign_customers_in(
    api: &Api,
    orders: &[TraceOrder],
) -> Result<HashMap<String, Account>, BoxError> {
    let mut customers: Vec<&String> = orders
        .iter()
        .filter_map(|order| order.customer_ref.as_ref())
        .collect();
    customers.sort_unstable();
    customers.dedup();
    let bar = bar(
        customers.len(),
        "{bar:40} {pos}/{len} customers come in {elapsed} (eta {eta})",
    )?;
    let signing = customers.into_iter().map(|customer| {
        let bar = &bar;
        async move {
            let email = format!("customer-{customer}@trace.example");
            let account = Account::enter(api, email, PASSWORD).await?;
            bar.inc(1);
            Ok::<_, BoxError>((customer.clone(), account))
        }
    });
    let accounts = stream::iter(signing)
        .buffer_unordered(ENTERING_MAX)
        .try_collect()
        .await?;
    bar.finish_and_clear();
    Ok(accounts)
}

fn bar(length: usize, template: &str) -> Result<ProgressBar, BoxError> {
    let bar = ProgressBar::new(u64::try_from(length)?);
    bar.set_style(ProgressStyle::with_template(template)?);
    Ok(bar)
}
