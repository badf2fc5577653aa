//! Pay an order, and look at a payment. Who may see the order may do both; nobody else learns of either.

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};
use contracts::{
    payments::{PayOrder, PaymentStatus, PaymentView, Payments},
    problem::ProblemBody,
    values::PaymentId,
};
use platform::http::{Fault, Id, Json, auth::OrderReader, created, etag, idempotency::Key};
use std::sync::Arc;

type App = State<Arc<dyn Payments>>;

/// Pay an order
///
/// The amount is the order's total. `202` means that the provider's answer is not known yet: look again
/// at `Location`, or repeat the request with the same key; nothing is charged twice. With `next_action` the
/// provider wants a proof of the buyer first: send them there.
#[utoipa::path(
    post,
    path = "/api/v1/payments",
    tag = "payments",
    operation_id = "pay_order",
    params(
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible characters"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    request_body = PayOrder,
    responses(
        (status = 201, description = "Paid", body = PaymentView,
            headers(("Location" = String), ("Idempotent-Replayed" = String))),
        (status = 202, description = "The outcome is not known yet", body = PaymentView,
            headers(("Location" = String), ("Retry-After" = u32))),
        (status = 400, description = "Malformed, or without a key", body = ProblemBody),
        (status = 401, description = "Neither signed in nor with an order's token", body = ProblemBody),
        (status = 402, description = "The provider declined", body = ProblemBody),
        (status = 404, description = "No such order of the caller's", body = ProblemBody),
        (status = 409, description = "The order does not wait for money, or for another payment's end",
            body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "Unknown method, or a key that came with another body",
            body = ProblemBody),
        (status = 503, description = "Too much to do", body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
pub(super) async fn pay(
    State(app): App,
    OrderReader(who): OrderReader,
    Key(key): Key,
    Json(wish): Json<PayOrder>,
) -> Result<Response, Fault> {
    let answered = app.pay(&who, key, wish).await?;
    let location = format!("/api/v1/payments/{}", answered.value.id);
    let status = answered.value.status;
    let mut response = created(&location, answered);
    match status {
        PaymentStatus::Pending | PaymentStatus::RequiresAction | PaymentStatus::Authorised => {
            *response.status_mut() = StatusCode::ACCEPTED;
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        PaymentStatus::Captured
        | PaymentStatus::Declined
        | PaymentStatus::Voided
        | PaymentStatus::Refunded => {}
    }
    Ok(response)
}

/// Give a payment up
///
/// While its money is not taken: the provider is fenced first, so that nothing can be taken any more; then the
/// order may be paid otherwise, or cancelled. A payment that was captured is refunded instead.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{id}/void",
    tag = "payments",
    operation_id = "void_payment",
    params(
        ("id" = PaymentId, Path, description = "The payment"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    request_body = Nothing,
    responses(
        (status = 200, description = "Given up", body = PaymentView, headers(("ETag" = String))),
        (status = 202, description = "Wished; the provider has not confirmed it yet", body = PaymentView),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Neither signed in nor with an order's token", body = ProblemBody),
        (status = 404, description = "No such payment of the caller's", body = ProblemBody),
        (status = 409, description = "Its money is being taken, or was", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "An unknown field", body = ProblemBody),
        (status = 503, description = "Too much to do", body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
pub(super) async fn void(
    State(app): App,
    OrderReader(who): OrderReader,
    Id(id): Id<PaymentId>,
    Json(Nothing {}): Json<Nothing>,
) -> Result<Response, Fault> {
    let view = app.void(&who, id).await?;
    let ended = view.status == PaymentStatus::Voided || view.status == PaymentStatus::Declined;
    let mut response = etag::tagged(&etag::tag(view.version), view);
    if !ended {
        *response.status_mut() = StatusCode::ACCEPTED;
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(response)
}

/// Nothing to say.
#[derive(Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

/// Look at a payment
#[utoipa::path(
    get,
    path = "/api/v1/payments/{id}",
    tag = "payments",
    operation_id = "get_payment",
    params(
        ("id" = PaymentId, Path, description = "The payment"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    responses(
        (status = 200, description = "The payment", body = PaymentView, headers(("ETag" = String))),
        (status = 304, description = "As the caller has it already"),
        (status = 400, description = "A malformed id", body = ProblemBody),
        (status = 401, description = "Neither signed in nor with an order's token", body = ProblemBody),
        (status = 404, description = "No such payment of the caller's", body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
pub(super) async fn show(
    State(app): App,
    OrderReader(who): OrderReader,
    Id(id): Id<PaymentId>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let view = app.payment(&who, id).await?;
    Ok(etag::conditional(&headers, &etag::tag(view.version), view))
}
