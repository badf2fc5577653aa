//! The table of users. Every change is a compare-and-set in its WHERE clause.

use super::{
    rows::{self, credentials_where, users},
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
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, ToSql},
};
use secrecy::ExposeSecret;

const INSERT: &str = users!(
    "INSERT INTO users (user_id, email, email_key, username, username_key, name, password_hash, roles,
                        version, token_epoch, epoch_changed_at_ms, created_at_ms)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, 0, $9, $9)
     RETURNING",
    ""
);

const BY_EMAIL_LOCKED: &str = users!("SELECT", "FROM users WHERE email_key = $1 FOR UPDATE");

const PROMOTE: &str = users!(
    "UPDATE users
        SET roles = $2, password_hash = $3, disabled_at_ms = NULL, version = version + 1,
            token_epoch = token_epoch + 1, epoch_changed_at_ms = $4
      WHERE user_id = $1
     RETURNING",
    ""
);

/// Locked against changes, so that no session is opened behind a new password that ends them all.
const STILL_PROVEN: &str = users!(
    "SELECT",
    "FROM users
      WHERE user_id = $1 AND password_hash = $2 AND disabled_at_ms IS NULL
        FOR SHARE"
);

const ONE: &str = users!(
    "SELECT",
    "FROM users WHERE user_id = $1 AND deleted_at_ms IS NULL"
);

const ENABLED: &str = users!(
    "SELECT",
    "FROM users WHERE user_id = $1 AND deleted_at_ms IS NULL AND disabled_at_ms IS NULL"
);

const RENAME: &str = users!(
    "UPDATE users
        SET name = CASE WHEN $3 THEN $4 ELSE name END, version = version + 1
      WHERE user_id = $1 AND deleted_at_ms IS NULL AND ($2::bigint IS NULL OR version = $2)
     RETURNING",
    ""
);

const SET_ROLES: &str = users!(
    "UPDATE users
        SET roles = $3, version = version + 1, token_epoch = token_epoch + 1, epoch_changed_at_ms = $4
      WHERE user_id = $1 AND deleted_at_ms IS NULL AND ($2::bigint IS NULL OR version = $2)
     RETURNING",
    ""
);

const RAISE_EPOCH: &str = "UPDATE users
        SET token_epoch = token_epoch + 1, epoch_changed_at_ms = $2
      WHERE user_id = $1 AND deleted_at_ms IS NULL
     RETURNING token_epoch";

const CHANGE_PASSWORD: &str = "UPDATE users
        SET password_hash = $3
      WHERE user_id = $1 AND password_hash = $2 AND disabled_at_ms IS NULL";

const ERASE: &str = "UPDATE users
        SET email = NULL, email_key = NULL, username = NULL, username_key = NULL, name = NULL,
            password_hash = NULL, verified_at_ms = NULL, roles = 'customer', version = version + 1,
            token_epoch = token_epoch + 1, epoch_changed_at_ms = $3, deleted_at_ms = $3
      WHERE user_id = $1 AND password_hash = $2 AND disabled_at_ms IS NULL
     RETURNING token_epoch";

const EPOCHS: &str = "SELECT user_id, token_epoch, epoch_changed_at_ms
       FROM users
      WHERE token_epoch > 0 AND epoch_changed_at_ms >= $1
      ORDER BY epoch_changed_at_ms
      LIMIT $2";

fn name(id: UserId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

pub(super) async fn insert(
    connection: &Connection,
    user: &NewUser,
) -> Result<User, Abort<RegisterError>> {
    let values: [&(dyn ToSql + Sync); 9] = [
        &name(user.id),
        &user.email.as_ref().map(Email::as_str),
        &user.email.as_ref().map(Email::key),
        &user.username.as_ref().map(Username::as_str),
        &user.username.as_ref().map(Username::key),
        &user.name,
        &user.password_hash.expose_secret(),
        &user.roles.as_text(),
        &user.at.as_ms(),
    ];
    let row = connection
        .query_one(INSERT, &values)
        .await
        .map_err(|error| {
            Abort::from(error)
                .or_constraint("users_email_unique", || RegisterError::EmailTaken)
                .or_constraint("users_username_unique", || RegisterError::UsernameTaken)
        })?;
    security::insert(connection, &user.event).await?;
    Ok(rows::user(&row)?)
}

/// Gives the account of that address the admin's role and the password; its access tokens end.
pub(super) async fn promote(
    connection: &Connection,
    user: &NewUser,
) -> Result<Option<User>, StoreError> {
    let Some(email) = &user.email else {
        return Ok(None);
    };
    let Some(found) = first(connection, BY_EMAIL_LOCKED, &[&email.key()]).await? else {
        return Ok(None);
    };
    let values: [&(dyn ToSql + Sync); 4] = [
        &name(found.id),
        &found.roles.with(Role::Admin).as_text(),
        &user.password_hash.expose_secret(),
        &user.at.as_ms(),
    ];
    first(connection, PROMOTE, &values).await
}

pub(super) async fn credentials(
    connection: &Connection,
    name: &LoginName,
) -> Result<Option<Credentials>, StoreError> {
    let (sql, key) = match name {
        LoginName::Email(email) => (credentials_where!("email_key = $1"), email.key()),
        LoginName::Username(username) => (credentials_where!("username_key = $1"), username.key()),
    };
    let row = connection.query_opt(sql, &[&key]).await?;
    row.as_ref().map(rows::credentials).transpose()
}

pub(super) async fn credentials_of(
    connection: &Connection,
    id: UserId,
) -> Result<Option<Credentials>, StoreError> {
    let sql = credentials_where!("user_id = $1 AND deleted_at_ms IS NULL");
    let row = connection.query_opt(sql, &[&name(id)]).await?;
    row.as_ref().map(rows::credentials).transpose()
}

/// The user, if the password that was checked is still theirs and nobody disabled them meanwhile.
pub(super) async fn still_proven(
    connection: &Connection,
    proven: &Credentials,
) -> Result<Option<User>, StoreError> {
    let password = proven.password_hash.expose_secret();
    let values: [&(dyn ToSql + Sync); 2] = [&name(proven.user_id), &password];
    first(connection, STILL_PROVEN, &values).await
}

/// Locks the account for this commit alone; whether there is one.
pub(super) async fn lock(connection: &Connection, id: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM users WHERE user_id = $1 AND deleted_at_ms IS NULL FOR UPDATE";
    Ok(connection.query_opt(sql, &[&name(id)]).await?.is_some())
}

pub(super) async fn find(connection: &Connection, id: UserId) -> Result<Option<User>, StoreError> {
    first(connection, ONE, &[&name(id)]).await
}

/// Somebody who may sign in.
pub(super) async fn find_enabled(
    connection: &Connection,
    id: UserId,
) -> Result<Option<User>, StoreError> {
    first(connection, ENABLED, &[&name(id)]).await
}

pub(super) async fn rename(
    connection: &Connection,
    change: &Rename,
) -> Result<User, Abort<ProfileError>> {
    let values: [&(dyn ToSql + Sync); 4] = [
        &name(change.id),
        &change.sent.version().map(Version::get),
        &change.name.is_some(),
        &change.name.clone().flatten(),
    ];
    match first(connection, RENAME, &values).await? {
        Some(user) => Ok(user),
        None => Err(refusal(connection, change.id, change.sent).await?),
    }
}

pub(super) async fn set_roles(
    connection: &Connection,
    change: &RoleChange,
) -> Result<User, Abort<ProfileError>> {
    let values: [&(dyn ToSql + Sync); 4] = [
        &name(change.id),
        &change.sent.version().map(Version::get),
        &change.roles.as_text(),
        &change.at.as_ms(),
    ];
    match first(connection, SET_ROLES, &values).await? {
        Some(user) => Ok(user),
        None => Err(refusal(connection, change.id, change.sent).await?),
    }
}

/// Ends the user's access tokens; answers the new epoch.
pub(super) async fn raise_epoch(
    connection: &Connection,
    id: UserId,
    at: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let values: [&(dyn ToSql + Sync); 2] = [&name(id), &at.as_ms()];
    let row = connection.query_opt(RAISE_EPOCH, &values).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// Whether what was proven still held.
pub(super) async fn change_password(
    connection: &Connection,
    change: &PasswordChange,
) -> Result<bool, StoreError> {
    let values: [&(dyn ToSql + Sync); 3] = [
        &name(change.proven.user_id),
        &change.proven.password_hash.expose_secret(),
        &change.password_hash.expose_secret(),
    ];
    Ok(connection.execute(CHANGE_PASSWORD, &values).await? == 1)
}

pub(super) async fn refusal(
    connection: &Connection,
    id: UserId,
    sent: Precondition,
) -> Result<Abort<ProfileError>, StoreError> {
    let sql = "SELECT version FROM users WHERE user_id = $1 AND deleted_at_ms IS NULL";
    let row = connection.query_opt(sql, &[&name(id)]).await?;
    let current = row.map(|row| rows::version(&row, 0)).transpose()?;
    Ok(Abort::Refused(stale(sent, current)))
}

/// Leaves of an account its id and its times; answers the epoch that ends its tokens.
pub(super) async fn erase(
    connection: &Connection,
    proven: &Credentials,
    at: Timestamp,
) -> Result<Option<i64>, StoreError> {
    let password = proven.password_hash.expose_secret();
    let values: [&(dyn ToSql + Sync); 3] = [&name(proven.user_id), &password, &at.as_ms()];
    let row = connection.query_opt(ERASE, &values).await?;
    Ok(row.map(|row| row.try_get(0)).transpose()?)
}

/// The oldest first, as the memory of endings wants them.
pub(super) async fn epochs_since(
    connection: &Connection,
    since: Timestamp,
) -> Result<Vec<(UserId, i64, Timestamp)>, StoreError> {
    let values: [&(dyn ToSql + Sync); 2] = [&since.as_ms(), &i64::from(ENDINGS_MAX)];
    let rows = connection.query(EPOCHS, &values).await?;
    rows.iter()
        .map(|row| Ok((rows::user_id(row, 0)?, row.try_get(1)?, rows::time(row, 2)?)))
        .collect()
}

pub(super) async fn first(
    connection: &Connection,
    sql: &'static str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Option<User>, StoreError> {
    let row = connection.query_opt(sql, values).await?;
    row.as_ref().map(rows::user).transpose()
}
