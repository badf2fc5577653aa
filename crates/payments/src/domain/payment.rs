//! A payment: its states, the moves between them, and the one step that comes next from each.
//! Decides only; it asks nobody and keeps nothing.

use super::{charge::Asked, progress::Progress};
use contracts::{
    orders::{PaymentEnd, Reader},
    payments::{PaymentStatus, PaymentView},
    values::{Money, OrderId, PaymentId, Timestamp, Version},
};

/// Where a payment stands, with what is known only there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Pending,
    /// The provider wants a proof of the buyer, until this moment.
    Challenged {
        reference: String,
        url: String,
        due: Timestamp,
    },
    Authorised {
        reference: String,
    },
    Captured {
        reference: String,
    },
    Declined {
        code: String,
    },
    /// With a reference if the provider knows of it; without, the order refused the payment before the
    /// provider was asked.
    Voided {
        reference: Option<String>,
    },
    Refunded {
        reference: String,
    },
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Tie the payment to its order and have the provider hold the money.
    Authorise,
    /// Ask the provider whether the buyer proved what it wanted.
    LookUp { due: Timestamp },
    /// Make sure that the provider can take nothing any more.
    Fence,
    /// Sell the stock, then take the money; or let the money go.
    Settle { reference: String },
    /// Tell the order how it ended.
    Tell(PaymentEnd),
    /// Nothing: all is done.
    Rest,
}

impl Step {
    /// The word people see.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Authorise => "authorise",
            Self::LookUp { .. } => "wait_for_proof",
            Self::Fence => "fence",
            Self::Settle { .. } => "settle",
            Self::Tell(_) => "tell_order",
            Self::Rest => "done",
        }
    }
}

/// A payment that is about to begin.
#[derive(Debug, Clone)]
pub struct Intent {
    pub id: PaymentId,
    pub order_id: OrderId,
    pub fingerprint: [u8; 32],
    pub amount: Money,
    pub method: String,
}

/// A payment as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub order_id: OrderId,
    pub fingerprint: [u8; 32],
    pub version: Version,
    pub state: State,
    pub amount: Money,
    pub method: String,
    /// Whether somebody gave it up.
    pub void_wanted: bool,
    /// Whether its money came after it had ended without.
    pub late: bool,
    /// What of it was promised or given back.
    pub refunding_minor: i64,
    /// What of it was given back.
    pub refunded_minor: i64,
    pub progress: Progress,
    /// Whether the order knows the end.
    pub told: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl State {
    pub const fn status(&self) -> PaymentStatus {
        match self {
            Self::Pending => PaymentStatus::Pending,
            Self::Challenged { .. } => PaymentStatus::RequiresAction,
            Self::Authorised { .. } => PaymentStatus::Authorised,
            Self::Captured { .. } => PaymentStatus::Captured,
            Self::Declined { .. } => PaymentStatus::Declined,
            Self::Voided { .. } => PaymentStatus::Voided,
            Self::Refunded { .. } => PaymentStatus::Refunded,
        }
    }

    /// The table of moves. Money that comes after the end is taken in, to be given back.
    pub const fn may_become(&self, to: &Self) -> bool {
        match self {
            Self::Pending => matches!(
                to,
                Self::Challenged { .. }
                    | Self::Authorised { .. }
                    | Self::Declined { .. }
                    | Self::Voided { .. }
            ),
            Self::Challenged { .. } => matches!(
                to,
                Self::Authorised { .. }
                    | Self::Declined { .. }
                    | Self::Voided { reference: Some(_) }
            ),
            Self::Authorised { .. } => matches!(
                to,
                Self::Captured { .. } | Self::Voided { reference: Some(_) }
            ),
            Self::Captured { .. } => matches!(to, Self::Refunded { .. }),
            Self::Voided { reference: None } => matches!(to, Self::Pending | Self::Captured { .. }),
            Self::Voided { reference: Some(_) } | Self::Declined { .. } => {
                matches!(to, Self::Captured { .. })
            }
            Self::Refunded { .. } => false,
        }
    }

    /// The provider's name for it, once it has one.
    pub fn reference(&self) -> Option<&str> {
        match self {
            Self::Challenged { reference, .. }
            | Self::Authorised { reference }
            | Self::Captured { reference }
            | Self::Refunded { reference } => Some(reference),
            Self::Voided { reference } => reference.as_deref(),
            Self::Pending | Self::Declined { .. } => None,
        }
    }

    /// Whether it ended without any money being taken.
    pub const fn ended_without_money(&self) -> bool {
        matches!(self, Self::Declined { .. } | Self::Voided { .. })
    }
}

impl Payment {
    /// The one step that comes next. Once the money is held there is no giving up: from there it goes forward, and
    /// back only as a refund.
    pub fn next_step(&self) -> Step {
        match &self.state {
            State::Pending | State::Challenged { .. } if self.void_wanted => Step::Fence,
            State::Pending => Step::Authorise,
            State::Challenged { due, .. } => Step::LookUp { due: *due },
            State::Authorised { reference } => Step::Settle {
                reference: reference.clone(),
            },
            // Money that came too late pays nothing: its order is free for another payment.
            State::Captured { .. } | State::Refunded { .. } if !self.told && self.late => {
                Step::Tell(PaymentEnd::Failed)
            }
            State::Captured { .. } | State::Refunded { .. } if !self.told => {
                Step::Tell(PaymentEnd::Paid)
            }
            State::Declined { .. } | State::Voided { .. } if !self.told => {
                Step::Tell(PaymentEnd::Failed)
            }
            State::Captured { .. }
            | State::Declined { .. }
            | State::Voided { .. }
            | State::Refunded { .. } => Step::Rest,
        }
    }

    /// Whether a repeated wish begins it again: it was refused before the provider was asked, and
    /// refusals are not kept.
    pub const fn may_begin_again(&self) -> bool {
        matches!(self.state, State::Voided { reference: None })
    }

    /// The key under which the provider knows it, for ever.
    pub fn provider_key(&self) -> String {
        self.id.to_string()
    }

    /// How the provider is asked for its charge.
    pub fn asked(&self) -> Asked {
        Asked {
            key: self.provider_key(),
            reference: self.state.reference().map(str::to_owned),
            amount: self.amount,
            method: self.method.clone(),
            since: self.created_at,
        }
    }

    /// What can still be given back, in minor units.
    pub const fn left_minor(&self) -> i64 {
        self.amount.minor.saturating_sub(self.refunding_minor)
    }

    pub fn view(&self) -> PaymentView {
        let (decline_code, next_action) = match &self.state {
            State::Declined { code } => (Some(code.clone()), None),
            State::Challenged { url, .. } => (None, Some(url.clone())),
            State::Pending
            | State::Authorised { .. }
            | State::Captured { .. }
            | State::Voided { .. }
            | State::Refunded { .. } => (None, None),
        };
        PaymentView {
            id: self.id,
            order_id: self.order_id,
            version: self.version,
            status: self.state.status(),
            amount: self.amount,
            refunded: Money::new(self.refunded_minor, self.amount.currency),
            decline_code,
            next_action,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// Within what an idempotency key means one thing: the user, or for guests the order.
pub fn scope(who: &Reader, order_id: OrderId) -> String {
    let owner = who.principal.as_ref().map_or_else(
        || order_id.to_string(),
        |principal| principal.user_id.to_string(),
    );
    format!("{owner} POST /api/v1/payments")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn states() -> Vec<State> {
        let reference = || "ch_1".to_owned();
        vec![
            State::Pending,
            State::Authorised {
                reference: reference(),
            },
            State::Captured {
                reference: reference(),
            },
            State::Challenged {
                reference: reference(),
                url: "https://prove.example".to_owned(),
                due: Timestamp::from_ms(9),
            },
            State::Declined {
                code: "card_declined".to_owned(),
            },
            State::Voided { reference: None },
            State::Voided {
                reference: Some(reference()),
            },
            State::Refunded {
                reference: reference(),
            },
        ]
    }

    fn payment(state: State, told: bool) -> Payment {
        Payment {
            id: PaymentId::from_bytes([1; 16]),
            order_id: OrderId::from_bytes([2; 16]),
            fingerprint: [0; 32],
            version: Version::FIRST,
            state,
            amount: Money::new(100, "USD".parse().unwrap()),
            method: "tok_ok".to_owned(),
            void_wanted: false,
            late: false,
            refunding_minor: 0,
            refunded_minor: 0,
            progress: Progress::default(),
            told,
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
        }
    }

    #[test]
    fn every_state_is_reached_and_money_never_comes_back_by_itself() {
        let all = states();
        let mut reached: HashSet<usize> = HashSet::from([0]);
        for _ in 0..all.len() {
            let next: Vec<usize> = (0..all.len())
                .filter(|to| reached.iter().any(|from| all[*from].may_become(&all[*to])))
                .collect();
            reached.extend(next);
        }
        assert_eq!(reached.len(), all.len(), "no state is unreachable");
        let takes = |from: &&State| from.may_become(&all[2]);
        assert_eq!(
            all.iter()
                .filter(takes)
                .map(State::status)
                .collect::<Vec<_>>(),
            [
                PaymentStatus::Authorised,
                PaymentStatus::Declined,
                PaymentStatus::Voided,
                PaymentStatus::Voided
            ],
            "money is taken when it is held; else it came late, and goes back"
        );
    }

    #[test]
    fn a_payment_rests_only_when_its_order_knows() {
        for state in states() {
            let ended = !matches!(
                state,
                State::Pending | State::Challenged { .. } | State::Authorised { .. }
            );
            assert_ne!(payment(state.clone(), false).next_step(), Step::Rest);
            if ended {
                assert_eq!(payment(state, true).next_step(), Step::Rest);
            }
        }
    }

    #[test]
    fn money_that_came_too_late_pays_nothing() {
        let captured = State::Captured {
            reference: "ch_1".to_owned(),
        };
        let in_time = payment(captured, false);
        let late = Payment {
            late: true,
            ..in_time.clone()
        };
        assert_eq!(in_time.next_step(), Step::Tell(PaymentEnd::Paid));
        assert_eq!(late.next_step(), Step::Tell(PaymentEnd::Failed));
    }

    #[test]
    fn a_payment_given_up_is_fenced_until_its_money_is_held() {
        for state in states() {
            let fenced = matches!(state, State::Pending | State::Challenged { .. });
            let given_up = Payment {
                void_wanted: true,
                ..payment(state, false)
            };
            assert_eq!(given_up.next_step() == Step::Fence, fenced, "{given_up:?}");
        }
    }

    #[test]
    fn a_key_means_one_thing_for_a_user_and_another_for_each_guest_order() {
        let order = |byte| OrderId::from_bytes([byte; 16]);
        let guest = Reader {
            principal: None,
            order_token: Some("t".to_owned()),
        };
        assert_ne!(scope(&guest, order(1)), scope(&guest, order(2)));
    }
}
