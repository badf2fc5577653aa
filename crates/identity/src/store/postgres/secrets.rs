//! The tables of what the servers keep to themselves: signing keys, the secret behind refresh tokens, and the
//! hash of the setup token. All nodes have the same.

use crate::store::{RETIRED_SECONDS, Secrets, SigningKey, TokenHash};
use contracts::values::Timestamp;
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, ToSql},
};
use std::convert::Infallible;

const SUCCESSOR: &str = "refresh_successor";

/// Of several nodes that start at once one makes the key; the others find it.
const LOCK: &str = "LOCK TABLE signing_keys IN SHARE ROW EXCLUSIVE MODE";

const KEEP_KEY: &str = "INSERT INTO signing_keys (kid, pkcs8, public_x, created_at_ms)
     SELECT $1, $2, $3, $4
      WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE retired_at_ms IS NULL)";

const KEEP_SUCCESSOR: &str = "INSERT INTO server_secrets (name, secret, created_at_ms)
     VALUES ($1, $2, $3)
     ON CONFLICT DO NOTHING";

const KEYS: &str = "SELECT kid, pkcs8, public_x, created_at_ms, retired_at_ms
       FROM signing_keys
      WHERE retired_at_ms IS NULL OR retired_at_ms >= $1
      ORDER BY created_at_ms DESC, retired_at_ms IS NOT NULL, kid";

const RETIRE: &str = "UPDATE signing_keys
        SET retired_at_ms = $1
      WHERE retired_at_ms IS NULL";

const ADD: &str = "INSERT INTO signing_keys (kid, pkcs8, public_x, created_at_ms)
     VALUES ($1, $2, $3, $4)";

macro_rules! unless_there_is_an_admin {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " NOT EXISTS (SELECT 1 FROM users WHERE roles IN ('customer,admin', 'customer,merchant,admin')) ",
            $after
        )
    };
}

const RENEW: &str = unless_there_is_an_admin!(
    "INSERT INTO setup_tokens (setup_id, token_hash, created_at_ms)
     SELECT 1, $1, $2
      WHERE",
    "ON CONFLICT (setup_id) DO UPDATE
        SET token_hash = excluded.token_hash, created_at_ms = excluded.created_at_ms, used_at_ms = NULL
      WHERE setup_tokens.used_at_ms IS NOT NULL OR setup_tokens.token_hash = $3"
);

const STANDING: &str = unless_there_is_an_admin!(
    "SELECT token_hash, created_at_ms FROM setup_tokens WHERE used_at_ms IS NULL AND",
    ""
);

const IS_GOOD: &str = unless_there_is_an_admin!(
    "SELECT 1 FROM setup_tokens WHERE token_hash = $1 AND used_at_ms IS NULL AND",
    ""
);

const USE: &str = unless_there_is_an_admin!(
    "UPDATE setup_tokens SET used_at_ms = $2 WHERE token_hash = $1 AND used_at_ms IS NULL AND",
    ""
);

pub(super) async fn load_or_keep(
    connection: &Connection,
    key: &SigningKey,
    successor: &[u8; 32],
    at: Timestamp,
) -> Result<Secrets, Abort<Infallible>> {
    connection.execute_batch(LOCK).await?;
    let at_ms = at.as_ms();
    let kept: [&(dyn ToSql + Sync); 4] = [&key.kid, &key.pkcs8, &key.public_x, &at_ms];
    connection.execute(KEEP_KEY, &kept).await?;
    let kept: [&(dyn ToSql + Sync); 3] = [&SUCCESSOR, &Bytes(*successor), &at_ms];
    connection.execute(KEEP_SUCCESSOR, &kept).await?;
    let sql = "SELECT secret FROM server_secrets WHERE name = $1";
    let row = connection.query_one(sql, &[&SUCCESSOR]).await?;
    let Bytes(successor): Bytes<32> = row.try_get(0).map_err(StoreError::from)?;
    Ok(Secrets {
        keys: keys(connection, at).await?,
        successor,
    })
}

pub(super) async fn keys(
    connection: &Connection,
    now: Timestamp,
) -> Result<Vec<SigningKey>, StoreError> {
    let since = now.plus_seconds(RETIRED_SECONDS.saturating_neg());
    let rows = connection.query(KEYS, &[&since.as_ms()]).await?;
    rows.iter()
        .map(|row| {
            Ok(SigningKey {
                kid: row.try_get(0)?,
                pkcs8: row.try_get(1)?,
                public_x: row.try_get(2)?,
                signs_from: Timestamp::from_ms(row.try_get(3)?),
                signs_until: row.try_get::<_, Option<i64>>(4)?.map(Timestamp::from_ms),
            })
        })
        .collect()
}

/// What nobody needs any more is not kept: it could still sign.
pub(super) async fn rotate(
    connection: &Connection,
    key: &SigningKey,
    are_gone: bool,
    now: Timestamp,
) -> Result<(), Abort<Infallible>> {
    connection.execute_batch(LOCK).await?;
    let since = now.plus_seconds(RETIRED_SECONDS.saturating_neg()).as_ms();
    let sql = "DELETE FROM signing_keys WHERE retired_at_ms < $1 OR $2";
    connection.execute(sql, &[&since, &are_gone]).await?;
    let from_ms = key.signs_from.as_ms();
    connection.execute(RETIRE, &[&from_ms]).await?;
    let kept: [&(dyn ToSql + Sync); 4] = [&key.kid, &key.pkcs8, &key.public_x, &from_ms];
    connection.execute(ADD, &kept).await?;
    Ok(())
}

pub(super) async fn renew_setup_token(
    connection: &Connection,
    token: &TokenHash,
    instead_of: Option<TokenHash>,
    at: Timestamp,
) -> Result<bool, Abort<Infallible>> {
    let values: [&(dyn ToSql + Sync); 3] = [&Bytes(*token), &at.as_ms(), &instead_of.map(Bytes)];
    Ok(connection.execute(RENEW, &values).await? == 1)
}

pub(super) async fn standing_setup_token(
    connection: &Connection,
) -> Result<Option<(TokenHash, Timestamp)>, StoreError> {
    let Some(row) = connection.query_opt(STANDING, &[]).await? else {
        return Ok(None);
    };
    let Bytes(hash): Bytes<32> = row.try_get(0)?;
    Ok(Some((hash, Timestamp::from_ms(row.try_get(1)?))))
}

pub(super) async fn setup_token_is_good(
    connection: &Connection,
    token: &TokenHash,
) -> Result<bool, StoreError> {
    let found = connection.query_opt(IS_GOOD, &[&Bytes(*token)]).await?;
    Ok(found.is_some())
}

/// Whether the token was good; it is used up now.
pub(super) async fn use_setup_token(
    connection: &Connection,
    token: &TokenHash,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let values: [&(dyn ToSql + Sync); 2] = [&Bytes(*token), &at.as_ms()];
    Ok(connection.execute(USE, &values).await? == 1)
}
