//! The tree of categories as it is changed: by the one writer, who looks first and writes then.

use super::{SqliteStore, broken, edit_error, read};
use crate::{
    domain::text,
    store::tree::{self, CategoryChange, CategoryEdit, Tree},
};
use async_trait::async_trait;
use contracts::{
    catalog::{CategoryView, EditError},
    values::{CategoryId, ValueError},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

#[async_trait]
impl Tree for SqliteStore {
    async fn edit_category(&self, edit: CategoryEdit) -> Result<CategoryView, EditError> {
        let write = self.database.write(move |c| change(c, &edit));
        write.await.map_err(edit_error)
    }
}

fn change(connection: &Connection, edit: &CategoryEdit) -> Result<CategoryView, Abort<EditError>> {
    let found = find(connection, edit.category_id)?;
    let (number, found) = found.ok_or(Abort::Refused(EditError::NotFound))?;
    tree::may(edit, &found).map_err(Abort::Refused)?;
    match &edit.change {
        CategoryChange::Remove => {
            if is_used(connection, number)? {
                return Err(Abort::Refused(EditError::InUse));
            }
            connection
                .prepare_cached("DELETE FROM categories WHERE category_number = ?1")?
                .execute([number])?;
            return Ok(found);
        }
        CategoryChange::Edit { name, slug, parent } => {
            let above = match parent {
                None => parent_of(connection, number)?,
                Some(None) => None,
                Some(Some(slug)) => Some(place_for(connection, number, slug)?),
            };
            connection
                .prepare_cached(
                    "UPDATE categories
                        SET name = COALESCE(?2, name), slug = COALESCE(?3, slug), parent_number = ?4,
                            version = version + 1
                      WHERE category_number = ?1",
                )?
                .execute(params![number, name, slug, above])
                .map_err(|error| {
                    Abort::from(error).or_constraint("categories.slug", || EditError::SlugTaken)
                })?;
        }
    }
    let (_, view) = find(connection, edit.category_id)?
        .ok_or_else(|| broken("a category that was written is not there"))?;
    Ok(view)
}

/// The number of the category of that slug, if it does not lie below the one that moves, nor is it.
fn place_for(connection: &Connection, moving: i64, slug: &str) -> Result<i64, Abort<EditError>> {
    let refused = |why: &str| Abort::Refused(text::invalid("/parent", ValueError::new(why)));
    let above: Option<i64> = connection
        .prepare_cached("SELECT category_number FROM categories WHERE slug = ?1")?
        .query_row([slug], |row| row.get(0))
        .optional()?;
    let above = above.ok_or_else(|| refused("names no category"))?;
    let is_below: bool = connection
        .prepare_cached(
            "WITH RECURSIVE up (number) AS (
                 SELECT ?1
                  UNION
                 SELECT c.parent_number
                   FROM up
                   JOIN categories c ON c.category_number = up.number
                  WHERE c.parent_number IS NOT NULL
             )
             SELECT EXISTS (SELECT 1 FROM up WHERE number = ?2)",
        )?
        .query_row([above, moving], |row| row.get(0))?;
    if is_below {
        Err(refused("lies below the category itself"))
    } else {
        Ok(above)
    }
}

fn parent_of(connection: &Connection, number: i64) -> Result<Option<i64>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT parent_number FROM categories WHERE category_number = ?1")?;
    Ok(statement.query_row([number], |row| row.get(0))?)
}

fn is_used(connection: &Connection, number: i64) -> Result<bool, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM products WHERE category_number = ?1)
             OR EXISTS (SELECT 1 FROM categories WHERE parent_number = ?1)",
    )?;
    Ok(statement.query_row([number], |row| row.get(0))?)
}

fn find(
    connection: &Connection,
    id: CategoryId,
) -> Result<Option<(i64, CategoryView)>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT c.category_number, c.slug, c.name, above.slug, c.version
           FROM categories c
           LEFT JOIN categories above ON above.category_number = c.parent_number
          WHERE c.category_id = ?1",
    )?;
    let found = statement.query_row([id.as_bytes()], |row| {
        let view = CategoryView {
            id,
            slug: row.get(1)?,
            name: row.get(2)?,
            parent: row.get(3)?,
            version: read::version(row, 4)?,
        };
        Ok((row.get(0)?, view))
    });
    Ok(found.optional()?)
}
