//! The tree of categories as it is changed. Moves wait for each other, so that no two of them tie a knot together.

use super::{PostgresStore, broken, can_be_kept, edit_error, read};
use crate::{
    domain::text,
    store::tree::{self, CategoryChange, CategoryEdit, Tree},
};
use async_trait::async_trait;
use contracts::{
    catalog::{CategoryView, EditError},
    values::{CategoryId, ValueError},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection},
};

/// Whoever moves a category holds this until the commit; of this schema, and in its own namespace of locks.
const MOVES: &str =
    "SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('category moves'))";

const IS_BELOW: &str = "WITH RECURSIVE up (number) AS (
         SELECT $1::bigint
          UNION
         SELECT c.parent_number
           FROM up
           JOIN categories c ON c.category_number = up.number
          WHERE c.parent_number IS NOT NULL
     )
     SELECT EXISTS (SELECT 1 FROM up WHERE number = $2)";

const UPDATE: &str = "UPDATE categories
        SET name = COALESCE($2::text, name), slug = COALESCE($3::text, slug),
            parent_number = CASE WHEN $4::boolean THEN $5::bigint ELSE parent_number END, version = version + 1
      WHERE category_number = $1";

#[async_trait]
impl Tree for PostgresStore {
    async fn edit_category(&self, edit: CategoryEdit) -> Result<CategoryView, EditError> {
        let write = self
            .database
            .write(edit, |c, edit| Box::pin(change(c, edit)));
        write.await.map_err(edit_error)
    }
}

async fn change(
    connection: &Connection,
    edit: &CategoryEdit,
) -> Result<CategoryView, Abort<EditError>> {
    if let CategoryChange::Edit {
        parent: Some(Some(_)),
        ..
    } = &edit.change
    {
        connection.query_one(MOVES, &[]).await?;
    }
    let lock = "SELECT category_number FROM categories WHERE category_id = $1 FOR UPDATE";
    connection
        .query_opt(lock, &[&Bytes(*edit.category_id.as_bytes())])
        .await?;
    let found = find(connection, edit.category_id).await?;
    let (number, found) = found.ok_or(Abort::Refused(EditError::NotFound))?;
    tree::may(edit, &found).map_err(Abort::Refused)?;
    match &edit.change {
        CategoryChange::Remove => {
            let sql = "DELETE FROM categories WHERE category_number = $1";
            connection.execute(sql, &[&number]).await.map_err(|error| {
                Abort::from(error)
                    .or_constraint("products_category", || EditError::InUse)
                    .or_constraint("categories_parent", || EditError::InUse)
            })?;
            return Ok(found);
        }
        CategoryChange::Edit { name, slug, parent } => {
            let above = match parent {
                None | Some(None) => None,
                Some(Some(slug)) => Some(place_for(connection, number, slug).await?),
            };
            connection
                .execute(UPDATE, &[&number, name, slug, &parent.is_some(), &above])
                .await
                .map_err(|error| {
                    Abort::from(error).or_constraint("categories_slug_key", || EditError::SlugTaken)
                })?;
        }
    }
    let (_, view) = find(connection, edit.category_id)
        .await?
        .ok_or_else(|| broken("a category that was written is not there"))?;
    Ok(view)
}

/// The number of the category of that slug, if it does not lie below the one that moves, nor is it.
async fn place_for(
    connection: &Connection,
    moving: i64,
    slug: &str,
) -> Result<i64, Abort<EditError>> {
    let refused = |why: &str| Abort::Refused(text::invalid("/parent", ValueError::new(why)));
    if !can_be_kept(slug) {
        return Err(refused("names no category"));
    }
    // Held against whoever would take it away meanwhile.
    let sql = "SELECT category_number FROM categories WHERE slug = $1 FOR KEY SHARE";
    let row = connection.query_opt(sql, &[&slug]).await?;
    let above: i64 = row
        .ok_or_else(|| refused("names no category"))?
        .try_get(0)
        .map_err(StoreError::from)?;
    let is_below = connection.query_one(IS_BELOW, &[&above, &moving]).await?;
    if is_below.try_get(0).map_err(StoreError::from)? {
        Err(refused("lies below the category itself"))
    } else {
        Ok(above)
    }
}

async fn find(
    connection: &Connection,
    id: CategoryId,
) -> Result<Option<(i64, CategoryView)>, StoreError> {
    let sql = "SELECT c.category_number, c.slug, c.name, above.slug, c.version
                 FROM categories c
                 LEFT JOIN categories above ON above.category_number = c.parent_number
                WHERE c.category_id = $1";
    let row = connection.query_opt(sql, &[&Bytes(*id.as_bytes())]).await?;
    row.map(|row| {
        let view = CategoryView {
            id,
            slug: row.try_get(1)?,
            name: row.try_get(2)?,
            parent: row.try_get(3)?,
            version: read::version(&row, 4)?,
        };
        Ok((row.try_get(0)?, view))
    })
    .transpose()
}
