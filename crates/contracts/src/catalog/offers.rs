//! What things cost at this moment, for showing it. Nothing is held, and nothing here is a promise.

use crate::values::{CategoryId, Money, ProductId, VariantId};
use serde::{Deserialize, Serialize};

/// A variant as it is offered now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferView {
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// The product's slug.
    pub slug: String,
    /// Its SKU.
    pub sku: String,
    /// The product's name.
    pub name: String,
    /// The price of one unit.
    pub unit_price: Money,
    /// Whether it can be bought at all.
    pub on_sale: bool,
    /// Units that could be bought.
    pub available: i64,
    /// The product's category and those above it, in no order.
    #[serde(default)]
    pub categories: Vec<CategoryId>,
}
