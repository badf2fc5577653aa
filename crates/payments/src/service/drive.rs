//! Moves a payment forward from wherever it stands, each step safe to repeat: the intent is committed before
//! the order and the provider hear of it, and each answer is committed before the next step begins.
//! It never guesses an outcome that was not told.

use super::Core;
use crate::{
    domain::{ChargeState, Payment, State, Step, later, retry_delay_ms},
    provider::Authorisation,
};
use contracts::{
    BoxError,
    access::Actor,
    catalog::{ReservationState, Resolve, ResolveError},
    orders::{OrderError, PaymentEnd},
    payments::PayError,
    values::OrderId,
};
use std::{future::Future, time::Duration};

/// More steps than any payment takes.
const STEPS_MAX: u32 = 12;

/// Why a payment stopped before its end.
enum Halt {
    /// The order does not want it, and the provider holds nothing.
    Refused(PayError),
    /// An outcome is not known: to be asked for again.
    Unknown(BoxError),
}

impl From<BoxError> for Halt {
    fn from(error: BoxError) -> Self {
        Self::Unknown(error)
    }
}

/// The payment after a step; `None` if somebody else moved it meanwhile.
type Moved = Result<Option<Payment>, Halt>;

impl Core {
    /// Moves a payment as far as it goes now. An error means that its order refused it; where an outcome
    /// is not known, the payment stays where it is and is taken up again later.
    pub(super) async fn drive(&self, mut payment: Payment) -> Result<Payment, PayError> {
        for _ in 0..STEPS_MAX {
            let step = payment.next_step();
            if step == Step::Rest {
                break;
            }
            let moved = match self.take(&payment, step).await {
                Ok(Some(moved)) => Ok(Some(moved)),
                Ok(None) => self.store.payment(payment.id).await.map_err(BoxError::from),
                Err(Halt::Unknown(error)) => Err(error),
                Err(Halt::Refused(refusal)) => return Err(refusal),
            };
            match moved {
                Ok(Some(moved)) => payment = moved,
                Ok(None) => break,
                Err(error) => {
                    self.put_off(&payment, &error).await;
                    break;
                }
            }
        }
        Ok(payment)
    }

    async fn take(&self, payment: &Payment, step: Step) -> Moved {
        match step {
            Step::Authorise => self.authorise(payment).await,
            Step::Settle { reference } => self.settle(payment, reference).await,
            Step::Tell(end) => self.tell(payment, end).await,
            Step::Refund { reference } => self.give_back(payment, reference).await,
            Step::NoteRefund => self.note_refund(payment).await,
            Step::Rest => Ok(None),
        }
    }

    /// Ties the payment to its order, then asks the provider under the payment's own key.
    async fn authorise(&self, payment: &Payment) -> Moved {
        let begun = self
            .orders
            .begin_payment(payment.order_id, payment.id)
            .await;
        let payable = match begun.map_err(refusal) {
            Ok(payable) => payable,
            Err(Halt::Unknown(error)) => return Err(Halt::Unknown(error)),
            Err(refused @ Halt::Refused(_)) => {
                return match self.withdraw(payment, true).await? {
                    Some(_) => Err(refused),
                    None => Ok(None),
                };
            }
        };
        if payable.total != payment.amount {
            tracing::error!(
                payment.id = %payment.id, order.id = %payment.order_id, order.total = %payable.total,
                payment.amount = %payment.amount, "an order changed its total: it is not charged"
            );
            return self.withdraw(payment, false).await;
        }
        let key = payment.provider_key();
        let asked = self
            .provider
            .authorise(&key, payment.amount, &payment.method);
        let to = match self.within_deadline(asked).await? {
            Authorisation::Authorised { reference } => State::Authorised { reference },
            Authorisation::Declined { code } => State::Declined { code },
        };
        Ok(self.advance(payment, to, false).await?)
    }

    /// Gives up a payment that its order refused; lets go first whatever the provider may hold under the
    /// payment's key, which is nothing unless storage went back in time.
    async fn withdraw(&self, payment: &Payment, told: bool) -> Moved {
        let found = self.provider.find(vec![payment.provider_key()]);
        let charge = self
            .within_deadline(found)
            .await?
            .into_iter()
            .next()
            .flatten();
        let reference = match charge {
            None => None,
            Some(charge) => match charge.state {
                ChargeState::Declined | ChargeState::Voided | ChargeState::Refunded => None,
                ChargeState::Authorised => {
                    let letting_go = self.provider.void(&charge.reference, charge.amount);
                    self.within_deadline(letting_go).await?;
                    Some(charge.reference)
                }
                ChargeState::Captured => {
                    return Err(Halt::Unknown("captured, but its order refuses it".into()));
                }
            },
        };
        Ok(self
            .advance(payment, State::Voided { reference }, told)
            .await?)
    }

    /// The pivot: once the stock is sold there is no way back, and before that no money is taken.
    async fn settle(&self, payment: &Payment, reference: String) -> Moved {
        let to = if self.sell(payment.order_id).await? {
            let taking = self.provider.capture(&reference, payment.amount);
            self.within_deadline(taking).await?;
            State::Captured {
                reference,
                refund_wanted: false,
            }
        } else {
            let letting_go = self.provider.void(&reference, payment.amount);
            self.within_deadline(letting_go).await?;
            State::Voided {
                reference: Some(reference),
            }
        };
        Ok(self.advance(payment, to, false).await?)
    }

    /// Turns the order's reservation into a sale; false if it ended otherwise.
    async fn sell(&self, order_id: OrderId) -> Result<bool, BoxError> {
        let wish = Resolve {
            order_id,
            to: ReservationState::Committed,
            actor: Actor::System.label(),
        };
        let answers = self.catalog.resolve_all(vec![wish]).await;
        match answers.into_iter().next() {
            Some(Ok(())) => Ok(true),
            Some(Err(ResolveError::Unknown)) => Ok(false),
            Some(Err(ResolveError::Resolved(state))) => match state {
                ReservationState::Committed => Ok(true),
                ReservationState::Released
                | ReservationState::Expired
                | ReservationState::Returned => Ok(false),
                ReservationState::Open => Err("a reservation is open and does not sell".into()),
            },
            Some(Err(error @ ResolveError::Internal(_))) => Err(Box::new(error)),
            None => Err("the catalog gave no answer".into()),
        }
    }

    /// Tells the order the end. One that wants no money gets none: what was captured goes back.
    async fn tell(&self, payment: &Payment, end: PaymentEnd) -> Moved {
        let told = self
            .orders
            .end_payment(payment.order_id, payment.id, end)
            .await;
        match (told.map_err(refusal), &payment.state) {
            (Err(Halt::Refused(refusal)), State::Captured { reference, .. }) => {
                tracing::error!(
                    payment.id = %payment.id, order.id = %payment.order_id, error = %refusal,
                    "payment {} was captured and its order refuses it: it is given back", payment.id
                );
                let to = State::Captured {
                    reference: reference.clone(),
                    refund_wanted: true,
                };
                Ok(self.advance(payment, to, false).await?)
            }
            // Nobody waits for this end.
            (Ok(_) | Err(Halt::Refused(_)), _) => self.mark_told(payment).await,
            (Err(unknown @ Halt::Unknown(_)), _) => Err(unknown),
        }
    }

    async fn give_back(&self, payment: &Payment, reference: String) -> Moved {
        let key = payment.refund_key();
        let giving = self.provider.refund(&reference, payment.amount, &key);
        self.within_deadline(giving).await?;
        Ok(self
            .advance(payment, State::Refunded { reference }, false)
            .await?)
    }

    async fn note_refund(&self, payment: &Payment) -> Moved {
        let noted = self.orders.note_refund(payment.order_id, payment.id).await;
        match noted.map_err(refusal) {
            Ok(()) | Err(Halt::Refused(_)) => self.mark_told(payment).await,
            Err(unknown @ Halt::Unknown(_)) => Err(unknown),
        }
    }

    async fn mark_told(&self, payment: &Payment) -> Moved {
        let told = self.store.mark_told(payment, self.clock.now()).await;
        Ok(told.map_err(BoxError::from)?)
    }

    async fn within_deadline<T>(
        &self,
        call: impl Future<Output = Result<T, BoxError>> + Send,
    ) -> Result<T, BoxError> {
        let deadline = Duration::from_millis(self.config.provider_timeout_ms);
        match tokio::time::timeout(deadline, call).await {
            Ok(answer) => answer,
            Err(_) => Err("the provider did not answer in time".into()),
        }
    }

    async fn put_off(&self, payment: &Payment, error: &BoxError) {
        let until = later(self.clock.now(), retry_delay_ms(payment.tries));
        tracing::warn!(
            payment.id = %payment.id, order.id = %payment.order_id, tries = payment.tries,
            payment.status = payment.state.status().as_str(), error = %error,
            "payment {} waits: a step's outcome is not known", payment.id
        );
        if let Err(error) = self.store.postpone(payment, until).await {
            // Its head start ends anyway, and then the sweeper takes it up.
            tracing::warn!(payment.id = %payment.id, error = %error, "a payment was not put off");
        }
    }
}

/// What an order's error means; whatever is no plain no leaves the outcome unknown.
fn refusal(error: OrderError) -> Halt {
    match error {
        OrderError::NotFound | OrderError::Forbidden => Halt::Refused(PayError::NotFound),
        OrderError::IllegalTransition { from, .. } => Halt::Refused(PayError::NotPayable(from)),
        OrderError::PaymentInProgress => Halt::Refused(PayError::InProgress),
        OrderError::Invalid { .. } | OrderError::Overloaded | OrderError::Internal(_) => {
            Halt::Unknown(Box::new(error))
        }
    }
}
