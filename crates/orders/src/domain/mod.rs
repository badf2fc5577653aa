//! The rules of orders: pure. No clock, no store, no network.

pub mod cart;
pub mod discount;
pub(crate) mod letter;
pub mod order;
pub(crate) mod paper;
pub(crate) mod papers;
pub mod pricing;
pub(crate) mod returned;
pub(crate) mod shipment;
pub mod shipping;
pub mod status;
pub(crate) mod story;
pub(crate) mod wish;
