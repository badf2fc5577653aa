//! The second factor: one's own, and that of somebody who has lost it. Codes come in bodies; secrets and recovery codes
//! go out once, and no cache keeps them.

use super::{
    App,
    answer::{CodesAnswer, SecretAnswer, TokenAnswer, cached, codes, secret, tokens},
};
use axum::{extract::State, http::StatusCode, response::IntoResponse, response::Response};
use contracts::{
    identity::{
        AnswerChallenge, BeginSecondFactor, ConfirmSecondFactor, ProveTwice, SecondFactorView,
    },
    problem::{Code, Problem, ProblemBody},
    values::UserId,
};
use platform::http::{
    Fault, Id, Json,
    auth::{Admin, User},
};

/// Goes on with a sign-in whose password was right: with a code of the app, or with a recovery code.
#[utoipa::path(
    post, path = "/api/v1/auth/login/second-factor", tag = "identity", operation_id = "answer_challenge",
    request_body = AnswerChallenge,
    responses(
        (status = 200, description = "The tokens", body = TokenAnswer),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "The challenge is over, or the code is wrong", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 429, description = "Too many wrong tries on this account", body = ProblemBody),
    )
)]
pub(super) async fn answer(
    State(app): State<App>,
    Json(wish): Json<AnswerChallenge>,
) -> Result<Response, Fault> {
    Ok(tokens(&app.answer_challenge(wish).await?))
}

/// Whether one's own second factor is on.
#[utoipa::path(
    get, path = "/api/v1/me/second-factor", tag = "identity", operation_id = "get_second_factor",
    responses(
        (status = 200, description = "Whether it is on, and how many recovery codes are left", body = SecondFactorView),
        (status = 401, description = "Not signed in", body = ProblemBody),
    )
)]
pub(super) async fn read(State(app): State<App>, User(who): User) -> Result<Response, Fault> {
    let factor = app.second_factor(&who).await?;
    Ok(cached(Json(factor).into_response(), "no-store"))
}

/// Makes a secret for one's own app. It is shown this once, and nothing is on before it was confirmed with a code.
#[utoipa::path(
    post, path = "/api/v1/me/second-factor", tag = "identity", operation_id = "begin_second_factor",
    request_body = BeginSecondFactor,
    responses(
        (status = 200, description = "The secret", body = SecretAnswer),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "Not signed in, or the password is wrong", body = ProblemBody),
        (status = 409, description = "It is on already", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 429, description = "Too many wrong tries on this account", body = ProblemBody),
        (status = 503, description = "Too many passwords wait to be hashed", body = ProblemBody),
    )
)]
pub(super) async fn begin(
    State(app): State<App>,
    User(who): User,
    Json(wish): Json<BeginSecondFactor>,
) -> Result<Response, Fault> {
    Ok(secret(&app.begin_second_factor(&who, wish).await?))
}

/// Turns one's own second factor on with a code of the app, and ends all of one's other sessions.
#[utoipa::path(
    post, path = "/api/v1/me/second-factor/confirm", tag = "identity", operation_id = "confirm_second_factor",
    request_body = ConfirmSecondFactor,
    responses(
        (status = 200, description = "It is on; the recovery codes", body = CodesAnswer),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "Not signed in, or the code is wrong", body = ProblemBody),
        (status = 409, description = "It is on already, or was not begun of late", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 429, description = "Too many wrong tries on this account", body = ProblemBody),
    )
)]
pub(super) async fn confirm(
    State(app): State<App>,
    User(who): User,
    Json(wish): Json<ConfirmSecondFactor>,
) -> Result<Response, Fault> {
    Ok(codes(&app.confirm_second_factor(&who, wish).await?))
}

/// Makes other recovery codes; those before are worth nothing any more.
#[utoipa::path(
    post, path = "/api/v1/me/second-factor/recovery-codes", tag = "identity", operation_id = "renew_recovery_codes",
    request_body = ProveTwice,
    responses(
        (status = 200, description = "The recovery codes", body = CodesAnswer),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "Not signed in, or the password or the code is wrong", body = ProblemBody),
        (status = 409, description = "The second factor is off", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 429, description = "Too many wrong tries on this account", body = ProblemBody),
        (status = 503, description = "Too many passwords wait to be hashed", body = ProblemBody),
    )
)]
pub(super) async fn renew(
    State(app): State<App>,
    User(who): User,
    Json(wish): Json<ProveTwice>,
) -> Result<Response, Fault> {
    Ok(codes(&app.renew_recovery_codes(&who, wish).await?))
}

/// Turns one's own second factor off, and ends all of one's other sessions.
#[utoipa::path(
    delete, path = "/api/v1/me/second-factor", tag = "identity", operation_id = "end_second_factor",
    request_body = ProveTwice,
    responses(
        (status = 204, description = "It is off"),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "Not signed in, or the password or the code is wrong", body = ProblemBody),
        (status = 409, description = "It is off already", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 429, description = "Too many wrong tries on this account", body = ProblemBody),
        (status = 503, description = "Too many passwords wait to be hashed", body = ProblemBody),
    )
)]
pub(super) async fn end(
    State(app): State<App>,
    User(who): User,
    Json(wish): Json<ProveTwice>,
) -> Result<StatusCode, Fault> {
    app.end_second_factor(&who, wish).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the second factor off somebody who has lost it, tells them by mail, and ends all their sessions. An admin's
/// own is turned off with password and code, like everybody's.
#[utoipa::path(
    delete, path = "/api/v1/users/{id}/second-factor", tag = "identity", operation_id = "take_second_factor_off",
    params(("id" = UserId, Path, description = "The user")),
    responses(
        (status = 204, description = "Signing in asks for the password alone"),
        (status = 400, description = "The id is malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not an admin, or one's own", body = ProblemBody),
        (status = 404, description = "No such user", body = ProblemBody),
    )
)]
pub(super) async fn take_off(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<UserId>,
) -> Result<StatusCode, Fault> {
    if id == who.user_id {
        let detail = "one's own second factor is turned off with password and code";
        return Err(Problem::new(Code::Forbidden).detail(detail).into());
    }
    app.take_second_factor_off(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
