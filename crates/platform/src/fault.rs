//! Named points of the work at which a test may end or freeze the process, as if the machine had chosen that
//! moment. Without the feature `failpoints` a point is nothing at all; no release has the feature.

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

/// The work has come to the point of this name.
#[cfg(not(feature = "failpoints"))]
#[inline]
pub const fn point(_name: &'static str) {}

/// Makes the point ready that `SOUK_FAIL_POINT` names, if it names one. Called once, at the start.
///
/// # Errors
/// When it names no point, or says something that is not understood.
#[cfg(not(feature = "failpoints"))]
pub const fn arm() -> Result<(), contracts::BoxError> {
    Ok(())
}

/// How far the clock is wrong.
#[cfg(not(feature = "failpoints"))]
pub(crate) const fn clock_offset_ms() -> i64 {
    0
}

#[cfg(feature = "failpoints")]
pub(crate) use armed::clock_offset_ms;
#[cfg(feature = "failpoints")]
pub use armed::{arm, point};

#[cfg(feature = "failpoints")]
mod armed {
    use super::{POINTS, Way, Wish};
    use crate::config;
    use contracts::BoxError;
    use rustix::process::{Signal, getpid, kill_process};
    use std::{
        path::PathBuf,
        sync::{
            LazyLock,
            atomic::{AtomicU64, Ordering},
        },
    };

    /// The work has come to the point of this name.
    pub fn point(name: &'static str) {
        debug_assert!(
            POINTS.contains(&name),
            "{name} is not in the list of points"
        );
        fail::fail_point!(name);
    }

    /// Makes the point ready that `SOUK_FAIL_POINT` names, if it names one. Called once, at the start.
    ///
    /// # Errors
    /// When it names no point, or says something that is not understood.
    pub fn arm() -> Result<(), BoxError> {
        let Some(text) = config::fail_point() else {
            return Ok(());
        };
        let wish = Wish::read(&text).ok_or_else(|| {
            format!("SOUK_FAIL_POINT: \"{text}\" is not NAME, NAME:HIT or NAME:HIT:freeze with a name of the list")
        })?;
        let seen = AtomicU64::new(0);
        fail::cfg_callback(wish.name, move || {
            if seen.fetch_add(1, Ordering::SeqCst) == wish.hits_before {
                strike(match wish.way {
                    Way::Kill => Signal::KILL,
                    Way::Freeze => Signal::STOP,
                });
            }
        })?;
        Ok(())
    }

    /// Nothing of ours runs between the signal and its effect: no destructor, no flush, no farewell.
    fn strike(signal: Signal) {
        if let Err(error) = kill_process(getpid(), signal) {
            tracing::error!(error = %error, "the process cannot signal itself");
            std::process::abort();
        }
    }

    /// How far the clock is wrong: the number in the file that `SOUK_CLOCK_OFFSET_FILE` names, which a test
    /// may change at any time. No file, or no number in it, and the clock is right.
    pub(crate) fn clock_offset_ms() -> i64 {
        static FILE: LazyLock<Option<PathBuf>> = LazyLock::new(config::clock_offset_file);
        FILE.as_deref()
            .and_then(|path| std::fs::read_to_string(path).ok())
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(0)
    }
}

/// What is to happen, and when.
#[cfg(any(test, feature = "failpoints"))]
#[derive(Debug, PartialEq, Eq)]
struct Wish {
    name: &'static str,
    hits_before: u64,
    way: Way,
}

/// How the process is struck.
#[cfg(any(test, feature = "failpoints"))]
#[derive(Debug, PartialEq, Eq)]
enum Way {
    Kill,
    Freeze,
}

#[cfg(any(test, feature = "failpoints"))]
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
