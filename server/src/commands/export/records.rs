//! Stock and accounts, as `souk import stock` and `customers` read them. As JSON Lines they are what the API answers.
//! Nothing secret of an account is in them.

use super::{Writing, books::Books, word};
use crate::commands::import::cell;
use contracts::{BoxError, catalog::InventoryView, identity::UserView};

pub(super) const STOCK: &[&str] = &["sku", "on_hand", "reserved", "available"];
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

pub(super) async fn stock(books: &Books, writing: &mut Writing) -> Result<(), BoxError> {
    let mut cursor = None;
    loop {
        let page = books.stock(cursor).await?;
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

pub(super) async fn customers(books: &Books, writing: &mut Writing) -> Result<(), BoxError> {
    let mut cursor = None;
    loop {
        let page = books.accounts(cursor).await?;
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
