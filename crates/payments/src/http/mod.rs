//! The addresses of payments. Handlers read, call and answer; they decide nothing.

mod internal;
mod payments;
mod refunds;
mod sagas;
mod sandbox;

use crate::Service;
use contracts::payments::Payments;
use std::sync::Arc;
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

pub use internal::internal_routes;

/// The routes, with their part of the `OpenAPI` document.
pub fn routes(service: Arc<Service>) -> OpenApiRouter {
    let payments: Arc<dyn Payments> = service.clone();
    let sandbox = sandbox_routes().with_state(service);
    money_routes().with_state(payments).merge(sandbox)
}

/// The part of the `OpenAPI` document alone, for a door whose payments are elsewhere.
#[must_use]
pub fn api() -> OpenApi {
    let mut api = money_routes().into_openapi();
    api.merge(sandbox_routes().into_openapi());
    api
}

fn sandbox_routes() -> OpenApiRouter<Arc<Service>> {
    OpenApiRouter::new()
        .routes(routes!(sandbox::knobs, sandbox::turn))
        .routes(routes!(sandbox::charges))
        .routes(routes!(sandbox::prove))
}

fn money_routes() -> OpenApiRouter<Arc<dyn Payments>> {
    OpenApiRouter::new()
        .routes(routes!(payments::pay))
        .routes(routes!(payments::show))
        .routes(routes!(payments::void))
        .routes(routes!(refunds::refund, refunds::list))
        .routes(routes!(refunds::callback))
        .routes(routes!(sagas::list))
        .routes(routes!(sagas::retry))
        .routes(routes!(sagas::reviews))
}
