//! Stock, orders and accounts: what other systems are told. As JSON Lines they are what the API answers; as a table an
//! order is a row a line. Nothing secret of an account is in them.

use super::{Writing, keeper, page};
use crate::commands::import::cell;
use contracts::{
    BoxError,
    catalog::{Catalog, InventoryQuery, InventoryView},
    identity::{Identity, UserQuery, UserView},
    orders::{OrderLineView, OrderQuery, OrderView, Orders},
};

pub(super) const STOCK: &[&str] = &["sku", "on_hand", "reserved", "available"];
pub(super) const ORDERS: &[&str] = &[
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
];
pub(super) const CUSTOMERS: &[&str] = &[
    "id",
    "email",
    "username",
    "name",
    "roles",
    "created_at",
    "verified_at",
    "disabled_at",
];

pub(super) async fn stock(catalog: &dyn Catalog, writing: &mut Writing) -> Result<(), BoxError> {
    let (keeper, mut cursor) = (keeper(), None);
    loop {
        let query = InventoryQuery {
            limit: page()?,
            cursor,
            ..InventoryQuery::default()
        };
        let page = catalog.inventory(&keeper, query).await?;
        for one in &page.data {
            writing.put(
                || Ok(serde_json::to_value(one)?),
                || Ok(vec![stock_row(one)]),
            )?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn stock_row(one: &InventoryView) -> [String; 4] {
    [
        cell(&one.sku),
        one.on_hand.to_string(),
        one.reserved.to_string(),
        one.available.to_string(),
    ]
}

pub(super) async fn orders(orders: &dyn Orders, writing: &mut Writing) -> Result<(), BoxError> {
    let (keeper, mut cursor) = (keeper(), None);
    loop {
        let query = OrderQuery {
            limit: page()?,
            cursor,
            ..OrderQuery::default()
        };
        let page = orders.orders(&keeper, query).await?;
        for order in &page.data {
            let rows = || {
                order
                    .items
                    .iter()
                    .map(|line| order_row(order, line))
                    .collect()
            };
            writing.put(|| Ok(serde_json::to_value(order)?), rows)?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn order_row(order: &OrderView, line: &OrderLineView) -> Result<[String; 13], BoxError> {
    Ok([
        order.number.to_string(),
        order.id.to_string(),
        word(&order.status)?,
        word(&order.created_at)?,
        order
            .customer_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        cell(&line.sku),
        cell(&line.name),
        word(&line.quantity)?,
        line.unit_price.decimal(),
        line.line_total.decimal(),
        order.total.decimal(),
        order.total.currency.to_string(),
        cell(order.tracking.as_deref().unwrap_or_default()),
    ])
}

pub(super) async fn customers(
    identity: &dyn Identity,
    writing: &mut Writing,
) -> Result<(), BoxError> {
    let mut cursor = None;
    loop {
        let query = UserQuery {
            limit: page()?,
            cursor,
            ..UserQuery::default()
        };
        let page = identity.users(query).await?;
        for user in &page.data {
            writing.put(
                || Ok(serde_json::to_value(user)?),
                || Ok(vec![customer_row(user)?]),
            )?;
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return Ok(());
        }
    }
}

fn customer_row(user: &UserView) -> Result<[String; 8], BoxError> {
    let roles: Result<Vec<String>, BoxError> = user.roles.iter().map(word).collect();
    Ok([
        user.id.to_string(),
        cell(&word(&user.email)?),
        cell(&word(&user.username)?),
        cell(user.name.as_deref().unwrap_or_default()),
        roles?.join(" "),
        word(&user.created_at)?,
        word(&user.verified_at)?,
        word(&user.disabled_at)?,
    ])
}

/// A value as the API writes it, without quotation marks; nothing, if it is none.
fn word(value: &impl serde::Serialize) -> Result<String, BoxError> {
    Ok(match serde_json::to_value(value)? {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text,
        other @ (serde_json::Value::Bool(_)
        | serde_json::Value::Number(_)
        | serde_json::Value::Array(_)
        | serde_json::Value::Object(_)) => other.to_string(),
    })
}
