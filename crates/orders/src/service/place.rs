//! Placing an order: the one way to make one, whoever asks. Stock first, then the order, each in one commit
//! and each idempotent by an id that is known before either; so a crash anywhere leaves something that the
//! same key finishes, or that the sweeper gives back.

use super::{
    Service,
    discounts::{Wanted, unpriced},
};
use crate::{
    Parts,
    domain::{
        offers::{self, Offer},
        order::{NewOrder, Otherwise},
        pricing::{Unpriced, Use},
        promotion::{Categories, Goods},
        tax::TaxTerms,
        wish,
    },
    metrics::METRICS,
    store::{PlaceRefusal, Placed, Store},
};
use contracts::{
    access::Actor,
    catalog::{Catalog, ReservationState, Reserve, ReserveError, ReserveLine, Reserved, Resolve},
    orders::{
        Address, Buyer, CartError, DiscountError, DiscountView, OrderView, PlaceOrder,
        PlaceOrderError, ShippingError, ShippingMethodView,
    },
    request::{Answered, IdempotencyKey},
    trace::TraceParent,
    values::{CartId, Currency, Email, Money, MoneyInput, OrderId, Timestamp, UserId, Version},
};
use platform::{
    batch::{Batcher, Limits, SubmitError},
    clock::Clock,
    db::Place,
    digest, fault, metrics,
    trace::{self, Kind},
    trail,
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
    cart: Option<(CartId, Version)>,
    address: Option<Address>,
    terms: Terms,
    /// Of the request that wants it, if that is told of.
    trace: Option<TraceParent>,
    /// The id of the request.
    request: Option<String>,
}

/// What an order costs beside its lines, as it was agreed when it was asked for.
#[derive(Debug, Clone, Default)]
pub(super) struct Terms {
    /// What is given by itself, if it fits and has room.
    pub(super) automatic: Vec<Arc<DiscountView>>,
    /// What is given for a code.
    pub(super) coded: Option<DiscountView>,
    pub(super) customer_key: [u8; 32],
    pub(super) shipping: Option<ShippingMethodView>,
    pub(super) taxes: Option<TaxTerms>,
    /// Of the products, as they were looked at.
    pub(super) categories: Categories,
    /// What the buyer thinks it costs with them.
    pub(super) asserted_total: Option<MoneyInput>,
}

impl Terms {
    /// What goods may cost, the best for the buyer first.
    fn offers(&self, goods: &Goods) -> Result<Vec<Offer>, PlaceOrderError> {
        let beside = (self.shipping.as_ref(), self.taxes.as_ref());
        let coded = self.coded.as_ref();
        offers::offers(goods, &self.automatic, coded, beside).map_err(refused)
    }

    /// What they cost if there is room for what is best.
    pub(super) fn best(&self, goods: &Goods) -> Result<Money, PlaceOrderError> {
        let first = self.offers(goods)?.into_iter().next();
        let first = first.ok_or_else(|| refused(Unpriced::OutOfRange))?;
        Ok(first.priced.total)
    }

    fn choice(&self, offer: Offer) -> Otherwise {
        let given = offer.automatic.as_deref().into_iter().chain(&self.coded);
        Otherwise {
            uses: given.map(|one| Use::of(one, self.customer_key)).collect(),
            parts: offer.priced.parts,
            total: offer.priced.total,
        }
    }

    /// Whether this is not what the buyer thinks.
    pub(super) fn contradicted_by(&self, total: Money) -> bool {
        let asserted = self.asserted_total.as_ref();
        asserted.is_some_and(|one| one.resolve(total.currency) != Ok(total))
    }
}

/// Why an order cannot cost what it should, as buyers hear it.
fn refused(why: Unpriced) -> PlaceOrderError {
    match why {
        Unpriced::OutOfRange => PlaceOrderError::Stock(ReserveError::TotalOutOfRange),
        Unpriced::NotApplicable(_) => PlaceOrderError::Discount(unpriced(why)),
        Unpriced::NotShipped(reason) => {
            PlaceOrderError::Shipping(ShippingError::NotApplicable { reason })
        }
    }
}

/// A wish whose id is known and whose form was checked.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) order_id: OrderId,
    pub(super) fingerprint: [u8; 32],
    pub(super) lines: Vec<ReserveLine>,
    /// What all of it is paid in; the lines' own if nobody said.
    pub(super) currency: Option<Currency>,
    pub(super) expected_total: Option<MoneyInput>,
    pub(super) customer_id: Option<UserId>,
    pub(super) guest_email: Option<Email>,
    /// The cart that becomes the order, as it was read.
    pub(super) cart: Option<(CartId, Version)>,
    pub(super) address: Option<Address>,
    pub(super) terms: Terms,
}

type PlaceAnswer = Result<Placed, PlaceOrderError>;

pub(super) type PlaceBatcher = Batcher<PlaceWish, PlaceAnswer>;

/// What batches are worked off with.
#[derive(Clone)]
pub(super) struct PlaceWorker {
    pub(super) store: Arc<dyn Store>,
    pub(super) catalog: Arc<dyn Catalog>,
    pub(super) clock: Clock,
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
        let address = wish::address(&wish)?;
        let (customer_id, guest_email) = buyer(&who, &wish);
        let scope = scope(customer_id, guest_email.as_ref());
        let order_id = OrderId::from_bytes(digest::derived_id(&scope, key.as_str()));
        let wanted = Wanted {
            code: wish.discount_code.clone(),
            method: wish.shipping_method,
        };
        let asked = Asked {
            order_id,
            fingerprint: digest::fingerprint(&scope, &wish).map_err(PlaceOrderError::Internal)?,
            lines,
            currency: wish.currency,
            expected_total: wish.total,
            customer_id,
            guest_email,
            cart: None,
            address,
            terms: Terms::default(),
        };
        self.place_wanted(asked, &wanted, None).await
    }

    /// The one way of a wish to its order: it waits for its batch here.
    pub(super) async fn place_asked(
        &self,
        asked: Asked,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        let created_at = self.clock.now();
        let payment_due_at = created_at.plus_seconds(i64::from(self.config.payment_window_seconds));
        let weight = asked.lines.len();
        let reserve = Reserve {
            order_id: asked.order_id,
            fingerprint: asked.fingerprint,
            lines: asked.lines,
            expected_total: asked.expected_total,
            currency: asked.currency,
            hold_until: payment_due_at,
        };
        let mut waiting = PlaceWish {
            reserve,
            customer_id: asked.customer_id,
            guest_email: asked.guest_email,
            created_at,
            payment_due_at,
            cart: asked.cart,
            address: asked.address,
            terms: asked.terms,
            trace: None,
            request: trail::request_id(),
        };
        fault::point("place.queued");
        let placing = async {
            // Of the span that it is placed in.
            waiting.trace = trace::told();
            self.placing.submit(waiting, weight).await
        };
        let placed = trace::within(Kind::Internal, || "place an order".into(), placing).await;
        let placed = placed.map_err(|error| match error {
            SubmitError::Full | SubmitError::Late => PlaceOrderError::Overloaded,
            SubmitError::Lost => PlaceOrderError::Internal(Box::new(error)),
        })??;
        fault::point("place.answered");
        Ok(self.answered(placed, asked.customer_id.is_none()))
    }

    /// A guest gets the token that opens the order.
    pub(super) fn answered(&self, placed: Placed, is_guest: bool) -> Answered<OrderView> {
        let mut view = placed.view;
        if is_guest {
            view.order_token = Some(self.order_token(view.id));
        }
        Answered {
            value: view,
            replayed: placed.replayed,
        }
    }

    /// The token that opens a guest's order.
    pub(super) fn order_token(&self, id: OrderId) -> String {
        digest::base64url(&digest::hmac_sha256(
            &self.token_secret,
            &[b"order", id.as_bytes()],
        ))
    }
}

/// Who buys, as it is kept.
pub(super) fn buyer(who: &Buyer, wish: &PlaceOrder) -> (Option<UserId>, Option<Email>) {
    match who {
        Buyer::User(principal) => (Some(principal.user_id), None),
        Buyer::Guest => (None, wish.email.clone()),
    }
}

/// Whose keys these are: a key means nothing to anybody else.
pub(super) fn scope(customer_id: Option<UserId>, guest_email: Option<&Email>) -> String {
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
            Ok(reserved) => {
                let order_id = wish.reserve.order_id;
                match new_order(wish, reserved) {
                    Ok(order) => Ok(order),
                    Err(error) => {
                        self.give_up(vec![order_id]).await;
                        Err(Err(error))
                    }
                }
            }
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
        let claiming: Vec<OrderId> = orders
            .iter()
            .filter(|order| !order.is_plain())
            .map(|order| order.id)
            .collect();
        match self.store.place_all(orders).await {
            Ok(placed) => {
                fault::point("place.ordered");
                let refused = |one: &Result<Placed, PlaceRefusal>| {
                    matches!(
                        one,
                        Err(PlaceRefusal::CartChanged | PlaceRefusal::DiscountSpent)
                    )
                };
                if placed.iter().any(refused) {
                    self.give_up(claiming).await;
                }
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

impl PlaceWorker {
    /// Gives back what orders held that were refused when they were to be written; the sweeper comes by otherwise.
    async fn give_up(&self, claiming: Vec<OrderId>) {
        let now = self.clock.now();
        let given_up = match self.store.give_up(claiming, now).await {
            Ok(given_up) => given_up,
            Err(error) => {
                tracing::warn!(error = %error, "stock of refused orders will be given back later");
                return;
            }
        };
        let actor = Actor::System.label();
        let wishes = given_up
            .into_iter()
            .map(|order_id| Resolve {
                order_id,
                to: ReservationState::Released,
                actor: actor.clone(),
            })
            .collect();
        for answer in self.catalog.resolve_all(wishes).await {
            if let Err(error) = answer {
                tracing::debug!(error = %error, "stock of a refused order will be given back later");
            }
        }
    }
}

pub(super) fn refusal_as_error(placed: Result<Placed, PlaceRefusal>) -> PlaceAnswer {
    placed.map_err(|refusal| match refusal {
        PlaceRefusal::GivenUp => PlaceOrderError::GivenUp,
        PlaceRefusal::FingerprintDiffers => PlaceOrderError::KeyReused,
        PlaceRefusal::DiscountSpent => PlaceOrderError::Discount(DiscountError::Exhausted),
        PlaceRefusal::CartChanged => PlaceOrderError::Cart(CartError::ChangedMeanwhile),
    })
}

/// The total follows from what each line was priced at in the transaction that reserved it. What the buyer thinks it
/// costs must be the best that there is, and is what it costs then, or it is no order.
fn new_order(wish: PlaceWish, reserved: Reserved) -> Result<NewOrder, PlaceOrderError> {
    let terms = &wish.terms;
    check_currency(&wish.reserve, &reserved)?;
    let goods = Goods::of_lines(&reserved.lines, &terms.categories).map_err(refused)?;
    let offers = terms.offers(&goods)?.into_iter();
    let mut choices = offers.map(|offer| terms.choice(offer));
    let best = choices
        .next()
        .ok_or_else(|| refused(Unpriced::OutOfRange))?;
    if terms.contradicted_by(best.total) {
        let total = best.total;
        return Err(PlaceOrderError::Stock(ReserveError::PriceChanged { total }));
    }
    let otherwise = choices
        .filter(|other| !terms.contradicted_by(other.total))
        .collect();
    Ok(NewOrder {
        id: wish.reserve.order_id,
        customer_id: wish.customer_id,
        guest_email: wish.guest_email,
        address: wish.address,
        fingerprint: wish.reserve.fingerprint,
        lines: reserved.lines,
        total: best.total,
        payment_due_at: wish.payment_due_at,
        created_at: wish.created_at,
        cart: wish.cart,
        parts: best.parts,
        uses: best.uses,
        otherwise,
        trace: wish.trace,
        request: wish.request,
    })
}

/// A catalog of the release before knows one currency only, and prices in that.
fn check_currency(wish: &Reserve, reserved: &Reserved) -> Result<(), PlaceOrderError> {
    let mut currencies = reserved.lines.iter().map(|line| line.unit_price.currency);
    match wish.currency {
        Some(wanted) if currencies.any(|currency| currency != wanted) => Err(
            PlaceOrderError::Internal("the lines were priced in another currency".into()),
        ),
        Some(_) | None => Ok(()),
    }
}
