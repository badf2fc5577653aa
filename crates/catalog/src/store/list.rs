//! A list of products that was asked for: checked, with the sort keys behind which its page begins. No statement.

use super::cursor;
use crate::domain::{scope::Scope, words};
use contracts::catalog::{ListError, ProductQuery, ProductSort, ProductStatus};
use serde::{Deserialize, Serialize};

/// A list that was checked.
#[derive(Debug)]
pub(super) struct List {
    pub(super) query: ProductQuery,
    pub(super) scope: Scope,
    pub(super) status: ProductStatus,
    pub(super) sort: ProductSort,
    pub(super) words: Option<Vec<String>>,
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

/// A sort key as the database compares it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Key {
    Text(String),
    Integer(i64),
    Real(f64),
}

impl Key {
    /// As a cursor carries it.
    pub(super) fn written(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_bits().to_string(),
        }
    }
}

impl List {
    pub(super) fn new(query: ProductQuery, scope: Scope) -> Result<Self, ListError> {
        let words = query.q.as_deref().map(words::of);
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
            status: query.status.unwrap_or(ProductStatus::Active),
            query,
            scope,
            sort,
            words,
            after,
        })
    }

    /// Whether nothing can be in it, so that nobody need be asked.
    pub(super) fn is_empty(&self) -> bool {
        let strangers = self.status != ProductStatus::Active && self.scope == Scope::Nothing;
        strangers || self.words.as_ref().is_some_and(Vec::is_empty)
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
            (ProductSort::Cheapest | ProductSort::Dearest, Some(text)) => {
                Some(Key::Integer(text.parse().ok()?))
            }
            (ProductSort::Relevance, Some(text)) => {
                let relevance = f64::from_bits(text.parse().ok()?);
                Some(Key::Real(relevance)).filter(|_| relevance.is_finite())
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
