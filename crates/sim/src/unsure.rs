//! How unsure the ways between services are, and what becomes of a call that goes one of them.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::time::Instant;

/// How unsure the ways are.
#[derive(Debug, Clone)]
pub(crate) struct Unsure {
    pub(crate) seed: u64,
    pub(crate) per_mille: u32,
    pub(crate) troubled: Arc<AtomicBool>,
    pub(crate) began: Instant,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Fine,
    /// It does not arrive.
    LostThere,
    /// Its answer does not arrive.
    LostBack,
}

impl Unsure {
    /// Follows from seed, call and moment alone, so that calls at one moment share their fate in any order.
    pub(crate) fn fate(&self, call: u64) -> Fate {
        if !self.troubled.load(Ordering::Relaxed) {
            return Fate::Fine;
        }
        let moment = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut lots = crate::Random::new(self.seed.wrapping_add(moment), call);
        match (lots.chance(self.per_mille), lots.chance(500)) {
            (false, _) => Fate::Fine,
            (true, true) => Fate::LostThere,
            (true, false) => Fate::LostBack,
        }
    }

    /// A batch on its way there and back.
    pub(crate) async fn batch<W, T, E>(
        &self,
        call: u64,
        batch: Vec<W>,
        lost: fn() -> E,
        work: impl AsyncFnOnce(Vec<W>) -> Vec<Result<T, E>>,
    ) -> Vec<Result<T, E>> {
        let count = batch.len();
        let fate = self.fate(call);
        if fate == Fate::LostThere {
            return (0..count).map(|_| Err(lost())).collect();
        }
        let answers = work(batch).await;
        if fate == Fate::LostBack {
            return (0..count).map(|_| Err(lost())).collect();
        }
        answers
    }
}
