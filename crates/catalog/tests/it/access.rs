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

/// A request, and its status for each of [`EVERYBODY`]; `{p}` is the merchant's draft, `{v}` its variant.
const TABLE: &[(&str, &str, [u16; 5])] = &[
    ("GET /api/v1/products", "", [200, 200, 200, 200, 200]),
    ("POST /api/v1/products", NEW, [401, 403, 201, 201, 201]),
    (
        "POST /api/v1/products/batch",
        BATCH,
        [401, 403, 200, 200, 200],
    ),
    (
        "POST /api/v1/products/import",
        r#"{"rows":[{}]}"#,
        [401, 403, 403, 403, 200],
    ),
    ("GET /api/v1/products/{p}", "", [404, 404, 200, 404, 200]),
    ("PUT /api/v1/products/{p}", NEW, [401, 403, 200, 404, 200]),
    (
        "PATCH /api/v1/products/{p}",
        "{}",
        [401, 403, 200, 404, 200],
    ),
    ("GET /api/v1/products/facets", "", [200; 5]),
    // Nothing was typed.
    ("GET /api/v1/products/suggestions", "", [400; 5]),
    (
        "GET /api/v1/products/{p}/images",
        "",
        [404, 404, 200, 404, 200],
    ),
    // What is sent is no picture, and there is none to change.
    (
        "POST /api/v1/products/{p}/images",
        "{}",
        [401, 403, 415, 404, 415],
    ),
    (
        "PUT /api/v1/products/{p}/images/{i}",
        "{}",
        [401, 403, 415, 404, 415],
    ),
    (
        "PATCH /api/v1/products/{p}/images/{i}",
        "{}",
        [401, 403, 404, 404, 404],
    ),
    (
        "DELETE /api/v1/products/{p}/images/{i}",
        "",
        [401, 403, 404, 404, 404],
    ),
    (
        "GET /api/v1/products/{p}/variants",
        "",
        [404, 404, 200, 404, 200],
    ),
    // It has no options, and one variant.
    (
        "POST /api/v1/products/{p}/variants",
        r#"{"options":{"Size":"M"}}"#,
        [401, 403, 422, 404, 422],
    ),
    (
        "PATCH /api/v1/products/{p}/variants/{v}",
        "{}",
        [401, 403, 200, 404, 200],
    ),
    (
        "DELETE /api/v1/products/{p}/variants/{v}",
        "",
        [401, 403, 409, 404, 409],
    ),
    (
        "PUT /api/v1/products/{p}/options",
        r#"{"options":[]}"#,
        [401, 403, 200, 404, 200],
    ),
    (
        "GET /api/v1/products/{p}/prices",
        "",
        [404, 404, 200, 404, 200],
    ),
    (
        "GET /api/v1/products/{p}/reviews",
        "",
        [404, 404, 200, 404, 200],
    ),
    // Nobody has bought a draft.
    (
        "POST /api/v1/products/{p}/reviews",
        RATING,
        [401, 404, 404, 404, 404],
    ),
    ("GET /api/v1/reviews", "", [401, 403, 403, 403, 200]),
    ("PUT /api/v1/reviews/{r}", RATING, [401, 404, 404, 404, 404]),
    (
        "PUT /api/v1/reviews/{r}/status",
        HIDE,
        [401, 403, 403, 403, 404],
    ),
    // Without a version, whoever may hears that one is wanted.
    ("DELETE /api/v1/reviews/{r}", "", [401, 428, 428, 428, 428]),
    (
        "PATCH /api/v1/categories/{c}",
        RENAME,
        [401, 403, 403, 403, 404],
    ),
    (
        "DELETE /api/v1/categories/{c}",
        "",
        [401, 403, 403, 403, 428],
    ),
    ("GET /api/v1/categories", "", [200, 200, 200, 200, 200]),
    ("GET /api/v1/currencies", "", [200, 200, 200, 200, 200]),
    (
        "POST /api/v1/categories",
        CATEGORY,
        [401, 403, 403, 403, 201],
    ),
    ("GET /api/v1/inventory", "", [401, 403, 200, 200, 200]),
    ("GET /api/v1/inventory/{v}", "", [401, 403, 200, 404, 200]),
    (
        "GET /api/v1/inventory/{v}/movements",
        "",
        [401, 403, 200, 404, 200],
    ),
    (
        "POST /api/v1/inventory/adjust",
        CHANGE,
        [401, 403, 200, 404, 200],
    ),
    ("DELETE /api/v1/products/{p}", "", [401, 403, 204, 404, 404]),
];
const NEW: &str = r#"{"name":"New","price":1}"#;
const BATCH: &str = r#"{"products":[{"name":"New","price":1}]}"#;
const CATEGORY: &str = r#"{"name":"New category"}"#;
const RATING: &str = r#"{"rating":5,"version":1}"#;
const HIDE: &str = r#"{"status":"hidden","version":1}"#;
const RENAME: &str = r#"{"name":"Renamed","version":1}"#;
const CHANGE: &str = r#"{"changes":[{"sku":"T","delta":1,"reason":"found"}]}"#;

#[tokio::test]
async fn each_route_answers_each_as_it_should() {
    let shop = Shop::open().await;
    let draft = json!({"name": "Tea", "sku": "T", "price": 1, "stock": 5, "status": "draft"});
    let made = shop.product(draft).await;
    let product = made.text("id");
    let variant = made.body["variants"][0]["id"].as_str().unwrap();
    for (line, body, expected) in TABLE {
        let versioned = line.contains("{p}") && !line.starts_with("GET");
        let line = line.replace("{p}", product).replace("{v}", variant);
        let line = line
            .replace("{r}", "rvw_01h455vb4pex5vsknk084sn02q")
            .replace("{i}", "img_01h455vb4pex5vsknk084sn02q")
            .replace("{c}", "cat_01h455vb4pex5vsknk084sn02q");
        for (who, expected) in EVERYBODY.into_iter().zip(expected) {
            let path = format!("/api/v1/products/{product}");
            let seen = shop.get(Who::Merchant, &path).await;
            let current = format!("if-match: {}", seen.header("etag"));
            let headers: &[&str] = if versioned { &[&current] } else { &[] };
            let answer = shop.call(who, &line, headers, body).await;
            assert_eq!(
                answer.status, *expected,
                "{who:?} {line}: {:?}",
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn sellers_see_their_own_stock_and_admins_all() {
    let shop = Shop::open().await;
    shop.product(json!({"name": "Tea", "price": 1})).await;
    let theirs = json!({"name": "Cup", "price": 1});
    shop.post(Who::Other, "/api/v1/products", theirs).await;
    for (who, rows) in [(Who::Merchant, 1), (Who::Other, 1), (Who::Admin, 2)] {
        let list = shop.get(who, "/api/v1/inventory").await;
        assert_eq!(list.body["data"].as_array().unwrap().len(), rows, "{who:?}");
    }
}

#[test]
fn a_route_that_the_table_lacks_is_found() {
    let document = serde_json::to_value(catalog::api()).unwrap();
    let mut documented = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            let path = path
                .replace("{product}", "{p}")
                .replace("{variant_id}", "{v}")
                .replace("{review_id}", "{r}")
                .replace("{image_id}", "{i}")
                .replace("{category_id}", "{c}");
            documented.push(format!("{} {path}", method.to_uppercase()));
        }
    }
    let mut tested: Vec<&str> = TABLE.iter().map(|(line, _, _)| *line).collect();
    tested.sort_unstable();
    documented.sort_unstable();
    assert_eq!(documented, tested);
}
