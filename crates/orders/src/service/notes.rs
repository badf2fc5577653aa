//! What is written down about orders. Admins write and read; whoever else sees the order reads what is for its buyer.

use super::{Service, internal};
use crate::store::notes::Note;
use contracts::{
    access::{Actor, Principal},
    orders::{NewNote, NoteError, NoteView, OrderError, Reader},
    request::{Answered, IdempotencyKey},
    values::{NoteId, OrderId, ValueError, bounded_text},
};
use platform::db::keys::KeyedRequest;

/// Notes that an order may have.
const NOTES_MAX: u32 = 100;
/// The longest note, in characters.
const TEXT_MAX: usize = 2_000;

impl Service {
    pub(crate) async fn note(
        &self,
        who: Principal,
        id: OrderId,
        (key, wish): (Option<IdempotencyKey>, NewNote),
    ) -> Result<Answered<NoteView>, NoteError> {
        let author = Actor::User(who).label();
        let scope = format!("{author} POST /api/v1/orders/{id}/notes");
        let request = KeyedRequest::of(&scope, key.as_ref(), &wish);
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
            author,
            at: self.clock.now(),
            most: NOTES_MAX,
            request: request.map_err(OrderError::Internal)?,
        };
        let (text, for_customer) = (note.text.clone(), note.for_customer);
        let author = note.author.clone();
        let added = self.store.add_note(note).await.map_err(|abort| {
            let failed = |cause| OrderError::Internal(cause).into();
            abort.into_refusal(|| OrderError::Overloaded.into(), failed)
        })?;
        Ok(added.map(|(note, at)| NoteView {
            id: note,
            order_id: id,
            text,
            for_customer,
            author: Some(author),
            created_at: at,
        }))
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
