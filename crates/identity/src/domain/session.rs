//! What a refresh token is still good for. A token is used once; within a short grace it gives the same
//! successor again, for an answer that was lost; after that its use means that it was stolen.

use contracts::values::Timestamp;

/// What storage knows of a refresh token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TokenState {
    pub(crate) session_ended: bool,
    pub(crate) expires_at: Timestamp,
    pub(crate) used_at: Option<Timestamp>,
}

impl TokenState {
    /// The same, as it is for a session that began then and lives no longer than this.
    pub(crate) fn in_session(self, began_at: Timestamp, life_seconds: i64) -> Self {
        Self {
            expires_at: self.expires_at.min(began_at.plus_seconds(life_seconds)),
            ..self
        }
    }
}

/// What to do about its use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The first use: make the successor.
    Rotate,
    /// Used just now: give the same successor.
    Repeat,
    /// Used before: end the session.
    Reused,
    /// Over.
    Over,
}

/// Judges the use of a token.
pub(crate) fn judge(token: TokenState, now: Timestamp, grace_ms: i64) -> Verdict {
    if token.session_ended || token.expires_at <= now {
        return Verdict::Over;
    }
    match token.used_at {
        None => Verdict::Rotate,
        Some(used_at) if now.as_ms().saturating_sub(used_at.as_ms()) <= grace_ms => Verdict::Repeat,
        Some(_) => Verdict::Reused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn at(ms: i64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn a_token_is_judged_by_when_it_was_used() {
        let verdict = |session_ended, expires, used: Option<i64>| {
            let token = TokenState {
                session_ended,
                expires_at: at(expires),
                used_at: used.map(at),
            };
            judge(token, at(100_000), 10_000)
        };
        assert_eq!(verdict(false, 100_001, None), Verdict::Rotate);
        assert_eq!(verdict(false, 100_000, None), Verdict::Over);
        assert_eq!(verdict(true, 200_000, None), Verdict::Over);
        assert_eq!(verdict(false, 200_000, Some(90_000)), Verdict::Repeat);
        assert_eq!(verdict(false, 200_000, Some(89_999)), Verdict::Reused);
        assert_eq!(verdict(true, 200_000, Some(1)), Verdict::Over);
        // A clock that was set back does not make a thief of anybody.
        assert_eq!(verdict(false, 200_000, Some(150_000)), Verdict::Repeat);
    }

    #[test]
    fn no_token_outlives_the_longest_life_of_its_session() {
        let token = TokenState {
            session_ended: false,
            expires_at: at(200_000),
            used_at: None,
        };
        let judged = |life| judge(token.in_session(at(40_000), life), at(100_000), 10_000);
        assert_eq!(judged(61), Verdict::Rotate);
        assert_eq!(judged(60), Verdict::Over);
        let long = token.in_session(at(40_000), i64::MAX);
        assert_eq!(long.expires_at, token.expires_at);
    }

    proptest! {
        #[test]
        fn a_used_token_never_rotates_again(
            used: i64, now: i64, expires: i64, grace in 0_i64..60_000,
        ) {
            let token = TokenState {
                session_ended: false,
                expires_at: at(expires),
                used_at: Some(at(used)),
            };
            prop_assert_ne!(judge(token, at(now), grace), Verdict::Rotate);
        }
    }
}
