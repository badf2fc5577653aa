//! Notes, in SQLite.

use super::read;
use crate::store::notes::{Note, Noted, too_many};
use contracts::{
    orders::{NoteError, NoteView, OrderError},
    values::{NoteId, OrderId, Timestamp, UserId},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, Row, params};

pub(super) fn add(connection: &Connection, note: &Note) -> Result<Noted, Abort<NoteError>> {
    let order = read::order(connection, note.order)?;
    let order = order.ok_or(Abort::Refused(OrderError::NotFound.into()))?;
    let added = connection
        .prepare_cached(
            "INSERT INTO order_notes (order_number, note_number, note_id, text, for_customer, author, at_ms)
             SELECT ?1, COALESCE(MAX(note_number), 0) + 1, ?2, ?3, ?4, ?5, ?6
               FROM order_notes
              WHERE order_number = ?1
             HAVING COUNT(*) < ?7",
        )?
        .execute(params![
            order.number,
            note.id.as_bytes(),
            note.text,
            note.for_customer,
            note.author,
            note.at.as_ms(),
            note.most,
        ])?;
    if added == 0 {
        return Err(Abort::Refused(too_many(note.most)));
    }
    Ok((note.id, note.at))
}

pub(super) fn all(connection: &Connection, id: OrderId) -> Result<Vec<NoteView>, StoreError> {
    let Some(order) = read::order(connection, id)? else {
        return Ok(Vec::new());
    };
    let note = |row: &Row<'_>| {
        Ok(NoteView {
            id: NoteId::from_bytes(row.get(0)?),
            order_id: id,
            text: row.get(1)?,
            for_customer: row.get(2)?,
            author: Some(row.get(3)?),
            created_at: Timestamp::from_ms(row.get(4)?),
        })
    };
    let notes = connection
        .prepare_cached(
            "SELECT note_id, text, for_customer, author, at_ms
               FROM order_notes
              WHERE order_number = ?1
              ORDER BY note_number",
        )?
        .query_map([order.number], note)?
        .collect::<Result<_, _>>()?;
    Ok(notes)
}

/// What was noted about a customer's orders goes with them, before their orders are nobody's; and whoever wrote notes
/// is not named any more.
pub(super) fn forget(connection: &Connection, customer: UserId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM order_notes
              WHERE order_number IN (SELECT order_number FROM orders WHERE customer_id = ?1)",
        )?
        .execute([customer.as_bytes()])?;
    connection
        .prepare_cached("UPDATE order_notes SET author = 'erased' WHERE author = ?1")?
        .execute([customer.to_string()])?;
    Ok(())
}
