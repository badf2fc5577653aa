//! What stores keep of a note.

use contracts::{
    orders::{NoteError, OrderError},
    values::{NoteId, OrderId, Timestamp},
};
use platform::db::keys::KeyedRequest;

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
    pub(crate) request: Option<KeyedRequest>,
}

/// What is kept of a request with a key: the rest is in the request, and nothing that was written outlives its account.
pub(crate) type Noted = (NoteId, Timestamp);

/// The order has as many as it may have.
pub(crate) fn too_many(most: u32) -> NoteError {
    NoteError::Order(OrderError::Invalid {
        field: "/text".into(),
        reason: format!("is one too many: the order has {most} notes"),
    })
}
