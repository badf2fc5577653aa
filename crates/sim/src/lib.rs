//! A shop in a bottle: the real services over the real SQLite, on one thread, under a clock that only this moves, with
//! faults that follow from a seed. The same seed is the same run. It looks at nothing but answers, audits and the
//! provider's books, and judges nothing itself: that is the checker's. The people who buy there, and what they write
//! down, are lent to tests of real shops.
#![expect(
    clippy::expect_used,
    reason = "a simulation that cannot go on should stop"
)]

mod books;
mod bus;
mod cast;
mod client;
mod desk;
mod net;
pub mod people;
mod plan;
mod ports;
mod process;
mod random;
mod record;
mod unsure;
mod words;
mod world;

pub use axum::{body::Bytes, http};
pub use client::{Town, Way};
pub use plan::{Consumers, Fault, Mood, Plan, Sizes, Tampering, Wrap};
pub use process::Services;
pub use random::Random;
pub use record::{Good, Record};
pub use world::{Run, run};
