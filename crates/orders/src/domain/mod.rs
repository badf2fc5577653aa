//! The rules of orders: pure. No clock, no store, no network.

pub mod cart;
pub mod order;
pub(crate) mod shipment;
pub mod status;
pub(crate) mod story;
pub(crate) mod wish;
