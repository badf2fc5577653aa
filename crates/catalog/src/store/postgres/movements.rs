//! What moved a variant's stock: a view over the ledgers, adjustments, reservation lines and returns. Nothing
//! is written for it, so that an order's sale costs no second row.

use crate::store::{cursor, movement::Before};
use contracts::{
    catalog::MovementView,
    values::{OrderId, Page, PageSize, Timestamp, VariantId},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};

/// A reservation shows up to three movements: held, then sold or given back, then perhaps returned; and one for each
/// refund that brought some of it back.
const MOVEMENTS: &str = "WITH meant AS MATERIALIZED (
         SELECT variant_number FROM variants WHERE variant_id = $1
     ),
     lines AS MATERIALIZED (
         SELECT l.reservation_number, SUM(l.quantity)::bigint AS units
           FROM reservation_lines l
          WHERE l.variant_number = (SELECT variant_number FROM meant)
          GROUP BY l.reservation_number
     ),
     back AS MATERIALIZED (
         SELECT b.return_number, b.reservation_number, b.quantity, b.actor, b.at_ms
           FROM reservation_returns b
          WHERE b.variant_number = (SELECT variant_number FROM meant)
     ),
     held AS MATERIALIZED (
         SELECT r.*, l.units,
                COALESCE((SELECT SUM(b.quantity)
                            FROM back b
                           WHERE b.reservation_number = r.reservation_number), 0)::bigint AS came_back
           FROM lines l
           JOIN reservations r ON r.reservation_number = l.reservation_number
     ),
     moved AS (
         SELECT a.at_ms, 0::bigint AS source, a.adjustment_number AS number, 0::bigint AS step, a.kind,
                a.delta AS on_hand_delta, 0::bigint AS reserved_delta, a.reason, a.actor, NULL::uuid AS order_id
           FROM stock_adjustments a
          WHERE a.variant_number = (SELECT variant_number FROM meant)
          UNION ALL
         SELECT created_at_ms, 1, reservation_number, 1, 'reserved', 0, units, 'ordered', 'system', order_id
           FROM held
          UNION ALL
         SELECT resolved_at_ms, 1, reservation_number, 2, 'sold', -units, -units, 'paid', resolved_by, order_id
           FROM held
          WHERE state IN ('committed', 'returned')
          UNION ALL
         SELECT resolved_at_ms, 1, reservation_number, 2, state, 0, -units,
                CASE WHEN state = 'expired' THEN 'not paid in time' ELSE 'cancelled' END, resolved_by, order_id
           FROM held
          WHERE state IN ('released', 'expired')
          UNION ALL
         SELECT returned_at_ms, 1, reservation_number, 3, 'returned', units - came_back, 0, 'returned', returned_by,
                order_id
           FROM held
          WHERE state = 'returned' AND units > came_back
          UNION ALL
         SELECT b.at_ms, 2, b.return_number, 0, 'returned', b.quantity, 0, 'refunded', b.actor, r.order_id
           FROM back b
           JOIN reservations r ON r.reservation_number = b.reservation_number
     )
     SELECT at_ms, source, number, step, kind, on_hand_delta, reserved_delta, reason, actor, order_id
       FROM moved
      WHERE (at_ms, source, number, step) < ($2, $3, $4, $5)
      ORDER BY at_ms DESC, source DESC, number DESC, step DESC
      LIMIT $6";

pub(super) async fn page(
    connection: &Connection,
    id: VariantId,
    limit: PageSize,
    before: Before,
) -> Result<Page<MovementView>, StoreError> {
    let fits = i64::from(limit.get()).saturating_add(1);
    let id = Bytes(*id.as_bytes());
    let parameters: [&(dyn ToSql + Sync); 6] = [
        &id,
        &before.at_ms,
        &before.source,
        &before.number,
        &before.step,
        &fits,
    ];
    let rows = connection.query(MOVEMENTS, &parameters).await?;
    let rows = rows.iter().map(movement).collect::<Result<Vec<_>, _>>()?;
    let limit = usize::try_from(limit.get()).unwrap_or(1);
    let page = cursor::page(rows, limit, |(keys, _)| *keys)?;
    Ok(Page {
        data: page.data.into_iter().map(|(_, view)| view).collect(),
        next_cursor: page.next_cursor,
    })
}

fn movement(row: &Row) -> Result<(Before, MovementView), StoreError> {
    let keys = Before {
        at_ms: row.try_get(0)?,
        source: row.try_get(1)?,
        number: row.try_get(2)?,
        step: row.try_get(3)?,
    };
    let order_id: Option<Bytes<16>> = row.try_get(9)?;
    let view = MovementView {
        kind: row.try_get(4)?,
        on_hand_delta: row.try_get(5)?,
        reserved_delta: row.try_get(6)?,
        reason: row.try_get(7)?,
        actor: row.try_get(8)?,
        order_id: order_id.map(|Bytes(id)| OrderId::from_bytes(id)),
        at: Timestamp::from_ms(keys.at_ms),
    };
    Ok((keys, view))
}
