//! Limits within one process, by governor's GCRA. Callers who were not seen for a while are forgotten.

use super::{Limiter, Quota, Verdict};
use async_trait::async_trait;
use governor::{
    DefaultKeyedRateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};
use std::{
    num::NonZeroU32,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

type Inner = governor::RateLimiter<
    String,
    DashMapStateStore<String>,
    DefaultClock,
    StateInformationMiddleware,
>;

/// Callers between two clean-ups.
const CLEAN_UP_EVERY: u32 = 10_000;

/// A limiter in memory.
pub struct MemoryLimiter {
    inner: Inner,
    quota: Quota,
    clock: DefaultClock,
    calls: AtomicU32,
}

impl MemoryLimiter {
    /// A limiter with this quota for every caller.
    #[must_use]
    pub fn new(quota: Quota) -> Self {
        let units = NonZeroU32::new(quota.units).unwrap_or(NonZeroU32::MIN);
        let window = Duration::from_secs(u64::from(quota.window_seconds.max(1)));
        let period = window
            .checked_div(units.get())
            .unwrap_or(window)
            .max(Duration::from_nanos(1));
        let rate = governor::Quota::with_period(period).map_or_else(
            || governor::Quota::per_second(units),
            |rate| rate.allow_burst(units),
        );
        let inner =
            DefaultKeyedRateLimiter::keyed(rate).with_middleware::<StateInformationMiddleware>();
        Self {
            inner,
            quota,
            clock: DefaultClock::default(),
            calls: AtomicU32::new(0),
        }
    }
}

#[async_trait]
impl Limiter for MemoryLimiter {
    async fn take(&self, caller: &str, units: u32) -> Verdict {
        self.take_now(caller, units)
    }

    fn take_at_once(&self, caller: &str, units: u32) -> Option<Verdict> {
        Some(self.take_now(caller, units))
    }

    fn quota(&self) -> Quota {
        self.quota
    }
}

impl MemoryLimiter {
    /// The same for whoever cannot wait, for there is nothing to wait for.
    pub(super) fn take_now(&self, caller: &str, units: u32) -> Verdict {
        if self.calls.fetch_add(1, Ordering::Relaxed) % CLEAN_UP_EVERY
            == CLEAN_UP_EVERY.saturating_sub(1)
        {
            self.inner.retain_recent();
        }
        let units = NonZeroU32::new(units.min(self.quota.units)).unwrap_or(NonZeroU32::MIN);
        let window = self.quota.window_seconds.max(1);
        match self.inner.check_key_n(&caller.to_owned(), units) {
            Ok(Ok(snapshot)) => Verdict {
                allowed: true,
                remaining: snapshot.remaining_burst_capacity(),
                wait_seconds: window,
            },
            Ok(Err(until)) => {
                let wait = until
                    .wait_time_from(self.clock.now())
                    .as_millis()
                    .div_ceil(1_000)
                    .max(1);
                Verdict {
                    allowed: false,
                    remaining: 0,
                    wait_seconds: u32::try_from(wait).unwrap_or(window),
                }
            }
            Err(_) => Verdict {
                allowed: false,
                remaining: 0,
                wait_seconds: window,
            },
        }
    }
}
