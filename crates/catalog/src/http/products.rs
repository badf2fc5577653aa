//! Products over HTTP. Versions travel as `ETag` and `If-Match`, or in the body.

use super::{Seller, Shop};
use crate::service::{Ready, Shown};
use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header::ETAG},
    response::Response,
};
use contracts::{
    catalog::{ListError, NewProduct, PatchProduct, ProductQuery, ProductRef, ProductView},
    problem::{Code, ProblemBody},
    request::Answered,
    values::{Currency, Page, ProductId, Version},
};
use platform::{
    http::{
        Described, Fault, Id, Json, MergePatch, Query, Routes,
        answer::with_next,
        auth::Visitor,
        created,
        etag::{self, IfMatch},
        idempotency::MaybeKey,
        lane,
    },
    routes,
};
use serde::Deserialize;
use std::sync::Arc;

/// Descriptions may be long.
pub(super) const BODY_BYTES_MAX: usize = 1_024 * 1_024;

pub(super) fn routes<D: Described>() -> Routes<Shop, D> {
    Routes::new()
        .routes(routes!(list, create))
        .routes(routes!(find, replace, patch, archive))
        .map(|router| router.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)))
}

/// Lists products.
#[utoipa::path(get, path = "/api/v1/products", operation_id = "list_products", tag = "catalog",
    params(ProductQuery),
    responses(
        (status = 200, body = Page<ProductView>),
        (status = 304, description = "The caller has it already (`If-None-Match`)"),
        (status = 400, description = "A parameter is unknown or unreadable", body = ProblemBody),
    ))]
async fn list(
    State(shop): State<Shop>,
    Visitor(viewer): Visitor,
    uri: Uri,
    headers: HeaderMap,
    Query(query): Query<ProductQuery>,
) -> Result<Response, Fault> {
    if let Some(response) = shown_list(&shop, &uri, &headers, &query) {
        return Ok(response);
    }
    let page = shop.products(viewer.as_ref(), query.clone()).await?;
    // What has just been put into the window is sent from there: everybody gets the same bytes.
    if let Some(response) = shown_list(&shop, &uri, &headers, &query) {
        return Ok(response);
    }
    let body = serde_json::to_vec(&page).map_err(|error| ListError::Internal(error.into()))?;
    let response = etag::conditional_json(&headers, &etag::tag_of(&body), body.into());
    Ok(with_next(response, &uri, page.next_cursor.as_ref()))
}

fn shown_list(
    shop: &Shop,
    uri: &Uri,
    headers: &HeaderMap,
    query: &ProductQuery,
) -> Option<Response> {
    let held = shop.window.peek_list(query)?;
    let Shown::List(ready) = held.value() else {
        return None;
    };
    let response = send(headers, ready);
    let response = with_next(response, uri, ready.next.as_ref());
    Some(lane::everybodys(response, held.into_stamp()))
}

fn send<T>(headers: &HeaderMap, ready: &Ready<T>) -> Response {
    let body = Bytes::from_owner(Arc::clone(&ready.body));
    etag::conditional_json(headers, &ready.tag, body)
}

/// Makes a product.
#[utoipa::path(post, path = "/api/v1/products", operation_id = "create_product", tag = "catalog",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    request_body = NewProduct,
    responses(
        (status = 201, body = ProductView),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 409, description = "The SKU or slug is in use", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
    ))]
async fn create(
    State(shop): State<Shop>,
    Seller(who): Seller,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<NewProduct>,
) -> Result<Response, Fault> {
    Ok(made(shop.create_product(&who, key, wish).await?))
}

/// Which currency a product is shown in; nothing else of an address is looked at.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct ShownIn {
    /// Show prices in this currency, where there are any.
    currency: Option<Currency>,
}

/// Shows a product, by id or slug, also by one that it had before.
#[utoipa::path(get, path = "/api/v1/products/{product}", operation_id = "get_product", tag = "catalog",
    params(("product" = String, Path, description = "An id or a slug"), ShownIn),
    responses(
        (status = 200, body = ProductView),
        (status = 304, description = "The caller has it already (`If-None-Match`)"),
        (status = 400, description = "A malformed id or parameter", body = ProblemBody),
        (status = 404, description = "None that the caller may know of", body = ProblemBody),
    ))]
async fn find(
    State(shop): State<Shop>,
    Visitor(viewer): Visitor,
    Which(which): Which,
    headers: HeaderMap,
    Query(query): Query<ShownIn>,
) -> Result<Response, Fault> {
    if let Some(currency) = query.currency {
        let product = shop.product(viewer.as_ref(), which).await?;
        let tag = format!("{}-{currency}", tag_of(&product).trim_matches('"'));
        let product = product.in_currency(currency);
        return Ok(etag::conditional(&headers, &format!("\"{tag}\""), product));
    }
    if let Some(response) = shown_product(&shop, &headers, &which) {
        return Ok(response);
    }
    let product = shop.product(viewer.as_ref(), which.clone()).await?;
    // As with lists.
    if let Some(response) = shown_product(&shop, &headers, &which) {
        return Ok(response);
    }
    Ok(etag::conditional(&headers, &tag_of(&product), product))
}

fn shown_product(shop: &Shop, headers: &HeaderMap, which: &ProductRef) -> Option<Response> {
    let held = shop.window.peek_product(which)?;
    // Some may see what is not on sale.
    let Shown::Product(ready) = held.value() else {
        return None;
    };
    let response = send(headers, ready);
    Some(lane::everybodys(response, held.into_stamp()))
}

/// Replaces a product's document. `stock` changes nothing; absent `sku`, `slug` and `status` stay.
#[utoipa::path(put, path = "/api/v1/products/{product}", operation_id = "replace_product", tag = "catalog",
    params(
        ("product" = ProductId, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is replaced"),
    ),
    request_body = NewProduct,
    responses(
        (status = 200, body = ProductView),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
        (status = 409, description = "The body's version is stale, or SKU or slug in use", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn replace(
    State(shop): State<Shop>,
    Seller(who): Seller,
    Id(id): Id<ProductId>,
    if_match: IfMatch,
    Json(wish): Json<NewProduct>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(if_match, wish.version)?;
    let product = shop.replace_product(&who, id, sent, wish).await?;
    Ok(etag::tagged(&tag_of(&product), product))
}

/// Changes some fields of a product's document (RFC 7396).
#[utoipa::path(patch, path = "/api/v1/products/{product}", operation_id = "patch_product", tag = "catalog",
    params(
        ("product" = ProductId, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is changed"),
    ),
    request_body(content(
        (PatchProduct = "application/merge-patch+json"),
        (PatchProduct = "application/json"),
    )),
    responses(
        (status = 200, body = ProductView),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
        (status = 409, description = "The body's version is stale, or SKU or slug in use", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn patch(
    State(shop): State<Shop>,
    Seller(who): Seller,
    Id(id): Id<ProductId>,
    if_match: IfMatch,
    MergePatch(wish): MergePatch<PatchProduct>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(if_match, wish.version)?;
    let product = shop.patch_product(&who, id, sent, wish).await?;
    Ok(etag::tagged(&tag_of(&product), product))
}

/// Which version is archived, if no `If-Match` says so.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ArchiveQuery {
    /// The version that is archived, if no `If-Match` says so.
    version: Option<Version>,
}

/// Takes a product off the shelves for good; its orders keep their lines.
#[utoipa::path(delete, path = "/api/v1/products/{product}", operation_id = "delete_product", tag = "catalog",
    params(
        ("product" = ProductId, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is archived"),
        ArchiveQuery,
    ),
    responses(
        (status = 204, description = "Archived"),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's, or archived already", body = ProblemBody),
        (status = 409, description = "The query's version is stale", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn archive(
    State(shop): State<Shop>,
    Seller(who): Seller,
    Id(id): Id<ProductId>,
    if_match: IfMatch,
    Query(query): Query<ArchiveQuery>,
) -> Result<StatusCode, Fault> {
    let sent = etag::precondition(if_match, query.version)?;
    shop.delete_product(&who, id, sent).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An id or a slug in the path: what begins like an id must be one.
struct Which(ProductRef);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Which {
    type Rejection = Fault;
    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> Result<Self, Fault> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Fault::new(Code::Malformed))?;
        Ok(Self(if text.starts_with("prd_") {
            ProductRef::Id(text.parse()?)
        } else {
            ProductRef::Slug(text)
        }))
    }
}

pub(super) fn tag_of(product: &ProductView) -> String {
    etag::tag_with(product.version, product.stock_version)
}

fn made(answered: Answered<ProductView>) -> Response {
    let tag = HeaderValue::from_str(&tag_of(&answered.value));
    let location = format!("/api/v1/products/{}", answered.value.id);
    let mut response = created(&location, answered);
    if let Ok(tag) = tag {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}
