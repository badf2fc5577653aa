//! An outbox that nobody of the shop's own hears: it has no relay, which would look after every commit. Whoever tells
//! others reads it by number; what is old is let go of here.

use super::{KEEP_MS, KEEP_PLACE_EVERY};
use crate::{
    clock::Clock,
    db::{Abort, Database, StoreError},
    tasks::Tasks,
};
use contracts::{BoxError, values::Timestamp};
use std::{convert::Infallible, time::Duration};

/// How often it is looked for old rows, of which at most a page goes at a time.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Lets go of the rows of an outbox without a relay when they are old, until the tasks stop.
pub fn start_upkeep(
    tasks: &Tasks,
    name: &'static str,
    database: impl Into<Database>,
    clock: Clock,
) {
    let database = database.into();
    tasks.start(name, |stop| async move {
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if let Err(error) = let_go(&database, clock.now()).await {
                tracing::warn!(error = %error, task = name, "old events stay a little longer");
            }
        }
    });
}

/// Lets go of the oldest page of what is older than what a relay would keep; says how many rows went.
///
/// # Errors
/// When the database fails.
pub async fn let_go(database: &Database, now: Timestamp) -> Result<u64, BoxError> {
    let before = now.as_ms().saturating_sub(KEEP_MS);
    match database {
        Database::Sqlite(file) => {
            // Looked for first: a shop that sells nothing writes nothing.
            let sql = "SELECT EXISTS (SELECT 1
                                        FROM (SELECT at_ms FROM outbox ORDER BY event_number LIMIT 1)
                                       WHERE at_ms < ?1)";
            let has_old: bool = file
                .read(move |c| Ok(c.query_row(sql, [before], |row| row.get(0))?))
                .await?;
            if !has_old {
                return Ok(0);
            }
            let gone = file.write(move |c| {
                let sql = "DELETE FROM outbox
                            WHERE event_number IN (SELECT event_number FROM outbox ORDER BY event_number LIMIT ?1)
                              AND at_ms < ?2";
                let gone = c.execute(sql, [KEEP_PLACE_EVERY, before]);
                Ok::<_, Abort<Infallible>>(gone.map_err(StoreError::from)?)
            });
            let gone = gone.await.map_err(|abort| format!("{abort:?}"))?;
            Ok(u64::try_from(gone)?)
        }
        Database::Postgres(schema) => {
            let sql = "DELETE FROM outbox
                        WHERE event_number IN (SELECT event_number FROM outbox ORDER BY event_number LIMIT $1)
                          AND at_ms < $2
                          AND (SELECT at_ms FROM outbox ORDER BY event_number LIMIT 1) < $2";
            let connection = schema.read().await?;
            Ok(connection
                .execute(sql, &[&KEEP_PLACE_EVERY, &before])
                .await?)
        }
    }
}
