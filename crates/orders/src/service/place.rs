//! Placing an order: the one way to make one, whoever asks. Stock first, then the order, each in one commit
//! and each idempotent by an id that is known before either; so a crash anywhere leaves something that the
//! same key finishes, or that the sweeper gives back.

use super::Service;
use crate::{
    Parts,
    domain::{order::NewOrder, wish},
    metrics::METRICS,
    store::{PlaceRefusal, Placed, Store},
};
use contracts::{
    catalog::{Catalog, Reserve, ReserveError, Reserved},
    orders::{Buyer, OrderView, PlaceOrder, PlaceOrderError},
    request::{Answered, IdempotencyKey},
    values::{Email, Money, OrderId, Timestamp, UserId},
};
use platform::{
    batch::{Batcher, Limits, SubmitError},
    db::Place,
    digest, fault, metrics,
};
use std::sync::Arc;
use tokio::time::Instant;

/// A wish that waits for its batch.
#[derive(Debug)]
pub(super) struct PlaceWish {
    reserve: Reserve,
    customer_id: Option<UserId>,
    guest_email: Option<Email>,
    created_at: Timestamp,
    payment_due_at: Timestamp,
}

type PlaceAnswer = Result<Placed, PlaceOrderError>;

pub(super) type PlaceBatcher = Batcher<PlaceWish, PlaceAnswer>;

/// What batches are worked off with.
#[derive(Clone)]
pub(super) struct PlaceWorker {
    pub(super) store: Arc<dyn Store>,
    pub(super) catalog: Arc<dyn Catalog>,
}

pub(super) fn start(parts: &Parts, worker: PlaceWorker) -> PlaceBatcher {
    let Parts {
        place,
        config,
        tasks,
        ..
    } = parts;
    let size = |setting: u32| usize::try_from(setting).unwrap_or(usize::MAX);
    let limits = Limits {
        queue_max: size(config.place_queue_max),
        batch_max: size(config.place_batch_max),
        weight_max: size(config.place_batch_lines_max),
        in_flight_max: match (config.place_batches_in_flight_max, place) {
            (0, Place::Sqlite(..)) => 2,
            // Two made smaller batches, and shared the processors for no more orders (ADR 36).
            (0, Place::Postgres(_)) => 1,
            (set, _) => size(set),
        },
    };
    Batcher::start(tasks, "place-orders", limits, move |wishes| {
        let worker = worker.clone();
        Box::pin(async move {
            let began = Instant::now();
            METRICS.batch_size.observe(metrics::count(wishes.len()));
            let answers = worker.place_all(wishes).await;
            let seconds = began.elapsed().as_secs_f64();
            METRICS.commit_seconds.observe(seconds);
            answers
        })
    })
}

impl Service {
    pub(super) async fn place_order(
        &self,
        who: Buyer,
        key: IdempotencyKey,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        let placed = self.place_one(who, key, wish).await;
        METRICS.count(placed.as_ref().map(|answered| answered.replayed));
        placed
    }

    async fn place_one(
        &self,
        who: Buyer,
        key: IdempotencyKey,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        let lines = wish::lines(&who, &wish, self.config.lines_max)?;
        let (customer_id, guest_email) = match &who {
            Buyer::User(principal) => (Some(principal.user_id), None),
            Buyer::Guest => (None, wish.email.clone()),
        };
        let scope = scope(customer_id, guest_email.as_ref());
        let order_id = OrderId::from_bytes(digest::derived_id(&scope, key.as_str()));
        let created_at = self.clock.now();
        let payment_due_at = created_at.plus_seconds(i64::from(self.config.payment_window_seconds));
        let weight = lines.len();
        let reserve = Reserve {
            order_id,
            fingerprint: digest::fingerprint(&scope, &wish).map_err(PlaceOrderError::Internal)?,
            lines,
            expected_total: wish.total,
            hold_until: payment_due_at,
        };
        let waiting = PlaceWish {
            reserve,
            customer_id,
            guest_email,
            created_at,
            payment_due_at,
        };
        fault::point("place.queued");
        let placed =
            self.placing
                .submit(waiting, weight)
                .await
                .map_err(|error| match error {
                    SubmitError::Full | SubmitError::Late => PlaceOrderError::Overloaded,
                    SubmitError::Lost => PlaceOrderError::Internal(Box::new(error)),
                })??;
        fault::point("place.answered");
        let mut view = placed.view;
        if customer_id.is_none() {
            view.order_token = Some(self.order_token(order_id));
        }
        Ok(Answered {
            value: view,
            replayed: placed.replayed,
        })
    }

    /// The token that opens a guest's order.
    pub(super) fn order_token(&self, id: OrderId) -> String {
        digest::base64url(&digest::hmac_sha256(
            &self.token_secret,
            &[b"order", id.as_bytes()],
        ))
    }
}

/// Whose keys these are: a key means nothing to anybody else.
fn scope(customer_id: Option<UserId>, guest_email: Option<&Email>) -> String {
    match (customer_id, guest_email) {
        (Some(id), _) => format!("order {id}"),
        (None, Some(email)) => format!("order guest {}", email.key()),
        (None, None) => "order guest".to_owned(),
    }
}

impl PlaceWorker {
    /// Two commits for the whole batch: one holds the stock, one writes the orders.
    async fn place_all(&self, wishes: Vec<PlaceWish>) -> Vec<PlaceAnswer> {
        let reserves = wishes.iter().map(|wish| wish.reserve.clone()).collect();
        fault::point("place.batched");
        let reserved = self.catalog.reserve_all(reserves).await;
        fault::point("place.reserved");
        let mut answers: Vec<Option<PlaceAnswer>> = Vec::with_capacity(wishes.len());
        let mut orders = Vec::new();
        for (wish, reserved) in wishes.into_iter().zip(reserved) {
            match self.decide(wish, reserved).await {
                Ok(order) => {
                    orders.push(order);
                    answers.push(None);
                }
                Err(answer) => answers.push(Some(answer)),
            }
        }
        let mut written = self.write(orders).await.into_iter();
        let lost = || Err(PlaceOrderError::Internal("an answer is missing".into()));
        answers
            .into_iter()
            .map(|answer| answer.or_else(|| written.next()).unwrap_or_else(lost))
            .collect()
    }

    /// An order to write, or the answer already.
    async fn decide(
        &self,
        wish: PlaceWish,
        reserved: Result<Reserved, ReserveError>,
    ) -> Result<NewOrder, PlaceAnswer> {
        match reserved {
            Ok(reserved) => new_order(wish, reserved).map_err(Err),
            Err(ReserveError::FingerprintDiffers) => Err(Err(PlaceOrderError::KeyReused)),
            Err(ReserveError::Overloaded) => Err(Err(PlaceOrderError::Overloaded)),
            // The order was written earlier, and has come further since; or it was given up.
            Err(ReserveError::Resolved(_)) => {
                let known = self
                    .store
                    .placed(wish.reserve.order_id, wish.reserve.fingerprint)
                    .await;
                Err(known
                    .map_err(|error| PlaceOrderError::Internal(Box::new(error)))
                    .and_then(refusal_as_error))
            }
            Err(error) => Err(Err(PlaceOrderError::Stock(error))),
        }
    }

    async fn write(&self, orders: Vec<NewOrder>) -> Vec<PlaceAnswer> {
        if orders.is_empty() {
            return Vec::new();
        }
        let count = orders.len();
        match self.store.place_all(orders).await {
            Ok(placed) => {
                fault::point("place.ordered");
                placed.into_iter().map(refusal_as_error).collect()
            }
            Err(error) => {
                tracing::error!(error = ?error, "a batch of orders could not be written");
                (0..count)
                    .map(|_| Err(PlaceOrderError::Internal(error.share())))
                    .collect()
            }
        }
    }
}

fn refusal_as_error(placed: Result<Placed, PlaceRefusal>) -> PlaceAnswer {
    placed.map_err(|refusal| match refusal {
        PlaceRefusal::GivenUp => PlaceOrderError::GivenUp,
        PlaceRefusal::FingerprintDiffers => PlaceOrderError::KeyReused,
    })
}

/// The total is the sum of what each line was priced at in the transaction that reserved it.
fn new_order(wish: PlaceWish, reserved: Reserved) -> Result<NewOrder, PlaceOrderError> {
    let unpriced = || PlaceOrderError::Internal("the reservation's prices do not add up".into());
    let mut total: Option<Money> = None;
    for line in &reserved.lines {
        let sum = line
            .unit_price
            .times(line.quantity)
            .map_err(|_| unpriced())?;
        total = Some(match total {
            None => sum,
            Some(before) => before.plus(sum).map_err(|_| unpriced())?,
        });
    }
    Ok(NewOrder {
        id: wish.reserve.order_id,
        customer_id: wish.customer_id,
        guest_email: wish.guest_email,
        fingerprint: wish.reserve.fingerprint,
        lines: reserved.lines,
        total: total.ok_or_else(unpriced)?,
        payment_due_at: wish.payment_due_at,
        created_at: wish.created_at,
    })
}
