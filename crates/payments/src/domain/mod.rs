//! The rules of payments: states, moves, what comes next. Pure: no clock, no storage, no provider.

mod card;
mod charge;
pub mod ledger;
mod payment;
mod progress;
mod refund;

pub use card::holds_card_number;
pub use charge::{Asked, Charge, ChargeState};
pub use payment::{Intent, Payment, State, Step, scope};
pub use progress::{Progress, REFUSALS_MAX, absurd_after, later, lease_end, retry_delay_ms};
pub use refund::{Refund, RefundIntent, Stage, decide};
