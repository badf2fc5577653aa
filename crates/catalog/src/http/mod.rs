//! The catalog's addresses. A handler reads, calls the service, answers; it decides nothing.

mod batch;
mod categories;
mod internal;
mod inventory;
mod products;

use axum::{extract::FromRequestParts, http::request::Parts};
use contracts::{access::Principal, catalog::Catalog, problem::Code};
use platform::http::{Fault, auth::User};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;

pub use internal::internal_routes;

type Shop = Arc<dyn Catalog>;

/// All routes of the catalog, with their full paths.
pub fn routes(service: Arc<dyn Catalog>) -> OpenApiRouter {
    OpenApiRouter::new()
        .merge(products::routes())
        .merge(batch::routes())
        .merge(categories::routes())
        .merge(inventory::routes())
        .with_state(service)
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
