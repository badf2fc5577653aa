//! The table of links in mails, of whose tokens only hashes are kept: owed to few at a time, good once. The user's row
//! is locked before any link of theirs.

use super::{
    mails,
    rows::{self, users},
    security,
};
use crate::{
    domain::{mail::MailKind, user::User},
    store::{KEEP_ENDED_SECONDS, NewLink, PasswordReset, SWEEP_MAX, TokenHash},
};
use contracts::{
    identity::EmailVerified,
    values::{Email, Timestamp, UserId},
};
use platform::{
    db::{
        StoreError,
        postgres::{Bytes, Connection, ToSql},
    },
    outbox::postgres::append,
};
use secrecy::ExposeSecret;

/// Locked, so that links are counted one after the other.
const FORGETFUL: &str =
    "SELECT user_id FROM users WHERE email_key = $1 AND disabled_at_ms IS NULL FOR UPDATE";

const UNVERIFIED: &str = "SELECT user_id
       FROM users
      WHERE user_id = $1 AND email IS NOT NULL AND verified_at_ms IS NULL AND disabled_at_ms IS NULL
        FOR UPDATE";

const MAY_FORGET: &str = "SELECT user_id
       FROM users
      WHERE user_id = $1 AND email IS NOT NULL AND disabled_at_ms IS NULL
        FOR UPDATE";

const OWE: &str =
    "INSERT INTO mail_links (token_hash, user_id, kind, email_key, created_at_ms, expires_at_ms)
     SELECT $2, user_id, $3, email_key, $4, $5
       FROM users
      WHERE user_id = $1
        AND (SELECT COUNT(*)
               FROM mail_links
              WHERE user_id = $1 AND kind = $3 AND created_at_ms > $6) < $7";

const OWNER: &str = users!(
    "SELECT",
    "FROM users
      WHERE disabled_at_ms IS NULL AND user_id = (
            SELECT l.user_id
              FROM mail_links l
             WHERE l.token_hash = $1 AND l.kind = $2 AND l.expires_at_ms > $3 AND l.email_key = users.email_key)"
);

const TAKE: &str = "DELETE FROM mail_links
      WHERE token_hash = $1 AND user_id = $2 AND kind = 'reset_password' AND expires_at_ms > $3";

const RESET: &str = "UPDATE users
        SET password_hash = $2, token_epoch = token_epoch + 1, epoch_changed_at_ms = $3
      WHERE user_id = $1 AND disabled_at_ms IS NULL AND deleted_at_ms IS NULL
     RETURNING token_epoch";

const VERIFY: &str = "UPDATE users
        SET verified_at_ms = $2, version = version + 1
      WHERE user_id = $1 AND verified_at_ms IS NULL AND deleted_at_ms IS NULL";

/// Nodes that sweep at the same time leave one another's rows alone.
const SWEEP: &str = "DELETE FROM mail_links
      WHERE link_number = ANY(ARRAY(SELECT link_number
                              FROM mail_links
                             WHERE expires_at_ms <= $1
                             ORDER BY expires_at_ms
                             LIMIT $2
                               FOR UPDATE SKIP LOCKED))";

fn name(id: UserId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

/// Who may get a link for a forgotten password.
pub(super) async fn forgetful(
    connection: &Connection,
    email: &Email,
) -> Result<Option<UserId>, StoreError> {
    let row = connection.query_opt(FORGETFUL, &[&email.key()]).await?;
    row.map(|row| rows::user_id(&row, 0)).transpose()
}

/// Whether the user may get such a link, whoever asks for it.
pub(super) async fn may_forget(connection: &Connection, id: UserId) -> Result<bool, StoreError> {
    let row = connection.query_opt(MAY_FORGET, &[&name(id)]).await?;
    Ok(row.is_some())
}

/// Whether the user has an address that is not verified.
pub(super) async fn is_unverified(connection: &Connection, id: UserId) -> Result<bool, StoreError> {
    let row = connection.query_opt(UNVERIFIED, &[&name(id)]).await?;
    Ok(row.is_some())
}

/// Owes the user a mail with a link, unless they got too many of late; whether it does.
pub(super) async fn owe(
    connection: &Connection,
    user: UserId,
    link: &NewLink,
) -> Result<bool, StoreError> {
    let values: [&(dyn ToSql + Sync); 7] = [
        &name(user),
        &Bytes(link.token),
        &link.mail.kind.as_str(),
        &link.mail.at.as_ms(),
        &link.mail.expires_at.as_ms(),
        &link.since.as_ms(),
        &i64::from(link.most),
    ];
    let owed = connection.execute(OWE, &values).await? == 1;
    if owed {
        mails::insert(connection, user, &link.mail).await?;
        security::insert(connection, &link.event.clone().of(user)).await?;
    }
    Ok(owed)
}

/// Whose link it is, while it is good.
pub(super) async fn owner(
    connection: &Connection,
    token: &TokenHash,
    kind: MailKind,
    now: Timestamp,
) -> Result<Option<User>, StoreError> {
    let values: [&(dyn ToSql + Sync); 3] = [&Bytes(*token), &kind.as_str(), &now.as_ms()];
    let row = connection.query_opt(OWNER, &values).await?;
    row.as_ref().map(rows::user).transpose()
}

/// Uses the link of a reset up; whether it was good.
pub(super) async fn take(
    connection: &Connection,
    reset: &PasswordReset,
) -> Result<bool, StoreError> {
    let values: [&(dyn ToSql + Sync); 3] =
        [&Bytes(reset.token), &name(reset.user), &reset.at.as_ms()];
    Ok(connection.execute(TAKE, &values).await? == 1)
}

/// Sets the password; answers the epoch that ends earlier tokens.
pub(super) async fn reset(
    connection: &Connection,
    reset: &PasswordReset,
) -> Result<Option<i64>, StoreError> {
    let values: [&(dyn ToSql + Sync); 3] = [
        &name(reset.user),
        &reset.password_hash.expose_secret(),
        &reset.at.as_ms(),
    ];
    let row = connection.query_opt(RESET, &values).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Tells whoever keeps something under the address, once.
pub(super) async fn verify(
    connection: &Connection,
    user: UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let values: [&(dyn ToSql + Sync); 2] = [&name(user), &at.as_ms()];
    let changed = connection.execute(VERIFY, &values).await?;
    if changed == 1 {
        append(connection, &EmailVerified { user_id: user }, at).await?;
    }
    Ok(())
}

/// Links of a kind, and the mails that would bring them.
pub(super) async fn forget(
    connection: &Connection,
    user: UserId,
    kind: MailKind,
) -> Result<(), StoreError> {
    let values: [&(dyn ToSql + Sync); 2] = [&name(user), &kind.as_str()];
    let mails = "DELETE FROM mails WHERE user_id = $1 AND kind = $2";
    connection.execute(mails, &values).await?;
    let links = "DELETE FROM mail_links WHERE user_id = $1 AND kind = $2";
    connection.execute(links, &values).await.map(drop)
}

/// Of an account that goes.
pub(super) async fn forget_all(connection: &Connection, user: UserId) -> Result<(), StoreError> {
    let sql = "DELETE FROM mail_links WHERE user_id = $1";
    connection.execute(sql, &[&name(user)]).await.map(drop)
}

/// Whether there may be more. They stay for a day, to be counted.
pub(super) async fn sweep(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    let kept_since = now.plus_seconds(KEEP_ENDED_SECONDS.saturating_neg());
    let values: [&(dyn ToSql + Sync); 2] = [&kept_since.as_ms(), &i64::from(SWEEP_MAX)];
    let gone = connection.execute(SWEEP, &values).await?;
    Ok(gone >= u64::from(SWEEP_MAX))
}
