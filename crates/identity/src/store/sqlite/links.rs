//! The table of links in mails, of whose tokens only hashes are kept: owed to few at a time, good once.

use super::{mails, rows, security};
use crate::{
    domain::{mail::MailKind, user::User},
    store::{KEEP_ENDED_SECONDS, NewLink, PasswordReset, SWEEP_MAX, TokenHash},
};
use contracts::{
    identity::EmailVerified,
    values::{Email, Timestamp, UserId},
};
use platform::{db::StoreError, outbox};
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::ExposeSecret;

/// Who may get a link for a forgotten password.
pub(super) fn forgetful(
    connection: &Connection,
    email: &Email,
) -> rusqlite::Result<Option<UserId>> {
    connection
        .prepare_cached(
            "SELECT user_id FROM users WHERE email_key = ?1 AND disabled_at_ms IS NULL",
        )?
        .query_row([email.key()], |row| Ok(UserId::from_bytes(row.get(0)?)))
        .optional()
}

/// Whether the user has an address that is not verified.
pub(super) fn is_unverified(connection: &Connection, id: UserId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (
                 SELECT 1
                   FROM users
                  WHERE user_id = ?1 AND email IS NOT NULL AND verified_at_ms IS NULL AND disabled_at_ms IS NULL)",
        )?
        .query_row([id.as_bytes()], |row| row.get(0))
}

/// Owes the user a mail with a link, unless they got too many of late; whether it does.
pub(super) fn owe(connection: &Connection, user: UserId, link: &NewLink) -> rusqlite::Result<bool> {
    let owed = connection
        .prepare_cached(
            "INSERT INTO mail_links (token_hash, user_id, kind, email_key, created_at_ms, expires_at_ms)
             SELECT ?2, user_id, ?3, email_key, ?4, ?5
               FROM users
              WHERE user_id = ?1
                AND (SELECT COUNT(*)
                       FROM mail_links
                      WHERE user_id = ?1 AND kind = ?3 AND created_at_ms > ?6) < ?7",
        )?
        .execute(params![
            user.as_bytes(),
            link.token,
            link.mail.kind.as_str(),
            link.mail.at.as_ms(),
            link.mail.expires_at.as_ms(),
            link.since.as_ms(),
            link.most,
        ])?;
    if owed == 1 {
        mails::insert(connection, user, &link.mail)?;
        security::insert(connection, &link.event.clone().of(user))?;
    }
    Ok(owed == 1)
}

/// Whose link it is, while it is good.
pub(super) fn owner(
    connection: &Connection,
    token: &TokenHash,
    kind: MailKind,
    now: Timestamp,
) -> rusqlite::Result<Option<User>> {
    let sql = format!(
        "SELECT {}
           FROM users
          WHERE disabled_at_ms IS NULL AND user_id = (
                SELECT l.user_id
                  FROM mail_links l
                 WHERE l.token_hash = ?1 AND l.kind = ?2 AND l.expires_at_ms > ?3 AND l.email_key = users.email_key)",
        rows::USER
    );
    connection
        .prepare_cached(&sql)?
        .query_row(params![token, kind.as_str(), now.as_ms()], rows::user)
        .optional()
}

/// Uses the link of a reset up; whether it was good.
pub(super) fn take(connection: &Connection, reset: &PasswordReset) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "DELETE FROM mail_links
              WHERE token_hash = ?1 AND user_id = ?2 AND kind = 'reset_password' AND expires_at_ms > ?3",
        )?
        .execute(params![reset.token, reset.user.as_bytes(), reset.at.as_ms()])
        .map(|taken| taken == 1)
}

/// Sets the password; answers the epoch that ends earlier tokens.
pub(super) fn reset(
    connection: &Connection,
    reset: &PasswordReset,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "UPDATE users
                SET password_hash = ?2, token_epoch = token_epoch + 1, epoch_changed_at_ms = ?3
              WHERE user_id = ?1 AND disabled_at_ms IS NULL AND deleted_at_ms IS NULL
             RETURNING token_epoch",
        )?
        .query_row(
            params![
                reset.user.as_bytes(),
                reset.password_hash.expose_secret(),
                reset.at.as_ms()
            ],
            |row| row.get(0),
        )
        .optional()
}

/// Tells whoever keeps something under the address, once.
pub(super) fn verify(
    connection: &Connection,
    user: UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let changed = connection
        .prepare_cached(
            "UPDATE users
                SET verified_at_ms = ?2, version = version + 1
              WHERE user_id = ?1 AND verified_at_ms IS NULL AND deleted_at_ms IS NULL",
        )?
        .execute(params![user.as_bytes(), at.as_ms()])?;
    if changed == 1 {
        outbox::append(connection, &EmailVerified { user_id: user }, at)?;
    }
    Ok(())
}

/// Links of a kind, and the mails that would bring them.
pub(super) fn forget(
    connection: &Connection,
    user: UserId,
    kind: MailKind,
) -> rusqlite::Result<()> {
    let of = params![user.as_bytes(), kind.as_str()];
    connection
        .prepare_cached("DELETE FROM mails WHERE user_id = ?1 AND kind = ?2")?
        .execute(of)?;
    connection
        .prepare_cached("DELETE FROM mail_links WHERE user_id = ?1 AND kind = ?2")?
        .execute(of)
        .map(drop)
}

/// Of an account that goes.
pub(super) fn forget_all(connection: &Connection, user: UserId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM mail_links WHERE user_id = ?1")?
        .execute([user.as_bytes()])
        .map(drop)
}

/// Whether there may be more. They stay for a day, to be counted.
pub(super) fn sweep(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    let kept_since = now.plus_seconds(KEEP_ENDED_SECONDS.saturating_neg());
    let gone = connection
        .prepare_cached(
            "DELETE FROM mail_links WHERE link_number IN (
                 SELECT link_number FROM mail_links WHERE expires_at_ms <= ?1 LIMIT ?2)",
        )?
        .execute(params![kept_since.as_ms(), SWEEP_MAX])?;
    Ok(gone >= usize::try_from(SWEEP_MAX).unwrap_or(usize::MAX))
}
