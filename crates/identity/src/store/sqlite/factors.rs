//! The tables of second factors and recovery codes. A code is used up by a conditional write.

use super::{SqliteStore, mails, security, sessions, users};
use crate::store::{
    Credentials, SWEEP_MAX,
    factors::{
        Codes, CodesMade, Factor, FactorBegun, FactorOff, FactorOn, FactorTakenOff, Factors,
        KEEP_BEGUN_SECONDS, Spent, unspent,
    },
};
use async_trait::async_trait;
use contracts::{
    identity::{FactorError, LoginError, ProfileError},
    values::{SessionId, Timestamp, UserId},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

#[async_trait]
impl Factors for SqliteStore {
    async fn factor(&self, user: UserId) -> Result<Option<Factor>, StoreError> {
        let read = self.database.read(move |c| Ok(find(c, user)?));
        read.await
    }

    async fn begin_factor(&self, begun: FactorBegun) -> Result<(), Abort<FactorError>> {
        let write = self.database.write(move |c| {
            let proven = users::still_proven(c, &begun.proven)?;
            proven.ok_or(Abort::Refused(LoginError::InvalidCredentials.into()))?;
            if !begin(c, &begun)? {
                return Err(Abort::Refused(FactorError::On));
            }
            Ok(())
        });
        write.await
    }

    async fn turn_factor_on(&self, on: FactorOn) -> Result<Vec<SessionId>, Abort<FactorError>> {
        let write = self.database.write(move |c| {
            if users::find(c, on.user)?.is_none() || !confirm(c, &on)? {
                return Err(Abort::Refused(FactorError::Off));
            }
            replace_codes(c, on.user, &on.codes, on.at)?;
            mails::insert(c, on.user, &on.notice)?;
            security::insert(c, &on.event)?;
            Ok(sessions::end_others(c, on.user, on.kept, on.at)?)
        });
        write.await
    }

    async fn make_codes(&self, made: CodesMade) -> Result<(), Abort<LoginError>> {
        let write = self.database.write(move |c| {
            let user = users::still_proven(c, &made.proven)?
                .ok_or(Abort::Refused(LoginError::InvalidCredentials))?;
            spend(c, &made.proven)?;
            replace_codes(c, user.id, &made.codes, made.at)?;
            mails::insert(c, user.id, &made.notice)?;
            Ok(security::insert(c, &made.event)?)
        });
        write.await
    }

    async fn turn_factor_off(&self, off: FactorOff) -> Result<Vec<SessionId>, Abort<LoginError>> {
        let write = self.database.write(move |c| {
            let user = users::still_proven(c, &off.proven)?
                .ok_or(Abort::Refused(LoginError::InvalidCredentials))?;
            spend(c, &off.proven)?;
            forget(c, user.id)?;
            mails::insert(c, user.id, &off.notice)?;
            security::insert(c, &off.event)?;
            Ok(sessions::end_others(c, user.id, off.kept, off.at)?)
        });
        write.await
    }

    async fn take_factor_off(
        &self,
        off: FactorTakenOff,
    ) -> Result<Option<i64>, Abort<ProfileError>> {
        let write = self.database.write(move |c| {
            if users::find(c, off.user)?.is_none() {
                return Err(Abort::Refused(ProfileError::NotFound));
            }
            if !forget(c, off.user)? {
                return Ok(None);
            }
            let epoch = users::raise_epoch(c, off.user, off.at)?;
            sessions::end_all(c, off.user, "password", off.at)?;
            mails::insert(c, off.user, &off.notice)?;
            security::insert(c, &off.event)?;
            Ok(epoch)
        });
        write.await
    }
}

fn find(connection: &Connection, user: UserId) -> rusqlite::Result<Option<Factor>> {
    let found = connection
        .prepare_cached(
            "SELECT secret, last_step, begun_at_ms, confirmed_at_ms FROM second_factors WHERE user_id = ?1",
        )?
        .query_row([user.as_bytes()], |row| {
            let confirmed_at: Option<i64> = row.get(3)?;
            Ok(Factor {
                sealed: row.get(0)?,
                last_step: row.get(1)?,
                begun_at: Timestamp::from_ms(row.get(2)?),
                confirmed_at: confirmed_at.map(Timestamp::from_ms),
                codes: Vec::new(),
            })
        })
        .optional()?;
    let Some(mut factor) = found else {
        return Ok(None);
    };
    factor.codes = connection
        .prepare_cached("SELECT code_hash FROM recovery_codes WHERE user_id = ?1")?
        .query_map([user.as_bytes()], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    Ok(Some(factor))
}

fn begin(connection: &Connection, begun: &FactorBegun) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "INSERT INTO second_factors (user_id, secret, last_step, begun_at_ms)
             VALUES (?1, ?2, 0, ?3)
             ON CONFLICT (user_id) DO UPDATE
                SET secret = excluded.secret, last_step = 0, begun_at_ms = excluded.begun_at_ms
              WHERE confirmed_at_ms IS NULL",
        )?
        .execute(params![
            begun.proven.user_id.as_bytes(),
            begun.sealed,
            begun.at.as_ms()
        ])
        .map(|kept| kept == 1)
}

fn confirm(connection: &Connection, on: &FactorOn) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(
            "UPDATE second_factors
                SET confirmed_at_ms = ?3, last_step = ?4
              WHERE user_id = ?1 AND secret = ?2 AND confirmed_at_ms IS NULL",
        )?
        .execute(params![
            on.user.as_bytes(),
            on.sealed,
            on.at.as_ms(),
            on.step
        ])
        .map(|confirmed| confirmed == 1)
}

fn replace_codes(
    connection: &Connection,
    user: UserId,
    codes: &Codes,
    at: Timestamp,
) -> rusqlite::Result<()> {
    forget_codes(connection, user)?;
    let sql = "INSERT INTO recovery_codes (user_id, code_hash, created_at_ms) VALUES (?1, ?2, ?3)";
    let mut insert = connection.prepare_cached(sql)?;
    for code in codes {
        insert.execute(params![user.as_bytes(), code, at.as_ms()])?;
    }
    Ok(())
}

fn forget_codes(connection: &Connection, user: UserId) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM recovery_codes WHERE user_id = ?1")?
        .execute([user.as_bytes()])
        .map(drop)
}

/// Uses up what was proven beside the password. Without a code the factor must be off: it may have been turned on since
/// the password was looked at.
pub(super) fn spend(
    connection: &Connection,
    proven: &Credentials,
) -> Result<(), Abort<LoginError>> {
    let user = proven.user_id.as_bytes();
    let holds = match &proven.spent {
        None => {
            let sql = "SELECT EXISTS (
                SELECT 1 FROM second_factors WHERE user_id = ?1 AND confirmed_at_ms IS NOT NULL)";
            let is_on: bool = connection
                .prepare_cached(sql)?
                .query_row([user], |row| row.get(0))?;
            !is_on
        }
        Some(Spent::Step(step)) => {
            let sql = "UPDATE second_factors
                          SET last_step = ?2
                        WHERE user_id = ?1 AND confirmed_at_ms IS NOT NULL AND last_step < ?2";
            connection
                .prepare_cached(sql)?
                .execute(params![user, step])?
                == 1
        }
        Some(Spent::RecoveryCode(code, notice, event)) => {
            let sql = "DELETE FROM recovery_codes WHERE user_id = ?1 AND code_hash = ?2";
            let used = connection
                .prepare_cached(sql)?
                .execute(params![user, code])?;
            if used == 1 {
                mails::insert(connection, proven.user_id, notice)?;
                security::insert(connection, event)?;
            }
            used == 1
        }
    };
    if holds {
        Ok(())
    } else {
        Err(Abort::Refused(unspent(proven)))
    }
}

/// Whether one was on.
pub(super) fn forget(connection: &Connection, user: UserId) -> rusqlite::Result<bool> {
    forget_codes(connection, user)?;
    let sql = "DELETE FROM second_factors WHERE user_id = ?1 RETURNING confirmed_at_ms IS NOT NULL";
    let was_on = connection
        .prepare_cached(sql)?
        .query_row([user.as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(was_on.unwrap_or(false))
}

/// Whether there may be more secrets that were never confirmed.
pub(super) fn sweep(connection: &Connection, now: Timestamp) -> rusqlite::Result<bool> {
    let kept_since = now.plus_seconds(KEEP_BEGUN_SECONDS.saturating_neg());
    let gone = connection
        .prepare_cached(
            "DELETE FROM second_factors WHERE factor_number IN (
                 SELECT factor_number
                   FROM second_factors
                  WHERE confirmed_at_ms IS NULL AND begun_at_ms <= ?1
                  LIMIT ?2)",
        )?
        .execute(params![kept_since.as_ms(), SWEEP_MAX])?;
    Ok(gone >= usize::try_from(SWEEP_MAX).unwrap_or(usize::MAX))
}
