//! What things cost at this moment, for showing it. Nothing is held, and nothing here is a promise.

use super::VariantChoice;
use crate::values::{Money, ProductId, VariantId};
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
    /// The product's name, with the variant's values.
    pub name: String,
    /// The price of one unit.
    pub unit_price: Money,
    /// Whether it can be bought at all.
    pub on_sale: bool,
    /// Units that could be bought.
    pub available: i64,
    /// If a product was meant that has options: what may be meant. It cannot be bought without a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<VariantChoice>,
}
