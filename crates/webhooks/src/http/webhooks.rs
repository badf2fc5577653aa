//! Webhooks: made, seen, changed, ended. The secret of one leaves through here, once.

use super::{App, Nothing};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::ETAG},
    response::Response,
};
use contracts::{
    problem::ProblemBody,
    values::{Page, Version, WebhookId},
    webhooks::{
        DeliveryView, NewWebhook, PatchWebhook, ReplayWebhook, Replayed, RotateWebhook,
        WebhookError, WebhookMade, WebhookView,
    },
};
use platform::digest;
use platform::http::{
    Fault, Id, Json, MergePatch, NoQuery, Query,
    auth::Admin,
    created,
    etag::{self, IfMatch},
    idempotency::MaybeKey,
};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

/// A webhook that was just made, or got another secret.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct MadeWebhook {
    /// The webhook.
    webhook: WebhookView,
    /// What its signatures are made with. It is shown this once; a repetition of the request has `null` here.
    #[schema(pattern = "^whsec_[0-9A-Za-z+/]{43}=$")]
    secret: Option<String>,
}

impl From<WebhookMade> for MadeWebhook {
    fn from(made: WebhookMade) -> Self {
        let text = |secret: secrecy::SecretString| secret.expose_secret().to_owned();
        Self {
            webhook: made.webhook,
            secret: made.secret.map(text),
        }
    }
}

/// Make a webhook
///
/// It is told of events from now on, with a POST each, signed as Standard Webhooks lays it down: `webhook-id` (the
/// event's id), `webhook-timestamp`, `webhook-signature`. Whoever answers 2xx has taken it; anything else is tried
/// again for three days. An event may come more than once, and in another order than that of its `sequence`.
#[utoipa::path(
    post, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "make_webhook",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes the request safe to repeat; a repetition shows the webhook without its secret")),
    request_body = NewWebhook,
    responses(
        (status = 201, description = "The webhook, and its secret", body = MadeWebhook),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, description = "A repetition, whose webhook has gone", body = ProblemBody),
        (status = 409, description = "As many webhooks as there may be", body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 503, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn make(
    State(app): State<App>,
    Admin(who): Admin,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<NewWebhook>,
) -> Result<Response, Fault> {
    let made = app.make(&who, key, wish).await?;
    let location = format!("/api/v1/webhooks/{}", made.value.webhook.id);
    let tag = HeaderValue::from_str(&etag::tag(made.value.webhook.version));
    let mut response = created(&location, made.map(MadeWebhook::from));
    if let Ok(tag) = tag {
        response.headers_mut().insert(ETAG, tag);
    }
    Ok(response)
}

/// List webhooks
///
/// All of them, oldest first: there are few.
#[utoipa::path(
    get, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "list_webhooks",
    responses(
        (status = 200, body = Page<WebhookView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn list(
    State(app): State<App>,
    _: Admin,
    _: NoQuery,
) -> Result<Json<Page<WebhookView>>, Fault> {
    Ok(Json(Page {
        data: app.list().await?,
        next_cursor: None,
    }))
}

/// Show a webhook
#[utoipa::path(
    get, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "get_webhook",
    params(("id" = WebhookId, Path, description = "The webhook")),
    responses(
        (status = 200, body = WebhookView),
        (status = 304, description = "The caller has it already (`If-None-Match`)"),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn find(
    State(app): State<App>,
    _: Admin,
    headers: HeaderMap,
    Id(id): Id<WebhookId>,
) -> Result<Response, Fault> {
    let webhook = app.find(id).await?;
    let body =
        serde_json::to_vec(&webhook).map_err(|error| WebhookError::Internal(error.into()))?;
    // How far it was told, and how that went, is no change that anybody made.
    let hash = digest::sha256(&[&body]);
    let some = hash.first_chunk::<8>();
    let more = some.map_or(0, |some| i64::from_be_bytes(*some).saturating_abs());
    let tag = etag::tag_with(webhook.version, more);
    Ok(etag::conditional_json(&headers, &tag, body.into()))
}

/// Change a webhook
///
/// One that is enabled again is told of what it missed, as far back as events are kept.
#[utoipa::path(
    patch, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "patch_webhook",
    params(
        ("id" = WebhookId, Path, description = "The webhook"),
        ("If-Match" = Option<String>, Header, description = "The version that is changed"),
    ),
    request_body(content(
        (PatchWebhook = "application/merge-patch+json"),
        (PatchWebhook = "application/json"),
    )),
    responses(
        (status = 200, body = WebhookView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, description = "The body's version is stale", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 428, description = "No version was named", body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn patch(
    State(app): State<App>,
    _: Admin,
    Id(id): Id<WebhookId>,
    if_match: IfMatch,
    MergePatch(wish): MergePatch<PatchWebhook>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(if_match, wish.version)?;
    let webhook = app.patch(id, sent, wish).await?;
    Ok(etag::tagged(&etag::tag(webhook.version), webhook))
}

/// Which version goes, if no `If-Match` says so.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RemoveQuery {
    /// The version that goes, if no `If-Match` says so.
    version: Option<Version>,
}

/// Delete a webhook
///
/// With its log. What is on its way to it may still arrive.
#[utoipa::path(
    delete, path = "/api/v1/webhooks/{id}", tag = "webhooks", operation_id = "delete_webhook",
    params(
        ("id" = WebhookId, Path, description = "The webhook"),
        ("If-Match" = Option<String>, Header, description = "The version that goes"),
        RemoveQuery,
    ),
    responses(
        (status = 204, description = "It has gone"), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, description = "The query's version is stale", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn remove(
    State(app): State<App>,
    _: Admin,
    Id(id): Id<WebhookId>,
    if_match: IfMatch,
    Query(query): Query<RemoveQuery>,
) -> Result<StatusCode, Fault> {
    let sent = etag::precondition(if_match, query.version)?;
    app.remove(id, sent).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a webhook another secret
///
/// The one of before signs as well for as long as is asked for: the header has both signatures then.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/rotate", tag = "webhooks", operation_id = "rotate_webhook",
    params(("id" = WebhookId, Path, description = "The webhook")), request_body = RotateWebhook,
    responses(
        (status = 200, description = "The webhook, and its new secret", body = MadeWebhook),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 415, body = ProblemBody), (status = 422, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn rotate(
    State(app): State<App>,
    _: Admin,
    Id(id): Id<WebhookId>,
    Json(wish): Json<RotateWebhook>,
) -> Result<Json<MadeWebhook>, Fault> {
    Ok(Json(app.rotate(id, wish).await?.into()))
}

/// Ask a webhook whether it hears
///
/// It is sent a `webhook.ping`; the log of deliveries says what came of it.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/ping", tag = "webhooks", operation_id = "ping_webhook",
    params(("id" = WebhookId, Path, description = "The webhook")), request_body = Nothing,
    responses(
        (status = 202, description = "It is on its way", body = DeliveryView), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, description = "It is disabled", body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn ping(
    State(app): State<App>,
    _: Admin,
    Id(id): Id<WebhookId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<(StatusCode, Json<DeliveryView>), Fault> {
    Ok((StatusCode::ACCEPTED, Json(app.ping(id).await?)))
}

/// Tell a webhook again of all since a moment
///
/// As far back as events are kept, in pages, under the ids that they had before.
#[utoipa::path(
    post, path = "/api/v1/webhooks/{id}/replay", tag = "webhooks", operation_id = "replay_webhook",
    params(("id" = WebhookId, Path, description = "The webhook")), request_body = ReplayWebhook,
    responses(
        (status = 202, description = "They are on their way", body = Replayed), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn replay(
    State(app): State<App>,
    _: Admin,
    Id(id): Id<WebhookId>,
    Json(wish): Json<ReplayWebhook>,
) -> Result<(StatusCode, Json<Replayed>), Fault> {
    Ok((StatusCode::ACCEPTED, Json(app.replay(id, wish).await?)))
}
