//! Rows by their order's id, a hash (ADR 3): an index in two parts (ADR 23). A new key goes into the small one,
//! and moves into the large one with its neighbours, so that a page of that is written for many keys at once. Both
//! tables, `by_order_recent` and `by_order_settled`, and the view `by_order` over them are made by the migrations of
//! whoever uses them. A key is never in both: whoever adds one has looked for it in the same transaction.

use crate::db::StoreError;
use contracts::values::OrderId;
use rusqlite::{Connection, params};

/// Every so many rows, one slice of the keys moves.
const STEP_ROWS: u64 = 64;
/// Keys that move at once; as many as rows came since, if they are as even as hashes are. More wait for the next turn.
const SLICE_KEYS_MAX: u64 = 4 * STEP_ROWS;
/// All keys have moved once after rows of this share of all there are, rounded up to a power of two: so each page of
/// the large part is written for about ten keys, however large it is.
const TURN_SHARE: u64 = 8;
/// The fewest slices of a turn, as a power of two.
const SLICES_MIN_BITS: u32 = 4;

const ADD: &str = "INSERT INTO by_order_recent (order_id, number) VALUES (?1, ?2)";

const SETTLE: &str = "INSERT INTO by_order_settled (order_id, number)
     SELECT order_id, number
       FROM by_order_recent
      WHERE order_id BETWEEN ?1 AND ?2
      ORDER BY order_id
      LIMIT ?3";

const FORGET: &str = "DELETE FROM by_order_recent
      WHERE order_id BETWEEN ?1 AND (SELECT MAX(order_id)
                                       FROM (SELECT order_id
                                               FROM by_order_recent
                                              WHERE order_id BETWEEN ?1 AND ?2
                                              ORDER BY order_id
                                              LIMIT ?3))";

const COUNT: &str =
    "SELECT (SELECT COUNT(*) FROM by_order_recent) + (SELECT COUNT(*) FROM by_order_settled)";

/// Leads from an order's id to the number of its row, from now on. Numbers follow each other; some of them take a
/// slice of older keys along into the large part, in the same transaction.
///
/// # Errors
/// When a statement fails, and for a key that is there already.
pub fn add(connection: &Connection, id: OrderId, number: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached(ADD)?
        .execute(params![id.as_bytes(), number])?;
    let Some((from, to)) = slice_after(number) else {
        return Ok(());
    };
    let slice = params![from, to, SLICE_KEYS_MAX.cast_signed()];
    connection.prepare_cached(SETTLE)?.execute(slice)?;
    connection.prepare_cached(FORGET)?.execute(slice)?;
    Ok(())
}

/// For audits: there are as many keys as this statement counts rows.
///
/// # Errors
/// When there are not, or a statement fails.
pub fn check_count(connection: &Connection, rows: &str) -> Result<(), StoreError> {
    let rows: i64 = connection.query_row(rows, [], |row| row.get(0))?;
    let keys: i64 = connection.query_row(COUNT, [], |row| row.get(0))?;
    if rows == keys {
        return Ok(());
    }
    Err(broken(format!("{keys} keys of orders lead to {rows} rows")))
}

/// For audits: whether the key of this order leads to a row with the order's id.
///
/// # Errors
/// When it does not.
pub fn check(leads: bool, id: OrderId) -> Result<(), StoreError> {
    if leads {
        Ok(())
    } else {
        Err(broken(format!("the key of order {id} leads elsewhere")))
    }
}

fn broken(what: String) -> StoreError {
    StoreError::Other(what.into())
}

/// The first and the last key of the slice that moves once this row is there. Nothing has to be kept to know it:
/// the number itself says whose turn it is.
fn slice_after(number: i64) -> Option<([u8; 16], [u8; 16])> {
    let number = u64::try_from(number).ok()?;
    let step = number.checked_div(STEP_ROWS)?;
    if step == 0 || !number.is_multiple_of(STEP_ROWS) {
        return None;
    }
    let bits = step
        .checked_div(TURN_SHARE)?
        .checked_ilog2()
        .map_or(0, |bits| bits.saturating_add(1))
        .max(SLICES_MIN_BITS);
    // Of the step only the lowest bits remain: a turn begins anew after the last slice.
    let from = u128::from(step).wrapping_shl(u128::BITS.saturating_sub(bits));
    let to = from | u128::MAX.wrapping_shr(bits);
    Some((from.to_be_bytes(), to.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the migrations of the stores make it.
    const TABLES: &str = "
        CREATE TABLE by_order_recent (
            order_id BLOB NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (order_id)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE by_order_settled (
            order_id BLOB NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (order_id)
        ) STRICT, WITHOUT ROWID;
        CREATE VIEW by_order AS
            SELECT order_id, number FROM by_order_recent
             UNION ALL
            SELECT order_id, number FROM by_order_settled;";

    fn tables() -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch(TABLES).unwrap();
        connection
    }

    fn id(number: i64) -> OrderId {
        OrderId::from_bytes(crate::digest::derived_id("order", &number.to_string()))
    }

    fn ask(connection: &Connection, sql: &str) -> i64 {
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn every_key_is_found_once_wherever_it_is() {
        let connection = tables();
        for number in 1..=5_000 {
            add(&connection, id(number), number).unwrap();
        }
        let mut statement = connection
            .prepare("SELECT number FROM by_order WHERE order_id = ?1")
            .unwrap();
        for number in 1..=5_000_i64 {
            let found: Vec<i64> = statement
                .query_map([id(number).as_bytes()], |row| row.get(0))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            assert_eq!(found, [number]);
        }
        check_count(&connection, "SELECT 5000").unwrap();
        assert!(check_count(&connection, "SELECT 5001").is_err());
        assert!(ask(&connection, "SELECT COUNT(*) FROM by_order_settled") > 3_500);
    }

    #[test]
    fn the_small_part_stays_small() {
        let connection = tables();
        for number in 1..=20_000 {
            add(&connection, id(number), number).unwrap();
            if number % 1_000 == 0 && number >= 8_000 {
                let recent = ask(&connection, "SELECT COUNT(*) FROM by_order_recent");
                assert!(recent * 4 < number, "{recent} of {number}");
            }
        }
    }

    #[test]
    fn a_turn_takes_every_key_and_leaves_none_between_its_slices() {
        for first in [16_i64, 1_024, 1 << 20] {
            let slice = |step: i64| slice_after(step * 64).unwrap();
            let mut turn = vec![slice(first)];
            while turn.last().unwrap().1 != [0xff; 16] {
                let next = slice(first + i64::try_from(turn.len()).unwrap());
                let end = u128::from_be_bytes(turn.last().unwrap().1);
                assert_eq!(u128::from_be_bytes(next.0), end + 1);
                turn.push(next);
            }
            assert_eq!(turn[0].0, [0; 16], "from {first}");
        }
    }

    #[test]
    fn between_the_steps_nothing_moves() {
        assert!(
            [-64, 0, 1, 63, 65, 127]
                .into_iter()
                .all(|number| slice_after(number).is_none())
        );
    }

    #[test]
    fn keys_that_crowd_a_slice_move_a_bounded_number_at_a_time() {
        let connection = tables();
        for number in 1_i64..=1_024 {
            // All in the first slice, the last first.
            let mut bytes = [0; 16];
            bytes[8..].copy_from_slice(&(2_000 - number).to_be_bytes());
            add(&connection, OrderId::from_bytes(bytes), number).unwrap();
        }
        assert_eq!(
            ask(&connection, "SELECT COUNT(*) FROM by_order_settled"),
            256
        );
        assert_eq!(
            ask(&connection, "SELECT MAX(number) FROM by_order_settled"),
            1_024
        );
        assert_eq!(
            ask(&connection, "SELECT MAX(number) FROM by_order_recent"),
            768
        );
        check_count(&connection, "SELECT 1024").unwrap();
    }

    #[test]
    fn a_key_is_added_once() {
        let connection = tables();
        add(&connection, id(1), 1).unwrap();
        let again = add(&connection, id(1), 2);
        assert!(matches!(again, Err(StoreError::Constraint(_))), "{again:?}");
    }

    #[test]
    fn a_page_in_the_order_of_ids_is_merged_and_not_sorted() {
        let connection = tables();
        let sql = "EXPLAIN QUERY PLAN
                   SELECT order_id, number FROM by_order WHERE order_id > ?1 ORDER BY order_id LIMIT ?2";
        let mut statement = connection.prepare(sql).unwrap();
        let plan: Vec<String> = statement
            .query_map(params![[0_u8; 16], 10], |row| row.get(3))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert!(plan.iter().any(|step| step.contains("MERGE")), "{plan:?}");
        assert!(
            !plan
                .iter()
                .any(|step| step.contains("TEMP B-TREE") || step.contains("SCAN")),
            "{plan:?}"
        );
    }
}
