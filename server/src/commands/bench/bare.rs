//! The bare loop: what SQLite alone reaches when it writes the rows that an order is made of, into files of the
//! same schema with the same durability, and nothing else happens. The measure for everything above it. It writes
//! into copies that no shop ever opens, and it is no way to make an order.

use super::report::{each, per_second, percentile, processor_time};
use contracts::{
    BoxError,
    values::{EventId, OrderId, UserId},
};
use platform::db::sqlite::by_order;
use rusqlite::{Connection, Statement, params};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Orders in one pair of commits.
const GROUP: u32 = 256;
const HOLD_MS: i64 = 900_000;

/// The two files.
pub(super) struct Bare {
    catalog: Connection,
    orders: Connection,
    variants: Vec<Variant>,
}

struct Variant {
    number: i64,
    product_id: [u8; 16],
    variant_id: [u8; 16],
    seller_id: [u8; 16],
    sku: String,
    name: String,
}

/// What was reached.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reached {
    /// Orders a second, in groups.
    pub(super) per_second: u64,
    /// Time of processors an order, in groups.
    processor: Duration,
    /// Two commits of one order: half of them are quicker.
    pub(super) pair: Duration,
}

impl Reached {
    pub(super) fn told(&self, name: &str) -> String {
        let Self {
            per_second,
            processor,
            pair,
        } = self;
        format!(
            "{name}: {per_second} orders a second in groups of {GROUP}, {processor:.1?} of processors an order; \
             one order in two commits {pair:.0?}"
        )
    }

    /// The better of two: whatever else the machine did meanwhile only ever makes a loop slower.
    pub(super) fn or(&self, other: &Self) -> Self {
        Self {
            per_second: self.per_second.max(other.per_second),
            processor: self.processor.min(other.processor),
            pair: self.pair.min(other.pair),
        }
    }
}

impl Bare {
    /// Copies a shop's two files, with what is in them now.
    pub(super) fn copy(shop: &Path, folder: &Path) -> Result<Self, BoxError> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        std::fs::create_dir(folder)?;
        let open = |name: &str| -> Result<Connection, BoxError> {
            let copy = folder.join(name);
            let source = Connection::open(shop.join(name))?;
            source.execute("VACUUM INTO ?1", [copy.to_string_lossy()])?;
            let connection = Connection::open(&copy)?;
            connection.execute_batch(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = FULL;
                 PRAGMA foreign_keys = ON;
                 PRAGMA temp_store = MEMORY;
                 PRAGMA wal_autocheckpoint = 32000;
                 PRAGMA cache_size = -16384;",
            )?;
            Ok(connection)
        };
        let catalog = open("catalog.sqlite")?;
        let variants = read_variants(&catalog)?;
        Ok(Self {
            catalog,
            orders: open("orders.sqlite")?,
            variants,
        })
    }

    /// Writes so many orders in groups, and then so many one by one.
    pub(super) fn run(&self, orders: u32, pairs: u32) -> Result<Reached, BoxError> {
        let mut number = first_free(&self.orders)?;
        let (started, before) = (Instant::now(), processor_time());
        let mut left = orders;
        while left > 0 {
            let group = left.min(GROUP);
            number = self.group(number, group)?;
            left = left.saturating_sub(group);
        }
        let per_second = per_second(orders.into(), started.elapsed());
        let processor = each(processor_time().saturating_sub(before), orders.into());
        // As in a shop that has run for a while: the logs do not grow any more, and syncing them is quicker.
        for file in [&self.catalog, &self.orders] {
            file.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(()))?;
        }
        let mut times = Vec::new();
        for _ in 0..pairs {
            let started = Instant::now();
            number = self.group(number, 1)?;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        Ok(Reached {
            per_second,
            processor,
            pair: percentile(&times, 50),
        })
    }

    /// Two commits; answers the next number.
    fn group(&self, first: i64, count: u32) -> Result<i64, BoxError> {
        let next = first.saturating_add(i64::from(count));
        self.catalog.execute_batch("BEGIN IMMEDIATE")?;
        self.reserve(first..next)?;
        self.catalog.execute_batch("COMMIT")?;
        self.orders.execute_batch("BEGIN IMMEDIATE")?;
        self.place(first..next)?;
        self.orders.execute_batch("COMMIT")?;
        Ok(next)
    }

    fn variant(&self, number: i64) -> Result<&Variant, BoxError> {
        let index = usize::try_from(number)?.checked_rem(self.variants.len());
        let variant = index.and_then(|index| self.variants.get(index));
        Ok(variant.ok_or("there is no variant")?)
    }

    fn reserve(&self, numbers: std::ops::Range<i64>) -> Result<(), BoxError> {
        let mut reservation = self.catalog.prepare_cached(
            "INSERT INTO reservations (order_id, state, fingerprint, hold_until_at_ms, created_at_ms)
             VALUES (?1, 'open', ?2, ?3, ?4)",
        )?;
        let mut line = self.catalog.prepare_cached(
            "INSERT INTO reservation_lines (reservation_number, line_number, variant_number, quantity,
                                            unit_price_minor, currency)
             VALUES (?1, 0, ?2, 1, 999, 'USD')",
        )?;
        let mut stock = self.catalog.prepare_cached(
            "UPDATE stock SET reserved = reserved + ?2, version = version + 1
              WHERE variant_number = ?1 AND on_hand - reserved >= ?2",
        )?;
        let mut taken = std::collections::BTreeMap::new();
        for number in numbers {
            let (now, (id, fingerprint)) = (now_ms(), ids(number));
            let hold = now.saturating_add(HOLD_MS);
            reservation.execute(params![id.as_bytes(), fingerprint, hold, now])?;
            let variant = self.variant(number)?.number;
            let row = self.catalog.last_insert_rowid();
            by_order::add(&self.catalog, id, row)?;
            line.execute([row, variant])?;
            let units = taken.entry(variant).or_insert(0_i64);
            *units = units.saturating_add(1);
        }
        for (variant, units) in taken {
            stock.execute([variant, units])?;
        }
        Ok(())
    }

    fn place(&self, numbers: std::ops::Range<i64>) -> Result<(), BoxError> {
        let mut order = self.orders.prepare_cached(
            "INSERT INTO orders (order_number, order_id, customer_id, fingerprint, status, version,
                                 total_minor, currency, payment_due_at_ms, created_at_ms, updated_at_ms)
             VALUES (?1, ?2, ?3, ?4, 'pending', 1, 999, 'USD', ?5, ?6, ?6)",
        )?;
        let mut line = self.orders.prepare_cached(
            "INSERT INTO order_lines (order_number, line_number, product_id, variant_id, seller_id, sku, name,
                                      quantity, unit_price_minor)
             VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, 1, 999)",
        )?;
        let mut event = self.orders.prepare_cached(
            "INSERT INTO order_events (order_number, sequence, kind, status, version, actor, at_ms, request_id)
             VALUES (?1, 1, 'placed', 'pending', 1, ?2, ?3, ?4)",
        )?;
        let mut outbox = self.orders.prepare_cached(
            "INSERT INTO outbox (event_id, name, subject, payload, at_ms)
             VALUES (?1, 'orders.placed.v1', ?2, ?3, ?4)",
        )?;
        for number in numbers {
            let (now, (id, fingerprint)) = (now_ms(), ids(number));
            let variant = self.variant(number)?;
            let buyer = UserId::from_bytes(variant.seller_id);
            let due = now.saturating_add(HOLD_MS);
            order.execute(params![
                number,
                id.as_bytes(),
                buyer.as_bytes(),
                fingerprint,
                due,
                now
            ])?;
            by_order::add(&self.orders, id, number)?;
            insert_line(&mut line, number, variant)?;
            // As long as an id that the shop makes of its own.
            let request = format!("request-{number:028}");
            event.execute(params![number, buyer.to_string(), now, request])?;
            let subject = id.to_string();
            let total = "{\"amount\":999,\"currency\":\"USD\"}";
            let payload =
                format!("{{\"number\":{number},\"order_id\":\"{subject}\",\"total\":{total}}}");
            outbox.execute(params![
                EventId::generate().as_bytes(),
                subject,
                payload,
                now
            ])?;
        }
        Ok(())
    }
}

fn insert_line(line: &mut Statement<'_>, number: i64, variant: &Variant) -> Result<(), BoxError> {
    line.execute(params![
        number,
        variant.product_id,
        variant.variant_id,
        variant.seller_id,
        variant.sku,
        variant.name
    ])?;
    Ok(())
}

/// As unordered as the real ones.
fn ids(number: i64) -> (OrderId, [u8; 32]) {
    let key = number.to_string();
    let id = OrderId::from_bytes(platform::digest::derived_id("bare", &key));
    (id, platform::digest::sha256(&[b"bare", key.as_bytes()]))
}

fn now_ms() -> i64 {
    platform::clock::Clock::System.now().as_ms()
}

fn first_free(orders: &Connection) -> Result<i64, BoxError> {
    let last: Option<i64> =
        orders.query_row("SELECT MAX(order_number) FROM orders", [], |row| row.get(0))?;
    Ok(last.unwrap_or(10_000).saturating_add(1))
}

fn read_variants(catalog: &Connection) -> Result<Vec<Variant>, BoxError> {
    let mut statement = catalog.prepare(
        "SELECT v.variant_number, p.product_id, v.variant_id, p.owner_id, v.sku, p.name
           FROM variants v JOIN products p ON p.product_number = v.product_number",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(Variant {
            number: row.get(0)?,
            product_id: row.get(1)?,
            variant_id: row.get(2)?,
            seller_id: row.get(3)?,
            sku: row.get(4)?,
            name: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
