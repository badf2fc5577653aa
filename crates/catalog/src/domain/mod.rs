//! The catalog's rules: pure values in, pure values out. No clock, no storage, no runtime.

pub(crate) mod attributes;
pub(crate) mod category;
pub(crate) mod change;
pub(crate) mod document;
pub(crate) mod edited;
pub(crate) mod lineup;
pub(crate) mod picture;
pub mod price_list;
pub mod reservation;
pub(crate) mod review;
pub(crate) mod schedule;
pub(crate) mod scope;
pub(crate) mod search;
pub mod shelf;
pub(crate) mod slug;
pub(crate) mod stock;
pub(crate) mod text;
