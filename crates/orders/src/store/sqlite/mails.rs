//! Mails that are owed to buyers, in SQLite: taken for a while, then forgotten or put off.

use super::{SqliteStore, read, storage};
use crate::{
    domain::order::Order,
    store::mails::{
        DueMail, Gathered, MailStore, MailTake, NewMail, Settled, WAITING_OF_ORDER_MAX, too_many,
    },
};
use async_trait::async_trait;
use contracts::{
    orders::{OrderError, OrderMailKind},
    values::{Email, MailId, OrderId, Timestamp, UserId},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, Row, params};
use std::convert::Infallible;

#[async_trait]
impl MailStore for SqliteStore {
    async fn mails_place(&self) -> Result<i64, StoreError> {
        self.database.read(place).await
    }

    async fn gather_mails(&self, page: Gathered) -> Result<bool, StoreError> {
        let write = self.database.write(move |c| gather(c, &page));
        write.await.map_err(storage)
    }

    async fn owe_mail(&self, mail: NewMail) -> Result<(), Abort<OrderError>> {
        self.database.write(move |c| owe_again(c, &mail)).await
    }

    async fn mails_waiting(&self, most: u32) -> Result<u32, StoreError> {
        self.database.read(move |c| waiting(c, most)).await
    }

    async fn mails_are_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        self.database.read(move |c| are_due(c, now)).await
    }

    async fn take_mails(&self, wish: MailTake) -> Result<Vec<DueMail>, StoreError> {
        let write = self.database.write(move |c| take(c, wish));
        write.await.map_err(storage)
    }

    async fn settle_mails(&self, settled: Vec<Settled>) -> Result<(), StoreError> {
        let write = self.database.write(move |c| settle(c, &settled));
        write.await.map_err(storage)
    }
}

/// Owes the buyer of an order a mail about a parcel or refund, in the commit of the same.
pub(super) fn owe(
    connection: &Connection,
    order: &Order,
    (kind, subject): (OrderMailKind, &[u8; 16]),
    at: Timestamp,
) -> Result<(), StoreError> {
    let mail = NewMail {
        id: MailId::generate(),
        order: order.id,
        kind,
        subject: Some(*subject),
        due_at: at,
        at,
    };
    insert(connection, order.number, &mail)
}

fn insert(connection: &Connection, order: i64, mail: &NewMail) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO order_mails (mail_id, order_number, kind, subject_id, tries, due_at_ms, created_at_ms)
             SELECT ?1, order_number, ?3, ?4, 0, ?5, ?6
               FROM orders
              WHERE order_number = ?2
                AND (customer_id IS NOT NULL OR guest_email IS NOT NULL)
                AND (?3 <> 'received' OR status = 'pending')",
        )?
        .execute(params![
            mail.id.as_bytes(),
            order,
            mail.kind.as_str(),
            mail.subject,
            mail.due_at.as_ms(),
            mail.at.as_ms(),
        ])?;
    Ok(())
}

fn owe_again(connection: &Connection, mail: &NewMail) -> Result<(), Abort<OrderError>> {
    let order = read::order(connection, mail.order)?;
    let order = order.ok_or(Abort::Refused(OrderError::NotFound))?;
    let waiting: u32 = connection
        .prepare_cached("SELECT COUNT(*) FROM order_mails WHERE order_number = ?1")?
        .query_row([order.number], |row| row.get(0))?;
    if waiting >= WAITING_OF_ORDER_MAX {
        return Err(Abort::Refused(too_many()));
    }
    Ok(insert(connection, order.number, mail)?)
}

fn place(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection
        .prepare_cached("SELECT number FROM order_mails_place WHERE place_id = 1")?
        .query_row([], |row| row.get(0))?)
}

fn gather(connection: &Connection, page: &Gathered) -> Result<bool, Abort<Infallible>> {
    let moved = connection
        .prepare_cached(
            "UPDATE order_mails_place SET number = ?2 WHERE place_id = 1 AND number = ?1",
        )?
        .execute([page.from, page.to])?;
    if moved == 0 {
        return Ok(false);
    }
    for mail in &page.mails {
        if let Some(order) = read::order(connection, mail.order)? {
            insert(connection, order.number, mail)?;
        }
    }
    Ok(true)
}

fn waiting(connection: &Connection, most: u32) -> Result<u32, StoreError> {
    Ok(connection
        .prepare_cached("SELECT COUNT(*) FROM (SELECT 1 FROM order_mails LIMIT ?1)")?
        .query_row([most], |row| row.get(0))?)
}

fn are_due(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    Ok(connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM order_mails WHERE due_at_ms <= ?1)")?
        .query_row([now.as_ms()], |row| row.get(0))?)
}

fn take(connection: &Connection, take: MailTake) -> Result<Vec<DueMail>, Abort<Infallible>> {
    let mails = connection
        .prepare_cached(
            "UPDATE order_mails
                SET tries = tries + 1, due_at_ms = ?2
              WHERE mail_number IN (
                    SELECT mail_number FROM order_mails WHERE due_at_ms <= ?1 ORDER BY due_at_ms LIMIT ?3)
             RETURNING mail_id, kind, subject_id, tries, created_at_ms,
                       (SELECT order_id FROM orders o WHERE o.order_number = order_mails.order_number),
                       (SELECT customer_id FROM orders o WHERE o.order_number = order_mails.order_number),
                       (SELECT guest_email FROM orders o WHERE o.order_number = order_mails.order_number)",
        )?
        .query_map(
            params![take.now.as_ms(), take.until.as_ms(), take.limit],
            due,
        )?
        .collect::<Result<_, _>>()?;
    Ok(mails)
}

fn due(row: &Row<'_>) -> rusqlite::Result<DueMail> {
    let email: Option<String> = row.get(7)?;
    Ok(DueMail {
        id: MailId::from_bytes(row.get(0)?),
        order: OrderId::from_bytes(row.get(5)?),
        kind: read::parsed(row, 1)?,
        subject: row.get(2)?,
        tries: row.get(3)?,
        at: Timestamp::from_ms(row.get(4)?),
        customer: row.get::<_, Option<[u8; 16]>>(6)?.map(UserId::from_bytes),
        guest_email: email
            .map(|text| Email::parse(&text).map_err(|error| read::broken(7, error)))
            .transpose()?,
    })
}

fn settle(connection: &Connection, settled: &[Settled]) -> Result<(), Abort<Infallible>> {
    let mut forget = connection.prepare_cached("DELETE FROM order_mails WHERE mail_id = ?1")?;
    let mut put_off =
        connection.prepare_cached("UPDATE order_mails SET due_at_ms = ?2 WHERE mail_id = ?1")?;
    for (id, until) in settled {
        match until {
            None => forget.execute([id.as_bytes()])?,
            Some(until) => put_off.execute(params![id.as_bytes(), until.as_ms()])?,
        };
    }
    Ok(())
}

/// Of a customer who goes, before their orders are nobody's.
pub(super) fn forget(connection: &Connection, customer: UserId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM order_mails
              WHERE order_number IN (SELECT order_number FROM orders WHERE customer_id = ?1)",
        )?
        .execute([customer.as_bytes()])?;
    Ok(())
}
