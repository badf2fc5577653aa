//! One's own sessions. Whose they are comes from the access token alone; others' are not there.

use super::{App, answer::cached};
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use contracts::{
    identity::{SessionQuery, SessionView},
    problem::ProblemBody,
    values::{Page, SessionId},
};
use platform::http::{Fault, Id, Query, auth::User, page};

/// One's own sessions that have not ended, newest first.
#[utoipa::path(
    get, path = "/api/v1/me/sessions", tag = "identity", operation_id = "list_sessions", params(SessionQuery),
    responses(
        (status = 200, description = "The sessions", body = Page<SessionView>),
        (status = 400, description = "A parameter is not understood", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    User(who): User,
    uri: Uri,
    Query(query): Query<SessionQuery>,
) -> Result<Response, Fault> {
    let sessions = app.sessions(&who, query).await?;
    Ok(cached(page(&uri, sessions), "no-store"))
}

/// Ends one of one's own sessions: its tokens are worth nothing any more.
#[utoipa::path(
    delete, path = "/api/v1/me/sessions/{id}", tag = "identity", operation_id = "end_session",
    params(("id" = SessionId, Path, description = "The session")),
    responses(
        (status = 204, description = "The session has ended"),
        (status = 400, description = "The id is malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 404, description = "No such session of one's own", body = ProblemBody),
    )
)]
pub(super) async fn end(
    State(app): State<App>,
    User(who): User,
    Id(id): Id<SessionId>,
) -> Result<StatusCode, Fault> {
    app.end_own_session(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Logs out everywhere: ends all of one's own sessions, this one too.
#[utoipa::path(
    delete, path = "/api/v1/me/sessions", tag = "identity", operation_id = "end_sessions",
    responses(
        (status = 204, description = "All sessions have ended"),
        (status = 401, description = "Not signed in", body = ProblemBody),
    )
)]
pub(super) async fn end_all(State(app): State<App>, User(who): User) -> Result<StatusCode, Fault> {
    app.end_own_sessions(&who).await?;
    Ok(StatusCode::NO_CONTENT)
}
