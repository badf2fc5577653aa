//! The tables of people whom a provider vouches for. Their uniqueness decides, not a look beforehand; the user's row is
//! locked before any row here.

use super::{
    PostgresStore, factors, links, mails, rows, rows::users as of_users, security, sessions, users,
};
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
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, ToSql},
};

const USE: &str = "INSERT INTO external_attempts (attempt_hash, expires_at_ms)
     VALUES ($1, $2)
     ON CONFLICT DO NOTHING";

const OWNER: &str = "SELECT user_id FROM external_names WHERE issuer = $1 AND subject = $2";

/// Locked against changes, so that no session is opened behind what ends them all.
const ENABLED: &str = of_users!(
    "SELECT",
    "FROM users
      WHERE user_id = $1 AND deleted_at_ms IS NULL AND disabled_at_ms IS NULL
        FOR SHARE"
);

const ASKS_FOR_A_CODE: &str = "SELECT EXISTS (
      SELECT 1 FROM second_factors WHERE user_id = $1 AND confirmed_at_ms IS NOT NULL)";

const INSERT: &str = "INSERT INTO external_names (user_id, issuer, subject, linked_at_ms)
     VALUES ($1, $2, $3, $4)";

const ISSUERS: &str = "SELECT issuer, linked_at_ms
       FROM external_names
      WHERE user_id = $1
      ORDER BY name_number";

const UNLINK: &str = "DELETE FROM external_names WHERE user_id = $1 AND issuer = $2";

const FORGET_ALL: &str = "DELETE FROM external_names WHERE user_id = $1";

/// Nodes that sweep at the same time leave one another's rows alone.
const SWEEP: &str = "DELETE FROM external_attempts
      WHERE attempt_number = ANY(ARRAY(SELECT attempt_number
                                 FROM external_attempts
                                WHERE expires_at_ms <= $1
                                ORDER BY expires_at_ms
                                LIMIT $2
                                  FOR UPDATE SKIP LOCKED))";

fn bytes(id: UserId) -> Bytes<16> {
    Bytes(*id.as_bytes())
}

#[async_trait]
impl ExternalStore for PostgresStore {
    async fn use_attempt(
        &self,
        attempt: TokenHash,
        expires_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let write = self.database.write(attempt, move |c, attempt| {
            Box::pin(async move {
                let values: [&(dyn ToSql + Sync); 2] = [&attempt.as_slice(), &expires_at.as_ms()];
                Ok(c.execute(USE, &values).await? == 1)
            })
        });
        write.await.map_err(failure)
    }

    async fn open_external_session(
        &self,
        name: ExternalName,
        has_second_factor: bool,
        session: NewSession,
    ) -> Result<ExternalOpening, StoreError> {
        let write = self
            .database
            .write((name, session), move |c, (name, session)| {
                Box::pin(async move {
                    let row = c.query_opt(OWNER, &[&name.issuer, &name.subject]).await?;
                    let Some(row) = row else {
                        return Ok(ExternalOpening::Unknown);
                    };
                    let id = rows::user_id(&row, 0)?;
                    let Some(user) = enabled(c, id).await? else {
                        return Ok(ExternalOpening::Disabled);
                    };
                    if !has_second_factor && asks_for_a_code(c, id).await? {
                        return Ok(ExternalOpening::NeedsCode(id));
                    }
                    sessions::insert(c, user.id, session).await?;
                    Ok(ExternalOpening::Opened(user))
                })
            });
        write.await.map_err(failure)
    }

    async fn register_external(
        &self,
        user: NewUser,
        name: ExternalName,
        session: NewSession,
    ) -> Result<User, Abort<ExternalError>> {
        let write = self
            .database
            .write((user, name, session), |c, (user, name, session)| {
                Box::pin(async move {
                    let id = users::insert(c, user).await.map_err(refusal)?.id;
                    insert(c, id, name, user.at).await?;
                    links::verify(c, id, user.at).await?;
                    sessions::insert(c, id, session).await?;
                    let made = users::find(c, id).await?;
                    made.ok_or_else(|| Abort::Failed(StoreError::Lost("a new account".to_owned())))
                })
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
        let input = (name, event, notice);
        let write = self.database.write(input, move |c, (name, event, notice)| {
            Box::pin(async move {
                if enabled(c, user).await?.is_none() {
                    return Err(Abort::Refused(ExternalError::Disabled));
                }
                insert(c, user, name, event.at).await?;
                mails::insert(c, user, notice).await?;
                Ok(security::insert(c, event).await?)
            })
        });
        write.await
    }

    async fn external_issuers(&self, user: UserId) -> Result<Vec<(String, Timestamp)>, StoreError> {
        let connection = self.database.read().await?;
        let found = connection.query(ISSUERS, &[&bytes(user)]).await?;
        found
            .iter()
            .map(|row| Ok((row.try_get(0)?, rows::time(row, 1)?)))
            .collect()
    }

    async fn unlink_external(
        &self,
        proven: Credentials,
        issuer: String,
        event: SecurityEvent,
        notice: NewMail,
    ) -> Result<bool, Abort<LoginError>> {
        let input = (proven, issuer, event, notice);
        let write = self.database.write(input, |c, input| {
            Box::pin(async move {
                let (proven, issuer, event, notice) = input;
                if users::still_proven(c, proven).await?.is_none() {
                    return Err(Abort::Refused(LoginError::InvalidCredentials));
                }
                factors::spend(c, proven).await?;
                let values: [&(dyn ToSql + Sync); 2] = [&bytes(proven.user_id), issuer];
                let is_gone = c.execute(UNLINK, &values).await? == 1;
                if is_gone {
                    mails::insert(c, proven.user_id, notice).await?;
                    security::insert(c, event).await?;
                }
                Ok(is_gone)
            })
        });
        write.await
    }

    async fn spend(&self, proven: Credentials) -> Result<(), Abort<LoginError>> {
        let write = self.database.write(proven, |c, proven| {
            Box::pin(async move {
                if users::still_proven(c, proven).await?.is_none() {
                    return Err(Abort::Refused(LoginError::InvalidCredentials));
                }
                factors::spend(c, proven).await
            })
        });
        write.await
    }
}

async fn asks_for_a_code(connection: &Connection, user: UserId) -> Result<bool, StoreError> {
    let row = connection
        .query_one(ASKS_FOR_A_CODE, &[&bytes(user)])
        .await?;
    Ok(row.try_get(0)?)
}

async fn enabled(connection: &Connection, id: UserId) -> Result<Option<User>, StoreError> {
    let row = connection.query_opt(ENABLED, &[&bytes(id)]).await?;
    row.as_ref().map(rows::user).transpose()
}

async fn insert(
    connection: &Connection,
    user: UserId,
    name: &ExternalName,
    at: Timestamp,
) -> Result<(), Abort<ExternalError>> {
    let values: [&(dyn ToSql + Sync); 4] = [&bytes(user), &name.issuer, &name.subject, &at.as_ms()];
    let inserted = connection.execute(INSERT, &values).await;
    inserted.map(drop).map_err(|error| {
        Abort::from(error)
            .or_constraint("external_names_subject_unique", || ExternalError::LinkTaken)
            .or_constraint("external_names_user_unique", || ExternalError::LinkTaken)
    })
}

/// Of an account that goes.
pub(super) async fn forget_all(connection: &Connection, user: UserId) -> Result<(), StoreError> {
    connection.execute(FORGET_ALL, &[&bytes(user)]).await?;
    Ok(())
}

/// Attempts that nobody could use any more; whether there may be more.
pub(super) async fn sweep(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    let values: [&(dyn ToSql + Sync); 2] = [&now.as_ms(), &i64::from(SWEEP_MAX)];
    let gone = connection.execute(SWEEP, &values).await?;
    Ok(gone >= u64::from(SWEEP_MAX))
}
