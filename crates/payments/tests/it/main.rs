//! Payments from outside: the real service over real files, with fakes for orders and catalog only.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod callbacks;
mod crash;
mod desk;
mod fakes;
mod giving_back;
mod http;
mod nodes;
mod paying;
mod refunds;
mod returns;
mod shop;
mod strangers;
mod stripe;
mod stripe_faults;
