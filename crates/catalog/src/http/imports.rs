//! Products of a file, brought along by admins, a batch at a time. They are known by their SKUs, so the same batch may
//! come again; a bad one never fails its neighbours. They are the shop's own.

use super::{Shop, products::BODY_BYTES_MAX};
use axum::extract::{DefaultBodyLimit, State};
use contracts::{
    access::SHOP,
    catalog::{EditError, ImportProduct, ImportedProduct, ImportedProducts},
    import::{ImportError, ROWS_MAX},
    problem::{Problem, ProblemBody},
};
use platform::{
    http::{Described, Fault, Json, Routes, auth::Admin, json},
    routes,
};
use serde::Deserialize;
use serde_json::value::RawValue;

pub(super) fn routes<D: Described>() -> Routes<Shop, D> {
    Routes::new()
        .routes(routes!(import))
        .map(|router| router.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)))
}

/// Products to be brought along, each read on its own.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct ImportProducts {
    /// Whether to say only what would become of them.
    #[serde(default)]
    dry_run: bool,
    /// The products, 1 to 100.
    #[schema(value_type = Vec<ImportProduct>, min_items = 1, max_items = 100)]
    rows: Vec<Box<RawValue>>,
}

/// Brings products along, up to 100 at a time
///
/// Those whose SKU is known become what the row says, others are made; stock is written for new ones only. Each is
/// judged by itself, so the same rows may come again.
#[utoipa::path(
    post, path = "/api/v1/products/import", operation_id = "import_products", tag = "catalog",
    request_body = ImportProducts,
    responses(
        (status = 200, description = "What became of each", body = ImportedProducts),
        (status = 400, description = "No JSON object came", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 413, description = "Too long", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "Not 1 to 100 products", body = ProblemBody),
        (status = 429, description = "Too many requests", body = ProblemBody),
    )
)]
async fn import(
    State(shop): State<Shop>,
    Admin(who): Admin,
    Json(wish): Json<ImportProducts>,
) -> Result<Json<ImportedProducts>, Fault> {
    if wish.rows.is_empty() || wish.rows.len() > ROWS_MAX {
        return Err(ImportError::Rows.into());
    }
    let rows: Vec<Result<ImportProduct, String>> = wish.rows.iter().map(|row| read(row)).collect();
    let good: Vec<_> = rows.iter().filter_map(|row| row.clone().ok()).collect();
    let imported = shop.import_products(SHOP, good, !wish.dry_run).await;
    let mut imported = imported.map_err(EditError::Internal)?.into_iter();
    let data: Vec<ImportedProduct> = rows
        .into_iter()
        .filter_map(|row| match row {
            Ok(_) => imported.next(),
            Err(reason) => Some(Err(reason)),
        })
        .map(ImportedProduct::from)
        .collect();
    tracing::info!(user.id = %who.user_id, rows = data.len(), dry_run = wish.dry_run, "products were brought along");
    Ok(Json(ImportedProducts { data }))
}

/// A row, or what is wrong with it, and where.
fn read(row: &RawValue) -> Result<ImportProduct, String> {
    json::parse(row.get().as_bytes()).map_err(|problem: Problem| {
        let error = problem.errors.first();
        error.map_or_else(
            || problem.detail.clone(),
            |error| format!("{} {}", error.field, error.message),
        )
    })
}
