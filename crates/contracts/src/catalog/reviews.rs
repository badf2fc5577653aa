//! Reviews: what buyers say of a product, one each. How many there are and their average follow from those that are
//! shown, in the commit that changes one.

use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
    request::Precondition,
    values::{Cursor, PageSize, ProductId, ReviewId, Timestamp, UserId, Version},
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Who knows what people bought. The catalog asks before it takes a review.
#[async_trait]
pub trait Purchases: Send + Sync {
    /// Whether this user has an order of this product that was paid for and not given back whole.
    async fn has_bought(&self, user: UserId, product: ProductId) -> Result<bool, BoxError>;
}

/// A review to be written, or what one says from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewReview {
    /// 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    pub rating: i64,
    /// Up to 120 characters.
    #[schema(max_length = 120)]
    #[serde(default)]
    pub title: String,
    /// Up to 5,000 characters.
    #[schema(max_length = 5_000)]
    #[serde(default)]
    pub text: String,
    /// The name that is shown with it, up to 60 characters; none when absent.
    #[schema(max_length = 60)]
    #[serde(default)]
    pub author: String,
    /// The version that is changed, if no `If-Match` says so. Not used when a review is new.
    pub version: Option<Version>,
}

/// Whether a review is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewStatus {
    /// By everybody, and counted.
    Shown,
    /// By its author and admins only, and not counted.
    Hidden,
}

impl ReviewStatus {
    /// The word used in storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shown => "shown",
            Self::Hidden => "hidden",
        }
    }
}

impl std::str::FromStr for ReviewStatus {
    type Err = crate::values::ValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [Self::Shown, Self::Hidden]
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| crate::values::ValueError::new("must be shown or hidden"))
    }
}

/// What an admin makes of a review.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModerateReview {
    /// Whether it is seen.
    pub status: ReviewStatus,
    /// The version that is changed, if no `If-Match` says so.
    pub version: Option<Version>,
}

/// Which of a product's reviews.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReviewQuery {
    /// `shown` when absent; `hidden` is for admins.
    pub status: Option<ReviewStatus>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// Which page of what is said of all products.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReviewsQuery {
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// A review. Who wrote it is told to nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProductReview {
    /// The review's id.
    pub id: ReviewId,
    /// What it is about.
    pub product_id: ProductId,
    /// 1 to 5.
    pub rating: i64,
    /// A few words.
    pub title: String,
    /// What the buyer says.
    pub text: String,
    /// The name that its author chose for it.
    pub author: String,
    /// Whether it is seen.
    pub status: ReviewStatus,
    /// Counts edits.
    pub version: Version,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// What buyers think of a product, over all reviews that are shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RatingView {
    /// From 1 to 5, to the nearest hundredth, halves up; `null` without reviews.
    pub average: Option<f64>,
    /// Reviews that are shown.
    pub count: i64,
}

impl RatingView {
    /// From what is kept, which is exact: how many there are and their sum.
    #[must_use]
    pub fn of(count: i64, sum: i64) -> Self {
        let hundredths = sum
            .saturating_mul(200)
            .saturating_add(count)
            .checked_div(count.saturating_mul(2));
        let average = hundredths.and_then(|all| {
            let text = format!("{}.{:02}", all / 100, all % 100);
            text.parse().ok()
        });
        Self { average, count }
    }
}

/// Why a review was not written, found or changed.
#[derive(Debug, thiserror::Error)]
pub enum ReviewError {
    /// None that the caller may know of, or no such product.
    #[error("not found")]
    NotFound,
    /// The caller has bought no such product.
    #[error("the caller has not bought it")]
    NotABuyer,
    /// The caller has reviewed the product already.
    #[error("the caller has reviewed it already")]
    Exists,
    /// The idempotency key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// A field breaks a rule.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON pointer.
        field: String,
        /// The rule.
        reason: String,
    },
    /// Another version is current.
    #[error("version {} is current", current.get())]
    VersionConflict {
        /// How the caller named the version.
        sent: Precondition,
        /// What is current.
        current: Version,
    },
    /// The writer's queue is full.
    #[error("the catalog has too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the catalog failed")]
    Internal(#[source] BoxError),
}

impl ToProblem for ReviewError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::NotABuyer => Problem::new(Code::NotABuyer),
            Self::Exists => Problem::new(Code::ReviewExists),
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::VersionConflict { sent, current } => sent.stale(*current),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_to_the_nearest_hundredth() {
        for (count, sum, average) in [
            (0, 0, None),
            (3, 13, Some(4.33)),
            (3, 14, Some(4.67)),
            (8, 33, Some(4.13)),
            (1, 5, Some(5.0)),
        ] {
            assert_eq!(RatingView::of(count, sum).average, average, "{sum}/{count}");
        }
    }
}
