//! Categories: a tree by parent. Made by admins, or on the way when a product names one.

use super::{broken, can_be_kept, read};
use crate::{
    domain::{category::CategoryName, slug, text},
    store::CategoryRow,
};
use contracts::{
    catalog::{CategoryView, EditError},
    values::{CategoryId, Timestamp, ValueError, Version},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, ToSql},
};

/// The category of that slug, made at the top if it is not there.
pub(super) async fn find_or_make(
    connection: &Connection,
    named: &CategoryName,
    at: Timestamp,
) -> Result<i64, StoreError> {
    if let Some(number) = by_slug(connection, &named.slug).await? {
        return Ok(number);
    }
    let row = CategoryRow {
        category_id: CategoryId::generate(),
        named: named.clone(),
        parent: None,
        at,
        request: None,
    };
    if let Some(number) = insert(connection, &row, None).await? {
        return Ok(number);
    }
    // Another node was faster.
    let number = by_slug(connection, &named.slug).await?;
    number.ok_or_else(|| broken("a category is neither there nor can it be made"))
}

/// The category of that name below a parent, made if it is not there. The slug may be somebody else's
/// then (lamps of the house, lamps of the garden): it gets the parent's before it, or a number.
pub(super) async fn find_or_make_below(
    connection: &Connection,
    parent: Option<(i64, &str)>,
    named: &CategoryName,
    at: Timestamp,
) -> Result<(i64, String), StoreError> {
    let number = parent.map(|(number, _)| number);
    let sql = "SELECT category_number, slug
                 FROM categories
                WHERE parent_number IS NOT DISTINCT FROM $1 AND (name = $2 OR slug = $3)
                ORDER BY category_number
                LIMIT 1";
    let known = connection
        .query_opt(sql, &[&number, &named.name, &named.slug])
        .await?;
    if let Some(row) = known {
        return Ok((row.try_get(0)?, row.try_get(1)?));
    }
    let category_id = CategoryId::generate();
    let base = match parent {
        Some((_, above)) if by_slug(connection, &named.slug).await?.is_some() => {
            slug::of(&format!("{above} {}", named.slug))
        }
        Some(_) | None => named.slug.clone(),
    };
    let tail = category_id.to_string();
    for candidate in slug::candidates(&base, tail.trim_start_matches("cat_")) {
        let row = CategoryRow {
            category_id,
            named: CategoryName {
                slug: candidate,
                name: named.name.clone(),
            },
            parent: None,
            at,
            request: None,
        };
        if let Some(made) = insert(connection, &row, number).await? {
            return Ok((made, row.named.slug));
        }
    }
    Err(broken("no slug is free"))
}

pub(super) async fn create(
    connection: &Connection,
    row: &CategoryRow,
) -> Result<CategoryView, Abort<EditError>> {
    let unknown = || {
        let error = ValueError::new("names no category");
        Abort::Refused(text::invalid("/parent", error))
    };
    let parent = match &row.parent {
        None => None,
        Some(slug) if can_be_kept(slug) => {
            Some(by_slug(connection, slug).await?.ok_or_else(unknown)?)
        }
        Some(_) => return Err(unknown()),
    };
    insert(connection, row, parent)
        .await?
        .ok_or(Abort::Refused(EditError::SlugTaken))?;
    Ok(CategoryView {
        id: row.category_id,
        slug: row.named.slug.clone(),
        name: row.named.name.clone(),
        parent: row.parent.clone(),
        version: Version::FIRST,
    })
}

pub(super) async fn all(connection: &Connection) -> Result<Vec<CategoryView>, StoreError> {
    let sql = "WITH RECURSIVE tree (number, depth) AS (
                   SELECT category_number, 0 FROM categories WHERE parent_number IS NULL
                    UNION
                   SELECT c.category_number, t.depth + 1
                     FROM tree t
                     JOIN categories c ON c.parent_number = t.number
               )
               SELECT c.category_id, c.slug, c.name, above.slug, c.version
                 FROM tree t
                 JOIN categories c ON c.category_number = t.number
                 LEFT JOIN categories above ON above.category_number = c.parent_number
                ORDER BY t.depth, c.name, c.category_number";
    let rows = connection.query(sql, &[]).await?;
    rows.iter()
        .map(|row| {
            Ok(CategoryView {
                id: CategoryId::from_bytes(read::id(row, 0)?),
                slug: row.try_get(1)?,
                name: row.try_get(2)?,
                parent: row.try_get(3)?,
                version: read::version(row, 4)?,
            })
        })
        .collect()
}

/// The numbers of a category and of all below it; none if there is no such category.
pub(super) async fn with_descendants(
    connection: &Connection,
    slug: &str,
) -> Result<Vec<i64>, StoreError> {
    let sql = "WITH RECURSIVE below (number) AS (
                   SELECT category_number FROM categories WHERE slug = $1
                    UNION
                   SELECT c.category_number
                     FROM below b
                     JOIN categories c ON c.parent_number = b.number
               )
               SELECT number FROM below";
    let rows = connection.query(sql, &[&slug]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

async fn by_slug(connection: &Connection, slug: &str) -> Result<Option<i64>, StoreError> {
    let sql = "SELECT category_number FROM categories WHERE slug = $1";
    let row = connection.query_opt(sql, &[&slug]).await?;
    row.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// The number of the new category; none if the slug is taken.
async fn insert(
    connection: &Connection,
    row: &CategoryRow,
    parent: Option<i64>,
) -> Result<Option<i64>, StoreError> {
    let sql =
        "INSERT INTO categories (category_id, slug, name, parent_number, version, created_at_ms)
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (slug) DO NOTHING
               RETURNING category_number";
    let id = Bytes(*row.category_id.as_bytes());
    let (version, at_ms) = (Version::FIRST.get(), row.at.as_ms());
    let parameters: [&(dyn ToSql + Sync); 6] = [
        &id,
        &row.named.slug,
        &row.named.name,
        &parent,
        &version,
        &at_ms,
    ];
    let made = connection.query_opt(sql, &parameters).await?;
    made.map(|row| Ok(row.try_get(0)?)).transpose()
}
