//! What is counted while the shop runs: the platform's own metrics, declared together, and the one registry
//! that all crates add theirs to. Handles are made once, at start; a request touches atomics only. Labels come
//! from closed sets: never an id, a path or an address.

pub use prometheus_client::{
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use std::sync::LazyLock;

/// What the text is, for whoever scrapes it.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Seconds, from a tenth of a millisecond to some: for commits and checkpoints.
const SECONDS: [f64; 16] = [
    0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.003, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.1,
    0.25, 1.0, 5.0,
];
/// Counts of what shares a commit.
const COUNTS: [f64; 11] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0,
];

/// An API key was shown at the door, and this came of it.
pub(crate) fn api_key_checked(outcome: &'static str) {
    let checked = PLATFORM
        .api_keys
        .get_or_create_owned(&[("outcome", outcome)]);
    checked.inc();
}

/// A histogram of seconds.
#[must_use]
pub fn seconds() -> Histogram {
    Histogram::new(SECONDS)
}

/// A histogram of counts.
#[must_use]
pub fn counts() -> Histogram {
    Histogram::new(COUNTS)
}

/// A count as a histogram takes it.
#[must_use]
pub fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

type File = [(&'static str, String); 1];
type Schema = [(&'static str, &'static str); 1];
type Consumer = [(&'static str, &'static str); 1];
type Queue = [(&'static str, &'static str); 1];
type Reads = [(&'static str, &'static str); 2];
type Dependency = [(&'static str, &'static str); 1];
type Outcome = [(&'static str, &'static str); 1];
type Histograms = Family<File, Histogram, fn() -> Histogram>;

struct Platform {
    queue_depth: Family<Queue, Gauge>,
    group_size: Histograms,
    commit_seconds: Histograms,
    checkpoint_seconds: Histograms,
    log_pages: Family<File, Gauge>,
    redis_up: Gauge,
    redis_calls: Family<Outcome, Counter>,
    limit_takes: Family<Outcome, Counter>,
    limit_refusals: Family<Outcome, Counter>,
    late_refusals: Counter,
    lane_given: Counter,
    cache_reads: Family<Reads, Counter>,
    api_keys: Family<Outcome, Counter>,
    postgres_commit_seconds: Family<Schema, Histogram, fn() -> Histogram>,
    postgres_wait_seconds: Family<Schema, Histogram, fn() -> Histogram>,
    ready: Gauge,
    dependencies: Family<Dependency, Gauge>,
    postgres_deadlocks: Family<Schema, Counter>,
    postgres_lost_answers: Family<Schema, Counter>,
}

static PLATFORM: LazyLock<Platform> = LazyLock::new(|| Platform {
    queue_depth: Family::default(),
    group_size: Family::new_with_constructor(counts),
    commit_seconds: Family::new_with_constructor(seconds),
    checkpoint_seconds: Family::new_with_constructor(seconds),
    log_pages: Family::default(),
    postgres_commit_seconds: Family::new_with_constructor(seconds),
    postgres_wait_seconds: Family::new_with_constructor(seconds),
    ready: Gauge::default(),
    dependencies: Family::default(),
    postgres_deadlocks: Family::default(),
    postgres_lost_answers: Family::default(),
    redis_up: Gauge::default(),
    redis_calls: Family::default(),
    limit_takes: Family::default(),
    limit_refusals: Family::default(),
    late_refusals: Counter::default(),
    lane_given: Counter::default(),
    cache_reads: Family::default(),
    api_keys: Family::default(),
});

fn register_surroundings(registry: &mut Registry) {
    register_keys(registry);
    registry.register(
        "souk_late_refusals",
        "Requests that were refused before anybody looked at them, because this process was late with its work",
        PLATFORM.late_refusals.clone(),
    );
    registry.register(
        "souk_lane_given",
        "Answers that were given again as they had left before, without asking whoever made them",
        PLATFORM.lane_given.clone(),
    );
    registry.register(
        "souk_ready",
        "1 while this process takes work",
        PLATFORM.ready.clone(),
    );
    registry.register(
        "souk_dependency_well",
        "1 while what this process depends on answers",
        PLATFORM.dependencies.clone(),
    );
    registry.register(
        "souk_postgres_wait_seconds",
        "How long somebody waited for a connection of the pool",
        PLATFORM.postgres_wait_seconds.clone(),
    );
}

/// Whether work is taken.
pub(crate) fn ready(is_ready: bool) {
    PLATFORM.ready.set(i64::from(is_ready));
}

/// Whether the dependency of this name answers.
pub(crate) fn dependency(name: &'static str, is_well: bool) {
    let label = [("dependency", name)];
    let gauge = PLATFORM.dependencies.get_or_create_owned(&label);
    gauge.set(i64::from(is_well));
}

fn register_keys(registry: &mut Registry) {
    registry.register(
        "souk_api_keys_checked",
        "API keys shown at the door: good, refused, malformed, or unknown because identity gave no answer",
        PLATFORM.api_keys.clone(),
    );
}

/// Adds the platform's metrics to a registry.
pub fn register(registry: &mut Registry) {
    let platform = &*PLATFORM;
    BUS.register(registry);
    register_surroundings(registry);
    registry.register(
        "souk_queue_depth",
        "Wishes that wait for their batch",
        platform.queue_depth.clone(),
    );
    registry.register(
        "souk_sqlite_group_size",
        "Writes that shared a commit",
        platform.group_size.clone(),
    );
    registry.register(
        "souk_sqlite_commit_seconds",
        "From the first statement of a group until it is on the disk",
        platform.commit_seconds.clone(),
    );
    registry.register(
        "souk_sqlite_checkpoint_seconds",
        "How long pages were copied from the write-ahead log to their file",
        platform.checkpoint_seconds.clone(),
    );
    registry.register(
        "souk_sqlite_log_pages",
        "Pages in the write-ahead log after the last commit",
        platform.log_pages.clone(),
    );
    registry.register(
        "souk_postgres_commit_seconds",
        "From the begin of a write until its COMMIT was answered",
        platform.postgres_commit_seconds.clone(),
    );
    registry.register(
        "souk_postgres_deadlocks",
        "Writes that were undone because of others and made once more",
        platform.postgres_deadlocks.clone(),
    );
    registry.register(
        "souk_postgres_lost_answers",
        "Writes whose COMMIT was not answered, so that its outcome was looked for",
        platform.postgres_lost_answers.clone(),
    );
    registry.register(
        "souk_redis_up",
        "Whether there is a connection to Redis",
        platform.redis_up.clone(),
    );
    registry.register(
        "souk_redis_calls",
        "Calls to Redis, by what came of them",
        platform.redis_calls.clone(),
    );
    registry.register(
        "souk_limit_takes",
        "Requests counted against shared limits, by where: in Redis, against units leased before, or here alone",
        platform.limit_takes.clone(),
    );
    registry.register(
        "souk_limit_refusals",
        "Requests that were one too many, by the limit that said so",
        platform.limit_refusals.clone(),
    );
    registry.register(
        "souk_cache_reads",
        "Answers by where they came from: memory, somebody else's reading, Redis or the store",
        platform.cache_reads.clone(),
    );
}

/// What the broker is measured by.
#[derive(Default)]
pub(crate) struct Bus {
    pub(crate) away: Gauge,
    pub(crate) published: Counter,
    pub(crate) refused: Counter,
    pub(crate) dead: Gauge,
    pub(crate) buried: Counter,
    lag: Family<Consumer, Gauge>,
    waiting: Family<Consumer, Gauge>,
}

impl Bus {
    /// Events that a consumer has before it.
    pub(crate) fn lag(&self, consumer: &'static str) -> Gauge {
        self.lag.get_or_create_owned(&[("consumer", consumer)])
    }

    /// Events that a consumer must try again, or that wait for those.
    pub(crate) fn waiting(&self, consumer: &'static str) -> Gauge {
        self.waiting.get_or_create_owned(&[("consumer", consumer)])
    }

    fn register(&self, registry: &mut Registry) {
        let gauges = [
            (
                "souk_bus_away",
                "1 while no event can be published",
                &self.away,
            ),
            (
                "souk_bus_dead_letters",
                "Events that a consumer gave up and nobody sent on",
                &self.dead,
            ),
        ];
        for (name, help, gauge) in gauges {
            registry.register(name, help, gauge.clone());
        }
        let counters = [
            (
                "souk_bus_published",
                "Events that the broker acknowledged",
                &self.published,
            ),
            ("souk_bus_refused", "Events that it did not", &self.refused),
            (
                "souk_bus_buried",
                "Events that became dead letters here",
                &self.buried,
            ),
        ];
        for (name, help, counter) in counters {
            registry.register(name, help, counter.clone());
        }
        registry.register(
            "souk_bus_lag_events",
            "Events that a consumer has before it",
            self.lag.clone(),
        );
        let waiting = "Events that a consumer must try again, or that wait for those";
        registry.register("souk_bus_waiting_events", waiting, self.waiting.clone());
    }
}

static BUS: LazyLock<Bus> = LazyLock::new(Bus::default);

/// The broker's.
pub(crate) fn bus() -> &'static Bus {
    &BUS
}

/// The registry as text, for `GET /metrics`.
///
/// # Errors
/// When a metric cannot be written.
pub fn text(registry: &Registry) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, registry)?;
    Ok(text)
}

/// How many wait in the queue of this name.
pub(crate) fn queue_depth(queue: &'static str) -> Gauge {
    PLATFORM
        .queue_depth
        .get_or_create_owned(&[("queue", queue)])
}

/// What one database file is measured by.
#[derive(Debug, Clone)]
pub(crate) struct Sqlite {
    pub(crate) group_size: Histogram,
    pub(crate) commit_seconds: Histogram,
    pub(crate) checkpoint_seconds: Histogram,
    pub(crate) log_pages: Gauge,
}

impl Sqlite {
    /// The handles of the file of this name.
    pub(crate) fn of(file: &str) -> Self {
        let file: File = [("file", file.to_owned())];
        Self {
            group_size: PLATFORM.group_size.get_or_create_owned(&file),
            commit_seconds: PLATFORM.commit_seconds.get_or_create_owned(&file),
            checkpoint_seconds: PLATFORM.checkpoint_seconds.get_or_create_owned(&file),
            log_pages: PLATFORM.log_pages.get_or_create_owned(&file),
        }
    }
}

/// What the way to Redis is measured by.
#[derive(Debug, Clone)]
pub(crate) struct Redis {
    pub(crate) up: Gauge,
    pub(crate) answered: Counter,
    pub(crate) failed: Counter,
    pub(crate) late: Counter,
    pub(crate) away: Counter,
    pub(crate) dropped: Counter,
}

impl Redis {
    pub(crate) fn of_the_process() -> Self {
        let calls = |outcome| {
            PLATFORM
                .redis_calls
                .get_or_create_owned(&[("outcome", outcome)])
        };
        Self {
            up: PLATFORM.redis_up.clone(),
            answered: calls("answered"),
            failed: calls("failed"),
            late: calls("late"),
            away: calls("away"),
            dropped: calls("dropped"),
        }
    }
}

/// What the writes to one schema are measured by.
#[derive(Debug, Clone)]
pub(crate) struct Postgres {
    pub(crate) commit_seconds: Histogram,
    pub(crate) wait_seconds: Histogram,
    pub(crate) deadlocks: Counter,
    pub(crate) lost_answers: Counter,
}

impl Postgres {
    /// The handles of the schema of this name.
    pub(crate) fn of(schema: &'static str) -> Self {
        let schema: Schema = [("schema", schema)];
        Self {
            commit_seconds: PLATFORM
                .postgres_commit_seconds
                .get_or_create_owned(&schema),
            wait_seconds: PLATFORM.postgres_wait_seconds.get_or_create_owned(&schema),
            deadlocks: PLATFORM.postgres_deadlocks.get_or_create_owned(&schema),
            lost_answers: PLATFORM.postgres_lost_answers.get_or_create_owned(&schema),
        }
    }
}

/// Where a cache's answers came from.
#[derive(Debug, Clone)]
pub(crate) struct CacheReads {
    pub(crate) memory: Counter,
    pub(crate) joined: Counter,
    pub(crate) redis: Counter,
    pub(crate) store: Counter,
}

impl CacheReads {
    pub(crate) fn of(cache: &'static str) -> Self {
        let reads = |place| {
            PLATFORM
                .cache_reads
                .get_or_create_owned(&[("cache", cache), ("place", place)])
        };
        Self {
            memory: reads("memory"),
            joined: reads("joined"),
            redis: reads("redis"),
            store: reads("store"),
        }
    }
}

/// Where shared limits were counted.
pub(crate) fn limit_takes(place: &'static str) -> Counter {
    PLATFORM
        .limit_takes
        .get_or_create_owned(&[("place", place)])
}

/// A request was one too many for the limit of this name.
pub fn limit_refused(policy: &'static str) {
    let policy = [("policy", policy)];
    PLATFORM.limit_refusals.get_or_create_owned(&policy).inc();
}

/// Counts what was given again.
pub(crate) fn lane_given() -> Counter {
    PLATFORM.lane_given.clone()
}

/// A request came while this process was late.
pub(crate) fn late_refused() {
    PLATFORM.late_refusals.inc();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_is_in_the_text_and_nothing_of_it_is_an_id() {
        let handles = Sqlite::of("orders");
        handles.group_size.observe(count(3));
        handles.commit_seconds.observe(0.004);
        queue_depth("place-orders").inc();
        let mut registry = Registry::default();
        register(&mut registry);
        let text = text(&registry).unwrap();
        for line in [
            "souk_queue_depth{queue=\"place-orders\"} 1",
            "souk_sqlite_group_size_bucket{le=\"4.0\",file=\"orders\"} 1",
            "souk_sqlite_commit_seconds_count{file=\"orders\"} 1",
            "# EOF",
        ] {
            assert!(text.lines().any(|known| known == line), "{line}: {text}");
        }
    }
}
