//! The clock through the router: a product is there from its moment on, in lists and by itself, without anybody's help.

use super::{NOW, Shop, Who};
use serde_json::json;

#[tokio::test]
async fn a_product_is_seen_from_its_moment_on_and_until_the_other() {
    let shop = Shop::forgetful().await;
    let (from, until) = (NOW.plus_seconds(60), NOW.plus_seconds(120));
    let wish = json!({"name": "Lantern", "price": 1, "publish_at": from, "unpublish_at": until});
    let made = shop.product(wish).await;
    assert_eq!(
        (made.text("status"), made.text("publish_at")),
        ("draft", "2027-01-15T08:01:00Z")
    );
    let path = format!("/api/v1/products/{}", made.text("id"));
    let mut tags = Vec::new();
    for (status, code, rows) in [("draft", 404, 0), ("active", 200, 1), ("draft", 404, 0)] {
        assert_eq!(shop.get(Who::Nobody, &path).await.status, code, "{status}");
        assert_eq!(shop.get(Who::Other, &path).await.status, code);
        let own = shop.get(Who::Merchant, &path).await;
        assert_eq!(own.text("status"), status);
        tags.push(own.header("etag").to_owned());
        let list = shop.get(Who::Nobody, "/api/v1/products?q=lantern").await;
        assert_eq!(list.body["data"].as_array().unwrap().len(), rows);
        shop.clock.advance_seconds(60);
    }
    tags.dedup();
    assert_eq!(tags, ["\"1-1\"", "\"1-2\"", "\"1-3\""]);
    let put = json!({"name": "Lantern", "price": 1, "version": 1});
    let put = shop
        .call(Who::Merchant, &format!("PUT {path}"), &[], put)
        .await;
    assert_eq!(
        (put.status, put.text("status")),
        (200, "draft"),
        "it is over"
    );
}

#[tokio::test]
async fn what_is_read_can_be_written_back_before_and_after_its_moment() {
    let shop = Shop::forgetful().await;
    let other = shop.product(json!({"name": "Oil", "price": 1})).await;
    let from = NOW.plus_seconds(60);
    let wish =
        json!({"name": "Lantern", "price": 1, "publish_at": from, "related": [other.text("id")]});
    let made = shop.product(wish).await;
    let path = format!("/api/v1/products/{}", made.text("id"));
    for status in ["draft", "draft", "active", "active"] {
        let seen = shop.get(Who::Merchant, &path).await.body;
        assert_eq!(seen["status"], status);
        let mut wish = json!({});
        for name in [
            "name",
            "price",
            "status",
            "publish_at",
            "unpublish_at",
            "related",
            "version",
        ] {
            wish[name] = seen[name].clone();
        }
        let put = shop
            .call(Who::Merchant, &format!("PUT {path}"), &[], &wish)
            .await;
        assert_eq!((put.status, &put.body["status"]), (200, &seen["status"]));
        assert_eq!(put.body["publish_at"], seen["publish_at"]);
        assert_eq!(put.body["related"], json!([other.text("id")]));
        shop.clock.advance_seconds(35);
    }
}

#[tokio::test]
async fn moments_in_the_wrong_order_and_relations_to_nothing_are_refused() {
    let shop = Shop::forgetful().await;
    let nothing = "prd_01h455vb4pex5vsknk084sn02q";
    for (name, value, refusal) in [
        (
            "unpublish_at",
            json!(NOW.plus_seconds(60)),
            "422 validation_failed /unpublish_at",
        ),
        (
            "publish_at",
            json!("tomorrow"),
            "422 validation_failed /publish_at",
        ),
        (
            "related",
            json!([nothing]),
            "422 validation_failed /related",
        ),
        (
            "related",
            json!([nothing, nothing]),
            "422 validation_failed /related",
        ),
        ("related", json!(["x"]), "400 malformed /related/0"),
    ] {
        let mut wish = json!({"name": "Lantern", "price": 1, "publish_at": NOW.plus_seconds(60)});
        wish[name] = value;
        let refused = shop.post(Who::Merchant, "/api/v1/products", wish).await;
        assert_eq!(refused.refusal(), refusal);
    }
}
