//! What was sent comes back: asked for by whoever sees the order and bought or sells it, answered and received by the
//! shop. The money is payments' to give back: they are told in the commit of the receipt.

use super::{Service, internal};
use crate::store::{
    Acting,
    returns::{Answering, Asking, Place, Receiving, ReturnWish},
};
use contracts::{
    access::{Actor, Principal},
    orders::{
        AnswerReturn, NewReturn, OrderError, Reader, ReceiveReturn, ReturnError, ReturnQuery,
        ReturnStatus, ReturnView,
    },
    request::{Answered, IdempotencyKey},
    values::{Money, MoneyInput, OrderId, Page, ReturnId, ValueError, bounded_text},
};
use platform::{
    db::{Abort, keys::KeyedRequest},
    fault,
};

/// Returns that an order may have.
const RETURNS_MAX: u32 = 50;
/// The longest reason and note, in characters.
const TEXT_MAX: usize = 500;

impl Service {
    pub(crate) async fn ask_return(
        &self,
        who: &Reader,
        id: OrderId,
        key: Option<IdempotencyKey>,
        wish: NewReturn,
    ) -> Result<Answered<ReturnView>, ReturnError> {
        self.find_for(who, id).await?;
        let actor = who.actor();
        let scope = format!("{} POST /api/v1/orders/{id}/returns", actor.label());
        let request = key.map(|key| KeyedRequest::new(&scope, &key, &wish));
        let request = request.transpose().map_err(OrderError::Internal)?;
        let asking = Asking {
            order: id,
            id: ReturnId::generate(),
            lines: wish.lines,
            reason: text(&wish.reason, "/reason")?,
            by: Acting::here(actor.label()),
            at: self.clock.now(),
            most: RETURNS_MAX,
            request,
        };
        let asked = self.store.ask_return(asking).await.map_err(refusal)?;
        Ok(Answered {
            value: self.one_return(id, asked.id).await?,
            replayed: asked.replayed,
        })
    }

    pub(crate) async fn returns(
        &self,
        who: &Reader,
        id: OrderId,
    ) -> Result<Vec<ReturnView>, OrderError> {
        self.find_for(who, id).await?;
        self.store.returns(id).await.map_err(internal)
    }

    /// A page of the returns of all orders, for those who run the shop.
    pub(crate) async fn all_returns(
        &self,
        query: ReturnQuery,
    ) -> Result<Page<ReturnView>, OrderError> {
        let wish = ReturnWish {
            status: query.status,
            before: Place::read(query.cursor.as_ref())?,
            limit: query.limit.get(),
        };
        self.store.all_returns(wish).await.map_err(internal)
    }

    /// Approves or refuses.
    pub(crate) async fn answer_return(
        &self,
        who: Principal,
        (id, one): (OrderId, ReturnId),
        to: ReturnStatus,
        wish: AnswerReturn,
    ) -> Result<ReturnView, ReturnError> {
        let note = wish.note.map(|note| text(&note, "/note")).transpose()?;
        let answering = Answering {
            order: id,
            id: one,
            to,
            note,
            by: Acting::here(Actor::User(who).label()),
            at: self.clock.now(),
        };
        self.store.answer_return(answering).await.map_err(refusal)?;
        self.one_return(id, one).await
    }

    /// It came: what can be sold again goes back on sale, and its money goes back.
    pub(crate) async fn receive_return(
        &self,
        who: Principal,
        (id, one): (OrderId, ReturnId),
        wish: ReceiveReturn,
    ) -> Result<ReturnView, ReturnError> {
        let order = self.view(id).await?;
        let amount = wish.amount.map(|amount| asked(&amount, order.total));
        let receiving = Receiving {
            order: id,
            id: one,
            written_off: wish.written_off,
            amount: amount.transpose()?,
            by: Acting::here(Actor::User(who).label()),
            at: self.clock.now(),
        };
        self.store
            .receive_return(receiving)
            .await
            .map_err(refusal)?;
        fault::point("return.received");
        self.one_return(id, one).await
    }

    async fn one_return(&self, id: OrderId, one: ReturnId) -> Result<ReturnView, ReturnError> {
        let all = self.store.returns(id).await.map_err(internal)?;
        let found = all.into_iter().find(|known| known.id == one);
        Ok(found.ok_or(OrderError::NotFound)?)
    }
}

fn refusal(abort: Abort<ReturnError>) -> ReturnError {
    abort.into_refusal(
        || OrderError::Overloaded.into(),
        |cause| OrderError::Internal(cause).into(),
    )
}

fn invalid(field: &'static str, reason: impl Into<String>) -> OrderError {
    OrderError::Invalid {
        field: field.into(),
        reason: reason.into(),
    }
}

fn text(given: &str, field: &'static str) -> Result<String, OrderError> {
    bounded_text(given, 1, TEXT_MAX).map_err(|ValueError(reason)| invalid(field, reason))
}

fn asked(amount: &MoneyInput, total: Money) -> Result<Money, OrderError> {
    let amount = amount.resolve(total.currency);
    let amount = amount.map_err(|ValueError(reason)| invalid("/amount", reason))?;
    if amount.currency != total.currency {
        return Err(invalid("/amount", "must be in the order's currency"));
    }
    if !(0..=total.minor).contains(&amount.minor) {
        return Err(invalid("/amount", "must be nothing to what the order cost"));
    }
    Ok(amount)
}
