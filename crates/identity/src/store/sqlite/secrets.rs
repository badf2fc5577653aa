//! The tables of what the server keeps to itself: signing keys, the secret behind refresh tokens, and the
//! hash of the setup token.

use crate::store::{RETIRED_SECONDS, Secrets, SigningKey, TokenHash};
use contracts::values::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

const SUCCESSOR: &str = "refresh_successor";

pub(super) fn load_or_keep(
    connection: &Connection,
    key: &SigningKey,
    successor: &[u8; 32],
    at: Timestamp,
) -> rusqlite::Result<Secrets> {
    connection
        .prepare_cached(
            "INSERT INTO signing_keys (kid, pkcs8, public_x, created_at_ms)
             SELECT ?1, ?2, ?3, ?4
              WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE retired_at_ms IS NULL)",
        )?
        .execute(params![key.kid, key.pkcs8, key.public_x, at.as_ms()])?;
    connection
        .prepare_cached(
            "INSERT INTO server_secrets (name, secret, created_at_ms)
             VALUES (?1, ?2, ?3)
             ON CONFLICT DO NOTHING",
        )?
        .execute(params![SUCCESSOR, successor, at.as_ms()])?;
    Ok(Secrets {
        keys: keys(connection, at)?,
        successor: connection
            .prepare_cached("SELECT secret FROM server_secrets WHERE name = ?1")?
            .query_row([SUCCESSOR], |row| row.get(0))?,
    })
}

pub(super) fn keys(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<SigningKey>> {
    let since = now.plus_seconds(RETIRED_SECONDS.saturating_neg());
    connection
        .prepare_cached(
            "SELECT kid, pkcs8, public_x, created_at_ms, retired_at_ms
               FROM signing_keys
              WHERE retired_at_ms IS NULL OR retired_at_ms >= ?1
              ORDER BY created_at_ms DESC, retired_at_ms IS NOT NULL, kid",
        )?
        .query_map([since.as_ms()], |row| {
            Ok(SigningKey {
                kid: row.get(0)?,
                pkcs8: row.get(1)?,
                public_x: row.get(2)?,
                signs_from: Timestamp::from_ms(row.get(3)?),
                signs_until: row.get::<_, Option<i64>>(4)?.map(Timestamp::from_ms),
            })
        })?
        .collect()
}

/// What nobody needs any more is not kept: it could still sign.
pub(super) fn rotate(
    connection: &Connection,
    key: &SigningKey,
    are_gone: bool,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let since = now.plus_seconds(RETIRED_SECONDS.saturating_neg());
    connection
        .prepare_cached("DELETE FROM signing_keys WHERE retired_at_ms < ?1 OR ?2")?
        .execute(params![since.as_ms(), are_gone])?;
    connection
        .prepare_cached(
            "UPDATE signing_keys
                SET retired_at_ms = ?1
              WHERE retired_at_ms IS NULL",
        )?
        .execute([key.signs_from.as_ms()])?;
    connection
        .prepare_cached(
            "INSERT INTO signing_keys (kid, pkcs8, public_x, created_at_ms)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            key.kid,
            key.pkcs8,
            key.public_x,
            key.signs_from.as_ms()
        ])?;
    Ok(())
}

const NO_ADMIN: &str = "NOT EXISTS (
    SELECT 1 FROM users WHERE roles IN ('customer,admin', 'customer,merchant,admin'))";

pub(super) fn standing_setup_token(
    connection: &Connection,
) -> rusqlite::Result<Option<(TokenHash, Timestamp)>> {
    let sql = format!(
        "SELECT token_hash, created_at_ms FROM setup_tokens WHERE used_at_ms IS NULL AND {NO_ADMIN}"
    );
    connection
        .prepare_cached(&sql)?
        .query_row([], |row| Ok((row.get(0)?, Timestamp::from_ms(row.get(1)?))))
        .optional()
}

pub(super) fn renew_setup_token(
    connection: &Connection,
    token: &TokenHash,
    instead_of: Option<&TokenHash>,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let sql = format!(
        "INSERT INTO setup_tokens (setup_id, token_hash, created_at_ms)
         SELECT 1, ?1, ?2 WHERE {NO_ADMIN}
         ON CONFLICT (setup_id) DO UPDATE
            SET token_hash = excluded.token_hash, created_at_ms = excluded.created_at_ms, used_at_ms = NULL
          WHERE used_at_ms IS NOT NULL OR token_hash = ?3"
    );
    let changed =
        connection
            .prepare_cached(&sql)?
            .execute(params![token, at.as_ms(), instead_of])?;
    Ok(changed == 1)
}

pub(super) fn setup_token_is_good(
    connection: &Connection,
    token: &TokenHash,
) -> rusqlite::Result<bool> {
    let sql = format!(
        "SELECT 1 FROM setup_tokens WHERE token_hash = ?1 AND used_at_ms IS NULL AND {NO_ADMIN}"
    );
    let found = connection
        .prepare_cached(&sql)?
        .query_row([token], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

/// Whether the token was good; it is used up now.
pub(super) fn use_setup_token(
    connection: &Connection,
    token: &TokenHash,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let sql = format!(
        "UPDATE setup_tokens SET used_at_ms = ?2
          WHERE token_hash = ?1 AND used_at_ms IS NULL AND {NO_ADMIN}"
    );
    let used = connection
        .prepare_cached(&sql)?
        .execute(params![token, at.as_ms()])?;
    Ok(used == 1)
}
