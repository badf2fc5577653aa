//! What is sent of an order, a parcel at a time. `POST .../ship` sends the rest as one.

use super::{keep_private, whole};
use crate::Service;
use axum::{extract::State, middleware::map_response, response::Response};
use contracts::{
    orders::{NewShipment, ShipmentView},
    problem::ProblemBody,
    values::{OrderId, Page},
};
use platform::{
    http::{
        Described, Fault, Id, Json, NoQuery, Routes, auth::OrderReader, created,
        idempotency::MaybeKey,
    },
    routes,
};
use std::sync::Arc;

type App = Arc<Service>;

pub(super) fn routes<D: Described>() -> Routes<App, D> {
    Routes::new()
        .routes(routes!(ship, list))
        .map(|router| router.layer(map_response(keep_private)))
}

/// Send something of an order
///
/// Once it is paid, by an admin or the merchant who sells all of it: the lines that are named, or all that was not sent
/// before. With the last of it the order is shipped. An order of which something was sent cannot be cancelled any more.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/shipments", operation_id = "make_shipment", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    request_body = NewShipment,
    responses(
        (status = 201, body = ShipmentView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
async fn ship(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    Id(id): Id<OrderId>,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<NewShipment>,
) -> Result<Response, Fault> {
    let shipment = app.ship(&who, id, key, wish).await?;
    Ok(created(&format!("/api/v1/orders/{id}/shipments"), shipment))
}

/// List an order's shipments
///
/// In the order in which they went; for whoever sees the order.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/shipments", operation_id = "list_shipments", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    responses(
        (status = 200, body = Page<ShipmentView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 404, body = ProblemBody), (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
async fn list(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    _: NoQuery,
    Id(id): Id<OrderId>,
) -> Result<Json<Page<ShipmentView>>, Fault> {
    Ok(whole(app.shipments(&who, id).await?))
}
