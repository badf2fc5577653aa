//! Reviews through the router: only buyers write them, admins hide them, and the product shows what they come to.

use super::{Shop, Who};
use async_trait::async_trait;
use contracts::{
    BoxError,
    catalog::Purchases,
    values::{ProductId, UserId},
};
use serde_json::json;
use std::sync::Arc;

/// Everybody but the other merchant has bought everything.
struct Bought;

#[async_trait]
impl Purchases for Bought {
    async fn has_bought(&self, user: UserId, _: ProductId) -> Result<bool, BoxError> {
        Ok(Some(user) != Who::Other.principal().map(|other| other.user_id))
    }
}

async fn shop() -> (Shop, String) {
    let shop = Shop::open().await;
    let made = shop.product(json!({"name": "Tea", "price": 1})).await;
    let id = made.text("id").to_owned();
    (shop, id)
}

#[tokio::test]
async fn only_buyers_review_and_once() {
    let (shop, id) = shop().await;
    let path = format!("/api/v1/products/{id}/reviews");
    let unknown = shop.post(Who::Customer, &path, json!({"rating": 5})).await;
    assert_eq!(
        unknown.refusal(),
        "403 not_a_buyer",
        "nobody is known to have bought anything"
    );
    let bought: Arc<dyn Purchases> = Arc::new(Bought);
    shop.service.meet(Arc::downgrade(&bought));
    for (who, refusal) in [
        (Who::Nobody, "401 unauthenticated"),
        (Who::Other, "403 not_a_buyer"),
        (Who::Merchant, "403 not_a_buyer"),
    ] {
        assert_eq!(
            shop.post(who, &path, json!({"rating": 5})).await.refusal(),
            refusal,
            "{who:?}"
        );
    }
    for rating in [json!(-50), json!(6), json!(0)] {
        let refused = shop
            .post(Who::Customer, &path, json!({ "rating": rating }))
            .await;
        assert_eq!(refused.refusal(), "422 validation_failed /rating");
    }
    let written = shop
        .post(Who::Customer, &path, json!({"rating": 4, "text": "Good"}))
        .await;
    assert_eq!((written.status, written.body.get("user_id")), (201, None));
    let again = shop.post(Who::Customer, &path, json!({"rating": 1})).await;
    assert_eq!(again.refusal(), "409 review_exists");
    let nowhere = path.replace(&id, &ProductId::generate().to_string());
    assert_eq!(
        shop.post(Who::Customer, &nowhere, json!({"rating": 4}))
            .await
            .refusal(),
        "404 not_found"
    );
}

#[tokio::test]
async fn the_product_shows_the_rating_at_once_and_admins_hide_a_review() {
    let (shop, id) = shop().await;
    let bought: Arc<dyn Purchases> = Arc::new(Bought);
    shop.service.meet(Arc::downgrade(&bought));
    let product = format!("/api/v1/products/{id}");
    let before = shop.get(Who::Nobody, &product).await;
    assert_eq!(before.body["rating"], json!({"average": null, "count": 0}));
    let path = format!("{product}/reviews");
    let review = shop.post(Who::Customer, &path, json!({"rating": 4})).await;
    shop.post(Who::Admin, &path, json!({"rating": 5})).await;
    let shown = shop.get(Who::Nobody, &product).await;
    assert_eq!(shown.body["rating"], json!({"average": 4.5, "count": 2}));
    assert_ne!(shown.header("etag"), before.header("etag"));
    let one = format!("/api/v1/reviews/{}", review.text("id"));
    let hide = json!({"status": "hidden", "version": 1});
    let moderate = format!("PUT {one}/status");
    assert_eq!(
        shop.call(Who::Customer, &moderate, &[], &hide).await.status,
        403
    );
    assert_eq!(
        shop.call(Who::Admin, &moderate, &[], &hide).await.status,
        200
    );
    assert_eq!(
        shop.call(Who::Admin, &moderate, &[], &hide).await.refusal(),
        "409 version_conflict"
    );
    let shown = shop.get(Who::Nobody, &product).await;
    assert_eq!(shown.body["rating"], json!({"average": 5.0, "count": 1}));
    assert_eq!(
        shop.get(Who::Nobody, &path).await.body["data"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let hidden = format!("{path}?status=hidden");
    for (who, count) in [(Who::Nobody, 0), (Who::Customer, 0), (Who::Admin, 1)] {
        let list = shop.get(who, &hidden).await;
        assert_eq!(
            list.body["data"].as_array().unwrap().len(),
            count,
            "{who:?}"
        );
    }
    // All of them, of whatever product, are for whoever runs the shop.
    let all = "/api/v1/reviews";
    for (who, refusal) in [
        (Who::Nobody, "401 unauthenticated"),
        (Who::Customer, "403 forbidden"),
        (Who::Merchant, "403 forbidden"),
    ] {
        assert_eq!(shop.get(who, all).await.refusal(), refusal, "{who:?}");
    }
    let newest = shop.get(Who::Admin, &format!("{all}?limit=1")).await;
    assert_eq!(newest.body["data"][0]["rating"], 5);
    let next = newest.body["next_cursor"].as_str().unwrap().to_owned();
    let next = format!("{all}?limit=1&cursor={next}");
    let next = shop.get(Who::Admin, &next).await;
    assert_eq!(next.body["data"][0]["status"], "hidden");
    assert_eq!(next.body["next_cursor"], json!(null));
    let odd = shop.get(Who::Admin, &format!("{all}?cursor=x")).await;
    assert_eq!(odd.status, 400);
}

#[tokio::test]
async fn an_author_changes_their_own_review_and_takes_it_back() {
    let (shop, id) = shop().await;
    let bought: Arc<dyn Purchases> = Arc::new(Bought);
    shop.service.meet(Arc::downgrade(&bought));
    let path = format!("/api/v1/products/{id}/reviews");
    let review = shop.post(Who::Customer, &path, json!({"rating": 4})).await;
    let one = format!("/api/v1/reviews/{}", review.text("id"));
    let (put, delete) = (format!("PUT {one}"), format!("DELETE {one}"));
    let body = json!({"rating": 2, "title": "Not so good"});
    assert_eq!(shop.call(Who::Customer, &put, &[], &body).await.status, 428);
    let if_match = ["if-match: \"1\""];
    assert_eq!(
        shop.call(Who::Other, &put, &if_match, &body).await.status,
        404
    );
    let changed = shop.call(Who::Customer, &put, &if_match, &body).await;
    assert_eq!((changed.status, changed.header("etag")), (200, "\"2\""));
    assert_eq!(
        shop.call(Who::Customer, &put, &if_match, &body)
            .await
            .status,
        412
    );
    assert_eq!(
        shop.call(Who::Other, &format!("{delete}?version=2"), &[], "")
            .await
            .status,
        404
    );
    assert_eq!(
        shop.call(Who::Customer, &format!("{delete}?version=2"), &[], "")
            .await
            .status,
        204
    );
    let list = shop.get(Who::Nobody, &path).await;
    assert!(list.body["data"].as_array().unwrap().is_empty());
    assert_eq!(
        shop.post(Who::Customer, &path, json!({"rating": 3}))
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn prices_are_told_to_everybody_and_an_old_address_still_leads_here() {
    let (shop, id) = shop().await;
    let product = format!("/api/v1/products/{id}");
    let patch = json!({"price": 2, "slug": "green-tea", "version": 1});
    assert_eq!(
        shop.call(Who::Merchant, &format!("PATCH {product}"), &[], &patch)
            .await
            .status,
        200
    );
    let prices = shop.get(Who::Nobody, &format!("{product}/prices")).await;
    let minors: Vec<_> = prices.body["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["price"]["amount"])
        .collect();
    assert_eq!(minors, [200, 100]);
    assert_eq!(
        prices.body["data"][0].get("actor"),
        None,
        "not for everybody"
    );
    let moved = shop.get(Who::Nobody, "/api/v1/products/tea").await;
    assert_eq!((moved.status, moved.text("slug")), (200, "green-tea"));
}
