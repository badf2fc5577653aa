//! The REST API of webhooks, deliveries and the feed: for admins, and for their keys within scopes.

mod deliveries;
mod webhooks;

use crate::Service;
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header::CACHE_CONTROL},
    middleware::map_response,
    response::Response,
};
use platform::{
    http::{Described, Routes},
    routes,
};
use serde::Deserialize;
use std::sync::Arc;
use utoipa::openapi::OpenApi;

/// The largest body.
const BODY_BYTES_MAX: usize = 16 * 1_024;

/// What handlers work with.
type App = Arc<Service>;

/// Nothing to say.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// All routes of webhooks, with their full paths.
pub fn routes(service: Arc<Service>) -> Router {
    all().router(service)
}

/// Their part of the API's document.
#[must_use]
pub fn api() -> OpenApi {
    all().document()
}

fn all<D: Described>() -> Routes<App, D> {
    Routes::new()
        .routes(routes!(webhooks::make, webhooks::list))
        .routes(routes!(webhooks::find, webhooks::patch, webhooks::remove))
        .routes(routes!(webhooks::rotate))
        .routes(routes!(webhooks::ping))
        .routes(routes!(webhooks::replay))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::again))
        .routes(routes!(deliveries::feed))
        .map(|router| {
            router
                .layer(map_response(keep_private))
                .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        })
}

/// Secrets are among the answers.
async fn keep_private(mut response: Response) -> Response {
    let private = HeaderValue::from_static("no-store");
    response.headers_mut().insert(CACHE_CONTROL, private);
    response
}
