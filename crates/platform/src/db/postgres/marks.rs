//! Marks of writes: a row in the commit of each, which says for certain that it was made. Kept for an hour, far
//! longer than anybody looks for an outcome.

use super::{Bytes, Connection, Database};
use crate::{clock::Clock, db::StoreError};
use contracts::values::EventId;
use std::time::Duration;

const KEPT_MS: i64 = 60 * 60 * 1_000;
const EVERY: Duration = Duration::from_secs(60);
/// Marks let go of in one commit.
const SLICE: i64 = 10_000;

/// The shortest wait between two tries of a write.
const PAUSE_MIN: Duration = Duration::from_millis(5);

/// The name of one write. Names rise with the time, so that the oldest lie together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark(Bytes<16>);

impl Mark {
    pub(super) fn new() -> Self {
        Self(Bytes(*EventId::generate().as_bytes()))
    }

    /// A short wait, another one for each write.
    pub(super) fn pause(self) -> Duration {
        let Bytes([.., random]) = self.0;
        PAUSE_MIN.saturating_add(Duration::from_micros(u64::from(random).saturating_mul(100)))
    }

    /// Leaves the mark in the transaction; false if it is there already. A transaction that left the same mark
    /// and has not ended is waited for.
    pub(super) async fn leave(&self, connection: &Connection) -> Result<bool, StoreError> {
        let sql = "INSERT INTO write_marks (mark_id) VALUES ($1) ON CONFLICT DO NOTHING";
        Ok(connection.execute(sql, &[&self.0]).await? == 1)
    }
}

/// The first name of this millisecond.
fn name_at(ms: i64) -> Bytes<16> {
    let mut name = [0; 16];
    let time = ms.max(0).to_be_bytes();
    for (place, byte) in name.iter_mut().zip(time.iter().skip(2)) {
        *place = *byte;
    }
    Bytes(name)
}

/// Lets go of old marks, in slices.
pub(super) fn start_reaper(database: &Database) {
    let tasks = database.shared.tasks.clone();
    let database = database.clone();
    tasks.start("write-marks", move |stop| async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(EVERY) => {}
            }
            while !stop.is_cancelled() {
                let before = Clock::System.now().as_ms().saturating_sub(KEPT_MS);
                match reap(&database, name_at(before)).await {
                    Ok(count) if i64::try_from(count).is_ok_and(|count| count >= SLICE) => {}
                    Ok(_) => break,
                    Err(error) => {
                        tracing::warn!(error = %error, "old marks of writes stay for now");
                        break;
                    }
                }
            }
        }
    });
}

/// Nodes that reap at the same time leave one another's slice alone.
async fn reap(database: &Database, before: Bytes<16>) -> Result<u64, StoreError> {
    let sql = "DELETE FROM write_marks
                WHERE mark_id IN (SELECT mark_id
                                    FROM write_marks
                                   WHERE mark_id < $1
                                   ORDER BY mark_id
                                   LIMIT $2
                                     FOR UPDATE SKIP LOCKED)";
    let connection = database.read().await?;
    connection.execute(sql, &[&before, &SLICE]).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_rise_with_the_time() {
        let now = Clock::System.now().as_ms();
        let mark = Mark::new().0;
        assert!(name_at(now - 1_000) < mark && mark < name_at(now + 60_000));
    }
}
