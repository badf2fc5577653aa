//! The provider's own books, read from its file: what was really taken and given back. Never writes.

use rusqlite::{Connection, OpenFlags};
use std::path::Path;

/// What the provider did, in minor units.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Provider {
    pub(crate) captures: i64,
    pub(crate) captured_minor: i64,
    pub(crate) refunds: i64,
    pub(crate) refunded_minor: i64,
}

impl Provider {
    /// Nothing was taken.
    pub(crate) const NOTHING: Self = Self {
        captures: 0,
        captured_minor: 0,
        refunds: 0,
        refunded_minor: 0,
    };

    /// Reads them from a shop's folder.
    pub(crate) fn read(folder: &Path) -> Self {
        let path = folder.join("sandbox.sqlite");
        let books = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let sum = |state: &str| -> (i64, i64) {
            let sql =
                "SELECT COUNT(*), COALESCE(SUM(amount_minor), 0) FROM entries WHERE state = ?1";
            books
                .query_row(sql, [state], |row| Ok((row.get(0)?, row.get(1)?)))
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        };
        let ((captures, captured_minor), (refunds, refunded_minor)) =
            (sum("captured"), sum("refunded"));
        Self {
            captures,
            captured_minor,
            refunds,
            refunded_minor,
        }
    }
}
