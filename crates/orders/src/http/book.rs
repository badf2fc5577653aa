//! The addresses that a customer keeps, over HTTP: everybody their own, and nobody else's.

use super::{keep_private, whole};
use crate::Service;
use axum::{
    extract::State,
    http::{StatusCode, header::LOCATION},
    middleware::map_response,
    response::{IntoResponse, Response},
};
use contracts::{
    orders::{KeptAddress, NewAddress},
    problem::ProblemBody,
    values::{KeptAddressId, Page},
};
use platform::{
    http::{Described, Fault, Id, Json, NoQuery, Routes, auth::User},
    routes,
};
use std::sync::Arc;

type App = Arc<Service>;

const HERE: &str = "/api/v1/me/addresses";

pub(super) fn routes<D: Described>() -> Routes<App, D> {
    Routes::new()
        .routes(routes!(keep, list))
        .routes(routes!(forget))
        .map(|router| router.layer(map_response(keep_private)))
}

/// Keep an address
///
/// To choose it at a checkout. One that is kept already stays as it is; twenty may be kept.
#[utoipa::path(
    post, path = "/api/v1/me/addresses", operation_id = "keep_address", tag = "identity",
    request_body = NewAddress,
    responses(
        (status = 201, body = KeptAddress), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 409, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
async fn keep(
    State(app): State<App>,
    User(who): User,
    _: NoQuery,
    Json(wish): Json<NewAddress>,
) -> Result<Response, Fault> {
    let kept = app.keep_address(who.user_id, wish).await?;
    Ok((StatusCode::CREATED, [(LOCATION, HERE)], Json(kept)).into_response())
}

/// List the addresses that one keeps
///
/// All of them; those that were kept last first.
#[utoipa::path(
    get, path = "/api/v1/me/addresses", operation_id = "list_addresses", tag = "identity",
    responses(
        (status = 200, body = Page<KeptAddress>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
async fn list(
    State(app): State<App>,
    User(who): User,
    _: NoQuery,
) -> Result<Json<Page<KeptAddress>>, Fault> {
    Ok(whole(app.addresses_of(who.user_id).await?))
}

/// Forget an address
///
/// Orders that went there keep it.
#[utoipa::path(
    delete, path = "/api/v1/me/addresses/{id}", operation_id = "forget_address", tag = "identity",
    params(("id" = KeptAddressId, Path, description = "The address's id")),
    responses(
        (status = 204, description = "Gone"), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 429, body = ProblemBody),
        (status = 503, body = ProblemBody),
    )
)]
async fn forget(
    State(app): State<App>,
    User(who): User,
    _: NoQuery,
    Id(id): Id<KeptAddressId>,
) -> Result<StatusCode, Fault> {
    app.forget_address(who.user_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
