//! Ways of shipping, and what they cost: a part of an order's total.

use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
    request::Precondition,
    values::{Country, Money, ShippingMethodId, Timestamp, Version},
};
use serde::{Deserialize, Serialize};

/// What it costs within bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShippingBand {
    /// For orders of this weight at most, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_max_grams: Option<u64>,
    /// For orders whose lines, less what was taken off, cost less than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goods_below: Option<Money>,
    /// What it costs then.
    pub price: Money,
}

/// Where a way of shipping goes, and what it costs there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShippingZone {
    /// The countries, at least one.
    #[schema(min_items = 1, max_items = 249)]
    pub countries: Vec<Country>,
    /// Only these regions of the one country, up to 100; compared without regard to case.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub regions: Vec<String>,
    /// What it costs there.
    pub price: Money,
    /// From what sum on it costs nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_from: Option<Money>,
    /// Heavier orders do not go so, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_max_grams: Option<u64>,
    /// Where it costs something else: the first that fits says it, up to 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub bands: Vec<ShippingBand>,
}

/// What a way of shipping costs in a further currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShippingTariff {
    /// What it costs; all other sums are in its currency.
    pub price: Money,
    /// From what sum on it costs nothing: of the lines, less what was taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_from: Option<Money>,
    /// Where it costs something else: the first that fits says it, up to 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub bands: Vec<ShippingBand>,
    /// Where it goes for whoever pays so, and what it costs there, up to 50.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub zones: Vec<ShippingZone>,
}

/// A way of shipping that a cart can have now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShippingChoice {
    /// The way of shipping.
    pub method: ShippingMethodId,
    /// What people read.
    pub name: String,
    /// What it costs for this cart.
    pub price: Money,
}

/// A way of shipping as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewShippingMethod {
    /// What people read, 1 to 80 characters.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// What it costs.
    pub price: Money,
    /// From what sum on it costs nothing: of the lines, less what was taken off.
    pub free_from: Option<Money>,
    /// Heavier orders do not go so, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_max_grams: Option<u64>,
    /// Where it costs something else: the first that fits says it, up to 20.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub bands: Vec<ShippingBand>,
    /// Where it goes, and what it costs there: the first that has the address. Where there are zones, it goes nowhere
    /// else, and what is said beside them says nothing. Without zones it goes everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 50)]
    pub zones: Vec<ShippingZone>,
    /// What it costs in further currencies, one entry each, up to 20. Orders in others cannot have it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub currencies: Vec<ShippingTariff>,
    /// Whether it can be chosen; it can when absent.
    pub active: Option<bool>,
    /// The version that this replaces, where a method is changed (or `If-Match`).
    pub version: Option<Version>,
}

/// A way of shipping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ShippingMethodView {
    /// Its id.
    pub id: ShippingMethodId,
    /// What people read.
    pub name: String,
    /// What it costs.
    pub price: Money,
    /// From what sum on it costs nothing.
    pub free_from: Option<Money>,
    /// Heavier orders do not go so, in grams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight_max_grams: Option<u64>,
    /// Where it costs something else: the first that fits says it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bands: Vec<ShippingBand>,
    /// Where it goes, and what it costs there: the first that has the address. Where there are zones, it goes nowhere
    /// else, and what is said beside them says nothing. Without zones it goes everywhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub zones: Vec<ShippingZone>,
    /// What it costs in further currencies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub currencies: Vec<ShippingTariff>,
    /// Whether it can be chosen.
    pub active: bool,
    /// Counts changes.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Why a way of shipping was not changed or chosen.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ShippingError {
    /// There is none.
    #[error("not found")]
    NotFound,
    /// Only admins make them.
    #[error("not allowed")]
    Forbidden,
    /// A field breaks a rule.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON pointer.
        field: String,
        /// The rule.
        reason: String,
    },
    /// There are as many as there may be.
    #[error("there are too many")]
    TooMany,
    /// The idempotency key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// Another version is current.
    #[error("version {} is current", current.get())]
    VersionConflict {
        /// How the caller named the version.
        sent: Precondition,
        /// What is current.
        current: Version,
    },
    /// It cannot be chosen for this order.
    #[error("the method does not apply: {reason}")]
    NotApplicable {
        /// Why.
        reason: String,
    },
    /// An order must have one here.
    #[error("a way of shipping is required")]
    Required,
    /// The writer's queue is full.
    #[error("orders have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the way of shipping could not be used")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for ShippingError {
    fn to_problem(&self) -> Problem {
        let about = |code, reason: &str| {
            Problem::new(code).detail(reason.to_owned()).field(
                "/shipping_method",
                "not_applicable",
                reason.to_owned(),
            )
        };
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::Forbidden => Problem::new(Code::Forbidden),
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::TooMany => Problem::invalid("/name", "is one more than there may be"),
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::VersionConflict { sent, current } => sent.stale(*current),
            Self::NotApplicable { reason } => about(Code::ShippingNotApplicable, reason),
            Self::Required => about(Code::ShippingRequired, "an order needs a way of shipping"),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}
