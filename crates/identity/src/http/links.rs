//! What is done by links in mails. No answer tells whether there is an account.

use super::App;
use axum::{extract::State, http::StatusCode};
use contracts::{
    identity::{ForgotPassword, ResetPassword, VerifyEmail},
    problem::ProblemBody,
};
use platform::http::{Fault, Json, auth::User};

/// Sends a link for another password to the account with this address, if there is one. The answer is the same, and
/// as fast, if there is none.
#[utoipa::path(
    post, path = "/api/v1/auth/password/forgot", tag = "identity", operation_id = "forgot_password",
    request_body = ForgotPassword,
    responses(
        (status = 202, description = "If there is such an account, a mail is on its way"),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 503, description = "Too many links are asked for", body = ProblemBody),
    )
)]
pub(super) async fn forgot(
    State(app): State<App>,
    Json(wish): Json<ForgotPassword>,
) -> Result<StatusCode, Fault> {
    app.forgot_password(wish).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sets another password by the token of a link, and ends all sessions of the account.
#[utoipa::path(
    post, path = "/api/v1/auth/password/reset", tag = "identity", operation_id = "reset_password",
    request_body = ResetPassword,
    responses(
        (status = 204, description = "The password is changed"),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "The link is not valid any more", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 503, description = "Too many passwords wait to be hashed", body = ProblemBody),
    )
)]
pub(super) async fn reset(
    State(app): State<App>,
    Json(wish): Json<ResetPassword>,
) -> Result<StatusCode, Fault> {
    app.reset_password(wish).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a link to one's own address that verifies it. An address that is verified gets none, and neither does one
/// that got several of late.
#[utoipa::path(
    post, path = "/api/v1/me/verification", tag = "identity", operation_id = "ask_verification",
    responses(
        (status = 202, description = "Unless there is nothing to verify, a mail is on its way"),
        (status = 401, description = "Not signed in", body = ProblemBody),
    )
)]
pub(super) async fn ask(State(app): State<App>, User(who): User) -> Result<StatusCode, Fault> {
    app.ask_verification(&who).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Verifies an address by the token of a link.
#[utoipa::path(
    post, path = "/api/v1/auth/verify", tag = "identity", operation_id = "verify_email",
    request_body = VerifyEmail,
    responses(
        (status = 204, description = "The address is verified"),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "The link is not valid any more", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
    )
)]
pub(super) async fn verify(
    State(app): State<App>,
    Json(wish): Json<VerifyEmail>,
) -> Result<StatusCode, Fault> {
    app.verify_email(wish).await?;
    Ok(StatusCode::NO_CONTENT)
}
