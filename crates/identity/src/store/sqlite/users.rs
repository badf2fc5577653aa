//! The table of users. Every change is a compare-and-set in its WHERE clause.

use super::{
    rows::{self, credentials_where},
    security,
};
use crate::{
    domain::user::User,
    store::{
        Credentials, ENDINGS_MAX, LoginName, NewUser, PasswordChange, Rename, RoleChange, stale,
    },
};
use contracts::{
    access::Role,
    identity::{ProfileError, RegisterError},
    request::Precondition,
    values::{Email, Timestamp, UserId, Username, Version},
};
use platform::db::Abort;
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::ExposeSecret;

pub(super) fn insert(
    connection: &Connection,
    user: &NewUser,
) -> Result<User, Abort<RegisterError>> {
    let sql = format!(
        "INSERT INTO users (user_id, email, email_key, username, username_key, name, password_hash, roles,
                            version, token_epoch, epoch_changed_at_ms, created_at_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1, 0, ?9, ?9)
         RETURNING {}",
        rows::USER
    );
    let inserted = connection.prepare_cached(&sql)?.query_row(
        params![
            user.id.as_bytes(),
            user.email.as_ref().map(Email::as_str),
            user.email.as_ref().map(Email::key),
            user.username.as_ref().map(Username::as_str),
            user.username.as_ref().map(Username::key),
            user.name,
            user.password_hash.expose_secret(),
            user.roles.as_text(),
            user.at.as_ms(),
        ],
        rows::user,
    );
    let inserted = inserted.map_err(|error| {
        Abort::from(error)
            .or_constraint("users.email_key", || RegisterError::EmailTaken)
            .or_constraint("users.username_key", || RegisterError::UsernameTaken)
    })?;
    security::insert(connection, &user.event)?;
    Ok(inserted)
}

/// Gives the account of that address the admin's role and the password; its access tokens end.
pub(super) fn promote(connection: &Connection, user: &NewUser) -> rusqlite::Result<Option<User>> {
    let Some(email) = &user.email else {
        return Ok(None);
    };
    let sql = format!("SELECT {} FROM users WHERE email_key = ?1", rows::USER);
    let found = connection
        .prepare_cached(&sql)?
        .query_row([email.key()], rows::user)
        .optional()?;
    let Some(found) = found else {
        return Ok(None);
    };
    let sql = format!(
        "UPDATE users
            SET roles = ?2, password_hash = ?3, disabled_at_ms = NULL, version = version + 1,
                token_epoch = token_epoch + 1, epoch_changed_at_ms = ?4
          WHERE user_id = ?1
         RETURNING {}",
        rows::USER
    );
    connection
        .prepare_cached(&sql)?
        .query_row(
            params![
                found.id.as_bytes(),
                found.roles.with(Role::Admin).as_text(),
                user.password_hash.expose_secret(),
                user.at.as_ms()
            ],
            rows::user,
        )
        .optional()
}

pub(super) fn credentials(
    connection: &Connection,
    name: &LoginName,
) -> rusqlite::Result<Option<Credentials>> {
    let (sql, key) = match name {
        LoginName::Email(email) => (credentials_where!("email_key = ?1"), email.key()),
        LoginName::Username(username) => (credentials_where!("username_key = ?1"), username.key()),
    };
    connection
        .prepare_cached(sql)?
        .query_row([key], rows::credentials)
        .optional()
}

pub(super) fn credentials_of(
    connection: &Connection,
    id: UserId,
) -> rusqlite::Result<Option<Credentials>> {
    connection
        .prepare_cached(credentials_where!("user_id = ?1 AND deleted_at_ms IS NULL"))?
        .query_row([id.as_bytes()], rows::credentials)
        .optional()
}

/// The user, if the password that was checked is still theirs and nobody disabled them meanwhile.
pub(super) fn still_proven(
    connection: &Connection,
    proven: &Credentials,
) -> rusqlite::Result<Option<User>> {
    let sql = format!(
        "SELECT {} FROM users WHERE user_id = ?1 AND password_hash = ?2 AND disabled_at_ms IS NULL",
        rows::USER
    );
    connection
        .prepare_cached(&sql)?
        .query_row(
            params![
                proven.user_id.as_bytes(),
                proven.password_hash.expose_secret()
            ],
            rows::user,
        )
        .optional()
}

pub(super) fn find(connection: &Connection, id: UserId) -> rusqlite::Result<Option<User>> {
    let sql = format!(
        "SELECT {} FROM users WHERE user_id = ?1 AND deleted_at_ms IS NULL",
        rows::USER
    );
    connection
        .prepare_cached(&sql)?
        .query_row([id.as_bytes()], rows::user)
        .optional()
}

/// Somebody who may sign in.
pub(super) fn find_enabled(connection: &Connection, id: UserId) -> rusqlite::Result<Option<User>> {
    let sql = format!(
        "SELECT {} FROM users WHERE user_id = ?1 AND deleted_at_ms IS NULL AND disabled_at_ms IS NULL",
        rows::USER
    );
    connection
        .prepare_cached(&sql)?
        .query_row([id.as_bytes()], rows::user)
        .optional()
}

pub(super) fn rename(
    connection: &Connection,
    change: &Rename,
) -> Result<User, Abort<ProfileError>> {
    let sql = format!(
        "UPDATE users
            SET name = CASE WHEN ?3 THEN ?4 ELSE name END, version = version + 1
          WHERE user_id = ?1 AND deleted_at_ms IS NULL AND (?2 IS NULL OR version = ?2)
         RETURNING {}",
        rows::USER
    );
    let changed = connection
        .prepare_cached(&sql)?
        .query_row(
            params![
                change.id.as_bytes(),
                change.sent.version().map(Version::get),
                change.name.is_some(),
                change.name.clone().flatten(),
            ],
            rows::user,
        )
        .optional()?;
    changed.map_or_else(|| refuse(connection, change.id, change.sent), Ok)
}

pub(super) fn set_roles(
    connection: &Connection,
    change: &RoleChange,
) -> Result<User, Abort<ProfileError>> {
    let sql = format!(
        "UPDATE users
            SET roles = ?3, version = version + 1, token_epoch = token_epoch + 1, epoch_changed_at_ms = ?4
          WHERE user_id = ?1 AND deleted_at_ms IS NULL AND (?2 IS NULL OR version = ?2)
         RETURNING {}",
        rows::USER
    );
    let changed = connection
        .prepare_cached(&sql)?
        .query_row(
            params![
                change.id.as_bytes(),
                change.sent.version().map(Version::get),
                change.roles.as_text(),
                change.at.as_ms(),
            ],
            rows::user,
        )
        .optional()?;
    changed.map_or_else(|| refuse(connection, change.id, change.sent), Ok)
}

/// Ends the user's access tokens; answers the new epoch.
pub(super) fn raise_epoch(
    connection: &Connection,
    id: UserId,
    at: Timestamp,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "UPDATE users
                SET token_epoch = token_epoch + 1, epoch_changed_at_ms = ?2
              WHERE user_id = ?1 AND deleted_at_ms IS NULL
             RETURNING token_epoch",
        )?
        .query_row(params![id.as_bytes(), at.as_ms()], |row| row.get(0))
        .optional()
}

/// Whether what was proven still held.
pub(super) fn change_password(
    connection: &Connection,
    change: &PasswordChange,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "UPDATE users
                SET password_hash = ?3
              WHERE user_id = ?1 AND password_hash = ?2 AND disabled_at_ms IS NULL",
        )?
        .execute(params![
            change.proven.user_id.as_bytes(),
            change.proven.password_hash.expose_secret(),
            change.password_hash.expose_secret(),
        ])
        .map(|changed| changed == 1)
}

pub(super) fn refuse<T>(
    connection: &Connection,
    id: UserId,
    sent: Precondition,
) -> Result<T, Abort<ProfileError>> {
    let current = connection
        .prepare_cached("SELECT version FROM users WHERE user_id = ?1 AND deleted_at_ms IS NULL")?
        .query_row([id.as_bytes()], |row| rows::version(row, 0))
        .optional()?;
    Err(Abort::Refused(stale(sent, current)))
}

/// Leaves of an account its id and its times; answers the epoch that ends its tokens.
pub(super) fn erase(
    connection: &Connection,
    proven: &Credentials,
    at: Timestamp,
) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached(
            "UPDATE users
                SET email = NULL, email_key = NULL, username = NULL, username_key = NULL, name = NULL,
                    password_hash = NULL, verified_at_ms = NULL, roles = 'customer', version = version + 1,
                    token_epoch = token_epoch + 1, epoch_changed_at_ms = ?3, deleted_at_ms = ?3
              WHERE user_id = ?1 AND password_hash = ?2 AND disabled_at_ms IS NULL
             RETURNING token_epoch",
        )?
        .query_row(
            params![
                proven.user_id.as_bytes(),
                proven.password_hash.expose_secret(),
                at.as_ms()
            ],
            |row| row.get(0),
        )
        .optional()
}

/// The oldest first, as the memory of endings wants them.
pub(super) fn epochs_since(
    connection: &Connection,
    since: Timestamp,
) -> rusqlite::Result<Vec<(UserId, i64, Timestamp)>> {
    connection
        .prepare_cached(
            "SELECT user_id, token_epoch, epoch_changed_at_ms
               FROM users
              WHERE token_epoch > 0 AND epoch_changed_at_ms >= ?1
              ORDER BY epoch_changed_at_ms
              LIMIT ?2",
        )?
        .query_map(params![since.as_ms(), ENDINGS_MAX], |row| {
            Ok((
                UserId::from_bytes(row.get(0)?),
                row.get(1)?,
                Timestamp::from_ms(row.get(2)?),
            ))
        })?
        .collect()
}
