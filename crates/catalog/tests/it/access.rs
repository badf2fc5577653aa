//! Every route for everybody: nobody, a customer, the owner, another merchant, an admin.

use crate::{Shop, Who};
use serde_json::json;

const EVERYBODY: [Who; 5] = [
    Who::Nobody,
    Who::Customer,
    Who::Merchant,
    Who::Other,
    Who::Admin,
];

#[tokio::test]
async fn each_route_answers_each_as_it_should() {
    let shop = Shop::open();
    let new = json!({"name": "New", "price": 1});
    let change = json!({"changes": [{"sku": "T", "delta": 1, "reason": "found"}]});
    let batch = json!({"products": [new]});
    let category = json!({"name": "New category"});
    let draft = json!({"name": "Tea", "sku": "T", "price": 1, "stock": 5, "status": "draft"});
    let made = shop.product(draft).await;
    let product = made.text("id").to_owned();
    let variant = made.body["variants"][0]["id"].as_str().unwrap().to_owned();
    let table = [
        (
            "GET /api/v1/products".to_owned(),
            json!(""),
            [200, 200, 200, 200, 200],
        ),
        (
            "POST /api/v1/products".to_owned(),
            new.clone(),
            [401, 403, 201, 201, 201],
        ),
        (
            "POST /api/v1/products/batch".to_owned(),
            batch,
            [401, 403, 200, 200, 200],
        ),
        (
            format!("GET /api/v1/products/{product}"),
            json!(""),
            [404, 404, 200, 404, 200],
        ),
        (
            format!("PUT /api/v1/products/{product}"),
            new.clone(),
            [401, 403, 200, 404, 200],
        ),
        (
            format!("PATCH /api/v1/products/{product}"),
            json!({}),
            [401, 403, 200, 404, 200],
        ),
        (
            "GET /api/v1/categories".to_owned(),
            json!(""),
            [200, 200, 200, 200, 200],
        ),
        (
            "POST /api/v1/categories".to_owned(),
            category,
            [401, 403, 403, 403, 201],
        ),
        (
            "GET /api/v1/inventory".to_owned(),
            json!(""),
            [401, 403, 200, 200, 200],
        ),
        (
            format!("GET /api/v1/inventory/{variant}"),
            json!(""),
            [401, 403, 200, 404, 200],
        ),
        (
            format!("GET /api/v1/inventory/{variant}/movements"),
            json!(""),
            [401, 403, 200, 404, 200],
        ),
        (
            "POST /api/v1/inventory/adjust".to_owned(),
            change,
            [401, 403, 200, 404, 200],
        ),
        (
            format!("DELETE /api/v1/products/{product}"),
            json!(""),
            [401, 403, 204, 404, 404],
        ),
    ];
    for (line, body, expected) in table {
        let versioned = line.contains("/products/prd_") && !line.starts_with("GET");
        for (who, expected) in EVERYBODY.into_iter().zip(expected) {
            let seen = shop
                .get(Who::Merchant, &format!("/api/v1/products/{product}"))
                .await;
            let current = format!("if-match: {}", seen.header("etag"));
            let headers: &[&str] = if versioned { &[&current] } else { &[] };
            let answer = shop.call(who, &line, headers, &body).await;
            assert_eq!(answer.status, expected, "{who:?} {line}: {:?}", answer.body);
        }
    }
}

#[tokio::test]
async fn sellers_see_their_own_stock_and_admins_all() {
    let shop = Shop::open();
    shop.product(json!({"name": "Tea", "price": 1})).await;
    let theirs = json!({"name": "Cup", "price": 1});
    shop.post(Who::Other, "/api/v1/products", theirs).await;
    for (who, rows) in [(Who::Merchant, 1), (Who::Other, 1), (Who::Admin, 2)] {
        let list = shop.get(who, "/api/v1/inventory").await;
        assert_eq!(list.body["data"].as_array().unwrap().len(), rows, "{who:?}");
    }
}

#[tokio::test]
async fn a_route_that_the_table_lacks_is_found() {
    let shop = Shop::open();
    let near: std::sync::Arc<dyn contracts::catalog::Catalog> = shop.service.clone();
    let (_, document) = catalog::routes(near).split_for_parts();
    let paths: Vec<&String> = document.paths.paths.keys().collect();
    assert_eq!(
        paths,
        [
            "/api/v1/categories",
            "/api/v1/inventory",
            "/api/v1/inventory/adjust",
            "/api/v1/inventory/{variant_id}",
            "/api/v1/inventory/{variant_id}/movements",
            "/api/v1/products",
            "/api/v1/products/batch",
            "/api/v1/products/{product}",
        ]
    );
}
