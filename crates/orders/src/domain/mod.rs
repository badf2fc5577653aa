//! The rules of orders: pure. No clock, no store, no network.

pub mod cart;
pub mod discount;
pub(crate) mod earlier;
pub(crate) mod letter;
pub mod offers;
pub mod order;
pub(crate) mod paper;
pub(crate) mod papers;
pub(crate) mod phrases;
pub mod pricing;
pub mod promotion;
pub mod rate;
pub(crate) mod returned;
pub(crate) mod shipment;
pub mod shipping;
pub mod status;
pub(crate) mod story;
pub mod tariff;
pub mod tax;
pub(crate) mod wish;
