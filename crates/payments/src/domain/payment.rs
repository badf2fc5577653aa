//! A payment: its states, the moves between them, and the one step that comes next from each.
//! Decides only; it asks nobody and keeps nothing.

use contracts::{
    orders::{PaymentEnd, Reader},
    payments::{PaymentStatus, PaymentView},
    values::{Money, OrderId, PaymentId, Timestamp, Version},
};

/// How long whoever moves a payment is left alone with it before the sweeper takes it up.
pub const HEAD_START_MS: i64 = 8_000;

const RETRY_DELAY_MAX_MS: i64 = 60_000;

/// Where a payment stands, with what is known only there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Pending,
    Authorised {
        reference: String,
    },
    Captured {
        reference: String,
        refund_wanted: bool,
    },
    Declined {
        code: String,
    },
    /// With a reference if the provider ever held the money; without, the order refused the payment
    /// before the provider was asked.
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
    /// Sell the stock, then take the money; or let the money go.
    Settle { reference: String },
    /// Tell the order how it ended.
    Tell(PaymentEnd),
    /// Give the money back.
    Refund { reference: String },
    /// Tell the order that the money was given back.
    NoteRefund,
    /// Nothing: all is done.
    Rest,
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
    /// How often the next step was tried without an outcome.
    pub tries: u32,
    /// Whether the order knows the end.
    pub told: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl State {
    pub const fn status(&self) -> PaymentStatus {
        match self {
            Self::Pending => PaymentStatus::Pending,
            Self::Authorised { .. } => PaymentStatus::Authorised,
            Self::Captured { .. } => PaymentStatus::Captured,
            Self::Declined { .. } => PaymentStatus::Declined,
            Self::Voided { .. } => PaymentStatus::Voided,
            Self::Refunded { .. } => PaymentStatus::Refunded,
        }
    }

    /// The table of moves.
    pub const fn may_become(&self, to: &Self) -> bool {
        match self {
            Self::Pending => matches!(
                to,
                Self::Authorised { .. } | Self::Declined { .. } | Self::Voided { .. }
            ),
            Self::Authorised { .. } => matches!(
                to,
                Self::Captured {
                    refund_wanted: false,
                    ..
                } | Self::Voided { reference: Some(_) }
            ),
            Self::Captured {
                refund_wanted: false,
                ..
            } => {
                matches!(
                    to,
                    Self::Captured {
                        refund_wanted: true,
                        ..
                    }
                )
            }
            Self::Captured {
                refund_wanted: true,
                ..
            } => matches!(to, Self::Refunded { .. }),
            Self::Voided { reference: None } => matches!(to, Self::Pending),
            Self::Voided { reference: Some(_) } | Self::Declined { .. } | Self::Refunded { .. } => {
                false
            }
        }
    }
}

impl Payment {
    /// The one step that comes next.
    pub fn next_step(&self) -> Step {
        match &self.state {
            State::Pending => Step::Authorise,
            State::Authorised { reference } => Step::Settle {
                reference: reference.clone(),
            },
            State::Captured {
                reference,
                refund_wanted: true,
            } => Step::Refund {
                reference: reference.clone(),
            },
            State::Captured { .. } if !self.told => Step::Tell(PaymentEnd::Paid),
            State::Declined { .. } | State::Voided { .. } if !self.told => {
                Step::Tell(PaymentEnd::Failed)
            }
            State::Refunded { .. } if !self.told => Step::NoteRefund,
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

    pub fn refund_key(&self) -> String {
        format!("refund:{}", self.id)
    }

    pub fn view(&self) -> PaymentView {
        let decline_code = match &self.state {
            State::Declined { code } => Some(code.clone()),
            State::Pending
            | State::Authorised { .. }
            | State::Captured { .. }
            | State::Voided { .. }
            | State::Refunded { .. } => None,
        };
        PaymentView {
            id: self.id,
            order_id: self.order_id,
            version: self.version,
            status: self.state.status(),
            amount: self.amount,
            decline_code,
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

/// After how long to try again: 1, 2, 4 ... 60 seconds.
pub fn retry_delay_ms(tries: u32) -> i64 {
    2_i64
        .saturating_pow(tries.min(6))
        .saturating_mul(1_000)
        .min(RETRY_DELAY_MAX_MS)
}

/// This many milliseconds later.
pub const fn later(at: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_ms(at.as_ms().saturating_add(ms))
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
                refund_wanted: false,
            },
            State::Captured {
                reference: reference(),
                refund_wanted: true,
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
            tries: 0,
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
            [PaymentStatus::Authorised],
            "money is taken from one state only"
        );
    }

    #[test]
    fn a_payment_rests_only_when_its_order_knows() {
        for state in states() {
            let ended = !matches!(state, State::Pending | State::Authorised { .. });
            let due = matches!(
                state,
                State::Captured {
                    refund_wanted: true,
                    ..
                }
            );
            assert_ne!(payment(state.clone(), false).next_step(), Step::Rest);
            if ended && !due {
                assert_eq!(payment(state, true).next_step(), Step::Rest);
            }
        }
    }

    #[test]
    fn retries_slow_down_to_one_a_minute() {
        let delays: Vec<i64> = (0..9).map(|tries| retry_delay_ms(tries) / 1_000).collect();
        assert_eq!(delays, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
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
