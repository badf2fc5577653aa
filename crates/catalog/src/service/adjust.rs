//! Changes stock by hand: all changes of a request or none, each with who and why.

use super::Service;
use crate::{
    domain::{scope::Scope, stock},
    store::Adjust,
};
use contracts::{
    access::Principal,
    catalog::{AdjustError, AdjustStock, InventoryView},
    request::{Answered, IdempotencyKey},
};
use platform::db::keys::KeyedRequest;

impl Service {
    pub(super) async fn adjust(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: AdjustStock,
    ) -> Result<Answered<Vec<InventoryView>>, AdjustError> {
        let scope = format!("{} POST /api/v1/inventory/adjust", who.user_id);
        let key = key
            .map(|key| KeyedRequest::new(&scope, &key, &wish))
            .transpose()
            .map_err(AdjustError::Internal)?;
        let adjust = Adjust {
            scope: Scope::of(Some(who)),
            changes: stock::check(wish)?,
            actor: who.user_id.to_string(),
            at: self.clock.now(),
        };
        let changes = adjust.changes.len();
        let answered = self.store.adjust(adjust, key).await;
        match &answered {
            Ok(answered) => {
                let products = answered.value.iter().map(|view| view.product_id);
                self.window.stock_moved(products);
            }
            Err(AdjustError::Internal(_)) => self.window.all_changed(),
            Err(_) => {}
        }
        let answered = answered?;
        if !answered.replayed {
            tracing::info!(user.id = %who.user_id, changes, "stock was adjusted");
        }
        Ok(answered)
    }
}
