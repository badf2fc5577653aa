//! Uses of discounts in PostgreSQL, counted where orders are written, under locks that only those take who may use what
//! has a limit: of the discount's row for a limit in all, of a customer's name for one of each.

use crate::{
    domain::{order::NewOrder, pricing::Use},
    store::view,
};
use contracts::{
    orders::DiscountCode,
    values::{DiscountId, OrderId},
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection},
};
use std::collections::{BTreeSet, HashMap};

/// How much room there is for the uses of a batch. Everything that it was asked of is locked.
#[derive(Debug, Default)]
pub(super) struct Room {
    left: HashMap<DiscountId, i64>,
    used: HashMap<(DiscountId, [u8; 32]), i64>,
}

impl Room {
    /// Locks discounts in the order of their ids, then customers' names in the order of theirs.
    pub(super) async fn lock(
        connection: &Connection,
        batch: &[NewOrder],
    ) -> Result<Self, StoreError> {
        let limited = || batch.iter().flat_map(NewOrder::limited);
        let mut room = Self::default();
        if limited().next().is_none() {
            return Ok(room);
        }
        let ids: BTreeSet<[u8; 16]> = limited()
            .filter(|used| used.uses_max.is_some())
            .map(|used| *used.discount_id.as_bytes())
            .collect();
        let ids: Vec<Bytes<16>> = ids.into_iter().map(Bytes).collect();
        let sql = "SELECT discount_id, uses_max - uses FROM discounts
                    WHERE discount_id = ANY($1) ORDER BY discount_id FOR UPDATE";
        for row in connection.query(sql, &[&ids]).await? {
            let Bytes(id): Bytes<16> = row.try_get(0)?;
            room.left
                .insert(DiscountId::from_bytes(id), row.try_get(1)?);
        }
        let names: BTreeSet<([u8; 32], [u8; 16])> = limited()
            .filter(|used| used.customer_uses_max.is_some())
            .map(|used| (used.customer_key, *used.discount_id.as_bytes()))
            .collect();
        let mut last = None;
        for (name, _) in &names {
            if last.replace(*name) != Some(*name) {
                let lock = "SELECT pg_advisory_xact_lock(7103, hashtext(ENCODE($1::bytea, 'hex')))";
                connection.query(lock, &[&Bytes(*name)]).await?;
            }
        }
        // A statement of its own: it sees what whoever had the locks before has written.
        let (names, ids): (Vec<_>, Vec<_>) = names
            .into_iter()
            .map(|(name, id)| (Bytes(name), Bytes(id)))
            .unzip();
        let sql = "SELECT discount_id, customer_key, COUNT(*)
                     FROM discount_uses
                     JOIN UNNEST($1::uuid[], $2::bytea[]) AS asked (discount_id, customer_key)
                          USING (discount_id, customer_key)
                    GROUP BY discount_id, customer_key";
        for row in connection.query(sql, &[&ids, &names]).await? {
            let Bytes(id): Bytes<16> = row.try_get(0)?;
            let Bytes(name): Bytes<32> = row.try_get(1)?;
            let key = (DiscountId::from_bytes(id), name);
            room.used.insert(key, row.try_get(2)?);
        }
        Ok(room)
    }

    /// Takes the room that an order needs, or what it costs otherwise needs, if there is any.
    pub(super) fn take(&mut self, order: &mut NewOrder) -> bool {
        while !order.uses.iter().all(|used| self.has(used)) {
            if !order.turn() {
                return false;
            }
        }
        for used in &order.uses {
            if let Some(left) = self.left.get_mut(&used.discount_id) {
                *left = left.saturating_sub(1);
            }
            let key = (used.discount_id, used.customer_key);
            let mine = self.used.entry(key).or_default();
            *mine = mine.saturating_add(1);
        }
        true
    }

    fn has(&self, used: &Use) -> bool {
        let key = (used.discount_id, used.customer_key);
        let mine = self.used.get(&key).copied().unwrap_or_default();
        let spent = used
            .customer_uses_max
            .is_some_and(|most| mine >= i64::from(most));
        // A discount that has gone meanwhile leaves nothing.
        let left = self.left.get(&used.discount_id).copied();
        !spent && (used.uses_max.is_none() || left.unwrap_or_default() > 0)
    }
}

/// Writes what orders cost beside their lines, and counts the uses.
pub(super) async fn write_parts(
    connection: &Connection,
    orders: &[NewOrder],
    numbers: &HashMap<OrderId, i64>,
) -> Result<(), StoreError> {
    let numbered = || {
        orders
            .iter()
            .filter_map(|order| Some((*numbers.get(&order.id)?, order)))
    };
    let (mut owners, mut places, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    let (mut titles, mut amounts) = (Vec::new(), Vec::new());
    let (mut codes, mut taxes) = (Vec::new(), Vec::new());
    for (number, order) in numbered() {
        for (place, part) in (1_i64..).zip(&order.parts) {
            owners.push(number);
            places.push(place);
            kinds.push(part.kind.as_str());
            titles.push(part.title.as_str());
            amounts.push(part.amount.minor);
            codes.push(part.code.as_ref().map(DiscountCode::as_str));
            taxes.push(view::tax_document(part)?);
        }
    }
    if owners.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO order_parts (order_number, part_number, kind, title, amount_minor, code, tax)
               SELECT * FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[],
                                    $7::text[])";
    connection
        .execute(
            sql,
            &[&owners, &places, &kinds, &titles, &amounts, &codes, &taxes],
        )
        .await?;
    let limited: Vec<_> = numbered()
        .flat_map(|(number, order)| order.uses.iter().map(move |used| (number, used)))
        .filter(|(_, used)| used.is_limited())
        .collect();
    if limited.is_empty() {
        return Ok(());
    }
    let ids: Vec<Bytes<16>> = limited
        .iter()
        .map(|(_, used)| Bytes(*used.discount_id.as_bytes()))
        .collect();
    let names: Vec<Bytes<32>> = limited
        .iter()
        .map(|(_, used)| Bytes(used.customer_key))
        .collect();
    let owners: Vec<i64> = limited.iter().map(|(number, _)| *number).collect();
    let sql = "INSERT INTO discount_uses (discount_id, customer_key, order_number)
               SELECT * FROM UNNEST($1::uuid[], $2::bytea[], $3::bigint[])";
    connection.execute(sql, &[&ids, &names, &owners]).await?;
    let sql = "UPDATE discounts SET uses = discounts.uses + more.uses
                 FROM (SELECT discount_id, COUNT(*) AS uses FROM UNNEST($1::uuid[]) AS used (discount_id)
                        GROUP BY discount_id) AS more
                WHERE discounts.discount_id = more.discount_id AND discounts.uses_max IS NOT NULL";
    connection.execute(sql, &[&ids]).await.map(drop)
}

/// Orders that are called off use nothing any more. Discounts are locked in the order of their ids.
pub(super) async fn free(connection: &Connection, orders: &[i64]) -> Result<(), StoreError> {
    if orders.is_empty() {
        return Ok(());
    }
    let sql = "DELETE FROM discount_uses WHERE order_number = ANY($1) RETURNING discount_id";
    let rows = connection.query(sql, &[&orders]).await?;
    let freed = rows
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<Vec<Bytes<16>>, _>>()?;
    if freed.is_empty() {
        return Ok(());
    }
    let lock = "SELECT 1 FROM discounts
                 WHERE discount_id = ANY($1) AND uses_max IS NOT NULL ORDER BY discount_id FOR UPDATE";
    connection.query(lock, &[&freed]).await?;
    let sql = "UPDATE discounts SET uses = discounts.uses - fewer.uses
                 FROM (SELECT discount_id, COUNT(*) AS uses FROM UNNEST($1::uuid[]) AS freed (discount_id)
                        GROUP BY discount_id) AS fewer
                WHERE discounts.discount_id = fewer.discount_id AND discounts.uses_max IS NOT NULL";
    connection.execute(sql, &[&freed]).await.map(drop)
}
