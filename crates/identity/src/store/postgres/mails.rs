//! The table of mails that are owed: taken for a while by one node, then forgotten or put off.

use super::rows;
use crate::store::{DueMail, MailTake, NewMail};
use contracts::values::{MailId, Timestamp, UserId};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, ToSql},
};

const INSERT: &str =
    "INSERT INTO mails (mail_id, user_id, kind, tries, due_at_ms, created_at_ms, expires_at_ms)
     SELECT $2, user_id, $3, 0, $4, $4, $5
       FROM users
      WHERE user_id = $1 AND email IS NOT NULL";

const ARE_DUE: &str = "SELECT EXISTS (SELECT 1 FROM mails WHERE due_at_ms <= $1)";

/// Nodes that take mails at the same time take different ones.
const TAKE: &str = "UPDATE mails
        SET tries = tries + 1, due_at_ms = $2
      WHERE mail_number = ANY(ARRAY(SELECT mail_number
                              FROM mails
                             WHERE due_at_ms <= $1
                             ORDER BY due_at_ms
                             LIMIT $3
                               FOR UPDATE SKIP LOCKED))
     RETURNING mail_id, kind, tries, expires_at_ms,
               (SELECT email FROM users WHERE users.user_id = mails.user_id)";

fn name(id: MailId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

/// Owes the user a mail, if they have an address.
pub(super) async fn insert(
    connection: &Connection,
    user: UserId,
    mail: &NewMail,
) -> Result<(), StoreError> {
    let values: [&(dyn ToSql + Sync); 5] = [
        &Bytes(*user.as_bytes()),
        &name(mail.id),
        &mail.kind.as_str(),
        &mail.at.as_ms(),
        &mail.expires_at.as_ms(),
    ];
    connection.execute(INSERT, &values).await.map(drop)
}

pub(super) async fn are_due(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    let row = connection.query_one(ARE_DUE, &[&now.as_ms()]).await?;
    Ok(row.try_get(0)?)
}

pub(super) async fn take(
    connection: &Connection,
    take: &MailTake,
) -> Result<Vec<DueMail>, StoreError> {
    let values: [&(dyn ToSql + Sync); 3] = [
        &take.now.as_ms(),
        &take.until.as_ms(),
        &i64::from(take.limit),
    ];
    let rows = connection.query(TAKE, &values).await?;
    rows.iter().map(rows::due_mail).collect()
}

pub(super) async fn put_off(
    connection: &Connection,
    id: MailId,
    until: Timestamp,
) -> Result<(), StoreError> {
    let sql = "UPDATE mails SET due_at_ms = $2 WHERE mail_id = $1";
    let values: [&(dyn ToSql + Sync); 2] = [&name(id), &until.as_ms()];
    connection.execute(sql, &values).await.map(drop)
}

pub(super) async fn forget(connection: &Connection, id: MailId) -> Result<(), StoreError> {
    let sql = "DELETE FROM mails WHERE mail_id = $1";
    connection.execute(sql, &[&name(id)]).await.map(drop)
}

/// Of an account that goes.
pub(super) async fn forget_all(connection: &Connection, user: UserId) -> Result<(), StoreError> {
    let sql = "DELETE FROM mails WHERE user_id = $1";
    let user = Bytes(*user.as_bytes());
    connection.execute(sql, &[&user]).await.map(drop)
}
