//! Finds products: all words of a wish, each as it was written or at a beginning, and if nothing has them all, with
//! typing errors. What is found is weighed by the product and the wish alone, so that no newcomer moves others from
//! page to page.

use super::{
    Held, Index,
    entry::Fields,
    gather::{self, Listed},
    places::{First, Place},
    sieve::{Filter, Sieve},
    typo,
};
use contracts::{catalog::ProductSort, values::Timestamp};
use std::ops::Bound;

/// A sort key as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Text(String),
    Integer(i64),
}

impl Key {
    /// As a cursor carries it.
    pub(crate) fn written(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
        }
    }
}

/// A list that is wished for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Wish {
    /// All, if there are none.
    pub(crate) words: Option<Vec<String>>,
    pub(crate) filter: Filter,
    pub(crate) sort: ProductSort,
    /// The keys of the last row seen.
    pub(crate) after: Option<(Option<Key>, i64)>,
    pub(crate) limit: usize,
}

impl Wish {
    /// The same in all categories.
    pub(crate) fn anywhere(&self) -> Self {
        let mut wish = self.clone();
        wish.filter.category = None;
        wish
    }

    /// The same, whenever somebody looks: what begins or ends meanwhile is seen with the next answer.
    pub(crate) fn whenever(&self) -> Self {
        let mut wish = self.clone();
        wish.filter.at = Timestamp::from_ms(0);
        wish
    }
}

/// How a word that somebody looks for came to be one that stands in products.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Whole,
    Beginning,
    OneError,
    TwoErrors,
}

/// A word that may be meant.
#[derive(Debug, Clone, Copy)]
struct Meant {
    word: u32,
    kind: Kind,
}

/// What a match is worth, by where it stands and how it came to be (whole, beginning, one error, two). A beginning in
/// the name is more than a whole word elsewhere; any error is less than none.
const WORTH: [(Fields, [u16; 4]); 5] = [
    (Fields::NAME, [80, 60, 8, 4]),
    (Fields::SKU, [72, 52, 6, 3]),
    (Fields::CATEGORY, [40, 30, 6, 3]),
    (Fields::ATTRIBUTE, [32, 24, 4, 2]),
    (Fields::DESCRIPTION, [20, 12, 2, 1]),
];

/// A place and what it is worth.
pub(super) struct Hit {
    pub(super) place: u32,
    score: i64,
}

impl Index {
    /// Numbers in the wish's order, with their sort keys: one more than its limit, if there are more.
    pub(crate) fn find(&self, wish: &Wish) -> Vec<(Option<Key>, i64)> {
        let places = self.places(wish, wish.limit.saturating_add(1));
        places.iter().map(|place| keys(wish.sort, place)).collect()
    }

    /// The sort keys of the last row of each page that another follows, of so many pages: one walk, whatever the page.
    pub(crate) fn page_ends(&self, wish: &Wish, pages_max: usize) -> Vec<(Option<Key>, i64)> {
        let rows = wish.limit.saturating_mul(pages_max.saturating_sub(1));
        let places = self.places(wish, rows.saturating_add(1));
        let followed = places.split_last().map(|(_, rows)| rows);
        let pages = followed.unwrap_or_default().chunks_exact(wish.limit.max(1));
        pages
            .filter_map(<[Place<'_>]>::last)
            .map(|place| keys(wish.sort, place))
            .collect()
    }

    /// The wish's first places, so many.
    fn places(&self, wish: &Wish, count: usize) -> Vec<Place<'_>> {
        let Some(sieve) = self.sieve(&wish.filter) else {
            return Vec::new();
        };
        let after = wish.after.as_ref().map(|after| behind(wish.sort, after));
        let mut first = First::of(count);
        self.each(wish.words.as_deref(), &sieve, |held, score| {
            if !sieve.passes(held) {
                return;
            }
            let place = place(wish.sort, score, held);
            if after.as_ref().is_none_or(|after| place > *after) {
                first.see(place);
            }
        });
        first.in_order()
    }

    /// Shows everything visible that has the words, or what is in the categories if there are none, or all of it, with
    /// what it is worth; unsorted.
    pub(super) fn each<'i>(
        &'i self,
        words: Option<&[String]>,
        sieve: &Sieve,
        mut see: impl FnMut(&'i Held, i64),
    ) {
        let Some(words) = words else {
            let mut look = |held: &'i Held| {
                if sieve.shows(held) {
                    see(held, 0);
                }
            };
            return match sieve.categories() {
                None => self.held.iter().flatten().for_each(look),
                Some(categories) => {
                    let places = categories.iter().filter_map(|one| self.shelved.get(one));
                    let held = places.flatten().filter_map(|place| self.at(*place));
                    held.for_each(&mut look);
                }
            };
        };
        for hit in self.hits(words, sieve) {
            if let Some(held) = self.at(hit.place) {
                see(held, hit.score);
            }
        }
    }

    /// Everything visible that has the words, unsorted.
    pub(super) fn hits(&self, words: &[String], sieve: &Sieve) -> Vec<Hit> {
        let mut meant: Vec<Vec<Meant>> = words.iter().map(|word| self.as_written(word)).collect();
        let found = self.with_all(&meant, sieve);
        if !found.is_empty() {
            return found;
        }
        let mut has_near = false;
        for (word, meant) in words.iter().zip(&mut meant) {
            let near = typo::meant(word, &self.shapes, &self.texts);
            // All words must be met: one that stands for nothing spares looking for the others.
            if meant.is_empty() && near.is_empty() {
                return Vec::new();
            }
            has_near |= !near.is_empty();
            meant.extend(near.into_iter().map(|(word, errors)| Meant {
                word,
                kind: if errors <= 1 {
                    Kind::OneError
                } else {
                    Kind::TwoErrors
                },
            }));
        }
        if has_near {
            self.with_all(&meant, sieve)
        } else {
            Vec::new()
        }
    }

    /// The word itself, and all words that begin with it.
    fn as_written(&self, word: &str) -> Vec<Meant> {
        self.words
            .range::<str, _>((Bound::Included(word), Bound::Unbounded))
            .take_while(|(text, _)| text.starts_with(word))
            .map(|(text, number)| Meant {
                word: *number,
                kind: if **text == *word {
                    Kind::Whole
                } else {
                    Kind::Beginning
                },
            })
            .collect()
    }

    /// What has one of each word's meanings.
    fn with_all(&self, words: &[Vec<Meant>], sieve: &Sieve) -> Vec<Hit> {
        let worth = worth();
        let listed = words.iter().map(|meant| -> Vec<Listed<'_>> {
            let list = |one: &Meant| (self.postings_of(one.word), worth.get(one.kind));
            meant.iter().map(list).collect()
        });
        let found = gather::having_all(listed.collect(), self.held.len());
        let shown = found.into_iter().filter_map(|one| {
            let held = self.at(one.place).filter(|held| sieve.shows(held))?;
            // Of names that have the words, the one that has least besides.
            let besides = i64::from(held.name_words.min(NAME_WORDS_MAX));
            let total = i64::from(one.worth).saturating_mul(SCORE_UNIT);
            Some(Hit {
                place: one.place,
                score: total.saturating_sub(besides),
            })
        });
        shown.collect()
    }
}

/// Room between two sums of worths, for what decides between equal ones.
const SCORE_UNIT: i64 = 100;
/// Words of a name that are told apart.
const NAME_WORDS_MAX: u32 = 99;

/// What matches are worth, for each set of fields.
struct Worth([Row; 4]);

#[derive(Clone, Copy)]
pub(super) struct Row(pub(super) [u16; 32]);

fn worth() -> Worth {
    let mut rows = [Row([0; 32]); 4];
    for (column, row) in rows.iter_mut().enumerate() {
        for (bits, value) in (0_u32..).zip(&mut row.0) {
            let fields = Fields::from_bits(bits);
            *value = WORTH
                .iter()
                .filter(|(field, _)| fields.holds(*field))
                .filter_map(|(_, worth)| worth.get(column).copied())
                .max()
                .unwrap_or(0);
        }
    }
    Worth(rows)
}

impl Worth {
    const fn get(&self, kind: Kind) -> &Row {
        let [whole, beginning, one, two] = &self.0;
        match kind {
            Kind::Whole => whole,
            Kind::Beginning => beginning,
            Kind::OneError => one,
            Kind::TwoErrors => two,
        }
    }
}

impl Row {
    pub(super) fn of(&self, fields: Fields) -> u16 {
        let bits = usize::try_from(fields.bits()).unwrap_or(0);
        self.0.get(bits).copied().unwrap_or(0)
    }
}

fn place(sort: ProductSort, score: i64, held: &Held) -> Place<'_> {
    let number = held.number;
    match sort {
        ProductSort::Relevance => Place("", score.saturating_neg(), number),
        ProductSort::Newest => Place("", 0, number.saturating_neg()),
        ProductSort::Oldest => Place("", 0, number),
        ProductSort::Name => Place(&held.name_key, 0, number),
        ProductSort::Cheapest => Place("", held.price, number),
        ProductSort::Dearest => Place("", held.price.saturating_neg(), number.saturating_neg()),
    }
}

/// The place behind which a page begins.
fn behind(sort: ProductSort, (key, number): &(Option<Key>, i64)) -> Place<'_> {
    let (text, key) = match key {
        None => ("", 0),
        Some(Key::Text(text)) => (text.as_str(), 0),
        Some(Key::Integer(key)) => ("", *key),
    };
    match sort {
        ProductSort::Newest | ProductSort::Dearest => {
            Place(text, key.saturating_neg(), number.saturating_neg())
        }
        ProductSort::Relevance
        | ProductSort::Oldest
        | ProductSort::Name
        | ProductSort::Cheapest => Place(text, key, *number),
    }
}

/// What a cursor carries of a place.
fn keys(sort: ProductSort, Place(text, key, number): &Place<'_>) -> (Option<Key>, i64) {
    match sort {
        ProductSort::Newest => (None, number.saturating_neg()),
        ProductSort::Oldest => (None, *number),
        ProductSort::Name => (Some(Key::Text((*text).to_owned())), *number),
        ProductSort::Relevance | ProductSort::Cheapest => (Some(Key::Integer(*key)), *number),
        ProductSort::Dearest => {
            let key = key.saturating_neg();
            (Some(Key::Integer(key)), number.saturating_neg())
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{super::entry::tests::named, *};
    use contracts::catalog::{ProductStatus, words};

    /// Everything that is on sale and has these words.
    pub(in super::super) fn wish(words: &str) -> Wish {
        Wish {
            words: Some(words::asked(words)),
            filter: Filter {
                at: contracts::values::Timestamp::from_ms(0),
                status: ProductStatus::Active,
                owner_id: None,
                category: None,
                price_min: None,
                price_max: None,
                in_stock: None,
                attribute: None,
            },
            sort: ProductSort::Relevance,
            after: None,
            limit: 100,
        }
    }

    fn found(index: &Index, words: &str) -> Vec<i64> {
        let found = index.find(&wish(words));
        found.into_iter().map(|(_, number)| number).collect()
    }

    #[test]
    fn the_name_comes_first_and_whole_words_before_beginnings() {
        let mut index = Index::default();
        let mut described = named(1, 1, "Cup");
        described.description = "for tea".to_owned();
        let mut shelved = named(2, 1, "Strainer");
        shelved.category_name = "Tea".to_owned();
        for entry in [
            described,
            shelved,
            named(3, 1, "Teapot of iron"),
            named(4, 1, "Green tea of the mountains"),
            named(5, 1, "Green tea"),
        ] {
            index.put(entry.ready());
        }
        assert_eq!(found(&index, "tea"), [5, 4, 3, 2, 1]);
        assert_eq!(found(&index, "green te"), [5, 4]);
        assert_eq!(found(&index, "tea cup"), [1]);
    }

    #[test]
    fn errors_are_forgiven_only_where_nothing_is_found_without() {
        let mut index = Index::default();
        index.put(named(1, 1, "Kettle").ready());
        index.put(named(2, 1, "Nettle").ready());
        assert_eq!(found(&index, "kettle"), [1]);
        assert_eq!(found(&index, "ketle"), [1]);
        assert_eq!(found(&index, "mettle"), [1, 2]);
        let mut archived = named(3, 1, "Ketle");
        archived.status = ProductStatus::Archived;
        index.put(archived.ready());
        assert_eq!(found(&index, "ketle"), [1]);
    }

    #[test]
    fn pages_follow_each_other_in_every_order() {
        let mut index = Index::default();
        for number in 1..=23 {
            let mut entry = named(number, 1, &format!("Tea {}", number % 5));
            entry.price = number % 4;
            index.put(entry.ready());
        }
        for sort in [
            ProductSort::Relevance,
            ProductSort::Newest,
            ProductSort::Oldest,
            ProductSort::Name,
            ProductSort::Cheapest,
            ProductSort::Dearest,
        ] {
            let whole = index.find(&Wish {
                sort,
                ..wish("tea")
            });
            let mut paged = Vec::new();
            let mut ends = Vec::new();
            let mut after = None;
            loop {
                let mut page = index.find(&Wish {
                    sort,
                    limit: 4,
                    after,
                    ..wish("tea")
                });
                let more = page.len() > 4;
                page.truncate(4);
                after = page.last().cloned();
                paged.extend(page);
                if !more {
                    break;
                }
                ends.extend(after.clone());
            }
            assert_eq!(paged, whole, "{sort:?}");
            assert_eq!(whole.len(), 23);
            let pages = |limit, pages_max| {
                let wish = Wish {
                    sort,
                    limit,
                    ..wish("tea")
                };
                index.page_ends(&wish, pages_max)
            };
            assert_eq!(pages(4, 100), ends, "{sort:?}");
            assert_eq!(pages(4, 3), ends[..2], "{sort:?}");
            assert_eq!((pages(4, 1).len(), pages(23, 9).len()), (0, 0));
        }
    }
}
