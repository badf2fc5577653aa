//! What narrows a list beside its words: status and owner, category, price, stock, an attribute.

use super::{Held, Index};
use contracts::{
    catalog::ProductStatus,
    values::{Timestamp, UserId},
};
use std::collections::{HashMap, HashSet};

/// What narrows a list.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Filter {
    /// When somebody looks.
    pub(crate) at: Timestamp,
    pub(crate) status: ProductStatus,
    /// Only this user's.
    pub(crate) owner_id: Option<UserId>,
    /// A category's slug: it, and those below it.
    pub(crate) category: Option<String>,
    pub(crate) price_min: Option<i64>,
    pub(crate) price_max: Option<i64>,
    pub(crate) in_stock: Option<bool>,
    /// An attribute's name and value.
    pub(crate) attribute: Option<(String, String)>,
}

/// A filter whose names were looked up.
pub(super) struct Sieve {
    filter: Filter,
    categories: Option<HashSet<i64>>,
    value: Option<u32>,
}

impl Index {
    /// None if nothing can pass.
    pub(super) fn sieve(&self, filter: &Filter) -> Option<Sieve> {
        let categories = match &filter.category {
            None => None,
            Some(slug) => Some(self.with_those_below(slug)?),
        };
        let value = match &filter.attribute {
            None => None,
            Some((name, value)) => {
                let key = (name.as_str().into(), value.as_str().into());
                Some(*self.value_numbers.get(&key)?)
            }
        };
        Some(Sieve {
            filter: filter.clone(),
            categories,
            value,
        })
    }

    /// The category of that slug, and all that lie below it.
    fn with_those_below(&self, slug: &str) -> Option<HashSet<i64>> {
        let (top, _) = self.shelves.iter().find(|(_, shelf)| shelf.slug == slug)?;
        let mut below: HashMap<i64, Vec<i64>> = HashMap::new();
        for (number, shelf) in &self.shelves {
            if let Some(parent) = shelf.parent {
                below.entry(parent).or_default().push(*number);
            }
        }
        let mut all = HashSet::from([*top]);
        let mut open = vec![*top];
        while let Some(number) = open.pop() {
            for child in below.get(&number).into_iter().flatten() {
                if all.insert(*child) {
                    open.push(*child);
                }
            }
        }
        Some(all)
    }
}

impl Sieve {
    /// The categories that are meant, if not all.
    pub(super) const fn categories(&self) -> Option<&HashSet<i64>> {
        self.categories.as_ref()
    }

    /// Whether whoever asks may see it at all.
    pub(super) fn shows(&self, held: &Held) -> bool {
        held.schedule.at(held.status, self.filter.at).0 == self.filter.status
            && self
                .filter
                .owner_id
                .is_none_or(|owner| owner == held.owner_id)
    }

    pub(super) fn passes(&self, held: &Held) -> bool {
        self.category_fits(held)
            && self.price_fits(held)
            && self.stock_fits(held)
            && self.value_fits(held)
    }

    pub(super) fn category_fits(&self, held: &Held) -> bool {
        let is_in = |all: &HashSet<i64>| held.category.is_some_and(|number| all.contains(&number));
        self.categories.as_ref().is_none_or(is_in)
    }

    pub(super) fn price_fits(&self, held: &Held) -> bool {
        self.filter
            .price_min
            .is_none_or(|least| held.price >= least)
            && self.filter.price_max.is_none_or(|most| held.price <= most)
    }

    pub(super) fn stock_fits(&self, held: &Held) -> bool {
        self.filter
            .in_stock
            .is_none_or(|wanted| held.available == wanted)
    }

    pub(super) fn value_fits(&self, held: &Held) -> bool {
        self.value
            .is_none_or(|value| held.attributes.contains(&value))
    }
}
