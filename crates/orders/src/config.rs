//! The settings of orders. Read by `platform::config`, never from the environment here.

use crate::domain::{
    phrases::Phrases,
    tax::{TaxMode, TaxRounding},
};
use contracts::orders::OrderMailKind;
use contracts::values::{Country, ValueError};
use serde::{Deserialize, Serialize};

/// Every key with its default and what it is for.
pub const DEFAULTS: &str = include_str!("config.toml");

/// A country, or none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Home(pub Option<Country>);

impl TryFrom<String> for Home {
    type Error = ValueError;
    fn try_from(text: String) -> Result<Self, ValueError> {
        let code = Some(text.as_str()).filter(|text| !text.is_empty());
        code.map(Country::parse).transpose().map(Self)
    }
}

impl From<Home> for String {
    fn from(home: Home) -> String {
        home.0.map(Self::from).unwrap_or_default()
    }
}

/// The section `[orders]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// How long an unpaid order holds its stock.
    pub payment_window_seconds: u32,
    /// How long after that a reservation without an order is given back.
    pub orphan_grace_seconds: u32,
    /// Lines one order may have.
    pub lines_max: u32,
    /// The largest body of an order.
    pub body_bytes_max: u32,
    /// Orders that may wait to be written.
    pub place_queue_max: u32,
    /// Orders written in one commit.
    pub place_batch_max: u32,
    /// Lines written in one commit.
    pub place_batch_lines_max: u32,
    /// Batches at work at a time; 0 is what suits the database.
    pub place_batches_in_flight_max: u32,
    /// Lines one cart may hold.
    pub cart_lines_max: u32,
    /// Open carts that guests from one address may have.
    pub carts_per_address_max: u32,
    /// How long a cart is kept after its last change.
    pub cart_keep_seconds: u32,
    /// Whether an order must say how it is shipped.
    pub shipping_required: bool,
    /// Whether orders have taxes, and whether they are in the prices.
    pub tax: TaxMode,
    /// Where a half of a minor unit of tax goes.
    pub tax_rounding: TaxRounding,
    /// Whose taxes orders have that say no address.
    pub tax_country: Home,
    /// How old what is known of discounts that are given by themselves may be.
    pub automatic_discounts_age_ms_max: u32,
    /// How often unpaid orders are looked through.
    pub sweep_every_ms: u32,
    /// What buyers are written about.
    pub mails: Mails,
    /// What stands on papers.
    pub papers: Papers,
}

/// The section `[orders.papers]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Papers {
    /// Who sells, line by line.
    pub seller: Vec<String>,
}

/// The section `[orders.mails]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mails {
    /// About what.
    pub kinds: Vec<OrderMailKind>,
    /// How long an order waits for its money before its buyer is reminded that it is there.
    pub received_after_seconds: u32,
    /// Mails that may wait to go.
    pub waiting_max: u32,
    /// What they say. On the heap: it is much, and settings travel by value.
    pub words: Box<Phrases>,
}

impl Mails {
    /// Whether buyers are written about this.
    pub(crate) fn sends(&self, kind: OrderMailKind) -> bool {
        self.kinds.contains(&kind)
    }
}
