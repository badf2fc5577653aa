//! Answers kept in memory: bounded by bytes and by age, made once however many ask, dropped by tags. What was begun
//! before a drop is never kept after it. A Redis may stand behind it, shared by all nodes: that saves work, and
//! whatever it says is checked. Nothing that only some may see belongs in here.

mod flights;
pub(crate) mod marks;
mod shared;

use crate::{clock::Clock, digest, metrics::CacheReads, redis::Redis};
use flights::{Flight, Flights};
use marks::{Marks, Slot};
use moka::sync::Cache as Memory;
use shared::{CLOCKS_APART_MS, Shared};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// Bytes that an entry takes beside its key and value, about.
const ENTRY_BYTES: usize = 256;
/// How often somebody joins others before they read for themselves.
const JOINS_MAX: u32 = 3;

/// The bounds of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Its name in metrics and in Redis.
    pub name: &'static str,
    /// Memory for keys and values.
    pub kilobytes: u32,
    /// How old an answer may be; a tenth less for some, so that not all end together.
    pub age_max_ms: u64,
    /// The same for answers that say that there is nothing.
    pub absent_age_max_ms: u64,
}

/// What can be kept.
pub trait Keep: Clone + Send + Sync + 'static {
    /// How much memory it takes, about.
    fn weight(&self) -> usize;
    /// Whether it says that there is nothing.
    fn is_absent(&self) -> bool;
    /// Its bytes, for Redis.
    fn write(&self) -> Vec<u8>;
    /// From such bytes.
    fn read(bytes: &[u8]) -> Option<Self>;
}

/// An answer as it was read from the store.
#[derive(Debug, Clone)]
pub struct Fresh<V> {
    /// The answer.
    pub value: V,
    /// What it depends on: dropping any of these drops it.
    pub tags: Vec<String>,
}

struct Entry<V> {
    value: V,
    slots: Arc<[Slot]>,
    /// The number of the last drop when reading began.
    begun: u64,
    ends_at: Instant,
}

/// Whether what was read once is still as good as what would be read now.
pub trait Holds: Send + Sync {
    /// Nothing that it depends on was dropped since, and it is not too old.
    fn holds(&self) -> bool;
    /// It was given once more, which a cache counts as a read from memory.
    fn given(&self);
}

/// An answer that is in memory.
pub struct Held<V: Keep> {
    entry: Arc<Entry<V>>,
    stamp: Stamp<V>,
}

/// What tells of an answer whether it still holds. It keeps nothing of the answer itself.
pub struct Stamp<V: Keep> {
    inner: Arc<Inner<V>>,
    slots: Arc<[Slot]>,
    begun: u64,
    ends_at: Instant,
}

impl<V: Keep> Held<V> {
    /// The answer.
    #[must_use]
    pub fn value(&self) -> &V {
        &self.entry.value
    }

    /// Its stamp, without it.
    #[must_use]
    pub fn into_stamp(self) -> Stamp<V> {
        self.stamp
    }
}

impl<V: Keep> Holds for Stamp<V> {
    fn holds(&self) -> bool {
        Instant::now() < self.ends_at && self.inner.marks.allow(self.begun, &self.slots)
    }

    fn given(&self) {
        self.inner.reads.memory.inc();
    }
}

/// A cache. Clones share it.
#[derive(Clone)]
pub struct Cache<V: Keep> {
    inner: Arc<Inner<V>>,
}

struct Inner<V: Keep> {
    options: Options,
    memory: Memory<String, Arc<Entry<V>>>,
    marks: Marks,
    flights: Flights<Entry<V>>,
    shared: Option<Shared>,
    clock: Clock,
    reads: CacheReads,
}

impl<V: Keep> std::fmt::Debug for Cache<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}

impl<V: Keep> Cache<V> {
    /// An empty cache, with a Redis behind it or none.
    #[must_use]
    pub fn new(options: Options, redis: Option<Redis>, clock: Clock) -> Self {
        let weigh = |key: &String, entry: &Arc<Entry<V>>| {
            let weight = entry.value.weight().saturating_add(key.len());
            let slots = entry.slots.len().saturating_mul(size_of::<Slot>());
            u32::try_from(weight.saturating_add(slots).saturating_add(ENTRY_BYTES))
                .unwrap_or(u32::MAX)
        };
        let memory = Memory::builder()
            .max_capacity(u64::from(options.kilobytes).saturating_mul(1_024))
            .weigher(weigh)
            .time_to_live(Duration::from_millis(options.age_max_ms))
            .build();
        Self {
            inner: Arc::new(Inner {
                memory,
                marks: Marks::default(),
                flights: Flights::default(),
                shared: redis.map(|redis| Shared::new(redis, options)),
                clock,
                reads: CacheReads::of(options.name),
                options,
            }),
        }
    }

    /// The answer under this key: from memory, from whoever reads it just now, or read by `fill`.
    ///
    /// # Errors
    /// Those of `fill`; they are not kept.
    pub async fn get<E, F, W>(&self, key: &str, fill: F) -> Result<V, E>
    where
        F: Fn() -> W,
        W: Future<Output = Result<Fresh<V>, E>>,
    {
        let inner = &*self.inner;
        let arrived = inner.marks.now();
        if let Some(held) = self.peek(key) {
            return Ok(held.value().clone());
        }
        for _ in 0..JOINS_MAX {
            let flight = inner.flights.join(key);
            let entry = match inner.fly(&flight, key, &fill).await {
                Flown::Landed(entry) => entry,
                Flown::Failed(error) => return Err(error),
                Flown::OthersFailed => break,
            };
            // Whoever came after a drop takes nothing that was begun before it.
            if arrived <= entry.begun || inner.marks.allow(entry.begun, &entry.slots) {
                return Ok(entry.value.clone());
            }
        }
        inner.reads.store.inc();
        Ok(fill().await?.value)
    }

    /// The answer under this key, if it is in memory.
    #[must_use]
    pub fn peek(&self, key: &str) -> Option<Held<V>> {
        let entry = self.inner.memory.get(key)?;
        let stamp = Stamp {
            inner: Arc::clone(&self.inner),
            slots: Arc::clone(&entry.slots),
            begun: entry.begun,
            ends_at: entry.ends_at,
        };
        stamp.holds().then(|| {
            stamp.given();
            Held { entry, stamp }
        })
    }

    /// Drops whatever depends on this. Nothing that was begun before is kept from now on.
    pub fn drop_tag(&self, tag: &str) {
        self.inner.marks.drop_tag(tag);
    }

    /// Drops everything.
    pub fn drop_all(&self) {
        self.inner.marks.drop_all();
    }
}

enum Flown<V, E> {
    Landed(Arc<Entry<V>>),
    Failed(E),
    /// Somebody else read for us, in vain.
    OthersFailed,
}

impl<V: Keep> Inner<V> {
    async fn fly<E, F, W>(&self, flight: &Flight<'_, Entry<V>>, key: &str, fill: &F) -> Flown<V, E>
    where
        F: Fn() -> W,
        W: Future<Output = Result<Fresh<V>, E>>,
    {
        let (mut failure, mut flew) = (None, false);
        let landed = flight.cell().get_or_init(|| async {
            flew = true;
            match self.load(key, fill).await {
                Ok(entry) => Some(entry),
                Err(error) => {
                    failure = Some(error);
                    None
                }
            }
        });
        let landed = landed.await.clone();
        if !flew {
            self.reads.joined.inc();
        }
        match (landed, failure) {
            (Some(entry), _) => Flown::Landed(entry),
            (None, Some(error)) => Flown::Failed(error),
            (None, None) => Flown::OthersFailed,
        }
    }

    async fn load<E, F, W>(&self, key: &str, fill: &F) -> Result<Arc<Entry<V>>, E>
    where
        F: Fn() -> W,
        W: Future<Output = Result<Fresh<V>, E>>,
    {
        if let Some(entry) = self.redis_entry(key).await {
            self.reads.redis.inc();
            return Ok(entry);
        }
        self.reads.store.inc();
        // In this order: what is dropped from here on is seen to be older.
        let (begun, begun_at) = (self.marks.now(), Instant::now());
        let read_at = self.clock.now();
        let Fresh { value, tags } = fill().await?;
        let age_max = self.age_max(&value);
        let entry = Arc::new(Entry {
            slots: tags.iter().map(|tag| marks::slot(tag)).collect(),
            begun,
            ends_at: begun_at.checked_add(age_max).unwrap_or(begun_at),
            value,
        });
        if self.marks.allow(begun, &entry.slots) {
            self.memory.insert(key.to_owned(), Arc::clone(&entry));
            if let Some(shared) = &self.shared {
                shared.put(key, &entry.value, &tags, read_at);
            }
        }
        Ok(entry)
    }

    /// What another node read of late, unless this one knows of a change since.
    async fn redis_entry(&self, key: &str) -> Option<Arc<Entry<V>>> {
        let shared = self.shared.as_ref()?;
        let begun = self.marks.now();
        let known = shared.get::<V>(key, self.clock.now()).await?;
        let slots: Arc<[Slot]> = known.tags.iter().map(|tag| marks::slot(tag)).collect();
        // Another node may have begun to read before that, by a clock that is ahead.
        let suspect_ms = self.options.age_max_ms.saturating_add(2 * CLOCKS_APART_MS);
        let suspect = Duration::from_millis(suspect_ms);
        if self.marks.dropped_within(&slots, suspect) {
            return None;
        }
        let now = Instant::now();
        let left = self.age_max(&known.value).checked_sub(known.age)?;
        let entry = Arc::new(Entry {
            value: known.value,
            slots,
            begun,
            ends_at: now.checked_add(left)?,
        });
        if !self.marks.allow(begun, &entry.slots) {
            return None;
        }
        self.memory.insert(key.to_owned(), Arc::clone(&entry));
        Some(entry)
    }

    fn age_max(&self, value: &V) -> Duration {
        let longest_ms = if value.is_absent() {
            self.options.absent_age_max_ms
        } else {
            self.options.age_max_ms
        };
        let [byte] = digest::random::<1>().unwrap_or_default();
        // A tenth at most: 26 parts of 256.
        let earlier = longest_ms.saturating_mul(u64::from(byte)) / 2_560;
        Duration::from_millis(longest_ms.saturating_sub(earlier))
    }
}
