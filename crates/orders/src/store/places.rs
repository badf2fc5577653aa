//! Where a row stands in a list, as the cursor of that list says it: the numbers that the list is ordered by.

use contracts::{orders::OrderError, values::Cursor};
use platform::digest;

/// Before the first row of a list that goes backwards.
pub(super) const END: i64 = i64::MAX;

/// Reads where a page begins, which is the beginning of the list where no cursor is given.
///
/// # Errors
/// `Invalid` where the cursor is not of a list that is ordered by so many numbers.
pub(super) fn read<const N: usize>(cursor: Option<&Cursor>) -> Result<[i64; N], OrderError> {
    let Some(cursor) = cursor else {
        return Ok([END; N]);
    };
    let bytes = digest::from_base64url(cursor.as_str()).unwrap_or_default();
    let text = String::from_utf8(bytes).unwrap_or_default();
    let numbers: Result<Vec<i64>, _> = text.split('.').map(str::parse).collect();
    let numbers = numbers.unwrap_or_default().try_into();
    numbers.map_err(|_| OrderError::Invalid {
        field: "cursor".into(),
        reason: "is no cursor of this list".to_owned(),
    })
}

/// The cursor of the page behind the row that stands there.
pub(super) fn cursor(numbers: &[i64]) -> Option<Cursor> {
    let texts: Vec<_> = numbers.iter().map(i64::to_string).collect();
    Cursor::parse(&digest::base64url(texts.join(".").as_bytes())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_cursor_and_from_no_other_lists() {
        let three = cursor(&[7, -1, i64::MAX]);
        assert_eq!(read(three.as_ref()).unwrap(), [7, -1, i64::MAX]);
        assert_eq!(read(None).unwrap(), [END, END]);
        for other in [three, Cursor::parse("abc").ok(), cursor(&[7])] {
            assert!(other.is_some() && read::<2>(other.as_ref()).is_err());
        }
    }
}
