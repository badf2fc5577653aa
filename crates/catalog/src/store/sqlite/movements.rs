//! What moved a variant's stock: a view over the ledgers, adjustments, reservation lines and returns. Nothing
//! is written for it, so that an order's sale costs no second row.

use crate::{
    domain::reservation,
    store::{cursor, movement::Before},
};
use contracts::{
    catalog::MovementView,
    values::{OrderId, Page, PageSize, Timestamp, VariantId},
};
use platform::db::StoreError;
use rusqlite::{Connection, Row, params};

/// A reservation shows up to three movements: held, then sold or given back, then perhaps returned; and one for each
/// refund that brought some of it back.
const MOVEMENTS: &str = "WITH held AS (
         SELECT r.*, SUM(l.quantity) AS units,
                COALESCE((SELECT SUM(b.quantity)
                            FROM reservation_returns b
                           WHERE b.reservation_number = r.reservation_number
                             AND b.variant_number = l.variant_number), 0) AS came_back
           FROM (SELECT s.variant_number, s.reservation_number
                   FROM variants v
                   JOIN reservations_by_variant s ON s.variant_number = v.variant_number
                  WHERE v.variant_id = ?1
                  UNION
                 SELECT n.variant_number, n.reservation_number
                   FROM variants v
                   JOIN reservation_lines n ON n.variant_number = v.variant_number
                  WHERE v.variant_id = ?1
                    AND n.reservation_number >= (SELECT COALESCE(MAX(reservation_number), 0) / 8192 * 8192 - 8192
                                                   FROM reservations)) h
           JOIN reservation_lines l ON l.reservation_number = h.reservation_number
            AND l.variant_number = h.variant_number
           JOIN reservations r ON r.reservation_number = l.reservation_number
          GROUP BY l.reservation_number
     ),
     moved AS (
         SELECT a.at_ms, 0 AS source, a.adjustment_number AS number, 0 AS step, a.kind,
                a.delta AS on_hand_delta, 0 AS reserved_delta, a.reason, a.actor, NULL AS order_id
           FROM variants v
           JOIN stock_adjustments a ON a.variant_number = v.variant_number
          WHERE v.variant_id = ?1
          UNION ALL
         SELECT created_at_ms, 1, reservation_number, 1, 'reserved', 0, units, 'ordered', 'system', order_id
           FROM held
          UNION ALL
         SELECT resolved_at_ms, 1, reservation_number, 2, 'sold', -units, -units, 'paid', resolved_by, order_id
           FROM held
          WHERE state IN ('committed', 'returned')
          UNION ALL
         SELECT resolved_at_ms, 1, reservation_number, 2, state, 0, -units,
                iif(state = 'expired', 'not paid in time', 'cancelled'), resolved_by, order_id
           FROM held
          WHERE state IN ('released', 'expired')
          UNION ALL
         SELECT returned_at_ms, 1, reservation_number, 3, 'returned', units - came_back, 0, 'returned', returned_by,
                order_id
           FROM held
          WHERE state = 'returned' AND units > came_back
          UNION ALL
         SELECT b.at_ms, 2, b.return_number, 0, 'returned', b.quantity, 0, 'refunded', b.actor, r.order_id
           FROM variants v
           JOIN reservation_returns b ON b.variant_number = v.variant_number
           JOIN reservations r ON r.reservation_number = b.reservation_number
          WHERE v.variant_id = ?1
     )
     SELECT at_ms, source, number, step, kind, on_hand_delta, reserved_delta, reason, actor, order_id
       FROM moved
      WHERE (at_ms, source, number, step) < (?2, ?3, ?4, ?5)
      ORDER BY at_ms DESC, source DESC, number DESC, step DESC
      LIMIT ?6";

pub(super) fn page(
    connection: &Connection,
    id: VariantId,
    limit: PageSize,
    before: Before,
) -> Result<Page<MovementView>, StoreError> {
    let mut statement = connection.prepare_cached(MOVEMENTS)?;
    let rows = statement.query_map(
        params![
            id.as_bytes(),
            before.at_ms,
            before.source,
            before.number,
            before.step,
            i64::from(limit.get()).saturating_add(1),
        ],
        movement,
    )?;
    let rows = rows.collect::<Result<Vec<_>, _>>()?;
    let limit = usize::try_from(limit.get()).unwrap_or(1);
    let page = cursor::page(rows, limit, |(keys, _)| *keys)?;
    Ok(Page {
        data: page.data.into_iter().map(|(_, view)| view).collect(),
        next_cursor: page.next_cursor,
    })
}

fn movement(row: &Row<'_>) -> rusqlite::Result<(Before, MovementView)> {
    let keys = Before {
        at_ms: row.get(0)?,
        source: row.get(1)?,
        number: row.get(2)?,
        step: row.get(3)?,
    };
    let order_id: Option<[u8; 16]> = row.get(9)?;
    let kind: String = row.get(4)?;
    debug_assert!(
        ["initial", "adjusted", "reserved", "sold"].contains(&kind.as_str())
            || reservation::from_word(&kind).is_some(),
        "{kind}"
    );
    let view = MovementView {
        kind,
        on_hand_delta: row.get(5)?,
        reserved_delta: row.get(6)?,
        reason: row.get(7)?,
        actor: row.get(8)?,
        order_id: order_id.map(OrderId::from_bytes),
        at: Timestamp::from_ms(keys.at_ms),
    };
    Ok((keys, view))
}
