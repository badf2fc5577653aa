//! Answers that take long where there are very many products: said again for a moment, and found out once, however
//! many ask meanwhile. What is quick is found out each time, and so is everything in a shop of few products, whatever
//! else its machine has to do: what was done there a moment ago is shown.

use crate::domain::search::Wish;
use moka::{Expiry, policy::EvictionPolicy, sync::Cache};
use std::time::{Duration, Instant};

/// A walk over so many products is quick.
const FEW: usize = 20_000;
/// What takes longer is not found out for everybody who asks,
const DEAR: Duration = Duration::from_millis(5);
/// but said for so many times as long as it took,
const TIMES: u32 = 10;
/// and for no longer than that.
const AGE_MAX: Duration = Duration::from_secs(2);
/// Questions whose answers are kept.
const KEPT_MAX: u64 = 256;

/// What was found of late, by what was wished for. Clones are the same one.
#[derive(Debug, Clone)]
pub(super) struct Dear<T: Clone + Send + Sync + 'static>(Cache<Wish, Said<T>>);

#[derive(Debug, Clone)]
struct Said<T> {
    value: T,
    took: Duration,
}

struct Lasting;

impl<T> Expiry<Wish, Said<T>> for Lasting {
    fn expire_after_create(&self, _: &Wish, said: &Said<T>, _: Instant) -> Option<Duration> {
        Some(said.lasts())
    }
}

impl<T> Said<T> {
    fn lasts(&self) -> Duration {
        if self.took > DEAR {
            self.took.saturating_mul(TIMES).min(AGE_MAX)
        } else {
            Duration::ZERO
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Default for Dear<T> {
    fn default() -> Self {
        // What is new goes before what was asked often: quick answers lie here for a moment too.
        let cache = Cache::builder()
            .max_capacity(KEPT_MAX)
            .eviction_policy(EvictionPolicy::lru());
        Self(cache.expire_after(Lasting).build())
    }
}

impl<T: Clone + Send + Sync + 'static> Dear<T> {
    /// What was found for this wish among so many products, or is found now; on a thread that may wait.
    pub(super) fn get(&self, wish: &Wish, products: usize, find: impl FnOnce() -> T) -> T {
        if products <= FEW {
            return find();
        }
        let said = self.0.get_with(wish.whenever(), || {
            let began = Instant::now();
            let value = find();
            let took = began.elapsed();
            Said { value, took }
        });
        said.value
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{
        catalog::{ProductSort, ProductStatus},
        values::Timestamp,
    };
    use std::{
        sync::atomic::{AtomicU32, Ordering},
        thread,
    };

    const MANY: usize = FEW + 1;

    fn slowly<T>(value: T) -> T {
        thread::park_timeout(DEAR.saturating_mul(40));
        value
    }

    fn wish(at_ms: i64, word: &str) -> Wish {
        Wish {
            words: Some(vec![word.to_owned()]),
            filter: crate::domain::search::Filter {
                at: Timestamp::from_ms(at_ms),
                status: ProductStatus::Active,
                owner_id: None,
                category: None,
                price_min: None,
                price_max: None,
                in_stock: None,
                attribute: None,
            },
            sort: ProductSort::Relevance,
            after: None,
            limit: 20,
        }
    }

    #[test]
    fn what_took_long_is_said_for_ten_times_as_long_and_what_was_quick_never_again() {
        for (took_ms, lasts_ms) in [(0, 0), (5, 0), (6, 60), (150, 1_500), (900, 2_000)] {
            let said = Said {
                value: (),
                took: Duration::from_millis(took_ms),
            };
            assert_eq!(said.lasts(), Duration::from_millis(lasts_ms), "{took_ms}");
        }
        let dear = Dear::default();
        let found = [1, 2].map(|found| dear.get(&wish(0, "tea"), MANY, || found));
        assert_eq!(found, [1, 2]);
    }

    #[test]
    fn among_few_products_everything_is_found_anew() {
        let dear = Dear::default();
        let found = [1, 2].map(|found| dear.get(&wish(0, "tea"), FEW, || slowly(found)));
        assert_eq!(found, [1, 2]);
    }

    #[test]
    fn many_who_ask_at_once_wait_for_one_answer_and_each_question_has_its_own() {
        let (dear, found) = (Dear::default(), AtomicU32::new(0));
        let find = || slowly(found.fetch_add(1, Ordering::Relaxed));
        thread::scope(|scope| {
            let dear = &dear;
            let ask = |at_ms| scope.spawn(move || dear.get(&wish(at_ms, "tea"), MANY, find));
            let asking: Vec<_> = (0..8).map(ask).collect();
            assert!(asking.into_iter().all(|one| one.join().unwrap() == 0));
        });
        assert_eq!(dear.get(&wish(9, "tea"), MANY, find), 0, "a moment later");
        assert_eq!(dear.get(&wish(9, "coffee"), MANY, find), 1);
    }
}
