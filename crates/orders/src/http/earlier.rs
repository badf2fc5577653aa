//! Records of earlier orders over HTTP: admins bring them along, and everybody sees their own.

use super::{keep_private, whole};
use crate::Service;
use axum::{
    extract::{DefaultBodyLimit, State},
    http::Uri,
    middleware::map_response,
    response::Response,
};
use contracts::{
    import::{ImportedRow, ImportedRows, RowOutcome},
    orders::{EarlierOrderQuery, EarlierOrderView, EarlierTotals, ImportEarlierOrders},
    problem::ProblemBody,
    values::{EarlierOrderId, Page},
};
use platform::{
    http::{
        Described, Fault, Id, Json, Query, Routes,
        auth::{Admin, User},
        page,
    },
    routes,
};
use serde::Deserialize;
use std::sync::Arc;

type App = Arc<Service>;

/// A batch of records is as long as an order may be.
pub(super) fn routes<D: Described>(body_bytes_max: usize) -> Routes<App, D> {
    Routes::new()
        .routes(routes!(import))
        .routes(routes!(list))
        .routes(routes!(totals))
        .routes(routes!(find))
        .map(|router| {
            router
                .layer(map_response(keep_private))
                .layer(DefaultBodyLimit::max(body_bytes_max))
        })
}

/// Bring earlier orders along
///
/// Records of another shop, up to 100 at a time: they hold no stock, nobody pays them and nobody is written to. What is
/// there stays as it is, so the same rows may come again.
#[utoipa::path(
    post, path = "/api/v1/earlier-orders/import", operation_id = "import_earlier_orders", tag = "orders",
    request_body = ImportEarlierOrders,
    responses(
        (status = 200, body = ImportedRows), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 413, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
async fn import(
    State(app): State<App>,
    Admin(who): Admin,
    Json(wish): Json<ImportEarlierOrders>,
) -> Result<Json<ImportedRows>, Fault> {
    let data = app.import_earlier(wish).await?;
    let made = |row: &&ImportedRow| row.outcome == RowOutcome::Created;
    tracing::info!(user.id = %who.user_id, rows = data.len(), created = data.iter().filter(made).count(),
        "earlier orders were brought along");
    Ok(Json(ImportedRows { data }))
}

/// List earlier orders
///
/// One's own, for admins all: those that were placed last first.
#[utoipa::path(
    get, path = "/api/v1/earlier-orders", operation_id = "list_earlier_orders", tag = "orders",
    params(EarlierOrderQuery),
    responses(
        (status = 200, body = Page<EarlierOrderView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
async fn list(
    State(app): State<App>,
    User(who): User,
    uri: Uri,
    Query(query): Query<EarlierOrderQuery>,
) -> Result<Response, Fault> {
    Ok(page(&uri, app.list_earlier(&who, query).await?))
}

/// Which totals.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TotalsQuery {
    /// Only those of this shop.
    source: Option<String>,
}

/// Add up earlier orders
///
/// By shop and currency.
#[utoipa::path(
    get, path = "/api/v1/earlier-orders/totals", operation_id = "add_up_earlier_orders", tag = "orders",
    params(TotalsQuery),
    responses(
        (status = 200, body = Page<EarlierTotals>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
async fn totals(
    State(app): State<App>,
    _: Admin,
    Query(query): Query<TotalsQuery>,
) -> Result<Json<Page<EarlierTotals>>, Fault> {
    Ok(whole(app.earlier_totals(query.source).await?))
}

/// Show an earlier order
#[utoipa::path(
    get, path = "/api/v1/earlier-orders/{id}", operation_id = "get_earlier_order", tag = "orders",
    params(("id" = EarlierOrderId, Path, description = "The record's id")),
    responses(
        (status = 200, body = EarlierOrderView), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 429, body = ProblemBody),
    )
)]
async fn find(
    State(app): State<App>,
    User(who): User,
    Id(id): Id<EarlierOrderId>,
) -> Result<Json<EarlierOrderView>, Fault> {
    Ok(Json(app.find_earlier(&who, id).await?))
}
