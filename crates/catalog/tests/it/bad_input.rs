//! Bodies and addresses that break rules: always a 4xx that names the fault, and nothing changed.

use crate::{Shop, Who};
use axum::{body::Body, http::Request};
use serde_json::json;

/// Each as text, since some of it is not even JSON.
const BODIES: &[(&str, &str)] = &[
    ("", "400 malformed "),
    ("{", "400 malformed "),
    ("[]", "400 malformed "),
    ("null", "400 malformed "),
    ("\"x\"", "400 malformed "),
    (
        r#"{"name":"a","name":"b","price":1}"#,
        "400 malformed /name",
    ),
    (r#"{"price":1}"#, "422 validation_failed /name"),
    (r#"{"name":"a"}"#, "422 validation_failed /price"),
    (r#"{"name":"","price":1}"#, "422 validation_failed /name"),
    (r#"{"name":"   ","price":1}"#, "422 validation_failed /name"),
    (
        r#"{"name":"a\u0000b","price":1}"#,
        "422 validation_failed /name",
    ),
    (r#"{"name":{"$gt":""},"price":1}"#, "400 malformed /name"),
    (r#"{"name":7,"price":1}"#, "400 malformed /name"),
    (r#"{"name":"a","price":-1}"#, "422 validation_failed /price"),
    (
        r#"{"name":"a","price":"-0.01"}"#,
        "422 validation_failed /price",
    ),
    (
        r#"{"name":"a","price":1.555}"#,
        "422 validation_failed /price",
    ),
    (
        r#"{"name":"a","price":1e30}"#,
        "422 validation_failed /price",
    ),
    (
        r#"{"name":"a","price":9223372036854775808}"#,
        "422 validation_failed /price",
    ),
    (
        r#"{"name":"a","price":10000000000.01}"#,
        "422 validation_failed /price",
    ),
    (r#"{"name":"a","price":null}"#, "400 malformed /price"),
    (
        r#"{"name":"a","price":{"amount":-1,"currency":"USD"}}"#,
        "422 validation_failed /price",
    ),
    (
        r#"{"name":"a","price":{"amount":1.5,"currency":"USD"}}"#,
        "400 malformed /price",
    ),
    (
        r#"{"name":"a","price":{"amount":1e30,"currency":"USD"}}"#,
        "400 malformed /price",
    ),
    (
        r#"{"name":"a","price":{"amount":9223372036854775808,"currency":"USD"}}"#,
        "422 validation_failed /price",
    ),
    (
        r#"{"name":"a","price":{"amount":1,"currency":"XXX"}}"#,
        "422 validation_failed /price",
    ),
    (
        r#"{"name":"a","price":1,"stock":-1}"#,
        "422 validation_failed /stock",
    ),
    (
        r#"{"name":"a","price":1,"stock":1.5}"#,
        "400 malformed /stock",
    ),
    (
        r#"{"name":"a","price":1,"stock":"5"}"#,
        "400 malformed /stock",
    ),
    (
        r#"{"name":"a","price":1,"stock":1000000001}"#,
        "422 validation_failed /stock",
    ),
    (
        r#"{"name":"a","price":1,"stock":99999999999}"#,
        "422 validation_failed /stock",
    ),
    (
        r#"{"name":"a","price":1,"status":"sold"}"#,
        "422 validation_failed /status",
    ),
    (
        r#"{"name":"a","price":1,"slug":"A B"}"#,
        "422 validation_failed /slug",
    ),
    (
        r#"{"name":"a","price":1,"slug":""}"#,
        "422 validation_failed /slug",
    ),
    (
        r#"{"name":"a","price":1,"sku":""}"#,
        "422 validation_failed /sku",
    ),
    (
        r#"{"name":"a","price":1,"category":"//"}"#,
        "422 validation_failed /category",
    ),
    (
        r#"{"name":"a","price":1,"image_url":"http://169.254.169.254/"}"#,
        "422 validation_failed /image_url",
    ),
    (
        r#"{"name":"a","price":1,"image_url":"file:///etc/passwd"}"#,
        "422 validation_failed /image_url",
    ),
    (
        r#"{"name":"a","price":1,"attributes":[]}"#,
        "400 malformed /attributes",
    ),
    (
        r#"{"name":"a","price":1,"attributes":{"x":{"y":1}}}"#,
        "422 validation_failed /attributes/x",
    ),
    (
        r#"{"name":"a","price":1,"owner_id":"usr_x"}"#,
        "422 validation_failed /owner_id",
    ),
    (
        r#"{"name":"a","price":1,"id":1}"#,
        "422 validation_failed /id",
    ),
    (
        r#"{"name":"a","price":1,"version":0}"#,
        "422 validation_failed /version",
    ),
];

async fn nothing_was_made(shop: &Shop) {
    let list = shop.get(Who::Admin, "/api/v1/inventory").await;
    assert_eq!(list.body["data"], json!([]));
}

#[tokio::test]
async fn a_bad_product_is_refused_with_its_pointer() {
    let shop = Shop::open().await;
    let long = format!(r#"{{"name":"{}","price":1}}"#, "x".repeat(201));
    let endless = format!(
        r#"{{"name":"a","description":"{}","price":1}}"#,
        "x".repeat(20_001)
    );
    let deep = format!(
        r#"{{"name":"a","price":1,"attributes":{{"x":{}}}}}"#,
        "[".repeat(50)
    );
    let made = [
        (long.as_str(), "422 validation_failed /name"),
        (endless.as_str(), "422 validation_failed /description"),
        (deep.as_str(), "400 malformed"),
    ];
    for (body, expected) in BODIES.iter().chain(&made) {
        let answer = shop
            .call(Who::Merchant, "POST /api/v1/products", &[], body)
            .await;
        assert_eq!(answer.refusal(), *expected, "{body}");
        assert_eq!(answer.header("content-type"), "application/problem+json");
    }
    nothing_was_made(&shop).await;
}

/// Fine in a patch, which may leave out a name or a price.
const FINE_PATCHES: [&str; 3] = [
    r#"{"price":1}"#,
    r#"{"name":"a"}"#,
    r#"{"name":"a","price":null}"#,
];

#[tokio::test]
async fn a_bad_edit_changes_nothing() {
    let shop = Shop::open().await;
    let made = shop.product(json!({"name": "Tea", "price": 1})).await;
    let path = format!("/api/v1/products/{}", made.text("id"));
    let header = ["if-match: \"1\""];
    for (body, expected) in BODIES {
        let line = format!("PUT {path}");
        let answer = shop.call(Who::Merchant, &line, &header, body).await;
        assert_eq!(answer.refusal(), *expected, "PUT {body}");
        if !FINE_PATCHES.contains(body) {
            let line = format!("PATCH {path}");
            let answer = shop.call(Who::Merchant, &line, &header, body).await;
            assert!((400..500).contains(&answer.status), "PATCH {body}");
        }
    }
    let now = shop.get(Who::Nobody, &path).await;
    assert_eq!(now.body, made.body);
}

#[tokio::test]
async fn bodies_have_a_kind_and_a_size() {
    let shop = Shop::open().await;
    let plain = Request::post("/api/v1/products")
        .header("content-type", "text/plain")
        .body(Body::from("{}"))
        .unwrap();
    let answer = shop.send(Who::Merchant, plain).await;
    assert_eq!(answer.refusal(), "415 unsupported_media_type");
    let fits = json!({"name": "a", "price": 1, "attributes": {"x": "y".repeat(100_000)}});
    let answer = shop.post(Who::Merchant, "/api/v1/products", fits).await;
    assert_eq!(
        answer.refusal(),
        "422 validation_failed /attributes/x",
        "over 64 KiB is read"
    );
    let huge = json!({"name": "a", "price": 1, "description": "y".repeat(1_100_000)});
    let answer = shop.post(Who::Merchant, "/api/v1/products", huge).await;
    assert_eq!(answer.refusal(), "413 body_too_large");
    let changes = json!({"changes": [{"sku": "y".repeat(100_000), "delta": 1, "reason": "x"}]});
    let answer = shop
        .post(Who::Merchant, "/api/v1/inventory/adjust", changes)
        .await;
    assert_eq!(answer.refusal(), "413 body_too_large");
    nothing_was_made(&shop).await;
}

#[tokio::test]
async fn bad_addresses_are_refused() {
    let shop = Shop::open().await;
    for (path, status) in [
        ("/api/v1/products/prd_x", 400),
        ("/api/v1/products/prd_01h455vb4pex5vsknk084sn02!", 400),
        ("/api/v1/products/prd_01h455vb4pex5vsknk084sn02q", 404),
        ("/api/v1/products/no-such-thing", 404),
        ("/api/v1/products/%00", 404),
        ("/api/v1/products/%ff", 400),
        ("/api/v1/products/'%20OR%201=1--", 404),
        ("/api/v1/products/ord_01h455vb4pex5vsknk084sn02q", 404),
        ("/api/v1/products?nope=1", 400),
        ("/api/v1/products?limit=0", 400),
        ("/api/v1/products?limit=101", 400),
        ("/api/v1/products?limit=-1", 400),
        ("/api/v1/products?limit=x", 400),
        ("/api/v1/products?sort=id;DROP", 400),
        ("/api/v1/products?sort=relevance", 400),
        ("/api/v1/products?status=secret", 400),
        ("/api/v1/products?price_min=cheap", 400),
        ("/api/v1/products?price_min=9223372036854775808", 400),
        ("/api/v1/products?in_stock=maybe", 400),
        ("/api/v1/products?cursor=", 400),
        ("/api/v1/products?cursor=%00", 400),
        ("/api/v1/products?cursor=AAAA", 400),
        ("/api/v1/products?cursor=e30", 400),
        ("/api/v1/products?q=%22%27*%28", 200),
        ("/api/v1/products?q=", 200),
        ("/api/v1/products?category=%25", 200),
        (
            "/api/v1/products?price_min=-9223372036854775808&price_max=9223372036854775807",
            200,
        ),
        ("/api/v1/inventory?offset=1", 400),
        ("/api/v1/inventory?low_stock=perhaps", 400),
        ("/api/v1/inventory?cursor=AAAA", 400),
        ("/api/v1/inventory/var_x", 400),
        ("/api/v1/inventory/prd_01h455vb4pex5vsknk084sn02q", 400),
        ("/api/v1/inventory/var_01h455vb4pex5vsknk084sn02q", 404),
        ("/api/v1/inventory/var_x/movements", 400),
        (
            "/api/v1/inventory/var_01h455vb4pex5vsknk084sn02q/movements",
            404,
        ),
    ] {
        let answer = shop.get(Who::Merchant, path).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
    }
    let product = shop.product(json!({"name": "Tea", "price": 1})).await;
    let variant = product.body["variants"][0]["id"].as_str().unwrap();
    for tail in ["cursor=AAAA", "cursor=x", "limit=0", "page=2"] {
        let path = format!("/api/v1/inventory/{variant}/movements?{tail}");
        let answer = shop.get(Who::Merchant, &path).await;
        assert_eq!(answer.status, 400, "{path}: {answer:?}");
    }
    let header = ["if-match: *", "if-match: W/\"1\"", "if-match: x"];
    for line in [
        format!("DELETE /api/v1/products/{}", product.text("id")),
        "DELETE /api/v1/products/prd_x".to_owned(),
        "PUT /api/v1/products/green-tea".to_owned(),
    ] {
        for header in header {
            let answer = shop.call(Who::Merchant, &line, &[header], "{}").await;
            assert_eq!(answer.status, 400, "{line} {header}");
        }
    }
}

#[tokio::test]
async fn bad_adjustments_change_nothing() {
    let shop = Shop::open().await;
    shop.product(json!({"name": "Tea", "sku": "T", "price": 1, "stock": 5}))
        .await;
    for (body, expected) in [
        (json!({}), "422 validation_failed /changes"),
        (json!({"changes": []}), "422 validation_failed /changes"),
        (json!({"changes": {}}), "400 malformed /changes"),
        (
            json!({"changes": [{"sku": "T", "delta": 1}]}),
            "422 validation_failed /changes/0/reason",
        ),
        (
            json!({"changes": [{"sku": "T", "delta": 1.5, "reason": "x"}]}),
            "400 malformed /changes/0/delta",
        ),
        (
            json!({"changes": [{"sku": "T", "delta": 1, "reason": "x", "by": "me"}]}),
            "422 validation_failed /changes/0/by",
        ),
        (
            json!({"changes": [{"sku": "T", "delta": -6, "reason": "x"}]}),
            "409 insufficient_stock",
        ),
        (
            json!({"changes": [{"sku": "T", "set": 9, "expected": 4, "reason": "x"}]}),
            "409 stock_changed",
        ),
        (
            json!({"changes": [{"sku": "nope", "delta": 1, "reason": "x"}]}),
            "404 not_found /changes/0",
        ),
        (
            json!({"changes": [{"variant_id": "var_x", "delta": 1, "reason": "x"}]}),
            "400 malformed /changes/0/variant_id",
        ),
        (
            json!({"changes": [{"sku": "T", "delta": i64::MAX, "reason": "x"}]}),
            "422 validation_failed /changes/0/delta",
        ),
    ] {
        let answer = shop
            .post(Who::Merchant, "/api/v1/inventory/adjust", body.clone())
            .await;
        assert_eq!(answer.refusal(), expected, "{body}");
    }
    let list = shop.get(Who::Merchant, "/api/v1/inventory").await;
    assert_eq!(list.body["data"][0]["on_hand"], 5);
    assert_eq!(list.body["data"][0]["version"], 1);
}
