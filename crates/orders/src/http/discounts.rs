//! Discounts over HTTP, for admins.

use super::App;
use axum::{
    extract::State,
    http::{HeaderMap, Uri},
    response::Response,
};
use contracts::{
    orders::{DiscountQuery, DiscountView, NewDiscount},
    problem::ProblemBody,
    values::{DiscountId, Page},
};
use platform::http::{
    Fault, Id, Json, NoQuery, Query,
    auth::Admin,
    created,
    etag::{self, IfMatch},
    idempotency::MaybeKey,
    page,
};
/// Make a discount code
#[utoipa::path(
    post, path = "/api/v1/discounts", operation_id = "make_discount", tag = "discounts",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    request_body = NewDiscount,
    responses(
        (status = 201, body = DiscountView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
pub(super) async fn make(
    State(app): State<App>,
    Admin(who): Admin,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<NewDiscount>,
) -> Result<Response, Fault> {
    let made = app.orders.make_discount(&who, key, wish).await?;
    let location = format!("/api/v1/discounts/{}", made.value.id);
    Ok(created(&location, made))
}

/// List discount codes
#[utoipa::path(
    get, path = "/api/v1/discounts", operation_id = "list_discounts", tag = "discounts", params(DiscountQuery),
    responses(
        (status = 200, body = Page<DiscountView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    Admin(who): Admin,
    uri: Uri,
    Query(query): Query<DiscountQuery>,
) -> Result<Response, Fault> {
    Ok(page(&uri, app.orders.discounts(&who, query).await?))
}

/// Read a discount code
#[utoipa::path(
    get, path = "/api/v1/discounts/{id}", operation_id = "find_discount", tag = "discounts",
    params(("id" = DiscountId, Path, description = "The discount's id")),
    responses(
        (status = 200, body = DiscountView), (status = 304, description = "Not modified"),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
pub(super) async fn find(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<DiscountId>,
    headers: HeaderMap,
    _: NoQuery,
) -> Result<Response, Fault> {
    let discount = app.orders.discount(&who, id).await?;
    Ok(etag::conditional(&headers, &tag(&discount), discount))
}

/// Change a discount code
///
/// As a whole; its code stays, and so does whether it is counted. Orders keep what they got.
#[utoipa::path(
    put, path = "/api/v1/discounts/{id}", operation_id = "replace_discount", tag = "discounts",
    params(
        ("id" = DiscountId, Path, description = "The discount's id"),
        ("If-Match" = Option<String>, Header, description = "The discount's ETag (or `version` in the body)"),
    ),
    request_body = NewDiscount,
    responses(
        (status = 200, body = DiscountView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 412, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody),
        (status = 428, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
pub(super) async fn replace(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<DiscountId>,
    sent: IfMatch,
    Json(wish): Json<NewDiscount>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(sent, wish.version)?;
    let discount = app.orders.replace_discount(&who, id, sent, wish).await?;
    Ok(etag::conditional(
        &HeaderMap::new(),
        &tag(&discount),
        discount,
    ))
}

/// A discount shows how often it was used, which its version does not count.
fn tag(discount: &DiscountView) -> String {
    etag::tag_with(discount.version, discount.uses.unwrap_or_default())
}
