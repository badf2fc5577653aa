//! The rules of orders: pure. No clock, no store, no network.

pub(crate) mod order;
pub(crate) mod status;
pub(crate) mod story;
pub(crate) mod wish;
