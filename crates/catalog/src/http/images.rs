//! Pictures over HTTP: sent as they are, with their type, and shown under names that say what is in them.

use super::{Seller, Shop};
use crate::{
    domain::picture::Kind,
    service::{IMAGES_FOLDER, Upload, WhichImage},
};
use axum::{
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing,
};
use contracts::{
    catalog::{ImageError, NewImage, PatchImage, ProductImage, ProductRef},
    problem::{Code, ProblemBody},
    values::{ImageId, Page, ProductId, Version},
};
use platform::{
    http::{
        Described, Fault, Id, Json, MergePatch, NoQuery, Query, Routes,
        auth::Visitor,
        created,
        etag::{self, IfMatch},
        json::body,
    },
    routes,
};
use serde::Deserialize;

/// Whoever shows one may keep it for good: another picture has another name.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
/// Characters of a hash.
const HASH_CHARS: usize = 43;
/// Should a browser ever take one for a page: that page can do nothing.
const DRAWS_ONLY: &str = "default-src 'none'; sandbox";

pub(super) fn routes<D: Described>() -> Routes<Shop, D> {
    Routes::new()
        .routes(routes!(list, add))
        .routes(routes!(replace, patch, remove))
        // No part of the API: a file, as pages and mails name it.
        .map(|router| router.route(&format!("{IMAGES_FOLDER}{{name}}"), routing::get(file)))
}

/// A picture's bytes.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String, format = Binary)]
struct Picture(#[expect(dead_code, reason = "it is there for the document")] Vec<u8>);

/// Lists a product's pictures, in their order.
#[utoipa::path(get, path = "/api/v1/products/{product}/images", operation_id = "list_images", tag = "catalog",
    params(("product" = ProductId, Path)),
    responses(
        (status = 200, body = Page<ProductImage>),
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
        data: product.await?.images,
        next_cursor: None,
    };
    Ok(Json(page).into_response())
}

/// Adds a picture behind the others: JPEG, PNG or WebP, drawn anew and without what a camera wrote into it.
#[utoipa::path(post, path = "/api/v1/products/{product}/images", operation_id = "add_image", tag = "catalog",
    params(("product" = ProductId, Path), NewImage),
    request_body(content((Picture = "image/jpeg"), (Picture = "image/png"), (Picture = "image/webp"))),
    responses(
        (status = 201, description = "Added, or there already", body = ProductImage),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
        (status = 409, description = "The product has as many as one may have", body = ProblemBody),
        (status = 413, description = "Too many bytes", body = ProblemBody),
        (status = 415, description = "Of no kind that is taken, or of another than it says", body = ProblemBody),
        (status = 422, description = "Broken, or too many pixels", body = ProblemBody),
    ))]
async fn add(
    State(shop): State<Shop>,
    Seller(who): Seller,
    Id(product): Id<ProductId>,
    Query(wish): Query<NewImage>,
    request: Request,
) -> Result<Response, Fault> {
    shop.near.may_have_images(&who, product).await?;
    let upload = upload(&shop, request).await?;
    let added = shop.near.add_image(&who, product, wish, upload).await?;
    let tag = etag::tag(added.value.version);
    let location = format!("/api/v1/products/{product}/images/{}", added.value.id);
    Ok(tagged(created(&location, added), &tag))
}

/// Puts another picture in the place of one.
#[utoipa::path(put, path = "/api/v1/products/{product}/images/{image_id}", operation_id = "replace_image",
    tag = "catalog",
    params(
        ("product" = ProductId, Path),
        ("image_id" = ImageId, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is replaced"),
        VersionQuery,
    ),
    request_body(content((Picture = "image/jpeg"), (Picture = "image/png"), (Picture = "image/webp"))),
    responses(
        (status = 200, body = ProductImage),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
        (status = 409, description = "The query's version is stale", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 413, description = "Too many bytes", body = ProblemBody),
        (status = 415, description = "Of no kind that is taken, or of another than it says", body = ProblemBody),
        (status = 422, description = "Broken, or too many pixels", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn replace(
    State(shop): State<Shop>,
    Seller(who): Seller,
    at: Place,
    Query(query): Query<VersionQuery>,
    request: Request,
) -> Result<Response, Fault> {
    shop.near.may_have_images(&who, at.product).await?;
    let which = at.version(query.version)?;
    let upload = upload(&shop, request).await?;
    answer(shop.near.replace_image(&who, which, upload).await?)
}

/// Changes the words of a picture, or its place among the others (RFC 7396).
#[utoipa::path(patch, path = "/api/v1/products/{product}/images/{image_id}", operation_id = "patch_image",
    tag = "catalog",
    params(
        ("product" = ProductId, Path),
        ("image_id" = ImageId, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is changed"),
    ),
    request_body(content(
        (PatchImage = "application/merge-patch+json"),
        (PatchImage = "application/json"),
    )),
    responses(
        (status = 200, body = ProductImage),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
        (status = 409, description = "The body's version is stale", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 422, description = "A field breaks a rule", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn patch(
    State(shop): State<Shop>,
    Seller(who): Seller,
    at: Place,
    MergePatch(wish): MergePatch<PatchImage>,
) -> Result<Response, Fault> {
    let which = at.version(wish.version)?;
    answer(shop.near.patch_image(&who, which, wish).await?)
}

/// Takes a picture away.
#[utoipa::path(delete, path = "/api/v1/products/{product}/images/{image_id}", operation_id = "delete_image",
    tag = "catalog",
    params(
        ("product" = ProductId, Path),
        ("image_id" = ImageId, Path),
        ("If-Match" = Option<String>, Header, description = "The version that is taken away"),
        VersionQuery,
    ),
    responses(
        (status = 204, description = "Gone"),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 404, description = "None of the caller's", body = ProblemBody),
        (status = 409, description = "The query's version is stale", body = ProblemBody),
        (status = 412, description = "If-Match is stale", body = ProblemBody),
        (status = 428, description = "No version was named", body = ProblemBody),
    ))]
async fn remove(
    State(shop): State<Shop>,
    Seller(who): Seller,
    at: Place,
    Query(query): Query<VersionQuery>,
) -> Result<StatusCode, Fault> {
    let which = at.version(query.version)?;
    shop.near.remove_image(&who, which).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Which version is meant, if no `If-Match` says so.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VersionQuery {
    /// The version that is meant, if no `If-Match` says so.
    version: Option<Version>,
}

/// A product and its picture in the path, and the version in the head.
#[derive(Debug, Clone, Copy)]
struct Place {
    product: ProductId,
    image: ImageId,
    if_match: IfMatch,
}

impl Place {
    fn version(self, elsewhere: Option<Version>) -> Result<WhichImage, Fault> {
        Ok(WhichImage {
            product: self.product,
            image: self.image,
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
        let Path((product, image)) = path.map_err(|_| Fault::new(Code::Malformed))?;
        Ok(Self {
            product: product.parse()?,
            image: image.parse()?,
            if_match: IfMatch::from_request_parts(parts, state).await?,
        })
    }
}

/// Reads a picture, if there is a seat for it.
async fn upload(shop: &Shop, mut request: Request) -> Result<Upload<Bytes>, Fault> {
    let said = request.headers().get(header::CONTENT_TYPE);
    let said = said.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = Kind::of(&said.trim().to_ascii_lowercase()).ok_or(ImageError::OtherKind)?;
    let darkroom = shop.near.darkroom();
    let seat = darkroom.seat()?;
    DefaultBodyLimit::max(darkroom.bytes_max()).apply(&mut request);
    let file = body(request, &()).await?;
    Ok(Upload { kind, file, seat })
}

fn answer(image: ProductImage) -> Result<Response, Fault> {
    Ok(etag::tagged(&etag::tag(image.version), image))
}

fn tagged(mut response: Response, tag: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

/// A file of a picture.
async fn file(
    State(shop): State<Shop>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let kind = kind_of(&name).ok_or(ImageError::NotFound)?;
    let tag = format!("\"{name}\"");
    let sent = shop.near.image_file(name).await?;
    let body = Bytes::from_owner(sent);
    let mut response = etag::conditional_bytes(&headers, &tag, kind, body);
    let fields = response.headers_mut();
    for (name, value) in [
        (header::CACHE_CONTROL, FOR_GOOD),
        (header::CONTENT_SECURITY_POLICY, DRAWS_ONLY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (CROSS_ORIGIN_RESOURCE_POLICY, "cross-origin"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    Ok(response)
}

/// The type of a file, if it is named as ours are.
fn kind_of(name: &str) -> Option<&'static str> {
    let (hash, ending) = name.split_once('.')?;
    let is_ours = hash.len() == HASH_CHARS
        && hash
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    match ending {
        "jpg" if is_ours => Some("image/jpeg"),
        "png" if is_ours => Some("image/png"),
        _ => None,
    }
}
