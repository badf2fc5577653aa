//! Keeps the index up to date with the database: what this process wrote before the next search, what others wrote
//! within half a second, by a mark that no commit slips behind (ADR 56). Decides nothing about what is found.

use super::dear::Dear;
use crate::domain::search::{Entry, Index, Key, Shelf, Wish};
use async_trait::async_trait;
use contracts::{
    catalog::{CategoryCount, Facets, NUMBERED_PAGES_MAX},
    values::ProductId,
};
use futures_util::{StreamExt, stream};
use platform::db::StoreError;
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::Duration,
};
use tokio::{sync::Mutex as Gate, time::Instant};

/// Products that are read at once.
const CHUNK: usize = 500;
/// Chunks that are read at a time: the next one while the words of the last are taken apart.
const AHEAD: usize = 2;
/// What other processes wrote is looked for after this at the latest, if anybody searches.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Products whose stock moved and that are named, 16 bytes each; of more, all are read, which takes seconds where there
/// are very many.
const MOVED_MAX: usize = 100_000;

/// What has happened since a mark.
#[derive(Debug)]
pub(super) struct Changed {
    /// Products with the change that each saw last.
    pub(super) products: Vec<(i64, i64)>,
    /// Whether categories may be others.
    pub(super) categories: bool,
    /// The mark from which to ask next.
    pub(super) mark: i64,
}

/// Where an index is filled from.
#[async_trait]
pub(super) trait Source: Send + Sync {
    /// What changed since a mark; all there is if there is none. Nothing is left out that is committed now, and
    /// some of it may have been told before.
    async fn changed(&self, since: Option<i64>) -> Result<Changed, StoreError>;
    /// These products as they are now.
    async fn entries(&self, numbers: Vec<i64>) -> Result<Vec<Entry>, StoreError>;
    /// All categories, by number.
    async fn shelves(&self) -> Result<HashMap<i64, Shelf>, StoreError>;
    /// Products' numbers, with whether units of them are there.
    async fn available(&self, products: Moved) -> Result<Vec<(i64, bool)>, StoreError>;
}

/// Whose stock is asked for.
#[derive(Debug)]
pub(super) enum Moved {
    Products(Vec<ProductId>),
    Numbers(Vec<i64>),
}

/// What this process knows to have changed, before the index does.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    /// Counts changes of documents and categories.
    documents: u64,
    moved: HashSet<ProductId>,
    all_moved: bool,
}

impl Touched {
    /// A document or category changed.
    pub(crate) fn documents(&self) {
        let mut pending = self.pending();
        pending.documents = pending.documents.saturating_add(1);
    }

    /// A product's stock moved.
    pub(crate) fn stock(&self, product: ProductId) {
        let mut pending = self.pending();
        if pending.all_moved {
            return;
        }
        pending.moved.insert(product);
        if pending.moved.len() > MOVED_MAX {
            pending.moved.clear();
            pending.all_moved = true;
        }
    }

    /// Anything may have changed.
    pub(crate) fn everything(&self) {
        self.documents();
        let mut pending = self.pending();
        pending.moved.clear();
        pending.all_moved = true;
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An index with how far it has come.
#[derive(Debug, Default)]
pub(super) struct Search {
    index: Arc<RwLock<Index>>,
    touched: Arc<Touched>,
    /// Held by whoever brings the index up to date.
    gate: Gate<Option<i64>>,
    reached: Mutex<Option<Reached>>,
    facets: Dear<Facets>,
    /// How many products each category has, for all pages of categories.
    categories: Dear<Vec<CategoryCount>>,
    page_ends: Dear<Vec<(Option<Key>, i64)>>,
}

#[derive(Debug, Clone, Copy)]
struct Reached {
    documents: u64,
    at: Instant,
}

impl Search {
    pub(super) fn touched(&self) -> Arc<Touched> {
        Arc::clone(&self.touched)
    }

    /// Asks the index, as it is now: on a thread of its own, for it may take milliseconds.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        source: &dyn Source,
        question: impl FnOnce(&Index) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        self.catch_up(source).await?;
        let index = Arc::clone(&self.index);
        let asked = tokio::task::spawn_blocking(move || {
            question(&index.read().unwrap_or_else(PoisonError::into_inner))
        });
        asked.await.map_err(|error| StoreError::Other(error.into()))
    }

    /// What a wish finds, counted.
    pub(super) async fn facets(
        &self,
        source: &dyn Source,
        wish: Wish,
    ) -> Result<Facets, StoreError> {
        let (facets, categories) = (self.facets.clone(), self.categories.clone());
        let asked = move |index: &Index| {
            let products = index.products();
            let elsewhere = |wish: &Wish| {
                let find = || index.category_counts(wish);
                categories.get(wish, products, find)
            };
            facets.get(&wish, products, || index.facets(&wish, elsewhere))
        };
        self.ask(source, asked).await
    }

    /// Where the pages of a wish end that others follow, of those that have numbers.
    pub(super) async fn page_ends(
        &self,
        source: &dyn Source,
        wish: Wish,
    ) -> Result<Vec<(Option<Key>, i64)>, StoreError> {
        let dear = self.page_ends.clone();
        let asked = move |index: &Index| {
            let find = || index.page_ends(&wish, NUMBERED_PAGES_MAX);
            dear.get(&wish, index.products(), find)
        };
        self.ask(source, asked).await
    }

    /// Brings the index up to date, unless it is.
    pub(super) async fn catch_up(&self, source: &dyn Source) -> Result<(), StoreError> {
        if self.is_current() {
            return Ok(());
        }
        let mut mark = self.gate.lock().await;
        if self.is_current() {
            return Ok(());
        }
        // What changes from here on is read next time, whether this time sees it or not.
        let reached = Reached {
            documents: self.touched.pending().documents,
            at: Instant::now(),
        };
        let moved = self.take_moved();
        let caught = self.read(source, *mark, &moved).await;
        match caught {
            Ok(next) => *mark = Some(next),
            Err(error) => {
                self.put_back(moved);
                return Err(error);
            }
        }
        *self.reached() = Some(reached);
        Ok(())
    }

    fn is_current(&self) -> bool {
        let Some(reached) = *self.reached() else {
            return false;
        };
        let pending = self.touched.pending();
        reached.at.elapsed() < LOOK_EVERY
            && pending.documents == reached.documents
            && pending.moved.is_empty()
            && !pending.all_moved
    }

    async fn read(
        &self,
        source: &dyn Source,
        mark: Option<i64>,
        moved: &Pending,
    ) -> Result<i64, StoreError> {
        let changed = source.changed(mark).await?;
        if changed.categories {
            let shelves = source.shelves().await?;
            self.write(move |index| index.put_shelves(shelves));
        }
        let stale = self.with(|index| index.stale(&changed.products));
        let chunks: Vec<Vec<i64>> = stale.chunks(CHUNK).map(<[i64]>::to_vec).collect();
        let read = stream::iter(chunks).map(|numbers| source.entries(numbers));
        let mut read = read.buffered(AHEAD);
        while let Some(entries) = read.next().await {
            self.put(entries?).await?;
        }
        let wanted: Vec<Moved> = if moved.all_moved {
            let all = self.with(Index::numbers);
            all.chunks(CHUNK)
                .map(|some| Moved::Numbers(some.to_vec()))
                .collect()
        } else {
            let all: Vec<ProductId> = moved.moved.iter().copied().collect();
            all.chunks(CHUNK)
                .map(|some| Moved::Products(some.to_vec()))
                .collect()
        };
        for some in wanted {
            let available = source.available(some).await?;
            self.write(|index| {
                for (number, available) in available {
                    index.put_available(number, available);
                }
            });
        }
        Ok(changed.mark)
    }

    /// Words are taken apart before anybody has to wait for the index.
    async fn put(&self, entries: Vec<Entry>) -> Result<(), StoreError> {
        let index = Arc::clone(&self.index);
        let put = tokio::task::spawn_blocking(move || {
            let ready: Vec<_> = entries.into_iter().map(Entry::ready).collect();
            let mut index = index.write().unwrap_or_else(PoisonError::into_inner);
            for one in ready {
                index.put(one);
            }
        });
        put.await.map_err(|error| StoreError::Other(error.into()))
    }

    fn take_moved(&self) -> Pending {
        let mut pending = self.touched.pending();
        Pending {
            documents: pending.documents,
            moved: std::mem::take(&mut pending.moved),
            all_moved: std::mem::take(&mut pending.all_moved),
        }
    }

    fn put_back(&self, moved: Pending) {
        if moved.all_moved {
            self.touched.pending().all_moved = true;
        }
        for product in moved.moved {
            self.touched.stock(product);
        }
    }

    fn with<T>(&self, question: impl FnOnce(&Index) -> T) -> T {
        question(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, change: impl FnOnce(&mut Index)) {
        change(&mut self.index.write().unwrap_or_else(PoisonError::into_inner));
    }

    fn reached(&self) -> MutexGuard<'_, Option<Reached>> {
        self.reached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
