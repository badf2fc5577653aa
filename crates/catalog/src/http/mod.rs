//! The catalog's addresses. A handler reads, calls the service, answers; it decides nothing.

mod batch;
mod categories;
mod currencies;
mod images;
mod imports;
mod internal;
mod inventory;
mod prices;
mod products;
mod reviews;
mod search;
mod variants;

use crate::{Service, Window};
use axum::{Router, extract::FromRequestParts, http::request::Parts};
use contracts::{access::Principal, catalog::Catalog, problem::Code};
use platform::http::{Described, Fault, Routes, auth::User};
use std::{ops::Deref, sync::Arc};
use utoipa::openapi::OpenApi;

pub use internal::internal_routes;

/// The catalog, and what of it is ready to be sent.
#[derive(Clone)]
struct Shop {
    catalog: Arc<dyn Catalog>,
    window: Window,
    /// The service itself, for what nobody but its own routes asks.
    near: Arc<Service>,
}

impl Deref for Shop {
    type Target = dyn Catalog;
    fn deref(&self) -> &Self::Target {
        &*self.catalog
    }
}

/// All routes of the catalog, with their full paths: as the others see it, and the service that it is in the end.
pub fn routes(catalog: Arc<dyn Catalog>, near: Arc<Service>) -> Router {
    let window = near.window();
    all().router(Shop {
        catalog,
        window,
        near,
    })
}

/// Their part of the API's document.
#[must_use]
pub fn api() -> OpenApi {
    all().document()
}

fn all<D: Described>() -> Routes<Shop, D> {
    Routes::new()
        .merge(products::routes())
        .merge(currencies::routes())
        .merge(prices::routes())
        .merge(images::routes())
        .merge(variants::routes())
        .merge(reviews::routes())
        .merge(search::routes())
        .merge(batch::routes())
        .merge(imports::routes())
        .merge(categories::routes())
        .merge(inventory::routes())
}

/// Somebody who sells: a merchant or an admin.
struct Seller(Principal);

impl<S: Send + Sync> FromRequestParts<S> for Seller {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let User(principal) = User::from_request_parts(parts, state).await?;
        if principal.may_sell() {
            Ok(Self(principal))
        } else {
            Err(Fault::new(Code::Forbidden))
        }
    }
}
