//! Placing and reading orders.

use super::App;
use axum::{
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{LINK, LOCATION, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use contracts::{
    orders::{
        Buyer, OrderEventView, OrderQuery, OrderStatus, OrderView, PayWith, PlaceOrder, Reader,
    },
    payments::{PayError, PayOrder},
    problem::{Problem, ProblemBody},
    request::{Answered, IdempotencyKey},
    scopes::Scope,
    values::{OrderId, Page},
};
use platform::{
    db::sqlite::Rows,
    http::{
        Fault, Id, Json, NoQuery, Query,
        answer::{created, mark_replay, page},
        auth::{CartUser, OrderReader, User},
        etag,
        idempotency::Key,
        lane,
    },
};

/// Place an order
///
/// Holds the stock, prices every line in the same transaction, and writes the order; with `payment`, pays it
/// at once. Repeating the request with the same key gives the same answer and has no second effect. With `cart_id`
/// a cart is bought (a guest sends `Cart-Token`): it becomes one order, whatever the key, and lines that are otherwise
/// than they were last shown are refused and named.
#[utoipa::path(
    post, path = "/api/v1/orders", operation_id = "place_order", tag = "orders",
    params(("Idempotency-Key" = String, Header, description = "1 to 128 visible characters: the name of this order"),
        ("Cart-Token" = Option<String>, Header, description = "For guests who buy a cart: what came with it")),
    request_body = PlaceOrder,
    responses(
        (status = 201, body = OrderView, description = "Placed (and paid, if a payment came with it)"),
        (status = 202, body = OrderView, headers(("Location" = String), ("Link" = String), ("Retry-After" = u32)),
            description = "Placed; the payment's outcome is not known yet: `Link` names the payment"),
        (status = 400, body = ProblemBody), (status = 402, body = ProblemBody),
        (status = 404, description = "There is no such cart", body = ProblemBody),
        (status = 409, body = ProblemBody), (status = 413, body = ProblemBody),
        (status = 415, body = ProblemBody), (status = 422, body = ProblemBody),
        (status = 429, body = ProblemBody), (status = 503, body = ProblemBody),
    )
)]
pub(super) async fn place(
    State(app): State<App>,
    CartUser(holder): CartUser,
    Key(key): Key,
    Json(wish): Json<PlaceOrder>,
) -> Result<Response, Fault> {
    let payment = wish.payment.clone();
    let principal = holder.principal.clone();
    if let Some(PayWith { method }) = &payment {
        // What would be one request more is one right more.
        if let Some(who) = &principal {
            who.permit(Scope::PaymentsWrite)?;
        }
        let accepted = app.payments.accepts(method).await;
        if !accepted.map_err(|cause| Problem::internal(&cause))? {
            return Err(Problem::invalid("/payment/method", "is not known to the provider").into());
        }
    }
    let placed = match wish.cart_id {
        Some(cart) => app.orders.check_out(&holder, cart, wish).await?,
        None => {
            let buyer = principal.clone().map_or(Buyer::Guest, Buyer::User);
            app.orders.place(buyer, key, wish).await?
        }
    };
    let location = format!("/api/v1/orders/{}", placed.value.id);
    let Some(payment) = payment else {
        return Ok(created(&location, placed));
    };
    let reader = Reader {
        principal,
        order_token: placed.value.order_token.clone(),
    };
    pay(&app, &reader, placed, payment, &location).await
}

/// Pays an order that was placed with a means of payment. The payment's key follows from the order, so a
/// repetition finds the same payment.
async fn pay(
    app: &App,
    reader: &Reader,
    placed: Answered<OrderView>,
    payment: PayWith,
    location: &str,
) -> Result<Response, Fault> {
    let order_id = placed.value.id;
    let key =
        IdempotencyKey::parse(&format!("order:{order_id}")).map_err(|error| ("/payment", error));
    let key = key.map_err(Problem::from)?;
    let wish = PayOrder {
        order_id,
        method: payment.method,
    };
    let paid = app.payments.pay(reader, key, wish).await;
    let paid = paid.map_err(|error| refused(order_id, error))?.value;
    let mut value = app.orders.order_when_paid(reader, order_id).await?;
    value.order_token = placed.value.order_token;
    // The order's own word: money may be taken, and the order be told of it only after a crash in between.
    if value.status != OrderStatus::Pending {
        return Ok(created(
            location,
            Answered {
                value,
                replayed: placed.replayed,
            },
        ));
    }
    let mut response = (StatusCode::ACCEPTED, Json(value)).into_response();
    let headers = response.headers_mut();
    if let Ok(location) = HeaderValue::from_str(location) {
        headers.insert(LOCATION, location);
    }
    headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    // Where the payment's outcome shows, and what the buyer has to do for it.
    let link = format!("</api/v1/payments/{}>; rel=\"payment\"", paid.id);
    if let Ok(link) = HeaderValue::from_str(&link) {
        headers.insert(LINK, link);
    }
    mark_replay(headers, placed.replayed);
    Ok(response)
}

/// The order stands although its payment was refused: it is named.
fn refused(order_id: OrderId, error: PayError) -> Fault {
    let Fault(problem) = Fault::from(error);
    Fault(problem.fact("order_id", order_id.to_string()))
}

/// List orders
///
/// One's own, newest first; all of them for admins.
#[utoipa::path(
    get, path = "/api/v1/orders", operation_id = "list_orders", tag = "orders", params(OrderQuery),
    responses(
        (status = 200, body = Page<OrderView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 403, body = ProblemBody), (status = 429, body = ProblemBody),
    )
)]
pub(super) async fn list(
    State(app): State<App>,
    User(who): User,
    uri: Uri,
    Query(query): Query<OrderQuery>,
) -> Result<Response, Fault> {
    Ok(page(&uri, app.orders.orders(&who, query).await?))
}

/// Read an order
///
/// For its buyer (a guest sends `Order-Token`), the merchant who sells all of it, and admins.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}", operation_id = "find_order", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    responses(
        (status = 200, body = OrderView), (status = 304, description = "Not modified"),
        (status = 400, body = ProblemBody), (status = 401, body = ProblemBody),
        (status = 404, body = ProblemBody), (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
pub(super) async fn find(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    Id(id): Id<OrderId>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    // Before it is read: what changes from here on is seen to be newer.
    let begun = app.rows.as_ref().map(Rows::now);
    let order = app.orders.order(&who, id).await?;
    let read = app.rows.zip(begun);
    let read = read.map(|(rows, begun)| rows.read(begun, order.number));
    let response = etag::conditional(&headers, &etag::tag(order.version), order);
    Ok(match read {
        Some(read) => lane::bearers(response, read),
        None => response,
    })
}

/// Read an order's timeline
///
/// Everything that happened to the order, oldest first.
#[utoipa::path(
    get, path = "/api/v1/orders/{id}/timeline", operation_id = "order_timeline", tag = "orders",
    params(
        ("id" = OrderId, Path, description = "The order's id"),
        ("Order-Token" = Option<String>, Header, description = "For guests: what came with the order"),
    ),
    responses(
        (status = 200, body = Page<OrderEventView>), (status = 400, body = ProblemBody),
        (status = 401, body = ProblemBody), (status = 404, body = ProblemBody), (status = 429, body = ProblemBody),
    ),
    security(("bearer" = []), ("order_token" = []))
)]
pub(super) async fn timeline(
    State(app): State<App>,
    OrderReader(who): OrderReader,
    Id(id): Id<OrderId>,
    _: NoQuery,
) -> Result<Json<Page<OrderEventView>>, Fault> {
    let data = app.orders.timeline(&who, id).await?;
    Ok(Json(Page {
        data,
        next_cursor: None,
    }))
}
