//! Discounts that are given by themselves. Every order asks for them, so that they are read once for many; how often
//! one that has a limit is used is read each time, and decided in the commit that writes the order.

use super::Service;
use crate::{
    domain::pricing::{self, Use},
    store::discounts::Used,
};
use contracts::{orders::DiscountView, values::DiscountId};
use platform::db::StoreError;
use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};
use tokio::{sync::Mutex, time::Instant};

type All = Arc<Vec<Arc<DiscountView>>>;

/// Those that there are, as they were read.
#[derive(Debug, Default)]
pub(super) struct Automatic {
    kept: RwLock<Kept>,
    /// Held by the one who reads them anew, for all who wait.
    reading: Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    read: Option<(Instant, All)>,
    /// Counts what was changed here: who began to read before a change keeps nothing.
    changes: u64,
}

impl Automatic {
    fn fresh(&self, age_max: Duration) -> Option<All> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let (at, all) = kept.read.as_ref()?;
        (at.elapsed() < age_max).then(|| Arc::clone(all))
    }

    fn changes(&self) -> u64 {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.changes
    }

    fn keep(&self, changes: u64, at: Instant, all: &All) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.changes == changes {
            kept.read = Some((at, Arc::clone(all)));
        }
    }

    /// What was read is not so any more.
    pub(super) fn forget(&self) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.read = None;
        kept.changes = kept.changes.wrapping_add(1);
    }
}

impl Service {
    /// Those that are given now, to whoever they are given.
    pub(super) async fn automatic_now(&self) -> Result<Vec<Arc<DiscountView>>, StoreError> {
        let all = self.all_automatic().await?;
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let is_given = |one: &&Arc<DiscountView>| pricing::is_given(one, now).is_ok();
        Ok(all.iter().filter(is_given).cloned().collect())
    }

    async fn all_automatic(&self) -> Result<All, StoreError> {
        let age_max = Duration::from_millis(u64::from(self.config.automatic_discounts_age_ms_max));
        if let Some(all) = self.automatic.fresh(age_max) {
            return Ok(all);
        }
        let _reading = self.automatic.reading.lock().await;
        if let Some(all) = self.automatic.fresh(age_max) {
            return Ok(all);
        }
        let (changes, at) = (self.automatic.changes(), Instant::now());
        let all = self.store.automatic_discounts().await?;
        let all: All = Arc::new(all.into_iter().map(Arc::new).collect());
        self.automatic.keep(changes, at, &all);
        Ok(all)
    }

    /// Of these, those whose limits seem to have room for one use more by this customer.
    pub(super) async fn with_room(
        &self,
        mut discounts: Vec<Arc<DiscountView>>,
        customer_key: [u8; 32],
    ) -> Result<Vec<Arc<DiscountView>>, StoreError> {
        let limited = discounts
            .iter()
            .filter(|one| Use::of(one, customer_key).is_limited());
        let limited: Vec<DiscountId> = limited.map(|one| one.id).collect();
        if limited.is_empty() {
            return Ok(discounts);
        }
        let used = self.store.used(limited, customer_key).await?;
        discounts.retain(|one| has_room(one, &used));
        Ok(discounts)
    }
}

fn has_room(discount: &DiscountView, used: &Used) -> bool {
    let (all, mine) = used.get(&discount.id).copied().unwrap_or_default();
    let below = |used: i64, most: Option<u32>| most.is_none_or(|most| used < i64::from(most));
    below(all, discount.uses_max) && below(mine, discount.customer_uses_max)
}
