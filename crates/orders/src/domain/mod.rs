//! The rules of orders: pure. No clock, no store, no network.

pub mod cart;
pub mod discount;
pub mod offers;
pub mod order;
pub mod pricing;
pub mod promotion;
pub mod rate;
pub(crate) mod shipment;
pub mod shipping;
pub mod status;
pub(crate) mod story;
pub mod tariff;
pub mod tax;
pub(crate) mod wish;
