//! Variants of a product and the options that they are chosen by. A plain product has one variant and no options.

use crate::values::{Money, MoneyInput, VariantId, Version};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use super::StockView;

/// Something that variants of a product differ in, with what it may be, in the order in which it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductOption {
    /// 1 to 60 characters, each name once.
    #[schema(example = "Size", min_length = 1, max_length = 60)]
    pub name: String,
    /// 1 to 100 values of 1 to 60 characters, each once.
    #[schema(min_items = 1, max_items = 100)]
    pub values: Vec<String>,
}

/// A variant: what is stocked and sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VariantView {
    /// The variant's id.
    pub id: VariantId,
    /// The stock keeping unit.
    pub sku: String,
    /// Its values in the order of the options, in one text; empty where there are no options.
    #[serde(default)]
    #[schema(example = "M / red")]
    pub title: String,
    /// Its value of each of the product's options.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// The price of one unit.
    pub price: Money,
    /// Its prices in further currencies, by currency.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<Money>,
    /// How many there are.
    pub stock: StockView,
}

/// A variant that may be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct VariantChoice {
    /// The variant's id.
    pub variant_id: VariantId,
    /// The stock keeping unit.
    pub sku: String,
    /// Its values in the order of the options.
    pub title: String,
}

/// A variant to be made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewVariant {
    /// A value of each of the product's options; no other variant has the same.
    pub options: BTreeMap<String, String>,
    /// 1 to 64 characters; made from the id when absent.
    #[schema(min_length = 1, max_length = 64)]
    pub sku: Option<String>,
    /// The product's price when absent; in the currency of its other variants.
    pub price: Option<MoneyInput>,
    /// Its prices in further currencies that the shop sells in, one each; never converted from another.
    #[schema(max_items = 20)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prices: Vec<Money>,
    /// The first stock (0 when absent).
    pub stock: Option<u32>,
}

/// A change of some fields of a variant (RFC 7396 merge patch): absent fields stay.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PatchVariant {
    /// Other values of some options.
    pub options: Option<BTreeMap<String, String>>,
    /// 1 to 64 characters.
    #[schema(min_length = 1, max_length = 64)]
    pub sku: Option<String>,
    /// The price of one unit.
    pub price: Option<MoneyInput>,
    /// All of its prices in further currencies that the shop sells in, one each. In a currency that is not among
    /// them it cannot be bought.
    #[schema(max_items = 20)]
    pub prices: Option<Vec<Money>>,
    /// The product's version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}

/// The options that a product has from now on.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetOptions {
    /// Up to 3, in their order. An option is known by its name, or else by its place if it keeps all values that
    /// variants have. Of a new one each variant has the first value.
    #[schema(max_items = 3)]
    pub options: Vec<ProductOption>,
    /// The product's version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}

/// The values of a variant in one text.
#[must_use]
pub fn variant_title(values: &[String]) -> String {
    values.join(" / ")
}

/// What a variant is called where it stands by itself: on orders, in carts, in mails.
#[must_use]
pub fn variant_name(product: &str, values: &[String]) -> String {
    if values.is_empty() {
        product.to_owned()
    } else {
        format!("{product} ({})", variant_title(values))
    }
}
