//! Give money back: the wish is committed first and counted against what was captured, then carried out like any other
//! saga, so that a provider that is down only delays it. Nothing that was not captured is given back.

use super::{
    Core,
    halt::{Halt, refusal},
    take_up,
};
use crate::{
    domain::{Payment, Refund, RefundIntent, Stage, State, decide, ledger},
    metrics,
    store::RefundRefusal,
};
use contracts::{
    BoxError,
    access::{Actor, Principal},
    catalog::{GiveBack, GiveBackError},
    orders::{OrderError, OrderLineView, Reader, RefundNote, ReturnView},
    payments::{RefundError, RefundOf, RefundOrder, RefundView},
    request::{Answered, IdempotencyKey},
    values::{OrderId, PaymentId, RefundId},
};
use platform::{
    db::{Abort, StoreError},
    deadline, digest, fault,
};
use std::sync::Arc;

/// More steps than any refund takes.
const STEPS_MAX: u32 = 8;

type Moved = Result<Option<Refund>, Halt>;

/// Decides a refund for an admin, and carries it out as far as it goes now.
pub(super) async fn refund(
    core: &Arc<Core>,
    who: &Principal,
    key: &IdempotencyKey,
    of: RefundOf,
    wish: RefundOrder,
) -> Result<Answered<RefundView>, RefundError> {
    if !who.is_admin() {
        return Err(RefundError::NotFound);
    }
    let found = match of {
        RefundOf::Payment(id) => core.store.payment(id).await,
        RefundOf::Order(id) => core.store.captured_of(id).await,
    };
    let reader = Reader::user(who.clone());
    let Some(payment) = found.map_err(store_failed)? else {
        return Err(match of {
            RefundOf::Payment(_) => RefundError::NotFound,
            // An order that is there, but was never paid.
            RefundOf::Order(id) => {
                core.orders.order(&reader, id).await.map_err(order_failed)?;
                RefundError::NotCaptured
            }
        });
    };
    let payment = told_of(core, payment).await?;
    let order = core.orders.order(&reader, payment.order_id).await;
    let order = order.map_err(order_failed)?;
    let scope = format!("{} POST refunds {}", who.user_id, payment.id);
    let id = RefundId::from_bytes(digest::derived_id(&scope, key.as_str()));
    let mut intent = RefundIntent {
        fingerprint: digest::fingerprint(&scope, &wish).map_err(RefundError::Internal)?,
        actor: Actor::User(who.clone()).label(),
        ..decide(id, &payment, (&order.items, &order.parts), &wish)?
    };
    if !intent.items.is_empty() {
        let beside = core.orders.beside(&reader, order.id).await;
        leave_out(
            &mut intent,
            &order.items,
            &beside.map_err(order_failed)?.returns,
        );
    }
    let (refund, replayed) = core.begin_refund(intent).await?;
    let done = core.in_turn(refund.id).await.map_err(store_failed)?;
    Ok(Answered {
        value: done.view(),
        replayed,
    })
}

/// What came back broken is not on the shelf: it does not come back once more with a refund.
fn leave_out(intent: &mut RefundIntent, items: &[OrderLineView], returns: &[ReturnView]) {
    let came = returns.iter().filter(|one| one.refund_id.is_some());
    let lost = came
        .flat_map(|one| &one.lines)
        .filter(|line| line.written_off);
    for line in lost {
        let place = line
            .line
            .checked_sub(1)
            .and_then(|place| usize::try_from(place).ok());
        let variant = place
            .and_then(|place| items.get(place))
            .map(|item| item.variant_id);
        let mut wanted = intent.items.iter_mut();
        if let Some((_, bought)) = wanted.find(|(item, _)| Some(item.variant_id) == variant) {
            *bought = bought.saturating_sub(i64::from(line.quantity.get()));
        }
    }
}

/// Brings a payment as far as its order's knowing of it, before which the store decides no refund of it.
pub(super) async fn told_of(core: &Arc<Core>, payment: Payment) -> Result<Payment, RefundError> {
    if payment.told || !matches!(payment.state, State::Captured { .. }) {
        return Ok(payment);
    }
    let id = payment.id;
    drop(take_up(core, payment).await);
    let found = core.store.payment(id).await.map_err(store_failed)?;
    found
        .filter(|payment| payment.told)
        .ok_or(RefundError::NotCaptured)
}

impl Core {
    pub(super) async fn begin_refund(
        &self,
        intent: RefundIntent,
    ) -> Result<(Refund, bool), RefundError> {
        let now = self.clock.now();
        let begun = self.store.begin_refund(intent, now, self.lease(now)).await;
        let begun = begun.map_err(|abort| match abort {
            Abort::Refused(refusal) => refused(refusal),
            Abort::Failed(error) => store_failed(error),
        })?;
        fault::point("refund.intent");
        Ok(begun)
    }

    /// Carries a refund out in a task of its own, unless another process works at it. A twin waits for its turn and
    /// finds it done.
    pub(super) async fn in_turn(self: &Arc<Self>, id: RefundId) -> Result<Refund, StoreError> {
        let core = Arc::clone(self);
        let work = async move {
            let turn = core.turns.of(id);
            let _turn = turn.lock().await;
            core.claim_and_drive_refund(id).await
        };
        // Its row is committed: it is brought to its end, whoever still waits.
        let done = self.tasks.finish(deadline::within(None, work));
        done.await
            .unwrap_or_else(|| Err(StoreError::Lost("the refund fell over".to_owned())))
    }

    /// Raises the refund's fence first: whoever held it before changes nothing any more. What waits for a person goes
    /// on waiting.
    pub(super) async fn claim_and_drive_refund(&self, id: RefundId) -> Result<Refund, StoreError> {
        let now = self.clock.now();
        let found = self.store.refund(id).await?;
        let found = found.ok_or_else(|| StoreError::Lost("the refund has gone".to_owned()))?;
        if found.stage == Stage::Noted || found.progress.parked {
            return Ok(found);
        }
        match self.store.claim_refund(id, self.lease(now), now).await? {
            Some(mine) => Ok(self.drive_refund(mine).await),
            None => Ok(found),
        }
    }

    /// Gives a called-off order's money back, what is left of it; the rest happens beside whoever wants it.
    pub(super) async fn refund_rest(
        self: &Arc<Self>,
        order: OrderId,
        id: PaymentId,
    ) -> Result<(), BoxError> {
        let found = self.store.payment(id).await?;
        let payment = found
            .filter(|payment| payment.order_id == order)
            .ok_or("the called-off order names no payment of its own")?;
        match &payment.state {
            State::Declined { .. } | State::Voided { .. } => return Ok(()),
            State::Pending | State::Challenged { .. } | State::Authorised { .. } => {
                return Err("the called-off order's payment has not ended".into());
            }
            State::Captured { .. } | State::Refunded { .. } => {}
        }
        if let Some(refund) = self.begin_rest(id).await? {
            let core = Arc::clone(self);
            // Its row is committed; if this does not end, the sweeper takes it up.
            drop(
                self.tasks
                    .finish(async move { core.in_turn(refund.id).await }),
            );
        }
        Ok(())
    }

    /// Decides to give back what is left of a payment; none if nothing is.
    pub(super) async fn begin_rest(&self, id: PaymentId) -> Result<Option<Refund>, BoxError> {
        let intent = RefundIntent {
            id: RefundId::from_bytes(digest::derived_id("the rest", &id.to_string())),
            payment_id: id,
            fingerprint: [0; 32],
            amount_minor: None,
            items: Vec::new(),
            lost: Vec::new(),
            reason: None,
            actor: Actor::System.label(),
            before_told: true,
        };
        match self.begin_refund(intent).await {
            Ok((refund, _)) => Ok(Some(refund)),
            Err(RefundError::TooMuch { .. }) => Ok(None),
            Err(error) => Err(Box::new(error)),
        }
    }

    /// Moves a refund that this process has the lease of as far as it goes now.
    pub(super) async fn drive_refund(&self, mut refund: Refund) -> Refund {
        let fence = refund.progress.fence;
        for _ in 0..STEPS_MAX {
            let moved = match refund.stage {
                Stage::Decided => self.give_back(&refund).await,
                Stage::Booked => self.restock(&refund).await,
                Stage::Restocked => self.note(&refund).await,
                Stage::Noted => break,
            };
            match moved {
                Ok(Some(moved)) if moved.progress.fence == fence => refund = moved,
                Ok(_) => break,
                Err(halt) => {
                    self.put_refund_off(&refund, &halt).await;
                    break;
                }
            }
        }
        refund
    }

    async fn give_back(&self, refund: &Refund) -> Moved {
        // Free things come back without any money.
        if refund.amount.minor > 0 {
            let key = refund.provider_key();
            let giving = self.provider.refund(&refund.reference, refund.amount, &key);
            self.within_deadline(giving).await?;
            fault::point("refund.refunded_at_provider");
        }
        let transaction = ledger::refunded(self.provider.name(), refund.id, refund.amount);
        let booked = self
            .store
            .book_refund(refund, transaction, self.clock.now())
            .await;
        let booked = booked.map_err(unknown)?;
        if booked.is_some() {
            metrics::refunded(refund.amount);
        }
        fault::point("refund.booked");
        Ok(booked)
    }

    async fn restock(&self, refund: &Refund) -> Moved {
        if !refund.items.is_empty() {
            // The order first: what can be bought again must not go out in a parcel of this one.
            self.tell_order(refund).await?;
            let wish = GiveBack {
                order_id: refund.order_id,
                refund_id: refund.id,
                items: refund.items.clone(),
                actor: refund.actor.clone(),
            };
            match self
                .catalog
                .give_back_all(vec![wish])
                .await
                .into_iter()
                .next()
            {
                Some(Ok(())) => {}
                Some(Err(GiveBackError::Internal(cause))) => return Err(Halt::Unknown(cause)),
                Some(Err(error)) => return Err(Halt::Poisoned(error.to_string())),
                None => return Err(Halt::Unknown("the catalog gave no answer".into())),
            }
        }
        let moved = self
            .store
            .advance_refund(refund, Stage::Restocked, self.clock.now())
            .await;
        let moved = moved.map_err(unknown)?;
        fault::point("refund.restocked");
        Ok(moved)
    }

    /// Tells the order, which notes each refund once.
    async fn tell_order(&self, refund: &Refund) -> Result<(), Halt> {
        let note = RefundNote {
            order_id: refund.order_id,
            refund_id: refund.id,
            amount: refund.amount,
            whole: refund.whole,
            items: refund.items.clone(),
            actor: refund.actor.clone(),
        };
        match self.orders.note_refund(note).await.map_err(refusal) {
            // An order that is not there, or does not want to know, needs no telling.
            Ok(()) | Err(Halt::Refused(_)) => Ok(()),
            Err(halt) => Err(halt),
        }
    }

    /// Told again where things came back: an earlier release put them onto the shelf first.
    async fn note(&self, refund: &Refund) -> Moved {
        self.tell_order(refund).await?;
        fault::point("refund.noted");
        let moved = self
            .store
            .advance_refund(refund, Stage::Noted, self.clock.now())
            .await;
        let moved = moved.map_err(unknown)?;
        fault::point("refund.told_marked");
        tracing::info!(
            refund.id = %refund.id, order.id = %refund.order_id, refund.amount = %refund.amount,
            "refund {} is done", refund.id
        );
        Ok(moved)
    }
}

fn unknown(error: StoreError) -> Halt {
    Halt::Unknown(Box::new(error))
}

fn refused(refusal: RefundRefusal) -> RefundError {
    match refusal {
        RefundRefusal::Unknown => RefundError::NotFound,
        RefundRefusal::NotCaptured => RefundError::NotCaptured,
        RefundRefusal::TooMuch { left } => RefundError::TooMuch { left },
        RefundRefusal::TooManyUnits { index, left } => RefundError::TooManyUnits { left, index },
        RefundRefusal::Differs => RefundError::KeyReused,
    }
}

fn order_failed(error: OrderError) -> RefundError {
    match error {
        OrderError::NotFound | OrderError::Forbidden => RefundError::NotFound,
        OrderError::Overloaded => RefundError::Overloaded,
        OrderError::IllegalTransition { .. }
        | OrderError::PaymentInProgress
        | OrderError::Invalid { .. }
        | OrderError::Internal(_) => RefundError::Internal(Box::new(error)),
    }
}

fn store_failed(error: StoreError) -> RefundError {
    match error {
        StoreError::Overloaded | StoreError::Late | StoreError::Away(_) => RefundError::Overloaded,
        StoreError::Constraint(_)
        | StoreError::Full
        | StoreError::Lost(_)
        | StoreError::Unknown(_)
        | StoreError::Other(_) => RefundError::Internal(Box::new(error)),
    }
}
