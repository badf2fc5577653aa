//! Variants and the options that they are chosen by: edits of the product's document, under its version. Of stock they
//! know the first of what is new.

use super::Service;
use crate::{
    domain::{
        lineup::{self, Altered, LineupChange, Wished},
        scope::Scope,
    },
    store::LineupEdit,
};
use contracts::{
    access::Principal,
    catalog::{EditError, NewVariant, PatchVariant, ProductOption, ProductView},
    request::{Answered, IdempotencyKey, Precondition},
    values::{Money, ProductId, VariantId},
};
use platform::db::keys::KeyedRequest;

/// A product whose variants change, and the version that was read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WhichProduct {
    pub(crate) product: ProductId,
    pub(crate) sent: Precondition,
}

impl Service {
    /// Another variant. No two are alike, so that no version need be named.
    pub(crate) async fn add_variant(
        &self,
        who: &Principal,
        product: ProductId,
        (key, wish): (Option<IdempotencyKey>, NewVariant),
    ) -> Result<Answered<ProductView>, EditError> {
        self.sells_in(&wish.prices)?;
        let scope = format!("{} POST /api/v1/products/{product}/variants", who.user_id);
        let request = KeyedRequest::of(&scope, key.as_ref(), &wish).map_err(EditError::Internal)?;
        let wish = Wished::check(wish, self.currency)?;
        let which = WhichProduct {
            product,
            sent: Precondition::LastWriterWins,
        };
        self.write_lineup(who, which, (request, LineupChange::Add(wish)))
            .await
    }

    pub(crate) async fn patch_variant(
        &self,
        who: &Principal,
        which: WhichProduct,
        variant: VariantId,
        wish: PatchVariant,
    ) -> Result<ProductView, EditError> {
        self.sells_in(wish.prices.as_deref().unwrap_or_default())?;
        let altered = Altered::check(wish, self.currency)?;
        let change = LineupChange::Edit(variant, altered);
        self.change_lineup(who, which, change).await
    }

    /// Takes a variant off the shelves for good; what was ordered of it stays ordered.
    pub(crate) async fn withdraw_variant(
        &self,
        who: &Principal,
        which: WhichProduct,
        variant: VariantId,
    ) -> Result<ProductView, EditError> {
        let change = LineupChange::Withdraw(variant);
        self.change_lineup(who, which, change).await
    }

    pub(crate) async fn set_options(
        &self,
        who: &Principal,
        which: WhichProduct,
        options: Vec<ProductOption>,
    ) -> Result<ProductView, EditError> {
        let change = LineupChange::Options(lineup::checked(options)?);
        self.change_lineup(who, which, change).await
    }

    /// Whether the shop sells in the currencies of these prices: others would be noticed by nobody.
    pub(super) fn sells_in(&self, prices: &[Money]) -> Result<(), EditError> {
        let sold = |price: &Money| self.currencies.contains(&price.currency);
        match prices.iter().position(|price| !sold(price)) {
            Some(index) => Err(EditError::Invalid {
                field: format!("/prices/{index}"),
                reason: "is in a currency that the shop does not sell in".to_owned(),
            }),
            None => Ok(()),
        }
    }

    async fn change_lineup(
        &self,
        who: &Principal,
        which: WhichProduct,
        change: LineupChange,
    ) -> Result<ProductView, EditError> {
        let written = self.write_lineup(who, which, (None, change)).await;
        written.map(|written| written.value)
    }

    async fn write_lineup(
        &self,
        who: &Principal,
        which: WhichProduct,
        (request, change): (Option<KeyedRequest>, LineupChange),
    ) -> Result<Answered<ProductView>, EditError> {
        let edit = LineupEdit {
            product_id: which.product,
            scope: Scope::of(Some(who)),
            sent: which.sent,
            change,
            by: who.user_id,
            at: self.clock.now(),
            request,
        };
        let changed = self.store.change_lineup(edit).await;
        // Whatever came of it: of a failure nobody knows whether it was kept.
        self.window.document_changed(which.product);
        let changed = changed?;
        tracing::info!(
            product.id = %which.product, user.id = %who.user_id, version = changed.value.version.get(),
            "a product's variants were changed"
        );
        Ok(changed)
    }
}
