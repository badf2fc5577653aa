//! Which node delivers the events of a database: whoever holds the lease, by the database's clock. Each holder has
//! a higher fence than the one before; what an older one still writes changes nothing.

use crate::db::{
    StoreError,
    postgres::{Bytes, Connection, Database},
};
use contracts::values::EventId;
use std::time::Duration;
use tokio::time::Instant;

/// How long a node that says nothing keeps the lease.
const LASTS_MS: f64 = 3_000.0;
/// How long this node counts on it before it asks again: less, because its answers take time.
const TRUSTED: Duration = Duration::from_millis(1_000);

/// This node's hold on the lease.
#[derive(Debug)]
pub(super) struct Lease {
    owner: Bytes<16>,
    held: Option<Held>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    fence: i64,
    asked_at: Instant,
}

impl Lease {
    pub(super) fn new() -> Self {
        Self {
            owner: Bytes(*EventId::generate().as_bytes()),
            held: None,
        }
    }

    /// The fence, if this node holds the lease.
    pub(super) fn fence(&self) -> Option<i64> {
        self.held.map(|held| held.fence)
    }

    /// Holds on to the lease, if it is this node's.
    pub(super) async fn keep(&mut self, database: &Database) -> Result<bool, StoreError> {
        let Some(held) = self.held else {
            return Ok(false);
        };
        let asked_at = Instant::now();
        if asked_at.saturating_duration_since(held.asked_at) < TRUSTED {
            return Ok(true);
        }
        // Until the answer is there nothing is certain.
        self.held = None;
        let sql = "UPDATE outbox_lease
                      SET ends_at = clock_timestamp() + $3 * INTERVAL '1 millisecond'
                    WHERE lease_id = 1 AND owner_id = $1 AND fence = $2";
        let connection = database.read().await?;
        let kept = connection
            .execute(sql, &[&self.owner, &held.fence, &LASTS_MS])
            .await?;
        if kept == 1 {
            self.held = Some(Held { asked_at, ..held });
        }
        Ok(kept == 1)
    }

    /// Takes the lease if nobody holds it any more.
    pub(super) async fn take(&mut self, connection: &Connection) -> Result<bool, StoreError> {
        let asked_at = Instant::now();
        let is_free =
            "SELECT NOT EXISTS (SELECT 1 FROM outbox_lease WHERE ends_at > clock_timestamp())";
        let is_free: bool = connection.query_one(is_free, &[]).await?.try_get(0)?;
        if !is_free {
            return Ok(false);
        }
        let sql = "INSERT INTO outbox_lease AS lease (lease_id, owner_id, fence, ends_at)
                   VALUES (1, $1, 1, clock_timestamp() + $2 * INTERVAL '1 millisecond')
                   ON CONFLICT (lease_id) DO UPDATE
                      SET owner_id = EXCLUDED.owner_id, fence = lease.fence + 1, ends_at = EXCLUDED.ends_at
                    WHERE lease.ends_at <= clock_timestamp()
                   RETURNING fence";
        let taken = connection.query_opt(sql, &[&self.owner, &LASTS_MS]).await?;
        let fence = taken.map(|row| row.try_get(0)).transpose()?;
        self.held = fence.map(|fence| Held { fence, asked_at });
        Ok(self.held.is_some())
    }

    /// Ends the lease now, so that another node need not wait for its end.
    pub(super) async fn let_go(&mut self, database: &Database) -> Result<(), StoreError> {
        let Some(held) = self.held.take() else {
            return Ok(());
        };
        let sql =
            "UPDATE outbox_lease SET ends_at = clock_timestamp() WHERE lease_id = 1 AND fence = $1";
        let connection = database.read().await?;
        connection.execute(sql, &[&held.fence]).await.map(drop)
    }
}
