//! `GET /api/v1/audit`: whether the books balance, for admins.

use axum::{
    Json,
    extract::State,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use contracts::{
    audit::{AuditAnswer, AuditReport, Auditor},
    problem::{Problem, ProblemBody},
    values::Timestamp,
};
use platform::{
    http::{Described, Fault, NoQuery, Routes, auth::Admin},
    routes,
};
use serde::Serialize;
use std::sync::Arc;

/// The address, and what is said of it.
pub(crate) fn routes<D: Described>() -> Routes<Arc<dyn Auditor>, D> {
    Routes::new().routes(routes!(audit))
}

/// A verification that is being made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct AuditRunning {
    /// Since when.
    running_since: Timestamp,
}

/// Verify the books
///
/// Recomputes every balance from its ledger and holds the services' books, and the provider's, against each other. A
/// report of the last five seconds is given again. One run at a time: while it takes long, 202 says to ask again.
#[utoipa::path(
    get, path = "/api/v1/audit", operation_id = "audit", tag = "audit",
    responses(
        (status = 200, body = AuditReport, description = "What was read and what is wrong"),
        (status = 202, body = AuditRunning, description = "Being made; ask again",
            headers(("Retry-After" = u32))),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
async fn audit(
    State(auditor): State<Arc<dyn Auditor>>,
    _: Admin,
    _: NoQuery,
) -> Result<Response, Fault> {
    let answer = auditor.audit().await;
    let mut response = match answer.map_err(|cause| Problem::internal(&cause))? {
        AuditAnswer::Done(report) => Json(report).into_response(),
        AuditAnswer::Running(running_since) => {
            let running = AuditRunning { running_since };
            let mut response = (StatusCode::ACCEPTED, Json(running)).into_response();
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("2"));
            response
        }
    };
    response
        .headers_mut()
        .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
