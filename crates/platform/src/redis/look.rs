//! A look at a Redis from outside, for `souk doctor`. Writes no key.

use super::options;
use contracts::BoxError;
use std::time::Duration;

/// What a Redis says of itself.
#[derive(Debug)]
pub struct Looked {
    /// Its version.
    pub version: String,
    /// What it does when its memory is full, as `noeviction`.
    pub when_full: String,
}

/// Asks the server at this address, within this time.
///
/// # Errors
/// When it does not answer, or the address cannot be used.
pub async fn look(url: &str, patience: Duration) -> Result<Looked, BoxError> {
    let client = options::client(url)?;
    let asked = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("INFO")
            .query_async::<String>(&mut connection)
            .await
    };
    let told = tokio::time::timeout(patience, asked).await;
    let told = told.map_err(|_| "does not answer")??;
    let said = |name: &str| {
        let value = told.lines().find_map(|line| line.strip_prefix(name));
        value.map_or_else(String::new, |value| value.trim().to_owned())
    };
    Ok(Looked {
        version: said("redis_version:"),
        when_full: said("maxmemory_policy:"),
    })
}
