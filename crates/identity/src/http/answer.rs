//! Shapes of identity's answers. Tokens leave through here only, and no cache keeps them.

use axum::{
    http::{HeaderValue, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use contracts::identity::{SignedIn, UserView};
use platform::http::Json;
use secrecy::ExposeSecret;
use serde::Serialize;

/// A user who has just proven who they are, and their tokens.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct TokenAnswer {
    /// Who.
    user: UserView,
    /// The access token: `Authorization: Bearer` it.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// After how many seconds the access token ends.
    #[schema(example = 900)]
    expires_in: i64,
    /// Gives new tokens, once.
    refresh_token: String,
}

/// The tokens, for whoever asked and nobody on the way.
pub(super) fn tokens(signed_in: &SignedIn) -> Response {
    let answer = TokenAnswer {
        user: signed_in.user.clone(),
        access_token: signed_in.access_token.expose_secret().to_owned(),
        token_type: "Bearer",
        expires_in: signed_in.expires_in,
        refresh_token: signed_in.refresh_token.expose_secret().to_owned(),
    };
    cached(Json(answer).into_response(), "no-store")
}

/// The answer, with how long who may keep it.
pub(super) fn cached(mut response: Response, how: &'static str) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(how));
    response
}
