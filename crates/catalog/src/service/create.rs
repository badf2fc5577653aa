//! Makes a product. Only for merchants and admins; they own what they make.

use super::Service;
use crate::{domain::document::Draft, store::NewRow};
use contracts::{
    access::Principal,
    catalog::{EditError, NewProduct, ProductView},
    request::{Answered, IdempotencyKey},
    values::ProductId,
};
use platform::db::keys::KeyedRequest;

impl Service {
    pub(super) async fn create(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewProduct,
    ) -> Result<Answered<ProductView>, EditError> {
        if !who.may_sell() {
            return Err(EditError::Forbidden);
        }
        let scope = format!("{} POST /api/v1/products", who.user_id);
        let key = key
            .map(|key| KeyedRequest::new(&scope, &key, &wish))
            .transpose()
            .map_err(EditError::Internal)?;
        self.sells_in(&wish.prices)?;
        for variant in &wish.variants {
            self.sells_in(&variant.prices)?;
        }
        let draft = Draft::check(wish, self.currency)?;
        let row = NewRow {
            product_id: ProductId::generate(),
            variant_id: draft.first_variant(),
            owner_id: who.user_id,
            draft,
            at: self.clock.now(),
        };
        let id = row.product_id;
        let answered = self.store.create(row, key).await;
        self.window.document_changed(id);
        let answered = answered?;
        self.window.slug_changed(&answered.value.slug);
        if !answered.replayed {
            tracing::info!(product.id = %answered.value.id, user.id = %who.user_id, "a product was made");
        }
        Ok(answered)
    }
}
