//! Variants over HTTP. They are part of their product's document: what changes them names the product's version, and
//! answers with the product as it is from then on.

use super::{Seller, Shop, products::tag_of};
use crate::service::WhichProduct;
use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::{
    catalog::{NewVariant, PatchVariant, ProductRef, ProductView, SetOptions, VariantView},
    problem::{Code, ProblemBody},
    values::{Page, ProductId, VariantId, Version},
};
use platform::{
    http::{
        Described, Fault, Id, Json, MergePatch, NoQuery, Query, Routes,
        auth::Visitor,
        created,
        etag::{self, IfMatch},
        idempotency::MaybeKey,
    },
    routes,
};
use serde::Deserialize;

pub(super) fn routes<D: Described>() -> Routes<Shop, D> {
    Routes::new()
        .routes(routes!(list, add))
        .routes(routes!(patch, withdraw))
        .routes(routes!(set_options))
}

/// Lists a product's variants, in the order of its options.
#[utoipa::path(get, path = "/api/v1/products/{product}/variants", operation_id = "list_variants", tag = "catalog",
    params(("product" = ProductId, Path)),
    responses(
        (status = 200, body = Page<VariantView>),
        (status = 400, description = "A malformed id, or a parameter: there are none", body = ProblemBody),
        (status = 404, description = "None that the caller may know of", body = ProblemBody),
    ))]
async fn list(
    State(shop): State<Shop>,
    Visitor(viewer): Visitor,
    Id(product): Id<ProductId>,
    _: NoQuery,
) -> Result<Response, Fault> {
    let product = shop.product(viewer.as_ref(), ProductRef::Id(product));
    let page = Page {
        data: product.await?.variants,
        next_cursor: None,
    };
    Ok(Json(page).into_response())
}

/// Adds a variant to a product that has options: the product as it is then.
#[utoipa::path(post, path = "/api/v1/products/{product}/variants", operation_id = "add_variant", tag = "catalog",
    params(
        ("product" = ProductId, Path),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
    ),
    request_body = NewVariant,
    responses(
        (status = 201, body = ProductView),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
        (status = 409, description = "There is such a variant, the SKU is in use, or there are too many",
            body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
    ))]
async fn add(
    State(shop): State<Shop>,
    Seller(who): Seller,
    Id(product): Id<ProductId>,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<NewVariant>,
) -> Result<Response, Fault> {
    let added = shop.near.add_variant(&who, product, (key, wish)).await?;
    let tag = HeaderValue::from_str(&tag_of(&added.value));
    let location = format!("/api/v1/products/{product}/variants");
    let mut response = created(&location, added);
    if let Ok(tag) = tag {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Changes SKU, price or values of a variant (RFC 7396): the product as it is then.
#[utoipa::path(patch, path = "/api/v1/products/{product}/variants/{variant_id}", operation_id = "patch_variant",
    tag = "catalog",
    params(
        ("product" = ProductId, Path),
        ("variant_id" = VariantId, Path),
        ("If-Match" = Option<String>, Header, description = "The product's version that is changed"),
    ),
    request_body(content(
        (PatchVariant = "application/merge-patch+json"),
        (PatchVariant = "application/json"),
    )),
    responses(
        (status = 200, body = ProductView),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
        (status = 409, description = "The body's version is stale, there is such a variant, or the SKU is in use",
            body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn patch(
    State(shop): State<Shop>,
    Seller(who): Seller,
    at: Place,
    MergePatch(wish): MergePatch<PatchVariant>,
) -> Result<Response, Fault> {
    let which = at.version(wish.version)?;
    let view = shop.near.patch_variant(&who, which, at.variant, wish);
    answer(view.await?)
}

/// Takes a variant off the shelves for good; its orders keep their lines. The last one stays.
#[utoipa::path(delete, path = "/api/v1/products/{product}/variants/{variant_id}", operation_id = "delete_variant",
    tag = "catalog",
    params(
        ("product" = ProductId, Path),
        ("variant_id" = VariantId, Path),
        ("If-Match" = Option<String>, Header, description = "The product's version that is changed"),
        VersionQuery,
    ),
    responses(
        (status = 204, description = "Withdrawn"),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's, or withdrawn already", body = ProblemBody),
        (status = 409, description = "The query's version is stale, or it is the last one", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn withdraw(
    State(shop): State<Shop>,
    Seller(who): Seller,
    at: Place,
    Query(query): Query<VersionQuery>,
) -> Result<StatusCode, Fault> {
    let which = at.version(query.version)?;
    shop.near.withdraw_variant(&who, which, at.variant).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says what a product's variants are chosen by: the product as it is then.
#[utoipa::path(put, path = "/api/v1/products/{product}/options", operation_id = "set_options", tag = "catalog",
    params(
        ("product" = ProductId, Path),
        ("If-Match" = Option<String>, Header, description = "The product's version that is changed"),
    ),
    request_body = SetOptions,
    responses(
        (status = 200, body = ProductView),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
        (status = 409, description = "The body's version is stale, or two variants would be alike",
            body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn set_options(
    State(shop): State<Shop>,
    Seller(who): Seller,
    Id(product): Id<ProductId>,
    if_match: IfMatch,
    Json(wish): Json<SetOptions>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(if_match, wish.version)?;
    let which = WhichProduct { product, sent };
    answer(shop.near.set_options(&who, which, wish.options).await?)
}

fn answer(product: ProductView) -> Result<Response, Fault> {
    Ok(etag::tagged(&tag_of(&product), product))
}

/// Which version is meant, if no `If-Match` says so.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VersionQuery {
    /// The product's version that is meant, if no `If-Match` says so.
    version: Option<Version>,
}

/// A product and its variant in the path, and the version in the head.
#[derive(Debug, Clone, Copy)]
struct Place {
    product: ProductId,
    variant: VariantId,
    if_match: IfMatch,
}

impl Place {
    fn version(self, elsewhere: Option<Version>) -> Result<WhichProduct, Fault> {
        Ok(WhichProduct {
            product: self.product,
            sent: etag::precondition(self.if_match, elsewhere)?,
        })
    }
}

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Place {
    type Rejection = Fault;
    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        state: &S,
    ) -> Result<Self, Fault> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((product, variant)) = path.map_err(|_| Fault::new(Code::Malformed))?;
        Ok(Self {
            product: product.parse()?,
            variant: variant.parse()?,
            if_match: IfMatch::from_request_parts(parts, state).await?,
        })
    }
}
