//! What the index of the search is filled from. Changes nothing.

use super::{SqliteStore, read};
use crate::{
    domain::search::{Entry, Shelf},
    store::{
        search::{Changed, Moved, Source},
        variants,
    },
};
use async_trait::async_trait;
use contracts::values::UserId;
use platform::db::StoreError;
use rusqlite::{Connection, OptionalExtension};
use std::collections::HashMap;

/// The product that stands for all categories.
const CATEGORIES: i64 = 0;

#[async_trait]
impl Source for SqliteStore {
    async fn changed(&self, since: Option<i64>) -> Result<Changed, StoreError> {
        self.database.read(move |c| changed(c, since)).await
    }

    async fn entries(&self, numbers: Vec<i64>) -> Result<Vec<Entry>, StoreError> {
        self.database.read(move |c| entries(c, &numbers)).await
    }

    async fn shelves(&self) -> Result<HashMap<i64, Shelf>, StoreError> {
        self.database.read(shelves).await
    }

    async fn available(&self, products: Moved) -> Result<Vec<(i64, bool)>, StoreError> {
        self.database.read(move |c| available(c, &products)).await
    }
}

/// There is one writer, so that a greater number is a later change.
fn changed(connection: &Connection, since: Option<i64>) -> Result<Changed, StoreError> {
    let mark: Option<i64> = connection
        .prepare_cached("SELECT MAX(change_number) FROM product_changes")?
        .query_row([], |row| row.get(0))?;
    let sql = match since {
        None => {
            "SELECT p.product_number, COALESCE(c.change_number, ?1)
               FROM products p
               LEFT JOIN product_changes c ON c.product_number = p.product_number
              ORDER BY p.product_number"
        }
        Some(_) => {
            "SELECT product_number, change_number
               FROM product_changes
              WHERE change_number > ?1
              ORDER BY product_number"
        }
    };
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([since.unwrap_or(0)], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut products: Vec<(i64, i64)> = rows.collect::<Result<_, _>>()?;
    let rows = products.len();
    products.retain(|(number, _)| *number != CATEGORIES);
    Ok(Changed {
        categories: since.is_none() || rows > products.len(),
        products,
        mark: mark.unwrap_or(0),
    })
}

fn entries(connection: &Connection, numbers: &[i64]) -> Result<Vec<Entry>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT p.product_number, COALESCE(n.change_number, 0), p.owner_id, p.status, p.category_number,
                COALESCE(c.name, ''), v.price_minor, p.name, p.slug, p.description, p.attributes,
                (SELECT MAX(s.on_hand - s.reserved) > 0
                   FROM variants a JOIN stock s ON s.variant_number = a.variant_number
                  WHERE a.product_number = p.product_number AND a.position >= 0),
                (SELECT group_concat(a.sku, ' ')
                   FROM variants a
                  WHERE a.product_number = p.product_number AND a.position >= 0),
                p.publish_at_ms, p.unpublish_at_ms, p.options
           FROM json_each(?1) wanted
          CROSS JOIN products p ON p.product_number = wanted.value
          CROSS JOIN variants v ON v.product_number = p.product_number AND v.position = 0
           LEFT JOIN product_changes n ON n.product_number = p.product_number
           LEFT JOIN categories c ON c.category_number = p.category_number",
    )?;
    let rows = statement.query_map([read::json(numbers)?], |row| {
        let mut attributes = read::json_of(row, 10)?;
        variants::found_by(&mut attributes, read::json_of(row, 15)?);
        Ok(Entry {
            number: row.get(0)?,
            change: row.get(1)?,
            owner_id: UserId::from_bytes(row.get(2)?),
            status: read::word(row, 3)?,
            category: row.get(4)?,
            category_name: row.get(5)?,
            price: row.get(6)?,
            name: row.get(7)?,
            slug: row.get(8)?,
            description: row.get(9)?,
            attributes,
            schedule: read::schedule(row, 13)?,
            available: row.get(11)?,
            skus: row.get(12)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn shelves(connection: &Connection) -> Result<HashMap<i64, Shelf>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT category_number, slug, name, parent_number FROM categories")?;
    let rows = statement.query_map([], |row| {
        let shelf = Shelf {
            slug: row.get(1)?,
            name: row.get(2)?,
            parent: row.get(3)?,
        };
        Ok((row.get(0)?, shelf))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

const AVAILABLE: &str = "SELECT v.product_number, MAX(s.on_hand - s.reserved) > 0
       FROM json_each(?1) wanted
      CROSS JOIN variants v ON v.product_number = wanted.value AND v.position >= 0
      CROSS JOIN stock s ON s.variant_number = v.variant_number
      GROUP BY v.product_number";

fn available(connection: &Connection, moved: &Moved) -> Result<Vec<(i64, bool)>, StoreError> {
    let numbers = match moved {
        Moved::Numbers(numbers) => numbers.clone(),
        Moved::Products(ids) => {
            let mut statement = connection
                .prepare_cached("SELECT product_number FROM products WHERE product_id = ?1")?;
            let mut numbers = Vec::with_capacity(ids.len());
            for id in ids {
                let found = statement.query_row([id.as_bytes()], |row| row.get(0));
                numbers.extend(found.optional()?.into_iter().collect::<Vec<i64>>());
            }
            numbers
        }
    };
    let mut statement = connection.prepare_cached(AVAILABLE)?;
    let rows = statement.query_map([read::json(&numbers)?], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
