//! All books beside what clients did and were told, for runs of tests: whole in memory, unlike the rest of
//! verification. The judge is the checker; nothing is decided here.

use super::{Books, SECOND_LOOK_AFTER, pages::ROWS};
use checker::{History, Line, OrderRow, Provider, RefundRow, State, Violation};
use contracts::{
    BoxError,
    access::{Principal, Role},
    orders::{DiscountQuery, DiscountView, OrderAudit, Reader},
    payments::RefundAudit,
    values::{SessionId, UserId},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

/// Orders and refunds that are asked for at a time.
const AT_ONCE: usize = 4;

/// What came of it.
pub(crate) struct Verdict {
    /// How many requests there were.
    pub(crate) operations: usize,
    /// What is not as it was told.
    pub(crate) violations: Vec<Violation>,
}

/// Holds the books against a history. They are read one after the other while a shop may be writing in them: what does
/// not fit is looked at once more, and only what still does not fit counts.
pub(crate) async fn check(books: &Books, file: &Path) -> Result<Verdict, BoxError> {
    let history = read(file)?;
    let mut violations = look(books, &history).await?;
    if !violations.is_empty() {
        tokio::time::sleep(SECOND_LOOK_AFTER).await;
        let again = look(books, &history).await?;
        violations.retain(|violation| again.contains(violation));
    }
    Ok(Verdict {
        operations: history.operations.len(),
        violations,
    })
}

fn read(file: &Path) -> Result<History, BoxError> {
    let named = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let lines = BufReader::new(File::open(file).map_err(|error| named(&error))?).lines();
    lines
        .map(|line| -> Result<Line, BoxError> {
            let line = line.map_err(|error| named(&error))?;
            Ok(serde_json::from_str(&line).map_err(|error| named(&error))?)
        })
        .collect()
}

async fn look(books: &Books, history: &History) -> Result<Vec<Violation>, BoxError> {
    let (state, provider) = gather(books).await?;
    Ok(checker::check(history, &state, &provider))
}

/// All rows of a store, read page by page, each after the last row of the one before.
async fn all<T, K, A>(
    read: impl Fn(Option<K>) -> A,
    key: impl Fn(&T) -> K,
) -> Result<Vec<T>, BoxError>
where
    A: Future<Output = Result<Vec<T>, BoxError>>,
{
    let (mut rows, mut after) = (Vec::new(), None);
    loop {
        let page = read(after.take()).await?;
        let Some(last) = page.last() else {
            return Ok(rows);
        };
        after = Some(key(last));
        rows.extend(page);
    }
}

async fn gather(books: &Books) -> Result<(State, Provider), BoxError> {
    let (catalog, payments) = (&books.catalog, &books.payments);
    let orders = all(|after| books.orders.audit(after, ROWS), |row| row.id).await?;
    let refunds = |after| payments.audit_refunds(after, ROWS);
    let refunds = all(refunds, |row| (row.payment_id, row.id)).await?;
    let products = |after| catalog.audit_products(after, ROWS);
    let products = all(products, |row| row.variant_id).await?;
    let charges = |after: Option<u64>| payments.audit_charges(after.unwrap_or(0), ROWS);
    let charges = all(charges, |row| row.number).await?;
    let held = |after| catalog.audit_reservations(after, ROWS);
    let paid = |after| payments.audit(after, ROWS);
    let state = State {
        stock: all(
            |after| catalog.audit_stock(after, ROWS),
            |row| row.variant_id,
        )
        .await?,
        reservations: all(held, |row| row.order_id).await?,
        payments: all(paid, |row| (row.order_id, row.id)).await?,
        ledger: payments.audit_ledger().await?,
        products: products
            .iter()
            .map(|row| (row.product_id, row.version))
            .collect(),
        orders: stream::iter(orders)
            .map(|audit| whole_order(books, audit))
            .buffered(AT_ONCE)
            .try_collect()
            .await?,
        refunds: stream::iter(refunds)
            .map(|audit| whole_refund(books, audit))
            .buffered(AT_ONCE)
            .try_collect()
            .await?,
        at: Some(crate::shop::now()),
        discounts: discounts(books).await?,
        miscounted: books.orders.audit_discounts().await?,
        untold_returns: books.orders.audit_events().await?.untold_returns,
        deliveries: None,
    };
    Ok((state, Provider { charges }))
}

async fn discounts(books: &Books) -> Result<Vec<DiscountView>, BoxError> {
    let (keeper, mut found) = (keeper(), Vec::new());
    let mut query = DiscountQuery::default();
    loop {
        let page = books.orders.discounts(&keeper, query.clone()).await?;
        found.extend(page.data);
        query.cursor = page.next_cursor;
        if query.cursor.is_none() {
            return Ok(found);
        }
    }
}

fn reader() -> Reader {
    Reader::user(keeper())
}

/// Whoever may read everything.
fn keeper() -> Principal {
    Principal {
        user_id: UserId::from_bytes([0; 16]),
        session_id: SessionId::from_bytes([0; 16]),
        roles: vec![Role::Admin],
        key: None,
    }
}

async fn whole_order(books: &Books, audit: OrderAudit) -> Result<OrderRow, BoxError> {
    let reader = reader();
    Ok(OrderRow {
        view: books.orders.order(&reader, audit.id).await?,
        timeline: books.orders.timeline(&reader, audit.id).await?,
        audit,
    })
}

async fn whole_refund(books: &Books, audit: RefundAudit) -> Result<RefundRow, BoxError> {
    let views = books.payments.refunds(&reader(), audit.payment_id).await?;
    let view = views.into_iter().find(|view| view.id == audit.id);
    let items = view.map(|view| view.items).unwrap_or_default();
    Ok(RefundRow { audit, items })
}
