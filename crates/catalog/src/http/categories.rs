//! Categories over HTTP.

use super::Shop;
use axum::{extract::State, response::Response};
use contracts::{
    catalog::{CategoryView, NewCategory},
    problem::ProblemBody,
    request::Answered,
    values::Page,
};
use platform::http::{Fault, Json, NoQuery, auth::Admin, created};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Shop> {
    OpenApiRouter::new().routes(routes!(list, create))
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
    Admin(_who): Admin,
    Json(wish): Json<NewCategory>,
) -> Result<Response, Fault> {
    let category = shop.create_category(wish).await?;
    let location = format!("/api/v1/products?category={}", category.slug);
    Ok(created(&location, Answered::fresh(category)))
}
