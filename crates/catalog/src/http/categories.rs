//! Categories over HTTP.

use super::Shop;
use axum::{extract::State, http::StatusCode, response::Response};
use contracts::{
    catalog::{CategoryView, NewCategory, PatchCategory},
    problem::ProblemBody,
    values::{CategoryId, Page, Version},
};
use platform::{
    http::{
        Described, Fault, Id, Json, MergePatch, NoQuery, Query, Routes,
        auth::Admin,
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
        .routes(routes!(patch, remove))
}

/// Lists all categories, parents before children.
#[utoipa::path(get, path = "/api/v1/categories", operation_id = "list_categories", tag = "catalog",
    responses(
        (status = 200, body = Page<CategoryView>),
        (status = 400, description = "There are no parameters", body = ProblemBody),
    ))]
async fn list(State(shop): State<Shop>, _: NoQuery) -> Result<Json<Page<CategoryView>>, Fault> {
    Ok(Json(Page {
        data: shop.categories().await?,
        next_cursor: None,
    }))
}

/// Makes a category.
#[utoipa::path(post, path = "/api/v1/categories", operation_id = "create_category", tag = "catalog",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    request_body = NewCategory,
    responses(
        (status = 201, body = CategoryView),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 409, description = "The slug is in use", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
    ))]
async fn create(
    State(shop): State<Shop>,
    Admin(who): Admin,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<NewCategory>,
) -> Result<Response, Fault> {
    let who = who.user_id.to_string();
    let category = shop.near.make_category(&who, key, wish).await?;
    let location = format!("/api/v1/products?category={}", category.value.slug);
    Ok(created(&location, category))
}

/// Renames a category, or moves it with all that lies below it (RFC 7396).
#[utoipa::path(patch, path = "/api/v1/categories/{category_id}", operation_id = "patch_category", tag = "catalog",
    params(
        ("category_id" = CategoryId, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is changed"),
    ),
    request_body(content(
        (PatchCategory = "application/merge-patch+json"),
        (PatchCategory = "application/json"),
    )),
    responses(
        (status = 200, body = CategoryView),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 404, description = "There is no such category", body = ProblemBody),
        (status = 409, description = "The body's version is stale, or the slug in use", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn patch(
    State(shop): State<Shop>,
    Admin(_who): Admin,
    Id(id): Id<CategoryId>,
    if_match: IfMatch,
    MergePatch(wish): MergePatch<PatchCategory>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(if_match, wish.version)?;
    let category = shop.near.patch_category(id, sent, wish).await?;
    Ok(etag::tagged(&etag::tag(category.version), category))
}

/// Which version goes, if no `If-Match` says so.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RemoveCategoryQuery {
    /// The version that goes, if no `If-Match` says so.
    version: Option<Version>,
}

/// Takes an empty category away: no product is in it, archived ones included, and none lies below it.
#[utoipa::path(delete, path = "/api/v1/categories/{category_id}", operation_id = "delete_category", tag = "catalog",
    params(
        ("category_id" = CategoryId, Path),
        ("If-Match" = Option<String>, Header, description = "The version that goes"),
        RemoveCategoryQuery,
    ),
    responses(
        (status = 204, description = "Gone"),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 404, description = "There is no such category", body = ProblemBody),
        (status = 409, description = "The query's version is stale, or something is in it", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn remove(
    State(shop): State<Shop>,
    Admin(_who): Admin,
    Id(id): Id<CategoryId>,
    if_match: IfMatch,
    Query(query): Query<RemoveCategoryQuery>,
) -> Result<StatusCode, Fault> {
    let sent = etag::precondition(if_match, query.version)?;
    shop.near.remove_category(id, sent).await?;
    Ok(StatusCode::NO_CONTENT)
}
