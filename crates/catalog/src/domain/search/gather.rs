//! What has all words of a wish: from the rarest word's places, those that stand in the lists of all others too. Lists
//! are in the order of places, so that a few places are looked up in a long list, and a short list in many places; what
//! that takes follows the rarest word, however many products there are, unless a beginning stands for very many words.

use super::{find::Row, parts};
use std::cmp::Ordering;

/// Where a word stands, and what it is worth there.
pub(super) type Listed<'a> = (&'a [u32], &'a Row);

/// A place that has the words, and what that is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) place: u32,
    pub(super) worth: u32,
}

/// A word that has more meanings (a beginning of very many words) is brought into one list before more places than so
/// many are held against it.
const FEW: usize = 8;
const FEW_PLACES: usize = 64;
/// Of two lists of which one is more than so many times as long as the other, few are looked at.
const ALIKE: usize = 16;
/// From so many places on among all (one in so many), sorting them takes longer than a walk over all.
const MANY: usize = 32;

/// Places that have at least one meaning of each word, in their order, among so many. A word counts by the meaning
/// that is worth most.
pub(super) fn having_all(mut words: Vec<Vec<Listed<'_>>>, places: usize) -> Vec<Found> {
    words.sort_by_key(|word| length(word));
    let mut words = words.into_iter();
    let Some(rarest) = words.next() else {
        return Vec::new();
    };
    let mut found = having(&rarest, places);
    let mut best = Vec::new();
    for word in words {
        if found.is_empty() {
            break;
        }
        best.clear();
        best.resize(found.len(), 0);
        if word.len() > FEW && found.len() > FEW_PLACES {
            raise(&mut best, &found, &having(&word, places), |one| *one);
        } else {
            for (list, row) in word {
                raise(&mut best, &found, list, |posting| told(*posting, row));
            }
        }
        for (one, best) in found.iter_mut().zip(&best) {
            let worth = one.worth.saturating_add(*best);
            one.worth = if *best == 0 { 0 } else { worth };
        }
        // Everything that stays was worth something before.
        found.retain(|one| one.worth > 0);
    }
    found
}

fn told(posting: u32, row: &Row) -> Found {
    let (place, fields) = parts(posting);
    Found {
        place,
        worth: row.of(fields).into(),
    }
}

fn length(word: &[Listed<'_>]) -> usize {
    let lengths = word.iter().map(|(list, _)| list.len());
    lengths.fold(0, usize::saturating_add)
}

/// Places that have one of a word's meanings.
fn having(word: &[Listed<'_>], places: usize) -> Vec<Found> {
    let each = word
        .iter()
        .flat_map(|(list, row)| list.iter().map(|posting| told(*posting, row)));
    if word.len() > 1 && length(word) > places / MANY {
        return merged(each, places);
    }
    let mut found: Vec<Found> = each.collect();
    if word.len() > 1 {
        found.sort_unstable_by(|one, other| {
            let worth = || other.worth.cmp(&one.worth);
            one.place.cmp(&other.place).then_with(worth)
        });
        found.dedup_by_key(|one| one.place);
    }
    found
}

/// Many lists of many places, brought into one order by a walk over all places.
fn merged(each: impl Iterator<Item = Found>, places: usize) -> Vec<Found> {
    let mut best = vec![0_u32; places];
    for one in each {
        let place = usize::try_from(one.place).ok();
        if let Some(best) = place.and_then(|place| best.get_mut(place)) {
            *best = one.worth.max(*best);
        }
    }
    (0_u32..)
        .zip(best)
        .filter(|(_, worth)| *worth > 0)
        .map(|(place, worth)| Found { place, worth })
        .collect()
}

/// Raises what is known of each place to what this list says of it.
fn raise<T>(best: &mut [u32], found: &[Found], list: &[T], told: impl Fn(&T) -> Found) {
    let longer = list.len().max(found.len());
    if list.len().min(found.len()) < longer / ALIKE {
        by_steps(best, found, list, told);
    } else {
        side_by_side(best, found, list, told);
    }
}

/// Where neither is much longer. Which of two comes first nobody can foresee, so nothing branches by it.
fn side_by_side<T>(best: &mut [u32], found: &[Found], list: &[T], told: impl Fn(&T) -> Found) {
    let (mut at, mut next) = (0_usize, 0_usize);
    while let (Some(one), Some(other)) = (found.get(at), list.get(next)) {
        let other = told(other);
        if one.place == other.place
            && let Some(best) = best.get_mut(at)
        {
            *best = other.worth.max(*best);
        }
        at = at.saturating_add(usize::from(one.place <= other.place));
        next = next.saturating_add(usize::from(other.place <= one.place));
    }
}

/// Where one is much longer: most of it is passed over.
fn by_steps<T>(best: &mut [u32], found: &[Found], list: &[T], told: impl Fn(&T) -> Found) {
    let (mut list, mut found, mut best) = (list, found, best);
    while let (Some(next), Some(one)) = (list.first(), found.first()) {
        let next = told(next);
        match next.place.cmp(&one.place) {
            Ordering::Less => list = behind(list, |other| told(other).place < one.place),
            Ordering::Greater => {
                let rest = behind(found, |other| other.place < next.place);
                let gone = found.len().saturating_sub(rest.len());
                found = rest;
                best = best.split_at_mut(gone).1;
            }
            Ordering::Equal => {
                if let Some(best) = best.first_mut() {
                    *best = next.worth.max(*best);
                }
                list = list.get(1..).unwrap_or_default();
                found = found.get(1..).unwrap_or_default();
                best = best.get_mut(1..).unwrap_or_default();
            }
        }
    }
}

/// What follows those at the beginning that are before: sought in steps that double (Bentley and Yao 1976), so that
/// neighbours are found at once and what is far away in few looks.
fn behind<T>(list: &[T], is_before: impl Fn(&T) -> bool) -> &[T] {
    let mut end: usize = 1;
    while list.get(end).is_some_and(&is_before) {
        end = end.saturating_mul(2);
    }
    let (from, to) = (end / 2, end.min(list.len()));
    let within = list.get(from..to).unwrap_or_default();
    let passed = from.saturating_add(within.partition_point(is_before));
    list.get(passed..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::search::{entry::Fields, posting};
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    const PLACES: u32 = 300;
    /// A meaning's places, each with its fields, and what the first field is worth.
    type Meaning = (BTreeMap<u32, u8>, u16);

    fn meaning() -> impl Strategy<Value = Meaning> {
        let few = prop::collection::btree_map(0..PLACES, 1..32_u8, 0..8);
        let many = prop::collection::btree_map(0..PLACES, 1..32_u8, 0..250);
        (prop_oneof![few, many], 1..100_u16)
    }

    fn row(worth: u16) -> Row {
        let mut row = Row([worth; 32]);
        row.0[1] = worth.saturating_add(1);
        row
    }

    /// The same, place by place.
    fn plainly(words: &[Vec<Meaning>]) -> Vec<Found> {
        let worth_of = |word: &[Meaning], place: u32| {
            let of = |(places, worth): &Meaning| {
                let fields = places.get(&place)?;
                Some(row(*worth).of(Fields::from_bits(u32::from(*fields))))
            };
            word.iter().filter_map(of).max()
        };
        let has_all = |place| {
            let each = words.iter().map(|word| worth_of(word, place));
            let worth = each.sum::<Option<u16>>()?;
            Some(Found {
                place,
                worth: worth.into(),
            })
        };
        (0..PLACES).filter_map(has_all).collect()
    }

    proptest! {
        #[test]
        fn what_has_all_words_is_what_looking_at_each_place_finds(
            words in prop::collection::vec(prop::collection::vec(meaning(), 0..12), 1..4),
        ) {
            let kept: Vec<Vec<(Vec<u32>, Row)>> = words
                .iter()
                .map(|word| {
                    let list = |(places, worth): &Meaning| {
                        let postings = places.iter();
                        let postings = postings
                            .map(|(place, bits)| posting(*place, Fields::from_bits(u32::from(*bits))));
                        (postings.collect(), row(*worth))
                    };
                    word.iter().map(list).collect()
                })
                .collect();
            let listed = kept.iter().map(|word| {
                word.iter().map(|(list, row)| (list.as_slice(), row)).collect()
            });
            let places = usize::try_from(PLACES).unwrap();
            prop_assert_eq!(having_all(listed.collect(), places), plainly(&words));
        }
    }

    #[test]
    fn what_follows_is_found_wherever_it_is() {
        for length in 0..40 {
            let list: Vec<usize> = (0..length).collect();
            let found: BTreeSet<_> = (0..=length)
                .map(|from| (from, behind(&list, |one| *one < from).to_vec()))
                .collect();
            assert!(found.iter().all(|(from, rest)| *rest == list[*from..]));
        }
    }
}
