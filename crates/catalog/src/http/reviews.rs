//! Reviews over HTTP: read by everybody, written by buyers, hidden by admins.

use super::Shop;
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use contracts::{
    catalog::{ModerateReview, NewReview, ProductRef, ProductReview, ReviewQuery, ReviewsQuery},
    problem::ProblemBody,
    values::{Page, ProductId, ReviewId, Version},
};
use platform::{
    http::{
        Described, Fault, Id, Json, Query, Routes,
        answer::with_next,
        auth::{Admin, User, Visitor},
        created,
        etag::{self, IfMatch},
        idempotency::MaybeKey,
    },
    routes,
};
use serde::Deserialize;

pub(super) fn routes<D: Described>() -> Routes<Shop, D> {
    Routes::new()
        .routes(routes!(list, create))
        .routes(routes!(list_all))
        .routes(routes!(replace, remove))
        .routes(routes!(moderate))
}

/// Lists a product's reviews, newest first.
#[utoipa::path(get, path = "/api/v1/products/{product}/reviews", operation_id = "list_reviews", tag = "catalog",
    params(("product" = ProductId, Path), ReviewQuery),
    responses(
        (status = 200, body = Page<ProductReview>),
        (status = 400, description = "A parameter is unknown or unreadable", body = ProblemBody),
        (status = 404, description = "None that the caller may know of", body = ProblemBody),
    ))]
async fn list(
    State(shop): State<Shop>,
    Visitor(viewer): Visitor,
    Id(product): Id<ProductId>,
    uri: Uri,
    Query(query): Query<ReviewQuery>,
) -> Result<Response, Fault> {
    shop.product(viewer.as_ref(), ProductRef::Id(product))
        .await?;
    let page = shop
        .near
        .reviews_of(viewer.as_ref(), product, query)
        .await?;
    let next = page.next_cursor.clone();
    let response = Json(page).into_response();
    Ok(with_next(response, &uri, next.as_ref()))
}

/// Lists the reviews of all products, newest first, hidden ones too.
#[utoipa::path(get, path = "/api/v1/reviews", operation_id = "list_all_reviews", tag = "catalog",
    params(ReviewsQuery),
    responses(
        (status = 200, body = Page<ProductReview>),
        (status = 400, description = "A parameter is unknown or unreadable", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
    ))]
async fn list_all(
    State(shop): State<Shop>,
    Admin(_who): Admin,
    uri: Uri,
    Query(query): Query<ReviewsQuery>,
) -> Result<Response, Fault> {
    let page = shop.near.all_reviews(query).await?;
    let next = page.next_cursor.clone();
    let response = Json(page).into_response();
    Ok(with_next(response, &uri, next.as_ref()))
}

/// Writes a review of a product that the caller has bought.
#[utoipa::path(post, path = "/api/v1/products/{product}/reviews", operation_id = "create_review", tag = "catalog",
    params(
        ("product" = ProductId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    request_body = NewReview,
    responses(
        (status = 201, body = ProductReview),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "The caller has not bought it", body = ProblemBody),
        (status = 404, description = "No such product on sale", body = ProblemBody),
        (status = 409, description = "The caller has reviewed it already", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
    ))]
async fn create(
    State(shop): State<Shop>,
    User(who): User,
    Id(product): Id<ProductId>,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<NewReview>,
) -> Result<Response, Fault> {
    let review = shop.near.write_review(&who, product, (key, &wish)).await?;
    let location = format!("/api/v1/products/{product}/reviews");
    Ok(created(&location, review))
}

/// Writes one's own review anew.
#[utoipa::path(put, path = "/api/v1/reviews/{review_id}", operation_id = "replace_review", tag = "catalog",
    params(
        ("review_id" = ReviewId, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is replaced"),
    ),
    request_body = NewReview,
    responses(
        (status = 200, body = ProductReview),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
        (status = 409, description = "The body's version is stale", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn replace(
    State(shop): State<Shop>,
    User(who): User,
    Id(id): Id<ReviewId>,
    if_match: IfMatch,
    Json(wish): Json<NewReview>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(if_match, wish.version)?;
    let review = shop.near.rewrite_review(&who, id, sent, &wish).await?;
    Ok(etag::tagged(&etag::tag(review.version), review))
}

/// Which version is taken back, if no `If-Match` says so.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RemoveQuery {
    /// The version that is taken back, if no `If-Match` says so.
    version: Option<Version>,
}

/// Takes one's own review back; admins take out anybody's.
#[utoipa::path(delete, path = "/api/v1/reviews/{review_id}", operation_id = "delete_review", tag = "catalog",
    params(
        ("review_id" = ReviewId, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is taken back"),
        RemoveQuery,
    ),
    responses(
        (status = 204, description = "Gone"),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
        (status = 409, description = "The query's version is stale", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn remove(
    State(shop): State<Shop>,
    User(who): User,
    Id(id): Id<ReviewId>,
    if_match: IfMatch,
    Query(query): Query<RemoveQuery>,
) -> Result<StatusCode, Fault> {
    let sent = etag::precondition(if_match, query.version)?;
    shop.near.remove_review(&who, id, sent).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hides a review, or shows it again.
#[utoipa::path(put, path = "/api/v1/reviews/{review_id}/status", operation_id = "moderate_review", tag = "catalog",
    params(
        ("review_id" = ReviewId, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is changed"),
    ),
    request_body = ModerateReview,
    responses(
        (status = 200, body = ProductReview),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 404, description = "There is no such review", body = ProblemBody),
        (status = 409, description = "The body's version is stale", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn moderate(
    State(shop): State<Shop>,
    Admin(_who): Admin,
    Id(id): Id<ReviewId>,
    if_match: IfMatch,
    Json(wish): Json<ModerateReview>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(if_match, wish.version)?;
    let review = shop.near.moderate_review(id, sent, wish).await?;
    Ok(etag::tagged(&etag::tag(review.version), review))
}
