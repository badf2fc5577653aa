//! Pictures as they are kept: their rows, and their files in the same commit. Whoever changes one has locked its
//! product, so that of two who add the last one that there is room for, one is refused.

use super::{PostgresStore, broken, read};
use crate::store::images::{self, Files, ImageChange, ImageEdit, ImageRow, Images, KEY_BYTES_MAX};
use async_trait::async_trait;
use contracts::{
    catalog::{ImageError, ProductImage},
    request::Answered,
    values::{ImageId, ProductId, UserId},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, ToSql},
};

/// The pictures of a product `p`, in order, as `images::read` reads them.
macro_rules! shown {
    () => {
        "(SELECT JSON_AGG(JSON_BUILD_OBJECT('id', REPLACE(i.image_id::text, '-', ''), 'alt', i.alt,
                     'version', i.version, 'large',
                     JSON_BUILD_ARRAY(i.large_name, i.large_width, i.large_height),
                     'small', JSON_BUILD_ARRAY(i.small_name, i.small_width, i.small_height)) ORDER BY i.position)::text
        FROM product_images i
       WHERE i.product_number = p.product_number)"
    };
}
pub(super) use shown;

#[async_trait]
impl Images for PostgresStore {
    async fn add_image(&self, row: ImageRow) -> Result<Answered<ProductImage>, ImageError> {
        let write = self.database.write(row, |c, row| Box::pin(add(c, row)));
        write.await.map_err(error)
    }

    async fn edit_image(&self, edit: ImageEdit) -> Result<ProductImage, ImageError> {
        let write = self
            .database
            .write(edit, |c, edit| Box::pin(change(c, edit)));
        write.await.map_err(error)
    }

    async fn image_keys(&self, id: ImageId) -> Result<Vec<Vec<u8>>, StoreError> {
        let connection = self.database.read().await?;
        let sql = "SELECT f.bytes
                     FROM image_files f
                     JOIN product_images i ON i.image_number = f.image_number
                    WHERE i.image_id = $1 AND LENGTH(f.bytes) <= $2::bigint";
        let rows = connection
            .query(sql, &[&Bytes(*id.as_bytes()), &KEY_BYTES_MAX])
            .await?;
        rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
    }

    async fn image_file(&self, name: String) -> Result<Option<Vec<u8>>, StoreError> {
        let connection = self.database.read().await?;
        let sql = "SELECT bytes FROM image_files WHERE name = $1 LIMIT 1";
        let row = connection.query_opt(sql, &[&name]).await?;
        row.map(|row| Ok(row.try_get(0)?)).transpose()
    }
}

fn error(abort: Abort<ImageError>) -> ImageError {
    abort.into_refusal(|| ImageError::Overloaded, ImageError::Internal)
}

/// Locks a product: its number and its owner.
async fn lock(connection: &Connection, id: ProductId) -> Result<(i64, UserId), Abort<ImageError>> {
    let sql =
        "SELECT product_number, owner_id FROM products WHERE product_id = $1 FOR NO KEY UPDATE";
    let row = connection.query_opt(sql, &[&Bytes(*id.as_bytes())]).await?;
    let row = row.ok_or(Abort::Refused(ImageError::NotFound))?;
    let number = row.try_get(0).map_err(StoreError::from)?;
    Ok((number, UserId::from_bytes(read::id(&row, 1)?)))
}

/// Read after the lock was had.
async fn all(connection: &Connection, product: i64) -> Result<Vec<ProductImage>, StoreError> {
    let sql = concat!(
        "SELECT ",
        shown!(),
        " FROM products p WHERE p.product_number = $1"
    );
    let row = connection.query_opt(sql, &[&product]).await?;
    let json: Option<String> = match row {
        Some(row) => row.try_get(0)?,
        None => None,
    };
    images::read(json.as_deref())
}

const INSERT: &str =
    "INSERT INTO product_images (image_id, product_number, position, alt, large_name, large_width, large_height,
                                 small_name, small_width, small_height, version, created_at_ms)
     SELECT $1, $2::bigint, COALESCE(MAX(position) + 1, 0), $3::text, $4::text, $5::bigint, $6::bigint, $7::text,
            $8::bigint, $9::bigint, 1, $10::bigint
       FROM product_images
      WHERE product_number = $2";

async fn add(
    connection: &Connection,
    row: &ImageRow,
) -> Result<Answered<ProductImage>, Abort<ImageError>> {
    let (number, owner) = lock(connection, row.product_id).await?;
    images::may(row.scope, owner).map_err(Abort::Refused)?;
    let before = all(connection, number).await?;
    if let Some(same) = row.files.among(&before) {
        return Ok(Answered::replayed(same.clone()));
    }
    if before.len() >= usize::try_from(row.most).unwrap_or(usize::MAX) {
        return Err(Abort::Refused(ImageError::TooMany { most: row.most }));
    }
    let id = Bytes(*row.image_id.as_bytes());
    let Files { large, small } = &row.files;
    let sizes = [large.width, large.height, small.width, small.height].map(i64::from);
    let [large_width, large_height, small_width, small_height] = &sizes;
    let at_ms = row.at.as_ms();
    let values: [&(dyn ToSql + Sync); 10] = [
        &id,
        &number,
        &row.alt,
        &large.name,
        large_width,
        large_height,
        &small.name,
        small_width,
        small_height,
        &at_ms,
    ];
    connection.execute(INSERT, &values).await?;
    keep(connection, row.image_id, &row.files).await?;
    touch(connection, number).await?;
    let written = written(connection, number, row.image_id).await?;
    Ok(Answered::fresh(written))
}

async fn change(
    connection: &Connection,
    edit: &ImageEdit,
) -> Result<ProductImage, Abort<ImageError>> {
    let (number, owner) = lock(connection, edit.product_id).await?;
    images::may(edit.scope, owner).map_err(Abort::Refused)?;
    let before = all(connection, number).await?;
    let place = images::found(edit, &before).map_err(Abort::Refused)?;
    touch(connection, number).await?;
    let id = Bytes(*edit.image_id.as_bytes());
    match &edit.change {
        ImageChange::Remove => {
            forget(connection, edit.image_id).await?;
            let sql = "DELETE FROM product_images WHERE image_id = $1";
            connection.execute(sql, &[&id]).await?;
            let gone = before.into_iter().nth(place);
            return gone.ok_or_else(|| lost().into());
        }
        ImageChange::Draw(files) => draw(connection, edit.image_id, files).await?,
        ImageChange::Patch { alt, position } => {
            let sql = "UPDATE product_images
                          SET alt = COALESCE($2, alt), version = version + 1
                        WHERE image_id = $1";
            connection.execute(sql, &[&id, alt]).await?;
            if let Some(to) = position {
                arrange(connection, &images::moved(&before, place, *to)).await?;
            }
        }
    }
    Ok(written(connection, number, edit.image_id).await?)
}

const DRAW: &str = "UPDATE product_images
        SET large_name = $2, large_width = $3, large_height = $4, small_name = $5, small_width = $6,
            small_height = $7, version = version + 1
      WHERE image_id = $1";

async fn draw(connection: &Connection, id: ImageId, files: &Files) -> Result<(), StoreError> {
    forget(connection, id).await?;
    let Files { large, small } = files;
    let sizes = [large.width, large.height, small.width, small.height].map(i64::from);
    let [large_width, large_height, small_width, small_height] = &sizes;
    let bytes = Bytes(*id.as_bytes());
    let values: [&(dyn ToSql + Sync); 7] = [
        &bytes,
        &large.name,
        large_width,
        large_height,
        &small.name,
        small_width,
        small_height,
    ];
    connection.execute(DRAW, &values).await?;
    keep(connection, id, files).await
}

async fn arrange(connection: &Connection, ids: &[ImageId]) -> Result<(), StoreError> {
    let ids: Vec<Bytes<16>> = ids.iter().map(|id| Bytes(*id.as_bytes())).collect();
    let sql = "UPDATE product_images
                  SET position = next.place - 1
                 FROM UNNEST($1::uuid[]) WITH ORDINALITY AS next (image_id, place)
                WHERE product_images.image_id = next.image_id";
    connection.execute(sql, &[&ids]).await.map(drop)
}

async fn keep(connection: &Connection, id: ImageId, files: &Files) -> Result<(), StoreError> {
    let sql = "INSERT INTO image_files (image_number, name, bytes)
               SELECT image_number, $2, $3 FROM product_images WHERE image_id = $1";
    for file in files.all() {
        let values: [&(dyn ToSql + Sync); 3] = [&Bytes(*id.as_bytes()), &file.name, &&*file.bytes];
        connection.execute(sql, &values).await?;
    }
    Ok(())
}

async fn forget(connection: &Connection, id: ImageId) -> Result<(), StoreError> {
    let sql = "DELETE FROM image_files
                WHERE image_number = (SELECT image_number FROM product_images WHERE image_id = $1)";
    let id = Bytes(*id.as_bytes());
    connection.execute(sql, &[&id]).await.map(drop)
}

/// Notes that what is shown of a product beside its document changes.
async fn touch(connection: &Connection, product: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO product_extras AS e (product_number, version) VALUES ($1, 1)
                   ON CONFLICT (product_number) DO UPDATE SET version = e.version + 1";
    connection.execute(sql, &[&product]).await.map(drop)
}

async fn written(
    connection: &Connection,
    product: i64,
    id: ImageId,
) -> Result<ProductImage, StoreError> {
    let images = all(connection, product).await?;
    let image = images.into_iter().find(|image| image.id == id);
    image.ok_or_else(lost)
}

fn lost() -> StoreError {
    broken("a picture that was written is not there")
}
