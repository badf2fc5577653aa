//! The addresses of payments. Handlers read, call and answer; they decide nothing.

mod payments;

use contracts::payments::Payments;
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The routes, with their part of the `OpenAPI` document.
pub fn routes(service: Arc<dyn Payments>) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(payments::pay))
        .routes(routes!(payments::show))
        .with_state(service)
}
