//! Named points of the work at which a test may end or freeze the process, as if the machine had chosen that
//! moment. Only in builds with debug assertions, and only in a binary that says so: in a release a point is nothing.

use crate::config;
use contracts::BoxError;
use rustix::process::{Signal, getpid, kill_process};
use std::{
    path::PathBuf,
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

/// Every point there is, in the order in which an operation comes to them. A point that is not in this list
/// must not be in the code, nor the other way round: the crash matrix in `tests` proves both.
pub const POINTS: &[&str] = &[
    // Any group of writes, in any file: written and not committed; committed and not answered.
    "commit.before",
    "commit.after",
    // Any event: read and not delivered; delivered and not noted; noted.
    "event.due",
    "event.delivered",
    "event.kept",
    "place.queued",
    "place.batched",
    "place.reserve_written",
    "place.reserved",
    "place.order_written",
    "place.ordered",
    "place.answered",
    "settle.intent",
    "settle.begun",
    "settle.authorised_at_provider",
    "settle.authorised",
    "settle.sold",
    "settle.captured_at_provider",
    "settle.captured",
    "settle.told",
    "settle.told_marked",
    "void.at_provider",
    "void.voided",
    "callback.stored",
    "cancel.allowed",
    "cancel.ordered",
    "cancel.stock_back",
    "return.received",
    "return.heard",
    "refund.intent",
    "refund.refunded_at_provider",
    "refund.booked",
    "refund.restocked",
    "refund.noted",
    "refund.told_marked",
    "expire.due",
    "expire.ordered",
    "expire.stock_back",
    "orphan.overdue",
    "orphan.given_up",
    "orphan.stock_back",
];

/// Whether this process does what a test tells it to.
static HEEDS_TESTS: AtomicBool = AtomicBool::new(false);
/// The point that a test named.
static TRAP: OnceLock<Trap> = OnceLock::new();

/// From now on this process knows the variables by which a test ends or freezes it or puts its clock wrong. Only
/// `souk-failpoints` says so: to every other binary they are unknown keys. Nor can any release: it is built without
/// debug assertions.
pub fn heed_tests() {
    HEEDS_TESTS.store(true, Ordering::Relaxed);
}

/// Whether it does. Known to the compiler where it never can, so that nothing of all this is left in a release.
pub(crate) fn heeds_tests() -> bool {
    cfg!(debug_assertions) && HEEDS_TESTS.load(Ordering::Relaxed)
}

/// The work has come to the point of this name.
#[inline]
pub fn point(name: &'static str) {
    if heeds_tests()
        && let Some(trap) = TRAP.get()
    {
        trap.meet(name);
    }
}

/// Makes the point ready that `SOUK_FAIL_POINT` names, if it names one. Called once, at the start.
///
/// # Errors
/// When it names no point, or says something that is not understood.
pub fn arm() -> Result<(), BoxError> {
    if !heeds_tests() {
        return Ok(());
    }
    let Some(text) = config::fail_point() else {
        return Ok(());
    };
    let wish = Wish::read(&text).ok_or_else(|| {
        format!("SOUK_FAIL_POINT: \"{text}\" is not NAME, NAME:HIT or NAME:HIT:freeze with a name of the list")
    })?;
    let seen = AtomicU64::new(0);
    TRAP.set(Trap { wish, seen })
        .map_err(|_| "a point was made ready before".into())
}

/// How far the clock is wrong: the number in the file that `SOUK_CLOCK_OFFSET_FILE` names, which a test may change at
/// any time. No file, or no number in it, and the clock is right.
pub(crate) fn clock_offset_ms() -> i64 {
    static FILE: LazyLock<Option<PathBuf>> = LazyLock::new(config::clock_offset_file);
    if !heeds_tests() {
        return 0;
    }
    FILE.as_deref()
        .and_then(|path| std::fs::read_to_string(path).ok())
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(0)
}

/// What a test wished for, and how often the work has come there so far.
#[derive(Debug)]
struct Trap {
    wish: Wish,
    seen: AtomicU64,
}

impl Trap {
    /// The work has come to a point: if it is this one, and often enough, the process is struck.
    fn meet(&self, name: &'static str) {
        debug_assert!(
            POINTS.contains(&name),
            "{name} is not in the list of points"
        );
        if name == self.wish.name
            && self.seen.fetch_add(1, Ordering::SeqCst) == self.wish.hits_before
        {
            strike(match self.wish.way {
                Way::Kill => Signal::KILL,
                Way::Freeze => Signal::STOP,
            });
        }
    }
}

/// Nothing of ours runs between the signal and its effect: no destructor, no flush, no farewell.
fn strike(signal: Signal) {
    if let Err(error) = kill_process(getpid(), signal) {
        tracing::error!(error = %error, "the process cannot signal itself");
        std::process::abort();
    }
}

/// What is to happen, and when.
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    name: &'static str,
    hits_before: u64,
    way: Way,
}

/// How the process is struck.
#[derive(Debug, PartialEq, Eq)]
enum Way {
    Kill,
    Freeze,
}

impl Wish {
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split(':');
        let wanted = parts.next()?;
        let name = POINTS.iter().find(|name| **name == wanted)?;
        let hit = match parts.next() {
            None => 1,
            Some(hit) => hit.parse::<u64>().ok()?,
        };
        let way = match parts.next() {
            None => Way::Kill,
            Some("freeze") => Way::Freeze,
            Some(_) => return None,
        };
        parts.next().is_none().then_some(Self {
            name,
            hits_before: hit.checked_sub(1)?,
            way,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_point_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = POINTS.iter().copied().collect();
        assert_eq!(names.len(), POINTS.len());
        let of_two_words = |name: &&str| name.split('.').count() == 2;
        assert!(names.iter().all(of_two_words), "{names:?}");
    }

    #[test]
    fn a_wish_names_a_point_a_hit_and_a_way() {
        let wish = |hits_before, way| {
            Some(Wish {
                name: "place.reserved",
                hits_before,
                way,
            })
        };
        assert_eq!(Wish::read("place.reserved"), wish(0, Way::Kill));
        assert_eq!(Wish::read("place.reserved:3"), wish(2, Way::Kill));
        assert_eq!(Wish::read("place.reserved:1:freeze"), wish(0, Way::Freeze));
        let wrong = [
            "",
            "nowhere",
            "place.reserved:0",
            "place.reserved:x",
            "place.reserved:1:thaw",
            "place.reserved:1:freeze:more",
        ];
        for text in wrong {
            assert_eq!(Wish::read(text), None, "{text}");
        }
    }
}
