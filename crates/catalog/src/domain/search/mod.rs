//! What can be found: all products' words in memory, with what lists of them are narrowed and sorted by. One index for
//! all databases, so that they find the same in the same order (ADR 56). It reads no database, and what it says of a
//! product may be a moment old: whoever shows a product reads it.

mod entry;
mod facets;
mod find;
mod gather;
mod places;
mod sieve;
mod stand;
mod suggest;
mod typo;

pub(crate) use entry::{Entry, Ready};
pub(crate) use find::{Key, Wish};
pub(crate) use sieve::Filter;

use super::schedule::Schedule;
use contracts::{catalog::ProductStatus, values::UserId};
use entry::Fields;
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};
use typo::Shape;

/// Places in the index that may lie idle before it is tidied up, beside as many as are in use.
const IDLE_MAX: usize = 1_000;
/// A posting is a place and five bits that say in which fields the word stands.
const FIELD_BITS: u32 = 5;
/// Places that a posting can name.
const PLACES_MAX: u32 = u32::MAX >> FIELD_BITS;

/// A category as the index knows it.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    pub(crate) slug: String,
    pub(crate) name: String,
    pub(crate) parent: Option<i64>,
}

/// A product as it is kept here.
#[derive(Debug)]
struct Held {
    number: i64,
    change: i64,
    owner_id: UserId,
    status: ProductStatus,
    schedule: Schedule,
    category: Option<i64>,
    price: i64,
    available: bool,
    name: Box<str>,
    name_key: Box<str>,
    name_words: u32,
    slug: Box<str>,
    attributes: Box<[u32]>,
}

/// The index.
#[derive(Debug, Default)]
pub(crate) struct Index {
    /// By place. A product that changes gets a new one, so that postings only grow at their ends.
    held: Vec<Option<Held>>,
    places: HashMap<i64, u32>,
    words: BTreeMap<Arc<str>, u32>,
    /// By the word's number: what it looks like, how it is written, and where it stands.
    shapes: Vec<Shape>,
    texts: Vec<Arc<str>>,
    postings: Vec<Vec<u32>>,
    /// Places by the category's number.
    shelved: HashMap<i64, Vec<u32>>,
    /// By number: name and value.
    values: Vec<(Arc<str>, Arc<str>)>,
    value_numbers: HashMap<(Arc<str>, Arc<str>), u32>,
    shelves: HashMap<i64, Shelf>,
}

impl Index {
    /// Of these products (number and change), those that are not held as they are now.
    pub(crate) fn stale(&self, changed: &[(i64, i64)]) -> Vec<i64> {
        let is_held = |number: &i64, change: i64| {
            let held = self.places.get(number).and_then(|place| self.at(*place));
            held.is_some_and(|held| held.change == change)
        };
        changed
            .iter()
            .filter(|(number, change)| !is_held(number, *change))
            .map(|(number, _)| *number)
            .collect()
    }

    /// How many products may be found.
    pub(crate) fn products(&self) -> usize {
        self.places.len()
    }

    /// Products that may be found: all of their numbers.
    pub(crate) fn numbers(&self) -> Vec<i64> {
        let mut numbers: Vec<i64> = self.places.keys().copied().collect();
        numbers.sort_unstable();
        numbers
    }

    /// Takes a product in, or takes it in as it is now.
    pub(crate) fn put(&mut self, ready: Ready) {
        let Some(place) = u32::try_from(self.held.len())
            .ok()
            .filter(|place| *place <= PLACES_MAX)
        else {
            return;
        };
        let Ready { entry, words } = ready;
        if let Some(before) = self.places.insert(entry.number, place)
            && let Some(idle) = slot(&mut self.held, before)
        {
            *idle = None;
        }
        let mut name_words: u32 = 0;
        for (word, fields) in words {
            if fields.holds(Fields::NAME) {
                name_words = name_words.saturating_add(1);
            }
            let number = self.word(&word);
            if let Some(list) = slot(&mut self.postings, number) {
                list.push(posting(place, fields));
            }
        }
        if let Some(category) = entry.category {
            self.shelved.entry(category).or_default().push(place);
        }
        let attributes = entry
            .values
            .into_iter()
            .map(|(name, value)| self.value(&name, &value))
            .collect();
        self.held.push(Some(Held {
            number: entry.number,
            change: entry.change,
            owner_id: entry.owner_id,
            status: entry.status,
            schedule: entry.schedule,
            category: entry.category,
            price: entry.price,
            available: entry.available,
            name: entry.name.into(),
            name_key: entry.name_key.into(),
            name_words,
            slug: entry.slug.into(),
            attributes,
        }));
        let idle = self.held.len().saturating_sub(self.places.len());
        if idle > self.places.len().saturating_add(IDLE_MAX) {
            self.tidy_up();
        }
    }

    /// Says whether units of a product are there.
    pub(crate) fn put_available(&mut self, number: i64, available: bool) {
        let Some(place) = self.places.get(&number).copied() else {
            return;
        };
        if let Some(Some(held)) = slot(&mut self.held, place) {
            held.available = available;
        }
    }

    /// Says which categories there are.
    pub(crate) fn put_shelves(&mut self, shelves: HashMap<i64, Shelf>) {
        self.shelves = shelves;
    }

    fn at(&self, place: u32) -> Option<&Held> {
        self.held.get(usize::try_from(place).ok()?)?.as_ref()
    }

    fn postings_of(&self, word: u32) -> &[u32] {
        usize::try_from(word)
            .ok()
            .and_then(|word| self.postings.get(word))
            .map_or(&[], Vec::as_slice)
    }

    /// The word's number, a new one if need be.
    fn word(&mut self, text: &str) -> u32 {
        if let Some(number) = self.words.get(text) {
            return *number;
        }
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let shared: Arc<str> = text.into();
        self.words.insert(Arc::clone(&shared), number);
        self.shapes.push(Shape::of(text));
        self.texts.push(shared);
        self.postings.push(Vec::new());
        number
    }

    fn value(&mut self, name: &str, value: &str) -> u32 {
        let key: (Arc<str>, Arc<str>) = (name.into(), value.into());
        if let Some(number) = self.value_numbers.get(&key) {
            return *number;
        }
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(key.clone());
        self.value_numbers.insert(key, number);
        number
    }

    /// Moves what is held together, and forgets places that lie idle and words that nothing has any more.
    fn tidy_up(&mut self) {
        let mut moved: Vec<Option<u32>> = Vec::with_capacity(self.held.len());
        let mut next: u32 = 0;
        for held in &self.held {
            moved.push(held.is_some().then_some(next));
            if held.is_some() {
                next = next.saturating_add(1);
            }
        }
        self.held.retain(Option::is_some);
        for (place, held) in (0_u32..).zip(self.held.iter().flatten()) {
            self.places.insert(held.number, place);
        }
        let moved_to = |place: u32| -> Option<u32> {
            let place = usize::try_from(place).ok()?;
            moved.get(place).copied().flatten()
        };
        for list in &mut self.postings {
            list.retain_mut(|one| {
                let (place, fields) = parts(*one);
                let to = moved_to(place);
                *one = to.map_or(*one, |to| posting(to, fields));
                to.is_some()
            });
            list.shrink_to_fit();
        }
        for list in self.shelved.values_mut() {
            list.retain_mut(|place| {
                let to = moved_to(*place);
                *place = to.unwrap_or(*place);
                to.is_some()
            });
            list.shrink_to_fit();
        }
        self.shelved.retain(|_, list| !list.is_empty());
        let postings = &self.postings;
        self.words.retain(|_, number| {
            let list = usize::try_from(*number).ok().and_then(|n| postings.get(n));
            list.is_some_and(|list| !list.is_empty())
        });
        for (shape, list) in self.shapes.iter_mut().zip(&self.postings) {
            if list.is_empty() {
                *shape = Shape::NEVER;
            }
        }
    }
}

fn slot<T>(list: &mut [T], place: u32) -> Option<&mut T> {
    list.get_mut(usize::try_from(place).ok()?)
}

fn posting(place: u32, fields: Fields) -> u32 {
    (place << FIELD_BITS) | fields.bits()
}

fn parts(posting: u32) -> (u32, Fields) {
    (posting >> FIELD_BITS, Fields::from_bits(posting))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_that_was_tidied_finds_what_it_found_before() {
        let mut index = Index::default();
        for change in 0..2_500 {
            let mut entry = entry::tests::named(change % 7, change, &format!("Tea {change}"));
            entry.category = Some(change % 2);
            index.put(entry.ready());
        }
        assert_eq!(index.places.len(), 7);
        assert!(index.held.len() < 1_100, "{}", index.held.len());
        assert!(index.words.len() < 1_200, "{}", index.words.len());
        assert_eq!(index.find(&find::tests::wish("tea")).len(), 7);
        assert!(index.find(&find::tests::wish("tea 100")).is_empty());
        assert_eq!(index.find(&find::tests::wish("tea 2499")).len(), 1);
        assert_eq!(index.stale(&[(0, 2_499), (3, 7), (99, 1)]), [3, 99]);
        let mut placed: Vec<u32> = index.shelved.values().flatten().copied().collect();
        placed.retain(|place| index.at(*place).is_some());
        placed.sort_unstable();
        let mut places: Vec<u32> = index.places.values().copied().collect();
        places.sort_unstable();
        assert_eq!(placed, places);
    }
}
