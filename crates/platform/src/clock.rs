//! What time it is. The only place that asks the machine.

use crate::fault;
use contracts::{BoxError, values::Timestamp};
use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// A source of the present moment.
#[derive(Debug, Clone)]
pub enum Clock {
    /// The machine's clock.
    System,
    /// A clock that tests move by hand.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands still until it is moved.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(start.as_ms())))
    }

    /// The present moment.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "this is the place that asks the machine"
                )]
                let since_1970 = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                let ms = i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX);
                Timestamp::from_ms(ms.saturating_add(fault::clock_offset_ms()))
            }
            Self::Manual(ms) => Timestamp::from_ms(ms.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock; the system's cannot be moved.
    pub fn advance_seconds(&self, seconds: i64) {
        if let Self::Manual(ms) = self {
            ms.fetch_add(seconds.saturating_mul(1_000), Ordering::SeqCst);
        }
    }
}

/// How far a clock may be put forth or back before somebody should hear of it.
const JUMP_SECONDS_MAX: u64 = 30;

/// Notices when a clock jumps: it is held against one that cannot be put.
#[derive(Debug)]
pub struct Steady {
    clock: Clock,
    began_ms: i64,
    began: Instant,
}

impl Steady {
    /// Trusts the clock as it is now.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            began_ms: clock.now().as_ms(),
            began: Instant::now(),
            clock,
        }
    }

    /// Whether the clock has gone on as time has.
    ///
    /// # Errors
    /// How far it jumped.
    pub fn check(&self) -> Result<(), BoxError> {
        let passed = i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let shown = self.clock.now().as_ms().saturating_sub(self.began_ms);
        let seconds = shown.abs_diff(passed) / 1_000;
        if seconds > JUMP_SECONDS_MAX {
            return Err(
                format!("the clock has jumped by {seconds} seconds since the start").into(),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_put_is_noticed() {
        let clock = Clock::manual(Timestamp::from_ms(1_000_000));
        let steady = Steady::new(clock.clone());
        assert!(steady.check().is_ok());
        clock.advance_seconds(-3_600);
        let error = steady.check().unwrap_err().to_string();
        assert!(error.contains("jumped by 3600 seconds"), "{error}");
    }
}
