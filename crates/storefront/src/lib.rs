//! The pages for shoppers and for those who run the shop: forms first; one script makes an order's page move, one is
//! for cards. A page calls the shop through the contracts' traits, and pages for staff through the API's own routes
//! (ADR 83). It must never open a store, decide a price, or write HTML outside an auto-escaped template.

pub mod demo;
mod pages;
mod pictures;
mod view;
mod words;

pub use pages::{News, routes};
pub use words::Language;
pub(crate) use words::{around, marked, t, t1, t2};

use axum::Router;
use contracts::{
    audit::Auditor,
    catalog::Catalog,
    house::{Asked, Backups, Neighbours},
    identity::Identity,
    orders::Orders,
    payments::Payments,
};
use platform::{
    balance::Pools,
    config::Shown,
    http::{Readiness, cookies::Cookies},
};
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
    /// The API, as it stands behind the door: asked in the name of whoever is signed in.
    pub api: Router,
    /// What admins are shown of the process.
    pub house: House,
    /// Who listens to news of orders.
    pub news: News,
    /// The name over the door.
    pub shop_name: String,
    /// What those are answered in who ask for no language that the pages speak.
    pub language: Language,
    /// What stands above every page; empty: nothing.
    pub notice: String,
    /// Who this shop is at Stripe, as everybody may know: with it the pages have a field for cards.
    pub card_key: Option<String>,
    /// How long an order that is not paid holds its stock.
    pub payment_window_seconds: u32,
    /// Names and flags of the cookies.
    pub cookies: Cookies,
}

/// The process that serves the pages, as admins are shown it. No secret is in it.
#[derive(Clone)]
pub struct House {
    /// The release.
    pub version: &'static str,
    /// Which parts of the shop run in it.
    pub target: String,
    /// Where the shop is seen from outside.
    pub public_url: String,
    /// How everything is that it depends on.
    pub readiness: Readiness,
    /// What things are kept in.
    pub stores: Vec<(&'static str, &'static str)>,
    /// The other nodes that it asks.
    pub pools: Pools,
    /// Who knows the nodes that share its database, if it has one.
    pub neighbours: Option<Arc<dyn Neighbours>>,
    /// Who makes backups at the push of a button, where that can be.
    pub backups: Option<Arc<dyn Backups>>,
    /// Writes what it counts, as whoever scrapes it reads that.
    pub measured: fn() -> String,
    /// What programs asked of it last, newest first.
    pub asked: fn() -> Vec<Asked>,
    /// How it is set, as TOML; what is secret is masked.
    pub settings: Shown,
    /// How a backup is made, in words.
    pub backup: String,
}
