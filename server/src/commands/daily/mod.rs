//! Daily work from a terminal, by the public API: what a shop allows its callers is allowed here, whether it runs on
//! this machine or elsewhere. Never opens a shop's files.

pub(super) mod customers;
mod door;
pub(super) mod orders;
pub(super) mod products;
pub(super) mod stock;
mod table;

pub(super) use door::{Door, path, said};
