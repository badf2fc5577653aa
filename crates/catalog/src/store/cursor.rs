//! Cursors: the sort keys of the last row seen, as base64url of JSON. Whatever else comes is refused.

use contracts::{
    catalog::ListError,
    values::{Cursor, Page},
};
use platform::{db::StoreError, digest};
use serde::{Serialize, de::DeserializeOwned};

pub(super) fn write(keys: &impl Serialize) -> Result<Cursor, StoreError> {
    let other = |error: contracts::BoxError| StoreError::Other(error);
    let json = serde_json::to_vec(keys).map_err(|error| other(error.into()))?;
    Cursor::parse(&digest::base64url(&json)).map_err(|error| other(error.into()))
}

/// The keys in a cursor, if one came.
pub(super) fn read<T: DeserializeOwned>(cursor: Option<&Cursor>) -> Result<Option<T>, ListError> {
    let keys = |cursor: &Cursor| {
        digest::from_base64url(cursor.as_str())
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or_else(foreign)
    };
    cursor.map(keys).transpose()
}

/// A cursor that this list did not make.
pub(super) fn foreign() -> ListError {
    ListError::InvalidParameter {
        name: "cursor".into(),
        reason: "is no cursor of this list".to_owned(),
    }
}

/// Makes a page of rows of which one more than fits was read; `keys` are those of a row.
pub(super) fn page<R, K: Serialize>(
    mut rows: Vec<R>,
    limit: usize,
    keys: impl FnOnce(&R) -> K,
) -> Result<Page<R>, StoreError> {
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last = if more { rows.last() } else { None };
    let next_cursor = last.map(|row| write(&keys(row))).transpose()?;
    Ok(Page {
        data: rows,
        next_cursor,
    })
}
