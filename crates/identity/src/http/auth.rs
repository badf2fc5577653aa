//! Routes that give tokens and end them. The bodies say who somebody is, never what they may do.

use super::{
    App,
    answer::{TokenAnswer, tokens},
};
use axum::{
    body::Body,
    extract::{FromRequest, Request, State},
    http::{HeaderValue, StatusCode, header::LOCATION},
    response::Response,
};
use contracts::{
    identity::{Login, RefreshRequest, RegisterUser, SetupAdmin},
    problem::{Code, Problem, ProblemBody},
};
use platform::http::{Fault, Json, auth::Visitor, json};
use secrecy::SecretString;
use serde::Deserialize;

fn opened(mut response: Response) -> Response {
    *response.status_mut() = StatusCode::CREATED;
    let me = HeaderValue::from_static("/api/v1/me");
    response.headers_mut().insert(LOCATION, me);
    response
}

/// Opens an account and signs it in.
#[utoipa::path(
    post, path = "/api/v1/auth/register", tag = "identity", operation_id = "register",
    request_body = RegisterUser,
    responses(
        (status = 201, description = "The account and its tokens", body = TokenAnswer),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 409, description = "The address or the user name is taken", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 503, description = "Too many passwords wait to be hashed", body = ProblemBody),
    )
)]
pub(super) async fn register(
    State(app): State<App>,
    Json(wish): Json<RegisterUser>,
) -> Result<Response, Fault> {
    let signed_in = app.register(wish).await?;
    Ok(opened(tokens(&signed_in)))
}

/// Signs in, by e-mail address or user name (the address counts if both come). Where the second factor is on, the right
/// password is answered with 401 `second_factor_required` and a `challenge` for `/api/v1/auth/login/second-factor`.
#[utoipa::path(
    post, path = "/api/v1/auth/login", tag = "identity", operation_id = "login",
    request_body = Login,
    responses(
        (status = 200, description = "The tokens", body = TokenAnswer),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "The name or the password is wrong, or a code is asked for", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 429, description = "Too many wrong tries on this account", body = ProblemBody),
        (status = 503, description = "Too many passwords wait to be hashed", body = ProblemBody),
    )
)]
pub(super) async fn login(
    State(app): State<App>,
    Json(wish): Json<Login>,
) -> Result<Response, Fault> {
    if wish.email.is_none() && wish.username.is_none() {
        return Err(Problem::invalid("/email", "or username is required").into());
    }
    Ok(tokens(&app.login(wish).await?))
}

/// Gives new tokens for a refresh token, which is used up.
#[utoipa::path(
    post, path = "/api/v1/auth/refresh", tag = "identity", operation_id = "refresh_tokens",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "New tokens", body = TokenAnswer),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "The token is over, or was used before", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
    )
)]
pub(super) async fn refresh(
    State(app): State<App>,
    Json(wish): Json<RefreshRequest>,
) -> Result<Response, Fault> {
    Ok(tokens(&app.refresh(wish.refresh_token).await?))
}

/// What logging out may carry.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Logout {
    /// A refresh token of the session to end, if no access token says which.
    #[schema(value_type = Option<String>)]
    refresh_token: Option<SecretString>,
}

/// Ends the session of the access token, of the refresh token in the body, or both.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", tag = "identity", operation_id = "logout",
    request_body = Option<Logout>,
    responses(
        (status = 204, description = "The session has ended"),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "Neither token came", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
    )
)]
pub(super) async fn logout(
    State(app): State<App>,
    Visitor(who): Visitor,
    request: Request,
) -> Result<StatusCode, Fault> {
    let token = optional_body(request).await?.refresh_token;
    if who.is_none() && token.is_none() {
        return Err(Fault::new(Code::Unauthenticated));
    }
    if let Some(who) = who {
        app.logout(&who).await?;
    }
    if let Some(token) = token {
        app.end_session_of(token).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

async fn optional_body(request: Request) -> Result<Logout, Fault> {
    let (parts, body) = request.into_parts();
    let head = Request::from_parts(parts.clone(), body);
    let bytes = json::body(head, &()).await?;
    if bytes.is_empty() {
        return Ok(Logout::default());
    }
    let whole = Request::from_parts(parts, Body::from(bytes));
    let Json(logout) = Json::<Option<Logout>>::from_request(whole, &()).await?;
    Ok(logout.unwrap_or_default())
}

/// Makes the first admin, with the one-time token that the shop showed when it started.
#[utoipa::path(
    post, path = "/api/v1/auth/setup", tag = "identity", operation_id = "setup_admin",
    request_body = SetupAdmin,
    responses(
        (status = 201, description = "The admin and their tokens", body = TokenAnswer),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "The setup token is not valid, or there is an admin", body = ProblemBody),
        (status = 409, description = "The address is taken", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 503, description = "Too many passwords wait to be hashed", body = ProblemBody),
    )
)]
pub(super) async fn setup(
    State(app): State<App>,
    Json(wish): Json<SetupAdmin>,
) -> Result<Response, Fault> {
    let signed_in = app.setup_admin(wish).await?;
    Ok(opened(tokens(&signed_in)))
}
