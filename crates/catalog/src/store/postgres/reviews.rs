//! Reviews as they are kept. Their counts are written by a trigger, in the same commit.

use super::{PostgresStore, broken, list_error, read, storage};
use crate::store::{
    cursor,
    reviews::{self, Before, ReviewChange, ReviewEdit, ReviewRow, Reviewed, Reviews, Written},
};
use async_trait::async_trait;
use contracts::{
    catalog::{ListError, ProductReview, ReviewError},
    request::Answered,
    values::{Cursor, Page, PageSize, ProductId, ReviewId, Timestamp, UserId},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, Row, ToSql, keys, parsed},
};

const COLUMNS: &str =
    "r.review_number, r.user_id, r.review_id, p.product_id, r.rating, r.title, r.text, r.author,
            r.status, r.version, r.created_at_ms, r.updated_at_ms";

const INSERT: &str = "INSERT INTO product_reviews (review_id, product_number, user_id, rating, title, text, author,
                                  status, version, created_at_ms, updated_at_ms)
     SELECT $1, product_number, $3, $4::bigint, $5::text, $6::text, $7::text, 'shown', 1, $8::bigint, $8::bigint
       FROM products
      WHERE product_id = $2";

#[async_trait]
impl Reviews for PostgresStore {
    async fn create_review(&self, row: ReviewRow) -> Result<Answered<ProductReview>, ReviewError> {
        let wish = row.clone();
        let write = self.database.write(row, |c, row| {
            let once = (row.request.as_ref(), row.at);
            let made = create(c, row);
            Box::pin(keys::once(c, once, || ReviewError::KeyReused, made))
        });
        let written = write.await.map_err(error)?;
        Ok(written.map(|written| wish.view(written)))
    }

    async fn edit_review(&self, edit: ReviewEdit) -> Result<ProductReview, ReviewError> {
        let write = self
            .database
            .write(edit, |c, edit| Box::pin(change(c, edit)));
        write.await.map_err(error)
    }

    async fn reviews(
        &self,
        which: Reviewed,
        limit: PageSize,
        cursor: Option<Cursor>,
    ) -> Result<Page<ProductReview>, ListError> {
        let before = reviews::before(cursor.as_ref())?;
        let page = async { page(&self.database.read().await?, which, limit, before).await };
        page.await.map_err(list_error)
    }

    async fn forget_reviewer(&self, user_id: UserId) -> Result<Vec<ProductId>, StoreError> {
        let forgotten = self
            .database
            .write(user_id, |c, user| Box::pin(forget(c, *user)));
        forgotten.await.map_err(storage)
    }
}

fn error(abort: Abort<ReviewError>) -> ReviewError {
    abort.into_refusal(|| ReviewError::Overloaded, ReviewError::Internal)
}

async fn create(connection: &Connection, row: &ReviewRow) -> Result<Written, Abort<ReviewError>> {
    let (id, product, user) = (
        Bytes(*row.review_id.as_bytes()),
        Bytes(*row.product_id.as_bytes()),
        Bytes(*row.user_id.as_bytes()),
    );
    let review = &row.review;
    let at_ms = row.at.as_ms();
    let values: [&(dyn ToSql + Sync); 8] = [
        &id,
        &product,
        &user,
        &review.rating,
        &review.title,
        &review.text,
        &review.author,
        &at_ms,
    ];
    let written = connection.execute(INSERT, &values).await.map_err(|error| {
        Abort::from(error).or_constraint("product_reviews_once", || ReviewError::Exists)
    })?;
    if written == 0 {
        return Err(Abort::Refused(ReviewError::NotFound));
    }
    Ok((row.review_id, row.at))
}

fn gone() -> StoreError {
    broken("a review that was written is not there")
}

async fn change(
    connection: &Connection,
    edit: &ReviewEdit,
) -> Result<ProductReview, Abort<ReviewError>> {
    let found = find(connection, edit.review_id, "FOR NO KEY UPDATE OF r").await?;
    let (author, found) = found.ok_or(Abort::Refused(ReviewError::NotFound))?;
    reviews::may(edit, author, &found).map_err(Abort::Refused)?;
    let id = Bytes(*edit.review_id.as_bytes());
    let at_ms = edit.at.as_ms();
    match &edit.change {
        ReviewChange::Remove => {
            let sql = "DELETE FROM product_reviews WHERE review_id = $1";
            connection.execute(sql, &[&id]).await?;
            return Ok(found);
        }
        ReviewChange::Moderate(status) => {
            let sql = "UPDATE product_reviews
                          SET status = $2, version = version + 1, updated_at_ms = $3
                        WHERE review_id = $1";
            connection
                .execute(sql, &[&id, &status.as_str(), &at_ms])
                .await?
        }
        ReviewChange::Write(review) => {
            let sql = "UPDATE product_reviews
                          SET rating = $2, title = $3, text = $4, author = $5, version = version + 1,
                              updated_at_ms = $6
                        WHERE review_id = $1";
            let values: [&(dyn ToSql + Sync); 6] = [
                &id,
                &review.rating,
                &review.title,
                &review.text,
                &review.author,
                &at_ms,
            ];
            connection.execute(sql, &values).await?
        }
    };
    let (_, view) = find(connection, edit.review_id, "")
        .await?
        .ok_or_else(gone)?;
    Ok(view)
}

async fn find(
    connection: &Connection,
    id: ReviewId,
    lock: &str,
) -> Result<Option<(UserId, ProductReview)>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS}
           FROM product_reviews r
           JOIN products p ON p.product_number = r.product_number
          WHERE r.review_id = $1
          {lock}"
    );
    let found = connection
        .query_opt(&sql, &[&Bytes(*id.as_bytes())])
        .await?;
    let found = found.as_ref().map(row).transpose()?;
    Ok(found.map(|(_, author, view)| (author, view)))
}

async fn page(
    connection: &Connection,
    which: Reviewed,
    limit: PageSize,
    before: i64,
) -> Result<Page<ProductReview>, StoreError> {
    let (condition, id, status) = match which {
        Reviewed::Product(id, status) => (
            "p.product_id = $1 AND r.status = $2::text",
            Bytes(*id.as_bytes()),
            status.as_str(),
        ),
        Reviewed::By(user) => (
            "r.user_id = $1 AND $2::text = ''",
            Bytes(*user.as_bytes()),
            "",
        ),
        Reviewed::All => ("$1::uuid IS NOT NULL AND $2::text = ''", Bytes([0; 16]), ""),
    };
    let sql = format!(
        "SELECT {COLUMNS}
           FROM product_reviews r
           JOIN products p ON p.product_number = r.product_number
          WHERE {condition} AND r.review_number < $3
          ORDER BY r.review_number DESC
          LIMIT $4"
    );
    let fits = i64::from(limit.get()).saturating_add(1);
    let rows = connection
        .query(&sql, &[&id, &status, &before, &fits])
        .await?;
    let rows = rows.iter().map(row).collect::<Result<Vec<_>, _>>()?;
    let rows_max = usize::try_from(limit.get()).unwrap_or(1);
    let page = cursor::page(rows, rows_max, |(number, _, _)| Before { review: *number })?;
    Ok(page.map(|(_, _, view)| view))
}

async fn forget(
    connection: &Connection,
    user: UserId,
) -> Result<Vec<ProductId>, Abort<std::convert::Infallible>> {
    // In the order of products, for each row goes with its product's count.
    let sql = "SELECT p.product_id
                 FROM product_reviews r
                 JOIN products p ON p.product_number = r.product_number
                WHERE r.user_id = $1
                ORDER BY p.product_number";
    let rows = connection.query(sql, &[&Bytes(*user.as_bytes())]).await?;
    let mut products = Vec::with_capacity(rows.len());
    for row in &rows {
        let product = read::id(row, 0)?;
        let sql = "DELETE FROM product_reviews r
                    USING products p
                    WHERE p.product_number = r.product_number AND p.product_id = $1 AND r.user_id = $2";
        connection
            .execute(sql, &[&Bytes(product), &Bytes(*user.as_bytes())])
            .await?;
        products.push(ProductId::from_bytes(product));
    }
    Ok(products)
}

fn row(row: &Row) -> Result<(i64, UserId, ProductReview), StoreError> {
    let view = ProductReview {
        id: ReviewId::from_bytes(read::id(row, 2)?),
        product_id: ProductId::from_bytes(read::id(row, 3)?),
        rating: row.try_get(4)?,
        title: row.try_get(5)?,
        text: row.try_get(6)?,
        author: row.try_get(7)?,
        status: parsed(row, 8)?,
        version: read::version(row, 9)?,
        created_at: Timestamp::from_ms(row.try_get(10)?),
        updated_at: Timestamp::from_ms(row.try_get(11)?),
    };
    Ok((row.try_get(0)?, UserId::from_bytes(read::id(row, 1)?), view))
}
