//! What a batch of wishes meets: variants as they are offered, and reservations that are there already. Locks nothing.

use super::{read, reserve::Answer, unreadable, variants};
use crate::domain::{
    reservation,
    shelf::{Offer, Shelf},
};
use contracts::{
    catalog::{
        ItemRef, PricedLine, ProductStatus, ReservationState, Reserve, ReserveError, Reserved,
    },
    values::{OrderId, ProductId, Quantity, Timestamp, UserId, ValueError, VariantId},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, Row, parsed},
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// The state in a column.
pub(super) fn state(row: &Row, column: usize) -> Result<ReservationState, StoreError> {
    let word: &str = row.try_get(column)?;
    reservation::from_word(word)
        .ok_or_else(|| unreadable(ValueError::new(format!("{word} is no state"))))
}

/// All that a batch names, and the versions of what it is.
pub(super) struct Offers {
    pub(super) shelf: Shelf,
    /// Of the product, by the number of its variant.
    pub(super) versions: BTreeMap<i64, i64>,
}

macro_rules! offers_where {
    ($condition:literal) => {
        concat!(
            "SELECT v.variant_number, p.product_id, v.variant_id, p.owner_id, v.sku, p.name, v.price_minor, v.currency,
                    p.status, s.on_hand - s.reserved, p.version, p.publish_at_ms, p.unpublish_at_ms, v.options,
                    v.position, v.prices
               FROM variants v
               JOIN products p ON p.product_number = v.product_number
               JOIN stock s ON s.variant_number = v.variant_number
              WHERE ",
            $condition
        )
    };
}

impl Offers {
    pub(super) const SQL: &str = concat!(
        offers_where!("p.product_id = ANY($1) AND v.position = 0"),
        " UNION ALL ",
        offers_where!("v.variant_id = ANY($2)")
    );

    pub(super) async fn read(
        connection: &Connection,
        batch: &[Reserve],
        at: Timestamp,
    ) -> Result<Self, StoreError> {
        let items: HashSet<&ItemRef> = batch
            .iter()
            .flat_map(|wish| &wish.lines)
            .map(|line| &line.item)
            .collect();
        let (mut products, mut variants) = (Vec::new(), Vec::new());
        for item in &items {
            match item {
                ItemRef::Product(id) => products.push(Bytes(*id.as_bytes())),
                ItemRef::Variant(id) => variants.push(Bytes(*id.as_bytes())),
            }
        }
        let mut offers = Self {
            shelf: Shelf::default(),
            versions: BTreeMap::new(),
        };
        let mut unchosen = HashSet::new();
        for row in connection.query(Self::SQL, &[&products, &variants]).await? {
            let offer = offer_of(&row, at)?;
            offers.versions.insert(offer.number, row.try_get(10)?);
            let product = ItemRef::Product(offer.product_id);
            if row.try_get::<_, &str>(13)? != "[]" && items.contains(&product) {
                unchosen.insert(offer.product_id);
            }
            for item in [product, ItemRef::Variant(offer.variant_id)] {
                // A product means its first variant, and not any other that is named by itself.
                if items.contains(&item) && !offers.shelf.knows(&item) {
                    offers.shelf.put(item, Some(offer.clone()));
                }
            }
        }
        for (product, choices) in variants::choices(connection, &unchosen).await? {
            offers.shelf.must_choose(product, choices);
        }
        Ok(offers)
    }
}

fn offer_of(row: &Row, at: Timestamp) -> Result<Offer, StoreError> {
    let status: ProductStatus = parsed(row, 8)?;
    Ok(Offer {
        number: row.try_get(0)?,
        product_id: ProductId::from_bytes(read::id(row, 1)?),
        variant_id: VariantId::from_bytes(read::id(row, 2)?),
        seller_id: UserId::from_bytes(read::id(row, 3)?),
        sku: row.try_get(4)?,
        name: variants::sold_as(row, 5, 13)?,
        price: read::money(row, 6, 7)?,
        prices: read::prices(row, 15)?,
        on_sale: row.try_get::<_, i64>(14)? >= 0 && read::schedule(row, 11)?.on_sale(status, at),
        available: row.try_get(9)?,
    })
}

/// Reservations that are there already, by order.
pub(super) struct Known(HashMap<OrderId, One>);

struct One {
    number: i64,
    state: ReservationState,
    fingerprint: [u8; 32],
    hold_until: Timestamp,
    lines: Vec<PricedLine>,
}

/// Units and prices are those of the reservation; a name or SKU that was edited since shows as it is now.
const LINES: &str =
    "SELECT p.product_id, v.variant_id, p.owner_id, v.sku, p.name, l.quantity, l.unit_price_minor,
        l.currency, r.order_id, v.options
   FROM reservation_lines l
   JOIN reservations r ON r.reservation_number = l.reservation_number
   JOIN variants v ON v.variant_number = l.variant_number
   JOIN products p ON p.product_number = v.product_number
  WHERE l.reservation_number = ANY($1)
  ORDER BY l.reservation_number, l.line_number";

impl Known {
    pub(super) const SQL: &str =
        "SELECT order_id, reservation_number, state, fingerprint, hold_until_at_ms
           FROM reservations
          WHERE order_id = ANY($1)";

    pub(super) async fn read(connection: &Connection, ids: &[OrderId]) -> Result<Self, StoreError> {
        let mut known = HashMap::new();
        for row in connection.query(Self::SQL, &[&bytes(ids)]).await? {
            let Bytes(fingerprint): Bytes<32> = row.try_get(3)?;
            let one = One {
                number: row.try_get(1)?,
                state: state(&row, 2)?,
                fingerprint,
                hold_until: Timestamp::from_ms(row.try_get(4)?),
                lines: Vec::new(),
            };
            known.insert(OrderId::from_bytes(read::id(&row, 0)?), one);
        }
        let mut known = Self(known);
        known.add_lines(connection).await?;
        Ok(known)
    }

    async fn add_lines(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let open = |one: &&One| one.state == ReservationState::Open;
        let numbers: Vec<i64> = self.0.values().filter(open).map(|one| one.number).collect();
        if numbers.is_empty() {
            return Ok(());
        }
        for row in connection.query(LINES, &[&numbers]).await? {
            let order = OrderId::from_bytes(read::id(&row, 8)?);
            if let Some(one) = self.0.get_mut(&order) {
                one.lines.push(line_of(&row)?);
            }
        }
        Ok(())
    }

    /// What a wish for an order gets whose reservation is there; none if it is not.
    pub(super) fn answer(&self, wish: &Reserve) -> Option<Answer> {
        let one = self.0.get(&wish.order_id)?;
        Some(if one.fingerprint != wish.fingerprint {
            Err(ReserveError::FingerprintDiffers)
        } else if one.state == ReservationState::Open {
            Ok(Reserved {
                lines: one.lines.clone(),
                hold_until: one.hold_until,
            })
        } else {
            Err(ReserveError::Resolved(one.state))
        })
    }
}

fn line_of(row: &Row) -> Result<PricedLine, StoreError> {
    let units = u32::try_from(row.try_get::<_, i64>(5)?).map_err(unreadable)?;
    Ok(PricedLine {
        product_id: ProductId::from_bytes(read::id(row, 0)?),
        variant_id: VariantId::from_bytes(read::id(row, 1)?),
        seller_id: UserId::from_bytes(read::id(row, 2)?),
        sku: row.try_get(3)?,
        name: variants::sold_as(row, 4, 9)?,
        quantity: Quantity::try_from(units).map_err(unreadable)?,
        unit_price: read::money(row, 6, 7)?,
    })
}

pub(super) fn bytes(ids: &[OrderId]) -> Vec<Bytes<16>> {
    ids.iter().map(|id| Bytes(*id.as_bytes())).collect()
}
