//! What is written down about orders. Admins write and read; whoever else sees the order reads what is for its buyer.

use super::{Service, internal};
use crate::store::notes::Note;
use contracts::{
    access::{Actor, Principal},
    orders::{NewNote, NoteView, OrderError, Reader},
    values::{NoteId, OrderId, ValueError, bounded_text},
};

/// Notes that an order may have.
const NOTES_MAX: u32 = 100;
/// The longest note, in characters.
const TEXT_MAX: usize = 2_000;

impl Service {
    pub(crate) async fn note(
        &self,
        who: Principal,
        id: OrderId,
        wish: NewNote,
    ) -> Result<NoteView, OrderError> {
        let text = bounded_text(&wish.text, 1, TEXT_MAX);
        let text = text.map_err(|ValueError(reason)| OrderError::Invalid {
            field: "/text".into(),
            reason,
        })?;
        let note = Note {
            order: id,
            id: NoteId::generate(),
            text,
            for_customer: wish.for_customer,
            author: Actor::User(who).label(),
            at: self.clock.now(),
            most: NOTES_MAX,
        };
        let view = NoteView {
            id: note.id,
            order_id: id,
            text: note.text.clone(),
            for_customer: note.for_customer,
            author: Some(note.author.clone()),
            created_at: note.at,
        };
        let added = self.store.add_note(note).await;
        added
            .map_err(|abort| abort.into_refusal(|| OrderError::Overloaded, OrderError::Internal))?;
        Ok(view)
    }

    pub(crate) async fn notes(
        &self,
        who: &Reader,
        id: OrderId,
    ) -> Result<Vec<NoteView>, OrderError> {
        let (_, access) = self.find_for(who, id).await?;
        let mut notes = self.store.notes(id).await.map_err(internal)?;
        if !access.shop {
            notes.retain(|note| note.for_customer);
            // Who of the shop wrote it is the shop's own business.
            notes.iter_mut().for_each(|note| note.author = None);
        }
        Ok(notes)
    }
}
