//! Tax rates over HTTP: everybody sees them, admins make, change and take them away.

use super::{replaced, whole};
use crate::Service;
use axum::{extract::State, http::StatusCode, response::Response};
use contracts::{
    orders::{NewTaxRate, TaxRateView},
    problem::ProblemBody,
    values::{Page, TaxRateId, Version},
};
use platform::{
    http::{
        Described, Fault, Id, Json, NoQuery, Query, Routes,
        auth::{Admin, Visitor},
        created,
        etag::{self, IfMatch},
        idempotency::MaybeKey,
    },
    routes,
};
use serde::Deserialize;
use std::sync::Arc;

type App = Arc<Service>;

pub(super) fn routes<D: Described>() -> Routes<App, D> {
    Routes::new()
        .routes(routes!(make, list))
        .routes(routes!(replace, delete))
}

/// Make a tax rate
///
/// Of a country or of one of its regions, for a class of goods. Orders that go there from now on are taxed with it.
#[utoipa::path(
    post, path = "/api/v1/tax-rates", operation_id = "make_tax_rate", tag = "taxes",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat")),
    request_body = NewTaxRate,
    responses(
        (status = 201, body = TaxRateView), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
async fn make(
    State(app): State<App>,
    Admin(who): Admin,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<NewTaxRate>,
) -> Result<Response, Fault> {
    let made = app.make_tax_rate(&who, key, wish).await?;
    Ok(created("/api/v1/tax-rates", made))
}

/// List tax rates
///
/// By country, region and class.
#[utoipa::path(
    get, path = "/api/v1/tax-rates", operation_id = "list_tax_rates", tag = "taxes",
    responses(
        (status = 200, body = Page<TaxRateView>), (status = 400, body = ProblemBody),
        (status = 429, body = ProblemBody),
    )
)]
async fn list(
    State(app): State<App>,
    Visitor(_who): Visitor,
    _: NoQuery,
) -> Result<Json<Page<TaxRateView>>, Fault> {
    Ok(whole(app.tax_rates().await?))
}

/// Change a tax rate
///
/// As a whole. Orders keep what they were taxed.
#[utoipa::path(
    put, path = "/api/v1/tax-rates/{id}", operation_id = "replace_tax_rate", tag = "taxes",
    params(
        ("id" = TaxRateId, Path, description = "The rate's id"),
        ("If-Match" = Option<String>, Header, description = "The rate's ETag (or `version` in the body)"),
    ),
    request_body = NewTaxRate,
    responses(
        (status = 200, body = TaxRateView), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 412, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 428, body = ProblemBody), (status = 429, body = ProblemBody),
        (status = 503, body = ProblemBody),
    )
)]
async fn replace(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<TaxRateId>,
    sent: IfMatch,
    Json(wish): Json<NewTaxRate>,
) -> Result<Response, Fault> {
    let sent = etag::precondition(sent, wish.version)?;
    let rate = app.replace_tax_rate(&who, id, (sent, wish)).await?;
    Ok(replaced(rate.version, rate))
}

/// Which version goes, if no `If-Match` says so.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DeleteTaxRateQuery {
    /// The version that goes, if no `If-Match` says so.
    version: Option<Version>,
}

/// Take a tax rate away
///
/// Orders keep what they were taxed.
#[utoipa::path(
    delete, path = "/api/v1/tax-rates/{id}", operation_id = "delete_tax_rate", tag = "taxes",
    params(
        ("id" = TaxRateId, Path, description = "The rate's id"),
        ("If-Match" = Option<String>, Header, description = "The rate's ETag (or `version` in the query)"),
        DeleteTaxRateQuery,
    ),
    responses(
        (status = 204, description = "Gone"), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 412, body = ProblemBody), (status = 428, body = ProblemBody),
        (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
async fn delete(
    State(app): State<App>,
    Admin(who): Admin,
    Id(id): Id<TaxRateId>,
    sent: IfMatch,
    Query(query): Query<DeleteTaxRateQuery>,
) -> Result<StatusCode, Fault> {
    let sent = etag::precondition(sent, query.version)?;
    app.delete_tax_rate(&who, id, sent).await?;
    Ok(StatusCode::NO_CONTENT)
}
