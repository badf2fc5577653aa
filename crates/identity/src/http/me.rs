//! One's own account. Whose it is comes from the access token alone.

use super::{App, answer::cached};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use contracts::{
    identity::{DeleteAccount, PatchProfile, UserView},
    problem::ProblemBody,
};
use platform::http::{
    Fault, Json, MergePatch,
    auth::User,
    etag::{self, IfMatch},
};

const PRIVATE: &str = "private, no-cache";

/// One's own profile.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "identity", operation_id = "get_me",
    responses(
        (status = 200, description = "The profile, with its ETag", body = UserView),
        (status = 304, description = "The profile that If-None-Match names is current"),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 404, description = "The account has gone", body = ProblemBody),
    )
)]
pub(super) async fn read(
    State(app): State<App>,
    User(who): User,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let me = app.me(&who).await?;
    let answer = etag::conditional(&headers, &etag::tag(me.version), me);
    Ok(cached(answer, PRIVATE))
}

/// Changes one's own profile.
#[utoipa::path(
    patch, path = "/api/v1/me", tag = "identity", operation_id = "patch_me",
    params(("If-Match" = Option<String>, Header, description = "The ETag that is changed, unless `version` says so")),
    request_body(content(
        (PatchProfile = "application/merge-patch+json"), (PatchProfile = "application/json"),
    )),
    responses(
        (status = 200, description = "The profile as it is now", body = UserView),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 404, description = "The account has gone", body = ProblemBody),
        (status = 409, description = "`version` is stale", body = ProblemBody),
        (status = 412, description = "`If-Match` is stale", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 428, description = "Neither `If-Match` nor `version` came", body = ProblemBody),
    )
)]
pub(super) async fn change(
    State(app): State<App>,
    User(who): User,
    header: IfMatch,
    MergePatch(patch): MergePatch<PatchProfile>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(header, patch.version)?;
    let me = app.patch_me(&who, sent, patch).await?;
    Ok(cached(etag::tagged(&etag::tag(me.version), me), PRIVATE))
}

/// Deletes one's own account: ends its sessions and erases its personal data.
#[utoipa::path(
    delete, path = "/api/v1/me", tag = "identity", operation_id = "delete_me",
    request_body = DeleteAccount,
    responses(
        (status = 204, description = "The account has gone"),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "Not signed in, or the password or the code is wrong", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 429, description = "Too many wrong tries on this account", body = ProblemBody),
        (status = 503, description = "Too many passwords wait to be hashed", body = ProblemBody),
    )
)]
pub(super) async fn delete(
    State(app): State<App>,
    User(who): User,
    Json(wish): Json<DeleteAccount>,
) -> Result<StatusCode, Fault> {
    app.delete_account(&who, wish).await?;
    Ok(StatusCode::NO_CONTENT)
}
