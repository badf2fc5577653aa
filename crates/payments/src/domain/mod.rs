//! The rules of payments: states, moves, what comes next. Pure: no clock, no storage, no provider.

mod charge;
mod payment;

pub use charge::{Charge, ChargeState};
pub use payment::{
    HEAD_START_MS, Intent, Payment, State, Step, later, retry_delay_ms, scope,
};
