//! How a reservation ends: one table of moves, and what each does to stock. Moves nothing itself.

use contracts::catalog::ReservationState::{self, Committed, Expired, Open, Released, Returned};

/// All states, in the order of the documentation.
pub const STATES: [ReservationState; 5] = [Open, Committed, Released, Expired, Returned];

/// What a move does to stock, for each unit that was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effect {
    pub on_hand: i64,
    pub reserved: i64,
}

impl Effect {
    /// What was done before, perhaps a moment ago by somebody else: stock stays, and whoever keeps products in memory
    /// has to look again all the same.
    pub const NONE: Self = Self {
        on_hand: 0,
        reserved: 0,
    };
}

/// What is to be done for a wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it is there already.
    Stay,
    /// Move it, and stock with it.
    Go(Effect),
}

/// The step from one state to another; none if that is not allowed. Nothing ever becomes open again.
pub fn step(from: ReservationState, to: ReservationState) -> Option<Step> {
    let go = |on_hand, reserved| Some(Step::Go(Effect { on_hand, reserved }));
    match (from, to) {
        (Open, Committed) => go(-1, -1),
        (Open, Released | Expired) => go(0, -1),
        (Committed, Returned) => go(1, 0),
        (Committed, Committed)
        | (Released, Released)
        | (Expired, Expired)
        | (Returned, Returned) => Some(Step::Stay),
        (Open, Open | Returned)
        | (Committed, Open | Released | Expired)
        | (Released, Open | Committed | Expired | Returned)
        | (Expired, Open | Committed | Released | Returned)
        | (Returned, Open | Committed | Released | Expired) => None,
    }
}

/// The state with this word.
pub fn from_word(word: &str) -> Option<ReservationState> {
    STATES.into_iter().find(|state| state.as_str() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reachable(from: ReservationState) -> Vec<ReservationState> {
        STATES
            .into_iter()
            .filter(|to| matches!(step(from, *to), Some(Step::Go(_))))
            .collect()
    }

    #[test]
    fn the_table_is_walked_whole() {
        assert_eq!(reachable(Open), [Committed, Released, Expired]);
        assert_eq!(reachable(Committed), [Returned]);
        for end in [Released, Expired, Returned] {
            assert_eq!(reachable(end), [], "{end:?} is an end");
        }
        let mut seen = vec![Open];
        let mut next = 0;
        while next < seen.len() {
            for state in reachable(seen[next]) {
                if !seen.contains(&state) {
                    seen.push(state);
                }
            }
            next += 1;
        }
        assert_eq!(seen.len(), STATES.len(), "every state is reached");
    }

    #[test]
    fn every_way_to_an_end_gives_back_what_was_held() {
        let effect = |from, to| match step(from, to) {
            Some(Step::Go(effect)) => (effect.on_hand, effect.reserved),
            Some(Step::Stay) | None => (0, 0),
        };
        for end in [Committed, Released, Expired] {
            assert_eq!(effect(Open, end).1, -1, "nothing stays reserved");
        }
        let (sold, back) = (effect(Open, Committed).0, effect(Committed, Returned).0);
        assert_eq!(sold + back, 0, "what is returned is what was sold");
    }

    #[test]
    fn the_same_end_twice_is_fine_and_opening_never_is() {
        for state in STATES {
            assert_eq!(step(state, Open), None);
            if state != Open {
                assert_eq!(step(state, state), Some(Step::Stay));
            }
            assert_eq!(from_word(state.as_str()), Some(state));
        }
    }
}
