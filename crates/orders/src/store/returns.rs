//! What stores keep of returns, and what they decide under the order's lock.

use super::{Acting, places};
use crate::domain::returned::{by_thing, items, leads_to, worth};
use async_trait::async_trait;
use contracts::{
    orders::{
        OrderError, OrderView, ReturnError, ReturnReceived, ReturnStatus, ReturnView, ShipLine,
    },
    values::{Cursor, Money, OrderId, Page, PaymentId, RefundId, ReturnId, Timestamp},
};
use platform::{
    db::{Abort, StoreError, keys::KeyedRequest},
    digest,
};
use serde::{Deserialize, Serialize};

/// A return that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Asking {
    pub(crate) order: OrderId,
    pub(crate) id: ReturnId,
    pub(crate) lines: Vec<ShipLine>,
    pub(crate) reason: String,
    pub(crate) by: Acting,
    pub(crate) at: Timestamp,
    /// So many may an order have.
    pub(crate) most: u32,
    pub(crate) request: Option<KeyedRequest>,
}

/// What the shop says to it.
#[derive(Debug, Clone)]
pub(crate) struct Answering {
    pub(crate) order: OrderId,
    pub(crate) id: ReturnId,
    /// Approved or refused.
    pub(crate) to: ReturnStatus,
    pub(crate) note: Option<String>,
    pub(crate) by: Acting,
    pub(crate) at: Timestamp,
}

/// What came back.
#[derive(Debug, Clone)]
pub(crate) struct Receiving {
    pub(crate) order: OrderId,
    pub(crate) id: ReturnId,
    /// Lines that cannot be sold again.
    pub(crate) written_off: Vec<u32>,
    /// What is given back; what was paid for the lines, when absent.
    pub(crate) amount: Option<Money>,
    pub(crate) by: Acting,
    pub(crate) at: Timestamp,
}

/// A return that was asked for, now or by an earlier request with the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Returning {
    pub(crate) id: ReturnId,
    pub(crate) replayed: bool,
}

/// What is kept of a request with a key.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KeptReturn {
    pub(crate) id: ReturnId,
}

/// A return as its row stands, for deciding.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) number: i64,
    pub(crate) status: ReturnStatus,
    pub(crate) lines: Vec<ShipLine>,
}

/// Which of all returns.
#[derive(Debug, Clone)]
pub(crate) struct ReturnWish {
    /// Only of this status.
    pub(crate) status: Option<ReturnStatus>,
    /// Only those behind this place.
    pub(crate) before: Place,
    pub(crate) limit: u32,
}

/// Where a return stands in the list of all, which goes backwards from the one that was asked for last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) at_ms: i64,
    pub(crate) order: i64,
    pub(crate) number: i64,
}

impl Place {
    /// Reads where a page begins.
    pub(crate) fn read(cursor: Option<&Cursor>) -> Result<Self, OrderError> {
        let [at_ms, order, number] = places::read(cursor)?;
        Ok(Self {
            at_ms,
            order,
            number,
        })
    }

    fn cursor(self) -> Option<Cursor> {
        places::cursor(&[self.at_ms, self.order, self.number])
    }
}

/// Cuts a page that was read one return too long; where the next one begins, if there is one.
pub(super) fn cut(returns: &mut Vec<ReturnView>, limit: u32) -> Option<Cursor> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = returns.len() > limit;
    returns.truncate(limit);
    let last = returns.last().filter(|_| more)?;
    let place = Place {
        at_ms: last.created_at.as_ms(),
        order: last.order_number,
        number: last.number.into(),
    };
    place.cursor()
}

/// Whether a return has to move to get there; none if it is there already, or beyond.
pub(crate) fn moves(from: ReturnStatus, to: ReturnStatus) -> Result<bool, Abort<ReturnError>> {
    let is_there = from == to || (from, to) == (ReturnStatus::Refunded, ReturnStatus::Received);
    if is_there || leads_to(from, to) {
        return Ok(!is_there);
    }
    Err(Abort::Refused(ReturnError::IllegalMove { from, to }))
}

/// What payments are told of a return that came.
pub(crate) fn received(
    order: &OrderView,
    payment_id: Option<PaymentId>,
    standing: &Standing,
    receiving: &Receiving,
) -> Result<ReturnReceived, Abort<ReturnError>> {
    let is_named = |line: &u32| standing.lines.iter().any(|one| one.line == *line);
    if let Some(place) = receiving
        .written_off
        .iter()
        .position(|line| !is_named(line))
    {
        return Err(Abort::Refused(ReturnError::Order(OrderError::Invalid {
            field: format!("/written_off/{place}").into(),
            reason: "is no line of the return".to_owned(),
        })));
    }
    let is_lost = |line: &ShipLine| receiving.written_off.contains(&line.line);
    let lines = standing.lines.iter().copied();
    let (lost, on_sale): (Vec<ShipLine>, Vec<ShipLine>) = lines.partition(is_lost);
    let paid_for = |lines: &[ShipLine]| worth((&order.items, &order.parts), lines, order.total);
    let mut shares = Vec::new();
    if receiving.amount.is_none() {
        for lines in [&on_sale, &lost] {
            let each = by_thing(&order.items, lines);
            shares.extend(each.iter().map(|lines| paid_for(lines).minor));
        }
    }
    let unpaid = || StoreError::Other("something was sent that was never paid".into());
    Ok(ReturnReceived {
        order_id: order.id,
        payment_id: payment_id.ok_or_else(unpaid)?,
        return_id: receiving.id,
        refund_id: refund_of(receiving.id),
        amount: receiving
            .amount
            .unwrap_or_else(|| paid_for(&standing.lines)),
        items: items(&order.items, &on_sale),
        lost: items(&order.items, &lost),
        shares,
        actor: receiving.by.actor.clone(),
    })
}

/// The one refund that pays a return back: whoever makes it twice makes the same.
pub(crate) fn refund_of(id: ReturnId) -> RefundId {
    RefundId::from_bytes(digest::derived_id("return", &id.to_string()))
}

/// The order has as many as it may have.
pub(crate) fn too_many(most: u32) -> ReturnError {
    ReturnError::Order(OrderError::Invalid {
        field: "/lines".into(),
        reason: format!("cannot come back any more: the order has {most} returns"),
    })
}

/// An order's refusal in the words of a return.
pub(crate) fn of_order(error: OrderError) -> Abort<ReturnError> {
    Abort::Refused(ReturnError::Order(error))
}

#[async_trait]
pub(crate) trait ReturnStore {
    /// Keeps a wish, if all that it names was sent and has not come back.
    async fn ask_return(&self, asking: Asking) -> Result<Returning, Abort<ReturnError>>;
    /// Keeps what the shop said to it. Saying it twice is fine.
    async fn answer_return(&self, answering: Answering) -> Result<(), Abort<ReturnError>>;
    /// Keeps that it came, and tells payments, in one commit. Doing it twice is fine: the first stands.
    async fn receive_return(&self, receiving: Receiving) -> Result<(), Abort<ReturnError>>;
    /// An order's returns, in order.
    async fn returns(&self, id: OrderId) -> Result<Vec<ReturnView>, StoreError>;
    /// A page of the returns of all orders, those that were asked for last first.
    async fn all_returns(&self, wish: ReturnWish) -> Result<Page<ReturnView>, StoreError>;
    /// How many returns stand where: of each status so many at most.
    async fn count_returns(&self, most: i64) -> Result<Vec<(ReturnStatus, i64)>, StoreError>;
}
