//! Giving an order's money back: payments do it, this only names the order instead of the payment.

use super::App;
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};
use contracts::{
    payments::{RefundOf, RefundOrder, RefundStatus, RefundView},
    problem::ProblemBody,
    values::OrderId,
};
use platform::http::{Fault, Id, Json, answer::created, auth::Admin, idempotency::Key};

/// Give an order's money back
///
/// What `POST /api/v1/payments/{id}/refunds` does, of the payment that paid the order: whole or in part, an amount, or
/// items with what they cost, or both, or (with an empty body) all that is left. Items come back onto the shelf.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/refund", operation_id = "refund_order", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("Idempotency-Key" = String, Header, description = "1 to 128 visible characters"),
    ),
    request_body = RefundOrder,
    responses(
        (status = 201, body = RefundView, description = "Given back",
            headers(("Location" = String), ("Idempotent-Replayed" = String))),
        (status = 202, body = RefundView, description = "Decided; the provider has not confirmed it yet",
            headers(("Location" = String), ("Retry-After" = u32))),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
pub(super) async fn refund(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<OrderId>,
    Key(key): Key,
    Json(wish): Json<RefundOrder>,
) -> Result<Response, Fault> {
    let answered = app
        .payments
        .refund(&who, key, RefundOf::Order(id), wish)
        .await?;
    let location = format!("/api/v1/payments/{}/refunds", answered.value.payment_id);
    let waits = answered.value.status == RefundStatus::Pending;
    let mut response = created(&location, answered);
    if waits {
        *response.status_mut() = StatusCode::ACCEPTED;
        let headers = response.headers_mut();
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    Ok(response)
}
