//! What a search shows beside its products: suggestions while somebody types, and counts of what each choice leaves.

use serde::{Deserialize, Serialize};

/// What somebody has typed so far.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuggestionsQuery {
    /// Words, the last of which may be unfinished; typing errors are forgiven where nothing is found without.
    pub q: String,
}

/// What a suggestion leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SuggestionKind {
    /// A list of a category's products.
    Category,
    /// A product.
    Product,
}

/// Something that may be meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Suggestion {
    /// What it leads to.
    pub kind: SuggestionKind,
    /// The name of the product or category.
    pub text: String,
    /// The address of its page.
    pub slug: String,
}

/// Which products are counted: those that the same words and filters list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FacetsQuery {
    /// Words to find; all products when absent.
    pub q: Option<String>,
    /// Only of the category with this slug, and those below it.
    pub category: Option<String>,
    /// Minor units, at least.
    pub price_min: Option<i64>,
    /// Minor units, at most.
    pub price_max: Option<i64>,
    /// Only with (`true`) or without (`false`) units available.
    pub in_stock: Option<bool>,
    /// Only with this value of an attribute, as `colour:green`.
    pub attribute: Option<String>,
}

/// How many products of a search each further choice would leave. A choice that was made narrows all counts but those
/// of its own kind.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Facets {
    /// Products that are listed.
    pub total: u64,
    /// Categories with what lies below them, the fullest first; 100 at most.
    pub categories: Vec<CategoryCount>,
    /// Ranges of prices without gaps, the cheapest first; 5 at most.
    pub prices: Vec<PriceCount>,
    /// With and without units to buy.
    pub stock: StockCounts,
    /// Attributes, those first that most products have; 12 at most.
    pub attributes: Vec<AttributeCounts>,
}

/// A category and its products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CategoryCount {
    /// Its slug.
    pub slug: String,
    /// Its name.
    pub name: String,
    /// The slug of the category above it.
    pub parent: Option<String>,
    /// Products in it and below it.
    pub count: u64,
}

/// A range of prices and its products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PriceCount {
    /// The least price in minor units, for `price_min`.
    pub min: i64,
    /// The greatest, for `price_max`.
    pub max: i64,
    /// Products between them.
    pub count: u64,
}

/// Products by whether there are units to buy.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct StockCounts {
    /// With units available.
    pub available: u64,
    /// Without.
    pub sold_out: u64,
}

/// An attribute and its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AttributeCounts {
    /// Its name.
    pub name: String,
    /// Its values, the most frequent first; 20 at most.
    pub values: Vec<ValueCount>,
}

/// A value and the products that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ValueCount {
    /// As text.
    pub value: String,
    /// Products.
    pub count: u64,
}
