//! Suggestions for whoever is typing: categories whose names begin so, and the products that fit best.

use super::{Index, Wish};
use contracts::catalog::{Suggestion, SuggestionKind, words};
use std::collections::HashSet;

/// Categories among the suggestions.
const CATEGORIES_MAX: usize = 3;

impl Index {
    /// At most `wish.limit` suggestions: categories first, then products, no text twice.
    pub(crate) fn suggest(&self, wish: &Wish) -> Vec<Suggestion> {
        let Some(typed) = wish.words.as_deref().filter(|words| !words.is_empty()) else {
            return Vec::new();
        };
        let mut suggested = self.categories_like(typed);
        let mut seen = HashSet::new();
        for (_, number) in self.find(wish) {
            let held = self.places.get(&number).and_then(|place| self.at(*place));
            let Some(held) = held else { continue };
            if seen.insert(&held.name_key) {
                suggested.push(Suggestion {
                    kind: SuggestionKind::Product,
                    text: held.name.to_string(),
                    slug: held.slug.to_string(),
                });
            }
        }
        suggested.truncate(wish.limit);
        suggested
    }

    /// Categories that have all words, or words that begin so; the shortest names first.
    fn categories_like(&self, typed: &[String]) -> Vec<Suggestion> {
        let mut like: Vec<(usize, &str, &str)> = self
            .shelves
            .values()
            .filter(|shelf| {
                let named = words::all_folded(&shelf.name);
                let has = |word: &String| named.iter().any(|name| name.starts_with(word.as_str()));
                typed.iter().all(has)
            })
            .map(|shelf| (shelf.name.len(), shelf.name.as_str(), shelf.slug.as_str()))
            .collect();
        like.sort_unstable();
        like.truncate(CATEGORIES_MAX);
        like.into_iter()
            .map(|(_, name, slug)| Suggestion {
                kind: SuggestionKind::Category,
                text: name.to_owned(),
                slug: slug.to_owned(),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Shelf, entry::tests::named, find::tests::wish},
        *,
    };

    #[test]
    fn whoever_types_is_shown_categories_and_products_once_each() {
        let mut index = Index::default();
        let shelf = Shelf {
            slug: "teas".to_owned(),
            name: "Teas".to_owned(),
            parent: None,
        };
        index.put_shelves([(1, shelf)].into());
        for (number, name) in [(1, "Teapot"), (2, "teapot"), (3, "Green tea"), (4, "Cup")] {
            index.put(named(number, 1, name).ready());
        }
        let texts = |typed: &str| -> Vec<String> {
            let suggested = index.suggest(&wish(typed));
            suggested.into_iter().map(|one| one.text).collect()
        };
        assert_eq!(texts("te"), ["Teas", "Teapot", "Green tea"]);
        assert_eq!(texts("teapto"), ["Teapot"]);
        assert!(texts("--").is_empty());
    }
}
