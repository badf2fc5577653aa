//! What the catalog keeps of its tree of categories, as a trait beside the one of products.

use async_trait::async_trait;
use contracts::{
    catalog::{CategoryView, EditError},
    request::Precondition,
    values::CategoryId,
};

/// What becomes of a category.
#[derive(Debug, Clone)]
pub(crate) enum CategoryChange {
    /// Other names, or another place in the tree; what is absent stays.
    Edit {
        name: Option<String>,
        slug: Option<String>,
        /// The slug of the category above, or none.
        parent: Option<Option<String>>,
    },
    /// It goes, if nothing is in it or below it.
    Remove,
}

/// A category to be changed.
#[derive(Debug, Clone)]
pub(crate) struct CategoryEdit {
    pub(crate) category_id: CategoryId,
    pub(crate) sent: Precondition,
    pub(crate) change: CategoryChange,
}

/// Keeps the tree.
#[async_trait]
pub(crate) trait Tree: Send + Sync {
    /// Changes a category if the version that was sent is current, so that the tree stays one; as it is from then on,
    /// or was, if it goes.
    async fn edit_category(&self, edit: CategoryEdit) -> Result<CategoryView, EditError>;
}

/// Whether an edit may be made of what was found.
pub(super) fn may(edit: &CategoryEdit, found: &CategoryView) -> Result<(), EditError> {
    match edit.sent.version() {
        Some(sent) if sent != found.version => Err(EditError::VersionConflict {
            sent: edit.sent,
            current: found.version,
        }),
        Some(_) | None => Ok(()),
    }
}
