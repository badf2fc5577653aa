//! Rows as domain values. A row that breaks a value's rule is storage's failure, never a default.

use crate::{
    domain::{mail::MailKind, roles::Roles, user::User},
    store::{Credentials, DueMail},
};
use contracts::values::{
    Email, MailId, SessionId, Timestamp, UserId, Username, ValueError, Version,
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Row},
};
use secrecy::SecretString;

/// The columns that [`user`] reads, in its order.
macro_rules! users {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " user_id, email, username, name, roles, version, token_epoch, created_at_ms, verified_at_ms,
              disabled_at_ms ",
            $after
        )
    };
}
pub(super) use users;

pub(super) fn user(row: &Row) -> Result<User, StoreError> {
    let email: Option<&str> = row.try_get(1)?;
    let username: Option<&str> = row.try_get(2)?;
    let roles = Roles::from_text(row.try_get(4)?);
    let verified_at: Option<i64> = row.try_get(8)?;
    let disabled_at: Option<i64> = row.try_get(9)?;
    Ok(User {
        id: user_id(row, 0)?,
        email: email.map(Email::parse).transpose().map_err(unreadable)?,
        username: username
            .map(Username::parse)
            .transpose()
            .map_err(unreadable)?,
        verified_at: verified_at.map(Timestamp::from_ms),
        disabled_at: disabled_at.map(Timestamp::from_ms),
        name: row.try_get(3)?,
        roles: roles.map_err(unreadable)?,
        version: version(row, 5)?,
        epoch: row.try_get(6)?,
        created_at: time(row, 7)?,
    })
}

pub(super) fn version(row: &Row, column: usize) -> Result<Version, StoreError> {
    Version::try_from(row.try_get::<_, i64>(column)?).map_err(unreadable)
}

/// What a password is checked against, of whom this condition finds: what [`credentials`] reads.
macro_rules! credentials_where {
    ($condition:literal) => {
        concat!(
            "SELECT user_id, password_hash, disabled_at_ms, token_epoch,
                    EXISTS (SELECT 1
                              FROM second_factors f
                             WHERE f.user_id = users.user_id AND f.confirmed_at_ms IS NOT NULL)
               FROM users
              WHERE ",
            $condition
        )
    };
}
pub(super) use credentials_where;

pub(super) fn credentials(row: &Row) -> Result<Credentials, StoreError> {
    let password_hash: String = row.try_get(1)?;
    let disabled_at: Option<i64> = row.try_get(2)?;
    Ok(Credentials {
        user_id: user_id(row, 0)?,
        password_hash: SecretString::from(password_hash),
        disabled: disabled_at.is_some(),
        epoch: row.try_get(3)?,
        has_factor: row.try_get(4)?,
        spent: None,
    })
}

/// `mail_id, kind, tries, expires_at_ms, email`.
pub(super) fn due_mail(row: &Row) -> Result<DueMail, StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(0)?;
    let tries: i64 = row.try_get(2)?;
    let email: Option<&str> = row.try_get(4)?;
    Ok(DueMail {
        id: MailId::from_bytes(id),
        kind: MailKind::from_text(row.try_get(1)?).map_err(unreadable)?,
        tries: u32::try_from(tries).unwrap_or(u32::MAX),
        expires_at: time(row, 3)?,
        email: email.map(Email::parse).transpose().map_err(unreadable)?,
    })
}

pub(super) fn user_id(row: &Row, column: usize) -> Result<UserId, StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(column)?;
    Ok(UserId::from_bytes(id))
}

pub(super) fn session_id(row: &Row, column: usize) -> Result<SessionId, StoreError> {
    let Bytes(id): Bytes<16> = row.try_get(column)?;
    Ok(SessionId::from_bytes(id))
}

pub(super) fn time(row: &Row, column: usize) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_ms(row.try_get(column)?))
}

pub(super) fn unreadable(error: ValueError) -> StoreError {
    StoreError::Other(Box::new(error))
}
