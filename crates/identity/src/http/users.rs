//! What admins do with accounts. Nobody else learns here which there are.

use super::{App, answer::cached};
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::Response,
};
use contracts::{
    identity::{SetUserStatus, UserQuery, UserView},
    problem::ProblemBody,
    values::{Page, UserId},
};
use platform::http::{
    Fault, Id, Json, Query,
    auth::Admin,
    etag::{self, IfMatch},
    page,
};

/// Accounts, newest first.
#[utoipa::path(
    get, path = "/api/v1/users", tag = "identity", operation_id = "list_users", params(UserQuery),
    responses(
        (status = 200, description = "The accounts", body = Page<UserView>),
        (status = 400, description = "A parameter is not understood", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    _: Admin,
    uri: Uri,
    Query(query): Query<UserQuery>,
) -> Result<Response, Fault> {
    let users = app.users(query).await?;
    Ok(cached(page(&uri, users), "no-store"))
}

/// Lets a user sign in, or not any more: then all their sessions and tokens end, and their orders and payments go on.
/// No admin does it to themselves, and the last one stays.
#[utoipa::path(
    put, path = "/api/v1/users/{id}/status", tag = "identity", operation_id = "put_user_status",
    params(
        ("id" = UserId, Path, description = "The user"),
        ("If-Match" = Option<String>, Header, description = "The ETag that is changed, unless `version` says so"),
    ),
    request_body = SetUserStatus,
    responses(
        (status = 200, description = "The profile as it is now", body = UserView),
        (status = 400, description = "The id is malformed, or no JSON object came", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 404, description = "No such user", body = ProblemBody),
        (status = 409, description = "`version` is stale", body = ProblemBody),
        (status = 412, description = "`If-Match` is stale", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule, or nobody else runs the shop", body = ProblemBody),
        (status = 428, description = "Neither `If-Match` nor `version` came", body = ProblemBody),
    )
)]
pub(super) async fn set_status(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<UserId>,
    header: IfMatch,
    Json(wish): Json<SetUserStatus>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(header, wish.version)?;
    let user = app.set_status(&who, id, sent, wish).await?;
    let answer = etag::tagged(&etag::tag(user.version), user);
    Ok(cached(answer, "private, no-cache"))
}

/// Sends a user a link for another password. The old one is good until the link is used.
#[utoipa::path(
    post, path = "/api/v1/users/{id}/password-reset", tag = "identity", operation_id = "send_password_reset",
    params(("id" = UserId, Path, description = "The user")),
    responses(
        (status = 202, description = "A mail is on its way"),
        (status = 400, description = "The id is malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 404, description = "No such user", body = ProblemBody),
        (status = 409, description = "No address, disabled, or several links of late", body = ProblemBody),
    )
)]
pub(super) async fn send_reset(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<UserId>,
) -> Result<StatusCode, Fault> {
    app.send_password_reset(&who, id).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Ends all sessions of a user: every token they have is worth nothing any more.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/sessions", tag = "identity", operation_id = "end_user_sessions",
    params(("id" = UserId, Path, description = "The user")),
    responses(
        (status = 204, description = "All sessions have ended"),
        (status = 400, description = "The id is malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 404, description = "No such user", body = ProblemBody),
    )
)]
pub(super) async fn end_sessions(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<UserId>,
) -> Result<StatusCode, Fault> {
    app.end_sessions_of(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
