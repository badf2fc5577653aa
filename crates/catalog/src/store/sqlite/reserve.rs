//! Holding stock for orders: the hottest path of the shop. A batch is decided in memory, each reservation
//! is inserted, and each stock row it touches is written once, in the order of variant numbers.

use super::{broken, read, variants};
use crate::domain::{
    reservation,
    shelf::{Offer, Shelf, Taken},
};
use contracts::{
    catalog::{
        ItemRef, PricedLine, ProductStatus, ReservationState, Reserve, ReserveError, Reserved,
    },
    values::{OrderId, ProductId, Quantity, Timestamp, UserId, VariantId},
};
use platform::db::{StoreError, sqlite::by_order};
use rusqlite::{Connection, OptionalExtension, Row, params};

type Answer = Result<Reserved, ReserveError>;

pub(super) fn all(
    connection: &Connection,
    batch: &[Reserve],
    at: Timestamp,
) -> Result<Vec<Answer>, StoreError> {
    let mut shelf = Shelf::default();
    let answers = batch
        .iter()
        .map(|wish| one(connection, &mut shelf, wish, at))
        .collect::<Result<Vec<_>, _>>()?;
    let mut statement = connection.prepare_cached(
        "UPDATE stock SET reserved = reserved + ?2, version = version + 1
          WHERE variant_number = ?1 AND on_hand - reserved >= ?2",
    )?;
    for (number, units) in shelf.taken() {
        // The shelf was filled in this very transaction: if it was wrong, nothing of the batch is kept.
        if statement.execute([number, units])? != 1 {
            return Err(broken("stock changed under its only writer"));
        }
    }
    Ok(answers)
}

fn one(
    connection: &Connection,
    shelf: &mut Shelf,
    wish: &Reserve,
    at: Timestamp,
) -> Result<Answer, StoreError> {
    if let Some(known) = find(connection, wish.order_id)? {
        return again(connection, &known, wish);
    }
    for line in &wish.lines {
        if !shelf.knows(&line.item) {
            let (offer, has_options) = load(connection, &line.item, at)?.unzip();
            shelf.put(line.item.clone(), offer);
            if let (ItemRef::Product(id), Some(true)) = (&line.item, has_options) {
                shelf.must_choose(*id, variants::choices(connection, *id)?);
            }
        }
    }
    let asked = (wish.expected_total.as_ref(), wish.currency);
    let taken = match shelf.take(&wish.lines, asked) {
        Ok(taken) => taken,
        Err(refusal) => return Ok(Err(refusal)),
    };
    insert(connection, wish, &taken, at)?;
    Ok(Ok(Reserved {
        lines: taken.into_iter().map(|one| one.line).collect(),
        hold_until: wish.hold_until,
    }))
}

macro_rules! offer_where {
    ($condition:literal) => {
        concat!(
            "SELECT v.variant_number, p.product_id, v.variant_id, p.owner_id, v.sku, p.name,
                    v.price_minor, v.currency, p.status, s.on_hand - s.reserved, p.publish_at_ms, p.unpublish_at_ms,
                    v.options, v.position >= 0, v.prices
               FROM variants v
               JOIN products p ON p.product_number = v.product_number
               JOIN stock s ON s.variant_number = v.variant_number
              WHERE ",
            $condition
        )
    };
}

const OFFER_OF_PRODUCT: &str = offer_where!("p.product_id = ?1 AND v.position = 0");
const OFFER_OF_VARIANT: &str = offer_where!("v.variant_id = ?1");

/// What is offered under a name, and whether its product has options.
fn load(
    connection: &Connection,
    item: &ItemRef,
    at: Timestamp,
) -> Result<Option<(Offer, bool)>, StoreError> {
    let (sql, id) = match item {
        ItemRef::Product(id) => (OFFER_OF_PRODUCT, id.as_bytes()),
        ItemRef::Variant(id) => (OFFER_OF_VARIANT, id.as_bytes()),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement.query_row([id], |row| {
        let status: ProductStatus = read::word(row, 8)?;
        let is_live: bool = row.get(13)?;
        let offer = Offer {
            number: row.get(0)?,
            product_id: ProductId::from_bytes(row.get(1)?),
            variant_id: VariantId::from_bytes(row.get(2)?),
            seller_id: UserId::from_bytes(row.get(3)?),
            sku: row.get(4)?,
            name: variants::sold_as(row, 5, 12)?,
            price: read::money(row, 6, 7)?,
            prices: read::prices(row, 14)?,
            on_sale: is_live && read::schedule(row, 10)?.on_sale(status, at),
            available: row.get(9)?,
        };
        Ok((offer, row.get_ref(12)?.as_str()? != "[]"))
    });
    Ok(found.optional()?)
}

fn insert(
    connection: &Connection,
    wish: &Reserve,
    taken: &[Taken],
    at: Timestamp,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO reservations (order_id, state, fingerprint, hold_until_at_ms, created_at_ms)
             VALUES (?1, 'open', ?2, ?3, ?4)",
        )?
        .execute(params![
            wish.order_id.as_bytes(),
            wish.fingerprint,
            wish.hold_until.as_ms(),
            at.as_ms(),
        ])?;
    let number = connection.last_insert_rowid();
    by_order::add(connection, wish.order_id, number)?;
    let mut statement = connection.prepare_cached(
        "INSERT INTO reservation_lines (reservation_number, line_number, variant_number, quantity,
                                        unit_price_minor, currency)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (index, one) in (0_i64..).zip(taken) {
        statement.execute(params![
            number,
            index,
            one.number,
            one.line.quantity.get(),
            one.line.unit_price.minor,
            one.line.unit_price.currency.code(),
        ])?;
    }
    Ok(())
}

/// A reservation that is there already.
struct Known {
    number: i64,
    state: ReservationState,
    fingerprint: [u8; 32],
    hold_until: Timestamp,
}

fn find(connection: &Connection, order_id: OrderId) -> Result<Option<Known>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT reservation_number, state, fingerprint, hold_until_at_ms
           FROM reservations
          WHERE reservation_number = (SELECT number FROM by_order WHERE order_id = ?1)",
    )?;
    let known = statement.query_row([order_id.as_bytes()], |row| {
        Ok(Known {
            number: row.get(0)?,
            state: state(row, 1)?,
            fingerprint: row.get(2)?,
            hold_until: Timestamp::from_ms(row.get(3)?),
        })
    });
    Ok(known.optional()?)
}

/// The state in a column.
pub(super) fn state(row: &Row<'_>, index: usize) -> rusqlite::Result<ReservationState> {
    let word = row.get_ref(index)?.as_str()?;
    reservation::from_word(word).ok_or_else(|| {
        let error = contracts::values::ValueError::new(format!("{word} is no state"));
        read::unreadable(index, error)
    })
}

fn again(connection: &Connection, known: &Known, wish: &Reserve) -> Result<Answer, StoreError> {
    if known.fingerprint != wish.fingerprint {
        return Ok(Err(ReserveError::FingerprintDiffers));
    }
    if known.state != ReservationState::Open {
        return Ok(Err(ReserveError::Resolved(known.state)));
    }
    Ok(Ok(Reserved {
        lines: lines(connection, known.number)?,
        hold_until: known.hold_until,
    }))
}

/// Units and prices are those of the reservation; a name or SKU that was edited since shows as it is now.
fn lines(connection: &Connection, number: i64) -> Result<Vec<PricedLine>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT p.product_id, v.variant_id, p.owner_id, v.sku, p.name, l.quantity,
                l.unit_price_minor, l.currency, v.options
           FROM reservation_lines l
           JOIN variants v ON v.variant_number = l.variant_number
           JOIN products p ON p.product_number = v.product_number
          WHERE l.reservation_number = ?1
          ORDER BY l.line_number",
    )?;
    let rows = statement.query_map([number], |row| {
        let units: u32 = row.get(5)?;
        Ok(PricedLine {
            product_id: ProductId::from_bytes(row.get(0)?),
            variant_id: VariantId::from_bytes(row.get(1)?),
            seller_id: UserId::from_bytes(row.get(2)?),
            sku: row.get(3)?,
            name: variants::sold_as(row, 4, 8)?,
            quantity: Quantity::try_from(units).map_err(|error| read::unreadable(5, error))?,
            unit_price: read::money(row, 6, 7)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
