//! A look at a server from outside, for `souk doctor`: what its settings promise. Changes nothing.

use super::{Database, StoreError};

/// What a server says of itself.
#[derive(Debug)]
pub struct Looked {
    /// Its version, as 150004.
    pub version: i64,
    /// Settings that decide whether a commit that was answered stands: names with their values.
    pub durability: [(&'static str, String); 3],
    /// Connections that it takes, from everybody.
    pub connections_max: i64,
    /// Whether it only follows another one.
    pub is_standby: bool,
    /// Its clock, in milliseconds since 1970.
    pub now_ms: i64,
}

const ASK: &str = "SELECT current_setting('server_version_num')::bigint, current_setting('fsync'), \
    current_setting('full_page_writes'), current_setting('synchronous_commit'), \
    current_setting('max_connections')::bigint, pg_is_in_recovery(), \
    (extract(epoch FROM clock_timestamp()) * 1000)::bigint";

impl Database {
    /// Asks the server what it is.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn look(&self) -> Result<Looked, StoreError> {
        let row = self.read().await?.query_one(ASK, &[]).await?;
        Ok(Looked {
            version: row.try_get(0)?,
            durability: [
                ("fsync", row.try_get(1)?),
                ("full_page_writes", row.try_get(2)?),
                ("synchronous_commit", row.try_get(3)?),
            ],
            connections_max: row.try_get(4)?,
            is_standby: row.try_get(5)?,
            now_ms: row.try_get(6)?,
        })
    }
}
