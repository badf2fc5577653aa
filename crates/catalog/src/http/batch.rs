//! Many products in one request, a result each: a bad one never fails its neighbours.

use super::{Seller, Shop, products::BODY_BYTES_MAX};
use axum::extract::{DefaultBodyLimit, State};
use contracts::{
    BoxError,
    access::Principal,
    catalog::{EditError, NewProduct, ProductView},
    problem::{Code, FieldError, Problem, ProblemBody, ToProblem},
    request::IdempotencyKey,
};
use futures_util::future::join_all;
use platform::{
    digest,
    http::{Described, Fault, Json, Routes, idempotency::MaybeKey, json},
    routes,
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const PRODUCTS_MAX: usize = 100;

pub(super) fn routes<D: Described>() -> Routes<Shop, D> {
    Routes::new()
        .routes(routes!(create_all))
        .map(|router| router.layer(DefaultBodyLimit::max(BODY_BYTES_MAX)))
}

/// Products to be made, each read on its own.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
struct NewProducts {
    /// 1 to 100 products.
    #[schema(value_type = Vec<NewProduct>, min_items = 1, max_items = 100)]
    products: Vec<Box<RawValue>>,
}

/// What became of each, in order.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Results {
    results: Vec<Outcome>,
}

/// What became of one.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Outcome {
    /// The status it would have had alone.
    status: u16,
    /// The product, if it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    product: Option<ProductView>,
    /// Why it was not.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Refusal>,
}

/// Why a product was not made.
#[derive(Debug, Serialize, utoipa::ToSchema)]
struct Refusal {
    code: String,
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
}

/// Makes up to 100 products, a result each.
#[utoipa::path(post, path = "/api/v1/products/batch", operation_id = "create_products", tag = "catalog",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    request_body = NewProducts,
    responses(
        (status = 200, body = Results),
        (status = 400, description = "Malformed", body = ProblemBody),
        (status = 401, description = "Not signed in", body = ProblemBody),
        (status = 403, description = "Not a seller", body = ProblemBody),
        (status = 422, description = "Not 1 to 100 products", body = ProblemBody),
    ))]
async fn create_all(
    State(shop): State<Shop>,
    Seller(who): Seller,
    MaybeKey(key): MaybeKey,
    Json(wishes): Json<NewProducts>,
) -> Result<Json<Results>, Fault> {
    if wishes.products.is_empty() || wishes.products.len() > PRODUCTS_MAX {
        let rule = format!("must have 1 to {PRODUCTS_MAX} products");
        return Err(Problem::invalid("/products", rule).into());
    }
    // All at once, so that they share a commit.
    let work = wishes.products.iter().enumerate().map(|(index, body)| {
        let key = key.as_ref().map(|key| key_of(key, index)).transpose();
        create_one(&shop, &who, key, body)
    });
    let results = join_all(work).await;
    Ok(Json(Results { results }))
}

async fn create_one(
    shop: &Shop,
    who: &Principal,
    key: Result<Option<IdempotencyKey>, BoxError>,
    body: &RawValue,
) -> Outcome {
    let made = async {
        let wish: NewProduct = json::parse(body.get().as_bytes())?;
        let key = key.map_err(|error| Fault::from(EditError::Internal(error)))?;
        Ok::<_, Fault>(shop.create_product(who, key, wish).await?)
    };
    match made.await {
        Ok(answered) => Outcome {
            status: 201,
            product: Some(answered.value),
            problem: None,
        },
        Err(Fault(problem)) => refused(&problem),
    }
}

/// Each product of a batch has a key of its own, which follows from the batch's.
fn key_of(key: &IdempotencyKey, index: usize) -> Result<IdempotencyKey, BoxError> {
    let parts = [b"batch", key.as_str().as_bytes(), &index.to_be_bytes()[..]];
    Ok(IdempotencyKey::parse(&digest::base64url(&digest::sha256(
        &parts,
    )))?)
}

fn refused(problem: &Problem) -> Outcome {
    let problem = problem.to_problem();
    let shown = if problem.code == Code::Internal {
        Problem::new(Code::Internal)
    } else {
        problem
    };
    Outcome {
        status: shown.code.status(),
        product: None,
        problem: Some(Refusal {
            code: shown.code.slug().to_owned(),
            detail: shown.detail,
            errors: shown.errors,
        }),
    }
}
