//! What is thought of an instance: by its answers (suspicion) and by its own word (probes). Pure: moments are
//! milliseconds that are handed in, and whether half of a role is out already is asked elsewhere.

use super::options::{Eject, Probe};
use serde::Serialize;

/// What requests have shown of an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Suspicion {
    failures_in_a_row: u32,
    window_began_ms: u64,
    requests: u32,
    failures: u32,
    ejections: u32,
    ejected_until_ms: u64,
}

impl Suspicion {
    /// Notes how a request went; answers whether the instance should be left out.
    pub(super) fn note(&mut self, is_good: bool, now_ms: u64, eject: &Eject) -> bool {
        if now_ms.saturating_sub(self.window_began_ms) > eject.window_ms {
            (self.window_began_ms, self.requests, self.failures) = (now_ms, 0, 0);
        }
        self.requests = self.requests.saturating_add(1);
        if is_good {
            self.failures_in_a_row = 0;
            return false;
        }
        self.failures = self.failures.saturating_add(1);
        self.failures_in_a_row = self.failures_in_a_row.saturating_add(1);
        if self.is_ejected(now_ms) {
            return false;
        }
        let in_a_row = eject.failures > 0 && self.failures_in_a_row >= eject.failures;
        let share = u64::from(self.failures).saturating_mul(100);
        let bound = u64::from(self.requests).saturating_mul(u64::from(eject.failure_percent));
        let too_many = eject.failure_percent > 0
            && self.requests >= eject.requests_min.max(1)
            && share >= bound;
        in_a_row || too_many
    }

    /// Leaves it out for a time that doubles with each time, up to a bound.
    pub(super) fn eject(&mut self, now_ms: u64, eject: &Eject) {
        let well_for_ms = now_ms.saturating_sub(self.ejected_until_ms);
        if well_for_ms > eject.longest_ms {
            self.ejections = 0;
        }
        let doubled = 1_u64
            .checked_shl(self.ejections.min(32))
            .unwrap_or(u64::MAX);
        let time_ms = eject.first_ms.saturating_mul(doubled).min(eject.longest_ms);
        *self = Self {
            ejections: self.ejections.saturating_add(1),
            ejected_until_ms: now_ms.saturating_add(time_ms),
            window_began_ms: now_ms,
            ..Self::default()
        };
    }

    /// Whether it is left out.
    pub(super) const fn is_ejected(&self, now_ms: u64) -> bool {
        now_ms < self.ejected_until_ms
    }

    /// Until when it is, or was; 0 if it never was.
    pub(super) const fn ejected_until_ms(&self) -> u64 {
        self.ejected_until_ms
    }
}

/// What an instance says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// Nobody has asked yet.
    #[default]
    Unknown,
    /// It takes work.
    Ready,
    /// It takes no more work: it stops, or lacks what it needs.
    Draining,
    /// It does not answer.
    Down,
}

/// What a probe found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// 2xx.
    Ready,
    /// 503.
    NotReady,
    /// Anything else, or nothing.
    Failure,
}

/// What probes have shown of an instance.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Probed {
    word: Word,
    /// How often in a row probes have found something else.
    against: u32,
}

impl Probed {
    pub(super) const fn word(&self) -> Word {
        self.word
    }

    /// Notes what a probe found; answers whether the instance came back with it.
    pub(super) fn note(&mut self, found: Found, probe: &Probe) -> bool {
        let (now, enough) = match (found, self.word) {
            // Its own word needs no proof; nor does the first good one.
            (Found::NotReady, _) => (Word::Draining, 1),
            (Found::Ready, Word::Unknown) => (Word::Ready, 1),
            (Found::Ready, Word::Ready | Word::Draining | Word::Down) => {
                (Word::Ready, probe.successes)
            }
            (Found::Failure, _) => (Word::Down, probe.failures),
        };
        if now == self.word {
            self.against = 0;
            return false;
        }
        self.against = self.against.saturating_add(1);
        if self.against < enough {
            return false;
        }
        let came_back = now == Word::Ready && self.word != Word::Unknown;
        *self = Self {
            word: now,
            against: 0,
        };
        came_back
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EJECT: Eject = Eject {
        failures: 3,
        failure_percent: 50,
        requests_min: 10,
        window_ms: 1_000,
        first_ms: 100,
        longest_ms: 500,
    };

    /// Notes answers at one moment, `+` good and `-` bad; answers at which of them it should be left out.
    fn suspect(answers: &str) -> Option<usize> {
        let mut suspicion = Suspicion::default();
        answers
            .chars()
            .position(|answer| suspicion.note(answer == '+', 5_000, &EJECT))
    }

    #[test]
    fn failures_in_a_row_or_half_of_a_window_are_too_many() {
        for (answers, expected) in [
            ("--+--+--+", None),
            ("--+--+--+-", Some(9)),
            ("---", Some(2)),
            ("+---", Some(3)),
            ("++++++++", None),
            ("+-+-+-+-+-", Some(9)),
            ("++-++-++-++-++-", None),
        ] {
            assert_eq!(suspect(answers), expected, "{answers}");
        }
    }

    #[test]
    fn a_window_is_forgotten_when_it_is_over() {
        let mut suspicion = Suspicion::default();
        for answer in "+-+-+-+-+".chars() {
            assert!(!suspicion.note(answer == '+', 5_000, &EJECT));
        }
        assert!(!suspicion.note(false, 6_001, &EJECT));
    }

    #[test]
    fn each_time_is_twice_as_long_up_to_a_bound_and_a_long_good_time_starts_anew() {
        let mut suspicion = Suspicion::default();
        let mut now = 10_000;
        let mut times = Vec::new();
        for _ in 0..5 {
            suspicion.eject(now, &EJECT);
            times.push(suspicion.ejected_until_ms() - now);
            assert!(suspicion.is_ejected(now));
            now = suspicion.ejected_until_ms();
            assert!(!suspicion.is_ejected(now));
        }
        assert_eq!(times, [100, 200, 400, 500, 500]);
        now += 501;
        suspicion.eject(now, &EJECT);
        assert_eq!(suspicion.ejected_until_ms() - now, 100);
    }

    #[test]
    fn who_is_left_out_is_not_left_out_again() {
        let mut suspicion = Suspicion::default();
        suspicion.eject(1_000, &EJECT);
        let again = (0..9).any(|_| suspicion.note(false, 1_050, &EJECT));
        assert!(!again);
    }

    #[test]
    fn an_instance_is_believed_at_once_when_it_says_no_and_slowly_otherwise() {
        use Found::{Failure, NotReady, Ready};
        let probe = Probe {
            path: "/readyz".to_owned(),
            every_ms: 1,
            timeout_ms: 1,
            failures: 2,
            successes: 2,
        };
        let mut probed = Probed::default();
        for (found, word, came_back) in [
            (Ready, Word::Ready, false),
            (Failure, Word::Ready, false),
            (Ready, Word::Ready, false),
            (Failure, Word::Ready, false),
            (Failure, Word::Down, false),
            (Ready, Word::Down, false),
            (Failure, Word::Down, false),
            (Ready, Word::Down, false),
            (Ready, Word::Ready, true),
            (NotReady, Word::Draining, false),
            (Ready, Word::Draining, false),
            (NotReady, Word::Draining, false),
            (Failure, Word::Draining, false),
            (Failure, Word::Down, false),
        ] {
            assert_eq!(probed.note(found, &probe), came_back, "{found:?} {word:?}");
            assert_eq!(probed.word(), word, "{found:?}");
        }
    }
}
