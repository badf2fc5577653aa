//! Compares the provider's books with ours, charge by charge: money that nobody asked for, or that came too late, is
//! let go or given back, and kept for somebody to look at. It only ever gives back.

use super::Core;
use crate::{
    domain::{Charge, ChargeState, Payment, State},
    store::Review,
};
use contracts::{BoxError, values::Money};

/// Charges compared in one round.
const PAGE: u32 = 256;

impl Core {
    /// One page of the provider's books, from where the last one ended; answers how many charges that were.
    pub(super) async fn reconcile(&self) -> Result<usize, BoxError> {
        let name = self.provider.name();
        let after = self.store.compared(name).await?;
        let charges = self
            .within_deadline(self.provider.list(after, PAGE))
            .await?;
        let count = charges.len();
        let Some(last) = charges.last().map(|charge| charge.number) else {
            return Ok(0);
        };
        for charge in charges {
            self.compare(charge).await?;
        }
        self.store.note_compared(name, last).await?;
        Ok(count)
    }

    /// Compares one charge with the payment of its key.
    pub(super) async fn compare(&self, charge: Charge) -> Result<(), BoxError> {
        let payment = match charge.key.parse() {
            Ok(id) => self.store.payment(id).await?,
            Err(_) => None,
        };
        match payment {
            None => self.undo_stray(&charge).await,
            Some(payment) if payment.state.ended_without_money() => {
                self.undo_late(payment, charge).await
            }
            // What is under way asks the provider itself, and what was taken is compared by verification.
            Some(_) => Ok(()),
        }
    }

    /// Nobody here asked for it, or storage forgot that somebody did.
    async fn undo_stray(&self, charge: &Charge) -> Result<(), BoxError> {
        // Whoever asks again under its key would be told of its success: no payment begins on it any more. One that did
        // so since it was looked for is no stray.
        let is_over = matches!(charge.state, ChargeState::Voided | ChargeState::Declined);
        if let Ok(id) = charge.key.parse()
            && !is_over
            && !self.store.disown(id, self.clock.now()).await?
        {
            return Ok(());
        }
        let what = match charge.state {
            ChargeState::Voided | ChargeState::Declined => return Ok(()),
            ChargeState::Captured if charge.net_minor() == 0 => return Ok(()),
            ChargeState::Challenged | ChargeState::Authorised => {
                let asked = charge.asked();
                self.within_deadline(self.provider.fence(&asked)).await?;
                "was let go"
            }
            ChargeState::Captured => {
                let net = Money::new(charge.net_minor(), charge.amount.currency);
                let key = format!("stray:{}", charge.key);
                let giving = self.provider.refund(&charge.reference, net, &key);
                self.within_deadline(giving).await?;
                "was given back"
            }
        };
        let (reference, amount) = (&charge.reference, charge.amount);
        self.keep_review(
            "stray_charge",
            reference,
            format!("{amount} of no payment {what}"),
        )
        .await
    }

    /// The provider holds or took money of a payment that has ended without any.
    async fn undo_late(&self, payment: Payment, charge: Charge) -> Result<(), BoxError> {
        match charge.state {
            ChargeState::Voided | ChargeState::Declined => Ok(()),
            ChargeState::Challenged | ChargeState::Authorised => {
                let asked = charge.asked();
                self.within_deadline(self.provider.fence(&asked)).await?;
                Ok(())
            }
            ChargeState::Captured if charge.net_minor() != payment.amount.minor => {
                let net = charge.net_minor();
                let what = format!("{net} was taken for a payment that had ended");
                self.keep_review("amount_differs", &payment.id.to_string(), what)
                    .await
            }
            ChargeState::Captured => {
                let now = self.clock.now();
                let Some(mine) = self.store.claim(payment.id, self.lease(now), now).await? else {
                    return Ok(());
                };
                if let Some(late) = self.take_in_late(&mine, charge.reference).await? {
                    debug_assert!(matches!(late.state, State::Captured { .. }), "{late:?}");
                    self.drive(late).await?;
                }
                Ok(())
            }
        }
    }

    async fn keep_review(
        &self,
        kind: &'static str,
        subject: &str,
        detail: String,
    ) -> Result<(), BoxError> {
        tracing::error!(review.kind = kind, review.subject = subject, "{detail}");
        let review = Review {
            kind,
            subject: subject.to_owned(),
            detail,
        };
        Ok(self.store.review(review, self.clock.now()).await?)
    }
}
