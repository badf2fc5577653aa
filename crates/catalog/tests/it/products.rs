//! Products: making, reading, changing, archiving.

use crate::{Shop, Who};
use serde_json::{Value, json};

fn tea() -> Value {
    json!({"name": "Green tea", "sku": "TEA-1", "description": "loose", "stock": 5, "category": "tea",
           "price": {"amount": 1999, "currency": "USD"}, "status": "active", "attributes": {"grams": 100}})
}

#[tokio::test]
async fn a_product_is_made_and_shown_in_the_documented_shape() {
    let shop = Shop::open().await;
    let made = shop.product(tea()).await;
    let id = made.text("id").to_owned();
    assert_eq!(made.header("location"), format!("/api/v1/products/{id}"));
    assert_eq!(made.header("etag"), "\"1-1\"");
    let mut body = made.body.clone();
    assert!(
        body["variants"][0]["id"]
            .as_str()
            .unwrap()
            .starts_with("var_")
    );
    body["variants"][0]["id"] = json!("[var]");
    body["id"] = json!("[prd]");
    let expected = json!({
        "id": "[prd]", "version": 1, "name": "Green tea", "slug": "green-tea", "sku": "TEA-1",
        "description": "loose", "price": {"amount": 1999, "currency": "USD"}, "price_max": null,
        "category": "tea",
        "status": "active", "publish_at": null, "unpublish_at": null, "related": [], "image_url": null, "images": [],
        "attributes": {"grams": 100},
        "rating": {"average": null, "count": 0}, "stock": {"on_hand": 5, "reserved": 0, "available": 5},
        "options": [],
        "variants": [{"id": "[var]", "sku": "TEA-1", "title": "", "options": {},
                      "price": {"amount": 1999, "currency": "USD"},
                      "stock": {"on_hand": 5, "reserved": 0, "available": 5}}],
        "owner_id": "usr_0208104081020g4081020g4081", "created_at": "2027-01-15T08:00:00Z",
        "updated_at": "2027-01-15T08:00:00Z",
    });
    let owner = body["owner_id"].take();
    assert!(owner.as_str().unwrap().starts_with("usr_"));
    let mut expected = expected;
    expected["owner_id"] = Value::Null;
    assert_eq!(body, expected);
    for path in [id.as_str(), "green-tea"] {
        let shown = shop
            .get(Who::Nobody, &format!("/api/v1/products/{path}"))
            .await;
        assert_eq!((shown.status, &shown.body), (200, &made.body));
    }
}

#[tokio::test]
async fn a_known_representation_is_not_sent_again() {
    let shop = Shop::open().await;
    let made = shop.product(tea()).await;
    let line = format!("GET /api/v1/products/{}", made.text("id"));
    let known = shop
        .call(Who::Nobody, &line, &["if-none-match: \"1-1\""], "")
        .await;
    assert_eq!((known.status, &known.body), (304, &Value::Null));
    let change = json!({"changes": [{"sku": "TEA-1", "delta": 1, "reason": "found"}]});
    shop.post(Who::Merchant, "/api/v1/inventory/adjust", change)
        .await;
    let fresh = shop
        .call(Who::Nobody, &line, &["if-none-match: \"1-1\""], "")
        .await;
    assert_eq!((fresh.status, fresh.header("etag")), (200, "\"1-2\""));
}

#[tokio::test]
async fn a_replacement_needs_the_current_version() {
    let shop = Shop::open().await;
    let made = shop.product(tea()).await;
    let line = format!("PUT /api/v1/products/{}", made.text("id"));
    let body = json!({"name": "Black tea", "price": "3.50", "stock": 99});
    let none = shop.call(Who::Merchant, &line, &[], &body).await;
    assert_eq!(none.refusal(), "428 precondition_required");
    let first = shop
        .call(Who::Merchant, &line, &["if-match: \"1-1\""], &body)
        .await;
    assert_eq!((first.status, first.header("etag")), (200, "\"2-1\""));
    assert_eq!(first.body["sku"], "TEA-1", "kept, since it was not said");
    assert_eq!(first.body["stock"]["on_hand"], 5, "stock has ledgers");
    let stale = shop
        .call(Who::Merchant, &line, &["if-match: \"1\""], &body)
        .await;
    assert_eq!(stale.refusal(), "412 precondition_failed");
    assert_eq!(stale.body["current_version"], 2);
    let mut with_version = body.clone();
    with_version["version"] = json!(1);
    let stale = shop.call(Who::Merchant, &line, &[], &with_version).await;
    assert_eq!(stale.refusal(), "409 version_conflict");
    let differing = shop
        .call(Who::Merchant, &line, &["if-match: \"2\""], &with_version)
        .await;
    assert_eq!(differing.refusal(), "400 malformed");
    with_version["version"] = json!(2);
    let second = shop.call(Who::Merchant, &line, &[], &with_version).await;
    assert_eq!((second.status, &second.body["version"]), (200, &json!(3)));
}

#[tokio::test]
async fn a_patch_changes_only_what_it_names() {
    let shop = Shop::open().await;
    let made = shop.product(tea()).await;
    let line = format!("PATCH /api/v1/products/{}", made.text("id"));
    let patch =
        json!({"price": 5, "category": null, "attributes": {"grams": null, "leaf": "whole"}});
    let answer = shop
        .call(Who::Merchant, &line, &["if-match: \"1\""], patch)
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["price"]["amount"], 500);
    assert_eq!(answer.body["category"], Value::Null);
    assert_eq!(answer.body["attributes"], json!({"leaf": "whole"}));
    assert_eq!(answer.body["name"], "Green tea");
    assert_eq!(answer.body["version"], 2);
}

#[tokio::test]
async fn what_is_deleted_is_archived_and_seen_only_by_its_owner() {
    let shop = Shop::open().await;
    let made = shop.product(tea()).await;
    let path = format!("/api/v1/products/{}", made.text("id"));
    let line = format!("DELETE {path}");
    let none = shop.call(Who::Merchant, &line, &[], "").await;
    assert_eq!(none.refusal(), "428 precondition_required");
    let stale = shop
        .call(Who::Merchant, &format!("{line}?version=7"), &[], "")
        .await;
    assert_eq!(stale.refusal(), "409 version_conflict");
    let gone = shop
        .call(Who::Merchant, &line, &["if-match: \"1\""], "")
        .await;
    assert_eq!(gone.status, 204);
    for who in [Who::Nobody, Who::Customer, Who::Other] {
        assert_eq!(shop.get(who, &path).await.refusal(), "404 not_found");
    }
    for who in [Who::Merchant, Who::Admin] {
        let seen = shop.get(who, &path).await;
        assert_eq!(
            (seen.text("status"), &seen.body["version"]),
            ("archived", &json!(2))
        );
    }
    let again = shop
        .call(Who::Merchant, &format!("{line}?version=2"), &[], "")
        .await;
    assert_eq!(again.refusal(), "404 not_found");
    let listed = shop.get(Who::Nobody, "/api/v1/products").await;
    assert_eq!(listed.body["data"], json!([]));
    let own = shop
        .get(Who::Merchant, "/api/v1/products?status=archived")
        .await;
    assert_eq!(own.body["data"].as_array().unwrap().len(), 1);
    let others = shop
        .get(Who::Other, "/api/v1/products?status=archived")
        .await;
    assert_eq!(others.body["data"], json!([]));
}

#[tokio::test]
async fn taken_skus_and_slugs_are_refused_whatever_their_case() {
    let shop = Shop::open().await;
    shop.product(tea()).await;
    let other = shop.product(json!({"name": "Cup", "price": 1})).await;
    let twin = json!({"name": "Cup", "sku": "tea-1", "price": 1});
    let answer = shop.post(Who::Merchant, "/api/v1/products", twin).await;
    assert_eq!(answer.refusal(), "409 sku_taken /sku");
    let twin = json!({"name": "Cup", "slug": "green-tea", "price": 1});
    let answer = shop.post(Who::Merchant, "/api/v1/products", twin).await;
    assert_eq!(answer.refusal(), "409 slug_taken /slug");
    let line = format!("PATCH /api/v1/products/{}", other.text("id"));
    let patch = json!({"sku": "TEA-1", "version": 1});
    let answer = shop.call(Who::Merchant, &line, &[], patch).await;
    assert_eq!(answer.refusal(), "409 sku_taken /sku");
    let stays = shop.get(Who::Nobody, "/api/v1/products/cup").await;
    assert_eq!(stays.body["version"], 1, "a refused change leaves nothing");
}

#[tokio::test]
async fn the_same_key_makes_one_product() {
    let shop = Shop::open().await;
    let key = ["idempotency-key: k1"];
    let line = "POST /api/v1/products";
    let first = shop.call(Who::Merchant, line, &key, tea()).await;
    let again = shop.call(Who::Merchant, line, &key, tea()).await;
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.header("etag"), first.header("etag"));
    assert_eq!(again.header("location"), first.header("location"));
    let other = json!({"name": "Cup", "price": 1});
    let reused = shop.call(Who::Merchant, line, &key, &other).await;
    assert_eq!(reused.refusal(), "422 idempotency_key_reused");
    let somebody = shop.call(Who::Other, line, &key, &other).await;
    assert_eq!(somebody.status, 201, "keys are each user's own");
    let bad = shop
        .call(Who::Merchant, line, &["idempotency-key: a b"], &other)
        .await;
    assert_eq!(bad.refusal(), "400 idempotency_key_invalid");
}

#[tokio::test]
async fn pages_link_to_the_next_one() {
    let shop = Shop::open().await;
    for n in 0..5 {
        shop.product(json!({"name": format!("Tea {n}"), "price": n}))
            .await;
    }
    let mut path = "/api/v1/products?q=tea&sort=price&limit=2".to_owned();
    let mut names = Vec::new();
    loop {
        let page = shop.get(Who::Nobody, &path).await;
        assert_eq!(page.status, 200, "{page:?}");
        for product in page.body["data"].as_array().unwrap() {
            names.push(product["name"].as_str().unwrap().to_owned());
        }
        let link = page.header("link");
        if page.body["next_cursor"].is_null() {
            assert_eq!(link, "");
            break;
        }
        path = link
            .strip_prefix('<')
            .unwrap()
            .split('>')
            .next()
            .unwrap()
            .to_owned();
    }
    assert_eq!(names, ["Tea 0", "Tea 1", "Tea 2", "Tea 3", "Tea 4"]);
}

#[tokio::test]
async fn categories_are_made_by_admins_and_listed_parents_first() {
    let shop = Shop::open().await;
    let drinks = json!({"name": "Drinks"});
    let refused = shop
        .post(Who::Merchant, "/api/v1/categories", drinks.clone())
        .await;
    assert_eq!(refused.refusal(), "403 forbidden");
    let made = shop
        .post(Who::Admin, "/api/v1/categories", drinks.clone())
        .await;
    assert_eq!((made.status, made.text("slug")), (201, "drinks"));
    let again = shop.post(Who::Admin, "/api/v1/categories", drinks).await;
    assert_eq!(again.refusal(), "409 slug_taken /slug");
    let below = json!({"name": "A tea", "slug": "tea", "parent": "drinks"});
    shop.post(Who::Admin, "/api/v1/categories", below).await;
    let lost = json!({"name": "X", "parent": "nowhere"});
    let refused = shop.post(Who::Admin, "/api/v1/categories", lost).await;
    assert_eq!(refused.refusal(), "422 validation_failed /parent");
    shop.product(tea()).await;
    let all = shop.get(Who::Nobody, "/api/v1/categories").await;
    let slugs: Vec<&str> = all.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["slug"].as_str().unwrap())
        .collect();
    assert_eq!(slugs, ["drinks", "tea"]);
    let listed = shop
        .get(Who::Nobody, "/api/v1/products?category=drinks")
        .await;
    assert_eq!(listed.body["data"].as_array().unwrap().len(), 1);
}
