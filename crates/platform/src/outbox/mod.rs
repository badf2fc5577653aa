//! The outbox: events written in the same commit as the change they tell of, delivered afterwards at least
//! once, in order for each subject. The table only grows; a cursor says how far delivery has come. One relay
//! delivers, whatever keeps the rows; where several nodes share them, one node at a time does.

mod behind;
pub(crate) mod desk;
pub mod postgres;
mod republish;
mod sqlite;
mod upkeep;

pub use behind::register as register_metrics;
pub use desk::{Desk, FarDesk, NearDesk};
pub use republish::republish;
pub(crate) use sqlite::in_trace;
pub use sqlite::{append, append_in};
pub use upkeep::{let_go, start_upkeep};

use crate::{
    bus::{BEHIND, Bus},
    clock::Clock,
    db::Database,
    fault,
    tasks::Tasks,
};
use async_trait::async_trait;
use behind::{Backlog, Gauges, LOOK_EVERY_MS};
use contracts::{
    BoxError,
    event::{Envelope, ParkedEvent},
    trace::{TRACEPARENT, TraceParent, taken_from},
    values::{EventId, Timestamp},
};
use std::{collections::HashSet, sync::Arc, time::Duration};

/// Events read at a time.
const PAGE: u32 = 512;
/// The rest between two looks: a look costs as much as a third of an order, whatever it finds.
const PAUSE: Duration = Duration::from_millis(5);
/// Events between two notes of how far delivery has come, when nobody wants them.
const KEEP_PLACE_EVERY: i64 = 4_096;
/// Tries after which somebody should look: from here on each is an error in the log. An event is never given
/// up, for it may be somebody's money.
const TRIES_WORRYING: i64 = 5;
/// The longest wait between two tries, in milliseconds.
const WAIT_MS_MAX: i64 = 60_000;
/// How long delivered events stay, to be published again if a broker loses them.
const KEEP_MS: i64 = 7 * 24 * 60 * 60 * 1_000;

/// The text of a payload, with the trace beside it that the event came about in, until it is read from its row.
fn resting(mut payload: String, trace: Option<TraceParent>) -> String {
    if let (Some(trace), true) = (trace, payload.len() > 2 && payload.ends_with('}')) {
        payload.pop();
        payload.push_str(&format!(",\"{TRACEPARENT}\":\"{trace}\"}}"));
    }
    payload
}

/// Starts the task that delivers a database's events.
pub fn start_relay(
    tasks: &Tasks,
    name: &'static str,
    database: impl Into<Database>,
    bus: Arc<dyn Bus>,
    clock: Clock,
) {
    let database = database.into();
    republish::start(tasks, name, database.clone(), &bus, &clock);
    let shelf = shelf(database);
    tasks.start(name, move |stop| async move {
        let mut relay = Relay::of(name, shelf, bus, clock);
        loop {
            relay.look_behind().await;
            let more = match relay.deliver_page().await {
                Ok(more) => more,
                Err(error) => {
                    tracing::warn!(error = %error, task = name, "events wait: the outbox could not be worked on");
                    false
                }
            };
            if more && !stop.is_cancelled() {
                continue;
            }
            // What is committed meanwhile is read in one go.
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep(PAUSE) => {}
            }
            tokio::select! {
                // In this order, so that a simulated run does not depend on a coin of the runtime's.
                biased;
                () = stop.cancelled() => break,
                wake = relay.shelf.wait() => match wake {
                    Wake::Changed => {}
                    Wake::Idle => relay.keep_place().await,
                    Wake::Closed => return Ok(()),
                }
            }
        }
        relay.shelf.let_go().await;
        Ok(())
    });
}

fn shelf(database: Database) -> Box<dyn Shelf> {
    match database {
        Database::Sqlite(database) => Box::new(sqlite::SqliteShelf::new(database)),
        Database::Postgres(database) => Box::new(postgres::PostgresShelf::new(database)),
    }
}

/// The rows of an outbox, as the relay works with them.
#[async_trait]
trait Shelf: Send + Sync {
    /// Who delivers. Asked before each page.
    async fn lead(&mut self) -> Result<Lead, BoxError>;
    /// Whether this node still delivers, asked before each event.
    async fn still_leads(&mut self) -> bool;
    /// What is due after this number. Of an event that nobody wants only the name is read.
    async fn page(&mut self, seen: i64, now_ms: i64, bus: &Arc<dyn Bus>) -> Result<Page, BoxError>;
    /// The subjects whose events wait.
    async fn held(&self) -> Result<HashSet<String>, BoxError>;
    /// A page of events after this number that are not older than this, whether they were delivered or not; but
    /// of a subject with a parked one only what came before it.
    async fn again(&self, after: i64, since: Timestamp) -> Result<Vec<Row>, BoxError>;
    /// A page of events after this number, delivered or not, up to the first gap that may still be filled.
    async fn since(&mut self, after: i64) -> Result<Vec<Row>, BoxError>;
    /// Parked events after this number, in order.
    async fn parked(&self, after: i64, limit: u32) -> Result<Vec<ParkedEvent>, BoxError>;
    /// Makes a parked event due, and those of its subject before it; whether there was one of this number.
    async fn make_due(&self, number: i64, now_ms: i64) -> Result<bool, BoxError>;
    /// Puts events aside, to be tried again.
    async fn park(&self, refused: Vec<Refused>, now_ms: i64) -> Result<(), BoxError>;
    /// Writes down what became of a parked event.
    async fn settle(
        &self,
        number: i64,
        outcome: Result<(), String>,
        now_ms: i64,
    ) -> Result<(), BoxError>;
    /// Writes down how far delivery has come, and lets go of delivered events from before a moment.
    async fn keep_place(&self, seen: i64, before_ms: i64) -> Result<(), BoxError>;
    /// What waits: events after this number and after the cursor, and those that are parked.
    async fn backlog(&self, seen: i64) -> Result<Backlog, BoxError>;
    /// Waits until there may be something to do.
    async fn wait(&mut self) -> Wake;
    /// Lets another node deliver at once.
    async fn let_go(&mut self) {}
}

/// Who delivers the events of a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    /// Another node.
    Other,
    /// This one, as before.
    Kept,
    /// This one, from now on, after this number.
    Taken(i64),
}

/// Why a relay looks again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    /// Something was committed.
    Changed,
    /// Some time has gone by.
    Idle,
    /// The database was closed.
    Closed,
}

/// An event as it is stored; its payload is read only if somebody wants it.
struct Row {
    number: i64,
    id: EventId,
    name: String,
    subject: String,
    payload: String,
    at: Timestamp,
    tries: i64,
}

impl Row {
    fn envelope(&self) -> Result<Envelope, BoxError> {
        let mut payload = serde_json::from_str(&self.payload)?;
        let trace = taken_from(&mut payload);
        Ok(Envelope {
            id: self.id,
            name: self.name.clone(),
            subject: self.subject.clone(),
            at: self.at,
            payload,
            trace,
        })
    }

    fn refused(&self, reason: String) -> Refused {
        Refused {
            number: self.number,
            subject: self.subject.clone(),
            reason,
        }
    }

    fn warned(&self, error: &BoxError) -> Refused {
        let (id, name, tries) = (self.id, &self.name, self.tries);
        if tries >= TRIES_WORRYING {
            tracing::error!(event.id = %id, event.name = name, tries, error = %error, "an event is stuck");
        } else {
            tracing::warn!(event.id = %id, event.name = name, error = %error, "an event will come again");
        }
        self.refused(error.to_string())
    }
}

/// What is due.
struct Page {
    parked: Vec<Row>,
    fresh: Fresh,
    held: HashSet<String>,
}

/// Events that came since.
#[derive(Default)]
struct Fresh {
    wanted: Vec<Row>,
    last: Option<i64>,
    /// Whether there may be more at once.
    more: bool,
}

/// An event that was not taken.
struct Refused {
    number: i64,
    subject: String,
    reason: String,
}

struct Relay {
    shelf: Box<dyn Shelf>,
    bus: Arc<dyn Bus>,
    clock: Clock,
    /// All events up to this number were delivered or parked.
    seen: i64,
    /// The same, as the table says. It may lag behind: after a crash events come once more.
    kept: i64,
    /// Whether this node delivers, as far as it was asked.
    leads: Option<bool>,
    behind: Gauges,
    looked_ms: Option<i64>,
}

/// Another node has taken over: what this one has in hand is left to it.
const TAKEN_OVER: &str = "another node delivers now";

impl Relay {
    fn of(name: &'static str, shelf: Box<dyn Shelf>, bus: Arc<dyn Bus>, clock: Clock) -> Self {
        Self {
            shelf,
            bus,
            clock,
            seen: 0,
            kept: 0,
            leads: None,
            behind: Gauges::of(name),
            looked_ms: None,
        }
    }

    /// Measures now and then how much waits. Whoever does not deliver has nothing to tell.
    async fn look_behind(&mut self) {
        let now = self.clock.now();
        let since = |looked: i64| now.as_ms().saturating_sub(looked).unsigned_abs();
        if self
            .looked_ms
            .is_some_and(|looked| since(looked) < LOOK_EVERY_MS.unsigned_abs())
        {
            return;
        }
        self.looked_ms = Some(now.as_ms());
        if self.leads == Some(false) {
            self.behind.set(Backlog::default(), now);
            return;
        }
        match self.shelf.backlog(self.seen).await {
            Ok(backlog) => self.behind.set(backlog, now),
            Err(error) => {
                tracing::debug!(error = %error, "what waits in the outbox could not be counted")
            }
        }
    }

    /// Delivers what is due; true if there may be more at once.
    async fn deliver_page(&mut self) -> Result<bool, BoxError> {
        // To park each event of an outage would cost a write for each.
        if self.bus.is_away() {
            return Ok(false);
        }
        let lead = self.shelf.lead().await?;
        self.leads = Some(lead != Lead::Other);
        match lead {
            Lead::Other => return Ok(false),
            Lead::Kept => {}
            Lead::Taken(cursor) => (self.seen, self.kept) = (cursor, cursor),
        }
        let now = self.clock.now().as_ms();
        let Page {
            parked,
            fresh,
            mut held,
        } = self.shelf.page(self.seen, now, &self.bus).await?;
        if !parked.is_empty() {
            for row in parked {
                self.deliver_parked(row).await?;
            }
            // Whoever waited behind them may go on.
            held = self.shelf.held().await?;
        }
        let Some(last) = fresh.last else {
            return Ok(false);
        };
        let mut refused = Vec::new();
        let delivered = !fresh.wanted.is_empty();
        for rows in fresh.wanted.chunks(self.bus.at_once().max(1)) {
            if !self.shelf.still_leads().await {
                return Err(TAKEN_OVER.into());
            }
            refused.extend(self.deliver(rows, &mut held).await);
        }
        if !refused.is_empty() {
            self.shelf.park(refused, now).await?;
        }
        self.seen = last;
        // A write of its own is not worth it for events that nobody wanted.
        if delivered || last.saturating_sub(self.kept) >= KEEP_PLACE_EVERY {
            self.keep_place().await;
        }
        Ok(fresh.more)
    }

    /// A later event of a subject never overtakes an earlier one that waits. Gives those that were not taken.
    async fn deliver(&self, rows: &[Row], held: &mut HashSet<String>) -> Vec<Refused> {
        let (mut due, mut envelopes, mut refused) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            if held.contains(&row.subject) {
                refused.push(row.refused(BEHIND.to_owned()));
                continue;
            }
            match row.envelope() {
                Ok(envelope) => {
                    due.push(row);
                    envelopes.push(envelope);
                }
                Err(error) => {
                    held.insert(row.subject.clone());
                    refused.push(row.warned(&error));
                }
            }
        }
        if envelopes.is_empty() {
            return refused;
        }
        fault::point("event.due");
        let answers = self.bus.publish_all(&envelopes).await;
        fault::point("event.delivered");
        for (row, answer) in due.into_iter().zip(answers) {
            if let Err(error) = answer {
                held.insert(row.subject.clone());
                refused.push(row.warned(&error));
            }
        }
        refused
    }

    async fn deliver_parked(&mut self, row: Row) -> Result<(), BoxError> {
        if !self.shelf.still_leads().await {
            return Err(TAKEN_OVER.into());
        }
        let (number, rows) = (row.number, [row]);
        let refused = self.deliver(&rows, &mut HashSet::new()).await.pop();
        let outcome = refused.map_or(Ok(()), |refused| Err(refused.reason));
        let now = self.clock.now().as_ms();
        self.shelf.settle(number, outcome, now).await
    }

    /// Writes down how far delivery has come, and lets go of events that are old enough.
    async fn keep_place(&mut self) {
        let seen = self.seen;
        if seen == self.kept {
            return;
        }
        let old = self.clock.now().as_ms().saturating_sub(KEEP_MS);
        match self.shelf.keep_place(seen, old).await {
            Ok(()) => {
                fault::point("event.kept");
                self.kept = seen;
            }
            Err(error) => {
                tracing::warn!(error = %error, "delivered events may come once more after a crash")
            }
        }
    }
}
