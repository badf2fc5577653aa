//! `GET /api/v1/events/dead`, and sending one on: for admins.

use super::Desk;
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use contracts::{
    event::{DeadEventId, DeadEventQuery, DeadEventView},
    problem::ProblemBody,
    values::Page,
};
use platform::{
    http::{Described, Fault, Id, Json, NoQuery, Query, Routes, answer::page, auth::Admin},
    routes,
};
use serde::{Deserialize, Serialize};

/// The addresses, and what is said of them.
pub(crate) fn routes<D: Described>() -> Routes<Desk, D> {
    Routes::new().routes(routes!(list)).routes(routes!(redrive))
}

/// Nothing to say.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// What is sent on.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Redriven {
    /// Its name in the list.
    id: DeadEventId,
}

/// List events that were not taken
///
/// Parked ones, which are tried again by themselves, and dead letters, which wait for a person.
#[utoipa::path(
    get, path = "/api/v1/events/dead", tag = "events", operation_id = "list_dead_events", params(DeadEventQuery),
    responses(
        (status = 200, body = Page<DeadEventView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 503, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
async fn list(
    State(desk): State<Desk>,
    _: Admin,
    uri: Uri,
    Query(query): Query<DeadEventQuery>,
) -> Result<Response, Fault> {
    Ok(page(&uri, desk.list(query).await?))
}

/// Send an event on again
///
/// A parked one is tried at once, after those of its subject that came before it; a dead letter gets all of its tries
/// anew. Whoever took it before recognises it.
#[utoipa::path(
    post, path = "/api/v1/events/dead/{id}/redrive", tag = "events", operation_id = "redrive_event",
    params(("id" = DeadEventId, Path, description = "The event's name in the list")), request_body = Nothing,
    responses(
        (status = 202, body = Redriven, description = "It is on its way; the list shows if it fails again"),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody),
        (status = 503, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
async fn redrive(
    State(desk): State<Desk>,
    _: Admin,
    _: NoQuery,
    Id(id): Id<DeadEventId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<(StatusCode, Json<Redriven>), Fault> {
    desk.redrive(id).await?;
    Ok((StatusCode::ACCEPTED, Json(Redriven { id })))
}
