//! Rows as domain values. A row that breaks a value's rule is storage's failure, never a default.

use crate::{
    domain::{mail::MailKind, roles::Roles, user::User},
    store::{Credentials, DueMail},
};
use contracts::values::{
    Email, MailId, SessionId, Timestamp, UserId, Username, ValueError, Version,
};
use rusqlite::{Row, types::Type};
use secrecy::SecretString;

/// The columns that [`user`] reads, in its order.
pub(super) const USER: &str =
    "user_id, email, username, name, roles, version, token_epoch, created_at_ms, verified_at_ms,
     disabled_at_ms";

pub(super) fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    let email: Option<String> = row.get(1)?;
    let username: Option<String> = row.get(2)?;
    let roles: String = row.get(4)?;
    let verified_at: Option<i64> = row.get(8)?;
    let disabled_at: Option<i64> = row.get(9)?;
    Ok(User {
        id: UserId::from_bytes(row.get(0)?),
        email: checked(
            1,
            Type::Text,
            email.as_deref().map(Email::parse).transpose(),
        )?,
        username: checked(
            2,
            Type::Text,
            username.as_deref().map(Username::parse).transpose(),
        )?,
        verified_at: verified_at.map(Timestamp::from_ms),
        disabled_at: disabled_at.map(Timestamp::from_ms),
        name: row.get(3)?,
        roles: checked(4, Type::Text, Roles::from_text(&roles))?,
        version: version(row, 5)?,
        epoch: row.get(6)?,
        created_at: Timestamp::from_ms(row.get(7)?),
    })
}

pub(super) fn version(row: &Row<'_>, column: usize) -> rusqlite::Result<Version> {
    let number: i64 = row.get(column)?;
    checked(column, Type::Integer, Version::try_from(number))
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

pub(super) fn credentials(row: &Row<'_>) -> rusqlite::Result<Credentials> {
    let password_hash: String = row.get(1)?;
    let disabled_at: Option<i64> = row.get(2)?;
    Ok(Credentials {
        user_id: UserId::from_bytes(row.get(0)?),
        password_hash: SecretString::from(password_hash),
        disabled: disabled_at.is_some(),
        epoch: row.get(3)?,
        has_factor: row.get(4)?,
        spent: None,
    })
}

/// `mail_id, kind, tries, expires_at_ms, email`.
pub(super) fn due_mail(row: &Row<'_>) -> rusqlite::Result<DueMail> {
    let kind: String = row.get(1)?;
    let email: Option<String> = row.get(4)?;
    let email = email.as_deref().map(Email::parse).transpose();
    Ok(DueMail {
        id: MailId::from_bytes(row.get(0)?),
        kind: checked(1, Type::Text, MailKind::from_text(&kind))?,
        tries: row.get(2)?,
        expires_at: Timestamp::from_ms(row.get(3)?),
        email: checked(4, Type::Text, email)?,
    })
}

pub(super) fn user_id(row: &Row<'_>, column: usize) -> rusqlite::Result<UserId> {
    Ok(UserId::from_bytes(row.get(column)?))
}

pub(super) fn session_id(row: &Row<'_>, column: usize) -> rusqlite::Result<SessionId> {
    Ok(SessionId::from_bytes(row.get(column)?))
}

pub(super) fn checked<T>(
    column: usize,
    kind: Type,
    value: Result<T, ValueError>,
) -> rusqlite::Result<T> {
    value.map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, kind, Box::new(error)))
}
