//! An order's papers, as PDF.

use super::keep_private;
use crate::{Service, service::papers::Paper};
use axum::{
    extract::State,
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    middleware::map_response,
    response::{IntoResponse, Response},
};
use contracts::{problem::ProblemBody, values::OrderId};
use platform::{
    http::{Described, Fault, Id, NoQuery, Query, Routes, auth::OrderReader},
    routes,
};
use serde::Deserialize;
use std::sync::Arc;

type App = Arc<Service>;

/// A document's bytes.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
struct Document(#[expect(dead_code, reason = "it is there for the document")] Vec<u8>);

/// Which parcel.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Parcel {
    /// Its number within the order; the last one, when absent.
    #[param(minimum = 1)]
    shipment: Option<u32>,
}

pub(super) fn routes<D: Described>() -> Routes<App, D> {
    Routes::new()
        .routes(routes!(invoice))
        .routes(routes!(packing_slip))
        .map(|router| router.layer(map_response(keep_private)))
}

fn file(paper: Paper) -> Response {
    let name = format!("inline; filename=\"{}.pdf\"", paper.name);
    let headers = [
        (CONTENT_TYPE, "application/pdf"),
        (CONTENT_DISPOSITION, name.as_str()),
    ];
    (headers, paper.pdf).into_response()
}

/// Read an order's invoice
///
/// Once it was paid, for whoever sees the order. Its number is the order's. What was given back since stands on it too.
/// Characters beyond Western Europe's are question marks; it says so then, and names the order's page.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/invoice", operation_id = "order_invoice", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    responses(
        (status = 200, body = Document, content_type = "application/pdf", description = "The invoice"),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 404, description = "No such order, or it was never paid", body = ProblemBody),
        (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
async fn invoice(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    _: NoQuery,
    Id(id): Id<OrderId>,
) -> Result<Response, Fault> {
    Ok(file(app.invoice(&who, id).await?))
}

/// Read a parcel's packing slip
///
/// What is in it, without prices: for an admin or the merchant who sells all of the order.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/packing-slip", operation_id = "order_packing_slip", tag = "orders",
    params(("id" = OrderId, Path, description = "The order's id"), Parcel),
    responses(
        (status = 200, body = Document, content_type = "application/pdf", description = "The slip"),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, description = "No such order, or no such parcel", body = ProblemBody),
        (status = 429, body = ProblemBody),
    )
)]
async fn packing_slip(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    Query(wish): Query<Parcel>,
    Id(id): Id<OrderId>,
) -> Result<Response, Fault> {
    Ok(file(app.packing_slip(&who, id, wish.shipment).await?))
}
