//! Changes of orders that exist: all orders of a batch are locked and read, the domain decides on each in turn, and
//! what changed is written at once. What is refused has written nothing, so its neighbours are not touched.

use super::{
    super::{Acting, Happened},
    bytes, carts, earlier, mails,
    place::MAY_GIVE_UP,
    read, returns, shipments, uses,
};
use crate::domain::order::{Change, Happening, Order, apply, refund_entry};
use contracts::{
    orders::{
        OrderCancelled, OrderError, OrderMailKind, OrderMove, OrderMoved, OrderStatus, RefundNote,
    },
    values::{Email, OrderId, PaymentId, Timestamp, UserId},
};
use platform::{
    db::{
        Abort, StoreError,
        postgres::{Bytes, Connection, ToSql},
    },
    outbox::postgres::{Draft, append_all},
};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    convert::Infallible,
};

pub(super) async fn happen_all(
    connection: &Connection,
    batch: &[(OrderId, Happening, Acting)],
    now: Timestamp,
) -> Result<Vec<Happened>, Abort<Infallible>> {
    let (answers, orders) = decide(connection, batch, now).await?;
    let mut gone = Vec::new();
    for (order, note, by) in &orders.refunded {
        let news = (OrderMailKind::Refunded, note.refund_id.as_bytes());
        if note.amount.minor > 0 {
            mails::owe(connection, order, news, now).await?;
        }
        if returns::settle(connection, order, note.refund_id, now).await? {
            continue;
        }
        let is_over = shipments::withhold(connection, order, note).await?;
        returns::note_came_back(connection, order, note).await?;
        if is_over {
            let rest = OrderMove::Ship { tracking: None };
            gone.push((order.id, Happening::Moved(rest), by.clone()));
        }
    }
    if !gone.is_empty() {
        decide(connection, &gone, now).await?;
    }
    Ok(answers)
}

/// What each happening of a batch makes of its order, in turn, written.
async fn decide(
    connection: &Connection,
    batch: &[(OrderId, Happening, Acting)],
    now: Timestamp,
) -> Result<(Vec<Happened>, Locked), StoreError> {
    let mut orders = Locked::read(connection, batch).await?;
    let mut answers = Vec::with_capacity(batch.len());
    for (id, happening, by) in batch {
        answers.push(orders.happen(*id, happening, by, now)?);
    }
    orders.write(connection, now).await?;
    Ok((answers, orders))
}

/// An entry to be written.
struct Entry {
    number: i64,
    sequence: i64,
    kind: &'static str,
    status: OrderStatus,
    version: i64,
    note: Option<String>,
    by: Acting,
}

/// The orders of a batch as they stand after the happenings so far.
struct Locked {
    orders: HashMap<OrderId, Order>,
    /// Last entries, by number.
    sequences: HashMap<i64, i64>,
    /// Notes of refunds that are in the timelines.
    refunds: HashSet<(i64, String)>,
    /// Orders that changed, by number.
    changed: BTreeMap<i64, Order>,
    entries: Vec<Entry>,
    events: Vec<Draft>,
    /// Refunds that happened now, the orders after them, and who gave back.
    refunded: Vec<(Order, RefundNote, Acting)>,
}

impl Locked {
    async fn read(
        connection: &Connection,
        batch: &[(OrderId, Happening, Acting)],
    ) -> Result<Self, StoreError> {
        let ids: Vec<OrderId> = batch.iter().map(|(id, ..)| *id).collect();
        let columns = read::COLUMNS;
        let sql = format!(
            "SELECT {columns} FROM orders WHERE order_id = ANY($1) ORDER BY order_number FOR UPDATE"
        );
        let rows = connection.query(&sql, &[&bytes(&ids)]).await?;
        let orders = rows
            .iter()
            .map(read::order_of)
            .collect::<Result<Vec<_>, _>>()?;
        let numbers: Vec<i64> = orders.iter().map(|order| order.number).collect();
        let notes: Vec<String> = batch
            .iter()
            .filter_map(|(_, happening, _)| match happening {
                Happening::Refunded(note) => Some(refund_entry(note)),
                Happening::Moved(_)
                | Happening::Expired
                | Happening::PaymentBegan(_)
                | Happening::PaymentEnded(..) => None,
            })
            .collect();
        // Read after the locks were had, so nobody adds an entry any more.
        let (sequences, refunds) = tokio::try_join!(
            last_entries(connection, &numbers),
            noted(connection, &numbers, &notes)
        )?;
        Ok(Self {
            orders: orders.into_iter().map(|order| (order.id, order)).collect(),
            sequences,
            refunds,
            changed: BTreeMap::new(),
            entries: Vec::new(),
            events: Vec::new(),
            refunded: Vec::new(),
        })
    }

    fn happen(
        &mut self,
        id: OrderId,
        happening: &Happening,
        by: &Acting,
        now: Timestamp,
    ) -> Result<Happened, StoreError> {
        let Some(before) = self.orders.get(&id).cloned() else {
            return Ok(Err(OrderError::NotFound));
        };
        if let Happening::Refunded(note) = happening
            && !self.refunds.insert((before.number, refund_entry(note)))
        {
            return Ok(Ok((before.clone(), before)));
        }
        let change = match apply(&before, happening, now) {
            Ok(Some(change)) => change,
            Ok(None) => return Ok(Ok((before.clone(), before))),
            Err(refusal) => return Ok(Err(refusal)),
        };
        self.note(&before, &change, by, now)?;
        if let Happening::Refunded(note) = happening {
            self.refunded
                .push((change.after.clone(), note.clone(), by.clone()));
        }
        self.orders.insert(id, change.after.clone());
        self.changed.insert(before.number, change.after.clone());
        Ok(Ok((before, change.after)))
    }

    fn note(
        &mut self,
        before: &Order,
        change: &Change,
        by: &Acting,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let after = &change.after;
        let sequence = self.sequences.entry(after.number).or_default();
        *sequence = sequence.saturating_add(1);
        self.entries.push(Entry {
            number: after.number,
            sequence: *sequence,
            kind: change.kind,
            status: after.status,
            version: after.version.get(),
            note: change.note.clone(),
            by: by.clone(),
        });
        if after.status == before.status {
            return Ok(());
        }
        self.events.push(if after.status == OrderStatus::Cancelled {
            // Only money that was taken goes back.
            let payment_id = after
                .payment_id
                .filter(|_| before.status == OrderStatus::Paid);
            let event = OrderCancelled {
                order_id: after.id,
                payment_id,
            };
            Draft::of(&event, now)?
        } else {
            let event = OrderMoved {
                order_id: after.id,
                status: after.status,
                version: after.version,
            };
            Draft::of(&event, now)?
        });
        Ok(())
    }

    async fn write(&self, connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
        if self.entries.is_empty() {
            return Ok(());
        }
        tokio::try_join!(
            self.update(connection),
            self.append_entries(connection, now),
            append_all(connection, &self.events)
        )?;
        let called_off = self
            .changed
            .values()
            .filter(|order| order.status == OrderStatus::Cancelled);
        let called_off: Vec<i64> = called_off.map(|order| order.number).collect();
        uses::free(connection, &called_off).await
    }

    async fn update(&self, connection: &Connection) -> Result<(), StoreError> {
        let orders = || self.changed.values();
        let numbers: Vec<i64> = orders().map(|order| order.number).collect();
        let statuses: Vec<&str> = orders().map(|order| order.status.as_str()).collect();
        let versions: Vec<i64> = orders().map(|order| order.version.get()).collect();
        let tracking: Vec<Option<&str>> = orders().map(|order| order.tracking.as_deref()).collect();
        let payment = |id: PaymentId| Bytes(*id.as_bytes());
        let payments: Vec<Option<Bytes<16>>> = orders()
            .map(|order| order.payment_id.map(payment))
            .collect();
        let times: Vec<i64> = orders().map(|order| order.updated_at.as_ms()).collect();
        let sql = "UPDATE orders
                      SET status = new.status, version = new.version, tracking = new.tracking,
                          payment_id = new.payment_id, updated_at_ms = new.updated_at_ms
                     FROM UNNEST($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::uuid[], $6::bigint[])
                          AS new (order_number, status, version, tracking, payment_id, updated_at_ms)
                    WHERE orders.order_number = new.order_number";
        let parameters: [&(dyn ToSql + Sync); 6] =
            [&numbers, &statuses, &versions, &tracking, &payments, &times];
        connection.execute(sql, &parameters).await.map(drop)
    }

    async fn append_entries(
        &self,
        connection: &Connection,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let entries = || self.entries.iter();
        let numbers: Vec<i64> = entries().map(|entry| entry.number).collect();
        let sequences: Vec<i64> = entries().map(|entry| entry.sequence).collect();
        let kinds: Vec<&str> = entries().map(|entry| entry.kind).collect();
        let statuses: Vec<&str> = entries().map(|entry| entry.status.as_str()).collect();
        let versions: Vec<i64> = entries().map(|entry| entry.version).collect();
        let notes: Vec<Option<&str>> = entries().map(|entry| entry.note.as_deref()).collect();
        let actors: Vec<&str> = entries().map(|entry| entry.by.actor.as_str()).collect();
        let requests: Vec<Option<&str>> =
            entries().map(|entry| entry.by.request.as_deref()).collect();
        let sql = "INSERT INTO order_events (order_number, sequence, kind, status, version, note, actor, request_id,
                                             at_ms)
                   SELECT entry.*, $9
                     FROM UNNEST($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::text[],
                                 $7::text[], $8::text[])
                          AS entry";
        let at = now.as_ms();
        let parameters: [&(dyn ToSql + Sync); 9] = [
            &numbers, &sequences, &kinds, &statuses, &versions, &notes, &actors, &requests, &at,
        ];
        connection.execute(sql, &parameters).await.map(drop)
    }
}

async fn last_entries(
    connection: &Connection,
    numbers: &[i64],
) -> Result<HashMap<i64, i64>, StoreError> {
    let sql = "SELECT order_number, MAX(sequence)
                 FROM order_events
                WHERE order_number = ANY($1)
                GROUP BY order_number";
    let rows = connection.query(sql, &[&numbers]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

async fn noted(
    connection: &Connection,
    numbers: &[i64],
    notes: &[String],
) -> Result<HashSet<(i64, String)>, StoreError> {
    if notes.is_empty() {
        return Ok(HashSet::new());
    }
    let sql = "SELECT order_number, note
                 FROM order_events
                WHERE order_number = ANY($1) AND note = ANY($2)";
    let rows = connection.query(sql, &[&numbers, &notes]).await?;
    rows.iter()
        .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
        .collect()
}

pub(super) async fn give_up(
    connection: &Connection,
    ids: &[OrderId],
    now: Timestamp,
) -> Result<Vec<OrderId>, Abort<Infallible>> {
    let mut statuses = read::statuses(connection, ids).await?;
    if ids.iter().any(|id| !statuses.contains_key(id)) {
        // Whoever is placing comes first; whoever places later sees what is given up here.
        connection.execute_batch(MAY_GIVE_UP).await?;
        statuses = read::statuses(connection, ids).await?;
        let mut missing: Vec<OrderId> = ids
            .iter()
            .filter(|id| !statuses.contains_key(id))
            .copied()
            .collect();
        missing.sort_unstable();
        let sql = "INSERT INTO abandoned_orders (order_id, at_ms)
                   SELECT order_id, $2 FROM UNNEST($1::uuid[]) AS missing (order_id)
                   ON CONFLICT DO NOTHING";
        connection
            .execute(sql, &[&bytes(&missing), &now.as_ms()])
            .await?;
    }
    let given_up = ids.iter().filter(|id| match statuses.get(id) {
        None | Some(OrderStatus::Cancelled) => true,
        Some(
            OrderStatus::Pending
            | OrderStatus::Paid
            | OrderStatus::Shipped
            | OrderStatus::Delivered
            | OrderStatus::Refunded,
        ) => false,
    });
    Ok(given_up.copied().collect())
}

/// From then on they are the user's like any other, and go with the account. Locked in the order of their numbers.
pub(super) async fn claim(
    connection: &Connection,
    (user, email): (UserId, &Email),
    limit: u32,
) -> Result<u64, Abort<Infallible>> {
    let sql = "WITH mine AS (SELECT order_number
                               FROM orders
                              WHERE LOWER(guest_email) = $2 AND guest_email IS NOT NULL AND customer_id IS NULL
                              ORDER BY order_number
                              LIMIT $3
                                FOR UPDATE)
               UPDATE orders
                  SET customer_id = $1, guest_email = NULL
                 FROM mine
                WHERE orders.order_number = mine.order_number";
    let values: [&(dyn ToSql + Sync); 3] =
        [&Bytes(*user.as_bytes()), &email.key(), &i64::from(limit)];
    let claimed = connection.execute(sql, &values).await?;
    let earlier = earlier::claim(connection, user, email, limit).await?;
    Ok(claimed.saturating_add(earlier))
}

pub(super) async fn forget_customer(
    connection: &Connection,
    id: UserId,
    again_at: Option<Timestamp>,
) -> Result<(), Abort<Infallible>> {
    super::notes::forget(connection, id).await?;
    mails::forget(connection, id).await?;
    returns::forget(connection, id).await?;
    let customer = Bytes(*id.as_bytes());
    let lock =
        "SELECT order_number FROM orders WHERE customer_id = $1 ORDER BY order_number FOR UPDATE";
    let numbers: Vec<i64> = connection
        .query(lock, &[&customer])
        .await?
        .iter()
        .map(|row| row.try_get(0))
        .collect::<Result<_, _>>()?;
    let sql = "UPDATE order_events
                  SET actor = CASE actor WHEN $2 THEN 'erased' ELSE actor END, request_id = NULL
                WHERE actor IN ($2, 'system') AND order_number = ANY($1)";
    connection
        .execute(sql, &[&numbers, &id.to_string()])
        .await?;
    let sql =
        "UPDATE orders SET customer_id = NULL, guest_email = NULL WHERE order_number = ANY($1)";
    connection.execute(sql, &[&numbers]).await?;
    super::addresses::forget(connection, &numbers).await?;
    carts::forget(connection, id).await?;
    earlier::forget(connection, id).await?;
    super::book::forget(connection, id, again_at).await?;
    Ok(())
}

pub(super) async fn secret(
    connection: &Connection,
    name: &str,
    fresh: [u8; 32],
) -> Result<[u8; 32], Abort<Infallible>> {
    // Of several nodes that start at once, one is first.
    let sql = "INSERT INTO secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    connection.execute(sql, &[&name, &Bytes(fresh)]).await?;
    let sql = "SELECT value FROM secrets WHERE name = $1";
    let Bytes(secret): Bytes<32> = connection.query_one(sql, &[&name]).await?.try_get(0)?;
    Ok(secret)
}
