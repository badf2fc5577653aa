//! The built-in provider's own desk: its books and its knobs, for admins who try things out, and the proof that a test
//! buyer gives. No real money is here.

use crate::{Knobs, Sandbox, Service};
use axum::extract::{Path, State};
use contracts::{
    payments::Payments,
    problem::{Code, Problem, ProblemBody},
    values::Money,
};
use platform::http::{Fault, Json, Query, auth::Admin};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type App = State<Arc<Service>>;

/// Charges on one page.
const PAGE: u32 = 100;

/// What a test buyer does at the provider.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Prove {
    /// Whether the proof holds.
    approve: bool,
}

/// What came of it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Proved {
    /// Whether there was something to prove still.
    accepted: bool,
}

/// From which charge on.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct After {
    /// The last charge seen.
    #[serde(default)]
    after: u64,
}

/// A charge in the provider's books.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct ChargeView {
    /// The provider's number.
    number: u64,
    /// What it was made under: a payment's id.
    key: String,
    /// `challenged`, `authorised`, `captured`, `voided`, `declined`.
    state: String,
    /// What is held or was taken.
    amount: Money,
    /// What was taken.
    captured: Money,
    /// What was given back.
    refunded: Money,
}

/// The provider's books, a page of them.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(super) struct Charges {
    /// In the order they were made.
    data: Vec<ChargeView>,
}

/// How the sandbox misbehaves
#[utoipa::path(
    get, path = "/api/v1/payments/providers/sandbox/knobs", tag = "sandbox", operation_id = "sandbox_knobs",
    responses(
        (status = 200, body = Knobs), (status = 401, body = ProblemBody), (status = 403, body = ProblemBody),
        (status = 404, description = "Another provider moves the money", body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn knobs(State(app): App, _: Admin) -> Result<Json<Knobs>, Fault> {
    Ok(Json(desk(&app)?.knobs()))
}

/// Make the sandbox misbehave
///
/// Until the shop is restarted. What is not named is turned off.
#[utoipa::path(
    put, path = "/api/v1/payments/providers/sandbox/knobs", tag = "sandbox", operation_id = "turn_sandbox_knobs",
    request_body = Knobs,
    responses(
        (status = 200, body = Knobs), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody),
        (status = 404, description = "Another provider moves the money", body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn turn(
    State(app): App,
    _: Admin,
    Json(knobs): Json<Knobs>,
) -> Result<Json<Knobs>, Fault> {
    let sandbox = desk(&app)?;
    sandbox.turn(knobs);
    Ok(Json(sandbox.knobs()))
}

/// The sandbox, where it is the provider: else what is turned here would turn nothing.
fn desk(app: &Service) -> Result<&Sandbox, Fault> {
    if app.is_sandboxed() {
        Ok(app.sandbox())
    } else {
        Err(Fault::new(Code::NotFound))
    }
}

/// The sandbox's own books
#[utoipa::path(
    get, path = "/api/v1/payments/providers/sandbox/charges", tag = "sandbox", operation_id = "sandbox_charges",
    params(After),
    responses(
        (status = 200, body = Charges), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody),
        (status = 404, description = "Another provider moves the money", body = ProblemBody),
    ),
    security(("bearer" = []))
)]
pub(super) async fn charges(
    State(app): App,
    _: Admin,
    Query(query): Query<After>,
) -> Result<Json<Charges>, Fault> {
    desk(&app)?;
    let page = app.audit_charges(query.after, PAGE).await;
    let page = page.map_err(|error| Problem::internal(&error))?;
    let data = page
        .into_iter()
        .map(|charge| ChargeView {
            number: charge.number,
            key: charge.key,
            state: charge.state,
            amount: charge.amount,
            captured: Money::new(charge.captured_minor, charge.amount.currency),
            refunded: Money::new(charge.refunded_minor, charge.amount.currency),
        })
        .collect();
    Ok(Json(Charges { data }))
}

/// Prove what the sandbox wants
///
/// What a buyer would do on their bank's page: the address comes as a payment's `next_action`.
#[utoipa::path(
    post, path = "/api/v1/payments/providers/sandbox/proofs/{proof}", tag = "sandbox",
    operation_id = "sandbox_prove",
    params(("proof" = String, Path, description = "What `next_action` ends with")), request_body = Prove,
    responses(
        (status = 200, body = Proved), (status = 400, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody),
    )
)]
pub(super) async fn prove(
    State(app): App,
    Path(proof): Path<String>,
    Json(wish): Json<Prove>,
) -> Result<Json<Proved>, Fault> {
    let proved = desk(&app)?.prove(&proof, wish.approve).await;
    if !proved.map_err(|error| Problem::internal(&error))? {
        return Err(Fault::new(Code::NotFound));
    }
    Ok(Json(Proved { accepted: true }))
}
