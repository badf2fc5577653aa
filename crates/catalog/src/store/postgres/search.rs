//! What the index of the search is filled from. Changes nothing.

use super::{PostgresStore, read};
use crate::{
    domain::search::{Entry, Shelf},
    store::{
        search::{Changed, Moved, Source},
        variants,
    },
};
use async_trait::async_trait;
use contracts::values::UserId;
use platform::db::{
    StoreError,
    postgres::{Bytes, Row, parsed},
};
use std::collections::HashMap;

/// Transactions are numbered without end; as numbers they fit for as long as anybody lives.
const MARK: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint";

const ALL: &str = "SELECT p.product_number, COALESCE(c.changed_in::text::bigint, 0)
       FROM products p
       LEFT JOIN product_changes c ON c.product_number = p.product_number
      ORDER BY p.product_number";

/// Numbers from before a restore may lie ahead of the server's own: those tell nothing.
const CHANGED: &str = "SELECT product_number, changed_in::text::bigint
       FROM product_changes
      WHERE changed_in >= $1::bigint::text::xid8
        AND changed_in < pg_snapshot_xmax(pg_current_snapshot())
      ORDER BY product_number";

const CATEGORIES_CHANGED: &str = "SELECT EXISTS (
         SELECT 1
           FROM category_changes
          WHERE changed_in >= $1::bigint::text::xid8
            AND changed_in < pg_snapshot_xmax(pg_current_snapshot()))";

const ENTRIES: &str = "SELECT p.product_number, COALESCE(n.changed_in::text::bigint, 0), p.owner_id, p.status,
            p.category_number, COALESCE(c.name, ''), v.price_minor, p.name, p.slug, p.description, p.attributes,
            held.available, held.skus, p.publish_at_ms, p.unpublish_at_ms, p.options
       FROM products p
       JOIN variants v ON v.product_number = p.product_number AND v.position = 0
       LEFT JOIN product_changes n ON n.product_number = p.product_number
       LEFT JOIN categories c ON c.category_number = p.category_number
      CROSS JOIN LATERAL (
             SELECT BOOL_OR(s.on_hand > s.reserved) AS available, STRING_AGG(a.sku, ' ') AS skus
               FROM variants a
               JOIN stock s ON s.variant_number = a.variant_number
              WHERE a.product_number = p.product_number AND a.position >= 0
            ) AS held
      WHERE p.product_number = ANY($1)";

const AVAILABLE: &str = "SELECT v.product_number, BOOL_OR(s.on_hand > s.reserved)
       FROM variants v
       JOIN stock s ON s.variant_number = v.variant_number
      WHERE v.product_number = ANY($1) AND v.position >= 0
      GROUP BY v.product_number";

const AVAILABLE_BY_ID: &str = "SELECT v.product_number, BOOL_OR(s.on_hand > s.reserved)
       FROM products p
       JOIN variants v ON v.product_number = p.product_number
       JOIN stock s ON s.variant_number = v.variant_number
      WHERE p.product_id = ANY($1) AND v.position >= 0
      GROUP BY v.product_number";

#[async_trait]
impl Source for PostgresStore {
    async fn changed(&self, since: Option<i64>) -> Result<Changed, StoreError> {
        let connection = self.database.read().await?;
        // The mark first: what commits between the two statements is seen by the second, and by the next again.
        let mark = connection.query_one(MARK, &[]).await?.try_get(0)?;
        let (rows, categories) = match since {
            None => (connection.query(ALL, &[]).await?, true),
            Some(since) => {
                let rows = connection.query(CHANGED, &[&since]).await?;
                let told = connection.query_one(CATEGORIES_CHANGED, &[&since]).await?;
                (rows, told.try_get(0)?)
            }
        };
        let products = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect::<Result<_, StoreError>>()?;
        Ok(Changed {
            products,
            categories,
            mark,
        })
    }

    async fn entries(&self, numbers: Vec<i64>) -> Result<Vec<Entry>, StoreError> {
        let connection = self.database.read().await?;
        let rows = connection.query(ENTRIES, &[&numbers]).await?;
        rows.iter().map(entry).collect()
    }

    async fn shelves(&self) -> Result<HashMap<i64, Shelf>, StoreError> {
        let sql = "SELECT category_number, slug, name, parent_number FROM categories";
        let rows = self.database.read().await?.query(sql, &[]).await?;
        rows.iter()
            .map(|row| {
                let shelf = Shelf {
                    slug: row.try_get(1)?,
                    name: row.try_get(2)?,
                    parent: row.try_get(3)?,
                };
                Ok((row.try_get(0)?, shelf))
            })
            .collect()
    }

    async fn available(&self, products: Moved) -> Result<Vec<(i64, bool)>, StoreError> {
        let connection = self.database.read().await?;
        let rows = match products {
            Moved::Numbers(numbers) => connection.query(AVAILABLE, &[&numbers]).await?,
            Moved::Products(ids) => {
                let ids: Vec<Bytes<16>> = ids.iter().map(|id| Bytes(*id.as_bytes())).collect();
                connection.query(AVAILABLE_BY_ID, &[&ids]).await?
            }
        };
        rows.iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect()
    }
}

fn entry(row: &Row) -> Result<Entry, StoreError> {
    let mut attributes = read::json_of(row, 10)?;
    variants::found_by(&mut attributes, read::json_of(row, 15)?);
    Ok(Entry {
        number: row.try_get(0)?,
        change: row.try_get(1)?,
        owner_id: UserId::from_bytes(read::id(row, 2)?),
        status: parsed(row, 3)?,
        category: row.try_get(4)?,
        category_name: row.try_get(5)?,
        price: row.try_get(6)?,
        name: row.try_get(7)?,
        slug: row.try_get(8)?,
        description: row.try_get(9)?,
        attributes,
        schedule: read::schedule(row, 13)?,
        available: row.try_get(11)?,
        skus: row.try_get(12)?,
    })
}
