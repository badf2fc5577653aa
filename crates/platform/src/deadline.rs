//! Until when somebody waits for an answer: set at the door, carried along with the work, looked at wherever
//! work would begin. It never breaks off what has begun.

use std::{future::Future, time::Duration};
use tokio::time::Instant;

/// How long the caller still waits, in milliseconds, as callers may say it. It only ever shortens our own.
pub const HEADER: &str = "x-deadline-ms";

/// No request takes longer, whatever is configured.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

tokio::task_local! {
    static CURRENT: Option<Deadline>;
}

/// The moment after which nobody waits any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    #[must_use]
    pub fn after(wait: Duration) -> Self {
        let now = Instant::now();
        Self(now.checked_add(wait.min(LONGEST)).unwrap_or(now))
    }

    /// Whether it is too late to begin.
    #[must_use]
    pub fn has_passed(&self) -> bool {
        Instant::now() >= self.0
    }

    /// The moment itself.
    #[must_use]
    pub const fn moment(&self) -> Instant {
        self.0
    }
}

/// How long a request may take: what we allow, or less if its caller waits less. What cannot be read is as if
/// it had not been said.
///
/// ```
/// use platform::deadline::allowed;
/// use std::time::Duration;
/// let ours = Duration::from_secs(10);
/// assert_eq!(allowed(ours, Some("1500")), Duration::from_millis(1_500));
/// assert_eq!(allowed(ours, Some("soon")), ours);
/// ```
#[must_use]
pub fn allowed(ours: Duration, said: Option<&str>) -> Duration {
    let digits = said.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    let theirs = digits.and_then(|text| text.parse().ok());
    theirs.map_or(ours, |ms| ours.min(Duration::from_millis(ms)))
}

/// The deadline of the work that this runs in, if it has one.
#[must_use]
pub fn current() -> Option<Deadline> {
    CURRENT.try_with(|deadline| *deadline).ok().flatten()
}

/// Whether the work that this runs in came too late to begin anything more.
#[must_use]
pub fn has_passed() -> bool {
    current().is_some_and(|deadline| deadline.has_passed())
}

/// Does the work under a deadline; under none, if what it begins must be brought to its end.
pub async fn within<F: Future>(deadline: Option<Deadline>, work: F) -> F::Output {
    CURRENT.scope(deadline, work).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_shortens_the_time_and_never_lengthens_it() {
        let ours = Duration::from_millis(1_000);
        for (said, expected) in [
            (None, 1_000),
            (Some("0"), 0),
            (Some("999"), 999),
            (Some("1001"), 1_000),
            (Some("99999999999999999999999999"), 1_000),
            (Some("-1"), 1_000),
            (Some("+1"), 1_000),
            (Some("1.5"), 1_000),
            (Some(" 7"), 1_000),
            (Some(""), 1_000),
            (Some("soon"), 1_000),
        ] {
            assert_eq!(
                allowed(ours, said),
                Duration::from_millis(expected),
                "{said:?}"
            );
        }
    }

    #[tokio::test]
    async fn work_knows_its_deadline_and_is_free_of_it_where_it_must_end() {
        assert_eq!(current(), None);
        let soon = Deadline::after(Duration::ZERO);
        within(Some(soon), async {
            assert!(has_passed());
            within(None, async { assert!(!has_passed()) }).await;
        })
        .await;
        let late = Deadline::after(Duration::MAX);
        within(Some(late), async { assert!(!has_passed()) }).await;
    }
}
