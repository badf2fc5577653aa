//! What a product has cost, over HTTP.

use super::Shop;
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header::CACHE_CONTROL},
    response::Response,
};
use contracts::{
    catalog::{EditError, PriceSince, ProductRef},
    problem::ProblemBody,
    values::{Currency, Page, ProductId},
};
use platform::{
    http::{Described, Fault, Id, Query, Routes, auth::Visitor, etag},
    routes,
};
use serde::Deserialize;

pub(super) fn routes<D: Described>() -> Routes<Shop, D> {
    Routes::new().routes(routes!(prices))
}

/// Which currency prices are shown in.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CurrencyQuery {
    /// Show prices in this currency, where there are any.
    currency: Option<Currency>,
}

/// Lists what a product has cost, the newest price first; a hundred at most. Whoever may change the product sees who
/// changed it.
#[utoipa::path(get, path = "/api/v1/products/{product}/prices", operation_id = "list_prices", tag = "catalog",
    params(("product" = ProductId, Path), CurrencyQuery),
    responses(
        (status = 200, body = Page<PriceSince>),
        (status = 304, description = "The caller has it already (`If-None-Match`)"),
        (status = 400, description = "A malformed id, or an unknown or unreadable parameter", body = ProblemBody),
        (status = 404, description = "None that the caller may know of", body = ProblemBody),
    ))]
async fn prices(
    State(shop): State<Shop>,
    Visitor(viewer): Visitor,
    Id(product): Id<ProductId>,
    headers: HeaderMap,
    Query(query): Query<CurrencyQuery>,
) -> Result<Response, Fault> {
    let product = shop
        .product(viewer.as_ref(), ProductRef::Id(product))
        .await?;
    let told = shop.near.prices(viewer.as_ref(), &product, query.currency);
    let told = told.await?;
    let page = Page {
        data: told.prices,
        next_cursor: None,
    };
    let body = serde_json::to_vec(&page).map_err(|error| EditError::Internal(error.into()))?;
    let mut answer = etag::conditional_json(&headers, &etag::tag_of(&body), body.into());
    if told.names_people {
        // No cache on the way keeps for others what is not theirs to see.
        let private = HeaderValue::from_static("private, no-cache");
        answer.headers_mut().insert(CACHE_CONTROL, private);
    }
    Ok(answer)
}
