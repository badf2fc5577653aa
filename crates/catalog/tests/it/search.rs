//! Searches through the router: what was written is found by the next search, whatever was asked before it.

use super::{Shop, Who};
use serde_json::{Value, json};

fn names(list: &Value) -> Vec<&str> {
    let rows = list["data"].as_array().unwrap().iter();
    rows.map(|row| {
        row["name"]
            .as_str()
            .or_else(|| row["text"].as_str())
            .unwrap()
    })
    .collect()
}

#[tokio::test]
async fn every_write_is_found_by_the_next_search() {
    let shop = Shop::open().await;
    let search = "/api/v1/products?q=samovar";
    assert!(names(&shop.get(Who::Nobody, search).await.body).is_empty());
    let made = shop.product(json!({"name": "Samovar", "price": 1})).await;
    assert_eq!(
        names(&shop.get(Who::Nobody, search).await.body),
        ["Samovar"]
    );
    let in_stock = format!("{search}&in_stock=true");
    assert!(names(&shop.get(Who::Nobody, &in_stock).await.body).is_empty());
    let change = json!({"changes": [{"sku": made.text("sku"), "delta": 2, "reason": "found"}]});
    let adjusted = shop
        .post(Who::Merchant, "/api/v1/inventory/adjust", change)
        .await;
    assert_eq!(adjusted.status, 200);
    assert_eq!(
        names(&shop.get(Who::Nobody, &in_stock).await.body),
        ["Samovar"]
    );
    let path = format!("PATCH /api/v1/products/{}", made.text("id"));
    let renamed = shop
        .call(
            Who::Merchant,
            &path,
            &[],
            json!({"name": "Kettle", "version": 1}),
        )
        .await;
    assert_eq!(renamed.status, 200);
    assert!(names(&shop.get(Who::Nobody, search).await.body).is_empty());
    let facets = shop
        .get(Who::Nobody, "/api/v1/products/facets?q=ketle")
        .await;
    assert_eq!(
        (
            facets.body["total"].as_i64(),
            facets.body["stock"]["available"].as_i64()
        ),
        (Some(1), Some(1))
    );
    let suggested = shop
        .get(Who::Nobody, "/api/v1/products/suggestions?q=ket")
        .await;
    assert_eq!(names(&suggested.body), ["Kettle"]);
}

#[tokio::test]
async fn drafts_are_found_by_their_seller_alone() {
    let shop = Shop::open().await;
    shop.product(json!({"name": "Samovar", "price": 1, "status": "draft"}))
        .await;
    let drafts = "/api/v1/products?q=samovar&status=draft";
    for (who, count) in [
        (Who::Nobody, 0),
        (Who::Other, 0),
        (Who::Merchant, 1),
        (Who::Admin, 1),
    ] {
        let list = shop.get(who, drafts).await;
        assert_eq!(names(&list.body).len(), count, "{who:?}");
    }
    let facets = shop.get(Who::Merchant, "/api/v1/products/facets").await;
    assert_eq!(facets.body["total"], 0);
    let suggested = shop
        .get(Who::Merchant, "/api/v1/products/suggestions?q=samovar")
        .await;
    assert!(names(&suggested.body).is_empty());
}

#[tokio::test]
async fn what_cannot_be_read_is_refused() {
    let shop = Shop::open().await;
    for path in [
        "/api/v1/products/suggestions",
        "/api/v1/products/suggestions?q=a&limit=5",
        "/api/v1/products/facets?price_min=cheap",
        "/api/v1/products/facets?sort=name",
        "/api/v1/products/facets?attribute=green",
        "/api/v1/products?attribute=:green",
    ] {
        assert_eq!(shop.get(Who::Nobody, path).await.status, 400, "{path}");
    }
}
