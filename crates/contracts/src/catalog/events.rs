//! What nodes tell each other of the catalog.

use crate::{
    event::Event,
    values::{EventId, ProductId},
};
use serde::{Deserialize, Serialize};

/// What is shown of products may be old: whoever keeps it in memory forgets it. It tells what changed, not how, and
/// it may get lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductsChanged {
    /// The node that changed them; it knows already.
    pub node: EventId,
    /// Whose document or stock changed.
    pub products: Vec<ProductId>,
    /// Whether a document changed or a product is new, so that any list may be another.
    pub documents: bool,
    /// Whether anything at all may have changed.
    pub everything: bool,
}

impl Event for ProductsChanged {
    const NAME: &'static str = "catalog.products_changed.v1";

    fn subject(&self) -> String {
        self.node.to_string()
    }
}
