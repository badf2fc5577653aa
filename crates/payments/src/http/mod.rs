//! The addresses of payments. Handlers read, call and answer; they decide nothing.

mod internal;
mod payments;
mod refunds;
mod sagas;
mod sandbox;

use crate::Service;
use axum::Router;
use contracts::payments::Payments;
use platform::{
    http::{Described, Routes},
    routes,
};
use std::sync::Arc;
use utoipa::openapi::OpenApi;

pub use internal::internal_routes;

/// The routes, with their full paths.
pub fn routes(service: Arc<Service>) -> Router {
    let payments: Arc<dyn Payments> = service.clone();
    let sandbox = sandbox_routes().router(service);
    money_routes().router(payments).merge(sandbox)
}

/// Their part of the API's document.
#[must_use]
pub fn api() -> OpenApi {
    let mut api: OpenApi = money_routes().document();
    api.merge(sandbox_routes().document());
    api
}

fn sandbox_routes<D: Described>() -> Routes<Arc<Service>, D> {
    Routes::new()
        .routes(routes!(sandbox::knobs, sandbox::turn))
        .routes(routes!(sandbox::charges))
        .routes(routes!(sandbox::prove))
}

fn money_routes<D: Described>() -> Routes<Arc<dyn Payments>, D> {
    Routes::new()
        .routes(routes!(payments::pay))
        .routes(routes!(payments::show))
        .routes(routes!(payments::void))
        .routes(routes!(refunds::refund, refunds::list))
        .routes(routes!(refunds::callback))
        .routes(routes!(sagas::list))
        .routes(routes!(sagas::retry))
        .routes(routes!(sagas::reviews))
}
