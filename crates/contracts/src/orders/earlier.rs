//! Earlier orders: records of what was bought at another shop, before this one. They hold no stock, nobody pays them
//! and nobody is written to; they never move.

use crate::values::{
    Currency, Cursor, EarlierOrderId, Money, PageSize, Timestamp, UserId, ValueError,
};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Records to be brought along.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportEarlierOrders {
    /// Whether to say only what would become of them.
    #[serde(default)]
    pub dry_run: bool,
    /// What the other shop is called, 1 to 60 characters. With a record's number it says which record it is.
    #[schema(min_length = 1, max_length = 60)]
    pub source: String,
    /// The records, 1 to 100.
    #[schema(min_items = 1, max_items = 100)]
    pub rows: Vec<ImportEarlierOrder>,
}

/// One record. What it says must add up: lines, shipping and tax, less the discount, are the total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportEarlierOrder {
    /// What the other shop called it, 1 to 60 characters.
    #[schema(min_length = 1, max_length = 60)]
    pub number: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Whose it was: it is shown to whoever proves that this address is theirs.
    #[serde(default)]
    pub email: Option<String>,
    /// What the other shop called the customer, up to 120 characters.
    #[serde(default)]
    pub customer_ref: Option<String>,
    /// Where it ended.
    pub status: EarlierStatus,
    /// In which currency all its sums are.
    pub currency: Currency,
    /// What was bought, 1 to 2,000 lines.
    #[schema(min_items = 1, max_items = 2_000)]
    pub lines: Vec<ImportEarlierLine>,
    /// What shipping cost, in minor units.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub shipping_minor: i64,
    /// Tax that was added to the prices, in minor units.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub tax_minor: i64,
    /// What was taken off, in minor units.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub discount_minor: i64,
    /// What it cost in all, in minor units.
    #[schema(minimum = 0)]
    pub total_minor: i64,
    /// How much of it went back, in minor units.
    #[serde(default)]
    #[schema(minimum = 0)]
    pub refunded_minor: i64,
}

/// A line of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportEarlierLine {
    /// Its article number there, 1 to 64 characters.
    #[schema(min_length = 1, max_length = 64)]
    pub sku: String,
    /// What it was called, up to 300 characters; as its number when absent.
    #[serde(default)]
    pub name: Option<String>,
    /// How many.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    pub quantity: i64,
    /// What one cost, in minor units.
    #[schema(minimum = 0)]
    pub unit_price_minor: i64,
}

/// Where a record ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EarlierStatus {
    /// It arrived.
    Delivered,
    /// It was called off.
    Cancelled,
    /// All of its money went back.
    Refunded,
}

impl EarlierStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Delivered, Self::Cancelled, Self::Refunded];

    /// The word in JSON and storage.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }
}

impl FromStr for EarlierStatus {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let known = Self::ALL.into_iter().find(|one| one.as_str() == text);
        known.ok_or_else(|| ValueError::new(format!("`{text}` is no status of an earlier order")))
    }
}

/// A record as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EarlierOrderView {
    /// Its id.
    pub id: EarlierOrderId,
    /// What the other shop is called.
    pub source: String,
    /// What it called the order.
    pub number: String,
    /// Whose it is, if their address was shown to be theirs.
    pub customer_id: Option<UserId>,
    /// What the other shop called the customer.
    pub customer_ref: Option<String>,
    /// Where it ended.
    pub status: EarlierStatus,
    /// What was bought.
    pub lines: Vec<EarlierLineView>,
    /// What shipping cost.
    pub shipping: Money,
    /// Tax that was added to the prices.
    pub tax: Money,
    /// What was taken off.
    pub discount: Money,
    /// What it cost in all.
    pub total: Money,
    /// How much of it went back.
    pub refunded: Money,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it was brought along.
    pub imported_at: Timestamp,
}

/// A line of a record as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EarlierLineView {
    /// Its article number there.
    pub sku: String,
    /// What it was called.
    pub name: String,
    /// How many.
    pub quantity: i64,
    /// What one cost.
    pub unit_price: Money,
}

/// Which records, those that were placed last first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EarlierOrderQuery {
    /// Only this customer's; others than admins see their own in any case.
    pub customer_id: Option<UserId>,
    /// Only those of this shop.
    pub source: Option<String>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// What the records of one shop in one currency add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EarlierTotals {
    /// What the other shop is called.
    pub source: String,
    /// How many records.
    pub orders: i64,
    /// How many lines they have.
    pub lines: i64,
    /// How many units.
    pub units: i64,
    /// The sum of their totals, of those that were called off as well.
    pub total: Money,
    /// How much of it went back.
    pub refunded: Money,
}
