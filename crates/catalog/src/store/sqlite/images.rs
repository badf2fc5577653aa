//! Pictures as they are kept: their rows, and their files in the same commit.

use super::{SqliteStore, broken};
use crate::store::images::{self, Files, ImageChange, ImageEdit, ImageRow, Images, KEY_BYTES_MAX};
use async_trait::async_trait;
use contracts::{
    catalog::{ImageError, ProductImage},
    request::Answered,
    values::{ImageId, ProductId, UserId},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

/// The pictures of the product whose number is in this table, in order, as `images::read` reads them.
pub(super) fn shown(of: &str) -> String {
    format!(
        "(SELECT json_group_array(json_object('id', hex(i.image_id), 'alt', i.alt, 'version', i.version,
                         'large', json_array(i.large_name, i.large_width, i.large_height),
                         'small', json_array(i.small_name, i.small_width, i.small_height)) ORDER BY i.position)
            FROM product_images i
           WHERE i.product_number = {of}.product_number)"
    )
}

#[async_trait]
impl Images for SqliteStore {
    async fn add_image(&self, row: ImageRow) -> Result<Answered<ProductImage>, ImageError> {
        let write = self.database.write(move |c| add(c, &row));
        write.await.map_err(error)
    }

    async fn edit_image(&self, edit: ImageEdit) -> Result<ProductImage, ImageError> {
        let write = self.database.write(move |c| change(c, &edit));
        write.await.map_err(error)
    }

    async fn image_keys(&self, id: ImageId) -> Result<Vec<Vec<u8>>, StoreError> {
        let read = self.database.read(move |c| {
            let sql = "SELECT f.bytes
                         FROM image_files f
                         JOIN product_images i ON i.image_number = f.image_number
                        WHERE i.image_id = ?1 AND length(f.bytes) <= ?2";
            let mut statement = c.prepare_cached(sql)?;
            let rows =
                statement.query_map(params![id.as_bytes(), KEY_BYTES_MAX], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        read.await
    }

    async fn image_file(&self, name: String) -> Result<Option<Vec<u8>>, StoreError> {
        let read = self.database.read(move |c| {
            let sql = "SELECT bytes FROM image_files WHERE name = ?1 LIMIT 1";
            let mut statement = c.prepare_cached(sql)?;
            Ok(statement.query_row([name], |row| row.get(0)).optional()?)
        });
        read.await
    }
}

fn error(abort: Abort<ImageError>) -> ImageError {
    abort.into_refusal(|| ImageError::Overloaded, ImageError::Internal)
}

/// A product's number, its owner and its pictures.
fn product(
    connection: &Connection,
    id: ProductId,
) -> Result<(i64, UserId, Vec<ProductImage>), Abort<ImageError>> {
    let sql = format!(
        "SELECT p.product_number, p.owner_id, {images} FROM products p WHERE p.product_id = ?1",
        images = shown("p")
    );
    let found = connection
        .prepare_cached(&sql)?
        .query_row([id.as_bytes()], |row| {
            Ok((row.get(0)?, UserId::from_bytes(row.get(1)?), row.get(2)?))
        })
        .optional()?;
    let (number, owner, json): (i64, UserId, String) =
        found.ok_or(Abort::Refused(ImageError::NotFound))?;
    Ok((number, owner, images::read(Some(&json))?))
}

fn add(
    connection: &Connection,
    row: &ImageRow,
) -> Result<Answered<ProductImage>, Abort<ImageError>> {
    let (number, owner, before) = product(connection, row.product_id)?;
    images::may(row.scope, owner).map_err(Abort::Refused)?;
    if let Some(same) = row.files.among(&before) {
        return Ok(Answered::replayed(same.clone()));
    }
    if before.len() >= usize::try_from(row.most).unwrap_or(usize::MAX) {
        return Err(Abort::Refused(ImageError::TooMany { most: row.most }));
    }
    let Files { large, small } = &row.files;
    connection
        .prepare_cached(
            "INSERT INTO product_images (image_id, product_number, position, alt, large_name, large_width, large_height,
                                         small_name, small_width, small_height, version, created_at_ms)
             SELECT ?1, ?2, COALESCE(MAX(position) + 1, 0), ?3, ?4, ?5, ?6, ?7, ?8, ?9, 1, ?10
               FROM product_images
              WHERE product_number = ?2",
        )?
        .execute(params![
            row.image_id.as_bytes(),
            number,
            row.alt,
            large.name,
            large.width,
            large.height,
            small.name,
            small.width,
            small.height,
            row.at.as_ms(),
        ])?;
    keep(connection, row.image_id, &row.files)?;
    touch(connection, number)?;
    written(connection, row.product_id, row.image_id).map(Answered::fresh)
}

fn change(connection: &Connection, edit: &ImageEdit) -> Result<ProductImage, Abort<ImageError>> {
    let (number, owner, before) = product(connection, edit.product_id)?;
    images::may(edit.scope, owner).map_err(Abort::Refused)?;
    let place = images::found(edit, &before).map_err(Abort::Refused)?;
    touch(connection, number)?;
    let id = edit.image_id;
    match &edit.change {
        ImageChange::Remove => {
            forget(connection, id)?;
            connection
                .prepare_cached("DELETE FROM product_images WHERE image_id = ?1")?
                .execute([id.as_bytes()])?;
            let gone = before.into_iter().nth(place);
            return gone.ok_or_else(|| lost().into());
        }
        ImageChange::Draw(files) => draw(connection, id, files)?,
        ImageChange::Patch { alt, position } => {
            connection
                .prepare_cached(
                    "UPDATE product_images
                        SET alt = COALESCE(?2, alt), version = version + 1
                      WHERE image_id = ?1",
                )?
                .execute(params![id.as_bytes(), alt])?;
            if let Some(to) = position {
                arrange(connection, &images::moved(&before, place, *to))?;
            }
        }
    }
    written(connection, edit.product_id, id)
}

fn draw(connection: &Connection, id: ImageId, files: &Files) -> Result<(), StoreError> {
    let Files { large, small } = files;
    forget(connection, id)?;
    connection
        .prepare_cached(
            "UPDATE product_images
                SET large_name = ?2, large_width = ?3, large_height = ?4, small_name = ?5, small_width = ?6,
                    small_height = ?7, version = version + 1
              WHERE image_id = ?1",
        )?
        .execute(params![
            id.as_bytes(),
            large.name,
            large.width,
            large.height,
            small.name,
            small.width,
            small.height,
        ])?;
    keep(connection, id, files)
}

fn arrange(connection: &Connection, ids: &[ImageId]) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare_cached("UPDATE product_images SET position = ?2 WHERE image_id = ?1")?;
    for (place, id) in (0_i64..).zip(ids) {
        statement.execute(params![id.as_bytes(), place])?;
    }
    Ok(())
}

fn keep(connection: &Connection, id: ImageId, files: &Files) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached(
        "INSERT INTO image_files (image_number, name, bytes)
         SELECT image_number, ?2, ?3 FROM product_images WHERE image_id = ?1",
    )?;
    for file in files.all() {
        statement.execute(params![id.as_bytes(), file.name, &*file.bytes])?;
    }
    Ok(())
}

fn forget(connection: &Connection, id: ImageId) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "DELETE FROM image_files
              WHERE image_number = (SELECT image_number FROM product_images WHERE image_id = ?1)",
        )?
        .execute([id.as_bytes()])?;
    Ok(())
}

/// Notes that what is shown of a product beside its document changes.
fn touch(connection: &Connection, product: i64) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO product_extras (product_number, version) VALUES (?1, 1)
                 ON CONFLICT (product_number) DO UPDATE SET version = version + 1",
        )?
        .execute([product])?;
    Ok(())
}

fn written(
    connection: &Connection,
    product_id: ProductId,
    id: ImageId,
) -> Result<ProductImage, Abort<ImageError>> {
    let (_, _, images) = product(connection, product_id)?;
    let image = images.into_iter().find(|image| image.id == id);
    image.ok_or_else(|| lost().into())
}

fn lost() -> StoreError {
    broken("a picture that was written is not there")
}
