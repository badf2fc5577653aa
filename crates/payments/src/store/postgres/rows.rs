//! What the rows of payments and refunds have in common. A row that no longer reads as its type is storage's failure,
//! never a default.

use crate::domain::Progress;
use contracts::{BoxError, payments::SagaState, values::Timestamp};
use platform::db::{
    StoreError,
    postgres::{Bytes, Row},
};

/// Comes before every id: nobody has it.
pub(super) const BEFORE_ALL: Bytes<16> = Bytes([0; 16]);

pub(super) fn other(error: impl Into<BoxError>) -> StoreError {
    StoreError::Other(error.into())
}

pub(super) fn bytes<const LENGTH: usize>(
    row: &Row,
    column: usize,
) -> Result<[u8; LENGTH], StoreError> {
    let Bytes(bytes): Bytes<LENGTH> = row.try_get(column)?;
    Ok(bytes)
}

pub(super) fn time(row: &Row, column: usize) -> Result<Timestamp, StoreError> {
    Ok(Timestamp::from_ms(row.try_get(column)?))
}

/// A count that is never negative.
pub(super) fn count(row: &Row, column: usize) -> Result<u32, StoreError> {
    u32::try_from(row.try_get::<_, i64>(column)?).map_err(other)
}

/// Owner, fence, tries, next try, parked, reason: six columns from this one on.
pub(super) fn progress_of(row: &Row, first: usize) -> Result<Progress, StoreError> {
    let at = |place: usize| first.saturating_add(place);
    Ok(Progress {
        owner: row.try_get(first)?,
        fence: row.try_get(at(1))?,
        tries: count(row, at(2))?,
        next_try_at: time(row, at(3))?,
        parked: row.try_get(at(4))?,
        reason: row.try_get(at(5))?,
    })
}

/// Whether those that wait for a person are wanted, or the others; none if both.
pub(super) fn parked(state: Option<SagaState>) -> Option<bool> {
    state.map(|state| state == SagaState::Parked)
}
