//! The orders that a list can be put in, as people choose them.

use contracts::catalog::ProductSort;

/// An order as a choice.
pub(super) struct Sort {
    pub(super) value: &'static str,
    pub(super) words: &'static str,
    pub(super) chosen: bool,
}

/// The orders people may choose, by the API's own words.
const SORTS: [(ProductSort, &str, &str); 5] = [
    (ProductSort::Relevance, "relevance", "Best match"),
    (ProductSort::Newest, "-created_at", "Newest"),
    (ProductSort::Cheapest, "price", "Price, low to high"),
    (ProductSort::Dearest, "-price", "Price, high to low"),
    (ProductSort::Name, "name", "Name"),
];

/// The order that a word means, if it is one of a list that was searched for or not.
pub(super) fn sort_of(word: &str, searching: bool) -> Option<ProductSort> {
    let found = SORTS.into_iter().find(|(_, value, _)| *value == word);
    // Without words there is nothing to match.
    found
        .map(|(sort, _, _)| sort)
        .filter(|sort| *sort != ProductSort::Relevance || searching)
}

/// The word for an order.
pub(super) fn word_of(sort: ProductSort) -> &'static str {
    let found = SORTS.into_iter().find(|(known, _, _)| *known == sort);
    found.map_or("", |(_, value, _)| value)
}

/// All orders of such a list.
pub(super) fn sorts(chosen: Option<ProductSort>, searching: bool) -> Vec<Sort> {
    let usual = if searching {
        ProductSort::Relevance
    } else {
        ProductSort::Newest
    };
    SORTS
        .into_iter()
        .filter(|(sort, _, _)| searching || *sort != ProductSort::Relevance)
        .map(|(sort, value, words)| Sort {
            value,
            words,
            chosen: sort == chosen.unwrap_or(usual),
        })
        .collect()
}
