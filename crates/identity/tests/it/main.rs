//! Identity through its own door: the real router, the real store, tokens checked as the gateway checks them.
//! Nothing here looks into tables.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod accounts;
mod admins;
mod api_keys;
mod codes;
mod factors;
mod forgery;
mod input;
mod links;
mod mails;
mod own_sessions;
mod people;
mod races;
mod security;
mod sessions;
mod shop;
mod signing;
mod signing_in;
mod users;
