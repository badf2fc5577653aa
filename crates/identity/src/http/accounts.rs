//! Other people's accounts, for admins. Nobody else learns here whether an id exists.

use super::{App, answer::cached};
use axum::{extract::State, http::HeaderMap, response::Response};
use contracts::{
    access::Role,
    identity::{SetRoles, UserView},
    problem::{Problem, ProblemBody},
    values::UserId,
};
use platform::http::{
    Fault, Id, MergePatch,
    auth::Admin,
    etag::{self, IfMatch},
};

const PRIVATE: &str = "private, no-cache";

/// Any user's profile.
#[utoipa::path(
    get, path = "/api/v1/users/{id}", tag = "identity", operation_id = "get_user",
    params(("id" = UserId, Path, description = "The user")),
    responses(
        (status = 200, description = "The profile, with its ETag", body = UserView),
        (status = 304, description = "The profile that If-None-Match names is current"),
        (status = 400, description = "The id is malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 404, description = "No such user", body = ProblemBody),
    )
)]
pub(super) async fn read(
    State(app): State<App>,
    _: Admin,
    Id(id): Id<UserId>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let user = app.user(id).await?;
    let answer = etag::conditional(&headers, &etag::tag(user.version), user);
    Ok(cached(answer, PRIVATE))
}

/// Changes what a user may do; their access tokens end. An admin cannot give up their own role: another
/// admin has to take it, so that the shop is never left without one by a slip.
#[utoipa::path(
    patch, path = "/api/v1/users/{id}", tag = "identity", operation_id = "patch_user",
    params(
        ("id" = UserId, Path, description = "The user"),
        ("If-Match" = Option<String>, Header, description = "The ETag that is changed, unless `version` says so"),
    ),
    request_body(content((SetRoles = "application/merge-patch+json"), (SetRoles = "application/json"))),
    responses(
        (status = 200, description = "The profile as it is now", body = UserView),
        (status = 400, description = "The id is malformed, or no JSON object came", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin", body = ProblemBody),
        (status = 404, description = "No such user", body = ProblemBody),
        (status = 409, description = "`version` is stale", body = ProblemBody),
        (status = 412, description = "`If-Match` is stale", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 428, description = "Neither `If-Match` nor `version` came", body = ProblemBody),
    )
)]
pub(super) async fn change(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<UserId>,
    header: IfMatch,
    MergePatch(wish): MergePatch<SetRoles>,
) -> Result<Response, Fault> {
    if id == who.user_id && !wish.roles.contains(&Role::Admin) {
        let message = "must keep admin: only another admin can take it from you";
        return Err(Problem::invalid("/roles", message).into());
    }
    let sent = etag::precondition(header, wish.version)?;
    let user = app.set_roles(&who, id, sent, wish).await?;
    Ok(cached(
        etag::tagged(&etag::tag(user.version), user),
        PRIVATE,
    ))
}
