//! Moves a payment forward from wherever it stands, each step safe to repeat: the intent is committed before
//! the order and the provider hear of it, and each answer is committed before the next step begins.
//! It never guesses an outcome that was not told.

use super::{
    Core,
    halt::{Halt, refusal},
};
use crate::{
    domain::{Charge, ChargeState, Payment, State, Step, later, ledger},
    store::Review,
};
use contracts::{
    BoxError,
    access::Actor,
    catalog::{ReservationState, Resolve, ResolveError},
    orders::{BeginPayment, PaymentEnd, Settlement},
    payments::PayError,
    values::{OrderId, Timestamp},
};
use platform::{fault, trail};

/// More steps than any payment takes.
const STEPS_MAX: u32 = 12;

/// How often a provider is asked for a proof that it did not call back about.
const PROOF_EVERY_MS: i64 = 15_000;

/// What a provider's refusal is called that says no more.
const DECLINE_CODE: &str = "card_declined";

fn decline_code(told: Option<String>) -> String {
    told.unwrap_or_else(|| DECLINE_CODE.to_owned())
}

/// The payment after a step; `None` if somebody else moved it meanwhile.
type Moved = Result<Option<Payment>, Halt>;

impl Core {
    /// Moves a payment that this process has the lease of as far as it goes now. An error means that its order
    /// refused it; where an outcome is not known, the payment stays where it is and is taken up again later.
    pub(super) async fn drive(&self, mut payment: Payment) -> Result<Payment, PayError> {
        let fence = payment.progress.fence;
        for _ in 0..STEPS_MAX {
            let step = payment.next_step();
            if step == Step::Rest {
                break;
            }
            let moved = match self.take(&payment, step).await {
                Ok(Some(moved)) => Ok(Some(moved)),
                Ok(None) => self
                    .store
                    .payment(payment.id)
                    .await
                    .map_err(|error| Halt::Unknown(Box::new(error))),
                Err(Halt::Refused(refusal)) => return Err(refusal),
                Err(halt) => Err(halt),
            };
            match moved {
                // Whoever raised the fence works at it now.
                Ok(Some(moved)) if moved.progress.fence != fence => return Ok(moved),
                Ok(Some(moved)) => payment = moved,
                Ok(None) => break,
                Err(halt) => {
                    self.put_off(&payment, &halt).await;
                    break;
                }
            }
        }
        Ok(payment)
    }

    async fn take(&self, payment: &Payment, step: Step) -> Moved {
        match step {
            Step::Authorise => self.authorise(payment).await,
            Step::LookUp { due } => self.look_up(payment, due).await,
            Step::Fence => self.fence(payment, false).await,
            Step::Settle { reference } => self.settle(payment, reference).await,
            Step::Tell(end) => self.tell(payment, end).await,
            Step::Rest => Ok(None),
        }
    }

    /// Ties the payment to its order, then asks the provider under the payment's own key.
    async fn authorise(&self, payment: &Payment) -> Moved {
        let wish = BeginPayment {
            order_id: payment.order_id,
            payment_id: payment.id,
            request_id: trail::request_id(),
        };
        let payable = match self.crossings.begin(wish).await.map_err(refusal) {
            Ok(payable) => payable,
            Err(Halt::Refused(refused)) => {
                return match self.withdraw(payment).await? {
                    Some(_) => Err(Halt::Refused(refused)),
                    None => Ok(None),
                };
            }
            Err(halt) => return Err(halt),
        };
        fault::point("settle.begun");
        if payable.total != payment.amount {
            let what = format!("the order costs {}, not {}", payable.total, payment.amount);
            self.have_reviewed("amount_differs", payment, what).await?;
            return self.fence(payment, false).await;
        }
        let asked = payment.asked();
        let charge = self
            .within_deadline(self.provider.authorise(&asked))
            .await?;
        fault::point("settle.authorised_at_provider");
        self.follow(payment, charge).await
    }

    /// Takes in how the charge stands at the provider.
    async fn follow(&self, payment: &Payment, charge: Charge) -> Moved {
        let holds = matches!(
            charge.state,
            ChargeState::Challenged | ChargeState::Authorised | ChargeState::Captured
        );
        if holds && charge.amount != payment.amount {
            let what = format!(
                "the provider holds {}, not {}",
                charge.amount, payment.amount
            );
            self.have_reviewed("amount_differs", payment, what).await?;
            return self.fence(payment, false).await;
        }
        // Taken and given back before we knew of it, as after storage went back in time: it pays for nothing.
        if charge.state == ChargeState::Captured && charge.refunded_minor > 0 {
            return self.give_up_spent(payment, charge).await;
        }
        let to = match (charge.state, charge.action_url) {
            (ChargeState::Challenged, Some(url)) => State::Challenged {
                reference: charge.reference,
                url,
                due: later(payment.created_at, self.config.challenge_ms()),
            },
            (ChargeState::Challenged, None) => {
                return Err(Halt::Poisoned("a challenge without an address".to_owned()));
            }
            (ChargeState::Authorised | ChargeState::Captured, _) => State::Authorised {
                reference: charge.reference,
            },
            (ChargeState::Declined, _) => State::Declined {
                code: decline_code(charge.decline_code),
            },
            (ChargeState::Voided, _) => State::Voided {
                reference: Some(charge.reference),
            },
        };
        let moved = self.advance(payment, to, false).await?;
        fault::point("settle.authorised");
        Ok(moved)
    }

    /// Ends a payment whose charge was given back: nothing is left of it, or a person must look.
    async fn give_up_spent(&self, payment: &Payment, charge: Charge) -> Moved {
        let left = charge.net_minor();
        if left != 0 {
            let what = format!("{left} is left of a charge that we did not know of");
            return Err(Halt::Poisoned(what));
        }
        let reference = Some(charge.reference);
        Ok(self
            .advance(payment, State::Voided { reference }, false)
            .await?)
    }

    /// Asks whether the buyer has proved what was wanted; gives up when their time is over.
    async fn look_up(&self, payment: &Payment, due: Timestamp) -> Moved {
        let found = self.provider.find(vec![payment.asked()]);
        let charge = self
            .within_deadline(found)
            .await?
            .into_iter()
            .next()
            .flatten();
        let Some(charge) = charge else {
            return Err(Halt::Poisoned(
                "the provider has forgotten its challenge".to_owned(),
            ));
        };
        if charge.state != ChargeState::Challenged {
            return self.follow(payment, charge).await;
        }
        let now = self.clock.now();
        if now < due {
            let until = later(now, PROOF_EVERY_MS);
            return Err(Halt::Waits {
                until: if until.as_ms() < due.as_ms() {
                    until
                } else {
                    due
                },
            });
        }
        self.fence(payment, false).await
    }

    /// Makes sure that nothing can be taken any more, and ends the payment as the provider says it ended.
    async fn fence(&self, payment: &Payment, told: bool) -> Moved {
        let asked = payment.asked();
        let charge = self.within_deadline(self.provider.fence(&asked)).await?;
        fault::point("void.at_provider");
        let reference = charge.reference;
        let to = match charge.state {
            ChargeState::Voided => State::Voided {
                reference: Some(reference),
            },
            ChargeState::Declined => State::Declined {
                code: decline_code(charge.decline_code),
            },
            // Taken, and its stock is not there any more: it goes back.
            ChargeState::Captured if matches!(payment.state, State::Authorised { .. }) => {
                if charge.captured_minor != payment.amount.minor {
                    let what = format!("{} was taken", charge.captured_minor);
                    return Err(Halt::Poisoned(what));
                }
                return Ok(self.take_in_late(payment, reference).await?);
            }
            // The money is taken: from here it goes forward only.
            ChargeState::Captured => State::Authorised { reference },
            ChargeState::Challenged | ChargeState::Authorised => {
                return Err(Halt::Poisoned("the provider does not let go".to_owned()));
            }
        };
        let moved = self.advance(payment, to, told).await?;
        fault::point("void.voided");
        Ok(moved)
    }

    /// Gives up a payment that its order refused before the provider was asked. The provider is asked all the same:
    /// it may hold a charge under the payment's key if storage went back in time.
    async fn withdraw(&self, payment: &Payment) -> Moved {
        let found = self.provider.find(vec![payment.asked()]);
        match self
            .within_deadline(found)
            .await?
            .into_iter()
            .next()
            .flatten()
        {
            Some(_) => self.fence(payment, false).await,
            None => Ok(self
                .advance(payment, State::Voided { reference: None }, true)
                .await?),
        }
    }

    /// The pivot: once the stock is sold there is no way back, and before that no money is taken.
    async fn settle(&self, payment: &Payment, reference: String) -> Moved {
        if !self.sell(payment.order_id).await? {
            return self.fence(payment, false).await;
        }
        fault::point("settle.sold");
        let taking = self.provider.capture(&reference, payment.amount);
        let charge = self.within_deadline(taking).await?;
        fault::point("settle.captured_at_provider");
        if charge.captured_minor != payment.amount.minor {
            let what = format!(
                "{} was taken, not {}",
                charge.captured_minor, payment.amount
            );
            self.have_reviewed("amount_differs", payment, what.clone())
                .await?;
            return Err(Halt::Poisoned(what));
        }
        let moved = self
            .advance(payment, State::Captured { reference }, false)
            .await?;
        fault::point("settle.captured");
        Ok(moved)
    }

    /// Turns the order's reservation into a sale; false if it ended otherwise.
    async fn sell(&self, order_id: OrderId) -> Result<bool, Halt> {
        let wish = Resolve {
            order_id,
            to: ReservationState::Committed,
            actor: Actor::System.label(),
        };
        match self.crossings.sell(wish).await {
            Ok(()) => Ok(true),
            Err(ResolveError::Unknown) => Ok(false),
            Err(ResolveError::Resolved(state)) => match state {
                ReservationState::Committed => Ok(true),
                ReservationState::Released
                | ReservationState::Expired
                | ReservationState::Returned => Ok(false),
                ReservationState::Open => Err(Halt::Poisoned(
                    "a reservation is open and does not sell".to_owned(),
                )),
            },
            Err(error @ ResolveError::Internal(_)) => Err(Halt::Unknown(Box::new(error))),
        }
    }

    /// Tells the order the end. One that wants no money gets none: what was captured goes back.
    async fn tell(&self, payment: &Payment, end: PaymentEnd) -> Moved {
        let wish = Settlement {
            order_id: payment.order_id,
            payment_id: payment.id,
            end,
            request_id: trail::request_id(),
        };
        let told = self.crossings.settle(wish).await.map_err(refusal);
        fault::point("settle.told");
        let unwanted = match told {
            Err(Halt::Refused(refusal)) if end == PaymentEnd::Paid => Some(refusal.to_string()),
            Ok(()) | Err(Halt::Refused(_)) if payment.late => Some("it came too late".to_owned()),
            // Nobody waits for this end.
            Ok(()) | Err(Halt::Refused(_)) => None,
            Err(halt) => return Err(halt),
        };
        if let Some(why) = unwanted {
            let what = format!("its order wants no money ({why}): it is given back");
            self.have_reviewed("late_money", payment, what).await?;
            self.begin_rest(payment.id).await?;
        }
        let moved = self.store.mark_told(payment, self.clock.now()).await;
        let moved = moved.map_err(|error| Halt::Unknown(Box::new(error)))?;
        fault::point("settle.told_marked");
        Ok(moved)
    }

    /// Money came for a payment that had ended without, or whose stock is gone: it is booked as what it is, offered to
    /// nobody, and given back.
    pub(super) async fn take_in_late(
        &self,
        payment: &Payment,
        reference: String,
    ) -> Result<Option<Payment>, BoxError> {
        let to = State::Captured { reference };
        let mut change = self.change(to, false);
        change.late = true;
        change.booked = Some(ledger::captured(
            self.provider.name(),
            payment.id,
            payment.amount,
        ));
        self.write(payment, change).await
    }

    async fn have_reviewed(
        &self,
        kind: &'static str,
        payment: &Payment,
        detail: String,
    ) -> Result<(), Halt> {
        tracing::error!(
            payment.id = %payment.id, order.id = %payment.order_id, review.kind = kind,
            "payment {} wants to be looked at: {detail}", payment.id
        );
        let review = Review {
            kind,
            subject: payment.id.to_string(),
            detail,
        };
        let kept = self.store.review(review, self.clock.now()).await;
        kept.map_err(|error| Halt::Unknown(Box::new(error)))
    }
}
