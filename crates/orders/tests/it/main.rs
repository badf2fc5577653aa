//! Orders through their real router: what callers see, and that a refusal leaves nothing behind.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod access;
mod addresses;
mod automatic;
mod bodies;
mod book;
mod carts;
mod currencies;
mod desk;
mod discounts;
mod fakes;
mod guests;
mod http;
mod mails;
mod moves;
mod nodes;
mod papers;
mod paying;
mod races;
mod shipping;
mod shop;
mod sweeping;
mod taxes;
mod thing;
mod till;
