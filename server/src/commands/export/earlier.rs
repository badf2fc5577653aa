//! Earlier orders, as `souk import orders` reads them: what was brought along goes along. As JSON Lines they are what
//! the API answers, with the address of whoever's they are; as a table a record is a row a line.

use super::{Writing, books::Books, orders::Addresses, word};
use crate::commands::import::cell;
use contracts::{
    BoxError,
    orders::{EarlierLineView, EarlierOrderView},
    values::Money,
};
use serde_json::{Value, json};

/// Those of orders as far as a record has them, with what the other shop called it and the customer.
pub(super) const COLUMNS: &[&str] = &[
    "source",
    "number",
    "status",
    "placed_at",
    "customer_ref",
    "sku",
    "name",
    "quantity",
    "unit_price",
    "line_total",
    "total",
    "currency",
    "email",
    "shipping",
    "tax",
    "discount",
    "refunded",
];

pub(super) async fn all(books: &Books, writing: &mut Writing) -> Result<(), BoxError> {
    books.must_see_all_orders().await?;
    let (mut addresses, mut cursor) = (Addresses::default(), None);
    loop {
        let page = books.earlier_orders(cursor).await?;
        for order in &page.data {
            let email = addresses.of(books, order.customer_id).await?;
            let line = || -> Result<Value, BoxError> {
                let mut line = serde_json::to_value(order)?;
                if let Some(fields) = line.as_object_mut() {
                    fields.insert("email".to_owned(), json!(email));
                }
                Ok(line)
            };
            let email = email.as_deref().unwrap_or_default();
            let rows = || -> Result<Vec<_>, BoxError> {
                let lines = order.lines.iter();
                lines.map(|line| row(order, line, email)).collect()
            };
            writing.put(line, rows)?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn row(
    order: &EarlierOrderView,
    line: &EarlierLineView,
    email: &str,
) -> Result<[String; COLUMNS.len()], BoxError> {
    let of_line = line.unit_price.minor.checked_mul(line.quantity);
    let of_line = of_line.ok_or("a line of a record is out of range")?;
    Ok([
        cell(&order.source),
        cell(&order.number),
        order.status.as_str().to_owned(),
        word(&order.placed_at)?,
        cell(order.customer_ref.as_deref().unwrap_or_default()),
        cell(&line.sku),
        cell(&line.name),
        line.quantity.to_string(),
        line.unit_price.decimal(),
        Money::new(of_line, line.unit_price.currency).decimal(),
        order.total.decimal(),
        order.total.currency.to_string(),
        cell(email),
        order.shipping.decimal(),
        order.tax.decimal(),
        order.discount.decimal(),
        order.refunded.decimal(),
    ])
}
