//! The nodes that are connected to a server, as it sees them: each says what it is when it connects (`Place::node`), so
//! that all nodes see the same, and whoever has gone is seen no more. Nothing is kept for it.

use super::{Database, StoreError};

/// More than a shop has; a list has an end.
const NODES_MAX: i64 = 100;

/// A node that is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The address that the server sees it at; empty where it came through a file.
    pub host: String,
    /// What it says of itself.
    pub said: String,
    /// When the oldest of its connections was made, in milliseconds since 1970.
    pub since_ms: i64,
    /// When it last asked anything.
    pub seen_ms: i64,
}

/// What others say of themselves is shown to the same user only. Connections without a node are those of commands.
const ASK: &str = "SELECT COALESCE(host(client_addr), ''),
           substr(application_name, strpos(application_name, ' ') + 1),
           (extract(epoch FROM MIN(backend_start)) * 1000)::bigint,
           (extract(epoch FROM MAX(COALESCE(state_change, backend_start))) * 1000)::bigint
      FROM pg_stat_activity
     WHERE usename = current_user
       AND datname = current_database()
       AND application_name LIKE 'souk-% %'
     GROUP BY 1, 2
     ORDER BY 1, 2
     LIMIT $1";

impl Database {
    /// The nodes that are connected to this database, by their addresses.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn nodes(&self) -> Result<Vec<Node>, StoreError> {
        let rows = self.read().await?.query(ASK, &[&NODES_MAX]).await?;
        let node = |row: &tokio_postgres::Row| {
            Ok(Node {
                host: row.try_get(0)?,
                said: row.try_get(1)?,
                since_ms: row.try_get(2)?,
                seen_ms: row.try_get(3)?,
            })
        };
        rows.iter().map(node).collect()
    }
}
