//! Writing to an order's buyer once more.

use super::keep_private;
use crate::Service;
use axum::{extract::State, http::StatusCode, middleware::map_response};
use contracts::{
    orders::{OrderMailView, SendMail},
    problem::ProblemBody,
    values::OrderId,
};
use platform::{
    http::{Described, Fault, Id, Json, Routes, auth::Admin},
    routes,
};
use std::sync::Arc;

type App = Arc<Service>;

pub(super) fn routes<D: Described>() -> Routes<App, D> {
    Routes::new()
        .routes(routes!(send))
        .map(|router| router.layer(map_response(keep_private)))
}

/// Write to an order's buyer once more
///
/// About something that happened to the order, for admins. It goes like the mails that the shop writes on its own:
/// within seconds, and again while it does not go. An order whose buyer was erased has nobody to write to.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/mails", operation_id = "send_order_mail", tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id")), request_body = SendMail,
    responses(
        (status = 202, body = OrderMailView, description = "It waits to go"), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
async fn send(
    State(app): State<App>,
    _: Admin,
    Id(id): Id<OrderId>,
    Json(wish): Json<SendMail>,
) -> Result<(StatusCode, Json<OrderMailView>), Fault> {
    Ok((
        StatusCode::ACCEPTED,
        Json(app.send_mail_again(id, wish).await?),
    ))
}
