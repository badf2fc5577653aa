//! Limits that all nodes count together, in Redis: GCRA in one script, by the server's clock, one round trip.
//! Most requests are decided from credit that the last round trip granted. While Redis is away each node counts
//! alone, at its share of the limit: never unlimited, and never a refusal because of Redis.

use super::{
    Limiter, MemoryLimiter, Quota, Verdict,
    lease::{Credit, Debt, Lease, Leases, Told},
};
use crate::{
    digest,
    metrics::{self, Counter},
    redis::{Away, Redis},
};
use ::redis::Script;
use async_trait::async_trait;
use contracts::BoxError;
use serde::{Deserialize, Serialize};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// While this little of a quota is left for each node, every request is counted in Redis before it is let in.
const CAUTION: u32 = 2;

/// How nodes share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sharing {
    /// Nodes of the shop.
    pub nodes: u32,
    /// Per cent of a quota that all nodes together may give out before they tell each other.
    pub credit_percent: u32,
    /// How long a node may give out without telling.
    pub credit_ms: u64,
}

impl Sharing {
    /// Says what cannot work.
    ///
    /// # Errors
    /// One line that names the key.
    pub fn check(&self) -> Result<(), BoxError> {
        if self.nodes == 0 {
            return Err("limits.sharing.nodes: must be 1 or more".into());
        }
        if self.credit_percent > 100 || self.credit_ms > 10_000 {
            return Err("limits.sharing: credit_percent is at most 100, credit_ms 10000".into());
        }
        Ok(())
    }

    /// Units that one node may give out of a quota before it tells.
    fn credit(self, quota: Quota) -> u32 {
        let all = u64::from(quota.units).saturating_mul(u64::from(self.credit_percent)) / 100;
        let each = all
            .checked_div(u64::from(self.nodes.max(1)))
            .unwrap_or_default();
        u32::try_from(each).unwrap_or(u32::MAX)
    }
}

/// A limiter that all nodes share.
pub struct SharedLimiter {
    redis: Redis,
    policy: &'static str,
    quota: Quota,
    sharing: Sharing,
    script: Script,
    leases: Leases,
    alone: MemoryLimiter,
    counted_there: Counter,
    counted_from_credit: Counter,
    counted_alone: Counter,
}

impl SharedLimiter {
    /// A limiter with this quota for every caller; limits of different policies are counted apart.
    #[must_use]
    pub fn new(redis: Redis, policy: &'static str, quota: Quota, sharing: Sharing) -> Self {
        let share = Quota {
            units: quota
                .units
                .checked_div(sharing.nodes)
                .unwrap_or_default()
                .max(1),
            ..quota
        };
        Self {
            redis,
            policy,
            quota,
            sharing,
            script: Script::new(include_str!("gcra.lua")),
            leases: Leases::default(),
            alone: MemoryLimiter::new(share),
            counted_there: metrics::limit_takes("redis"),
            counted_from_credit: metrics::limit_takes("credit"),
            counted_alone: metrics::limit_takes("alone"),
        }
    }

    fn lease(&self, caller: &str, now: Instant) -> Arc<Lease> {
        let credit = || self.credit(self.quota.units);
        self.leases
            .of(caller, now, || Lease::new(self.quota, credit(), now))
    }

    async fn ask(&self, caller: &str, units: u32, debt: &Debt<'_>) -> Result<Told, Away> {
        let seal = self
            .redis
            .seal(&[b"limit", self.policy.as_bytes(), caller.as_bytes()]);
        let name = digest::base64url(seal.first_chunk::<16>().unwrap_or(&[0; 16]));
        let window_us = u64::from(self.quota.window_seconds.max(1)).saturating_mul(1_000_000);
        let mut invocation = self.script.prepare_invoke();
        invocation
            .key(self.redis.key(self.policy, &name))
            .arg(self.quota.units.max(1))
            .arg(window_us)
            .arg(debt.units)
            .arg(u64::try_from(debt.age.as_micros()).unwrap_or(u64::MAX))
            .arg(units);
        let answer: (u32, u32, u64) = self
            .redis
            .run(async |mut connection| invocation.invoke_async(&mut connection).await)
            .await?;
        let (allowed, remaining, wait_ms) = answer;
        Ok(Told {
            allowed: allowed == 1,
            remaining: remaining.min(self.quota.units),
            wait: Duration::from_millis(wait_ms),
        })
    }

    /// The less is left, the less is given on credit: at the limit itself every request is counted first.
    fn credit(&self, remaining: u32) -> Credit {
        let left = remaining
            .checked_div(self.sharing.nodes.saturating_mul(CAUTION))
            .unwrap_or_default();
        Credit {
            units: self.sharing.credit(self.quota).min(left),
            lasts: Duration::from_millis(self.sharing.credit_ms),
        }
    }
}

#[async_trait]
impl Limiter for SharedLimiter {
    async fn take(&self, caller: &str, units: u32) -> Verdict {
        if let Some(verdict) = self.take_at_once(caller, units) {
            if !verdict.allowed {
                self.counted_from_credit.inc();
            }
            return verdict;
        }
        let units = units.clamp(1, self.quota.units.max(1));
        let lease = self.lease(caller, Instant::now());
        let turn = lease.questions.acquire().await;
        // Somebody else's answer may decide by now.
        if let Some(verdict) = lease.decide(units, self.quota, Instant::now()) {
            self.counted_from_credit.inc();
            return verdict;
        }
        let debt = lease.settle(Instant::now());
        let told = self.ask(caller, units, &debt).await;
        let owed = debt.units;
        drop((debt, turn));
        let Ok(told) = told else {
            self.counted_alone.inc();
            if owed > 0 {
                self.alone.take_now(caller, owed);
            }
            return self.alone.take_now(caller, units);
        };
        self.counted_there.inc();
        lease.learn(units, told, self.quota, self.credit(told.remaining))
    }

    fn take_at_once(&self, caller: &str, units: u32) -> Option<Verdict> {
        let units = units.clamp(1, self.quota.units.max(1));
        let now = Instant::now();
        let verdict = self.lease(caller, now).decide(units, self.quota, now)?;
        if verdict.allowed {
            self.counted_from_credit.inc();
        }
        Some(verdict)
    }

    fn quota(&self) -> Quota {
        self.quota
    }
}
