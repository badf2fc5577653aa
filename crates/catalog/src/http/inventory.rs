//! Stock over HTTP, for those who sell.

use super::{Seller, Shop};
use axum::{
    extract::State,
    http::Uri,
    response::{IntoResponse, Response},
};
use contracts::{
    catalog::{AdjustError, AdjustStock, InventoryQuery, InventoryView, MovementView},
    problem::{Code, Problem, ProblemBody, ToProblem},
    values::{Cursor, Page, PageSize, VariantId},
};
use platform::{
    http::{
        Described, Fault, Id, Json, Query, Routes, answer::mark_replay, idempotency::MaybeKey, page,
    },
    routes,
};
use serde::Deserialize;

pub(super) fn routes<D: Described>() -> Routes<Shop, D> {
    Routes::new()
        .routes(routes!(list))
        .routes(routes!(adjust))
        .routes(routes!(find))
        .routes(routes!(movements))
}

/// Lists stock: one's own, or all for admins.
#[utoipa::path(get, path = "/api/v1/inventory", operation_id = "list_inventory", tag = "catalog",
    params(InventoryQuery),
    responses(
        (status = 200, body = Page<InventoryView>),
        (status = 400, description = "A parameter is unknown or unreadable", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
    ))]
async fn list(
    State(shop): State<Shop>,
    Seller(who): Seller,
    uri: Uri,
    Query(query): Query<InventoryQuery>,
) -> Result<Response, Fault> {
    Ok(page(&uri, shop.inventory(&who, query).await?))
}

/// Shows the stock of a variant.
#[utoipa::path(get, path = "/api/v1/inventory/{variant_id}", operation_id = "get_inventory", tag = "catalog",
    params(("variant_id" = VariantId, Path)),
    responses(
        (status = 200, body = InventoryView),
        (status = 400, description = "A malformed id", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
    ))]
async fn find(
    State(shop): State<Shop>,
    Seller(who): Seller,
    Id(id): Id<VariantId>,
) -> Result<Json<InventoryView>, Fault> {
    Ok(Json(shop.inventory_of(&who, id).await.map_err(read_fault)?))
}

/// Which movements.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct MovementQuery {
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    limit: PageSize,
    /// Where the page begins.
    cursor: Option<Cursor>,
}

/// Lists what moved a variant's stock, newest first.
#[utoipa::path(get, path = "/api/v1/inventory/{variant_id}/movements", operation_id = "list_movements",
    tag = "catalog",
    params(("variant_id" = VariantId, Path), MovementQuery),
    responses(
        (status = 200, body = Page<MovementView>),
        (status = 400, description = "A malformed id or parameter", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
    ))]
async fn movements(
    State(shop): State<Shop>,
    Seller(who): Seller,
    Id(id): Id<VariantId>,
    uri: Uri,
    Query(query): Query<MovementQuery>,
) -> Result<Response, Fault> {
    let moved = shop.movements(&who, id, query.limit, query.cursor).await;
    Ok(page(&uri, moved.map_err(read_fault)?))
}

/// Changes stock, all or nothing.
#[utoipa::path(post, path = "/api/v1/inventory/adjust", operation_id = "adjust_stock", tag = "catalog",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    request_body = AdjustStock,
    responses(
        (status = 200, body = Page<InventoryView>),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "A change names nothing of the caller's", body = ProblemBody),
        (status = 409, description = "Stock is not as expected, or promised to orders", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
    ))]
async fn adjust(
    State(shop): State<Shop>,
    Seller(who): Seller,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<AdjustStock>,
) -> Result<Response, Fault> {
    let answered = shop.adjust_stock(&who, key, wish).await?;
    let mut response = Json(Page {
        data: answered.value,
        next_cursor: None,
    })
    .into_response();
    mark_replay(response.headers_mut(), answered.replayed);
    Ok(response)
}

/// Reads have no changes to point at, and their parameters are in the address.
fn read_fault(error: AdjustError) -> Fault {
    match &error {
        AdjustError::NotFound { .. } => Fault::new(Code::NotFound),
        AdjustError::Invalid { field, reason } => Problem::new(Code::InvalidParameter)
            .detail(format!("{field} {reason}"))
            .field(field, "invalid", reason.clone())
            .into(),
        AdjustError::Internal(_) => Fault::from(error),
        AdjustError::StockChanged { .. }
        | AdjustError::InsufficientStock { .. }
        | AdjustError::KeyReused
        | AdjustError::Overloaded => Fault(error.to_problem()),
    }
}
