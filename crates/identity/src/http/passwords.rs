//! Passwords that change. They come in bodies and never go out.

use super::App;
use axum::{extract::State, http::StatusCode};
use contracts::{identity::ChangePassword, problem::ProblemBody};
use platform::http::{Fault, Json, auth::User};

/// Changes one's own password, and ends all of one's other sessions.
#[utoipa::path(
    post, path = "/api/v1/auth/password/change", tag = "identity", operation_id = "change_password",
    request_body = ChangePassword,
    responses(
        (status = 204, description = "The password is changed, and the other sessions have ended"),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "Not signed in, or the current password or the code is wrong", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 429, description = "Too many wrong tries on this account", body = ProblemBody),
        (status = 503, description = "Too many passwords wait to be hashed", body = ProblemBody),
    )
)]
pub(super) async fn change(
    State(app): State<App>,
    User(who): User,
    Json(wish): Json<ChangePassword>,
) -> Result<StatusCode, Fault> {
    app.change_password(&who, wish).await?;
    Ok(StatusCode::NO_CONTENT)
}
