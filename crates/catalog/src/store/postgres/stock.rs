//! Stock rows as they are locked and written: each once in a batch, always in the order of their numbers.

use super::{broken, read};
use contracts::values::ProductId;
use platform::db::{
    StoreError,
    postgres::{Connection, ToSql},
};
use std::collections::BTreeMap;

/// What a batch does to each variant, on hand and reserved.
pub(super) type Units = BTreeMap<i64, (i64, i64)>;

/// An UPDATE locks rows in the order of its plan, whatever that is; this one keeps the order of numbers.
pub(super) const LOCK: &str = "SELECT variant_number, on_hand, reserved
   FROM stock
  WHERE variant_number = ANY($1)
  ORDER BY variant_number
    FOR NO KEY UPDATE";

const MOVE: &str = "UPDATE stock
    SET on_hand = stock.on_hand + moved.on_hand, reserved = stock.reserved + moved.reserved,
        version = stock.version + CASE WHEN moved.on_hand = 0 AND moved.reserved = 0 THEN 0 ELSE 1 END
   FROM UNNEST($1::bigint[], $2::bigint[], $3::bigint[]) AS moved (variant_number, on_hand, reserved)
        JOIN variants v ON v.variant_number = moved.variant_number
        JOIN products p ON p.product_number = v.product_number
  WHERE stock.variant_number = moved.variant_number
 RETURNING p.product_id";

/// Adds to each row what a batch did to it; gives their products. Rows that nothing moves keep their version.
pub(super) async fn move_all(
    connection: &Connection,
    moved: &Units,
) -> Result<Vec<ProductId>, StoreError> {
    if moved.is_empty() {
        return Ok(Vec::new());
    }
    let numbers: Vec<i64> = moved.keys().copied().collect();
    let on_hand: Vec<i64> = moved.values().map(|(on_hand, _)| *on_hand).collect();
    let reserved: Vec<i64> = moved.values().map(|(_, reserved)| *reserved).collect();
    connection.prepare(&[LOCK, MOVE]).await?;
    let counts: [&(dyn ToSql + Sync); 3] = [&numbers, &on_hand, &reserved];
    // Both go out at once, the lock first.
    let (locked, written) = tokio::join!(
        async { connection.query(LOCK, &[&numbers]).await },
        connection.query(MOVE, &counts)
    );
    locked?;
    let written = written?;
    if written.len() != numbers.len() {
        return Err(broken("a reservation names no stock"));
    }
    written
        .iter()
        .map(|row| Ok(ProductId::from_bytes(read::id(row, 0)?)))
        .collect()
}

/// Whether so many rows are all of them.
pub(super) fn is(count: u64, all: usize) -> bool {
    u64::try_from(all).is_ok_and(|all| count == all)
}
