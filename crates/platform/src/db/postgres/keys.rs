//! What an `Idempotency-Key` did, on PostgreSQL: see `platform::db::keys`. A twin on another node that writes the
//! same key at the same time waits for the first, and then meets the constraint `idempotency_keys_pk`.

use super::{Bytes, Connection};
use crate::db::{Abort, StoreError, keys::KeyedRequest};
use contracts::{request::Answered, values::Timestamp};
use serde::{Serialize, de::DeserializeOwned};
use std::future::Future;

/// Makes something once for a key, inside the transaction of the effect: what was answered then is answered again.
///
/// # Errors
/// Whatever `make` is refused for; the refusal if the key came with another body; storage's failure.
pub async fn once<T: Serialize + DeserializeOwned, R>(
    connection: &Connection,
    (request, at): (Option<&KeyedRequest>, Timestamp),
    reused: impl FnOnce() -> R,
    make: impl Future<Output = Result<T, Abort<R>>>,
) -> Result<Answered<T>, Abort<R>> {
    let Some(request) = request else {
        return make.await.map(Answered::fresh);
    };
    if let Some(known) = recall(connection, request, reused).await? {
        return Ok(Answered::replayed(known));
    }
    let made = make.await?;
    remember(connection, request, &made, at).await?;
    Ok(Answered::fresh(made))
}

/// The answer that this request got before, if it did; the refusal if the key came with another body. A key that
/// is just being used elsewhere is waited for: it is locked until this transaction ends.
///
/// # Errors
/// The refusal, or storage's failure.
pub async fn recall<T: DeserializeOwned, R>(
    connection: &Connection,
    request: &KeyedRequest,
    reused: impl FnOnce() -> R,
) -> Result<Option<T>, Abort<R>> {
    // Held until the end of the transaction, so that twins come one after the other, on whatever node.
    let key = Bytes(request.key_hash);
    let place = i64::from_be_bytes(*key.0.first_chunk().unwrap_or(&[0; 8]));
    connection
        .query("SELECT pg_advisory_xact_lock($1)", &[&place])
        .await?;
    let sql = "SELECT fingerprint, answer FROM idempotency_keys WHERE key_hash = $1";
    let Some(row) = connection.query_opt(sql, &[&key]).await? else {
        return Ok(None);
    };
    let Bytes(fingerprint): Bytes<32> = row.try_get(0)?;
    if fingerprint != request.fingerprint {
        return Err(Abort::Refused(reused()));
    }
    serde_json::from_str(row.try_get(1)?)
        .map(Some)
        .map_err(|error| StoreError::Other(Box::new(error)).into())
}

/// Keeps the answer, inside the transaction of the effect.
///
/// # Errors
/// When it cannot be written.
pub async fn remember(
    connection: &Connection,
    request: &KeyedRequest,
    answer: &impl Serialize,
    at: Timestamp,
) -> Result<(), StoreError> {
    let answer =
        serde_json::to_string(answer).map_err(|error| StoreError::Other(Box::new(error)))?;
    let sql = "INSERT INTO idempotency_keys (key_hash, fingerprint, answer, at_ms) VALUES ($1, $2, $3, $4)";
    let (key, fingerprint) = (Bytes(request.key_hash), Bytes(request.fingerprint));
    connection
        .execute(sql, &[&key, &fingerprint, &answer, &at.as_ms()])
        .await?;
    Ok(())
}
