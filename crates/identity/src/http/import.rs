//! Accounts that admins bring along from another shop. It is kept where the accounts are, and asked of by no other
//! service.

use crate::Service;
use axum::{
    Router,
    extract::State,
    http::{HeaderValue, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use contracts::{
    identity::ImportUsers,
    import::{ImportedRow, ImportedRows, RowOutcome},
    problem::ProblemBody,
};
use platform::{
    http::{Described, Fault, Json, Routes, auth::Admin},
    routes,
};
use std::sync::Arc;
use utoipa::openapi::OpenApi;

fn beside<D: Described>() -> Routes<Arc<Service>, D> {
    Routes::new().routes(routes!(import))
}

/// The route, where accounts are kept.
pub fn routes_beside(service: Arc<Service>) -> Router {
    beside().router(service)
}

/// Its part of the API's document.
#[must_use]
pub fn api_beside() -> OpenApi {
    beside().document()
}

/// Brings customers along from another shop, up to 100 at a time
///
/// Nobody gets a mail and nobody a password: they set one by the link of a forgotten one. An account that is there
/// stays as it is, so the same rows may come again.
#[utoipa::path(
    post, path = "/api/v1/users/import", tag = "identity", operation_id = "import_users",
    request_body = ImportUsers,
    responses(
        (status = 200, description = "What became of each row", body = ImportedRows),
        (status = 400, description = "No JSON object came", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 413, description = "Too long", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "No rows, or too many", body = ProblemBody),
        (status = 429, description = "Too many requests", body = ProblemBody),
    )
)]
async fn import(
    State(app): State<Arc<Service>>,
    Admin(who): Admin,
    Json(wish): Json<ImportUsers>,
) -> Result<Response, Fault> {
    let data = app.import_users(&who, wish).await?;
    let made = |row: &&ImportedRow| row.outcome == RowOutcome::Created;
    tracing::info!(user.id = %who.user_id, rows = data.len(), created = data.iter().filter(made).count(),
        "customers were brought along");
    let mut response = Json(ImportedRows { data }).into_response();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
