//! The door from outside: a real router over stub services that record what they were asked.
//! No service of ours runs here.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "tests may panic"
)]

mod accounts;
mod api_keys;
mod cors;
mod door;
mod fakes;
mod limits;
mod orders;
mod products;
mod sessions;
mod shop;
