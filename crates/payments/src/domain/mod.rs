//! The rules of payments: states, moves, what comes next. Pure: no clock, no storage, no provider.

mod charge;
pub(crate) mod ledger;
mod payment;
mod progress;
mod refund;

pub(crate) use charge::{Charge, ChargeState};
pub(crate) use payment::{Intent, Payment, State, Step, scope};
pub(crate) use progress::{Progress, REFUSALS_MAX, absurd_after, later, lease_end, retry_delay_ms};
pub(crate) use refund::{Refund, RefundIntent, Stage, decide};
