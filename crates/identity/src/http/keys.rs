//! The public keys, for whoever verifies access tokens. Never a private one.

use super::{App, answer::cached};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::problem::Problem;
use platform::http::{Fault, Json};

/// The public keys that verify access tokens (RFC 7517).
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "identity", operation_id = "public_keys",
    responses((status = 200, description = "A JWK set", body = serde_json::Value))
)]
pub(super) async fn public_keys(State(app): State<App>) -> Result<Response, Fault> {
    let keys = app.public_keys().await;
    let keys = keys.map_err(|cause| Problem::internal(&cause))?;
    Ok(cached(Json(keys).into_response(), "public, max-age=300"))
}
