//! Orders, as `souk import orders` reads them elsewhere. As JSON Lines they are what the API answers, and what it does
//! not say in one place: whose address their buyer has now, and what went back. As a table an order is a row a line.

use super::{Writing, books::Books, word};
use crate::commands::import::cell;
use contracts::{
    BoxError,
    orders::{OrderLineView, OrderStatus, OrderView, PartSums},
    values::{Money, UserId},
};
use serde_json::{Value, json};
use std::collections::HashMap;

pub(super) const COLUMNS: &[&str] = &[
    "number",
    "id",
    "status",
    "created_at",
    "customer_id",
    "sku",
    "name",
    "quantity",
    "unit_price",
    "line_total",
    "total",
    "currency",
    "tracking",
    "email",
    "shipping",
    "tax",
    "discount",
    "refunded",
];

/// Addresses that are remembered; then it is begun anew.
const ADDRESSES_MAX: usize = 10_000;

/// Addresses of people who bought, each asked for once while it is remembered.
#[derive(Default)]
pub(super) struct Addresses(HashMap<UserId, Option<String>>);

impl Addresses {
    /// What has no account, or one without an address, has none. A guest's the shop tells nobody.
    pub(super) async fn of(
        &mut self,
        books: &Books,
        customer: Option<UserId>,
    ) -> Result<Option<String>, BoxError> {
        let Some(id) = customer else {
            return Ok(None);
        };
        if let Some(known) = self.0.get(&id) {
            return Ok(known.clone());
        }
        let email = books.account(id).await?.and_then(|account| account.email);
        let email = email.map(|email| email.as_str().to_owned());
        if self.0.len() >= ADDRESSES_MAX {
            self.0.clear();
        }
        self.0.insert(id, email.clone());
        Ok(email)
    }
}

/// An order with what stands beside it.
struct Told<'o> {
    order: &'o OrderView,
    email: Option<String>,
    refunded: Money,
}

pub(super) async fn all(books: &Books, writing: &mut Writing) -> Result<(), BoxError> {
    books.must_see_all_orders().await?;
    let (mut addresses, mut cursor) = (Addresses::default(), None);
    loop {
        let page = books.orders(cursor).await?;
        for order in &page.data {
            let told = Told {
                order,
                email: addresses.of(books, order.customer_id).await?,
                refunded: given_back(books, order).await?,
            };
            writing.put(|| told.line(), || told.rows())?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

/// What went back of an order, as its timeline tells.
async fn given_back(books: &Books, order: &OrderView) -> Result<Money, BoxError> {
    let currency = order.total.currency;
    match order.status {
        OrderStatus::Pending => return Ok(Money::zero(currency)),
        OrderStatus::Refunded => return Ok(order.total),
        OrderStatus::Paid
        | OrderStatus::Shipped
        | OrderStatus::Delivered
        | OrderStatus::Cancelled => {}
    }
    let timeline = books.timeline(order.id).await?;
    let mut refunds = timeline
        .iter()
        .filter_map(|entry| entry.given_back(currency));
    Ok(refunds.try_fold(Money::zero(currency), Money::plus)?)
}

impl Told<'_> {
    fn line(&self) -> Result<Value, BoxError> {
        let mut line = serde_json::to_value(self.order)?;
        if let Some(fields) = line.as_object_mut() {
            fields.insert("email".to_owned(), json!(self.email));
            fields.insert("refunded".to_owned(), json!(self.refunded));
        }
        Ok(line)
    }

    fn rows(&self) -> Result<Vec<[String; COLUMNS.len()]>, BoxError> {
        let lines = self.order.items.iter();
        lines.map(|line| self.row(line)).collect()
    }

    fn row(&self, line: &OrderLineView) -> Result<[String; COLUMNS.len()], BoxError> {
        let order = self.order;
        let sums = PartSums::of(&order.parts).ok_or("an order's parts are out of range")?;
        let decimal = |minor| Money::new(minor, order.total.currency).decimal();
        Ok([
            order.number.to_string(),
            order.id.to_string(),
            word(&order.status)?,
            word(&order.created_at)?,
            word(&order.customer_id)?,
            cell(&line.sku),
            cell(&line.name),
            word(&line.quantity)?,
            line.unit_price.decimal(),
            line.line_total.decimal(),
            order.total.decimal(),
            order.total.currency.to_string(),
            cell(order.tracking.as_deref().unwrap_or_default()),
            cell(self.email.as_deref().unwrap_or_default()),
            decimal(sums.shipping),
            decimal(sums.tax),
            decimal(sums.discount),
            self.refunded.decimal(),
        ])
    }
}
