//! Our values as PostgreSQL's: ids and hashes are bytes of a known length. Nothing is converted beyond that.

use crate::db::StoreError;
use std::{error::Error, str::FromStr};
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

/// A stored text as the value it stands for.
///
/// # Errors
/// When the column is no text, or does not read as that value any more.
pub fn parsed<T>(row: &Row, column: usize) -> Result<T, StoreError>
where
    T: FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    let text: &str = row.try_get(column)?;
    text.parse()
        .map_err(|error| StoreError::Other(Box::new(error)))
}

/// So many bytes: a `uuid` if there are 16, otherwise a `bytea`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes<const LENGTH: usize>(pub [u8; LENGTH]);

impl<const LENGTH: usize> Bytes<LENGTH> {
    fn fits(column: &Type) -> bool {
        *column == Type::BYTEA || (LENGTH == 16 && *column == Type::UUID)
    }
}

impl<'a, const LENGTH: usize> FromSql<'a> for Bytes<LENGTH> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.try_into()?))
    }

    fn accepts(column: &Type) -> bool {
        Self::fits(column)
    }
}

impl<const LENGTH: usize> ToSql for Bytes<LENGTH> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(&self.0);
        Ok(IsNull::No)
    }

    fn accepts(column: &Type) -> bool {
        Self::fits(column)
    }

    to_sql_checked!();
}
