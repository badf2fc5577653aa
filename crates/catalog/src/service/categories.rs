//! Lists, makes and changes categories. Who may make them is decided at the door.

use super::Service;
use crate::{
    domain::{category::CategoryName, slug, text},
    store::{CategoryChange, CategoryEdit, CategoryRow},
};
use contracts::{
    catalog::{CategoryView, EditError, ListError, NewCategory, PatchCategory},
    request::{Answered, IdempotencyKey, Precondition},
    values::{CategoryId, ValueError},
};
use platform::db::keys::KeyedRequest;

impl Service {
    pub(super) async fn all_categories(&self) -> Result<Vec<CategoryView>, ListError> {
        let all = self.store.categories().await;
        all.map_err(|error| ListError::Internal(Box::new(error)))
    }

    pub(crate) async fn make_category(
        &self,
        who: &str,
        key: Option<IdempotencyKey>,
        wish: NewCategory,
    ) -> Result<Answered<CategoryView>, EditError> {
        let scope = format!("{who} POST /api/v1/categories");
        let request = KeyedRequest::of(&scope, key.as_ref(), &wish);
        let row = CategoryRow {
            category_id: CategoryId::generate(),
            named: CategoryName::wanted(&wish)?,
            parent: wish.parent,
            at: self.clock.now(),
            request: request.map_err(EditError::Internal)?,
        };
        let created = self.store.create_category(row).await;
        self.window.lists_changed();
        created
    }

    /// Renames or moves a category. Who may is decided at the door, as for the others.
    pub(crate) async fn patch_category(
        &self,
        id: CategoryId,
        sent: Precondition,
        wish: PatchCategory,
    ) -> Result<CategoryView, EditError> {
        let at = |field: &'static str| move |error: ValueError| text::invalid(field, error);
        let name = wish.name.as_deref().map(CategoryName::parse).transpose();
        let slug = wish.slug.as_deref().map(slug::check).transpose();
        let change = CategoryChange::Edit {
            name: name.map_err(at("/name"))?.map(|named| named.name),
            slug: slug.map_err(at("/slug"))?,
            parent: wish.parent,
        };
        self.edit_category(id, sent, change).await
    }

    pub(crate) async fn remove_category(
        &self,
        id: CategoryId,
        sent: Precondition,
    ) -> Result<(), EditError> {
        let removed = self.edit_category(id, sent, CategoryChange::Remove).await;
        removed.map(drop)
    }

    async fn edit_category(
        &self,
        category_id: CategoryId,
        sent: Precondition,
        change: CategoryChange,
    ) -> Result<CategoryView, EditError> {
        let edit = CategoryEdit {
            category_id,
            sent,
            change,
        };
        let edited = self.store.edit_category(edit).await;
        // Each of its products shows its slug.
        self.window.all_changed();
        let view = edited?;
        tracing::info!(category.id = %view.id, category.slug = view.slug, "a category was changed");
        Ok(view)
    }
}
