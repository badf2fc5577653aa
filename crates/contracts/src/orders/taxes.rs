//! Taxes: rates by place, and what they are of an order's total.

use crate::{
    BoxError,
    catalog::TaxClass,
    problem::{Code, Problem, ToProblem},
    request::Precondition,
    values::{Country, Money, TaxRateId, Timestamp, Version},
};
use serde::{Deserialize, Serialize};

/// A rate as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTaxRate {
    /// What people read beside the amount, 1 to 80 characters: `VAT 19%`.
    #[schema(min_length = 1, max_length = 80)]
    pub name: String,
    /// Where it is raised.
    pub country: Country,
    /// Only in this region of the country, up to 100 characters; compared without regard to case. There it stands
    /// instead of the country's.
    #[schema(max_length = 100)]
    pub region: Option<String>,
    /// Of what; of standard goods, and of shipping, when absent. Goods of the class `zero` have no tax and no rate.
    #[serde(default)]
    pub class: TaxClass,
    /// How much, in millionths: 190000 is 19 percent. At most 1000000.
    #[schema(maximum = 1_000_000)]
    pub millionths: u32,
    /// The version that this replaces, where a rate is changed (or `If-Match`).
    pub version: Option<Version>,
}

/// A rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TaxRateView {
    /// Its id.
    pub id: TaxRateId,
    /// What people read.
    pub name: String,
    /// Where it is raised.
    pub country: Country,
    /// Only in this region of it.
    pub region: Option<String>,
    /// Of what.
    pub class: TaxClass,
    /// How much, in millionths.
    pub millionths: u32,
    /// Counts changes.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What is taxed at one rate in an order, and how much that is. It is the lines' and the shipping's added up, each of
/// which was rounded by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartTax {
    /// The rate, in millionths.
    pub millionths: u32,
    /// Whether it is in the prices already: then the part adds nothing to the total.
    pub included: bool,
    /// What was taxed: what it cost after discounts, with the tax in it if that is included.
    pub taxed: Money,
    /// The tax.
    pub amount: Money,
    /// Of each line that is taxed at this rate.
    pub lines: Vec<LineTax>,
    /// Of shipping, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping: Option<Money>,
}

/// The tax of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineTax {
    /// The line's place among the order's items, from 1.
    pub line: u32,
    /// Its tax.
    pub amount: Money,
}

/// Why a rate was not changed.
#[derive(Debug, thiserror::Error)]
pub enum TaxError {
    /// There is none.
    #[error("not found")]
    NotFound,
    /// Only admins change them.
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
    /// The writer's queue is full.
    #[error("orders have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the rate could not be used")]
    Internal(#[source] BoxError),
}

impl ToProblem for TaxError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::Forbidden => Problem::new(Code::Forbidden),
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::TooMany => Problem::invalid("/country", "has one rate more than there may be"),
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::VersionConflict { sent, current } => sent.stale(*current),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}
