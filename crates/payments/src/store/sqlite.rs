//! Payments in SQLite. Every change is a compare-and-set on the version; no statement reads first.

use super::{Change, Store, Taken};
use crate::domain::{Intent, Payment, State};
use async_trait::async_trait;
use contracts::{
    BoxError,
    payments::PaymentStatus,
    values::{Currency, Money, OrderId, PaymentId, Timestamp, ValueError, Version},
};
use platform::db::{
    Abort, StoreError,
    migrate::{BASE, Migration},
    sqlite::{Database, Options},
};
use rusqlite::{Connection, Params, Row, params};
use std::path::Path;

const MIGRATIONS: [Migration; 2] = [
    BASE,
    Migration {
        number: 1,
        name: "payments",
        sql: include_str!("../../migrations/sqlite/0001_payments.sql"),
    },
];

macro_rules! columns {
    ($before:literal, $after:literal) => {
        concat!(
            $before,
            " payment_id, order_id, fingerprint, version, status, amount_minor, currency, method,
              reference, decline_code, refund_wanted, tries, told_at_ms IS NOT NULL, created_at_ms,
              updated_at_ms ",
            $after
        )
    };
}

const INSERT: &str = columns!(
    "INSERT INTO payments (payment_id, order_id, fingerprint, version, status, amount_minor, currency,
                           method, next_try_at_ms, created_at_ms, updated_at_ms)
     VALUES (?1, ?2, ?3, 1, 'pending', ?4, ?5, ?6, ?7, ?8, ?8)
     RETURNING",
    ""
);

const ADVANCE: &str = columns!(
    "UPDATE payments
        SET status = ?4,
            reference = ?5,
            decline_code = ?6,
            refund_wanted = ?7,
            told_at_ms = ?8,
            updated_at_ms = ?9,
            next_try_at_ms = ?10,
            tries = 0,
            version = version + 1
      WHERE payment_id = ?1
        AND version = ?2
        AND status = ?3
     RETURNING",
    ""
);

const MARK_TOLD: &str = columns!(
    "UPDATE payments
        SET told_at_ms = ?3
      WHERE payment_id = ?1
        AND version = ?2
     RETURNING",
    ""
);

const POSTPONE: &str = "UPDATE payments
        SET tries = tries + 1,
            next_try_at_ms = ?3
      WHERE payment_id = ?1
        AND version = ?2";

const ONE: &str = columns!("SELECT", "FROM payments WHERE payment_id = ?1");

const DUE: &str = columns!(
    "SELECT",
    "FROM payments
      WHERE told_at_ms IS NULL
        AND next_try_at_ms <= ?1
      ORDER BY next_try_at_ms
      LIMIT ?2"
);

const AFTER: &str = columns!(
    "SELECT",
    "FROM payments
      WHERE (order_id, payment_id) > (?1, ?2)
      ORDER BY order_id, payment_id
      LIMIT ?3"
);

/// The embedded store.
#[derive(Debug, Clone)]
pub(crate) struct SqliteStore {
    database: Database,
}

impl SqliteStore {
    pub(crate) fn open(path: &Path, options: Options, now: Timestamp) -> Result<Self, StoreError> {
        let database = Database::open(path, options, &MIGRATIONS, now.as_ms())?;
        Ok(Self { database })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn begin(
        &self,
        intent: Intent,
        at: Timestamp,
        next_try_at: Timestamp,
    ) -> Result<Payment, Abort<Taken>> {
        let write = move |connection: &Connection| {
            let values = params![
                intent.id.as_bytes(),
                intent.order_id.as_bytes(),
                intent.fingerprint,
                intent.amount.minor,
                intent.amount.currency.code(),
                intent.method,
                next_try_at.as_ms(),
                at.as_ms(),
            ];
            let written = first(connection, INSERT, values).map_err(taken)?;
            written.ok_or_else(|| other("the intent was not written").into())
        };
        self.database.write(write).await
    }

    async fn advance(
        &self,
        from: &Payment,
        change: Change,
    ) -> Result<Option<Payment>, Abort<Taken>> {
        debug_assert!(from.state.may_become(&change.to), "{from:?} to {change:?}");
        let (id, version, status) = (from.id, from.version, from.state.status());
        let write = move |connection: &Connection| {
            let kept = Columns::of(&change.to);
            let values = params![
                id.as_bytes(),
                version.get(),
                status.as_str(),
                change.to.status().as_str(),
                kept.reference,
                kept.decline_code,
                kept.refund_wanted,
                change.told.then_some(change.at.as_ms()),
                change.at.as_ms(),
                change.next_try_at.as_ms(),
            ];
            first(connection, ADVANCE, values).map_err(taken)
        };
        self.database.write(write).await
    }

    async fn mark_told(
        &self,
        payment: &Payment,
        at: Timestamp,
    ) -> Result<Option<Payment>, StoreError> {
        let (id, version) = (payment.id, payment.version);
        let write = move |connection: &Connection| {
            let values = params![id.as_bytes(), version.get(), at.as_ms()];
            Ok(first(connection, MARK_TOLD, values)?)
        };
        self.database.write(write).await.map_err(failure)
    }

    async fn postpone(&self, payment: &Payment, until: Timestamp) -> Result<(), StoreError> {
        let (id, version) = (payment.id, payment.version);
        let write = move |connection: &Connection| {
            let values = params![id.as_bytes(), version.get(), until.as_ms()];
            connection.prepare_cached(POSTPONE)?.execute(values)?;
            Ok(())
        };
        self.database.write(write).await.map_err(failure)
    }

    async fn payment(&self, id: PaymentId) -> Result<Option<Payment>, StoreError> {
        let read = move |connection: &Connection| first(connection, ONE, [id.as_bytes()]);
        self.database.read(read).await
    }

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Payment>, StoreError> {
        let read = move |connection: &Connection| all(connection, DUE, (now.as_ms(), limit));
        self.database.read(read).await
    }

    async fn after(
        &self,
        last: Option<(OrderId, PaymentId)>,
        limit: u32,
    ) -> Result<Vec<Payment>, StoreError> {
        let read = move |connection: &Connection| {
            // No id is shorter than another, so an empty one comes before all of them.
            let (order, payment): (&[u8], &[u8]) = match &last {
                Some((order, payment)) => (order.as_bytes(), payment.as_bytes()),
                None => (&[], &[]),
            };
            all(connection, AFTER, params![order, payment, limit])
        };
        self.database.read(read).await
    }
}

/// What is kept of a state beside its word.
struct Columns<'a> {
    reference: Option<&'a str>,
    decline_code: Option<&'a str>,
    refund_wanted: bool,
}

impl<'a> Columns<'a> {
    fn of(state: &'a State) -> Self {
        let (reference, decline_code, refund_wanted) = match state {
            State::Pending => (None, None, false),
            State::Authorised { reference } => (Some(reference.as_str()), None, false),
            State::Captured {
                reference,
                refund_wanted,
            } => (Some(reference.as_str()), None, *refund_wanted),
            State::Declined { code } => (None, Some(code.as_str()), false),
            State::Voided { reference } => (reference.as_deref(), None, false),
            State::Refunded { reference } => (Some(reference.as_str()), None, true),
        };
        Self {
            reference,
            decline_code,
            refund_wanted,
        }
    }
}

/// The order has a payment under way, or (from another process) this very one was begun a moment ago.
fn taken(error: StoreError) -> Abort<Taken> {
    Abort::from(error)
        .or_constraint("payments.order_id", || Taken)
        .or_constraint("payments.payment_id", || Taken)
}

fn failure(abort: Abort<std::convert::Infallible>) -> StoreError {
    match abort {
        Abort::Failed(error) => error,
        Abort::Refused(never) => match never {},
    }
}

fn first(
    connection: &Connection,
    sql: &'static str,
    values: impl Params,
) -> Result<Option<Payment>, StoreError> {
    Ok(all(connection, sql, values)?.into_iter().next())
}

fn all(
    connection: &Connection,
    sql: &'static str,
    values: impl Params,
) -> Result<Vec<Payment>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(values)?;
    let mut payments = Vec::new();
    while let Some(row) = rows.next()? {
        payments.push(payment_of(row)?);
    }
    Ok(payments)
}

fn payment_of(row: &Row<'_>) -> Result<Payment, StoreError> {
    let currency: Currency = row.get::<_, String>(6)?.parse().map_err(unreadable)?;
    Ok(Payment {
        id: PaymentId::from_bytes(row.get(0)?),
        order_id: OrderId::from_bytes(row.get(1)?),
        fingerprint: row.get(2)?,
        version: Version::try_from(row.get::<_, i64>(3)?).map_err(unreadable)?,
        state: state_of(row)?,
        amount: Money::new(row.get(5)?, currency),
        method: row.get(7)?,
        tries: row.get(11)?,
        told: row.get(12)?,
        created_at: Timestamp::from_ms(row.get(13)?),
        updated_at: Timestamp::from_ms(row.get(14)?),
    })
}

fn state_of(row: &Row<'_>) -> Result<State, StoreError> {
    let status: PaymentStatus = row.get::<_, String>(4)?.parse().map_err(unreadable)?;
    Ok(match status {
        PaymentStatus::Pending => State::Pending,
        PaymentStatus::Authorised => State::Authorised {
            reference: row.get(8)?,
        },
        PaymentStatus::Captured => State::Captured {
            reference: row.get(8)?,
            refund_wanted: row.get(10)?,
        },
        PaymentStatus::Declined => State::Declined { code: row.get(9)? },
        PaymentStatus::Voided => State::Voided {
            reference: row.get(8)?,
        },
        PaymentStatus::Refunded => State::Refunded {
            reference: row.get(8)?,
        },
    })
}

fn unreadable(error: ValueError) -> StoreError {
    other(error)
}

fn other(error: impl Into<BoxError>) -> StoreError {
    StoreError::Other(error.into())
}
