//! What was sent of an order and comes back.

use super::{keep_private, whole};
use crate::Service;
use axum::{
    extract::{Path, State},
    http::Uri,
    middleware::map_response,
    response::Response,
};
use contracts::{
    access::Principal,
    orders::{AnswerReturn, NewReturn, ReceiveReturn, ReturnQuery, ReturnStatus, ReturnView},
    problem::ProblemBody,
    values::{OrderId, Page, ReturnId},
};
use platform::{
    http::{
        Described, Fault, Id, Json, NoQuery, Query, Routes,
        auth::{Admin, OrderReader},
        created,
        idempotency::MaybeKey,
        page,
    },
    routes,
};
use std::sync::Arc;

type App = Arc<Service>;

pub(super) fn routes<D: Described>() -> Routes<App, D> {
    Routes::new()
        .routes(routes!(ask, list))
        .routes(routes!(list_all))
        .routes(routes!(approve))
        .routes(routes!(refuse))
        .routes(routes!(receive))
        .map(|router| router.layer(map_response(keep_private)))
}

/// What the shop does with a return.
enum Step {
    Answer(ReturnStatus, AnswerReturn),
    Receive(ReceiveReturn),
}

/// An order and its return, in the path.
type Place = Path<(String, String)>;

/// Does it, and answers with the return as it stands then.
async fn take(
    app: &Service,
    who: Principal,
    Path((order, one)): Place,
    step: Step,
) -> Result<Json<ReturnView>, Fault> {
    let ids = (order.parse::<OrderId>()?, one.parse::<ReturnId>()?);
    let taken = match step {
        Step::Answer(to, wish) => app.answer_return(who, ids, to, wish).await,
        Step::Receive(wish) => app.receive_return(who, ids, wish).await,
    };
    Ok(Json(taken?))
}

/// Ask for a return
///
/// Of what was sent, no more than has not come back, with the reason: for the order's buyer, and for the shop on their
/// behalf. Nothing moves before the shop has answered.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/returns", operation_id = "ask_return", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("Idempotency-Key" = Option<String>, Header, description = "Makes the request safe to repeat"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    request_body = NewReturn,
    responses(
        (status = 201, body = ReturnView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 409, body = ProblemBody), (status = 415, body = ProblemBody),
        (status = 422, body = ProblemBody), (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
async fn ask(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    Id(id): Id<OrderId>,
    MaybeKey(key): MaybeKey,
    Json(wish): Json<NewReturn>,
) -> Result<Response, Fault> {
    let asked = app.ask_return(&who, id, key, wish).await?;
    Ok(created(&format!("/api/v1/orders/{id}/returns"), asked))
}

/// List an order's returns
///
/// In the order in which they were asked for; for whoever sees the order.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/returns", operation_id = "list_returns", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    responses(
        (status = 200, body = Page<ReturnView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 404, body = ProblemBody), (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
async fn list(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    _: NoQuery,
    Id(id): Id<OrderId>,
) -> Result<Json<Page<ReturnView>>, Fault> {
    Ok(whole(app.returns(&who, id).await?))
}

/// List all returns
///
/// Of all orders, for admins: those that were asked for last first.
#[utoipa::path(
    get, path = "/api/v1/returns", operation_id = "list_all_returns", tag = "orders", params(ReturnQuery),
    responses(
        (status = 200, body = Page<ReturnView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
async fn list_all(
    State(app): State<App>,
    _: Admin,
    uri: Uri,
    Query(query): Query<ReturnQuery>,
) -> Result<Response, Fault> {
    Ok(page(&uri, app.all_returns(query).await?))
}

/// Approve a return
///
/// For admins; the buyer is told by mail, with the note. Doing it twice changes nothing more.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/returns/{return}/approve", operation_id = "approve_return", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("return" = ReturnId, Path, description = "The return's id"),
    ),
    request_body = AnswerReturn,
    responses(
        (status = 200, body = ReturnView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
async fn approve(
    State(app): State<App>,
    Admin(who): Admin,
    place: Place,
    Json(wish): Json<AnswerReturn>,
) -> Result<Json<ReturnView>, Fault> {
    take(&app, who, place, Step::Answer(ReturnStatus::Approved, wish)).await
}

/// Refuse a return
///
/// For admins, until it has come; the buyer is told by mail, with the note. Its units may be asked for again.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/returns/{return}/refuse", operation_id = "refuse_return", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("return" = ReturnId, Path, description = "The return's id"),
    ),
    request_body = AnswerReturn,
    responses(
        (status = 200, body = ReturnView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
async fn refuse(
    State(app): State<App>,
    Admin(who): Admin,
    place: Place,
    Json(wish): Json<AnswerReturn>,
) -> Result<Json<ReturnView>, Fault> {
    take(&app, who, place, Step::Answer(ReturnStatus::Refused, wish)).await
}

/// Receive a return
///
/// For admins, of an approved one. What is not written off goes back on sale, and what was paid for all of it goes
/// back, or as much as is named, never more than is left of the order's money. That is done within moments, whatever
/// fails in between: the return is `refunded` then. Doing it twice changes nothing more.
#[utoipa::path(
    post, path = "/api/v1/orders/{id}/returns/{return}/receive", operation_id = "receive_return", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("return" = ReturnId, Path, description = "The return's id"),
    ),
    request_body = ReceiveReturn,
    responses(
        (status = 200, body = ReturnView), (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
async fn receive(
    State(app): State<App>,
    Admin(who): Admin,
    place: Place,
    Json(wish): Json<ReceiveReturn>,
) -> Result<Json<ReturnView>, Fault> {
    take(&app, who, place, Step::Receive(wish)).await
}
