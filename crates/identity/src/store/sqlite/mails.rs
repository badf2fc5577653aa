//! The table of mails that are owed: taken for a while, then forgotten or put off.

use super::rows;
use crate::store::{DueMail, MailTake, NewMail};
use contracts::values::{MailId, Timestamp, UserId};
use rusqlite::{Connection, params};

/// Owes the user a mail, if they have an address.
pub(super) fn insert(
    connection: &Connection,
    user: UserId,
    mail: &NewMail,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO mails (mail_id, user_id, kind, tries, due_at_ms, created_at_ms, expires_at_ms)
             SELECT ?2, user_id, ?3, 0, ?4, ?4, ?5
               FROM users
              WHERE user_id = ?1 AND email IS NOT NULL",
        )?
        .execute(params![
            user.as_bytes(),
            mail.id.as_bytes(),
            mail.kind.as_str(),
            mail.at.as_ms(),
            mail.expires_at.as_ms(),
        ])
        .map(drop)
}

pub(super) fn are_due(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM mails WHERE due_at_ms <= ?1)")?
        .query_row([now.as_ms()], |row| row.get(0))
}

pub(super) fn take(connection: &Connection, take: &MailTake) -> rusqlite::Result<Vec<DueMail>> {
    connection
        .prepare_cached(
            "UPDATE mails
                SET tries = tries + 1, due_at_ms = ?2
              WHERE mail_number IN (
                    SELECT mail_number FROM mails WHERE due_at_ms <= ?1 ORDER BY due_at_ms LIMIT ?3)
             RETURNING mail_id, kind, tries, expires_at_ms,
                       (SELECT email FROM users WHERE users.user_id = mails.user_id)",
        )?
        .query_map(
            params![take.now.as_ms(), take.until.as_ms(), take.limit],
            rows::due_mail,
        )?
        .collect()
}

pub(super) fn put_off(
    connection: &Connection,
    id: MailId,
    until: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE mails SET due_at_ms = ?2 WHERE mail_id = ?1")?
        .execute(params![id.as_bytes(), until.as_ms()])
        .map(drop)
}

pub(super) fn forget(connection: &Connection, id: MailId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM mails WHERE mail_id = ?1")?
        .execute([id.as_bytes()])
        .map(drop)
}

/// Of an account that goes.
pub(super) fn forget_all(connection: &Connection, user: UserId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM mails WHERE user_id = ?1")?
        .execute([user.as_bytes()])
        .map(drop)
}
