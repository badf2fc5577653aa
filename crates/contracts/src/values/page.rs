//! Keyset pages: an opaque cursor, a bounded size, and no totals. Never an offset.

use super::{ValueError, schema::plain_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Where a page begins: opaque outside; inside, the sort keys of the last row seen (made and read by the
/// store that sorts).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Cursor(String);

impl Cursor {
    /// The longest cursor that is read.
    pub const LENGTH_MAX: usize = 1_024;

    /// A cursor from its text.
    ///
    /// # Errors
    /// [`ValueError`] when it is empty, too long or not plain.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let plain = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if text.is_empty() || text.len() > Self::LENGTH_MAX || !plain {
            return Err(ValueError::new("is no cursor of this list"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The text as sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Cow<'_, str>> for Cursor {
    type Error = ValueError;
    fn try_from(text: Cow<'_, str>) -> Result<Self, ValueError> {
        Self::parse(&text)
    }
}

impl From<Cursor> for String {
    fn from(cursor: Cursor) -> String {
        cursor.0
    }
}

/// How many rows a page has: 1 to 100, 20 when not said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct PageSize(u32);

impl PageSize {
    /// The rows of a page, as a number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl Default for PageSize {
    fn default() -> Self {
        Self(20)
    }
}

impl TryFrom<u32> for PageSize {
    type Error = ValueError;
    fn try_from(rows: u32) -> Result<Self, ValueError> {
        if (1..=100).contains(&rows) {
            Ok(Self(rows))
        } else {
            Err(ValueError::new("must be 1 to 100"))
        }
    }
}

impl From<PageSize> for u32 {
    fn from(size: PageSize) -> u32 {
        size.0
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows, in order.
    pub data: Vec<T>,
    /// Where the next page begins; absent on the last one.
    pub next_cursor: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page of nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            data: Vec::new(),
            next_cursor: None,
        }
    }

    /// The same page with its rows in another form.
    pub fn map<U>(self, form: impl FnMut(T) -> U) -> Page<U> {
        Page {
            data: self.data.into_iter().map(form).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

plain_schema!(Cursor, String, max_length(Some(Cursor::LENGTH_MAX)));
plain_schema!(PageSize, Integer, minimum(Some(1)), maximum(Some(100)));
