//! Pay an order: keep the intent first, then move it. The caller waits for the answer, but leaving loses
//! the answer only. It never calls the provider itself.

use super::{
    Core,
    flight::{Answer, Wait},
    store_failed,
};
use crate::{
    domain::{Intent, Payment, State, holds_card_number, scope},
    metrics,
    store::Taken,
};
use contracts::{
    orders::{OrderStatus, OrderView, Reader},
    payments::{PayError, PayOrder, PaymentStatus, PaymentView},
    request::{Answered, IdempotencyKey},
    values::PaymentId,
};
use platform::{
    db::Abort,
    deadline, digest, fault,
    trace::{self, Kind},
};
use std::{future::Future, sync::Arc};

pub(super) async fn pay(
    core: &Arc<Core>,
    who: &Reader,
    key: &IdempotencyKey,
    wish: PayOrder,
) -> Answer {
    // Before anything is made of it, hashes too.
    if holds_card_number(&wish.method) {
        return Err(PayError::CardNumber);
    }
    let scope = scope(who, wish.order_id);
    let attempt = Attempt {
        id: PaymentId::from_bytes(digest::derived_id(&scope, key.as_str())),
        fingerprint: digest::fingerprint(&scope, &wish).map_err(PayError::Internal)?,
        // A guest's key is found by the order's id, which is no secret: the token comes first.
        seen: match who.principal {
            Some(_) => None,
            None => Some(core.order(who, wish.order_id).await?),
        },
        who: who.clone(),
        wish,
    };
    let (id, fingerprint) = (attempt.id, attempt.fingerprint);
    if deadline::has_passed() {
        return Err(PayError::Overloaded);
    }
    let work = attempt.run(Arc::clone(core));
    let work = trace::within(Kind::Internal, || "pay an order".into(), work);
    let answered = fly(core, id, fingerprint, work)?.answer().await?;
    conclude(core, who, answered).await
}

/// Does the work in a task of its own, unless the payment is under way already.
pub(super) fn fly(
    core: &Core,
    id: PaymentId,
    fingerprint: [u8; 32],
    work: impl Future<Output = Answer> + Send + 'static,
) -> Result<Wait, PayError> {
    let seat = core.flights.board(id, fingerprint)?;
    if let Some(lead) = seat.lead {
        // What must be finished is in the task, whoever still waits; its handle tells nothing that the seat
        // does not.
        let work = deadline::within(None, work);
        drop(core.tasks.finish(async move { lead.land(work.await) }));
    }
    Ok(seat.wait)
}

/// What a payment's end means to who wanted it.
async fn conclude(core: &Core, who: &Reader, answered: Answered<PaymentView>) -> Answer {
    let view = &answered.value;
    match view.status {
        PaymentStatus::Declined => Err(PayError::Declined {
            payment_id: view.id,
            order_id: view.order_id,
            decline_code: view.decline_code.clone().unwrap_or_default(),
        }),
        PaymentStatus::Voided => {
            let order = core.order(who, view.order_id).await?;
            Err(PayError::NotPayable(order.status))
        }
        PaymentStatus::Pending
        | PaymentStatus::RequiresAction
        | PaymentStatus::Authorised
        | PaymentStatus::Captured
        | PaymentStatus::Refunded => Ok(answered),
    }
}

/// What stands in the way may be the same payment, which another node began a moment earlier: it is told of, as to
/// anybody who asks again. It may be a charge under the same key whose payment was lost, and which was undone: that key
/// is used up. Any other is in progress.
async fn faster_twin(core: &Core, id: PaymentId, fingerprint: [u8; 32]) -> Answer {
    match core.store.payment(id).await.map_err(store_failed)? {
        Some(known) if known.fingerprint == fingerprint => Ok(Answered::replayed(known.view())),
        Some(_) => Err(PayError::KeyReused),
        None if core.store.is_disowned(id).await.map_err(store_failed)? => Err(PayError::KeyReused),
        None => Err(PayError::InProgress),
    }
}

struct Attempt {
    id: PaymentId,
    fingerprint: [u8; 32],
    who: Reader,
    wish: PayOrder,
    seen: Option<OrderView>,
}

impl Attempt {
    async fn run(self, core: Arc<Core>) -> Answer {
        let (id, fingerprint) = (self.id, self.fingerprint);
        match core.store.payment(id).await.map_err(store_failed)? {
            Some(known) if known.fingerprint != fingerprint => Err(PayError::KeyReused),
            Some(known) if !known.may_begin_again() => {
                metrics::replayed();
                Ok(Answered::replayed(known.view()))
            }
            known => match self.begin(&core, known).await {
                Ok(payment) => Ok(Answered::fresh(core.drive(payment).await?.view())),
                Err(PayError::InProgress) => faster_twin(&core, id, fingerprint).await,
                Err(error) => Err(error),
            },
        }
    }

    /// Keeps the intent; a refusal leaves nothing.
    async fn begin(self, core: &Core, known: Option<Payment>) -> Result<Payment, PayError> {
        if !core.provider.knows(&self.wish.method) {
            return Err(PayError::UnknownMethod);
        }
        let order = match self.seen {
            Some(order) => order,
            None => core.order(&self.who, self.wish.order_id).await?,
        };
        if order.status != OrderStatus::Pending {
            return Err(PayError::NotPayable(order.status));
        }
        let now = core.clock.now();
        let lease = core.lease(now);
        let begun = match known {
            Some(known) => {
                let mine = core
                    .store
                    .claim(known.id, lease, now)
                    .await
                    .map_err(store_failed)?;
                let mine = mine.ok_or(PayError::InProgress)?;
                let change = core.change(State::Pending, false);
                let begun = core.store.advance(&mine, change).await;
                begun.and_then(|begun| begun.ok_or(Abort::Refused(Taken)))
            }
            None => {
                let intent = Intent {
                    id: self.id,
                    order_id: order.id,
                    fingerprint: self.fingerprint,
                    amount: order.total,
                    method: self.wish.method,
                };
                core.store.begin(intent, now, lease).await
            }
        };
        let begun = begun.map_err(|abort| match abort {
            Abort::Refused(Taken) => PayError::InProgress,
            Abort::Failed(error) => store_failed(error),
        })?;
        fault::point("settle.intent");
        Ok(begun)
    }
}
