//! Give money back, and take in what the provider says. Only admins give back; whoever sees the payment sees its
//! refunds.

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};
use contracts::{
    payments::{CallbackError, Payments, RefundOf, RefundOrder, RefundStatus, RefundView},
    problem::ProblemBody,
    values::{Page, PaymentId},
};
use platform::http::{
    Fault, Id, Json,
    auth::{Admin, OrderReader},
    created,
    idempotency::Key,
};
use std::sync::Arc;

type App = State<Arc<dyn Payments>>;

/// Give money back
///
/// Whole or in part: an amount, or items with what they cost, or both, or (with an empty body) all that is left. Items
/// come back onto the shelf. All refunds together never exceed what was captured.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{id}/refunds",
    tag = "payments",
    operation_id = "refund_payment",
    params(
        ("id" = PaymentId, Path, description = "The payment"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible characters"),
    ),
    request_body = RefundOrder,
    responses(
        (status = 201, description = "Given back", body = RefundView,
            headers(("Location" = String), ("Idempotent-Replayed" = String))),
        (status = 202, description = "Decided; the provider has not confirmed it yet", body = RefundView,
            headers(("Location" = String), ("Retry-After" = u32))),
        (status = 400, description = "Malformed, or without a key", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 404, description = "No such payment", body = ProblemBody),
        (status = 409, description = "Nothing was captured", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "More than is left, or a field that is not valid", body = ProblemBody),
        (status = 503, description = "Too much to do", body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn refund(
    State(app): App,
    Admin(who): Admin,
    Id(id): Id<PaymentId>,
    Key(key): Key,
    Json(wish): Json<RefundOrder>,
) -> Result<Response, Fault> {
    let answered = app.refund(&who, key, RefundOf::Payment(id), wish).await?;
    let location = format!("/api/v1/payments/{}/refunds", answered.value.payment_id);
    let waits = answered.value.status == RefundStatus::Pending;
    let mut response = created(&location, answered);
    if waits {
        *response.status_mut() = StatusCode::ACCEPTED;
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(response)
}

/// List a payment's refunds
///
/// Oldest first, at most 1,000.
#[utoipa::path(
    get,
    path = "/api/v1/payments/{id}/refunds",
    tag = "payments",
    operation_id = "list_refunds",
    params(
        ("id" = PaymentId, Path, description = "The payment"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    responses(
        (status = 200, description = "The refunds", body = Page<RefundView>),
        (status = 400, description = "A malformed id", body = ProblemBody),
        (status = 401, description = "Neither signed in nor with an order's token", body = ProblemBody),
        (status = 404, description = "No such payment of the caller's", body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
pub(super) async fn list(
    State(app): App,
    OrderReader(who): OrderReader,
    Id(id): Id<PaymentId>,
) -> Result<Json<Page<RefundView>>, Fault> {
    let data = app.refunds(&who, id).await?;
    Ok(Json(Page {
        data,
        next_cursor: None,
    }))
}

/// Take a provider's callback
///
/// Signed by the provider; kept, and answered at once. The provider is asked how the charge stands, so that
/// repetition and disorder change nothing.
#[utoipa::path(
    post,
    path = "/api/v1/payments/providers/{name}/webhook",
    tag = "payments",
    operation_id = "provider_webhook",
    params(
        ("name" = String, Path, description = "The provider"),
        ("Provider-Signature" = Option<String>, Header,
            description = "The sandbox's: t=SECONDS,v1=HMAC-SHA256 of time and body"),
        ("Stripe-Signature" = Option<String>, Header, description = "Stripe's"),
    ),
    request_body(content = String, content_type = "application/json"),
    responses(
        (status = 200, description = "Taken in"),
        (status = 400, description = "The signature does not hold, or the body cannot be read", body = ProblemBody),
        (status = 404, description = "No such provider", body = ProblemBody),
        (status = 413, description = "Too large", body = ProblemBody),
        (status = 503, description = "Too much to do", body = ProblemBody),
    ),
)]
pub(super) async fn callback(
    State(app): App,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Fault> {
    let signature = headers
        .get("provider-signature")
        .or_else(|| headers.get("stripe-signature"))
        .and_then(|value| value.to_str().ok())
        .ok_or(CallbackError::BadSignature("there is none".into()))?;
    app.callback(&name, signature, &body).await?;
    Ok(StatusCode::OK)
}
