//! Identity's routes. A handler reads, calls and answers; whom it serves is in the types of its arguments.

mod accounts;
mod answer;
mod api_keys;
mod auth;
mod factors;
mod import;
mod internal;
mod keys;
mod links;
mod me;
mod passwords;
mod security;
mod sessions;
mod users;

use axum::Router;
use contracts::identity::Identity;
use platform::{
    http::{Described, Routes},
    routes,
};
use std::sync::Arc;
use utoipa::openapi::OpenApi;

pub use import::{api_beside, routes_beside};
pub use internal::internal_routes;

/// What handlers call.
type App = Arc<dyn Identity>;

/// Identity's part of the door.
pub fn routes(service: Arc<dyn Identity>) -> Router {
    all().router(service)
}

/// Its part of the API's document.
#[must_use]
pub fn api() -> OpenApi {
    all().document()
}

fn all<D: Described>() -> Routes<App, D> {
    Routes::new()
        .routes(routes!(auth::register))
        .routes(routes!(auth::login))
        .routes(routes!(factors::answer))
        .routes(routes!(auth::refresh))
        .routes(routes!(auth::logout))
        .routes(routes!(auth::setup))
        .routes(routes!(me::read, me::change, me::delete))
        .routes(routes!(sessions::list, sessions::end_all))
        .routes(routes!(sessions::end))
        .routes(routes!(passwords::change))
        .routes(routes!(factors::read, factors::begin, factors::end))
        .routes(routes!(factors::confirm))
        .routes(routes!(factors::renew))
        .routes(routes!(factors::take_off))
        .routes(routes!(links::forgot))
        .routes(routes!(links::reset))
        .routes(routes!(links::ask))
        .routes(routes!(links::verify))
        .routes(routes!(accounts::read, accounts::change))
        .routes(routes!(api_keys::list, api_keys::make))
        .routes(routes!(api_keys::find, api_keys::revoke))
        .routes(routes!(api_keys::rotate))
        .routes(routes!(users::list))
        .routes(routes!(users::set_status))
        .routes(routes!(users::send_reset))
        .routes(routes!(users::end_sessions))
        .routes(routes!(security::list))
        .routes(routes!(security::list_own))
        .routes(routes!(keys::public_keys))
}
