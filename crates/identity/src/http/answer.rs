//! Shapes of identity's answers. Tokens leave through here only, and no cache keeps them.

use axum::{
    http::{HeaderValue, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use contracts::identity::{FactorSecret, RecoveryCodes, SignedIn, UserView};
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

/// What an app has to know. It is shown once, and nothing is on yet.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SecretAnswer {
    /// For typing, in base32.
    #[schema(example = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")]
    secret: String,
    /// The same and who it is for, for a picture that the app reads.
    uri: String,
}

/// Recovery codes, each good once in place of a code. They are shown once.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct CodesAnswer {
    /// All that there are.
    recovery_codes: Vec<String>,
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

/// The secret of an app, for whoever asked; it is shown this once.
pub(super) fn secret(shown: &FactorSecret) -> Response {
    let answer = SecretAnswer {
        secret: shown.secret.expose_secret().to_owned(),
        uri: shown.uri.expose_secret().to_owned(),
    };
    cached(Json(answer).into_response(), "no-store")
}

/// Recovery codes, for whoever asked; they are shown this once.
pub(super) fn codes(shown: &RecoveryCodes) -> Response {
    let codes = shown.codes.iter();
    let answer = CodesAnswer {
        recovery_codes: codes.map(|code| code.expose_secret().to_owned()).collect(),
    };
    cached(Json(answer).into_response(), "no-store")
}

/// The answer, with how long who may keep it.
pub(super) fn cached(mut response: Response, how: &'static str) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(how));
    response
}
