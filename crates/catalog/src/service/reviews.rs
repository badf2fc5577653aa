//! Reviews: written by buyers, one each, and taken back by them; hidden by admins. Who bought what is asked of orders.

use super::Service;
use crate::{
    domain::review::Review,
    store::{ReviewChange, ReviewEdit, ReviewRow, Reviewed},
};
use contracts::{
    BoxError,
    access::Principal,
    catalog::{
        EditError, ListError, ModerateReview, NewReview, ProductRef, ProductReview, ProductStatus,
        Purchases, ReviewError, ReviewQuery, ReviewStatus, ReviewsQuery,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{Cursor, Page, PageSize, ProductId, ReviewId, UserId},
};
use platform::db::keys::KeyedRequest;
use std::sync::Weak;

impl Service {
    /// Says once who knows what people bought, and is kept elsewhere: orders hold the catalog, and two that hold each
    /// other are never closed. Without it nobody is known to have bought anything.
    pub fn meet(&self, purchases: Weak<dyn Purchases>) {
        // Whoever came first stays: a shop has one.
        drop(self.purchases.set(purchases));
    }

    pub(crate) async fn write_review(
        &self,
        who: &Principal,
        product: ProductId,
        (key, wish): (Option<IdempotencyKey>, &NewReview),
    ) -> Result<Answered<ProductReview>, ReviewError> {
        let review = Review::check(wish)?;
        let scope = format!("{} POST /api/v1/products/{product}/reviews", who.user_id);
        let request = KeyedRequest::of(&scope, key.as_ref(), wish);
        let found = self.find(Some(who), ProductRef::Id(product)).await;
        let found = found.map_err(not_found)?;
        if found.status != ProductStatus::Active {
            return Err(ReviewError::NotFound);
        }
        let is_own = found.owner_id == who.user_id;
        if is_own || !self.has_bought(who.user_id, product).await? {
            return Err(ReviewError::NotABuyer);
        }
        let row = ReviewRow {
            review_id: ReviewId::generate(),
            product_id: product,
            user_id: who.user_id,
            review,
            at: self.clock.now(),
            request: request.map_err(ReviewError::Internal)?,
        };
        let written = self.store.create_review(row).await;
        self.window.extras_changed(product);
        let written = written?;
        tracing::info!(review.id = %written.value.id, product.id = %product, "a review was written");
        Ok(written)
    }

    async fn has_bought(&self, user: UserId, product: ProductId) -> Result<bool, ReviewError> {
        match self.purchases.get().and_then(Weak::upgrade) {
            None => Ok(false),
            Some(purchases) => {
                let told = purchases.has_bought(user, product).await;
                told.map_err(ReviewError::Internal)
            }
        }
    }

    pub(crate) async fn rewrite_review(
        &self,
        who: &Principal,
        id: ReviewId,
        sent: Precondition,
        wish: &NewReview,
    ) -> Result<ProductReview, ReviewError> {
        let change = ReviewChange::Write(Review::check(wish)?);
        self.change_review(Some(who.user_id), id, sent, change)
            .await
    }

    /// An author takes it back; an admin takes it out.
    pub(crate) async fn remove_review(
        &self,
        who: &Principal,
        id: ReviewId,
        sent: Precondition,
    ) -> Result<(), ReviewError> {
        let author = (!who.is_admin()).then_some(who.user_id);
        let removed = self
            .change_review(author, id, sent, ReviewChange::Remove)
            .await;
        removed.map(drop)
    }

    pub(crate) async fn moderate_review(
        &self,
        id: ReviewId,
        sent: Precondition,
        wish: ModerateReview,
    ) -> Result<ProductReview, ReviewError> {
        let change = ReviewChange::Moderate(wish.status);
        self.change_review(None, id, sent, change).await
    }

    async fn change_review(
        &self,
        user_id: Option<UserId>,
        review_id: ReviewId,
        sent: Precondition,
        change: ReviewChange,
    ) -> Result<ProductReview, ReviewError> {
        let edit = ReviewEdit {
            review_id,
            user_id,
            sent,
            change,
            at: self.clock.now(),
        };
        let edited = self.store.edit_review(edit).await;
        match &edited {
            Ok(view) => self.window.extras_changed(view.product_id),
            // Nobody knows whether it was kept, nor of which product.
            Err(ReviewError::Internal(_)) => self.window.all_changed(),
            Err(_) => {}
        }
        let view = edited?;
        tracing::info!(review.id = %view.id, product.id = %view.product_id, "a review was changed");
        Ok(view)
    }

    /// Whether the viewer may see the product is known already.
    pub(crate) async fn reviews_of(
        &self,
        viewer: Option<&Principal>,
        product: ProductId,
        query: ReviewQuery,
    ) -> Result<Page<ProductReview>, ListError> {
        let status = query.status.unwrap_or(ReviewStatus::Shown);
        if status == ReviewStatus::Hidden && !viewer.is_some_and(Principal::is_admin) {
            return Ok(Page::empty());
        }
        let which = Reviewed::Product(product, status);
        self.store.reviews(which, query.limit, query.cursor).await
    }

    /// What is said of all products, newest first. Who may see that is decided at the door.
    pub(crate) async fn all_reviews(
        &self,
        query: ReviewsQuery,
    ) -> Result<Page<ProductReview>, ListError> {
        let ReviewsQuery { limit, cursor } = query;
        self.store.reviews(Reviewed::All, limit, cursor).await
    }

    pub(super) async fn reviews_of_user(
        &self,
        user: UserId,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<ProductReview>, ListError> {
        self.store.reviews(Reviewed::By(user), limit, cursor).await
    }

    /// An account has gone, and what it said goes with it.
    pub(crate) async fn forget_reviewer(&self, user: UserId) -> Result<(), BoxError> {
        for product in self.store.forget_reviewer(user).await? {
            self.window.extras_changed(product);
        }
        Ok(())
    }
}

fn not_found(error: EditError) -> ReviewError {
    match error {
        EditError::Internal(cause) => ReviewError::Internal(cause),
        EditError::Overloaded => ReviewError::Overloaded,
        EditError::NotFound
        | EditError::Archived { .. }
        | EditError::Forbidden
        | EditError::Invalid { .. }
        | EditError::SkuTaken
        | EditError::SlugTaken
        | EditError::InUse
        | EditError::VariantExists { .. }
        | EditError::LastVariant
        | EditError::TooManyVariants { .. }
        | EditError::VersionConflict { .. }
        | EditError::KeyReused => ReviewError::NotFound,
    }
}
