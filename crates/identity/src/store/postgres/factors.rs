//! The tables of second factors and recovery codes. A code is used up by a conditional write; the user's row is locked
//! before any of these, so that no session is opened by a password alone behind a factor that is turned on.

use super::{PostgresStore, mails, security, sessions, users};
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
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};
use std::convert::Infallible;

const FIND: &str =
    "SELECT secret, last_step, begun_at_ms, confirmed_at_ms FROM second_factors WHERE user_id = $1";

const BEGIN: &str = "INSERT INTO second_factors (user_id, secret, last_step, begun_at_ms)
     VALUES ($1, $2, 0, $3)
     ON CONFLICT (user_id) DO UPDATE
        SET secret = excluded.secret, last_step = 0, begun_at_ms = excluded.begun_at_ms
      WHERE second_factors.confirmed_at_ms IS NULL";

const CONFIRM: &str = "UPDATE second_factors
        SET confirmed_at_ms = $3, last_step = $4
      WHERE user_id = $1 AND secret = $2 AND confirmed_at_ms IS NULL";

const INSERT_CODE: &str =
    "INSERT INTO recovery_codes (user_id, code_hash, created_at_ms) VALUES ($1, $2, $3)";

const IS_ON: &str =
    "SELECT 1 FROM second_factors WHERE user_id = $1 AND confirmed_at_ms IS NOT NULL";

const USE_STEP: &str = "UPDATE second_factors
        SET last_step = $2
      WHERE user_id = $1 AND confirmed_at_ms IS NOT NULL AND last_step < $2";

const USE_CODE: &str = "DELETE FROM recovery_codes WHERE user_id = $1 AND code_hash = $2";

const FORGET: &str =
    "DELETE FROM second_factors WHERE user_id = $1 RETURNING confirmed_at_ms IS NOT NULL";

/// Nodes that sweep at the same time leave one another's rows alone.
const SWEEP: &str = "DELETE FROM second_factors
      WHERE factor_number = ANY(ARRAY(SELECT factor_number
                                FROM second_factors
                               WHERE confirmed_at_ms IS NULL AND begun_at_ms <= $1
                               ORDER BY begun_at_ms
                               LIMIT $2
                                 FOR UPDATE SKIP LOCKED))";

fn name(id: UserId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

#[async_trait]
impl Factors for PostgresStore {
    async fn factor(&self, user: UserId) -> Result<Option<Factor>, StoreError> {
        find(&self.database.read().await?, user).await
    }

    async fn begin_factor(&self, begun: FactorBegun) -> Result<(), Abort<FactorError>> {
        self.database
            .write(begun, |c, begun| {
                Box::pin(async move {
                    let proven = users::still_proven(c, &begun.proven).await?;
                    proven.ok_or(Abort::Refused(LoginError::InvalidCredentials.into()))?;
                    if begin(c, begun).await? {
                        Ok(())
                    } else {
                        Err(Abort::Refused(FactorError::On))
                    }
                })
            })
            .await
    }

    async fn turn_factor_on(&self, on: FactorOn) -> Result<Vec<SessionId>, Abort<FactorError>> {
        self.database
            .write(on, |c, on| {
                Box::pin(async move {
                    if !users::lock(c, on.user).await? || !confirm(c, on).await? {
                        return Err(Abort::Refused(FactorError::Off));
                    }
                    replace_codes(c, on.user, &on.codes, on.at).await?;
                    let ended = sessions::end_others(c, on.user, on.kept, on.at).await?;
                    mails::insert(c, on.user, &on.notice).await?;
                    security::insert(c, &on.event).await?;
                    Ok(ended)
                })
            })
            .await
    }

    async fn make_codes(&self, made: CodesMade) -> Result<(), Abort<LoginError>> {
        self.database
            .write(made, |c, made| {
                Box::pin(async move {
                    let id = alone(c, &made.proven).await?;
                    spend(c, &made.proven).await?;
                    replace_codes(c, id, &made.codes, made.at).await?;
                    mails::insert(c, id, &made.notice).await?;
                    Ok(security::insert(c, &made.event).await?)
                })
            })
            .await
    }

    async fn turn_factor_off(&self, off: FactorOff) -> Result<Vec<SessionId>, Abort<LoginError>> {
        self.database
            .write(off, |c, off| {
                Box::pin(async move {
                    let id = alone(c, &off.proven).await?;
                    spend(c, &off.proven).await?;
                    forget(c, id).await?;
                    let ended = sessions::end_others(c, id, off.kept, off.at).await?;
                    mails::insert(c, id, &off.notice).await?;
                    security::insert(c, &off.event).await?;
                    Ok(ended)
                })
            })
            .await
    }

    async fn take_factor_off(
        &self,
        off: FactorTakenOff,
    ) -> Result<Option<i64>, Abort<ProfileError>> {
        self.database
            .write(off, |c, off| {
                Box::pin(async move {
                    if !users::lock(c, off.user).await? {
                        return Err(Abort::Refused(ProfileError::NotFound));
                    }
                    if !forget(c, off.user).await? {
                        return Ok(None);
                    }
                    let epoch = users::raise_epoch(c, off.user, off.at).await?;
                    sessions::end_all(c, off.user, "password", off.at).await?;
                    mails::insert(c, off.user, &off.notice).await?;
                    security::insert(c, &off.event).await?;
                    Ok(epoch)
                })
            })
            .await
    }
}

/// Who has proven the password, with nobody else at their row: what changes a factor or all codes comes one after the
/// other.
async fn alone(connection: &Connection, proven: &Credentials) -> Result<UserId, Abort<LoginError>> {
    let id = proven.user_id;
    let is_there = users::lock(connection, id).await?;
    let user = users::still_proven(connection, proven).await?;
    if is_there && user.is_some() {
        Ok(id)
    } else {
        Err(Abort::Refused(LoginError::InvalidCredentials))
    }
}

async fn find(connection: &Connection, user: UserId) -> Result<Option<Factor>, StoreError> {
    let Some(row) = connection.query_opt(FIND, &[&name(user)]).await? else {
        return Ok(None);
    };
    let Bytes(sealed) = row.try_get(0)?;
    let confirmed_at: Option<i64> = row.try_get(3)?;
    let sql = "SELECT code_hash FROM recovery_codes WHERE user_id = $1";
    let codes = connection.query(sql, &[&name(user)]).await?;
    let hash = |row: &Row| {
        let Bytes(hash): Bytes<32> = row.try_get(0)?;
        Ok::<_, StoreError>(hash)
    };
    Ok(Some(Factor {
        sealed,
        last_step: row.try_get(1)?,
        begun_at: Timestamp::from_ms(row.try_get(2)?),
        confirmed_at: confirmed_at.map(Timestamp::from_ms),
        codes: codes.iter().map(hash).collect::<Result<_, _>>()?,
    }))
}

async fn begin(connection: &Connection, begun: &FactorBegun) -> Result<bool, StoreError> {
    let user = name(begun.proven.user_id);
    let values: [&(dyn ToSql + Sync); 3] = [&user, &Bytes(begun.sealed), &begun.at.as_ms()];
    Ok(connection.execute(BEGIN, &values).await? == 1)
}

async fn confirm(connection: &Connection, on: &FactorOn) -> Result<bool, StoreError> {
    let (user, at) = (name(on.user), on.at.as_ms());
    let values: [&(dyn ToSql + Sync); 4] = [&user, &Bytes(on.sealed), &at, &on.step];
    Ok(connection.execute(CONFIRM, &values).await? == 1)
}

async fn replace_codes(
    connection: &Connection,
    user: UserId,
    codes: &Codes,
    at: Timestamp,
) -> Result<(), StoreError> {
    forget_codes(connection, user).await?;
    for code in codes {
        let values: [&(dyn ToSql + Sync); 3] = [&name(user), &Bytes(*code), &at.as_ms()];
        connection.execute(INSERT_CODE, &values).await?;
    }
    Ok(())
}

async fn forget_codes(connection: &Connection, user: UserId) -> Result<(), StoreError> {
    let sql = "DELETE FROM recovery_codes WHERE user_id = $1";
    connection.execute(sql, &[&name(user)]).await.map(drop)
}

/// Uses up what was proven beside the password. Without a code the factor must be off: it may have been turned on since
/// the password was looked at.
pub(super) async fn spend(
    connection: &Connection,
    proven: &Credentials,
) -> Result<(), Abort<LoginError>> {
    let user = name(proven.user_id);
    let holds = match &proven.spent {
        None => connection.query_opt(IS_ON, &[&user]).await?.is_none(),
        Some(Spent::Step(step)) => connection.execute(USE_STEP, &[&user, step]).await? == 1,
        Some(Spent::RecoveryCode(code, notice, event)) => {
            let values: [&(dyn ToSql + Sync); 2] = [&user, &Bytes(*code)];
            let used = connection.execute(USE_CODE, &values).await?;
            if used == 1 {
                mails::insert(connection, proven.user_id, notice).await?;
                security::insert(connection, event).await?;
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
pub(super) async fn forget(connection: &Connection, user: UserId) -> Result<bool, StoreError> {
    forget_codes(connection, user).await?;
    let row = connection.query_opt(FORGET, &[&name(user)]).await?;
    let was_on = row.map(|row| row.try_get(0)).transpose()?;
    Ok(was_on.unwrap_or(false))
}

/// Whether there may be more secrets that were never confirmed.
pub(super) async fn sweep(
    connection: &Connection,
    now: Timestamp,
) -> Result<bool, Abort<Infallible>> {
    let kept_since = now.plus_seconds(KEEP_BEGUN_SECONDS.saturating_neg());
    let values: [&(dyn ToSql + Sync); 2] = [&kept_since.as_ms(), &i64::from(SWEEP_MAX)];
    let gone = connection.execute(SWEEP, &values).await?;
    Ok(gone >= u64::from(SWEEP_MAX))
}
