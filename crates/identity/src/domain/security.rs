//! What the audit log keeps, and how a flood of refusals stays small: those of one kind, on one account, from one place
//! are counted in one row for a while. Nothing that somebody typed is in an event.

use contracts::{
    access::Principal,
    identity::{SecurityActor, SecurityEventDetail, SecurityEventKind},
    values::{SecurityEventId, SessionId, Timestamp, UserId},
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Actor {
    User(UserId),
    Nobody,
    System,
}

impl Actor {
    pub(crate) const fn kind(self) -> SecurityActor {
        match self {
            Self::User(_) => SecurityActor::User,
            Self::Nobody => SecurityActor::Nobody,
            Self::System => SecurityActor::System,
        }
    }

    pub(crate) const fn user(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Nobody | Self::System => None,
        }
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SecurityEvent {
    pub(crate) id: SecurityEventId,
    pub(crate) at: Timestamp,
    pub(crate) kind: SecurityEventKind,
    pub(crate) detail: Option<SecurityEventDetail>,
    /// The account concerned.
    pub(crate) account: Option<UserId>,
    pub(crate) actor: Actor,
    pub(crate) session: Option<SessionId>,
    /// The client's address, as the door knows it.
    pub(crate) client: Option<IpAddr>,
    /// The request's id.
    pub(crate) request: Option<Arc<str>>,
}

impl SecurityEvent {
    /// Something that nobody in particular did just now.
    pub(crate) fn new(kind: SecurityEventKind, at: Timestamp) -> Self {
        Self {
            id: SecurityEventId::generate(),
            at,
            kind,
            detail: None,
            account: None,
            actor: Actor::Nobody,
            session: None,
            client: None,
            request: None,
        }
    }

    /// On this account.
    pub(crate) fn of(mut self, account: UserId) -> Self {
        self.account = Some(account);
        self
    }

    /// By the owner of this account, who has just proven it.
    pub(crate) fn by_owner(mut self, account: UserId) -> Self {
        self.account = Some(account);
        self.actor = Actor::User(account);
        self
    }

    /// By a signed-in user, in their session.
    pub(crate) fn by(mut self, who: &Principal) -> Self {
        self.actor = Actor::User(who.user_id);
        self.session = Some(who.session_id);
        self
    }

    /// By the shop itself.
    pub(crate) fn by_system(mut self) -> Self {
        self.actor = Actor::System;
        self
    }

    /// About this session.
    pub(crate) fn in_session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    pub(crate) fn because(mut self, detail: SecurityEventDetail) -> Self {
        self.detail = Some(detail);
        self
    }
}

/// An event and how often it happened until when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) event: SecurityEvent,
    pub(crate) count: i64,
    pub(crate) last_at: Timestamp,
}

/// The bounds of counting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) window_seconds: u32,
    pub(crate) places_max: usize,
}

/// What is counted in one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Key {
    kind: SecurityEventKind,
    detail: Option<SecurityEventDetail>,
    account: Option<UserId>,
    client: Option<IpAddr>,
}

impl Key {
    fn of(event: &SecurityEvent) -> Self {
        Self {
            kind: event.kind,
            detail: event.detail,
            account: event.account,
            client: event.client.map(neighbourhood),
        }
    }
}

/// Whoever has one IPv6 address has the 2^64 beside it as well.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address) & (u128::MAX << 64_u32)).into(),
    }
}

/// Refusals of late, and what of them is not written yet.
#[derive(Debug)]
pub(crate) struct Tally {
    rules: Rules,
    rows: HashMap<Key, Counted>,
}

impl Tally {
    pub(crate) fn new(rules: Rules) -> Self {
        Self {
            rules,
            rows: HashMap::new(),
        }
    }

    /// Counts an event; whether it is the first of its row.
    pub(crate) fn note(&mut self, mut event: SecurityEvent) -> bool {
        let mut key = Key::of(&event);
        if !self.rows.contains_key(&key) && self.rows.len() >= self.rules.places_max {
            // There are too many places: what happened is still counted, on whom and from where is not.
            (event.account, event.session) = (None, None);
            (event.client, event.request) = (None, None);
            key = Key::of(&event);
        }
        let is_first = !self.rows.contains_key(&key);
        let at = event.at;
        let row = self.rows.entry(key).or_insert(Counted {
            event,
            count: 0,
            last_at: at,
        });
        row.count = row.count.saturating_add(1);
        row.last_at = row.last_at.max(at);
        is_first
    }

    /// What is to be written, at most so many rows: what has been counted since the last time. Rows whose window is
    /// over are forgotten when nothing of them is left to be written.
    pub(crate) fn take(&mut self, now: Timestamp, most: usize) -> Vec<Counted> {
        let window = i64::from(self.rules.window_seconds).saturating_mul(1_000);
        let is_over = |row: &Counted| {
            let age = now.as_ms().saturating_sub(row.event.at.as_ms());
            // A clock that was set back must not keep rows for ever.
            age.saturating_abs() >= window
        };
        self.rows.retain(|_, row| row.count > 0 || !is_over(row));
        let unwritten = self.rows.values_mut().filter(|row| row.count > 0);
        let taken = unwritten.take(most).map(|row| {
            let taken = row.clone();
            row.count = 0;
            taken
        });
        taken.collect()
    }

    /// Takes back what could not be written.
    pub(crate) fn restore(&mut self, rows: Vec<Counted>) {
        for counted in rows {
            let row = self.rows.entry(Key::of(&counted.event));
            let row = row.or_insert_with(|| Counted {
                count: 0,
                ..counted.clone()
            });
            row.count = row.count.saturating_add(counted.count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: Rules = Rules {
        window_seconds: 60,
        places_max: 3,
    };

    const fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(0).plus_seconds(seconds)
    }

    fn refused(place: &str, seconds: i64) -> SecurityEvent {
        SecurityEvent {
            client: Some(place.parse().unwrap()),
            ..SecurityEvent::new(SecurityEventKind::SignInRefused, at(seconds))
        }
    }

    fn counts(rows: &[Counted]) -> Vec<i64> {
        let mut counts: Vec<i64> = rows.iter().map(|row| row.count).collect();
        counts.sort_unstable();
        counts
    }

    #[test]
    fn refusals_from_one_place_are_one_row_that_grows() {
        let mut tally = Tally::new(RULES);
        assert!(tally.note(refused("198.51.100.1", 1)), "the first");
        for second in 2..=5 {
            assert!(!tally.note(refused("198.51.100.1", second)));
        }
        let first = tally.take(at(5), 9);
        assert_eq!((counts(&first), first[0].last_at), (vec![5], at(5)));
        assert!(tally.take(at(6), 9).is_empty(), "nothing new");
        tally.note(refused("198.51.100.1", 7));
        let more = tally.take(at(8), 9);
        assert_eq!((more[0].event.id, more[0].count), (first[0].event.id, 1));
        assert!(tally.take(at(61), 9).is_empty());
        assert!(
            tally.note(refused("198.51.100.1", 62)),
            "another window, another row"
        );
    }

    #[test]
    fn accounts_and_places_are_told_apart_and_neighbours_in_ipv6_are_not() {
        let mut tally = Tally::new(Rules {
            places_max: 100,
            ..RULES
        });
        let ann = UserId::generate();
        for event in [
            refused("2001:db8::1", 1),
            refused("2001:db8:0:0:ffff::2", 1),
            refused("2001:db8:0:1::1", 1),
            refused("198.51.100.1", 1),
            refused("198.51.100.1", 1).of(ann),
            refused("198.51.100.1", 1).because(SecurityEventDetail::Throttled),
        ] {
            tally.note(event);
        }
        assert_eq!(counts(&tally.take(at(2), 100)), [1, 1, 1, 1, 2]);
    }

    #[test]
    fn a_flood_from_everywhere_is_counted_without_its_places() {
        let mut tally = Tally::new(RULES);
        for place in 0..200 {
            tally.note(refused(&format!("198.51.100.{place}"), 1));
        }
        let rows = tally.take(at(2), 100);
        assert_eq!(counts(&rows), [1, 1, 1, 197]);
        let rest = rows.iter().find(|row| row.count == 197).unwrap();
        assert_eq!((rest.event.client, rest.event.account), (None, None));
    }

    #[test]
    fn what_could_not_be_written_is_not_lost() {
        let mut tally = Tally::new(RULES);
        tally.note(refused("198.51.100.1", 1));
        let rows = tally.take(at(2), 9);
        tally.note(refused("198.51.100.1", 3));
        tally.restore(rows);
        assert_eq!(counts(&tally.take(at(4), 9)), [2]);
        let rows = tally.take(at(90), 9);
        assert!(rows.is_empty());
    }

    proptest! {
        #[test]
        fn every_refusal_is_counted_once_and_memory_is_bounded(
            steps in proptest::collection::vec((0_u8..9, 0_i64..400, any::<bool>()), 0..200),
        ) {
            let mut tally = Tally::new(RULES);
            let mut written: Vec<Counted> = Vec::new();
            for (place, second, takes) in &steps {
                tally.note(refused(&format!("198.51.100.{place}"), *second));
                prop_assert!(tally.rows.len() <= 4);
                if *takes {
                    written.extend(tally.take(at(*second), 2));
                }
            }
            written.extend(tally.take(at(400), 9));
            let counted: i64 = written.iter().map(|row| row.count).sum();
            prop_assert_eq!(counted, i64::try_from(steps.len()).unwrap());
        }
    }
}
