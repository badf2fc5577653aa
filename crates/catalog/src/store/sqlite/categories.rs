//! Categories: a tree by parent. Made by admins, or on the way when a product names one.

use super::{broken, read};
use crate::{
    domain::{category::CategoryName, slug, text},
    store::CategoryRow,
};
use contracts::{
    catalog::{CategoryView, EditError},
    values::{CategoryId, Timestamp, ValueError, Version},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

/// The category of that slug, made at the top if it is not there.
pub(super) fn find_or_make(
    connection: &Connection,
    named: &CategoryName,
    at: Timestamp,
) -> Result<i64, StoreError> {
    match by_slug(connection, &named.slug)? {
        Some(number) => Ok(number),
        None => insert(connection, &fresh(named.clone(), at), None),
    }
}

/// The category of that name below a parent, made if it is not there. The slug may be somebody else's
/// then (lamps of the house, lamps of the garden): it gets the parent's before it, or a number.
pub(super) fn find_or_make_below(
    connection: &Connection,
    parent: Option<(i64, &str)>,
    named: &CategoryName,
    at: Timestamp,
) -> Result<(i64, String), StoreError> {
    let number = parent.map(|(number, _)| number);
    let known: Option<(i64, String)> = connection
        .prepare_cached(
            "SELECT category_number, slug FROM categories
              WHERE parent_number IS ?1 AND (name = ?2 OR slug = ?3)
              ORDER BY category_number LIMIT 1",
        )?
        .query_row(params![number, named.name, named.slug], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?;
    if let Some(known) = known {
        return Ok(known);
    }
    let category_id = CategoryId::generate();
    let base = match parent {
        Some((_, above)) if by_slug(connection, &named.slug)?.is_some() => {
            slug::of(&format!("{above} {}", named.slug))
        }
        Some(_) | None => named.slug.clone(),
    };
    let tail = category_id.to_string();
    for candidate in slug::candidates(&base, tail.trim_start_matches("cat_")) {
        if by_slug(connection, &candidate)?.is_none() {
            let row = CategoryRow {
                category_id,
                named: CategoryName {
                    slug: candidate.clone(),
                    name: named.name.clone(),
                },
                parent: None,
                at,
                request: None,
            };
            return Ok((insert(connection, &row, number)?, candidate));
        }
    }
    Err(broken("no slug is free"))
}

pub(super) fn create(
    connection: &Connection,
    row: &CategoryRow,
) -> Result<CategoryView, Abort<EditError>> {
    let unknown = || {
        let error = ValueError::new("names no category");
        Abort::Refused(text::invalid("/parent", error))
    };
    let parent = match &row.parent {
        None => None,
        Some(slug) => Some(by_slug(connection, slug)?.ok_or_else(unknown)?),
    };
    insert(connection, row, parent).map_err(|error| {
        Abort::from(error).or_constraint("categories.slug", || EditError::SlugTaken)
    })?;
    Ok(CategoryView {
        id: row.category_id,
        slug: row.named.slug.clone(),
        name: row.named.name.clone(),
        parent: row.parent.clone(),
        version: Version::FIRST,
    })
}

pub(super) fn all(connection: &Connection) -> Result<Vec<CategoryView>, StoreError> {
    let mut statement = connection.prepare_cached(
        "WITH RECURSIVE tree (number, depth) AS (
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
          ORDER BY t.depth, c.name, c.category_number",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(CategoryView {
            id: CategoryId::from_bytes(row.get(0)?),
            slug: row.get(1)?,
            name: row.get(2)?,
            parent: row.get(3)?,
            version: read::version(row, 4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The numbers of a category and of all below it, as JSON; none if there is no such category.
pub(super) fn with_descendants(
    connection: &Connection,
    slug: &str,
) -> Result<Option<String>, StoreError> {
    let found: Option<String> = connection
        .prepare_cached(
            "WITH RECURSIVE below (number) AS (
                 SELECT category_number FROM categories WHERE slug = ?1
                  UNION
                 SELECT c.category_number
                   FROM below b
                   JOIN categories c ON c.parent_number = b.number
             )
             SELECT json_group_array(number) FROM below HAVING COUNT(*) > 0",
        )?
        .query_row([slug], |row| row.get(0))
        .optional()?;
    Ok(found)
}

fn by_slug(connection: &Connection, slug: &str) -> Result<Option<i64>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT category_number FROM categories WHERE slug = ?1")?;
    Ok(statement.query_row([slug], |row| row.get(0)).optional()?)
}

fn fresh(named: CategoryName, at: Timestamp) -> CategoryRow {
    CategoryRow {
        category_id: CategoryId::generate(),
        named,
        parent: None,
        at,
        request: None,
    }
}

fn insert(
    connection: &Connection,
    row: &CategoryRow,
    parent: Option<i64>,
) -> Result<i64, StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO categories (category_id, slug, name, parent_number, version, created_at_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            row.category_id.as_bytes(),
            row.named.slug,
            row.named.name,
            parent,
            Version::FIRST.get(),
            row.at.as_ms(),
        ])?;
    Ok(connection.last_insert_rowid())
}
