//! Notes about orders.

use super::{keep_private, whole};
use crate::Service;
use axum::{extract::State, middleware::map_response, response::Response};
use contracts::{
    orders::{NewNote, NoteView},
    problem::ProblemBody,
    values::{OrderId, Page},
};
use platform::{
    http::{
        Described, Fault, Id, Json, NoQuery, Routes,
        auth::{Admin, OrderReader},
        created,
        idempotency::MaybeKey,
    },
    routes,
};
use std::sync::Arc;

type App = Arc<Service>;

pub(super) fn routes<D: Described>() -> Routes<App, D> {
    Routes::new()
        .routes(routes!(note, list))
        .map(|router| router.layer(map_response(keep_private)))
}

/// Note something about an order
///
/// For the shop alone, or for the buyer as well. What was noted about a customer's orders goes with their account.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/notes", operation_id = "make_note", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    request_body = NewNote,
    responses(
        (status = 201, body = NoteView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
async fn note(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<OrderId>,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<NewNote>,
) -> Result<Response, Fault> {
    let note = app.note(who, id, (key, wish)).await?;
    Ok(created(&format!("/api/v1/orders/{id}/notes"), note))
}

/// List an order's notes
///
/// Oldest first: all of them for admins; for whoever else sees the order those that are for its buyer.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/notes", operation_id = "list_notes", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    responses(
        (status = 200, body = Page<NoteView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 404, body = ProblemBody), (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
async fn list(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    _: NoQuery,
    Id(id): Id<OrderId>,
) -> Result<Json<Page<NoteView>>, Fault> {
    Ok(whole(app.notes(&who, id).await?))
}
