//! The addresses of payments, through the door's own stack.

use crate::{
    fakes::{Call, Moment},
    shop::{Shop, user},
};
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use contracts::{
    access::{Principal, Role},
    orders::OrderStatus,
    values::{OrderId, PaymentId},
};
use http_body_util::BodyExt;
use platform::http::stack;
use serde_json::{Value, json};
use std::sync::Arc;
use tower::ServiceExt;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> (u16, &str) {
        (
            self.status.as_u16(),
            self.body["code"].as_str().unwrap_or_default(),
        )
    }

    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

fn door(shop: &Shop) -> Router {
    let router = payments::routes(Arc::clone(&shop.service) as _);
    let options = stack::Options {
        timeout_ms: 10_000,
        in_flight_max: 100,
        late_ms_max: 0,
        body_bytes_max: 65_536,
    };
    stack::wrap(router, &options, "http://shop.test", shop.clock.clone())
}

async fn send(shop: &Shop, mut request: Request<Body>, who: Option<&Principal>) -> Answer {
    if let Some(principal) = who {
        request.extensions_mut().insert(principal.clone());
    }
    let response = door(shop).oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    }
}

fn post(key: Option<&str>, body: impl ToString) -> Request<Body> {
    let request = Request::post("/api/v1/payments").header("content-type", "application/json");
    let request = match key {
        Some(key) => request.header("idempotency-key", key),
        None => request,
    };
    request.body(Body::from(body.to_string())).unwrap()
}

fn get(id: impl ToString) -> Request<Body> {
    let uri = format!("/api/v1/payments/{}", id.to_string());
    Request::get(uri).body(Body::empty()).unwrap()
}

fn wish(order: OrderId, method: &str) -> Value {
    json!({"order_id": order, "method": method})
}

async fn pay(shop: &Shop, key: &str, order: OrderId, method: &str) -> Answer {
    send(shop, post(Some(key), wish(order, method)), Some(&shop.ann)).await
}

#[tokio::test]
async fn paying_answers_201_and_a_repetition_says_that_it_is_one() {
    let shop = Shop::start();
    let order = shop.order();
    let paid = pay(&shop, "k", order, "tok_ok").await;
    assert_eq!(paid.status, StatusCode::CREATED);
    let id = paid.body["id"].as_str().unwrap();
    assert_eq!(paid.header("location"), format!("/api/v1/payments/{id}"));
    assert_eq!(paid.header("idempotent-replayed"), "");
    assert_eq!(paid.body["order_id"], json!(order));
    assert_eq!(paid.body["status"], "captured");
    assert_eq!(
        paid.body["amount"],
        json!({"amount": 1999, "currency": "USD"})
    );
    let again = pay(&shop, "k", order, "tok_ok").await;
    assert_eq!(
        (again.status, &again.body),
        (StatusCode::CREATED, &paid.body)
    );
    assert_eq!(again.header("idempotent-replayed"), "true");
}

#[tokio::test]
async fn an_unknown_outcome_answers_202_and_says_where_to_look() {
    let mut shop = Shop::with(|config| config.provider_timeout_ms = 100);
    let order = shop.order();
    let unknown = pay(&shop, "k", order, "tok_timeout").await;
    assert_eq!(unknown.status, StatusCode::ACCEPTED);
    assert_eq!(unknown.header("retry-after"), "1");
    assert_eq!(unknown.body["status"], "pending");
    let location = unknown.header("location").to_owned();
    let again = pay(&shop, "k", order, "tok_timeout").await;
    assert_eq!(again.status, StatusCode::ACCEPTED);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let other = pay(&shop, "k2", order, "tok_ok").await;
    assert_eq!(other.code(), (409, "payment_in_progress"));
    shop.be_patient().await;
    shop.settle().await;
    let request = Request::get(&location).body(Body::empty()).unwrap();
    let shown = send(&shop, request, Some(&shop.ann)).await;
    assert_eq!(
        (shown.status, &shown.body["status"]),
        (StatusCode::OK, &json!("captured"))
    );
}

#[tokio::test]
async fn money_held_but_not_taken_is_202_as_well() {
    let shop = Shop::start();
    shop.catalog.faults.add(Call::Sell, Moment::Before);
    let held = pay(&shop, "k", shop.order(), "tok_ok").await;
    assert_eq!(
        (held.status, &held.body["status"]),
        (StatusCode::ACCEPTED, &json!("authorised"))
    );
    assert_eq!(held.header("retry-after"), "1");
}

#[tokio::test]
async fn a_declined_payment_answers_402_with_the_reason_every_time() {
    let shop = Shop::start();
    let order = shop.order();
    for _ in 0..2 {
        let declined = pay(&shop, "k", order, "tok_declined").await;
        assert_eq!(declined.code(), (402, "payment_declined"));
        assert_eq!(declined.body["decline_code"], "card_declined");
        assert_eq!(declined.body["order_id"], json!(order));
    }
}

#[tokio::test]
async fn an_order_that_waits_for_no_money_answers_409() {
    let shop = Shop::start();
    let order = shop.order();
    shop.orders
        .set(order, |order| order.status = OrderStatus::Shipped);
    let refused = pay(&shop, "k", order, "tok_ok").await;
    assert_eq!(refused.code(), (409, "illegal_transition"));
    assert_eq!(refused.body["from"], "shipped");
    shop.orders.set(order, |order| {
        order.status = OrderStatus::Pending;
        order.payment = Some(PaymentId::generate());
    });
    let refused = pay(&shop, "k", order, "tok_ok").await;
    assert_eq!(refused.code(), (409, "payment_in_progress"));
}

#[tokio::test]
async fn bad_input_is_named_and_leaves_nothing() {
    let shop = Shop::start();
    let order = shop.order();
    let good = wish(order, "tok_ok");
    let long = "x".repeat(60_000);
    for key in [None, Some(""), Some("a b"), Some("ключ")] {
        let code = key.map_or("idempotency_key_missing", |_| "idempotency_key_invalid");
        let refused = send(&shop, post(key, &good), Some(&shop.ann)).await;
        assert_eq!(refused.code(), (400, code), "{key:?}");
    }
    for (body, expected) in [
        (json!([]), (400, "malformed")),
        (json!({}), (422, "validation_failed")),
        (json!({"order_id": order, "method": 7}), (400, "malformed")),
        (
            json!({"order_id": "ord_x", "method": "tok_ok"}),
            (400, "malformed"),
        ),
        (
            json!({"order_id": shop.ann.user_id, "method": "tok_ok"}),
            (400, "malformed"),
        ),
        (
            json!({"order_id": order, "method": "tok_ok", "amount": 1}),
            (422, "validation_failed"),
        ),
        (wish(order, "4242424242424242"), (422, "validation_failed")),
        (wish(order, ""), (422, "validation_failed")),
        (wish(order, "tok_ok\u{0}"), (422, "validation_failed")),
        (wish(order, &long), (422, "validation_failed")),
        (wish(OrderId::generate(), "tok_ok"), (404, "not_found")),
    ] {
        let refused = send(&shop, post(Some("k"), &body), Some(&shop.ann)).await;
        assert_eq!(refused.code(), expected, "{:.200}", body.to_string());
    }
    let broken = send(&shop, post(Some("k"), "{"), Some(&shop.ann)).await;
    assert_eq!(broken.code(), (400, "malformed"));
    let mut bare = post(Some("k"), &good);
    bare.headers_mut().remove("content-type");
    let refused = send(&shop, bare, Some(&shop.ann)).await;
    assert_eq!(refused.code(), (415, "unsupported_media_type"));
    assert_eq!((shop.statuses().len(), shop.charges()), (0, 0));
    assert_eq!(
        pay(&shop, "k", order, "tok_ok").await.status,
        StatusCode::CREATED
    );
    let reused = pay(&shop, "k", order, "tok_slow").await;
    assert_eq!(reused.code(), (422, "idempotency_key_reused"));
}

#[tokio::test]
async fn a_payment_shows_to_whoever_may_see_its_order_only() {
    let shop = Shop::start();
    let paid = pay(&shop, "k", shop.order(), "tok_ok").await;
    let id = paid.body["id"].as_str().unwrap();
    let (bob, admin) = (user(&[Role::Customer]), user(&[Role::Admin]));
    for (who, expected) in [
        (None, (401, "unauthenticated")),
        (Some(&bob), (404, "not_found")),
        (Some(&shop.ann), (200, "")),
        (Some(&admin), (200, "")),
    ] {
        assert_eq!(send(&shop, get(id), who).await.code(), expected);
    }
    let missing = send(&shop, get(PaymentId::generate()), Some(&shop.ann)).await;
    assert_eq!(missing.code(), (404, "not_found"));
    for malformed in ["pay_1", "ord_01h455vb4pex5vsknk084sn02q", "%00", "'--"] {
        let refused = send(&shop, get(malformed), Some(&shop.ann)).await;
        assert_eq!(refused.code(), (400, "malformed"), "{malformed}");
    }
    let nobody = send(&shop, post(Some("k"), wish(shop.order(), "tok_ok")), None).await;
    assert_eq!(nobody.code(), (401, "unauthenticated"));
    let foreign = send(
        &shop,
        post(Some("k"), wish(shop.order(), "tok_ok")),
        Some(&bob),
    )
    .await;
    assert_eq!(foreign.code(), (404, "not_found"));
}

#[tokio::test]
async fn a_payment_that_did_not_move_is_not_sent_again() {
    let shop = Shop::start();
    let paid = pay(&shop, "k", shop.order(), "tok_ok").await;
    let id = paid.body["id"].as_str().unwrap();
    let shown = send(&shop, get(id), Some(&shop.ann)).await;
    let tag = shown.header("etag").to_owned();
    assert_eq!((tag.as_str(), &shown.body), ("\"3\"", &paid.body));
    let mut request = get(id);
    request
        .headers_mut()
        .insert("if-none-match", tag.parse().unwrap());
    let same = send(&shop, request, Some(&shop.ann)).await;
    assert_eq!(same.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test]
async fn a_guest_pays_with_the_order_s_token() {
    let shop = Shop::start();
    let order = shop.order_of(None, Some("secret"));
    let with_token = |mut request: Request<Body>, token: &str| {
        request
            .headers_mut()
            .insert("order-token", token.parse().unwrap());
        request
    };
    let request = with_token(post(Some("k"), wish(order, "tok_ok")), "guess");
    assert_eq!(send(&shop, request, None).await.code(), (404, "not_found"));
    let request = with_token(post(Some("k"), wish(order, "tok_ok")), "secret");
    let paid = send(&shop, request, None).await;
    assert_eq!(paid.status, StatusCode::CREATED);
    let request = with_token(get(paid.body["id"].as_str().unwrap()), "secret");
    assert_eq!(send(&shop, request, None).await.body, paid.body);
}

#[test]
fn the_document_has_every_address() {
    let document = payments::api();
    let paths: Vec<&str> = document.paths.paths.keys().map(String::as_str).collect();
    let expected = [
        "",
        "/providers/sandbox/charges",
        "/providers/sandbox/knobs",
        "/providers/sandbox/proofs/{proof}",
        "/providers/{name}/webhook",
        "/reviews",
        "/sagas",
        "/sagas/{id}/retry",
        "/{id}",
        "/{id}/refunds",
        "/{id}/void",
    ];
    assert_eq!(
        paths,
        expected.map(|path| format!("/api/v1/payments{path}"))
    );
    let post = document.paths.paths["/api/v1/payments"]
        .post
        .as_ref()
        .unwrap();
    let statuses: Vec<&str> = post
        .responses
        .responses
        .keys()
        .map(String::as_str)
        .collect();
    let expected = [
        "201", "202", "400", "401", "402", "404", "409", "415", "422", "503",
    ];
    assert_eq!(statuses, expected);
}
