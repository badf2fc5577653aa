//! The rules of API keys: what one may be called and be for, how long, and when a secret of it is good.

use super::name;
use contracts::{
    access::Role,
    scopes::Scope,
    values::{Timestamp, ValueError, one_line},
};

const NAME_LONGEST: usize = 100;
/// More than there are.
const SCOPES_MOST: usize = 32;

/// Checks what a key is called.
pub(crate) fn name(text: &str) -> Result<String, ValueError> {
    one_line(text, 1, NAME_LONGEST)?;
    name::display_name(text)
}

/// The scopes that were wished for, each once, if somebody with these roles has a use for all of them. A scope that is
/// worth nothing today would open more on the day on which its owner is raised, long after anybody thought of it.
pub(crate) fn scopes(wanted: &[Scope], roles: &[Role]) -> Result<Vec<Scope>, ValueError> {
    if wanted.is_empty() {
        return Err(ValueError::new("must not be empty"));
    }
    if wanted.len() > SCOPES_MOST {
        return Err(ValueError::new(format!("must be {SCOPES_MOST} at most")));
    }
    if let Some(wide) = wanted.iter().find(|scope| !scope.fits(roles)) {
        let message = format!("your roles make nothing of {}", wide.as_str());
        return Err(ValueError::new(message));
    }
    let mut scopes = wanted.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

/// The text that storage keeps.
pub(crate) fn scopes_text(scopes: &[Scope]) -> String {
    let words: Vec<&str> = scopes.iter().map(|scope| scope.as_str()).collect();
    words.join(" ")
}

/// Reads what storage kept. A scope that this release does not know opens nothing in it.
pub(crate) fn scopes_from_text(text: &str) -> Vec<Scope> {
    text.split(' ').flat_map(str::parse).collect()
}

/// Checks when a key is to end.
pub(crate) fn expiry(
    wanted: Option<Timestamp>,
    now: Timestamp,
    seconds_max: u32,
) -> Result<Option<Timestamp>, ValueError> {
    let latest = now.plus_seconds(i64::from(seconds_max));
    match wanted {
        Some(end) if end <= now => Err(ValueError::new("must be in the future")),
        Some(end) if end > latest => {
            Err(ValueError::new(format!("must be {latest} at the latest")))
        }
        wanted => Ok(wanted),
    }
}

/// A secret that another one took the place of, and until when it is good all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Former {
    pub(crate) hash: [u8; 32],
    pub(crate) until: Timestamp,
}

/// What is kept of a key's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Secrets {
    pub(crate) present: [u8; 32],
    pub(crate) former: Option<Former>,
    /// When the key ends, with all its secrets.
    pub(crate) expires_at: Option<Timestamp>,
}

/// What a secret is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is good, until then if there is an end.
    Good(Option<Timestamp>),
    /// It was good, and is not any more.
    Over,
    /// It is not the key's.
    Foreign,
}

impl Secrets {
    /// What the secret is worth that this tells from others.
    pub(crate) fn judge(&self, is_it: impl Fn(&[u8; 32]) -> bool, now: Timestamp) -> Standing {
        let until = match self.former {
            _ if is_it(&self.present) => self.expires_at,
            Some(former) if is_it(&former.hash) => Some(
                self.expires_at
                    .map_or(former.until, |end| end.min(former.until)),
            ),
            Some(_) | None => return Standing::Foreign,
        };
        match until {
            Some(end) if end <= now => Standing::Over,
            until => Standing::Good(until),
        }
    }

    /// What stays good beside a new secret. Whose answer was lost asks for another one: the secret that machines have
    /// is then the former one still, and the one that gives way was never seen by anybody.
    pub(crate) fn former_after(&self, now: Timestamp, grace_seconds: u32) -> Option<Former> {
        if grace_seconds == 0 {
            return None;
        }
        let until = now.plus_seconds(i64::from(grace_seconds));
        match self.former {
            Some(former) if former.until > now => Some(Former {
                until: former.until.min(until),
                ..former
            }),
            Some(_) | None => Some(Former {
                hash: self.present,
                until,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const CUSTOMER: &[Role] = &[Role::Customer];

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(0).plus_seconds(seconds)
    }

    fn secrets(former_until: Option<i64>, expires: Option<i64>) -> Secrets {
        Secrets {
            present: [2; 32],
            former: former_until.map(|seconds| Former {
                hash: [1; 32],
                until: at(seconds),
            }),
            expires_at: expires.map(at),
        }
    }

    fn judged(secrets: &Secrets, shown: u8, seconds: i64) -> Standing {
        secrets.judge(|hash| *hash == [shown; 32], at(seconds))
    }

    #[test]
    fn a_secret_is_good_until_its_end_or_its_key_s() {
        let good = |seconds: i64| Standing::Good(Some(at(seconds)));
        let plain = secrets(None, None);
        assert_eq!(judged(&plain, 2, 9), Standing::Good(None));
        assert_eq!(
            judged(&plain, 1, 9),
            Standing::Foreign,
            "there is none before"
        );
        let turned = secrets(Some(100), Some(200));
        assert_eq!(judged(&turned, 2, 199), good(200));
        assert_eq!(judged(&turned, 2, 200), Standing::Over);
        assert_eq!(judged(&turned, 1, 99), good(100));
        assert_eq!(judged(&turned, 1, 100), Standing::Over);
        assert_eq!(judged(&secrets(Some(300), Some(200)), 1, 9), good(200));
        assert_eq!(judged(&turned, 3, 9), Standing::Foreign);
    }

    #[test]
    fn what_machines_have_outlives_a_second_change() {
        let first = secrets(None, None).former_after(at(10), 100).unwrap();
        assert_eq!((first.hash, first.until), ([2; 32], at(110)));
        let again = secrets(Some(110), None).former_after(at(20), 100).unwrap();
        assert_eq!((again.hash, again.until), ([1; 32], at(110)));
        let shorter = secrets(Some(110), None).former_after(at(20), 10).unwrap();
        assert_eq!((shorter.hash, shorter.until), ([1; 32], at(30)));
        let later = secrets(Some(110), None).former_after(at(110), 10).unwrap();
        assert_eq!((later.hash, later.until), ([2; 32], at(120)));
        assert_eq!(secrets(Some(110), None).former_after(at(20), 0), None);
    }

    #[test]
    fn nobody_gets_a_scope_they_make_nothing_of() {
        assert!(scopes(&[], CUSTOMER).is_err());
        assert!(scopes(&[Scope::OrdersRead, Scope::ProductsWrite], CUSTOMER).is_err());
        assert!(scopes(&[Scope::EventsRead], &[Role::Customer, Role::Merchant]).is_err());
        assert!(scopes(&[Scope::OrdersRead; 33], CUSTOMER).is_err());
        let twice = [Scope::OrdersWrite, Scope::OrdersRead, Scope::OrdersWrite];
        let scopes = scopes(&twice, CUSTOMER).unwrap();
        assert_eq!(scopes, [Scope::OrdersRead, Scope::OrdersWrite]);
    }

    #[test]
    fn an_end_is_in_the_future_and_not_too_far() {
        let of = |seconds| expiry(Some(at(seconds)), at(100), 50);
        assert!(of(100).is_err() && of(151).is_err());
        assert_eq!(of(150), Ok(Some(at(150))));
        assert_eq!(expiry(None, at(100), 50), Ok(None));
    }

    #[test]
    fn a_name_is_one_line() {
        assert_eq!(name(" till 3 ").unwrap(), "till 3");
        for text in ["", " ", "a\nb", "a\u{7}", &"x".repeat(101)] {
            assert!(name(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn scopes_are_read_back_and_unknown_ones_open_nothing(picks in proptest::collection::vec(0_usize..11, 1..12)) {
            let wanted: Vec<Scope> = picks.iter().map(|pick| Scope::ALL[*pick]).collect();
            let kept = scopes(&wanted, &[Role::Admin]).unwrap();
            prop_assert_eq!(scopes_from_text(&scopes_text(&kept)).len(), kept.len());
            let later = format!("everything:write {} x", scopes_text(&kept));
            prop_assert_eq!(scopes_from_text(&later), kept);
        }

        #[test]
        fn no_secret_is_good_after_its_key_s_end(
            former in proptest::option::of(0_i64..500), end in 0_i64..500, now in 0_i64..500, shown in 1_u8..4,
        ) {
            let standing = judged(&secrets(former, Some(end)), shown, now);
            prop_assert!(now < end || !matches!(standing, Standing::Good(_)));
        }
    }
}
