//! Replaces, changes and archives products: three edits of a document, all under its version.
//! Stock is none of their business.

use super::Service;
use crate::{
    domain::{
        change::{Change, Patch},
        document::Draft,
        scope::Scope,
    },
    store::Edit,
};
use contracts::{
    access::Principal,
    catalog::{EditError, NewProduct, PatchProduct, ProductView},
    request::Precondition,
    values::ProductId,
};

impl Service {
    pub(super) async fn replace(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: NewProduct,
    ) -> Result<ProductView, EditError> {
        self.edit(who, id, sent, || {
            if !wish.options.is_empty() || !wish.variants.is_empty() {
                return Err(EditError::Invalid {
                    field: "/options".to_owned(),
                    reason: "and variants have addresses of their own".to_owned(),
                });
            }
            if !wish.prices.is_empty() {
                return Err(EditError::Invalid {
                    field: "/prices".to_owned(),
                    reason: "change with the product's variant".to_owned(),
                });
            }
            let draft = Draft::check(wish, self.currency)?;
            Ok(Change::Replace(Box::new(draft)))
        })
        .await
    }

    pub(super) async fn patch(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        wish: PatchProduct,
    ) -> Result<ProductView, EditError> {
        self.edit(who, id, sent, || {
            let patch = Patch::check(wish, self.currency)?;
            Ok(Change::Patch(Box::new(patch)))
        })
        .await
    }

    pub(super) async fn archive(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
    ) -> Result<(), EditError> {
        self.edit(who, id, sent, || Ok(Change::Archive))
            .await
            .map(drop)
    }

    async fn edit(
        &self,
        who: &Principal,
        id: ProductId,
        sent: Precondition,
        check: impl FnOnce() -> Result<Change, EditError> + Send,
    ) -> Result<ProductView, EditError> {
        // Customers may know that they may not; sellers learn nothing of what is not theirs (404).
        if !who.may_sell() {
            return Err(EditError::Forbidden);
        }
        let edit = Edit {
            product_id: id,
            scope: Scope::of(Some(who)),
            sent,
            change: check()?,
            by: who.user_id,
            at: self.clock.now(),
        };
        let edited = self.store.edit(edit).await;
        // Whatever came of it: of a failure nobody knows whether it was kept.
        self.window.document_changed(id);
        let view = edited?;
        self.window.slug_changed(&view.slug);
        tracing::info!(
            product.id = %id, user.id = %who.user_id, version = view.version.get(), "a product was edited"
        );
        Ok(view)
    }
}
