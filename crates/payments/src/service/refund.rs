//! Give a called-off order's money back: the wish is committed first, then carried out like any other step,
//! so that a provider that is down only delays it. Nothing that was not captured is given back.

use super::Core;
use crate::domain::State;
use contracts::{
    BoxError,
    values::{OrderId, PaymentId},
};

/// More rounds than a payment can be moved by others meanwhile.
const ROUNDS_MAX: u32 = 8;

impl Core {
    pub(super) async fn refund(&self, order: OrderId, id: PaymentId) -> Result<(), BoxError> {
        for _ in 0..ROUNDS_MAX {
            let found = self.store.payment(id).await?;
            let payment = found
                .filter(|payment| payment.order_id == order)
                .ok_or("the called-off order names no payment of its own")?;
            let wanted = match &payment.state {
                State::Captured {
                    reference,
                    refund_wanted: false,
                } => State::Captured {
                    reference: reference.clone(),
                    refund_wanted: true,
                },
                State::Captured {
                    refund_wanted: true,
                    ..
                }
                | State::Refunded { .. } => {
                    self.drive(payment).await?;
                    return Ok(());
                }
                State::Declined { .. } | State::Voided { .. } => return Ok(()),
                State::Pending | State::Authorised { .. } => {
                    return Err("the called-off order's payment has not ended".into());
                }
            };
            self.advance(&payment, wanted, false).await?;
        }
        Err("the called-off order's payment moves too often".into())
    }
}
