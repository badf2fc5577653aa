//! Ways of shipping over HTTP: everybody sees what can be chosen, admins make and change them.

use super::{replaced, whole};
use crate::Service;
use axum::{extract::State, response::Response};
use contracts::{
    access::Principal,
    orders::{Carts, NewShippingMethod, ShippingMethodView},
    problem::ProblemBody,
    values::{Page, ShippingMethodId},
};
use platform::{
    http::{
        Described, Fault, Id, Json, NoQuery, Routes,
        auth::{Admin, Visitor},
        created,
        etag::{self, IfMatch},
        idempotency::MaybeKey,
    },
    routes,
};
use std::sync::Arc;

type App = Arc<Service>;

pub(super) fn routes<D: Described>() -> Routes<App, D> {
    Routes::new()
        .routes(routes!(make, list))
        .routes(routes!(replace))
}

/// Make a way of shipping
#[utoipa::path(
    post, path = "/api/v1/shipping-methods", operation_id = "make_shipping_method", tag = "shipping",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    request_body = NewShippingMethod,
    responses(
        (status = 201, body = ShippingMethodView), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
async fn make(
    State(app): State<App>,
    Admin(who): Admin,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<NewShippingMethod>,
) -> Result<Response, Fault> {
    let made = app.make_shipping_method(&who, key, wish).await?;
    Ok(created("/api/v1/shipping-methods", made))
}

/// List ways of shipping
///
/// Those that can be chosen, by name; to admins also those that cannot.
#[utoipa::path(
    get, path = "/api/v1/shipping-methods", operation_id = "list_shipping_methods", tag = "shipping",
    responses(
        (status = 200, body = Page<ShippingMethodView>), (status = 400, body = ProblemBody),
        (status = 429, body = ProblemBody),
    )
)]
async fn list(
    State(app): State<App>,
    Visitor(who): Visitor,
    _: NoQuery,
) -> Result<Json<Page<ShippingMethodView>>, Fault> {
    let all = who.as_ref().is_some_and(Principal::is_admin);
    Ok(whole(app.shipping_methods(all).await?))
}

/// Change a way of shipping
///
/// As a whole. Orders keep what they cost.
#[utoipa::path(
    put, path = "/api/v1/shipping-methods/{id}", operation_id = "replace_shipping_method", tag = "shipping",
    params(
        ("id" = ShippingMethodId, Path, description = "The method's id"),
        ("If-Match" = Option<String>, Header, description = "The method's ETag (or `version` in the body)"),
    ),
    request_body = NewShippingMethod,
    responses(
        (status = 200, body = ShippingMethodView), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 412, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 428, body = ProblemBody), (status = 429, body = ProblemBody),
        (status = 503, body = ProblemBody),
    )
)]
async fn replace(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<ShippingMethodId>,
    sent: IfMatch,
    Json(wish): Json<NewShippingMethod>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(sent, wish.version)?;
    let method = app.replace_shipping_method(&who, id, (sent, wish)).await?;
    Ok(replaced(method.version, method))
}
