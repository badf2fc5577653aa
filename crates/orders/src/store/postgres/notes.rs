//! Notes, in PostgreSQL: written under the lock of the order's row.

use super::read;
use crate::store::notes::{Note, Noted, too_many};
use contracts::{
    orders::{NoteError, NoteView, OrderError},
    values::{NoteId, OrderId, Timestamp, UserId},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};

pub(super) async fn add(connection: &Connection, note: &Note) -> Result<Noted, Abort<NoteError>> {
    let columns = read::COLUMNS;
    let sql = format!("SELECT {columns} FROM orders WHERE order_id = $1 FOR UPDATE");
    let order = Bytes(*note.order.as_bytes());
    let row = connection.query_opt(&sql, &[&order]).await?;
    let row = row.ok_or(Abort::Refused(OrderError::NotFound.into()))?;
    let order = read::order_of(&row)?;
    let sql = "INSERT INTO order_notes (order_number, note_number, note_id, text, for_customer, author, at_ms)
               SELECT $1::bigint, COALESCE(MAX(note_number), 0) + 1, $2::uuid, $3::text, $4::boolean, $5::text,
                      $6::bigint
                 FROM order_notes
                WHERE order_number = $1
               HAVING COUNT(*) < $7::bigint";
    let values: [&(dyn ToSql + Sync); 7] = [
        &order.number,
        &Bytes(*note.id.as_bytes()),
        &note.text,
        &note.for_customer,
        &note.author,
        &note.at.as_ms(),
        &i64::from(note.most),
    ];
    if connection.execute(sql, &values).await? == 0 {
        return Err(Abort::Refused(too_many(note.most)));
    }
    Ok((note.id, note.at))
}

pub(super) async fn all(connection: &Connection, id: OrderId) -> Result<Vec<NoteView>, StoreError> {
    let sql = "SELECT note_id, text, for_customer, author, at_ms
                 FROM order_notes
                WHERE order_number = (SELECT order_number FROM orders WHERE order_id = $1)
                ORDER BY note_number";
    let rows = connection.query(sql, &[&Bytes(*id.as_bytes())]).await?;
    let note = |row: &Row| {
        let Bytes(note): Bytes<16> = row.try_get(0)?;
        Ok(NoteView {
            id: NoteId::from_bytes(note),
            order_id: id,
            text: row.try_get(1)?,
            for_customer: row.try_get(2)?,
            author: Some(row.try_get(3)?),
            created_at: Timestamp::from_ms(row.try_get(4)?),
        })
    };
    rows.iter().map(note).collect()
}

/// What was noted about a customer's orders goes with them, before their orders are nobody's; and whoever wrote notes
/// is not named any more.
pub(super) async fn forget(connection: &Connection, customer: UserId) -> Result<(), StoreError> {
    let sql = "DELETE FROM order_notes
                WHERE order_number IN (SELECT order_number FROM orders WHERE customer_id = $1)";
    let bytes = Bytes(*customer.as_bytes());
    connection.execute(sql, &[&bytes]).await?;
    let sql = "UPDATE order_notes SET author = 'erased' WHERE author = $1";
    connection.execute(sql, &[&customer.to_string()]).await?;
    Ok(())
}
