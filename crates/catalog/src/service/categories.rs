//! Lists and makes categories. Who may make them is decided at the door.

use super::Service;
use crate::{domain::category::CategoryName, store::CategoryRow};
use contracts::{
    catalog::{CategoryView, EditError, ListError, NewCategory},
    values::CategoryId,
};

impl Service {
    pub(super) async fn all_categories(&self) -> Result<Vec<CategoryView>, ListError> {
        let all = self.store.categories().await;
        all.map_err(|error| ListError::Internal(Box::new(error)))
    }

    pub(super) async fn make_category(&self, wish: NewCategory) -> Result<CategoryView, EditError> {
        let row = CategoryRow {
            category_id: CategoryId::generate(),
            named: CategoryName::wanted(&wish)?,
            parent: wish.parent,
            at: self.clock.now(),
        };
        let created = self.store.create_category(row).await;
        self.window.lists_changed();
        created
    }
}
