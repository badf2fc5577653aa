//! What comes after an attempt: its answer is given, another instance is asked, or the caller is told what is
//! known. Pure, and the one place where it is decided whether anything is sent twice.

use super::{instance::Verdict, metrics::Ended};
use axum::http::StatusCode;
use contracts::problem::{Code, Problem};

/// How an attempt went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was answered with this status.
    Answered(StatusCode),
    /// No connection was made: nothing was sent.
    Refused,
    /// The connection broke before an answer came.
    Broken,
    /// No answer came in time.
    Late,
}

/// What is known of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Nature {
    /// Asking twice does no more than asking once.
    pub(super) is_repeatable: bool,
    /// It changes nothing at all.
    pub(super) only_reads: bool,
    /// Its body can be sent once more.
    pub(super) is_kept: bool,
}

impl Outcome {
    /// Whether another instance may be asked.
    pub(super) fn allows_another(self, nature: Nature) -> bool {
        let safe = match self {
            // Nobody has seen a byte of it.
            Self::Refused => true,
            Self::Broken => nature.is_repeatable,
            // Whoever is slow to change something may still do it, and a second one would only be told so.
            Self::Late => nature.only_reads,
            Self::Answered(StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE) => {
                nature.is_repeatable
            }
            Self::Answered(_) => false,
        };
        safe && nature.is_kept
    }

    /// Whether the connection was refused or broke: the next one may well hold.
    pub(super) const fn is_severed(self) -> bool {
        matches!(self, Self::Refused | Self::Broken)
    }

    /// What it says about the instance.
    pub(super) fn verdict(self) -> Verdict {
        match self {
            Self::Answered(StatusCode::SERVICE_UNAVAILABLE) => Verdict::Refused,
            Self::Answered(StatusCode::INTERNAL_SERVER_ERROR | StatusCode::BAD_GATEWAY)
            | Self::Refused
            | Self::Broken
            | Self::Late => Verdict::Bad,
            Self::Answered(_) => Verdict::Good,
        }
    }

    /// How it is counted.
    pub(super) fn ended(self) -> Ended {
        match self {
            Self::Answered(status) if status.is_server_error() => Ended::Failed,
            Self::Answered(_) => Ended::Answered,
            Self::Refused => Ended::Refused,
            Self::Broken => Ended::Broken,
            Self::Late => Ended::Late,
        }
    }
}

/// What is known after some attempts.
#[derive(Debug, Default)]
pub(super) struct Story {
    /// One of them may have had its effect, and nobody said so.
    may_have_happened: bool,
}

impl Story {
    /// Adds an attempt that was not the answer.
    pub(super) fn add(&mut self, outcome: Outcome, nature: Nature) {
        let is_open = matches!(outcome, Outcome::Broken | Outcome::Late);
        self.may_have_happened |= is_open && !nature.only_reads;
    }

    /// Whether an answer tells the whole story: a refusal does not, once an earlier attempt is in doubt.
    pub(super) fn may_be_told(&self, outcome: Outcome) -> bool {
        !self.may_have_happened || outcome.verdict() == Verdict::Good
    }

    /// What the caller is told when there is no answer.
    pub(super) fn problem(&self, nature: Nature) -> Problem {
        if !self.may_have_happened {
            return unreachable();
        }
        let problem = Problem::new(Code::OutcomeUnknown);
        if nature.is_repeatable {
            return problem.detail("no answer came; retry with the same Idempotency-Key");
        }
        problem.detail("no answer came, and it may have happened: look before you ask again")
    }
}

/// Nobody was there to ask.
pub(super) fn unreachable() -> Problem {
    Problem::new(Code::UpstreamUnavailable)
        .detail("no part of the shop that could answer this can be reached")
        .retry_after(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Nature = Nature {
        is_repeatable: true,
        only_reads: true,
        is_kept: true,
    };
    const KEYED: Nature = Nature {
        only_reads: false,
        ..READ
    };
    const BARE: Nature = Nature {
        is_repeatable: false,
        ..KEYED
    };
    const LARGE: Nature = Nature {
        is_kept: false,
        ..KEYED
    };

    fn answered(status: u16) -> Outcome {
        Outcome::Answered(StatusCode::from_u16(status).unwrap())
    }

    #[test]
    fn only_what_is_safe_goes_to_another_instance() {
        for (outcome, read, keyed, bare) in [
            (Outcome::Refused, true, true, true),
            (Outcome::Broken, true, true, false),
            (Outcome::Late, true, false, false),
            (answered(200), false, false, false),
            (answered(404), false, false, false),
            (answered(429), false, false, false),
            (answered(500), false, false, false),
            (answered(502), true, true, false),
            (answered(503), true, true, false),
            (answered(504), false, false, false),
        ] {
            for (nature, expected) in [(READ, read), (KEYED, keyed), (BARE, bare), (LARGE, false)] {
                assert_eq!(
                    outcome.allows_another(nature),
                    expected,
                    "{outcome:?} {nature:?}"
                );
            }
        }
    }

    #[test]
    fn callers_are_told_what_is_known() {
        use Outcome::{Broken, Late, Refused};
        let told = |outcomes: &[Outcome], nature| {
            let mut story = Story::default();
            for outcome in outcomes {
                story.add(*outcome, nature);
            }
            story.problem(nature)
        };
        for (outcomes, nature, code) in [
            (&[][..], KEYED, Code::UpstreamUnavailable),
            (&[Refused], READ, Code::UpstreamUnavailable),
            (&[Refused, Refused], BARE, Code::UpstreamUnavailable),
            (&[Late, Broken], READ, Code::UpstreamUnavailable),
            (&[Late], KEYED, Code::OutcomeUnknown),
            (&[Late, Refused], KEYED, Code::OutcomeUnknown),
            (&[Refused, Broken], BARE, Code::OutcomeUnknown),
        ] {
            let problem = told(outcomes, nature);
            assert_eq!(problem.code, code, "{outcomes:?} {nature:?}");
            assert_eq!(problem.retry_after_seconds, Some(1));
        }
        assert!(
            told(&[Late], KEYED)
                .detail
                .contains("the same Idempotency-Key")
        );
        assert!(told(&[Late], BARE).detail.contains("look before"));
    }

    #[test]
    fn a_refusal_does_not_cover_up_an_attempt_in_doubt() {
        let mut story = Story::default();
        assert!(story.may_be_told(answered(503)));
        story.add(Outcome::Late, KEYED);
        assert!(story.may_be_told(answered(201)) && !story.may_be_told(answered(503)));
    }
}
