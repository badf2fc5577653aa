//! The seeds' products: what the catalog is asked, and what the clients get. The catalog here is a stub with one
//! product of version 3, of which 10 are on hand and 4 of those reserved.

use crate::{
    fakes::{Seen, answer},
    shop::{Shop, wish},
};
use axum::response::{IntoResponse, Response};
use contracts::{
    problem::{Code, Problem},
    request::Precondition,
    values::{ProductId, UserId, VariantId, Version},
};
use platform::http::Fault;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

const ID: &str = "prd_01h455vb4pex5vsknk084sn02q";
const VARIANT: &str = "var_01h455vb4pex5vsknk084sn02q";

fn version(number: i64) -> Version {
    Version::try_from(number).unwrap()
}

fn product(version: i64, status: &str) -> Value {
    let price = json!({"amount": 1990, "currency": "USD"});
    let stock = json!({"on_hand": 10, "reserved": 4, "available": 6});
    json!({
        "id": ID.parse::<ProductId>().unwrap(), "version": version, "name": "Tea", "slug": "tea",
        "sku": "TEA-1", "description": "", "price": price, "category": null, "status": status,
        "image_url": null, "attributes": {}, "stock": stock, "owner_id": UserId::generate(),
        "variants": [{"id": VARIANT, "sku": "TEA-1", "price": price, "stock": stock}],
        "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
    })
}

fn inventory() -> Value {
    json!({
        "variant_id": VARIANT.parse::<VariantId>().unwrap(), "product_id": ID, "sku": "TEA-1",
        "on_hand": 10, "reserved": 4, "available": 6, "version": 1,
    })
}

fn stale(seen: &Seen) -> Option<Response> {
    let sent = seen.header("if-match")?.trim_matches('"').parse().ok()?;
    let problem = Precondition::Header(version(sent)).stale(version(3));
    (sent != 3).then(|| Fault(problem).into_response())
}

fn catalog(seen: &Seen) -> Option<Response> {
    let product_path = format!("/api/v1/products/{ID}");
    let inventory_path = format!("/api/v1/inventory/{VARIANT}");
    if seen.is("GET", "/api/v1/products") {
        let mut response = answer(
            200,
            &json!({"data": [product(3, "active")], "next_cursor": "c1"}),
        )?;
        let link = "</api/v1/products?limit=100&cursor=c1>; rel=\"next\""
            .parse()
            .ok()?;
        response.headers_mut().insert("link", link);
        return Some(response);
    }
    if seen.is("POST", "/api/v1/products") {
        return answer(201, &product(1, "active"));
    }
    if seen.is("GET", &product_path) {
        return answer(200, &product(3, "active"));
    }
    if seen.is("PATCH", &product_path) {
        return stale(seen).or_else(|| answer(200, &product(4, "active")));
    }
    if seen.is("DELETE", &product_path) {
        return stale(seen).or_else(|| Some(axum::http::StatusCode::NO_CONTENT.into_response()));
    }
    if seen.is("GET", &inventory_path) {
        return answer(200, &inventory());
    }
    if seen.is("POST", "/api/v1/inventory/adjust") {
        return answer(200, &json!([inventory()]));
    }
    None
}

#[tokio::test]
async fn a_list_is_a_bare_array_with_plain_numbers() {
    let shop = Shop::open(catalog);
    for path in ["/products", "/api/products"] {
        let told = shop.ask(wish("GET", path)).await;
        let list = told.json();
        assert_eq!(list[0]["_id"], ID);
        assert_eq!(list[0]["id"], ID);
        assert_eq!(list[0]["price"], json!(19.9));
        assert_eq!(
            (&list[0]["stock"], &list[0]["quantity"]),
            (&json!(6), &json!(6))
        );
        assert_eq!(list[0]["version"], 2);
        assert_eq!(shop.lines(), ["GET /api/v1/products?limit=100"]);
        assert_eq!(
            told.header("link"),
            format!("<{path}?limit=100&cursor=c1>; rel=\"next\"")
        );
    }
    shop.ask(wish("GET", "/products?q=tea&limit=5")).await;
    assert_eq!(shop.lines(), ["GET /api/v1/products?q=tea&limit=5"]);
}

#[tokio::test]
async fn a_product_is_made_from_texts_or_numbers() {
    let shop = Shop::open(catalog);
    for (sent, asked) in [
        (
            json!({"name": "Tea", "description": "d", "price": "19.99", "stock": "5"}),
            json!({"name": "Tea", "description": "d", "price": "19.99", "stock": 5}),
        ),
        (
            json!({"name": "Tea", "price": 19.99, "quantity": 5, "_id": "1", "owner_id": "x", "version": 9}),
            json!({"name": "Tea", "price": 19.99, "stock": 5}),
        ),
        (
            json!({"name": "Tea", "price": 20, "category": null}),
            json!({"name": "Tea", "price": 20}),
        ),
    ] {
        let told = shop.ann(wish("POST", "/products").json(&sent)).await;
        assert_eq!(
            (told.status, &told.json()["version"]),
            (201, &json!(0)),
            "{sent}"
        );
        assert_eq!(shop.seen()[0].body, asked, "{sent}");
    }
}

#[tokio::test]
async fn a_price_is_passed_on_digit_by_digit() {
    let shop = Shop::open(catalog);
    let body = "{\"name\":\"Tea\",\"price\":10000000000000000.01}";
    shop.ann(wish("POST", "/products").text("application/json", body))
        .await;
    let sent = shop.seen().remove(0);
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(
        sent.text,
        "{\"name\":\"Tea\",\"price\":10000000000000000.01}"
    );
}

#[tokio::test]
async fn a_product_is_made_once_by_its_key() {
    let shop = Shop::open(catalog);
    let body = json!({"name": "Tea", "price": 1});
    let post = || wish("POST", "/products").json(&body);
    shop.ann(post().header("idempotency-key", "k1")).await;
    shop.ann(post()).await;
    let seen = shop.seen();
    assert_eq!(seen[0].header("idempotency-key"), Some("k1"));
    assert_eq!(seen[1].header("idempotency-key"), None);
}

#[tokio::test]
async fn a_look_at_the_head_has_no_body() {
    let shop = Shop::open(catalog);
    let told = shop.ask(wish("HEAD", "/products")).await;
    assert_eq!((told.status, told.text.as_str()), (200, ""));
}

#[tokio::test]
async fn a_stock_that_is_none_reaches_nobody() {
    let shop = Shop::open(catalog);
    let path = format!("/products/{ID}");
    for (stock, status) in [
        (json!(-1), 422),
        (json!("-1"), 422),
        (json!(1.5), 422),
        (json!("many"), 422),
        (json!(9_223_372_036_854_775_807_i64), 422),
        (json!({"$gt": 0}), 400),
        (json!([]), 400),
    ] {
        for (method, path) in [("POST", "/products"), ("PUT", path.as_str())] {
            let body = json!({"name": "Tea", "price": 1, "stock": stock});
            let told = shop.ann(wish(method, path).json(&body)).await;
            assert_eq!(told.status, status, "{method} {stock}");
        }
    }
    assert!(shop.seen().is_empty());
}

#[tokio::test]
async fn one_product_is_read_with_its_tag() {
    let shop = Shop::open(|seen| {
        if seen.header("if-none-match").is_some() {
            return Some(axum::http::StatusCode::NOT_MODIFIED.into_response());
        }
        let mut response = answer(200, &product(3, "active"))?;
        response
            .headers_mut()
            .insert("etag", "\"3-7\"".parse().ok()?);
        Some(response)
    });
    let path = format!("/api/products/{ID}");
    let told = shop.ask(wish("GET", &path)).await;
    assert_eq!(
        (told.header("etag"), &told.json()["price"]),
        ("\"3-7\"", &json!(19.9))
    );
    let length: usize = told.header("content-length").parse().unwrap();
    assert_eq!(length, told.text.len(), "of the translated body");
    let again = shop
        .ask(wish("GET", &path).header("if-none-match", "\"3-7\""))
        .await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
}

#[tokio::test]
async fn a_change_without_a_version_is_the_last_writers() {
    let shop = Shop::open(catalog);
    let body = json!({"name": "Tee", "price": "5", "owner_id": "usr_x", "created_at": "x"});
    let told = shop
        .ann(wish("PUT", &format!("/products/{ID}")).json(&body))
        .await;
    assert_eq!((told.status, &told.json()["version"]), (200, &json!(3)));
    assert_eq!(
        shop.lines(),
        [
            format!("GET /api/v1/products/{ID}"),
            format!("PATCH /api/v1/products/{ID} \"3\" {{\"name\":\"Tee\",\"price\":\"5\"}}"),
        ]
    );
}

#[tokio::test]
async fn the_last_writer_tries_again_but_not_for_ever() {
    let moving = Arc::new(AtomicU32::new(0));
    let reads = Arc::clone(&moving);
    // Others change it twice while this one reads; then for ever.
    let shop = Shop::open(move |seen| {
        let read = seen.method == "GET";
        let count = i64::from(reads.fetch_add(u32::from(read), Ordering::SeqCst));
        let sent = seen.header("if-match");
        match sent {
            None => answer(200, &product(count + 1, "active")),
            Some("\"3\"") => answer(200, &product(4, "active")),
            Some(_) => {
                let problem = Precondition::Header(version(1)).stale(version(2));
                Some(Fault(problem).into_response())
            }
        }
    });
    let put = || wish("PUT", &format!("/products/{ID}")).json(&json!({"name": "Tee"}));
    assert_eq!(shop.ann(put()).await.status, 200);
    assert_eq!(shop.seen().len(), 6);
    let told = shop.ann(put()).await;
    assert_eq!(told.brief(), "503 overloaded");
    assert_eq!(shop.seen().len(), 17, "eight tries");
}

#[tokio::test]
async fn a_stale_version_is_refused_and_both_are_named() {
    let shop = Shop::open(catalog);
    let path = format!("/products/{ID}");
    for sent in [json!(1), json!("1")] {
        let body = json!({"name": "Tee", "stock": 50, "version": sent});
        let told = shop.ann(wish("PUT", &path).json(&body)).await;
        assert_eq!(told.brief(), "409 version_conflict");
        let problem = told.json();
        assert_eq!(
            (&problem["sent_version"], &problem["current_version"]),
            (&json!(1), &json!(2))
        );
        assert_eq!(
            problem["message"],
            "version 1 was sent, version 2 is current"
        );
    }
    assert!(
        shop.seen()
            .iter()
            .all(|seen| !seen.address.contains("inventory")),
        "no stock moved"
    );
    let good = json!({"name": "Tee", "version": 2});
    assert_eq!(shop.ann(wish("PUT", &path).json(&good)).await.status, 200);
    let header = wish("PUT", &path)
        .json(&json!({"name": "Tee"}))
        .header("if-match", "\"1\"");
    assert_eq!(shop.ann(header).await.brief(), "412 precondition_failed");
    let negative = json!({"name": "Tee", "version": -1});
    assert_eq!(
        shop.ann(wish("PUT", &path).json(&negative)).await.brief(),
        "422 validation_failed"
    );
}

#[tokio::test]
async fn stock_in_a_change_becomes_an_adjustment() {
    let shop = Shop::open(catalog);
    let body = json!({"name": "Tee", "stock": "50"});
    let told = shop
        .ann(wish("PUT", &format!("/products/{ID}")).json(&body))
        .await;
    let got = told.json();
    assert_eq!((&got["stock"], &got["quantity"]), (&json!(50), &json!(50)));
    let adjusted = json!({"changes": [{
        "variant_id": VARIANT, "set": 54, "expected": 10, "reason": "set with the product",
    }]});
    let seen = shop.seen();
    assert_eq!(seen.last().unwrap().address, "/api/v1/inventory/adjust");
    assert_eq!(seen.last().unwrap().body, adjusted);
    assert!(
        seen.iter().all(|seen| seen.who == Some(shop.ann)),
        "in the caller's own name"
    );
}

#[tokio::test]
async fn sending_back_what_was_read_moves_no_stock() {
    let shop = Shop::open(catalog);
    let path = format!("/products/{ID}");
    let mut read = shop.ask(wish("GET", &path)).await.json();
    assert_eq!(shop.ann(wish("PUT", &path).json(&read)).await.status, 200);
    assert!(
        shop.seen()
            .iter()
            .all(|seen| seen.address != "/api/v1/inventory/adjust")
    );
    read["quantity"] = json!(7);
    assert_eq!(
        shop.ann(wish("PUT", &path).json(&read)).await.json()["stock"],
        7
    );
    assert_eq!(shop.seen().last().unwrap().body["changes"][0]["set"], 11);
}

#[tokio::test]
async fn a_stock_that_moves_meanwhile_is_set_again_but_not_for_ever() {
    let tries = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&tries);
    let shop = Shop::open(move |seen| {
        if seen.address == "/api/v1/inventory/adjust" {
            let number = count.fetch_add(1, Ordering::SeqCst);
            if number != 2 {
                return Some(Fault::new(Code::StockChanged).into_response());
            }
        }
        catalog(seen)
    });
    let put = || wish("PUT", &format!("/products/{ID}")).json(&json!({"stock": 50}));
    assert_eq!(shop.ann(put()).await.status, 200);
    assert_eq!(tries.load(Ordering::SeqCst), 3);
    assert_eq!(shop.ann(put()).await.brief(), "503 overloaded");
    assert_eq!(tries.load(Ordering::SeqCst), 11);
}

#[tokio::test]
async fn a_product_is_deleted_with_a_version_or_without() {
    let shop = Shop::open(catalog);
    let path = format!("/products/{ID}");
    let told = shop.ann(wish("DELETE", &path)).await;
    assert_eq!((told.status, told.text.as_str()), (204, ""));
    assert_eq!(
        shop.lines()[1],
        format!("DELETE /api/v1/products/{ID} \"3\"")
    );
    let stale = wish("DELETE", &path).json(&json!({"version": 0}));
    assert_eq!(shop.ann(stale).await.brief(), "409 version_conflict");
}

#[tokio::test]
async fn what_was_deleted_is_gone_for_its_owner_too() {
    let shop = Shop::open(|_| answer(200, &product(3, "archived")));
    let path = format!("/products/{ID}");
    assert_eq!(shop.ann(wish("GET", &path)).await.brief(), "404 not_found");
    let put = wish("PUT", &path).json(&json!({"status": "active"}));
    assert_eq!(shop.ann(put).await.brief(), "404 not_found");
    assert_eq!(
        shop.ann(wish("DELETE", &path)).await.brief(),
        "404 not_found"
    );
    assert!(shop.seen().iter().all(|seen| seen.method == "GET"));
}

#[tokio::test]
async fn nobody_changes_anything_and_strange_ids_name_nothing() {
    let shop = Shop::open(catalog);
    for (method, path) in [
        ("POST", "/products"),
        ("PUT", "/products/x"),
        ("DELETE", "/products/x"),
    ] {
        let told = shop
            .ask(wish(method, path).json(&json!({"name": "Tea"})))
            .await;
        assert_eq!(told.brief(), "401 unauthenticated", "{method}");
    }
    for id in [
        "1",
        "507f1f77bcf86cd799439011",
        "ord_01h455vb4pex5vsknk084sn02q",
        "%00",
        "a'--",
        "..;",
    ] {
        let put = wish("PUT", &format!("/products/{id}")).json(&json!({"name": "Tea"}));
        assert_eq!(shop.ann(put).await.brief(), "404 not_found", "{id}");
    }
    assert!(shop.seen().is_empty());
}

#[tokio::test]
async fn what_the_catalog_refuses_is_refused() {
    let shop = Shop::open(|_| {
        let problem = Problem::new(Code::Forbidden).detail("only merchants and admins sell");
        Some(Fault(problem).into_response())
    });
    let told = shop
        .ann(wish("POST", "/products").json(&json!({"name": "Tea"})))
        .await;
    assert_eq!(told.brief(), "403 forbidden");
    assert_eq!(told.json()["message"], "only merchants and admins sell");
}
