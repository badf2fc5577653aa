//! Counts beside a search: how many products each further choice would leave. What somebody chose already narrows all
//! counts but its own, so that the other choices beside it stay in sight.

use super::{Held, Index, Wish, sieve::Sieve, slot};
use contracts::catalog::{
    AttributeCounts, CategoryCount, Facets, PriceCount, StockCounts, ValueCount,
};
use std::collections::{HashMap, HashSet};

/// Attributes that are shown, those first that most products have.
const ATTRIBUTES_MAX: usize = 12;
/// Values of one, the most frequent first.
const VALUES_MAX: usize = 20;
/// Categories, the fullest first.
const CATEGORIES_MAX: usize = 100;
/// Ranges of prices, each of about as many products.
const RANGES: usize = 5;

#[derive(Default)]
struct Counted {
    total: u64,
    /// Each category that is counted, by its number.
    by_category: Vec<(i64, u64)>,
    prices: Vec<i64>,
    available: u64,
    sold_out: u64,
    /// By the value's number.
    by_value: Vec<u64>,
}

impl Index {
    /// What a search finds, counted. Where a category was chosen, and nothing else is looked for in it, only that is
    /// walked over, and `elsewhere` says how many products each category has of the same wish anywhere.
    pub(crate) fn facets(
        &self,
        wish: &Wish,
        elsewhere: impl FnOnce(&Wish) -> Vec<CategoryCount>,
    ) -> Facets {
        let Some(sieve) = self.sieve(&wish.filter) else {
            return Facets::default();
        };
        let words = wish.words.as_deref();
        let is_shelf = words.is_none() && wish.filter.category.is_some();
        let mut counted = Counted {
            by_category: if is_shelf {
                Vec::new()
            } else {
                self.no_categories()
            },
            by_value: vec![0; self.values.len()],
            ..Counted::default()
        };
        self.each(words, &sieve, |held, _| counted.see(held, &sieve));
        Facets {
            total: counted.total,
            categories: if is_shelf {
                elsewhere(&wish.anywhere())
            } else {
                self.categories(&counted.by_category)
            },
            prices: ranges(&mut counted.prices),
            stock: StockCounts {
                available: counted.available,
                sold_out: counted.sold_out,
            },
            attributes: self.attributes(&counted.by_value),
        }
    }

    /// How many products each category has of a wish that has no words and names no category.
    pub(crate) fn category_counts(&self, wish: &Wish) -> Vec<CategoryCount> {
        let mut counts = self.no_categories();
        if let Some(sieve) = self.sieve(&wish.filter) {
            self.each(None, &sieve, |held, _| {
                if sieve.passes(held) {
                    count_category(&mut counts, held);
                }
            });
        }
        self.categories(&counts)
    }

    /// All categories by their numbers, none of which has anything yet.
    fn no_categories(&self) -> Vec<(i64, u64)> {
        let mut all: Vec<_> = self.shelves.keys().map(|number| (*number, 0)).collect();
        all.sort_unstable();
        all
    }

    /// A category counts what lies below it as well.
    fn categories(&self, by_category: &[(i64, u64)]) -> Vec<CategoryCount> {
        let mut all: HashMap<i64, u64> = HashMap::new();
        for (number, count) in by_category.iter().filter(|(_, count)| *count > 0) {
            let mut seen = HashSet::new();
            let mut next = Some(*number);
            while let Some(number) = next
                && seen.insert(number)
            {
                let sum = all.entry(number).or_default();
                *sum = sum.saturating_add(*count);
                next = self.shelves.get(&number).and_then(|shelf| shelf.parent);
            }
        }
        let mut counts: Vec<CategoryCount> = all
            .into_iter()
            .filter_map(|(number, count)| {
                let shelf = self.shelves.get(&number)?;
                let above = shelf.parent.and_then(|parent| self.shelves.get(&parent));
                Some(CategoryCount {
                    slug: shelf.slug.clone(),
                    name: shelf.name.clone(),
                    parent: above.map(|above| above.slug.clone()),
                    count,
                })
            })
            .collect();
        counts.sort_unstable_by(|one, other| {
            other
                .count
                .cmp(&one.count)
                .then_with(|| one.slug.cmp(&other.slug))
        });
        counts.truncate(CATEGORIES_MAX);
        counts
    }

    fn attributes(&self, by_value: &[u64]) -> Vec<AttributeCounts> {
        let mut by_name: HashMap<&str, (u64, Vec<ValueCount>)> = HashMap::new();
        let counted = self.values.iter().zip(by_value);
        for ((name, value), count) in counted.filter(|(_, count)| **count > 0) {
            let (sum, values) = by_name.entry(name).or_default();
            *sum = sum.saturating_add(*count);
            values.push(ValueCount {
                value: value.to_string(),
                count: *count,
            });
        }
        let mut names: Vec<(&str, (u64, Vec<ValueCount>))> = by_name.into_iter().collect();
        names.sort_unstable_by(|(one, (few, _)), (other, (many, _))| {
            many.cmp(few).then_with(|| one.cmp(other))
        });
        names.truncate(ATTRIBUTES_MAX);
        names
            .into_iter()
            .map(|(name, (_, mut values))| {
                values.sort_unstable_by(|one, other| {
                    other
                        .count
                        .cmp(&one.count)
                        .then_with(|| one.value.cmp(&other.value))
                });
                values.truncate(VALUES_MAX);
                AttributeCounts {
                    name: name.to_owned(),
                    values,
                }
            })
            .collect()
    }
}

impl Counted {
    fn see(&mut self, held: &Held, sieve: &Sieve) {
        let category = sieve.category_fits(held);
        let price = sieve.price_fits(held);
        let stock = sieve.stock_fits(held);
        let value = sieve.value_fits(held);
        if price && stock && value {
            count_category(&mut self.by_category, held);
        }
        if category && stock && value {
            self.prices.push(held.price);
        }
        if category && price && value {
            more(if held.available {
                &mut self.available
            } else {
                &mut self.sold_out
            });
        }
        if category && price && stock {
            for number in &held.attributes {
                if let Some(count) = slot(&mut self.by_value, *number) {
                    more(count);
                }
            }
        }
        if category && price && stock && value {
            more(&mut self.total);
        }
    }
}

/// One more product in its category, if that is known.
fn count_category(counts: &mut [(i64, u64)], held: &Held) {
    let place = held.category.and_then(|category| {
        let place = counts.binary_search_by_key(&category, |(one, _)| *one);
        place.ok()
    });
    if let Some((_, count)) = place.and_then(|place| counts.get_mut(place)) {
        more(count);
    }
}

fn more(count: &mut u64) {
    *count = count.saturating_add(1);
}

/// Ranges that meet without a gap, from the least price to the greatest.
fn ranges(prices: &mut [i64]) -> Vec<PriceCount> {
    prices.sort_unstable();
    let (Some(least), Some(greatest)) = (prices.first().copied(), prices.last().copied()) else {
        return Vec::new();
    };
    let mut starts = vec![least];
    for step in 1..RANGES {
        let at = prices.len().saturating_mul(step).checked_div(RANGES);
        let price = at.and_then(|at| prices.get(at)).copied().unwrap_or(least);
        let start = round(price);
        if starts.last().is_some_and(|last| start > *last) {
            starts.push(start);
        }
    }
    let ends = starts.iter().skip(1).map(|start| start.saturating_sub(1));
    let ends: Vec<i64> = ends.chain([greatest]).collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|(min, max)| {
            let below = |bound: i64| prices.partition_point(|price| *price < bound);
            let count = below(max.saturating_add(1)).saturating_sub(below(min));
            PriceCount {
                min,
                max,
                count: u64::try_from(count).unwrap_or(u64::MAX),
            }
        })
        .collect()
}

/// Two digits are kept, the rest is nought.
fn round(price: i64) -> i64 {
    let mut unit: i64 = 1;
    while price.checked_div(unit).is_some_and(|rest| rest >= 100) {
        unit = unit.saturating_mul(10);
    }
    price
        .checked_div(unit)
        .unwrap_or(price)
        .saturating_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Shelf, entry::tests::named, find::tests::wish},
        *,
    };
    use serde_json::json;

    fn shelf(slug: &str, parent: Option<i64>) -> Shelf {
        Shelf {
            slug: slug.to_owned(),
            name: slug.to_owned(),
            parent,
        }
    }

    fn shop() -> Index {
        let mut index = Index::default();
        let shelves = [(1, shelf("drinks", None)), (2, shelf("tea", Some(1)))];
        index.put_shelves(shelves.into());
        for number in 1..=10 {
            let mut entry = named(number, 1, &format!("Tea {number}"));
            entry.category = Some(if number > 7 { 1 } else { 2 });
            entry.price = number.saturating_mul(100);
            entry.available = number % 2 == 0;
            let colour = if number > 4 { "green" } else { "black" };
            entry.attributes = serde_json::from_value(json!({ "colour": colour })).unwrap();
            index.put(entry.ready());
        }
        index
    }

    fn counted(index: &Index, wish: &Wish) -> Facets {
        index.facets(wish, |anywhere| index.category_counts(anywhere))
    }

    #[test]
    fn a_shelf_is_counted_as_a_search_is_that_finds_everything() {
        let index = shop();
        for category in [None, Some("drinks"), Some("tea"), Some("nowhere")] {
            for in_stock in [None, Some(true)] {
                let mut searched = wish("tea");
                searched.filter.category = category.map(str::to_owned);
                searched.filter.in_stock = in_stock;
                searched.filter.price_min = Some(300);
                let mut shelf = searched.clone();
                shelf.words = None;
                assert_eq!(counted(&index, &shelf), counted(&index, &searched));
                let numbers = |wish| -> Vec<i64> {
                    let mut found: Vec<_> = index.find(wish).iter().map(|one| one.1).collect();
                    found.sort_unstable();
                    found
                };
                assert_eq!(numbers(&shelf), numbers(&searched), "{category:?}");
            }
        }
    }

    #[test]
    fn a_category_counts_those_below_and_a_choice_does_not_narrow_its_own_counts() {
        let index = shop();
        let mut wish = wish("tea");
        wish.filter.category = Some("tea".to_owned());
        let facets = counted(&index, &wish);
        assert_eq!(facets.total, 7);
        let counts: Vec<_> = facets
            .categories
            .iter()
            .map(|one| (one.slug.as_str(), one.count))
            .collect();
        assert_eq!(counts, [("drinks", 10), ("tea", 7)]);
        assert_eq!((facets.stock.available, facets.stock.sold_out), (3, 4));
        let colours = &facets.attributes[0];
        assert_eq!(colours.name, "colour");
        let counts: Vec<_> = colours
            .values
            .iter()
            .map(|one| (one.value.as_str(), one.count))
            .collect();
        assert_eq!(counts, [("black", 4), ("green", 3)]);
        wish.filter.attribute = Some(("colour".to_owned(), "black".to_owned()));
        let facets = counted(&index, &wish);
        assert_eq!((facets.total, facets.attributes[0].values.len()), (4, 2));
        wish.filter.category = Some("nowhere".to_owned());
        assert_eq!(counted(&index, &wish), Facets::default());
    }

    #[test]
    fn price_ranges_meet_and_hold_everything() {
        let facets = counted(&shop(), &wish("tea"));
        let sum: u64 = facets.prices.iter().map(|one| one.count).sum();
        assert_eq!((sum, facets.prices.len()), (10, 5));
        let pairs = facets.prices.iter().zip(facets.prices.iter().skip(1));
        for (one, next) in pairs {
            assert_eq!(one.max + 1, next.min);
        }
        assert_eq!(
            ranges(&mut [5, 5, 5]),
            [PriceCount {
                min: 5,
                max: 5,
                count: 3
            }]
        );
        assert_eq!(
            (round(12_345), round(99), round(0), round(-5)),
            (12_000, 99, 0, -5)
        );
    }
}
