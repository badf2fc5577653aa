//! One client: sends requests, waits for so long and no longer, and writes down what came. It knows nothing of the shop
//! but its API.

use crate::{
    random::Random,
    record::{Good, Record},
};
use async_trait::async_trait;
use axum::{
    body::Bytes,
    http::{Request, Response, header},
};
use checker::{Action, Operation, Outcome, Told};
use contracts::{
    access::Principal,
    problem::Code,
    values::{Money, OrderId, ShippingMethodId},
};
use platform::digest;
use std::{sync::Arc, time::Duration};

/// The way from clients to a shop.
#[async_trait]
pub trait Way: Send + Sync {
    /// Sends a request; none if no answer comes back. Who asks is among its extensions, as a [`Principal`].
    async fn send(&self, request: Request<Bytes>, random: Random) -> Option<Response<Bytes>>;
}

/// What all clients share.
#[derive(Clone)]
pub struct Town {
    /// How they reach the shop.
    pub way: Arc<dyn Way>,
    /// Where they write down what they did and saw.
    pub record: Record,
    /// What there is to buy.
    pub goods: Arc<Vec<Good>>,
    /// A discount code that buyers know of, if there is one.
    pub code: Option<&'static str>,
    /// A way of shipping that some choose, if there is one.
    pub shipping: Option<ShippingMethodId>,
    /// How long a client waits for an answer.
    pub patience: Duration,
    /// The longest rest of a buyer between two things, in milliseconds.
    pub rest_ms_max: u64,
}

pub(crate) struct Client {
    pub(crate) town: Town,
    pub(crate) who: Principal,
    pub(crate) random: Random,
    pub(crate) name: String,
}

/// A wish, its key, and what its body or header says of a version.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) action: Action,
    pub(crate) key: Option<String>,
    pub(crate) version: Option<i64>,
    /// The order that it means, where that does not follow from its key.
    pub(crate) order: Option<OrderId>,
}

impl Wish {
    pub(crate) const fn plain(action: Action) -> Self {
        Self {
            action,
            key: None,
            version: None,
            order: None,
        }
    }

    pub(crate) const fn keyed(action: Action, key: String) -> Self {
        Self {
            action,
            key: Some(key),
            version: None,
            order: None,
        }
    }
}

impl Client {
    /// Asks once.
    pub(crate) async fn ask(&mut self, wish: &Wish) -> Outcome {
        let random = Random::new(self.random.number(), 7);
        self.send(wish, random).await
    }

    /// Asks the same twice at the same time; gives the first one's outcome.
    pub(crate) async fn ask_twice(&mut self, wish: &Wish) -> Outcome {
        let (one, other) = (self.random.number(), self.random.number());
        let this = &*self;
        let both = futures_util::future::join(
            this.send(wish, Random::new(one, 7)),
            this.send(wish, Random::new(other, 7)),
        );
        let (first, second) = both.await;
        if matches!(first, Outcome::Unknown(_)) {
            second
        } else {
            first
        }
    }

    /// Asks until the outcome is known, or so often.
    pub(crate) async fn insist(&mut self, wish: &Wish, tries: u32) -> Outcome {
        let mut outcome = Outcome::Unknown(None);
        for _ in 0..tries {
            outcome = if self.random.chance(150) {
                self.ask_twice(wish).await
            } else {
                self.ask(wish).await
            };
            if !matches!(outcome, Outcome::Unknown(_)) {
                return outcome;
            }
            let pause = self.random.between(100, 1_500);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        outcome
    }

    async fn send(&self, wish: &Wish, random: Random) -> Outcome {
        let record = &self.town.record;
        let place = record.begin(Operation {
            user: self.who.user_id,
            action: wish.action.clone(),
            key: wish.key.clone(),
            means: self.means(wish),
            based_on: wish.version,
            start: record.now(),
            end: None,
            outcome: Outcome::Unknown(None),
        });
        let sent = self.town.way.send(self.request(wish), random);
        let response = tokio::time::timeout(self.town.patience, sent).await;
        let response = response.ok().flatten();
        let outcome = response.map_or(Outcome::Unknown(None), |response| {
            let kind = response.headers().get(header::CONTENT_TYPE);
            let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            let status = response.status().as_u16();
            Outcome::read(&wish.action, status, kind, response.body())
        });
        record.end(place, outcome.clone(), self.line(wish, &outcome));
        outcome
    }

    /// The order that a key stands for: a promise of the shop, so that anybody can tell.
    fn means(&self, wish: &Wish) -> Option<OrderId> {
        let Action::Place { .. } = wish.action else {
            return None;
        };
        if wish.order.is_some() {
            return wish.order;
        }
        let scope = format!("order {}", self.who.user_id);
        let bytes = digest::derived_id(&scope, wish.key.as_deref()?);
        Some(OrderId::from_bytes(bytes))
    }

    fn request(&self, wish: &Wish) -> Request<Bytes> {
        let spoken = wish.action.spoken();
        let mut request = Request::builder().method(spoken.method).uri(spoken.path);
        if let Some(key) = &wish.key {
            request = request.header("idempotency-key", key);
        }
        if let (Action::Reprice { .. }, Some(version)) = (&wish.action, wish.version) {
            request = request.header(header::IF_MATCH, format!("\"{version}\""));
        }
        let mut bytes = Bytes::new();
        if let Some((kind, body)) = spoken.body {
            request = request.header(header::CONTENT_TYPE, kind);
            bytes = Bytes::from(body.to_string());
        }
        let mut request = request.body(bytes).expect("a request");
        // The door finds out who asks; in the bottle there is none.
        request.extensions_mut().insert(self.who.clone());
        request
    }

    fn line(&self, wish: &Wish, outcome: &Outcome) -> String {
        let what = self.described(&wish.action);
        let key = wish.key.as_deref().unwrap_or("-");
        let came = match outcome {
            Outcome::Ok(answer) => format!("{} {}", answer.status, told(&answer.told)),
            Outcome::Refused(refusal) | Outcome::Unknown(Some(refusal)) => {
                format!(
                    "{} {}",
                    refusal.status,
                    refusal.code.map_or("?", Code::slug)
                )
            }
            Outcome::Unknown(None) => "no answer".to_owned(),
        };
        format!("{} {what} [{key}] -> {came}", self.name)
    }

    fn described(&self, action: &Action) -> String {
        let good = |variant| {
            let found = self
                .town
                .goods
                .iter()
                .position(|good| good.variant == variant);
            found.map_or_else(|| "?".to_owned(), |index| format!("g{index}"))
        };
        match action {
            Action::Place {
                lines,
                method,
                code,
                shipping,
                cart,
            } => {
                let lines: Vec<String> = lines
                    .iter()
                    .map(|(variant, units)| format!("{units}x{}", good(*variant)))
                    .collect();
                let with = code.as_deref().map(|code| format!(" with {code}"));
                format!(
                    "place {}{} {}{}{}",
                    if cart.is_some() { "cart of " } else { "" },
                    lines.join("+"),
                    method.as_deref().unwrap_or("unpaid"),
                    with.unwrap_or_default(),
                    if shipping.is_some() { " shipped" } else { "" },
                )
            }
            Action::OpenCart => "cart".to_owned(),
            Action::SetCartItem { variant, units, .. } => {
                format!("put {units}x{} into the cart", good(*variant))
            }
            Action::SetCartShipping { .. } => "ship the cart".to_owned(),
            Action::AskReturn { order, lines } => format!("bring back {lines:?} of {order}"),
            Action::AnswerReturn { order, approve, .. } => format!("return of {order}: {approve}"),
            Action::ReceiveReturn {
                order,
                written_off,
                amount,
                ..
            } => format!("return of {order} came, {written_off:?} lost, {amount:?}"),
            Action::Pay { order, method } => format!("pay {order} {method}"),
            Action::Void(payment) => format!("void {payment}"),
            Action::Prove { approve, .. } => format!("prove {approve}"),
            Action::Refund {
                payment,
                amount,
                items,
            } => {
                let units: u32 = items.iter().map(|item| item.quantity.get()).sum();
                format!("refund {payment} {amount:?} {units} units")
            }
            Action::Cancel(order) => format!("cancel {order}"),
            Action::Ship(order) => format!("ship {order}"),
            Action::Deliver(order) => format!("deliver {order}"),
            Action::Restock { variant, units } => format!("restock {units}x{}", good(*variant)),
            Action::Reprice { variant, price, .. } => format!("reprice {} {price}", good(*variant)),
            Action::ReadStock(variant) => format!("stock {}", good(*variant)),
            Action::ReadOrder(order) => format!("read {order}"),
            Action::ReadProduct(_) => "product".to_owned(),
        }
    }
}

/// An answer in the words of the trace; ids that are drawn by lot are left out.
fn told(told: &Told) -> String {
    match told {
        Told::Order(order) => format!(
            "{} #{} {}",
            order.status.as_str(),
            order.number,
            order.total
        ),
        Told::Payment(payment) => format!("{} {}", payment.status.as_str(), payment.amount),
        Told::Refund(refund) => format!("{} {}", refund.status.as_str(), refund.amount),
        Told::Cart(cart) => format!("cart v{}", cart.version.get()),
        Told::Return(back) => format!("return {} {}", back.number, back.status.as_str()),
        Told::Stock(rows) => rows
            .iter()
            .map(|row| format!("{}/{}", row.on_hand, row.reserved))
            .collect::<Vec<_>>()
            .join(" "),
        Told::Product(product) => format!("v{} {}", product.version.get(), product.price),
        Told::Other => String::new(),
    }
}

/// A price that is told apart from others.
pub(crate) fn price(minor: u64) -> Money {
    let minor = i64::try_from(minor).unwrap_or(1);
    Money::new(minor, "USD".parse().expect("a currency"))
}
