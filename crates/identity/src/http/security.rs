//! The audit log of security events: all of it for admins, one's own for everybody. Nobody writes here.

use super::{App, answer::cached};
use axum::{extract::State, http::Uri, response::Response};
use contracts::{
    identity::{OwnSecurityEventQuery, SecurityEventQuery, SecurityEventView},
    problem::ProblemBody,
    values::Page,
};
use platform::http::{
    Fault, Query,
    auth::{Admin, User},
    page,
};

/// What happened to accounts, who did it, and from where; newest first.
#[utoipa::path(
    get, path = "/api/v1/audit/security-events", tag = "identity", operation_id = "list_security_events",
    params(SecurityEventQuery),
    responses(
        (status = 200, description = "The events", body = Page<SecurityEventView>),
        (status = 400, description = "A parameter is not understood", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    _: Admin,
    uri: Uri,
    Query(query): Query<SecurityEventQuery>,
) -> Result<Response, Fault> {
    let events = app.security_events(query).await?;
    Ok(cached(page(&uri, events), "no-store"))
}

/// What happened to one's own account, newest first. Of what an admin did, it does not say which admin.
#[utoipa::path(
    get, path = "/api/v1/me/security-events", tag = "identity", operation_id = "list_own_security_events",
    params(OwnSecurityEventQuery),
    responses(
        (status = 200, description = "The events", body = Page<SecurityEventView>),
        (status = 400, description = "A parameter is not understood", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
    )
)]
pub(super) async fn list_own(
    State(app): State<App>,
    User(who): User,
    uri: Uri,
    Query(query): Query<OwnSecurityEventQuery>,
) -> Result<Response, Fault> {
    let events = app.own_security_events(&who, query).await?;
    Ok(cached(page(&uri, events), "no-store"))
}
