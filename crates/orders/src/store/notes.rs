//! What stores keep of a note.

use contracts::{
    orders::OrderError,
    values::{NoteId, OrderId, Timestamp},
};

/// A note that is to be.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) order: OrderId,
    pub(crate) id: NoteId,
    pub(crate) text: String,
    pub(crate) for_customer: bool,
    pub(crate) author: String,
    pub(crate) at: Timestamp,
    /// So many may an order have.
    pub(crate) most: u32,
}

/// The order has as many as it may have.
pub(crate) fn too_many(most: u32) -> OrderError {
    OrderError::Invalid {
        field: "/text".into(),
        reason: format!("is one too many: the order has {most} notes"),
    }
}
