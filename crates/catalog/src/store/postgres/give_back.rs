//! Taking some units of a sold order back onto the shelf, with a refund: each refund once, never more than was sold.

use super::{
    read,
    resolve::{self, Standing},
    stock::{self, Units},
};
use crate::store::Moved;
use contracts::{
    catalog::{GiveBack, GiveBackError, ReservationState},
    values::{OrderId, ProductId, RefundId, Timestamp, VariantId},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, ToSql},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    convert::Infallible,
};

type Answer = Result<(), GiveBackError>;

/// A row to be written.
struct Returned<'a> {
    reservation: i64,
    wish: &'a GiveBack,
    variant: i64,
    units: i64,
}

pub(super) async fn all(
    connection: &Connection,
    batch: &[GiveBack],
    at: Timestamp,
) -> Result<Moved<Answer>, Abort<Infallible>> {
    let orders: Vec<OrderId> = batch.iter().map(|wish| wish.order_id).collect();
    let mut standing = resolve::lock(connection, &orders).await?;
    let mut desk = Desk {
        known: known(connection, batch).await?,
        numbers: numbers(connection, batch).await?,
        returned: Vec::new(),
    };
    let answers = batch
        .iter()
        .map(|wish| match standing.get_mut(&wish.order_id) {
            None => Err(GiveBackError::Unknown),
            Some(one) => desk.take(wish, one),
        })
        .collect();
    let products = desk.write(connection, at).await?;
    Ok(Moved { answers, products })
}

/// Takes things back, in order.
struct Desk<'a> {
    known: HashSet<RefundId>,
    numbers: HashMap<VariantId, i64>,
    returned: Vec<Returned<'a>>,
}

impl<'a> Desk<'a> {
    fn take(&mut self, wish: &'a GiveBack, standing: &mut Standing) -> Answer {
        match standing.state {
            ReservationState::Committed => {}
            // All of it came back already.
            ReservationState::Returned => return Ok(()),
            state @ (ReservationState::Open
            | ReservationState::Released
            | ReservationState::Expired) => {
                return Err(GiveBackError::NotSold(state));
            }
        }
        if self.known.contains(&wish.refund_id) {
            return Ok(());
        }
        let units = self.units(wish, standing)?;
        for (variant, units) in units {
            if let Some(left) = standing.units.get_mut(&variant) {
                *left = left.saturating_sub(units);
            }
            self.returned.push(Returned {
                reservation: standing.number,
                wish,
                variant,
                units,
            });
        }
        self.known.insert(wish.refund_id);
        Ok(())
    }

    /// All items by the number of their variant, or none: no more of each than is still sold.
    fn units(
        &self,
        wish: &GiveBack,
        standing: &Standing,
    ) -> Result<BTreeMap<i64, i64>, GiveBackError> {
        let mut wanted: BTreeMap<i64, i64> = BTreeMap::new();
        for item in &wish.items {
            let variant_id = item.variant_id;
            let number = self.numbers.get(&variant_id);
            let left = number.and_then(|number| standing.units.get(number));
            let left = left.copied().unwrap_or(0);
            let units = wanted
                .entry(number.copied().unwrap_or_default())
                .or_insert(0);
            *units = units.saturating_add(i64::from(item.quantity.get()));
            if *units > left {
                return Err(GiveBackError::TooMany { variant_id, left });
            }
        }
        Ok(wanted)
    }

    /// Gives the products whose stock moved.
    async fn write(
        &self,
        connection: &Connection,
        at: Timestamp,
    ) -> Result<Vec<ProductId>, StoreError> {
        if self.returned.is_empty() {
            return Ok(Vec::new());
        }
        let rows = || self.returned.iter();
        let reservations: Vec<i64> = rows().map(|row| row.reservation).collect();
        let refunds: Vec<Bytes<16>> = rows()
            .map(|row| Bytes(*row.wish.refund_id.as_bytes()))
            .collect();
        let variants: Vec<i64> = rows().map(|row| row.variant).collect();
        let units: Vec<i64> = rows().map(|row| row.units).collect();
        let actors: Vec<&str> = rows().map(|row| row.wish.actor.as_str()).collect();
        let at_ms = at.as_ms();
        let sql = "INSERT INTO reservation_returns (reservation_number, refund_id, variant_number, quantity, actor,
                                                    at_ms)
                   SELECT back.*, $6
                     FROM UNNEST($1::bigint[], $2::uuid[], $3::bigint[], $4::bigint[], $5::text[]) AS back";
        let parameters: [&(dyn ToSql + Sync); 6] =
            [&reservations, &refunds, &variants, &units, &actors, &at_ms];
        connection.execute(sql, &parameters).await?;
        let mut moved = Units::new();
        for row in rows() {
            let (on_hand, _) = moved.entry(row.variant).or_insert((0, 0));
            *on_hand = on_hand.saturating_add(row.units);
        }
        stock::move_all(connection, &moved).await
    }
}

/// Refunds that brought something back already.
async fn known(
    connection: &Connection,
    batch: &[GiveBack],
) -> Result<HashSet<RefundId>, StoreError> {
    let ids: Vec<Bytes<16>> = batch
        .iter()
        .map(|wish| Bytes(*wish.refund_id.as_bytes()))
        .collect();
    let sql = "SELECT refund_id FROM reservation_returns WHERE refund_id = ANY($1)";
    let rows = connection.query(sql, &[&ids]).await?;
    rows.iter()
        .map(|row| Ok(RefundId::from_bytes(read::id(row, 0)?)))
        .collect()
}

async fn numbers(
    connection: &Connection,
    batch: &[GiveBack],
) -> Result<HashMap<VariantId, i64>, StoreError> {
    let ids: HashSet<VariantId> = batch
        .iter()
        .flat_map(|wish| &wish.items)
        .map(|item| item.variant_id)
        .collect();
    let ids: Vec<Bytes<16>> = ids.iter().map(|id| Bytes(*id.as_bytes())).collect();
    let sql = "SELECT variant_id, variant_number FROM variants WHERE variant_id = ANY($1)";
    let rows = connection.query(sql, &[&ids]).await?;
    rows.iter()
        .map(|row| Ok((VariantId::from_bytes(read::id(row, 0)?), row.try_get(1)?)))
        .collect()
}
