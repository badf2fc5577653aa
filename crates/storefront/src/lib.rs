//! The pages for shoppers: forms first, no script. A page calls the shop through the contracts'
//! traits only. It must never open a store, decide a price, or write HTML outside an auto-escaped
//! template.

pub mod demo;
mod pages;
mod pictures;
mod view;

pub use pages::routes;

use contracts::{
    audit::Auditor, catalog::Catalog, identity::Identity, orders::Orders, payments::Payments,
};
use platform::http::cookies::Cookies;
use std::sync::Arc;

/// What the pages need of the shop.
#[derive(Clone)]
pub struct App {
    /// Products and categories.
    pub catalog: Arc<dyn Catalog>,
    /// Who people are.
    pub identity: Arc<dyn Identity>,
    /// What people bought.
    pub orders: Arc<dyn Orders>,
    /// How they pay.
    pub payments: Arc<dyn Payments>,
    /// Who verifies the books.
    pub auditor: Arc<dyn Auditor>,
    /// The name over the door.
    pub shop_name: String,
    /// Names and flags of the cookies.
    pub cookies: Cookies,
}
