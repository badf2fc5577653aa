//! What a search shows beside its products, over HTTP: suggestions and counts. Both are read from memory.

use super::Shop;
use axum::extract::State;
use contracts::{
    catalog::{Facets, FacetsQuery, Suggestion, SuggestionsQuery},
    problem::ProblemBody,
    values::Page,
};
use platform::{
    http::{Described, Fault, Json, Query, Routes},
    routes,
};

pub(super) fn routes<D: Described>() -> Routes<Shop, D> {
    Routes::new()
        .routes(routes!(suggestions))
        .routes(routes!(facets))
}

/// Suggests categories and products to whoever is typing; at most ten.
#[utoipa::path(get, path = "/api/v1/products/suggestions", operation_id = "suggest_products", tag = "catalog",
    params(SuggestionsQuery),
    responses(
        (status = 200, body = Page<Suggestion>),
        (status = 400, description = "A parameter is unknown or missing", body = ProblemBody),
    ))]
async fn suggestions(
    State(shop): State<Shop>,
    Query(query): Query<SuggestionsQuery>,
) -> Result<Json<Page<Suggestion>>, Fault> {
    Ok(Json(Page {
        data: shop.suggestions(query).await?,
        next_cursor: None,
    }))
}

/// Counts what a search finds, by category, price, stock and attributes.
#[utoipa::path(get, path = "/api/v1/products/facets", operation_id = "count_products", tag = "catalog",
    params(FacetsQuery),
    responses(
        (status = 200, body = Facets),
        (status = 400, description = "A parameter is unknown or unreadable", body = ProblemBody),
    ))]
async fn facets(
    State(shop): State<Shop>,
    Query(query): Query<FacetsQuery>,
) -> Result<Json<Facets>, Fault> {
    Ok(Json(shop.facets(query).await?))
}
