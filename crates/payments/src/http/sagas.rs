//! What is under way and what somebody should look at, for admins.

use axum::{extract::State, http::Uri, response::Response};
use contracts::{
    payments::{Payments, ReviewView, SagaId, SagaQuery, SagaView},
    problem::{Problem, ProblemBody},
    values::Page,
};
use platform::http::{Fault, Id, Json, NoQuery, Query, answer::page, auth::Admin};
use serde::Deserialize;
use std::sync::Arc;

type App = State<Arc<dyn Payments>>;

/// As many as are shown.
const REVIEWS: u32 = 100;

/// Nothing to say.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// List what is under way
///
/// Payments and refunds that have not ended: who works at them, or why they wait. `state=parked`: those that wait for a
/// person.
#[utoipa::path(
    get, path = "/api/v1/payments/sagas", tag = "payments", operation_id = "list_sagas", params(SagaQuery),
    responses(
        (status = 200, body = Page<SagaView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(app): App,
    _: Admin,
    uri: Uri,
    Query(query): Query<SagaQuery>,
) -> Result<Response, Fault> {
    Ok(page(&uri, app.sagas(query).await?))
}

/// Take something up again
///
/// At once, whether it waits for its next try or for a person.
#[utoipa::path(
    post, path = "/api/v1/payments/sagas/{id}/retry", tag = "payments", operation_id = "retry_saga",
    params(("id" = SagaId, Path, description = "The payment or refund")), request_body = Nothing,
    responses(
        (status = 200, body = SagaView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 503, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn retry(
    State(app): App,
    _: Admin,
    Id(id): Id<SagaId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Json<SagaView>, Fault> {
    Ok(Json(app.retry_saga(id).await?))
}

/// List what somebody should look at
///
/// Money that nobody asked for, that came too late or in another amount. It was made safe already; newest first.
#[utoipa::path(
    get, path = "/api/v1/payments/reviews", tag = "payments", operation_id = "list_payment_reviews",
    responses(
        (status = 200, body = Page<ReviewView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn reviews(
    State(app): App,
    _: Admin,
    _: NoQuery,
) -> Result<Json<Page<ReviewView>>, Fault> {
    let data = app
        .reviews(REVIEWS)
        .await
        .map_err(|error| Problem::internal(&error))?;
    Ok(Json(Page {
        data,
        next_cursor: None,
    }))
}
