//! What the shop sells in, over HTTP.

use super::Shop;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use contracts::{
    catalog::{CurrencyView, EditError},
    problem::ProblemBody,
    values::Page,
};
use platform::{
    http::{Described, Fault, Json, NoQuery, Routes},
    routes,
};

pub(super) fn routes<D: Described>() -> Routes<Shop, D> {
    Routes::new().routes(routes!(list))
}

/// Lists the currencies that the shop sells in, its own first.
#[utoipa::path(get, path = "/api/v1/currencies", operation_id = "list_currencies", tag = "catalog",
    responses(
        (status = 200, body = Page<CurrencyView>),
        (status = 400, description = "A parameter: there are none", body = ProblemBody),
    ))]
async fn list(State(shop): State<Shop>, _: NoQuery) -> Result<Response, Fault> {
    let currencies = shop.currencies().await.map_err(EditError::Internal)?;
    let data = currencies.into_iter().map(CurrencyView::from).collect();
    let page = Page {
        data,
        next_cursor: None,
    };
    Ok(Json(page).into_response())
}
