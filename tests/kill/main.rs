//! The real binary, killed and stopped in the middle of its work: whatever was acknowledged is there, whatever
//! was not is done once when it is asked for again, and the books balance. Never relies on a moment: it waits.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests: what cannot be should stop them"
)]

mod bring;
mod broker;
mod crash;
mod feed;
mod import;
mod load;
mod time;
mod webhooks;
