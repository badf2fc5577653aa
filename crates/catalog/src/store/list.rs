//! A list of products that was asked for: checked, with the sort keys behind which its page begins. No statement.

use super::cursor;
use crate::domain::{
    schedule,
    scope::Scope,
    search::{Filter, Wish},
};
use contracts::{
    catalog::{
        FacetsQuery, ListError, ProductQuery, ProductSort, ProductStatus, ProductView, words,
    },
    values::{Cursor, Page, Timestamp},
};
use platform::db::StoreError;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

pub(super) use crate::domain::search::Key;

/// Suggestions for what somebody has typed.
const SUGGESTIONS_MAX: usize = 10;

/// Of what is kept as on sale, what is so at a moment. Written so that a database that counts rows before it plans sees
/// that this leaves out nearly none.
const ALREADY: &str = "(p.publish_at_ms IS NULL OR p.publish_at_ms <= ?)";
const STILL: &str = "(p.unpublish_at_ms IS NULL OR p.unpublish_at_ms > ?)";
/// Drafts, and what is kept as on sale and is not so at a moment.
const DRAFTS: &str = "CASE WHEN p.status = 'active'
             THEN NOT (? BETWEEN COALESCE(p.publish_at_ms, 0)
                             AND COALESCE(p.unpublish_at_ms - 1, 9223372036854775807))
             ELSE p.status = 'draft' END";

/// What a condition's `?` stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stands {
    Status(&'static str),
    At(Timestamp),
}

/// A list that was checked.
#[derive(Debug)]
pub(super) struct List {
    /// When somebody looks.
    pub(super) at: Timestamp,
    pub(super) query: ProductQuery,
    pub(super) scope: Scope,
    pub(super) status: ProductStatus,
    pub(super) sort: ProductSort,
    words: Option<Vec<String>>,
    attribute: Option<(String, String)>,
    after: Option<After>,
}

/// The sort keys of the last row seen. A key is text whatever it is, so that a float is not rounded.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct After {
    pub(super) sort: ProductSort,
    pub(super) key: Option<String>,
    pub(super) number: i64,
}

impl List {
    pub(super) fn new(query: ProductQuery, scope: Scope, at: Timestamp) -> Result<Self, ListError> {
        let words = query.q.as_deref().map(words::asked);
        let sort = query.sort.unwrap_or(match words {
            Some(_) => ProductSort::Relevance,
            None => ProductSort::Newest,
        });
        if sort == ProductSort::Relevance && words.is_none() {
            return Err(ListError::InvalidParameter {
                name: "sort".into(),
                reason: "by relevance needs q".to_owned(),
            });
        }
        let after: Option<After> = cursor::read(query.cursor.as_ref())?;
        if after
            .as_ref()
            .is_some_and(|after| after.bound(sort).is_none())
        {
            return Err(cursor::foreign());
        }
        Ok(Self {
            at,
            attribute: attribute(query.attribute.as_deref())?,
            status: query.status.unwrap_or(ProductStatus::Active),
            query,
            scope,
            sort,
            words,
            after,
        })
    }

    /// Where its products stand: conditions that all hold, of products `p`.
    pub(super) fn stands(&self) -> Vec<(&'static str, Stands)> {
        let status = ("p.status = ?", Stands::Status(self.status.as_str()));
        let now = Stands::At(self.at);
        match self.status {
            ProductStatus::Active => vec![status, (ALREADY, now), (STILL, now)],
            ProductStatus::Draft => vec![(DRAFTS, now)],
            ProductStatus::Archived => vec![status],
        }
    }

    /// Whether nothing can be in it, so that nobody need be asked.
    pub(super) fn is_empty(&self) -> bool {
        let strangers = self.status != ProductStatus::Active && self.scope == Scope::Nothing;
        strangers || self.words.as_ref().is_some_and(Vec::is_empty)
    }

    /// What is asked of the index, if the list is one of its.
    pub(super) fn wish(&self) -> Option<Wish> {
        (self.words.is_some() || self.attribute.is_some()).then(|| self.asked())
    }

    /// The list from its beginning, whoever else would answer it.
    pub(super) fn whole(&self) -> Wish {
        Wish {
            after: None,
            ..self.asked()
        }
    }

    fn asked(&self) -> Wish {
        let owner_id = match self.scope {
            Scope::Of(owner) if self.status != ProductStatus::Active => Some(owner),
            Scope::Of(_) | Scope::All | Scope::Nothing => None,
        };
        Wish {
            words: self.words.clone(),
            filter: Filter {
                at: self.at,
                status: self.status,
                owner_id,
                category: self.query.category.clone(),
                price_min: self.query.price_min,
                price_max: self.query.price_max,
                in_stock: self.query.in_stock,
                attribute: self.attribute.clone(),
            },
            sort: self.sort,
            after: self.after(),
            limit: self.limit(),
        }
    }

    pub(super) fn limit(&self) -> usize {
        usize::try_from(self.query.limit.get()).unwrap_or(1)
    }

    /// The numbers that the index found, as a page.
    pub(super) fn page(&self, found: Vec<(Option<Key>, i64)>) -> Result<Page<i64>, StoreError> {
        let page = cursor::page(found, self.limit(), |row| self.behind(row))?;
        Ok(Page {
            data: page.data.into_iter().map(|(_, number)| number).collect(),
            next_cursor: page.next_cursor,
        })
    }

    /// Cursors that begin behind these rows of the index.
    pub(super) fn starts(&self, ends: &[(Option<Key>, i64)]) -> Result<Vec<Cursor>, StoreError> {
        let cursors = ends.iter().map(|row| cursor::write(&self.behind(row)));
        cursors.collect()
    }

    fn behind(&self, (key, number): &(Option<Key>, i64)) -> After {
        After {
            sort: self.sort,
            key: key.as_ref().map(Key::written),
            number: *number,
        }
    }

    /// The page's products in its order, without those that left the list since they were found.
    pub(super) fn filled(
        &self,
        page: Page<i64>,
        products: Vec<(i64, ProductView)>,
    ) -> Page<ProductView> {
        let mut products: HashMap<i64, ProductView> = products.into_iter().collect();
        let listed = page
            .data
            .iter()
            .filter_map(|number| products.remove(number))
            .map(|product| schedule::seen(product, self.at));
        Page {
            data: listed
                .filter(|product| product.status == self.status)
                .collect(),
            next_cursor: page.next_cursor,
        }
    }

    /// The keys behind which the page begins.
    pub(super) fn after(&self) -> Option<(Option<Key>, i64)> {
        self.after.as_ref()?.bound(self.sort)
    }
}

impl After {
    /// The keys as the order of `sort` has them; none if they are another list's.
    fn bound(&self, sort: ProductSort) -> Option<(Option<Key>, i64)> {
        if self.sort != sort {
            return None;
        }
        let key = match (sort, &self.key) {
            (ProductSort::Newest | ProductSort::Oldest, None) => None,
            // No name holds a zero byte, and PostgreSQL takes no text with one.
            (ProductSort::Name, Some(text)) if !text.contains('\0') => {
                Some(Key::Text(text.clone()))
            }
            (ProductSort::Cheapest | ProductSort::Dearest | ProductSort::Relevance, Some(text)) => {
                Some(Key::Integer(text.parse().ok()?))
            }
            (ProductSort::Newest | ProductSort::Oldest | ProductSort::Name, Some(_))
            | (_, None) => {
                return None;
            }
        };
        let expected = !matches!(sort, ProductSort::Newest | ProductSort::Oldest);
        (key.is_some() == expected).then_some((key, self.number))
    }
}

/// What is counted: everything on sale that the same words and filters would list.
pub(super) fn counted(query: FacetsQuery, at: Timestamp) -> Result<Wish, ListError> {
    Ok(Wish {
        words: query.q.as_deref().map(words::asked),
        filter: Filter {
            at,
            status: ProductStatus::Active,
            owner_id: None,
            attribute: attribute(query.attribute.as_deref())?,
            category: query.category,
            price_min: query.price_min,
            price_max: query.price_max,
            in_stock: query.in_stock,
        },
        sort: ProductSort::Relevance,
        after: None,
        limit: 0,
    })
}

/// What is counted by where it stands: everything of the scope's that the words would list; none if it has nothing, or
/// the words are none.
pub(super) fn standing(q: Option<&str>, scope: Scope, at: Timestamp) -> Option<Wish> {
    let words = q.map(words::asked);
    let owner_id = match scope {
        Scope::All => None,
        Scope::Of(owner) => Some(owner),
        Scope::Nothing => return None,
    };
    if words.as_ref().is_some_and(Vec::is_empty) {
        return None;
    }
    let mut wish = on_sale(words, at);
    wish.filter.owner_id = owner_id;
    Some(wish)
}

/// What is suggested to whoever has typed this.
pub(super) fn suggested(typed: &str, at: Timestamp) -> Wish {
    Wish {
        limit: SUGGESTIONS_MAX,
        ..on_sale(Some(words::asked(typed)), at)
    }
}

/// All that is on sale and has these words; no page of it.
fn on_sale(words: Option<Vec<String>>, at: Timestamp) -> Wish {
    Wish {
        words,
        filter: Filter {
            at,
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
        limit: 0,
    }
}

/// A name and a value, as `colour:green`.
fn attribute(text: Option<&str>) -> Result<Option<(String, String)>, ListError> {
    let Some(text) = text else { return Ok(None) };
    match text.split_once(':') {
        Some((name, value)) if !name.is_empty() => Ok(Some((name.to_owned(), value.to_owned()))),
        Some(_) | None => Err(ListError::InvalidParameter {
            name: "attribute".into(),
            reason: "must be a name and a value, as colour:green".to_owned(),
        }),
    }
}
