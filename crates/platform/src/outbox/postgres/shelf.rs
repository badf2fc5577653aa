//! The outbox on PostgreSQL as the relay works with it. Numbers rise with what happened to a subject, but they may
//! be committed in another order. So delivery goes by number and stops at a gap, until whoever could have drawn
//! the missing number has ended: a number that is missing then was undone and never comes.

use super::{
    super::{
        Fresh, KEEP_PLACE_EVERY, Lead, PAGE, Page, Refused, Row, Shelf, TAKEN_OVER, WAIT_MS_MAX,
        Wake,
        behind::{Backlog, COUNTED_MAX},
    },
    lease::Lease,
};
use crate::{
    bus::Bus,
    db::{
        StoreError,
        postgres::{self, Bytes, Connection, Database},
    },
};
use async_trait::async_trait;
use contracts::{
    BoxError,
    event::ParkedEvent,
    values::{EventId, Timestamp},
};
use std::{collections::HashSet, sync::Arc, time::Duration};
use tokio::{sync::watch, time::sleep};

/// How often other nodes' commits are looked for.
const POLL: Duration = Duration::from_millis(250);
/// How often, while a gap waits for somebody's commit.
const POLL_AT_GAP: Duration = Duration::from_millis(20);
/// How often a node that does not deliver asks whether it should.
const ASK: Duration = Duration::from_millis(500);

/// Numbers up to `last` had been drawn when transaction `barrier` began.
#[derive(Debug, Clone, Copy)]
struct Gap {
    last: i64,
    barrier: i64,
}

pub(in super::super) struct PostgresShelf {
    database: Database,
    commits: watch::Receiver<u64>,
    lease: Lease,
    /// What delivery waits for.
    gap: Option<Gap>,
    /// Numbers up to here that are missing never come.
    settled: i64,
}

impl PostgresShelf {
    pub(in super::super) fn new(database: Database) -> Self {
        let commits = database.commits();
        Self {
            database,
            commits,
            lease: Lease::new(),
            gap: None,
            settled: 0,
        }
    }

    fn fence(&self) -> Result<i64, BoxError> {
        self.lease.fence().ok_or_else(|| TAKEN_OVER.into())
    }

    /// Sees whether all who could have drawn a missing number have ended.
    async fn look_at_gap(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let Some(gap) = self.gap else { return Ok(()) };
        let sql = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > $1";
        let have_ended: bool = connection
            .query_one(sql, &[&gap.barrier])
            .await?
            .try_get(0)?;
        if have_ended {
            self.settled = self.settled.max(gap.last);
            self.gap = None;
        }
        Ok(())
    }

    /// The events after this number up to the first gap that may still be filled.
    async fn fresh(
        &mut self,
        connection: &Connection,
        seen: i64,
        is_wanted: impl Fn(&str) -> bool + Send,
    ) -> Result<Fresh, StoreError> {
        let sql = "SELECT event_number, name
                     FROM outbox
                    WHERE event_number > $1
                    ORDER BY event_number
                    LIMIT $2";
        let rows = connection.query(sql, &[&seen, &i64::from(PAGE)]).await?;
        let mut fresh = Fresh::default();
        let (mut wanted, mut before, mut drawn) = (Vec::new(), seen, None);
        for row in &rows {
            let number: i64 = row.try_get(0)?;
            if number != before.saturating_add(1) && number > self.settled.saturating_add(1) {
                drawn = rows.last().map(|row| row.try_get(0)).transpose()?;
                break;
            }
            if is_wanted(row.try_get(1)?) {
                wanted.push(number);
            }
            before = number;
            fresh.last = Some(number);
        }
        match drawn {
            Some(last) if self.gap.is_none() => {
                // Whoever drew a number below had its transaction's number before: `Database::write` leaves a
                // mark first of all, and the function that places orders writes them first. So it has a lower one
                // than this.
                let sql = "SELECT pg_current_xact_id()::text::bigint";
                let barrier = connection.query_one(sql, &[]).await?.try_get(0)?;
                self.gap = Some(Gap { last, barrier });
            }
            Some(_) => {}
            None => fresh.more = u32::try_from(rows.len()).is_ok_and(|count| count == PAGE),
        }
        if !wanted.is_empty() {
            let sql = format!(
                "SELECT {COLUMNS}, 0::bigint FROM outbox o WHERE o.event_number = ANY($1) ORDER BY o.event_number"
            );
            fresh.wanted = read_rows(&connection.query(&sql, &[&wanted]).await?)?;
        }
        Ok(fresh)
    }
}

#[async_trait]
impl Shelf for PostgresShelf {
    async fn lead(&mut self) -> Result<Lead, BoxError> {
        if self.lease.keep(&self.database).await? {
            return Ok(Lead::Kept);
        }
        // What was known of gaps may have been another server's.
        (self.gap, self.settled) = (None, 0);
        let connection = self.database.read().await?;
        if !self.lease.take(&connection).await? {
            return Ok(Lead::Other);
        }
        let sql = "SELECT delivered_number FROM outbox_cursor WHERE cursor_id = 1";
        let cursor = connection.query_one(sql, &[]).await?.try_get(0)?;
        tracing::info!(schema = self.database.schema(), "this node delivers events");
        Ok(Lead::Taken(cursor))
    }

    async fn still_leads(&mut self) -> bool {
        // Without an answer it is as if another had it.
        self.lease.keep(&self.database).await.unwrap_or(false)
    }

    async fn page(&mut self, seen: i64, now_ms: i64, bus: &Arc<dyn Bus>) -> Result<Page, BoxError> {
        let connection = self.database.read().await?;
        self.look_at_gap(&connection).await?;
        // One round trip for all three, if nobody wants what is there.
        let (fresh, parked, held) = tokio::try_join!(
            self.fresh(&connection, seen, |name| bus.is_wanted(name)),
            read_parked(&connection, now_ms),
            parked_subjects(&connection)
        )?;
        Ok(Page {
            parked,
            fresh,
            held,
        })
    }

    async fn held(&self) -> Result<HashSet<String>, BoxError> {
        let connection = self.database.read().await?;
        Ok(parked_subjects(&connection).await?)
    }

    async fn again(&self, after: i64, since: Timestamp) -> Result<Vec<Row>, BoxError> {
        let sql = format!(
            "SELECT {COLUMNS}, 0::bigint
               FROM outbox o
              WHERE o.event_number > $1
                AND o.at_ms >= $2
                AND NOT EXISTS (SELECT 1 FROM outbox_parked p
                                 WHERE p.subject = o.subject
                                   AND p.event_number <= o.event_number)
              ORDER BY o.event_number
              LIMIT $3"
        );
        let connection = self.database.read().await?;
        let page = i64::from(PAGE);
        let rows = connection
            .query(&sql, &[&after, &since.as_ms(), &page])
            .await?;
        Ok(read_rows(&rows)?)
    }

    async fn since(&mut self, after: i64) -> Result<Vec<Row>, BoxError> {
        let connection = self.database.read().await?;
        self.look_at_gap(&connection).await?;
        Ok(self.fresh(&connection, after, |_| true).await?.wanted)
    }

    async fn parked(&self, after: i64, limit: u32) -> Result<Vec<ParkedEvent>, BoxError> {
        let sql = "SELECT o.event_number, o.event_id, o.name, o.subject, o.at_ms, p.tries, p.next_try_at_ms, p.reason
                     FROM outbox_parked p
                     JOIN outbox o ON o.event_number = p.event_number
                    WHERE p.event_number > $1
                    ORDER BY p.event_number
                    LIMIT $2";
        let connection = self.database.read().await?;
        let rows = connection.query(sql, &[&after, &i64::from(limit)]).await?;
        rows.iter().map(parked).collect()
    }

    /// Whoever delivers finds it, so no fence is asked for.
    async fn make_due(&self, number: i64, now_ms: i64) -> Result<bool, BoxError> {
        let sql = "UPDATE outbox_parked
                      SET next_try_at_ms = $2
                    WHERE subject = (SELECT subject FROM outbox_parked WHERE event_number = $1)
                      AND event_number <= $1";
        let connection = self.database.read().await?;
        Ok(connection.execute(sql, &[&number, &now_ms]).await? > 0)
    }

    async fn park(&self, refused: Vec<Refused>, now_ms: i64) -> Result<(), BoxError> {
        let numbers: Vec<i64> = refused.iter().map(|one| one.number).collect();
        let subjects: Vec<&str> = refused.iter().map(|one| one.subject.as_str()).collect();
        let reasons: Vec<&str> = refused.iter().map(|one| one.reason.as_str()).collect();
        let sql = "INSERT INTO outbox_parked (event_number, subject, tries, next_try_at_ms, reason)
                   SELECT event_number, subject, 1, $4, reason
                     FROM UNNEST($1::bigint[], $2::text[], $3::text[]) AS refused (event_number, subject, reason)
                    WHERE EXISTS (SELECT 1 FROM outbox_lease WHERE fence = $5)
                   ON CONFLICT (event_number) DO UPDATE SET reason = EXCLUDED.reason";
        let connection = self.database.read().await?;
        let next = now_ms.saturating_add(1_000);
        let parked = connection
            .execute(sql, &[&numbers, &subjects, &reasons, &next, &self.fence()?])
            .await?;
        changed_if(parked > 0)
    }

    async fn settle(
        &self,
        number: i64,
        outcome: Result<(), String>,
        now_ms: i64,
    ) -> Result<(), BoxError> {
        let connection = self.database.read().await?;
        let fence = self.fence()?;
        let settled = match outcome {
            Ok(()) => {
                let sql = "DELETE FROM outbox_parked
                            WHERE event_number = $1
                              AND EXISTS (SELECT 1 FROM outbox_lease WHERE fence = $2)";
                connection.execute(sql, &[&number, &fence]).await?
            }
            Err(reason) => {
                let sql = "UPDATE outbox_parked
                              SET tries = tries + 1,
                                  next_try_at_ms = $2 + LEAST(1000::bigint << LEAST(tries, 10)::integer, $4),
                                  reason = $3
                            WHERE event_number = $1
                              AND EXISTS (SELECT 1 FROM outbox_lease WHERE fence = $5)";
                let parameters: [&(dyn postgres::ToSql + Sync); 5] =
                    [&number, &now_ms, &reason, &WAIT_MS_MAX, &fence];
                connection.execute(sql, &parameters).await?
            }
        };
        changed_if(settled > 0)
    }

    async fn keep_place(&self, seen: i64, before_ms: i64) -> Result<(), BoxError> {
        let connection = self.database.read().await?;
        let sql = "UPDATE outbox_cursor
                      SET delivered_number = $1
                    WHERE cursor_id = 1
                      AND EXISTS (SELECT 1 FROM outbox_lease WHERE fence = $2)";
        let kept = connection.execute(sql, &[&seen, &self.fence()?]).await?;
        changed_if(kept > 0)?;
        // Only the oldest page is looked at, and that only if its first is old: numbers and times rise together.
        let sql = "WITH gone AS (
                       DELETE FROM outbox
                        WHERE event_number IN (SELECT event_number FROM outbox ORDER BY event_number LIMIT $1)
                          AND event_number NOT IN (SELECT event_number FROM outbox_parked)
                          AND event_number <= $2
                          AND at_ms < $3
                          AND (SELECT at_ms FROM outbox ORDER BY event_number LIMIT 1) < $3
                       RETURNING event_number)
                   UPDATE outbox_cursor
                      SET let_go_number = GREATEST(let_go_number, (SELECT MAX(event_number) FROM gone))
                    WHERE cursor_id = 1 AND EXISTS (SELECT 1 FROM gone)";
        connection
            .execute(sql, &[&KEEP_PLACE_EVERY, &seen, &before_ms])
            .await?;
        Ok(())
    }

    async fn backlog(&self, seen: i64) -> Result<Backlog, BoxError> {
        let sql = "WITH place AS (
                       SELECT GREATEST($1, COALESCE(MAX(delivered_number), 0)) AS number
                         FROM outbox_cursor
                        WHERE cursor_id = 1)
                   SELECT (SELECT COUNT(*) FROM (SELECT 1 FROM outbox, place
                                                  WHERE event_number > number LIMIT $2) fresh)
                        + (SELECT COUNT(*) FROM (SELECT 1 FROM outbox_parked LIMIT $2) parked),
                          LEAST((SELECT at_ms FROM outbox, place
                                  WHERE event_number > number ORDER BY event_number LIMIT 1),
                                (SELECT at_ms FROM outbox
                                  WHERE event_number = (SELECT MIN(event_number) FROM outbox_parked)))";
        let connection = self.database.read().await?;
        let rows = connection
            .query(sql, &[&seen, &i64::from(COUNTED_MAX)])
            .await?;
        let row = rows.first().ok_or("nothing was counted")?;
        let oldest: Option<i64> = row.try_get(1)?;
        Ok(Backlog {
            pending: row.try_get(0)?,
            oldest: oldest.map(Timestamp::from_ms),
        })
    }

    async fn wait(&mut self) -> Wake {
        if self.lease.fence().is_none() {
            sleep(ASK).await;
            return Wake::Changed;
        }
        let poll = if self.gap.is_some() {
            POLL_AT_GAP
        } else {
            POLL
        };
        tokio::select! {
            biased;
            changed = self.commits.changed() => if changed.is_ok() { Wake::Changed } else { Wake::Closed },
            () = sleep(poll) => Wake::Idle,
        }
    }

    async fn let_go(&mut self) {
        if let Err(error) = self.lease.let_go(&self.database).await {
            tracing::warn!(error = %error, "another node delivers events a little later");
        }
    }
}

fn parked(row: &postgres::Row) -> Result<ParkedEvent, BoxError> {
    let Bytes(id): Bytes<16> = row.try_get(1)?;
    Ok(ParkedEvent {
        number: u64::try_from(row.try_get::<_, i64>(0)?)?,
        id: EventId::from_bytes(id),
        name: row.try_get(2)?,
        subject: row.try_get(3)?,
        at: Timestamp::from_ms(row.try_get(4)?),
        tries: u32::try_from(row.try_get::<_, i64>(5)?)?,
        next_try_at: Timestamp::from_ms(row.try_get(6)?),
        reason: row.try_get(7)?,
    })
}

fn changed_if(is_ours: bool) -> Result<(), BoxError> {
    if is_ours {
        Ok(())
    } else {
        Err(TAKEN_OVER.into())
    }
}

const COLUMNS: &str = "o.event_number, o.event_id, o.name, o.subject, o.payload, o.at_ms";

/// The earliest parked event of each subject, if it is due. A wait longer than any that we set means that the
/// clock was put back.
async fn read_parked(connection: &Connection, now_ms: i64) -> Result<Vec<Row>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}, p.tries
           FROM outbox_parked p
           JOIN outbox o ON o.event_number = p.event_number
          WHERE (p.next_try_at_ms <= $1 OR p.next_try_at_ms > $1 + 2 * {WAIT_MS_MAX})
            AND NOT EXISTS (SELECT 1 FROM outbox_parked earlier
                             WHERE earlier.subject = p.subject
                               AND earlier.event_number < p.event_number)
          ORDER BY p.event_number
          LIMIT $2"
    );
    read_rows(&connection.query(&sql, &[&now_ms, &i64::from(PAGE)]).await?)
}

async fn parked_subjects(connection: &Connection) -> Result<HashSet<String>, StoreError> {
    let sql = "SELECT DISTINCT subject FROM outbox_parked";
    let rows = connection.query(sql, &[]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

fn read_rows(rows: &[postgres::Row]) -> Result<Vec<Row>, StoreError> {
    rows.iter()
        .map(|row| {
            let Bytes(id): Bytes<16> = row.try_get(1)?;
            Ok(Row {
                number: row.try_get(0)?,
                id: EventId::from_bytes(id),
                name: row.try_get(2)?,
                subject: row.try_get(3)?,
                payload: row.try_get(4)?,
                at: Timestamp::from_ms(row.try_get(5)?),
                tries: row.try_get(6)?,
            })
        })
        .collect()
}
