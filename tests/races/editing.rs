//! Editors and storekeepers at once: of many who saw one state, one changes it. Never a lost update.

use crate::{ground::Ground, outcomes};
use contracts::values::Timestamp;
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::{Answer, Client};

async fn adjust(admin: &Client, change: Value) -> Answer {
    admin
        .post("/api/v1/inventory/adjust", &json!({"changes": [change]}))
        .await
}

async fn of_64_editors_with_one_version_one_wins_and_the_others_are_told_the_version(
    mut shop: Ground,
) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 5).await;
    let path = format!("/api/v1/products/{product}");
    let tag = admin.get(&path).await.header("etag").to_owned();
    let puts = (0..64).map(|number| {
        let mut body = json!({"name": format!("Tea {number}"), "price": {"amount": 1_000 + number, "currency": "USD"}});
        let mut request = admin.request(reqwest::Method::PUT, &path);
        if number % 2 == 0 {
            body["version"] = json!(1);
        } else {
            request = request.header("if-match", &tag);
        }
        admin.send(request.json(&body))
    });
    let answers = join_all(puts).await;
    let (won, lost): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((won.len(), lost.len()), (1, 63), "{:?}", outcomes(&answers));
    for answer in lost {
        let stale = [(409, "version_conflict"), (412, "precondition_failed")];
        assert!(
            stale.contains(&(answer.status, answer.code())),
            "{}",
            answer.text
        );
        assert_eq!(answer.int("/current_version"), 2);
    }
    let is_changed = |now: &Answer| now.int("/version") == 2;
    let now = shop.shown(&path, is_changed).await;
    assert_eq!(now.str("/name"), won[0].str("/name"));
    shop.has_stock(&product, (5, 0, 5)).await;
    shop.verify().await;
}

async fn of_50_who_take_one_of_30_away_30_do(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 30).await;
    let takes = (0..50).map(|_| {
        adjust(
            &admin,
            json!({"sku": "tea", "delta": -1, "reason": "damaged"}),
        )
    });
    let answers = join_all(takes).await;
    let expected = BTreeMap::from([((200, ""), 30), ((409, "insufficient_stock"), 20)]);
    assert_eq!(outcomes(&answers), expected);
    shop.has_stock(&product, (0, 0, 0)).await;
    shop.verify().await;
}

async fn of_16_who_counted_the_same_stock_one_sets_it(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 30).await;
    let counts = (0..16).map(|number| {
        adjust(
            &admin,
            json!({"sku": "tea", "set": 40 + number, "expected": 30, "reason": "count"}),
        )
    });
    let answers = join_all(counts).await;
    let expected = BTreeMap::from([((200, ""), 1), ((409, "stock_changed"), 15)]);
    assert_eq!(outcomes(&answers), expected);
    let (on_hand, ..) = admin.stock(&product).await;
    for answer in answers {
        let told = if answer.status == 200 {
            answer.int("/data/0/on_hand")
        } else {
            answer.int("/on_hand")
        };
        assert_eq!(told, on_hand, "{}", answer.text);
    }
    shop.verify().await;
}

async fn what_goes_on_sale_in_a_moment_is_sold_then_and_not_before(mut shop: Ground) {
    let admin = shop.admin().await;
    let tea = admin.sell("tea", 1_999, 1).await;
    let tea = admin.get(&format!("/api/v1/products/{tea}")).await;
    // What the shop's clock says now.
    let now: Timestamp = serde_json::from_value(tea.json["created_at"].clone()).expect("a time");
    let from = now.plus_seconds(2);
    let body = json!({"name": "Lantern", "price": 100, "stock": 5, "publish_at": from});
    let made = admin.post("/api/v1/products", &body).await;
    assert_eq!(
        (made.status, made.str("/status")),
        (201, "draft"),
        "{}",
        made.text
    );
    let product = made.str("/id");
    let early = admin.order("early", product, 1).await;
    assert_eq!((early.status, early.code()), (422, "product_unavailable"));
    let path = format!("/api/v1/products/{product}");
    shop.visitor()
        .get_until(&path, |now| now.status == 200)
        .await;
    let bought = admin.order("then", product, 1).await;
    assert_eq!(bought.status, 201, "{}", bought.text);
    shop.verify().await;
}

/// Some may find all seats taken; they are told so, and none of them has half a picture.
async fn of_20_who_send_the_same_picture_one_adds_it(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 1).await;
    let answers = join_all((0..20).map(|_| admin.show(&product))).await;
    let (added, busy): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert!(busy.iter().all(|answer| answer.code() == "overloaded"));
    let fresh = added
        .iter()
        .filter(|answer| answer.header("idempotent-replayed").is_empty())
        .count();
    assert_eq!(fresh, 1, "{:?}", outcomes(&answers));
    let path = format!("/api/v1/products/{product}");
    let has_it = |now: &Answer| now.json["images"] == json!([added[0].json]);
    shop.shown(&path, has_it).await;
    for _ in 0..2 {
        let file = shop.visitor().get(added[0].str("/full/url")).await;
        assert_eq!(
            (file.status, file.header("content-type")),
            (200, "image/jpeg")
        );
    }
}

on_both_grounds! {
    of_20_who_send_the_same_picture_one_adds_it,
    what_goes_on_sale_in_a_moment_is_sold_then_and_not_before,
    of_64_editors_with_one_version_one_wins_and_the_others_are_told_the_version,
    of_50_who_take_one_of_30_away_30_do,
    of_16_who_counted_the_same_stock_one_sets_it,
}
