//! TLS at the shop's own door: who gets in and how, certificates that are exchanged under way, and pairs that no shop
//! starts with.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on should stop"
)]

mod caller;
mod door;
mod exchange;
mod manners;
mod refusals;
