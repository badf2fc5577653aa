//! What the catalog keeps of reviews, as a trait beside the one of products. Counts and sums are the database's own.

use super::cursor;
use crate::domain::review::Review;
use async_trait::async_trait;
use contracts::{
    catalog::{ListError, ProductReview, ReviewError, ReviewStatus},
    request::{Answered, Precondition},
    values::{Cursor, Page, PageSize, ProductId, ReviewId, Timestamp, UserId, Version},
};
use platform::db::{StoreError, keys::KeyedRequest};
use serde::{Deserialize, Serialize};

/// A review to be written.
#[derive(Debug, Clone)]
pub(crate) struct ReviewRow {
    pub(crate) review_id: ReviewId,
    pub(crate) product_id: ProductId,
    pub(crate) user_id: UserId,
    pub(crate) review: Review,
    pub(crate) at: Timestamp,
    pub(crate) request: Option<KeyedRequest>,
}

/// What is kept of a request with a key: the rest is in the request, and nothing that was written outlives its account.
pub(super) type Written = (ReviewId, Timestamp);

impl ReviewRow {
    /// The review as it was when it was written.
    pub(super) fn view(self, (id, at): Written) -> ProductReview {
        ProductReview {
            id,
            product_id: self.product_id,
            rating: self.review.rating,
            title: self.review.title,
            text: self.review.text,
            author: self.review.author,
            status: ReviewStatus::Shown,
            version: Version::FIRST,
            created_at: at,
            updated_at: at,
        }
    }
}

/// What becomes of a review.
#[derive(Debug, Clone)]
pub(crate) enum ReviewChange {
    Write(Review),
    Moderate(ReviewStatus),
    Remove,
}

/// A review to be changed.
#[derive(Debug, Clone)]
pub(crate) struct ReviewEdit {
    pub(crate) review_id: ReviewId,
    /// Whose it must be; anybody's when absent.
    pub(crate) user_id: Option<UserId>,
    pub(crate) sent: Precondition,
    pub(crate) change: ReviewChange,
    pub(crate) at: Timestamp,
}

/// Whose reviews, or of what.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Reviewed {
    Product(ProductId, ReviewStatus),
    By(UserId),
    /// Of all products, hidden ones too.
    All,
}

/// Keeps reviews.
#[async_trait]
pub(crate) trait Reviews: Send + Sync {
    /// Writes a review, unless its author has written one of that product; once for a key.
    async fn create_review(&self, row: ReviewRow) -> Result<Answered<ProductReview>, ReviewError>;
    /// Changes a review if the version that was sent is current; as it is from then on, or was, if it goes.
    async fn edit_review(&self, edit: ReviewEdit) -> Result<ProductReview, ReviewError>;
    /// A page of reviews, newest first.
    async fn reviews(
        &self,
        which: Reviewed,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<ProductReview>, ListError>;
    /// Takes all reviews of a user out: the products they were about.
    async fn forget_reviewer(&self, user_id: UserId) -> Result<Vec<ProductId>, StoreError>;
}

/// The number of the last review seen.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    pub(super) review: i64,
}

/// Where a page begins.
pub(super) fn before(cursor: Option<&Cursor>) -> Result<i64, ListError> {
    let seen: Option<Before> = cursor::read(cursor)?;
    Ok(seen.map_or(i64::MAX, |seen| seen.review))
}

/// Whether an edit may be made of what was found.
pub(super) fn may(
    edit: &ReviewEdit,
    author: UserId,
    found: &ProductReview,
) -> Result<(), ReviewError> {
    if edit.user_id.is_some_and(|user| user != author) {
        return Err(ReviewError::NotFound);
    }
    match edit.sent.version() {
        Some(sent) if sent != found.version => Err(ReviewError::VersionConflict {
            sent: edit.sent,
            current: found.version,
        }),
        Some(_) | None => Ok(()),
    }
}
