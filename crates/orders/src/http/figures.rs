//! How the shop is doing, over HTTP.

use super::keep_private;
use crate::Service;
use axum::{extract::State, middleware::map_response};
use contracts::{orders::OrderFigures, problem::ProblemBody};
use platform::{
    http::{Described, Fault, Json, NoQuery, Routes, auth::Admin},
    routes,
};
use std::sync::Arc;

type App = Arc<Service>;

pub(super) fn routes<D: Described>() -> Routes<App, D> {
    Routes::new()
        .routes(routes!(figures))
        .map(|router| router.layer(map_response(keep_private)))
}

/// Say how the shop is doing
///
/// How many orders and returns stand where, up to 100,000 of each status, and what was sold in the last 24 hours, by
/// the hour.
#[utoipa::path(
    get, path = "/api/v1/orders/figures", operation_id = "order_figures", tag = "orders",
    responses(
        (status = 200, body = OrderFigures), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
async fn figures(
    State(app): State<App>,
    _: Admin,
    _: NoQuery,
) -> Result<Json<OrderFigures>, Fault> {
    Ok(Json(app.figures().await?))
}
