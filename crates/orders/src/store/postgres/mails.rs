//! Mails that are owed to buyers, in PostgreSQL: taken for a while by one node, then forgotten or put off.

use super::{PostgresStore, storage, storage_of};
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
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql, parsed},
};
use std::convert::Infallible;

/// Nothing is owed of an order that nobody has, nor of one that waits for its money when it does so no more.
const INSERT: &str =
    "INSERT INTO order_mails (mail_id, order_number, kind, subject_id, tries, due_at_ms, created_at_ms)
     SELECT m.mail_id, o.order_number, m.kind, m.subject_id, 0, m.due_at_ms, m.created_at_ms
       FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::bigint[], $6::bigint[])
            WITH ORDINALITY AS m (mail_id, order_id, kind, subject_id, due_at_ms, created_at_ms, place)
       JOIN orders o ON o.order_id = m.order_id
      WHERE (o.customer_id IS NOT NULL OR o.guest_email IS NOT NULL)
        AND (m.kind <> 'received' OR o.status = 'pending')
      ORDER BY m.place";

/// Nodes that take mails at the same time take different ones.
const TAKE: &str = "UPDATE order_mails
        SET tries = tries + 1, due_at_ms = $2
       FROM orders o
      WHERE o.order_number = order_mails.order_number
        AND mail_number = ANY(ARRAY(SELECT mail_number
                              FROM order_mails
                             WHERE due_at_ms <= $1
                             ORDER BY due_at_ms
                             LIMIT $3
                               FOR UPDATE SKIP LOCKED))
     RETURNING mail_id, kind, subject_id, tries, order_mails.created_at_ms, o.order_id, o.customer_id, o.guest_email";

#[async_trait]
impl MailStore for PostgresStore {
    async fn mails_place(&self) -> Result<i64, StoreError> {
        let sql = "SELECT number FROM order_mails_place WHERE place_id = 1";
        let connection = self.database.read().await?;
        Ok(connection.query_one(sql, &[]).await?.try_get(0)?)
    }

    async fn gather_mails(&self, page: Gathered) -> Result<bool, StoreError> {
        let write = self
            .database
            .write(page, |c, page| Box::pin(gather(c, page)));
        write.await.map_err(storage)
    }

    async fn owe_mail(&self, mail: NewMail) -> Result<(), Abort<OrderError>> {
        let write = self
            .database
            .write(mail, |c, mail| Box::pin(owe_again(c, mail)));
        write.await
    }

    async fn mails_waiting(&self, most: u32) -> Result<u32, StoreError> {
        let sql = "SELECT COUNT(*) FROM (SELECT 1 FROM order_mails LIMIT $1) AS waiting";
        let connection = self.database.read().await?;
        let waiting: i64 = connection
            .query_one(sql, &[&i64::from(most)])
            .await?
            .try_get(0)?;
        u32::try_from(waiting).map_err(storage_of)
    }

    async fn mails_are_due(&self, now: Timestamp) -> Result<bool, StoreError> {
        let sql = "SELECT EXISTS (SELECT 1 FROM order_mails WHERE due_at_ms <= $1)";
        let connection = self.database.read().await?;
        Ok(connection
            .query_one(sql, &[&now.as_ms()])
            .await?
            .try_get(0)?)
    }

    async fn take_mails(&self, wish: MailTake) -> Result<Vec<DueMail>, StoreError> {
        let write = self
            .database
            .write(wish, |c, wish| Box::pin(take(c, *wish)));
        write.await.map_err(storage)
    }

    async fn settle_mails(&self, settled: Vec<Settled>) -> Result<(), StoreError> {
        let write = self
            .database
            .write(settled, |c, settled| Box::pin(settle(c, settled)));
        write.await.map_err(storage)
    }
}

/// Owes the buyer of an order a mail about a parcel or refund, in the commit of the same.
pub(super) async fn owe(
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
    insert(connection, &[mail]).await
}

async fn insert(connection: &Connection, mails: &[NewMail]) -> Result<(), StoreError> {
    let ids: Vec<Bytes<16>> = mails.iter().map(|one| Bytes(*one.id.as_bytes())).collect();
    let orders: Vec<Bytes<16>> = mails
        .iter()
        .map(|one| Bytes(*one.order.as_bytes()))
        .collect();
    let kinds: Vec<&str> = mails.iter().map(|one| one.kind.as_str()).collect();
    let subjects: Vec<Option<Bytes<16>>> = mails.iter().map(|one| one.subject.map(Bytes)).collect();
    let due: Vec<i64> = mails.iter().map(|one| one.due_at.as_ms()).collect();
    let created: Vec<i64> = mails.iter().map(|one| one.at.as_ms()).collect();
    let values: [&(dyn ToSql + Sync); 6] = [&ids, &orders, &kinds, &subjects, &due, &created];
    connection.execute(INSERT, &values).await.map(drop)
}

async fn owe_again(connection: &Connection, mail: &NewMail) -> Result<(), Abort<OrderError>> {
    let sql = "SELECT order_number FROM orders WHERE order_id = $1 FOR UPDATE";
    let order = Bytes(*mail.order.as_bytes());
    let row = connection.query_opt(sql, &[&order]).await?;
    let row = row.ok_or(Abort::Refused(OrderError::NotFound))?;
    let number: i64 = row.try_get(0).map_err(StoreError::from)?;
    let sql = "SELECT COUNT(*) FROM order_mails WHERE order_number = $1";
    let row = connection.query_one(sql, &[&number]).await?;
    let waiting: i64 = row.try_get(0).map_err(StoreError::from)?;
    if waiting >= i64::from(WAITING_OF_ORDER_MAX) {
        return Err(Abort::Refused(too_many()));
    }
    Ok(insert(connection, std::slice::from_ref(mail)).await?)
}

async fn gather(connection: &Connection, page: &Gathered) -> Result<bool, Abort<Infallible>> {
    let sql = "UPDATE order_mails_place SET number = $2 WHERE place_id = 1 AND number = $1";
    let moved = connection.execute(sql, &[&page.from, &page.to]).await?;
    if moved == 0 {
        return Ok(false);
    }
    if !page.mails.is_empty() {
        insert(connection, &page.mails).await?;
    }
    Ok(true)
}

async fn take(connection: &Connection, take: MailTake) -> Result<Vec<DueMail>, Abort<Infallible>> {
    let values: [&(dyn ToSql + Sync); 3] = [
        &take.now.as_ms(),
        &take.until.as_ms(),
        &i64::from(take.limit),
    ];
    let rows = connection.query(TAKE, &values).await?;
    let mails = rows.iter().map(due).collect::<Result<_, StoreError>>()?;
    Ok(mails)
}

fn due(row: &Row) -> Result<DueMail, StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(0)?;
    let Bytes(order): Bytes<16> = row.try_get(5)?;
    let subject: Option<Bytes<16>> = row.try_get(2)?;
    let customer: Option<Bytes<16>> = row.try_get(6)?;
    let email: Option<String> = row.try_get(7)?;
    Ok(DueMail {
        id: MailId::from_bytes(id),
        order: OrderId::from_bytes(order),
        kind: parsed(row, 1)?,
        subject: subject.map(|Bytes(subject)| subject),
        tries: u32::try_from(row.try_get::<_, i64>(3)?).map_err(storage_of)?,
        at: Timestamp::from_ms(row.try_get(4)?),
        customer: customer.map(|Bytes(customer)| UserId::from_bytes(customer)),
        guest_email: email
            .map(|text| Email::parse(&text).map_err(storage_of))
            .transpose()?,
    })
}

async fn settle(connection: &Connection, settled: &[Settled]) -> Result<(), Abort<Infallible>> {
    let (mut gone, mut later, mut times) = (Vec::new(), Vec::new(), Vec::new());
    for (id, until) in settled {
        let id = Bytes(*id.as_bytes());
        match until {
            None => gone.push(id),
            Some(until) => {
                later.push(id);
                times.push(until.as_ms());
            }
        }
    }
    let sql = "DELETE FROM order_mails WHERE mail_id = ANY($1)";
    connection.execute(sql, &[&gone]).await?;
    let sql = "UPDATE order_mails
                  SET due_at_ms = put_off.due_at_ms
                 FROM UNNEST($1::uuid[], $2::bigint[]) AS put_off (mail_id, due_at_ms)
                WHERE order_mails.mail_id = put_off.mail_id";
    connection.execute(sql, &[&later, &times]).await?;
    Ok(())
}

/// Of a customer who goes, before their orders are nobody's.
pub(super) async fn forget(connection: &Connection, customer: UserId) -> Result<(), StoreError> {
    let sql = "DELETE FROM order_mails
                WHERE order_number IN (SELECT order_number FROM orders WHERE customer_id = $1)";
    let customer = Bytes(*customer.as_bytes());
    connection.execute(sql, &[&customer]).await.map(drop)
}
