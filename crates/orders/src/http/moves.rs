//! Moving orders on: a verb each. A move that is not possible from here is 409 and says what is.

use super::App;
use axum::{extract::State, response::Response};
use contracts::{
    orders::{OrderMove, OrderView, Reader},
    problem::ProblemBody,
    values::OrderId,
};
use platform::http::{Fault, Id, Json, auth::OrderReader, etag};
use serde::Deserialize;

/// Nothing to say.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// How an order is sent.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ShipOrder {
    /// The carrier's number, up to 100 characters.
    #[schema(max_length = 100)]
    tracking: Option<String>,
}

async fn advance(app: &App, who: &Reader, id: OrderId, step: OrderMove) -> Result<Response, Fault> {
    let order = app.orders.advance(who, id, step).await?;
    Ok(etag::tagged(&etag::tag(order.version), order))
}

/// Cancel an order
///
/// While it is pending or paid, by its buyer or an admin: its stock goes back, and its money if it was paid.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/cancel", operation_id = "cancel_order", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    request_body = Nothing,
    responses(
        (status = 200, body = OrderView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
pub(super) async fn cancel(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    Id(id): Id<OrderId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Response, Fault> {
    advance(&app, &who, id, OrderMove::Cancel).await
}

/// Ship an order
///
/// Once it is paid, by an admin or the merchant who sells all of it.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/ship", operation_id = "ship_order", tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id")), request_body = ShipOrder,
    responses(
        (status = 200, body = OrderView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
pub(super) async fn ship(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    Id(id): Id<OrderId>,
    Json(wish): Json<ShipOrder>,
) -> Result<Response, Fault> {
    advance(
        &app,
        &who,
        id,
        OrderMove::Ship {
            tracking: wish.tracking,
        },
    )
    .await
}

/// Mark an order as delivered
///
/// Once it is shipped, by an admin or the merchant who sells all of it.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/deliver", operation_id = "deliver_order", tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id")), request_body = Nothing,
    responses(
        (status = 200, body = OrderView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
pub(super) async fn deliver(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    Id(id): Id<OrderId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Response, Fault> {
    advance(&app, &who, id, OrderMove::Deliver).await
}
