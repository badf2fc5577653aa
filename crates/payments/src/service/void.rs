//! Give a payment up whose money was not taken yet. The wish is committed first; the provider is fenced before anybody
//! hears that it is over, so that stock may be let go afterwards.

use super::{Core, store_failed, take_up};
use crate::domain::{Payment, State};
use contracts::{
    orders::Reader,
    payments::{PayError, PaymentView},
    values::PaymentId,
};
use std::sync::Arc;

pub(super) async fn void(
    core: &Arc<Core>,
    who: &Reader,
    id: PaymentId,
) -> Result<PaymentView, PayError> {
    let found = read(core, id).await?;
    core.order(who, found.order_id).await?;
    let found = match found.state {
        State::Pending | State::Challenged { .. } => {
            core.store
                .want_void(id, core.clock.now())
                .await
                .map_err(store_failed)?;
            // How it went shows in the row; what is not known yet is found out later.
            drop(take_up(core, read(core, id).await?).await);
            read(core, id).await?
        }
        State::Authorised { .. }
        | State::Captured { .. }
        | State::Declined { .. }
        | State::Voided { .. }
        | State::Refunded { .. } => found,
    };
    let view = found.view();
    match found.state {
        State::Pending | State::Challenged { .. } | State::Voided { .. } => Ok(view),
        // The stock is being sold: from here it goes forward only.
        State::Authorised { .. } => Err(PayError::InProgress),
        State::Captured { .. } | State::Declined { .. } | State::Refunded { .. } => {
            Err(PayError::NotVoidable(view.status))
        }
    }
}

async fn read(core: &Core, id: PaymentId) -> Result<Payment, PayError> {
    let found = core.store.payment(id).await.map_err(store_failed)?;
    found.ok_or(PayError::NotFound)
}
