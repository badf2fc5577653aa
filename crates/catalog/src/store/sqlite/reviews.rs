//! Reviews as they are kept. Their counts are written by triggers, in the same commit.

use super::{SqliteStore, broken, list_error, read};
use crate::store::{
    cursor,
    reviews::{self, Before, ReviewChange, ReviewEdit, ReviewRow, Reviewed, Reviews, Written},
};
use async_trait::async_trait;
use contracts::{
    catalog::{ListError, ProductReview, ReviewError, ReviewStatus},
    request::Answered,
    values::{Cursor, Page, PageSize, ProductId, ReviewId, Timestamp, UserId},
};
use platform::db::{Abort, StoreError, keys};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};

const COLUMNS: &str =
    "r.review_number, r.user_id, r.review_id, p.product_id, r.rating, r.title, r.text, r.author,
            r.status, r.version, r.created_at_ms, r.updated_at_ms";

#[async_trait]
impl Reviews for SqliteStore {
    async fn create_review(&self, row: ReviewRow) -> Result<Answered<ProductReview>, ReviewError> {
        let wish = row.clone();
        let write = self.database.write(move |c| {
            let once = (row.request.as_ref(), row.at);
            keys::once(c, once, || ReviewError::KeyReused, || create(c, &row))
        });
        let written = write.await.map_err(error)?;
        Ok(written.map(|written| wish.view(written)))
    }

    async fn edit_review(&self, edit: ReviewEdit) -> Result<ProductReview, ReviewError> {
        self.database
            .write(move |c| change(c, &edit))
            .await
            .map_err(error)
    }

    async fn reviews(
        &self,
        which: Reviewed,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<ProductReview>, ListError> {
        let before = reviews::before(cursor.as_ref())?;
        let read = self.database.read(move |c| page(c, which, limit, before));
        read.await.map_err(list_error)
    }

    async fn forget_reviewer(&self, user_id: UserId) -> Result<Vec<ProductId>, StoreError> {
        let forgotten = self.database.write(move |c| Ok(forget(c, user_id)?));
        forgotten.await.map_err(super::never_refused)
    }
}

fn error(abort: Abort<ReviewError>) -> ReviewError {
    abort.into_refusal(|| ReviewError::Overloaded, ReviewError::Internal)
}

fn create(connection: &Connection, row: &ReviewRow) -> Result<Written, Abort<ReviewError>> {
    let written = connection
        .prepare_cached(
            "INSERT INTO product_reviews (review_id, product_number, user_id, rating, title, text, author, status,
                                          version, created_at_ms, updated_at_ms)
             SELECT ?1, product_number, ?3, ?4, ?5, ?6, ?7, 'shown', 1, ?8, ?8
               FROM products
              WHERE product_id = ?2",
        )?
        .execute(params![
            row.review_id.as_bytes(),
            row.product_id.as_bytes(),
            row.user_id.as_bytes(),
            row.review.rating,
            row.review.title,
            row.review.text,
            row.review.author,
            row.at.as_ms(),
        ])
        .map_err(|error| {
            Abort::from(error).or_constraint("product_reviews.user_id", || ReviewError::Exists)
        })?;
    if written == 0 {
        return Err(Abort::Refused(ReviewError::NotFound));
    }
    Ok((row.review_id, row.at))
}

fn gone() -> StoreError {
    broken("a review that was written is not there")
}

fn change(connection: &Connection, edit: &ReviewEdit) -> Result<ProductReview, Abort<ReviewError>> {
    let found = find(connection, edit.review_id)?;
    let (author, found) = found.ok_or(Abort::Refused(ReviewError::NotFound))?;
    reviews::may(edit, author, &found).map_err(Abort::Refused)?;
    let id = edit.review_id;
    match &edit.change {
        ReviewChange::Remove => {
            connection
                .prepare_cached("DELETE FROM product_reviews WHERE review_id = ?1")?
                .execute([id.as_bytes()])?;
            return Ok(found);
        }
        ReviewChange::Moderate(status) => connection
            .prepare_cached(
                "UPDATE product_reviews
                    SET status = ?2, version = version + 1, updated_at_ms = ?3
                  WHERE review_id = ?1",
            )?
            .execute(params![id.as_bytes(), status.as_str(), edit.at.as_ms()])?,
        ReviewChange::Write(review) => connection
            .prepare_cached(
                "UPDATE product_reviews
                    SET rating = ?2, title = ?3, text = ?4, author = ?5, version = version + 1, updated_at_ms = ?6
                  WHERE review_id = ?1",
            )?
            .execute(params![
                id.as_bytes(),
                review.rating,
                review.title,
                review.text,
                review.author,
                edit.at.as_ms(),
            ])?,
    };
    let (_, view) = find(connection, id)?.ok_or_else(gone)?;
    Ok(view)
}

fn find(
    connection: &Connection,
    id: ReviewId,
) -> Result<Option<(UserId, ProductReview)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}
           FROM product_reviews r
           JOIN products p ON p.product_number = r.product_number
          WHERE r.review_id = ?1"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row([id.as_bytes()], row).optional()?;
    Ok(found.map(|(_, author, view)| (author, view)))
}

fn page(
    connection: &Connection,
    which: Reviewed,
    limit: PageSize,
    before: i64,
) -> Result<Page<ProductReview>, StoreError> {
    let (condition, id, status): (_, [u8; 16], _) = match which {
        Reviewed::Product(id, status) => (
            "p.product_id = ?1 AND r.status = ?2",
            *id.as_bytes(),
            status.as_str(),
        ),
        Reviewed::By(user) => ("r.user_id = ?1 AND ?2 = ''", *user.as_bytes(), ""),
        Reviewed::All => ("?1 IS NOT NULL AND ?2 = ''", [0; 16], ""),
    };
    let sql = format!(
        "SELECT {COLUMNS}
           FROM product_reviews r
           JOIN products p ON p.product_number = r.product_number
          WHERE {condition} AND r.review_number < ?3
          ORDER BY r.review_number DESC
          LIMIT ?4"
    );
    let rows_max = usize::try_from(limit.get()).unwrap_or(1);
    let fits = i64::from(limit.get()).saturating_add(1);
    let values: [&dyn ToSql; 4] = [&id, &status, &before, &fits];
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(values.as_slice(), row)?;
    let rows: Vec<(i64, UserId, ProductReview)> = rows.collect::<Result<_, _>>()?;
    let page = cursor::page(rows, rows_max, |(number, _, _)| Before { review: *number })?;
    Ok(page.map(|(_, _, view)| view))
}

fn forget(connection: &Connection, user: UserId) -> Result<Vec<ProductId>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT p.product_id
           FROM product_reviews r
           JOIN products p ON p.product_number = r.product_number
          WHERE r.user_id = ?1",
    )?;
    let rows = statement.query_map([user.as_bytes()], |row| {
        Ok(ProductId::from_bytes(row.get(0)?))
    })?;
    let products = rows.collect::<Result<_, _>>()?;
    connection
        .prepare_cached("DELETE FROM product_reviews WHERE user_id = ?1")?
        .execute([user.as_bytes()])?;
    Ok(products)
}

fn row(row: &Row<'_>) -> rusqlite::Result<(i64, UserId, ProductReview)> {
    let status: ReviewStatus = read::word(row, 8)?;
    let view = ProductReview {
        id: ReviewId::from_bytes(row.get(2)?),
        product_id: ProductId::from_bytes(row.get(3)?),
        rating: row.get(4)?,
        title: row.get(5)?,
        text: row.get(6)?,
        author: row.get(7)?,
        status,
        version: read::version(row, 9)?,
        created_at: Timestamp::from_ms(row.get(10)?),
        updated_at: Timestamp::from_ms(row.get(11)?),
    };
    Ok((row.get(0)?, UserId::from_bytes(row.get(1)?), view))
}
