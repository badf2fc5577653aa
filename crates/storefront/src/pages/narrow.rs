//! Narrowing a list: what further choices leave, and what somebody may have meant who found nothing. Both are
//! decorations: a list without them is still a list.

use crate::{App, view, words::say};
use contracts::{
    catalog::{Facets, FacetsQuery, ProductQuery, SuggestionKind, SuggestionsQuery},
    values::{Currency, Money},
};

/// A further choice, and how many products it leaves.
pub(super) struct Narrowing {
    pub(super) words: String,
    pub(super) href: String,
    pub(super) count: String,
    pub(super) is_chosen: bool,
}

/// What was chosen, as the address has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen<'w> {
    /// The list's address, with its words and order.
    pub(super) base: &'w str,
    pub(super) kept: &'w [(&'w str, &'w str)],
    pub(super) in_stock: bool,
    /// In minor units, at least and at most.
    pub(super) price: (&'w str, &'w str),
}

impl Chosen<'_> {
    fn address(&self, in_stock: bool, price: (&str, &str)) -> String {
        let more = [
            ("in_stock", if in_stock { "true" } else { "" }),
            ("price_min", price.0),
            ("price_max", price.1),
        ];
        view::address(self.base, &[self.kept, &more].concat())
    }
}

/// The choices of a list, counted.
pub(super) async fn counted(app: &App, query: &ProductQuery) -> Option<Facets> {
    let wish = FacetsQuery {
        q: query.q.clone(),
        category: query.category.clone(),
        price_min: query.price_min,
        price_max: query.price_max,
        in_stock: query.in_stock,
        attribute: None,
    };
    match app.catalog.facets(wish).await {
        Ok(facets) => Some(facets),
        Err(error) => {
            tracing::warn!(error = ?error, "a list goes out without its choices");
            None
        }
    }
}

/// The same as links. One that was chosen leads back.
pub(super) fn narrowings(
    facets: &Facets,
    currency: Option<Currency>,
    chosen: Chosen<'_>,
) -> Vec<Narrowing> {
    let mut all = Vec::new();
    if facets.stock.sold_out > 0 || chosen.in_stock {
        all.push(Narrowing {
            words: say("In stock").to_owned(),
            href: chosen.address(!chosen.in_stock, chosen.price),
            count: facets.stock.available.to_string(),
            is_chosen: chosen.in_stock,
        });
    }
    let Some(currency) = currency else {
        return all;
    };
    let is_priced = chosen.price != ("", "");
    let ranges = facets.prices.iter().filter(|range| range.count > 0);
    let ranges: Vec<_> = ranges.collect();
    if ranges.len() < 2 && !is_priced {
        return all;
    }
    for range in ranges {
        let money = |minor| view::money(Money::new(minor, currency));
        let (min, max) = (range.min.to_string(), range.max.to_string());
        let is_chosen = chosen.price == (min.as_str(), max.as_str());
        let words = if range.min == range.max {
            money(range.min)
        } else {
            say!("{} to {}", money(range.min), money(range.max))
        };
        let price = if is_chosen {
            ("", "")
        } else {
            (min.as_str(), max.as_str())
        };
        all.push(Narrowing {
            words,
            href: chosen.address(chosen.in_stock, price),
            count: range.count.to_string(),
            is_chosen,
        });
    }
    all
}

/// What may have been meant, with where it is.
pub(super) async fn meant(app: &App, q: &str) -> Vec<(String, String)> {
    let wish = SuggestionsQuery { q: q.to_owned() };
    let found = match app.catalog.suggestions(wish).await {
        Ok(found) => found,
        Err(error) => {
            tracing::warn!(error = ?error, "a search that found nothing suggests nothing");
            return Vec::new();
        }
    };
    let link = |kind: SuggestionKind, slug: &str| match kind {
        SuggestionKind::Category => super::frame::shelf_address(slug),
        SuggestionKind::Product => format!("/p/{}", view::encoded(slug)),
    };
    let found = found.into_iter();
    found
        .map(|one| (one.text, link(one.kind, &one.slug)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::catalog::{PriceCount, StockCounts};

    #[test]
    fn a_choice_leads_to_less_and_the_chosen_one_back() {
        let range = |min, max, count| PriceCount { min, max, count };
        let facets = Facets {
            prices: vec![range(100, 250, 3), range(300, 300, 1)],
            stock: StockCounts {
                available: 3,
                sold_out: 1,
            },
            ..Facets::default()
        };
        let chosen = Chosen {
            base: "/search",
            kept: &[("q", "tea")],
            in_stock: false,
            price: ("100", "250"),
        };
        let all = narrowings(&facets, "USD".parse().ok(), chosen);
        let said: Vec<_> = all.iter().map(|one| one.words.as_str()).collect();
        assert_eq!(said, ["In stock", "$1.00 to $2.50", "$3.00"]);
        assert_eq!(
            all[0].href,
            "/search?q=tea&in_stock=true&price_min=100&price_max=250"
        );
        assert!(all[1].is_chosen && all[1].href == "/search?q=tea");
        assert_eq!(all[2].href, "/search?q=tea&price_min=300&price_max=300");
        assert_eq!(narrowings(&facets, None, chosen).len(), 1);
    }
}
