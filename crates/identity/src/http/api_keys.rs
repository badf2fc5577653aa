//! API keys: made, seen, changed and ended. The text of one leaves through here, once. The door lets no key in.

use super::{App, answer::cached};
use axum::{
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use contracts::{
    identity::{ApiKeyMade, ApiKeyQuery, ApiKeyView, MakeApiKey, RotateApiKey},
    problem::ProblemBody,
    values::{ApiKeyId, Page},
};
use platform::http::{Fault, Id, Json, Query, auth::User, created, idempotency::MaybeKey, page};
use secrecy::ExposeSecret;
use serde::Serialize;

/// A key that was just made, or got another secret.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct MadeAnswer {
    /// The key.
    key: ApiKeyView,
    /// Its text, for `Authorization: Bearer`. It is shown this once; a repetition of the request has `null` here.
    #[schema(pattern = "^souk_[0-9a-hjkmnp-tv-z]{84}$")]
    secret: Option<String>,
}

impl From<ApiKeyMade> for MadeAnswer {
    fn from(made: ApiKeyMade) -> Self {
        let text = |secret: secrecy::SecretString| secret.expose_secret().to_owned();
        Self {
            key: made.key,
            secret: made.secret.map(text),
        }
    }
}

/// Makes an API key, which acts as its owner within its scopes. Its text is shown this once.
#[utoipa::path(
    post, path = "/api/v1/api-keys", tag = "identity", operation_id = "make_api_key",
    params(("Idempotency-Key" = Option<String>, Header,
        description = "Makes the request safe to repeat; a repetition shows the key without its text")),
    request_body = MakeApiKey,
    responses(
        (status = 201, description = "The key, and its text", body = MadeAnswer),
        (status = 400, description = "No JSON object", body = ProblemBody),
        (status = 401, description = "Not signed in, or the password is wrong", body = ProblemBody),
        (status = 404, description = "A repetition, whose key has gone", body = ProblemBody),
        (status = 409, description = "As many keys as one may have", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 429, description = "Too many wrong tries on this account", body = ProblemBody),
        (status = 503, description = "Too many passwords wait to be hashed", body = ProblemBody),
    )
)]
pub(super) async fn make(
    State(app): State<App>,
    User(who): User,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<MakeApiKey>,
) -> Result<Response, Fault> {
    let made = app.make_api_key(&who, key, wish).await?;
    let location = format!("/api/v1/api-keys/{}", made.value.key.id);
    let answer = created(&location, made.map(MadeAnswer::from));
    Ok(cached(answer, "no-store"))
}

/// One's own API keys, newest first, those that ended within ninety days too; another's for admins.
#[utoipa::path(
    get, path = "/api/v1/api-keys", tag = "identity", operation_id = "list_api_keys", params(ApiKeyQuery),
    responses(
        (status = 200, description = "The keys", body = Page<ApiKeyView>),
        (status = 400, description = "A parameter is not understood", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Another's keys, and not an admin", body = ProblemBody),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    User(who): User,
    uri: Uri,
    Query(query): Query<ApiKeyQuery>,
) -> Result<Response, Fault> {
    let keys = app.api_keys(&who, query).await?;
    Ok(cached(page(&uri, keys), "no-store"))
}

/// One of one's own API keys; anybody's for admins.
#[utoipa::path(
    get, path = "/api/v1/api-keys/{id}", tag = "identity", operation_id = "get_api_key",
    params(("id" = ApiKeyId, Path, description = "The key")),
    responses(
        (status = 200, description = "The key", body = ApiKeyView),
        (status = 400, description = "The id is malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 404, description = "No such key that the caller may know of", body = ProblemBody),
    )
)]
pub(super) async fn find(
    State(app): State<App>,
    User(who): User,
    Id(id): Id<ApiKeyId>,
) -> Result<Response, Fault> {
    let key = app.api_key(&who, id).await?;
    Ok(cached(Json(key).into_response(), "no-store"))
}

/// Ends one of one's own API keys for good, on every node within five seconds; anybody's for admins.
#[utoipa::path(
    delete, path = "/api/v1/api-keys/{id}", tag = "identity", operation_id = "revoke_api_key",
    params(("id" = ApiKeyId, Path, description = "The key")),
    responses(
        (status = 204, description = "The key has ended"),
        (status = 400, description = "The id is malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 404, description = "No such key that the caller may know of", body = ProblemBody),
    )
)]
pub(super) async fn revoke(
    State(app): State<App>,
    User(who): User,
    Id(id): Id<ApiKeyId>,
) -> Result<StatusCode, Fault> {
    app.revoke_api_key(&who, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives one of one's own API keys another secret; the one of before stays good for as long as is asked for.
#[utoipa::path(
    post, path = "/api/v1/api-keys/{id}/rotate", tag = "identity", operation_id = "rotate_api_key",
    params(("id" = ApiKeyId, Path, description = "The key")),
    request_body = RotateApiKey,
    responses(
        (status = 200, description = "The key, and its new text", body = MadeAnswer),
        (status = 400, description = "The id is malformed, or no JSON object came", body = ProblemBody),
        (status = 401, description = "Not signed in, or the password is wrong", body = ProblemBody),
        (status = 404, description = "No such key of one's own, or it has ended", body = ProblemBody),
        (status = 415, description = "Not JSON", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 429, description = "Too many wrong tries on this account", body = ProblemBody),
        (status = 503, description = "Too many passwords wait to be hashed", body = ProblemBody),
    )
)]
pub(super) async fn rotate(
    State(app): State<App>,
    User(who): User,
    Id(id): Id<ApiKeyId>,
    Json(wish): Json<RotateApiKey>,
) -> Result<Response, Fault> {
    let made = app.rotate_api_key(&who, id, wish).await?;
    let answer = Json(MadeAnswer::from(made)).into_response();
    Ok(cached(answer, "no-store"))
}
