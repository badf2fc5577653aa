//! Which instance gets the next request: of two that chance names, the one with less to do (the power of two
//! choices). Pure: chance is handed in.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

/// An instance that may be picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Candidate {
    /// How much it has to do: requests at work times how long it takes for one.
    pub(super) load: u128,
    /// How much of its share it gets: less than a hundred while it warms up.
    pub(super) weight_percent: u32,
}

/// How an instance stands when there is something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) in_flight: u32,
    /// How slow it has been lately, if anybody knows.
    pub(super) latency_ns: Option<u64>,
    pub(super) weight_percent: u32,
}

/// Below this nobody is faster than anybody else.
const LATENCY_LEAST_NS: u64 = 1_000_000;

/// Weighs instances against each other. Only who is twice as slow is slower: of nodes that are alike, the slowest by
/// a hair would otherwise lose every comparison and be given nothing. Whoever has not answered yet counts as neither
/// fast nor slow: taken for fast, one that never answers would be given everything.
pub(super) fn weigh(standings: &[Standing]) -> Vec<Candidate> {
    let known = standings.iter().filter_map(|one| one.latency_ns);
    let (sum, count) = known.fold((0_u128, 0_u128), |(sum, count), latency| {
        (
            sum.saturating_add(u128::from(latency)),
            count.saturating_add(1),
        )
    });
    let mean = sum.checked_div(count).unwrap_or_default();
    let weighed = standings.iter().map(|one| {
        let each = one.latency_ns.map_or(mean, u128::from);
        let times = each
            .checked_div(u128::from(LATENCY_LEAST_NS))
            .unwrap_or_default();
        let rounded = times.checked_ilog2().map_or(1, |power| 1_u128 << power);
        Candidate {
            load: rounded.saturating_mul(u128::from(one.in_flight.saturating_add(1))),
            weight_percent: one.weight_percent,
        }
    });
    weighed.collect()
}

/// Picks one by its place in the list. `random` answers a number below the one it is given.
pub(super) fn pick(
    candidates: &[Candidate],
    random: &mut dyn FnMut(usize) -> usize,
) -> Option<usize> {
    let count = candidates.len();
    if count < 2 {
        return count.checked_sub(1);
    }
    let first = random(count);
    let step = random(count.saturating_sub(1)).saturating_add(1);
    let second = first.saturating_add(step).checked_rem(count)?;
    let (one, other) = (candidates.get(first)?, candidates.get(second)?);
    let (winner, loser, place) = if other.load < one.load {
        (other, one, (second, first))
    } else {
        (one, other, (first, second))
    };
    // Whoever warms up looks idle and would win every time: it lets its turn pass to one that is warmer.
    let is_warmer = loser.weight_percent > winner.weight_percent;
    let yields = is_warmer && random(100) >= usize::try_from(winner.weight_percent).unwrap_or(100);
    Some(if yields { place.1 } else { place.0 })
}

/// A source of chance that need not be secret, shared by all requests.
#[derive(Debug)]
pub(super) struct Chance(AtomicU64);

impl Chance {
    /// A source that no other process has.
    pub(super) fn new() -> Self {
        Self(AtomicU64::new(RandomState::new().build_hasher().finish()))
    }

    /// A number below the bound; 0 if the bound is 0.
    pub(super) fn below(&self, bound: usize) -> usize {
        // SplitMix64: a counter of odd steps, stirred.
        let step = 0x9E37_79B9_7F4A_7C15;
        let mut value = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        value = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^= value >> 31;
        let bound = u128::try_from(bound).unwrap_or(0);
        let below = u128::from(value).saturating_mul(bound) >> 64;
        usize::try_from(below).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warm(load: u128) -> Candidate {
        Candidate {
            load,
            weight_percent: 100,
        }
    }

    /// Chance that says what it is told to, and is not asked for more.
    fn scripted(numbers: &[usize]) -> impl FnMut(usize) -> usize {
        let mut left = numbers.iter().copied();
        move |bound| {
            let number = left.next().expect("chance is asked no more often");
            assert!(number < bound, "{number} of {bound}");
            number
        }
    }

    #[test]
    fn of_two_the_one_with_less_to_do() {
        let three = [warm(5), warm(3), warm(9)];
        for (numbers, expected) in [
            (&[0, 0][..], 1),
            (&[0, 1], 0),
            (&[1, 0], 1),
            (&[1, 1], 1),
            (&[2, 0], 0),
            (&[2, 1], 1),
        ] {
            let picked = pick(&three, &mut scripted(numbers));
            assert_eq!(picked, Some(expected), "{numbers:?}");
        }
    }

    #[test]
    fn one_needs_no_chance_and_none_is_none() {
        assert_eq!(pick(&[warm(1)], &mut scripted(&[])), Some(0));
        assert_eq!(pick(&[], &mut scripted(&[])), None);
    }

    #[test]
    fn between_equals_the_first_named_is_taken() {
        assert_eq!(pick(&[warm(1), warm(1)], &mut scripted(&[1, 0])), Some(1));
    }

    #[test]
    fn whoever_warms_up_takes_only_a_part_of_what_it_wins() {
        let cold = Candidate {
            load: 0,
            weight_percent: 20,
        };
        for (roll, expected) in [(0, 0), (19, 0), (20, 1), (99, 1)] {
            let picked = pick(&[cold, warm(50)], &mut scripted(&[0, 0, roll]));
            assert_eq!(picked, Some(expected), "{roll}");
        }
        // Two that are as cold as each other have nobody to yield to.
        assert_eq!(pick(&[cold, cold], &mut scripted(&[0, 0])), Some(0));
    }

    #[test]
    fn work_and_slowness_weigh_together_and_who_is_unknown_counts_as_the_middle() {
        let standing = |in_flight, latency_ns| Standing {
            in_flight,
            latency_ns,
            weight_percent: 100,
        };
        let loads = |standings: &[Standing]| -> Vec<u128> {
            weigh(standings).iter().map(|one| one.load).collect()
        };
        const MS: u64 = 1_000_000;
        let some = [
            standing(0, Some(0)),
            standing(0, Some(MS)),
            standing(3, Some(MS)),
            standing(0, Some(2 * MS - 1)),
            standing(1, Some(2 * MS)),
            standing(0, Some(9 * MS)),
        ];
        assert_eq!(loads(&some), [1, 1, 4, 1, 4, 8]);
        let unknown = [
            standing(1, None),
            standing(0, Some(2 * MS)),
            standing(0, Some(6 * MS)),
        ];
        assert_eq!(loads(&unknown), [8, 2, 4]);
        assert_eq!(loads(&[standing(0, None), standing(4, None)]), [1, 5]);
    }

    #[test]
    fn loads_are_evened_out() {
        let chance = Chance::new();
        let mut loads = [0_u128; 5];
        for _ in 0..5_000 {
            let candidates = loads.map(warm);
            let picked = pick(&candidates, &mut |bound| chance.below(bound)).unwrap();
            loads[picked] += 1;
        }
        let (least, most) = (loads.iter().min().unwrap(), loads.iter().max().unwrap());
        assert!(most - least < 20, "{loads:?}");
    }
}
