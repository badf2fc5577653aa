//! What things cost at this moment, for showing it. Nothing is held, and nothing here is a promise.

use super::VariantChoice;
use crate::values::{CategoryId, Currency, Money, ProductId, ValueError, VariantId};
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
    /// The price of one unit, in the currency that was asked for if it has one there.
    pub unit_price: Money,
    /// Whether it has no price in the currency that was asked for: its own is beside it, and it is not on sale so.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unpriced: bool,
    /// Whether it can be bought at all.
    pub on_sale: bool,
    /// Units that could be bought.
    pub available: i64,
    /// The product's category and those above it, in no order.
    #[serde(default)]
    pub categories: Vec<CategoryId>,
    /// What one unit weighs, in grams: the product's attribute [`WEIGHT_GRAMS`].
    #[serde(default)]
    pub weight_grams: u32,
    /// How it is taxed: the product's attribute [`TAX_CLASS`].
    #[serde(default)]
    pub tax_class: TaxClass,
    /// If a product was meant that has options: what may be meant. It cannot be bought without a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<VariantChoice>,
}

/// A currency that the shop sells in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CurrencyView {
    /// Its code.
    pub currency: Currency,
    /// How many decimals its major unit has: minor units of JPY are whole yen.
    #[schema(example = 2)]
    pub decimals: u32,
}

impl From<Currency> for CurrencyView {
    fn from(currency: Currency) -> Self {
        Self {
            currency,
            decimals: currency.exponent(),
        }
    }
}

impl OfferView {
    /// What is offered to somebody who pays in a currency that it has no price in. Of what is not on sale anyhow
    /// nothing more is said: a draft's name is nobody's.
    #[must_use]
    pub fn without_a_price(self) -> Self {
        Self {
            unpriced: self.on_sale,
            on_sale: false,
            ..self
        }
    }
}

/// The attribute of a product that says what a unit weighs: a whole number, at most [`WEIGHT_GRAMS_MAX`].
pub const WEIGHT_GRAMS: &str = "weight_grams";

/// A thousand tonnes.
pub const WEIGHT_GRAMS_MAX: u32 = 1_000_000_000;

/// The attribute of a product that says where its further pictures are that are kept elsewhere, behind its `image_url`:
/// a list of at most [`IMAGE_URLS_MAX`] addresses like that.
pub const IMAGE_URLS: &str = "image_urls";

/// As many as a list among the attributes has.
pub const IMAGE_URLS_MAX: usize = 64;

/// The attribute of a product that says what it cost before: an amount and its currency, as `24.99 EUR`. It is shown
/// crossed out beside a lower price, and counted nowhere.
pub const COMPARE_AT_PRICE: &str = "compare_at_price";

/// Reads [`COMPARE_AT_PRICE`].
///
/// # Errors
/// When it is no amount, or none of a currency, or below nothing.
pub fn compare_at_price(text: &str) -> Result<Money, ValueError> {
    let wrong = || ValueError::new("must be an amount and its currency, such as 24.99 EUR");
    let (amount, currency) = text.split_once(' ').ok_or_else(wrong)?;
    let price = Money::parse_decimal(amount, currency.parse()?)?;
    if price.minor < 0 {
        return Err(wrong());
    }
    Ok(price)
}

/// The attribute of a product that says how it is taxed: a word of [`TaxClass`].
pub const TAX_CLASS: &str = "tax_class";

/// How something is taxed. Which rate that is, a place decides.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TaxClass {
    /// As most things are.
    #[default]
    Standard,
    /// At a lower rate.
    Reduced,
    /// Not at all.
    Zero,
}

impl TaxClass {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Reduced, Self::Zero];

    /// The word used in storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Reduced => "reduced",
            Self::Zero => "zero",
        }
    }
}

impl std::str::FromStr for TaxClass {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let known = Self::ALL.into_iter().find(|class| class.as_str() == text);
        known.ok_or_else(|| ValueError::new("must be standard, reduced or zero"))
    }
}
