//! The REST API of orders.

mod book;
mod carts;
mod discounts;
mod earlier;
mod figures;
mod internal;
mod mails;
mod moves;
mod notes;
mod orders;
mod papers;
mod refunds;
mod returns;
mod shipments;
mod shipping;
mod taxes;

use crate::{Service, config::Config};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    http::{HeaderValue, header::CACHE_CONTROL},
    middleware::map_response,
    response::Response,
};
use contracts::{
    orders::Orders,
    payments::Payments,
    values::{Page, Version},
};
use platform::{
    db::sqlite::Rows,
    http::{Described, Json, Routes, etag},
    routes,
};
use serde::Serialize;
use std::sync::Arc;
use utoipa::openapi::OpenApi;

pub use internal::internal_routes;

/// What handlers work with.
#[derive(Clone)]
pub(super) struct App {
    orders: Arc<dyn Orders>,
    payments: Arc<dyn Payments>,
    rows: Option<Rows>,
}

/// The routes of `/api/v1/orders`, of carts and of discounts; where it is known which orders change, what their buyers
/// read goes by that.
pub fn routes(
    orders: Arc<dyn Orders>,
    payments: Arc<dyn Payments>,
    config: &Config,
    rows: Option<Rows>,
) -> Router {
    let body_bytes_max = usize::try_from(config.body_bytes_max).unwrap_or(usize::MAX);
    all(body_bytes_max).router(App {
        orders,
        payments,
        rows,
    })
}

/// Their part of the API's document.
#[must_use]
pub fn api() -> OpenApi {
    all(0).document()
}

fn all<D: Described>(body_bytes_max: usize) -> Routes<App, D> {
    Routes::new()
        .routes(routes!(orders::place, orders::list))
        .routes(routes!(orders::find))
        .routes(routes!(orders::timeline))
        .routes(routes!(moves::cancel))
        .routes(routes!(moves::ship))
        .routes(routes!(moves::deliver))
        .routes(routes!(refunds::refund))
        .routes(routes!(carts::open))
        .routes(routes!(carts::find))
        .routes(routes!(carts::set_item))
        .routes(routes!(carts::set_currency))
        .routes(routes!(carts::set_discount))
        .routes(routes!(carts::set_shipping))
        .routes(routes!(carts::set_address))
        .routes(routes!(carts::shipping_methods))
        .routes(routes!(carts::merge))
        .routes(routes!(discounts::make, discounts::list))
        .routes(routes!(discounts::find, discounts::replace))
        .map(|router| {
            router
                .layer(map_response(keep_private))
                .layer(DefaultBodyLimit::max(body_bytes_max))
        })
}

/// What is kept beside orders and asked of by no other service: shipments, returns, papers, notes, mails, ways of
/// shipping, tax rates, earlier orders, addresses that customers keep.
fn beside<D: Described>(body_bytes_max: usize) -> Routes<Arc<Service>, D> {
    Routes::new()
        .merge(book::routes())
        .merge(figures::routes())
        .merge(shipments::routes())
        .merge(notes::routes())
        .merge(mails::routes())
        .merge(papers::routes())
        .merge(returns::routes())
        .merge(shipping::routes())
        .merge(taxes::routes())
        .merge(earlier::routes(body_bytes_max))
}

/// Their routes, where orders are kept.
pub fn routes_beside(service: Arc<Service>) -> Router {
    let body_bytes_max = usize::try_from(service.config().body_bytes_max).unwrap_or(usize::MAX);
    beside(body_bytes_max).router(service)
}

/// Their part of the API's document.
#[must_use]
pub fn api_beside() -> OpenApi {
    beside(0).document()
}

/// A list that is shown whole.
fn whole<T>(data: Vec<T>) -> Json<Page<T>> {
    Json(Page {
        data,
        next_cursor: None,
    })
}

/// Something that was changed as a whole, with the tag of what it is from now on.
fn replaced(version: Version, view: impl Serialize) -> Response {
    etag::tagged(&etag::tag(version), view)
}

/// Orders are for whoever asked: no cache on the way keeps them, and one's own asks again with the tag.
async fn keep_private(mut response: Response) -> Response {
    let private = HeaderValue::from_static("private, no-cache");
    response.headers_mut().insert(CACHE_CONTROL, private);
    response
}
