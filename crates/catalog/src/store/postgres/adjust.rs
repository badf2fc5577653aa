//! Changes of stock by hand: each with its row in the ledger, all or nothing. Decided when the rows are locked.

use super::{can_be_kept, inventory, read, stock};
use crate::{
    domain::stock::{Present, Target},
    store::Adjust,
};
use contracts::{
    catalog::{AdjustError, InventoryView},
    request::Answered,
    values::{UserId, VariantId},
};
use platform::db::{
    Abort, StoreError,
    keys::KeyedRequest,
    postgres::{Bytes, Connection, ToSql, keys},
};
use std::collections::{BTreeMap, HashMap};

/// A variant that a change means.
struct Meant {
    number: i64,
    owner_id: UserId,
    sku: String,
}

/// A row of the ledger.
struct Entry<'a> {
    number: i64,
    delta: i64,
    reason: &'a str,
}

pub(super) async fn all(
    connection: &Connection,
    adjust: &Adjust,
    key: Option<&KeyedRequest>,
) -> Result<Answered<Vec<InventoryView>>, Abort<AdjustError>> {
    if let Some(key) = key
        && let Some(kept) = keys::recall(connection, key, || AdjustError::KeyReused).await?
    {
        return Ok(Answered::replayed(kept));
    }
    let meant = find(connection, adjust).await?;
    let numbers: Vec<i64> = meant.values().map(|one| one.number).collect();
    let mut rows = BTreeMap::new();
    for row in connection.query(stock::LOCK, &[&numbers]).await? {
        let counts: (i64, i64) = (row.try_get(1)?, row.try_get(2)?);
        rows.insert(row.try_get::<_, i64>(0)?, counts);
    }
    let (numbers, entries) = decide(adjust, &meant, rows)?;
    write(connection, adjust, &entries).await?;
    let views = inventory::by_numbers(connection, &numbers).await?;
    if let Some(key) = key {
        keys::remember(connection, key, &views, adjust.at).await?;
    }
    Ok(Answered::fresh(views))
}

/// Makes each change in turn: the number of its variant, and the ledger's rows for all of them.
fn decide<'a>(
    adjust: &'a Adjust,
    meant: &HashMap<Target, Meant>,
    mut rows: BTreeMap<i64, (i64, i64)>,
) -> Result<(Vec<i64>, Vec<Entry<'a>>), Abort<AdjustError>> {
    let (mut numbers, mut entries) = (Vec::new(), Vec::new());
    for (index, change) in adjust.changes.iter().enumerate() {
        let not_found = || Abort::Refused(AdjustError::NotFound { index });
        let one = meant.get(&change.target).ok_or_else(not_found)?;
        if !adjust.scope.holds(one.owner_id) {
            return Err(not_found());
        }
        let (on_hand, reserved) = rows.get_mut(&one.number).ok_or_else(not_found)?;
        let present = Present {
            sku: one.sku.clone(),
            on_hand: *on_hand,
            reserved: *reserved,
        };
        let after = change.result(&present, index).map_err(Abort::Refused)?;
        let delta = after.saturating_sub(*on_hand);
        *on_hand = after;
        numbers.push(one.number);
        // None for a count that found what was expected.
        if delta != 0 {
            entries.push(Entry {
                number: one.number,
                delta,
                reason: &change.reason,
            });
        }
    }
    Ok((numbers, entries))
}

/// A version for each change, as if they had come one by one.
const UPDATE: &str = "UPDATE stock
    SET on_hand = stock.on_hand + changed.delta, version = stock.version + changed.times
   FROM (SELECT variant_number, SUM(delta)::bigint AS delta, COUNT(*) AS times
           FROM UNNEST($1::bigint[], $2::bigint[]) AS change (variant_number, delta)
          GROUP BY variant_number) AS changed
  WHERE stock.variant_number = changed.variant_number";

const INSERT: &str =
    "INSERT INTO stock_adjustments (variant_number, kind, delta, reason, actor, at_ms)
     SELECT variant_number, 'adjusted', delta, reason, $4, $5
       FROM UNNEST($1::bigint[], $2::bigint[], $3::text[]) AS change (variant_number, delta, reason)";

async fn write(
    connection: &Connection,
    adjust: &Adjust,
    entries: &[Entry<'_>],
) -> Result<(), StoreError> {
    if entries.is_empty() {
        return Ok(());
    }
    let numbers: Vec<i64> = entries.iter().map(|entry| entry.number).collect();
    let deltas: Vec<i64> = entries.iter().map(|entry| entry.delta).collect();
    let reasons: Vec<&str> = entries.iter().map(|entry| entry.reason).collect();
    let at_ms = adjust.at.as_ms();
    let parameters: [&(dyn ToSql + Sync); 5] = [&numbers, &deltas, &reasons, &adjust.actor, &at_ms];
    let (updated, inserted) = tokio::join!(
        async { connection.execute(UPDATE, &[&numbers, &deltas]).await },
        connection.execute(INSERT, &parameters)
    );
    updated?;
    inserted.map(drop)
}

const FIND: &str = "SELECT v.variant_number, p.owner_id, v.sku, v.sku_key, v.variant_id
   FROM variants v
   JOIN products p ON p.product_number = v.product_number
  WHERE v.sku_key = ANY($1) OR v.variant_id = ANY($2)";

/// What the changes mean, under all the names they use.
async fn find(
    connection: &Connection,
    adjust: &Adjust,
) -> Result<HashMap<Target, Meant>, StoreError> {
    let (mut keys, mut ids) = (Vec::new(), Vec::new());
    for change in &adjust.changes {
        match &change.target {
            Target::Sku(key) if can_be_kept(key) => keys.push(key.as_str()),
            Target::Sku(_) => {}
            Target::Variant(id) => ids.push(Bytes(*id.as_bytes())),
        }
    }
    let mut meant = HashMap::new();
    for row in connection.query(FIND, &[&keys, &ids]).await? {
        let one = || -> Result<Meant, StoreError> {
            Ok(Meant {
                number: row.try_get(0)?,
                owner_id: UserId::from_bytes(read::id(&row, 1)?),
                sku: row.try_get(2)?,
            })
        };
        meant.insert(Target::Sku(row.try_get(3)?), one()?);
        let id = VariantId::from_bytes(read::id(&row, 4)?);
        meant.insert(Target::Variant(id), one()?);
    }
    Ok(meant)
}
