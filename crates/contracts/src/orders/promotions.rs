//! What a discount takes off, and from which goods.

use crate::values::{CategoryId, ProductId};
use serde::{Deserialize, Serialize};

/// From what a discount takes off.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TakesOff {
    /// From what the lines cost.
    #[default]
    Goods,
    /// From what shipping costs: all of it makes the shipping free.
    Shipping,
}

/// Some products of a shop: those that are named and those of the categories that are. All of them, where neither is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Selection {
    /// These products.
    #[schema(max_items = 100)]
    pub products: Vec<ProductId>,
    /// The products of these categories, and of those below them.
    #[schema(max_items = 100)]
    pub categories: Vec<CategoryId>,
}

/// Buy so many units of these, and get so many of those for less.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BuyGet {
    /// How many units are bought at their price each time.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: u32,
    /// Of which products; of all when absent.
    #[serde(default)]
    pub of: Selection,
    /// How many units are got for less each time, the cheapest of those that can be.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub get: u32,
    /// How many times an order at most.
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub times_max: Option<u32>,
}
