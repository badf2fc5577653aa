//! The books beside what is kept: sums are made anew from the ledgers, never from the balances. They are added here
//! and not in SQL, where an overflow would fail the whole page.

use super::{FIRST_ID, read, reserved::state};
use crate::store::{
    back,
    prices::{self, Priced},
};
use contracts::{
    catalog::{ProductAudit, ReservationAudit, ReservationState, StockAudit, line_mark},
    values::{OrderId, ProductId, RefundId, Timestamp, VariantId},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, Row},
};
use std::collections::{BTreeSet, HashMap};

/// Reservations that one statement looks through: a ledger of any length is read in as many as it takes.
const SLICE: i64 = 200_000;
/// Variants of a page: statements name all of them.
const SHELVES_MAX: u32 = 50_000;

/// What the ledgers say of a variant.
#[derive(Debug, Clone, Copy, Default)]
struct Ledgers {
    adjusted: i64,
    open: i64,
    sold: i64,
}

const STOCK: &str =
    "SELECT v.variant_number, v.variant_id, v.sku, COALESCE(s.on_hand, -1), COALESCE(s.reserved, -1)
       FROM variants v
       LEFT JOIN stock s ON s.variant_number = v.variant_number
      WHERE v.variant_id > $1
      ORDER BY v.variant_id
      LIMIT $2";

pub(super) async fn stock(
    connection: &Connection,
    after: Option<VariantId>,
    limit: u32,
) -> Result<Vec<StockAudit>, StoreError> {
    let after = after.map_or(FIRST_ID, |id| Bytes(*id.as_bytes()));
    let rows = connection
        .query(STOCK, &[&after, &i64::from(limit.min(SHELVES_MAX))])
        .await?;
    let numbers = rows
        .iter()
        .map(|row| Ok(row.try_get(0)?))
        .collect::<Result<Vec<i64>, StoreError>>()?;
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let ledgers = add_up(connection, &numbers).await?;
    rows.iter()
        .map(|row| {
            let sums = ledgers.get(&row.try_get(0)?).copied().unwrap_or_default();
            Ok(StockAudit {
                variant_id: VariantId::from_bytes(read::id(row, 1)?),
                sku: row.try_get(2)?,
                on_hand: row.try_get(3)?,
                reserved: row.try_get(4)?,
                ledger_on_hand: sums.adjusted.saturating_sub(sums.sold),
                ledger_reserved: sums.open,
                sold: sums.sold,
            })
        })
        .collect()
}

const ADJUSTMENTS: &str =
    "SELECT variant_number, delta FROM stock_adjustments WHERE variant_number = ANY($1)";

/// Units by variant and state: a row for each pair, so that no sum comes near an overflow.
const LINES: &str = "SELECT l.variant_number, r.state, SUM(l.quantity)::bigint
   FROM reservation_lines l
   JOIN reservations r ON r.reservation_number = l.reservation_number
  WHERE l.variant_number = ANY($1)
    AND l.reservation_number > $2 AND l.reservation_number <= $3
    AND r.reservation_number > $2 AND r.reservation_number <= $3
  GROUP BY l.variant_number, r.state";

/// An order that came back whole counts as such: what came back of it before is part of that.
const RETURNS: &str = "SELECT b.variant_number, b.quantity
   FROM reservation_returns b
   JOIN reservations r ON r.reservation_number = b.reservation_number
  WHERE b.variant_number = ANY($1) AND r.state = 'committed'";

const LAST: &str = "SELECT COALESCE(MAX(reservation_number), 0) FROM reservations";

async fn add_up(
    connection: &Connection,
    numbers: &[i64],
) -> Result<HashMap<i64, Ledgers>, StoreError> {
    let mut ledgers: HashMap<i64, Ledgers> = HashMap::new();
    for row in connection.query(ADJUSTMENTS, &[&numbers]).await? {
        let sums = ledgers.entry(row.try_get(0)?).or_default();
        sums.adjusted = sums.adjusted.saturating_add(row.try_get(1)?);
    }
    let last: i64 = connection.query_one(LAST, &[]).await?.try_get(0)?;
    let mut from = 0_i64;
    while from < last {
        let to = from.saturating_add(SLICE);
        for row in connection.query(LINES, &[&numbers, &from, &to]).await? {
            let sums = ledgers.entry(row.try_get(0)?).or_default();
            let sum = match state(&row, 1)? {
                ReservationState::Open => &mut sums.open,
                ReservationState::Committed => &mut sums.sold,
                ReservationState::Returned
                | ReservationState::Released
                | ReservationState::Expired => continue,
            };
            *sum = sum.saturating_add(row.try_get(2)?);
        }
        from = to;
    }
    for row in connection.query(RETURNS, &[&numbers]).await? {
        let sums = ledgers.entry(row.try_get(0)?).or_default();
        sums.sold = sums.sold.saturating_sub(row.try_get(1)?);
    }
    Ok(ledgers)
}

/// A variant that came to a product later begins with the version it came in, and one that was withdrawn ends with the
/// version it went in, off sale.
const PRODUCTS: &str = "SELECT v.variant_id, p.product_id, v.sku, COALESCE(v.withdrawn_in, p.version), h.known, h.first,
        h.last, COALESCE(o.opening, FALSE) OR v.made_in > 1 AND h.first = v.made_in,
        COALESCE(n.price_minor = v.price_minor AND n.currency = v.currency AND n.prices = v.prices
                 AND n.status = CASE WHEN v.withdrawn_in IS NULL THEN p.status ELSE 'archived' END, FALSE)
   FROM (SELECT variant_id, variant_number
           FROM variants
          WHERE variant_id > $1
          ORDER BY variant_id
          LIMIT $2) g
   JOIN variants v ON v.variant_number = g.variant_number
   JOIN products p ON p.product_number = v.product_number
  CROSS JOIN LATERAL (
         SELECT COUNT(*) AS known, COALESCE(MIN(w.version), 0) AS first, COALESCE(MAX(w.version), 0) AS last
           FROM product_versions w
          WHERE w.variant_number = g.variant_number
        ) h
   LEFT JOIN product_versions o ON o.variant_number = v.variant_number AND o.version = h.first
   LEFT JOIN product_versions n ON n.variant_number = v.variant_number AND n.version = h.last
  ORDER BY v.variant_id";

pub(super) async fn products(
    connection: &Connection,
    after: Option<VariantId>,
    limit: u32,
) -> Result<Vec<ProductAudit>, StoreError> {
    let after = after.map_or(FIRST_ID, |id| Bytes(*id.as_bytes()));
    let rows = connection
        .query(PRODUCTS, &[&after, &i64::from(limit)])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(ProductAudit {
                variant_id: VariantId::from_bytes(read::id(row, 0)?),
                product_id: ProductId::from_bytes(read::id(row, 1)?),
                sku: row.try_get(2)?,
                version: read::version(row, 3)?,
                known: row.try_get(4)?,
                first: row.try_get(5)?,
                last: row.try_get(6)?,
                opened_late: row.try_get(7)?,
                is_current: row.try_get(8)?,
            })
        })
        .collect()
}

const RESERVATIONS: &str =
    "SELECT r.reservation_number, r.order_id, r.state, r.hold_until_at_ms, r.created_at_ms,
        COALESCE((SELECT SUM(b.quantity)
                    FROM reservation_returns b
                   WHERE b.reservation_number = r.reservation_number), 0)::bigint,
        (r.state = 'open') = (r.resolved_at_ms IS NULL)
        AND (r.state = 'returned') = (r.returned_at_ms IS NOT NULL)
   FROM reservations r
  WHERE r.order_id > $1
  ORDER BY r.order_id
  LIMIT $2";

const PRICED_LINES: &str =
    "SELECT l.reservation_number, v.variant_id, l.variant_number, l.quantity, l.unit_price_minor, l.currency
   FROM reservation_lines l
   JOIN variants v ON v.variant_number = l.variant_number
  WHERE l.reservation_number = ANY($1)";

const BACK: &str = "SELECT b.reservation_number, b.refund_id, v.variant_id, b.quantity
   FROM reservation_returns b
   JOIN variants v ON v.variant_number = b.variant_number
  WHERE b.reservation_number = ANY($1)";

pub(super) async fn reservations(
    connection: &Connection,
    after: Option<OrderId>,
    limit: u32,
) -> Result<Vec<ReservationAudit>, StoreError> {
    let after = after.map_or(FIRST_ID, |id| Bytes(*id.as_bytes()));
    let rows = connection
        .query(RESERVATIONS, &[&after, &i64::from(limit)])
        .await?;
    let mut audits = rows
        .iter()
        .map(audit_of)
        .collect::<Result<Vec<_>, StoreError>>()?;
    let numbers = rows
        .iter()
        .map(|row| Ok(row.try_get(0)?))
        .collect::<Result<Vec<i64>, StoreError>>()?;
    let places: HashMap<i64, usize> = numbers.iter().copied().zip(0..).collect();
    let lines = connection.query(PRICED_LINES, &[&numbers]).await?;
    let prices = prices_of(connection, &lines).await?;
    for line in &lines {
        let place = places.get(&line.try_get(0)?).copied();
        if let Some((audit, created_ms)) = place.and_then(|place| audits.get_mut(place)) {
            add_line(audit, line, *created_ms, &prices)?;
        }
    }
    for row in connection.query(BACK, &[&numbers]).await? {
        let place = places.get(&row.try_get(0)?).copied();
        if let Some((audit, _)) = place.and_then(|place| audits.get_mut(place)) {
            let refund = RefundId::from_bytes(read::id(&row, 1)?);
            let variant = VariantId::from_bytes(read::id(&row, 2)?);
            back::add(
                audit.back.get_or_insert_default(),
                refund,
                variant,
                row.try_get(3)?,
            );
        }
    }
    Ok(audits.into_iter().map(|(audit, _)| audit).collect())
}

/// A reservation without its lines, and when it was made.
fn audit_of(row: &Row) -> Result<(ReservationAudit, i64), StoreError> {
    let audit = ReservationAudit {
        order_id: OrderId::from_bytes(read::id(row, 1)?),
        state: state(row, 2)?,
        units: 0,
        returned: row.try_get(5)?,
        value_minor: 0,
        currency: None,
        hold_until: Timestamp::from_ms(row.try_get(3)?),
        contents: 0,
        prices_known: true,
        ended_once: row.try_get(6)?,
        back: Some(Vec::new()),
    };
    Ok((audit, row.try_get(4)?))
}

fn add_line(
    audit: &mut ReservationAudit,
    line: &Row,
    created_ms: i64,
    prices: &HashMap<i64, Vec<Priced>>,
) -> Result<(), StoreError> {
    let variant = VariantId::from_bytes(read::id(line, 1)?);
    let number: i64 = line.try_get(2)?;
    let (units, price): (i64, i64) = (line.try_get(3)?, line.try_get(4)?);
    audit.contents = audit
        .contents
        .wrapping_add(line_mark(variant, price, units));
    audit.units = audit.units.saturating_add(units);
    audit.value_minor = audit
        .value_minor
        .saturating_add(units.saturating_mul(price));
    let versions = prices.get(&number).map_or(&[][..], Vec::as_slice);
    let code: &str = line.try_get(5)?;
    audit.prices_known &= prices::had(versions, (price, code), created_ms);
    prices::note_currency(audit, code);
    Ok(())
}

const VERSIONS: &str =
    "SELECT variant_number, version, price_minor, currency, status = 'active', at_ms, prices
   FROM product_versions
  WHERE variant_number = ANY($1)
  ORDER BY variant_number, version";

/// The prices that the variants of these lines ever had.
async fn prices_of(
    connection: &Connection,
    lines: &[Row],
) -> Result<HashMap<i64, Vec<Priced>>, StoreError> {
    let numbers = lines
        .iter()
        .map(|line| Ok(line.try_get(2)?))
        .collect::<Result<BTreeSet<i64>, StoreError>>()?;
    let numbers: Vec<i64> = numbers.into_iter().collect();
    let mut versions: HashMap<i64, Vec<Priced>> = HashMap::new();
    for row in connection.query(VERSIONS, &[&numbers]).await? {
        let one = Priced {
            version: row.try_get(1)?,
            price_minor: row.try_get(2)?,
            currency: row.try_get(3)?,
            on_sale: row.try_get(4)?,
            from_ms: row.try_get(5)?,
            prices: read::prices(&row, 6)?,
            until_ms: None,
        };
        versions.entry(row.try_get(0)?).or_default().push(one);
    }
    let in_a_row = |(number, all)| (number, prices::in_a_row(all));
    Ok(versions.into_iter().map(in_a_row).collect())
}
