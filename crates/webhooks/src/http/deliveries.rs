//! What was told and will be: the log of a webhook, telling again, and the feed for whoever asks instead.

use super::{App, Nothing};
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use contracts::{
    problem::ProblemBody,
    values::{DeliveryId, Page, WebhookId},
    webhooks::{DeliveryQuery, DeliveryView, FeedPage, FeedQuery},
};
use platform::http::{Fault, Id, Json, NoQuery, Query, auth::Admin, page};

/// List a webhook's deliveries
///
/// Newest first; those that ended go after some days, or when there are too many.
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}/deliveries", tag = "webhooks", operation_id = "list_deliveries",
    params(("id" = WebhookId, Path, description = "The webhook"), DeliveryQuery),
    responses(
        (status = 200, body = Page<DeliveryView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(app): State<App>,
    _: Admin,
    uri: Uri,
    Id(id): Id<WebhookId>,
    Query(query): Query<DeliveryQuery>,
) -> Result<Response, Fault> {
    Ok(page(&uri, app.deliveries(id, query).await?))
}

/// Deliver once more
///
/// The same event to the same webhook, under the event's id, with all tries anew.
#[utoipa::path(
    post, path = "/api/v1/deliveries/{id}/replay", tag = "webhooks", operation_id = "replay_delivery",
    params(("id" = DeliveryId, Path, description = "The delivery")), request_body = Nothing,
    responses(
        (status = 202, description = "The new delivery", body = DeliveryView), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn again(
    State(app): State<App>,
    _: Admin,
    _: NoQuery,
    Id(id): Id<DeliveryId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<(StatusCode, Json<DeliveryView>), Fault> {
    Ok((StatusCode::ACCEPTED, Json(app.again(id).await?)))
}

/// Read events
///
/// All that webhooks may be told of, in the order of `sequence`, for some days: for whoever asks rather than listens,
/// and to catch up. Ask again with `after` = `next_after`; a page that is empty has nothing new.
#[utoipa::path(
    get, path = "/api/v1/events", tag = "events", operation_id = "list_events", params(FeedQuery),
    responses(
        (status = 200, body = FeedPage), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn feed(
    State(app): State<App>,
    _: Admin,
    Query(query): Query<FeedQuery>,
) -> Result<Json<FeedPage>, Fault> {
    Ok(Json(app.feed(query).await?))
}
