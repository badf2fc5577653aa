//! The tables of people whom a provider vouches for. Their uniqueness decides, not a look beforehand.

use super::{SqliteStore, factors, links, mails, rows, security, sessions, users};
use crate::{
    domain::{security::SecurityEvent, user::User},
    store::{
        Credentials, ExternalName, ExternalOpening, ExternalStore, NewMail, NewSession, NewUser,
        SWEEP_MAX, TokenHash, external::refusal, failure,
    },
};
use async_trait::async_trait;
use contracts::{
    identity::{ExternalError, LoginError},
    values::{Timestamp, UserId},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

#[async_trait]
impl ExternalStore for SqliteStore {
    async fn use_attempt(
        &self,
        attempt: TokenHash,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let write = self.database.write(move |c| {
            let used = c
                .prepare_cached(
                    "INSERT INTO external_attempts (attempt_hash, expires_at_ms)
                     VALUES (?1, ?2)
                     ON CONFLICT DO NOTHING",
                )?
                .execute(params![attempt, expires_at.as_ms()])?;
            Ok(used == 1)
        });
        write.await.map_err(failure)
    }

    async fn open_external_session(
        &self,
        name: ExternalName,
        has_second_factor: bool,
        session: NewSession,
    ) -> Result<ExternalOpening, StoreError> {
        let write = self.database.write(move |c| {
            let Some(id) = owner(c, &name)? else {
                return Ok(ExternalOpening::Unknown);
            };
            let Some(user) = users::find_enabled(c, id)? else {
                return Ok(ExternalOpening::Disabled);
            };
            if !has_second_factor && asks_for_a_code(c, id)? {
                return Ok(ExternalOpening::NeedsCode(id));
            }
            sessions::insert(c, user.id, &session)?;
            Ok(ExternalOpening::Opened(user))
        });
        write.await.map_err(failure)
    }

    async fn register_external(
        &self,
        user: NewUser,
        name: ExternalName,
        session: NewSession,
    ) -> Result<User, Abort<ExternalError>> {
        let write = self.database.write(move |c| {
            let id = users::insert(c, &user).map_err(refusal)?.id;
            insert(c, id, &name, user.at)?;
            links::verify(c, id, user.at)?;
            sessions::insert(c, id, &session)?;
            let made = users::find(c, id)?;
            made.ok_or_else(|| Abort::Failed(StoreError::Lost("a new account".to_owned())))
        });
        write.await
    }

    async fn link_external(
        &self,
        user: UserId,
        name: ExternalName,
        event: SecurityEvent,
        notice: NewMail,
    ) -> Result<(), Abort<ExternalError>> {
        let write = self.database.write(move |c| {
            if users::find_enabled(c, user)?.is_none() {
                return Err(Abort::Refused(ExternalError::Disabled));
            }
            insert(c, user, &name, event.at)?;
            mails::insert(c, user, &notice)?;
            Ok(security::insert(c, &event)?)
        });
        write.await
    }

    async fn external_issuers(&self, user: UserId) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let read = self.database.read(move |c| {
            let mut statement = c.prepare_cached(
                "SELECT issuer, linked_at_ms FROM external_names WHERE user_id = ?1 ORDER BY name_number",
            )?;
            let found = statement.query_map([user.as_bytes()], |row| {
                Ok((row.get(0)?, Timestamp::from_ms(row.get(1)?)))
            })?;
            Ok(found.collect::<Result<_, _>>()?)
        });
        read.await
    }

    async fn unlink_external(
        &self,
        proven: Credentials,
        issuer: String,
        event: SecurityEvent,
        notice: NewMail,
    ) -> Result<bool, Abort<LoginError>> {
        let write = self.database.write(move |c| {
            if users::still_proven(c, &proven)?.is_none() {
                return Err(Abort::Refused(LoginError::InvalidCredentials));
            }
            factors::spend(c, &proven)?;
            let gone = c
                .prepare_cached("DELETE FROM external_names WHERE user_id = ?1 AND issuer = ?2")?
                .execute(params![proven.user_id.as_bytes(), issuer])?;
            if gone == 1 {
                mails::insert(c, proven.user_id, &notice)?;
                security::insert(c, &event)?;
            }
            Ok(gone == 1)
        });
        write.await
    }

    async fn spend(&self, proven: Credentials) -> Result<(), Abort<LoginError>> {
        let write = self.database.write(move |c| {
            if users::still_proven(c, &proven)?.is_none() {
                return Err(Abort::Refused(LoginError::InvalidCredentials));
            }
            factors::spend(c, &proven)
        });
        write.await
    }
}

fn asks_for_a_code(connection: &Connection, user: UserId) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "SELECT EXISTS (
                 SELECT 1 FROM second_factors WHERE user_id = ?1 AND confirmed_at_ms IS NOT NULL)",
        )?
        .query_row([user.as_bytes()], |row| row.get(0))
}

fn owner(connection: &Connection, name: &ExternalName) -> rusqlite::Result<Option<UserId>> {
    connection
        .prepare_cached("SELECT user_id FROM external_names WHERE issuer = ?1 AND subject = ?2")?
        .query_row(params![name.issuer, name.subject], |row| {
            rows::user_id(row, 0)
        })
        .optional()
}

fn insert(
    connection: &Connection,
    user: UserId,
    name: &ExternalName,
    at: Timestamp,
) -> Result<(), Abort<ExternalError>> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO external_names (user_id, issuer, subject, linked_at_ms) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            user.as_bytes(),
            name.issuer,
            name.subject,
            at.as_ms()
        ]);
    inserted.map(drop).map_err(|error| {
        Abort::from(error)
            .or_constraint("external_names.subject", || ExternalError::LinkTaken)
            .or_constraint("external_names.issuer", || ExternalError::LinkTaken)
    })
}

/// Of an account that goes.
pub(super) fn forget_all(connection: &Connection, user: UserId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM external_names WHERE user_id = ?1")?
        .execute([user.as_bytes()])
        .map(drop)
}

/// Attempts that nobody could use any more; whether there may be more.
pub(super) fn sweep(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    let gone = connection
        .prepare_cached(
            "DELETE FROM external_attempts WHERE attempt_number IN (
                 SELECT attempt_number FROM external_attempts WHERE expires_at_ms <= ?1 LIMIT ?2)",
        )?
        .execute(params![now.as_ms(), SWEEP_MAX])?;
    Ok(gone >= usize::try_from(SWEEP_MAX).unwrap_or(usize::MAX))
}
