//! Returns at once: no more comes back than was sent, each is received once, and its money goes back once.

use crate::{ground::Ground, outcomes};
use futures_util::future::join_all;
use serde_json::json;
use std::collections::BTreeMap;
use testkit::Provider;

async fn of_twenty_returns_at_once_no_more_comes_back_than_was_sent(mut shop: Ground) {
    let admin = shop.admin().await;
    let ann = shop.customer("ann").await;
    let product = admin.sell("tea", 1_000, 100).await;
    let order = ann.buy("k", &product, 5, "tok_ok").await;
    let orders = format!("/api/v1/orders/{}", order.str("/id"));
    let parcel = json!({"lines": [{"line": 1, "quantity": 3}]});
    let sent = admin.post(&format!("{orders}/shipments"), &parcel).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    let path = format!("{orders}/returns");
    let wish = json!({"lines": [{"line": 1, "quantity": 1}], "reason": "too strong"});
    let keys: Vec<String> = (0..20).map(|number| format!("r{number}")).collect();
    let asked = keys.iter().map(|key| ann.post_with_key(&path, key, &wish));
    let asked = join_all(asked).await;
    let counted = [((201, ""), 3), ((422, "validation_failed"), 17)];
    assert_eq!(outcomes(&asked), BTreeMap::from(counted));
    let twins = shop.twins(|| ann.post_with_key(&path, "r", &wish)).await;
    assert!(twins.iter().all(|twin| twin.status == 422));
    let ids: Vec<String> = asked
        .iter()
        .filter(|one| one.status == 201)
        .map(|one| one.str("/id").to_owned())
        .collect();
    for (place, id) in ids.iter().enumerate() {
        let nothing = json!({});
        let approved = admin.post(&format!("{path}/{id}/approve"), &nothing).await;
        assert_eq!(approved.status, 200, "{}", approved.text);
        let came = if place == 0 {
            json!({"written_off": [1]})
        } else {
            nothing
        };
        let receive = format!("{path}/{id}/receive");
        let twins = shop.twins(|| admin.post(&receive, &came)).await;
        assert!(
            twins.iter().all(|twin| twin.status == 200),
            "{}",
            twins[0].text
        );
    }
    let all_back = |seen: &testkit::Answer| {
        let returns = seen.json["data"].as_array().cloned().unwrap_or_default();
        returns.len() == 3 && returns.iter().all(|one| one["status"] == "refunded")
    };
    ann.get_until(&path, all_back).await;
    assert_eq!(Provider::of(&admin).net().await, 2_000);
    // Two of the three can be sold again; two were never sent and still can be.
    shop.has_stock(&product, (97, 0, 97)).await;
    let rest = admin.post(&format!("{orders}/ship"), &json!({})).await;
    assert_eq!(
        (rest.status, rest.str("/status")),
        (200, "shipped"),
        "{}",
        rest.text
    );
    shop.verify().await;
}

/// Somebody gives the money of two teas back by hand while their return is on its way; then it comes, whole or broken.
async fn a_return_of_what_a_refund_brought_back_is_not_paid_for_twice(mut shop: Ground) {
    let admin = shop.admin().await;
    let ann = shop.customer("ann").await;
    let (tea, cup) = (
        admin.sell("tea", 1_000, 100).await,
        admin.sell("cup", 5_000, 100).await,
    );
    let shown = admin.get(&format!("/api/v1/products/{tea}")).await;
    let nothing = json!({});
    for (number, came) in [nothing.clone(), json!({"written_off": [1]})]
        .iter()
        .enumerate()
    {
        let items = json!([{"product_id": tea, "quantity": 2}, {"product_id": cup, "quantity": 1}]);
        let wish = json!({"items": items, "payment": {"method": "tok_ok"}});
        let order = ann
            .post_with_key("/api/v1/orders", &format!("k{number}"), &wish)
            .await;
        let order = format!("/api/v1/orders/{}", order.str("/id"));
        let sent = admin.post(&format!("{order}/ship"), &nothing).await;
        assert_eq!(sent.status, 200, "{}", sent.text);
        let wish = json!({"lines": [{"line": 1, "quantity": 2}], "reason": "too strong"});
        let returns = format!("{order}/returns");
        let back = ann.post(&returns, &wish).await.str("/id").to_owned();
        admin
            .post(&format!("{returns}/{back}/approve"), &nothing)
            .await;
        let item = json!({"variant_id": shown.str("/variants/0/id"), "quantity": 2});
        let refund = json!({"items": [item]});
        let path = format!("{order}/refund");
        let refunded = admin
            .post_with_key(&path, &format!("f{number}"), &refund)
            .await;
        assert_eq!(refunded.status, 201, "{}", refunded.text);
        let receive = format!("{returns}/{back}/receive");
        let twins = shop.twins(|| admin.post(&receive, came)).await;
        assert!(
            twins.iter().all(|twin| twin.status == 200),
            "{}",
            twins[0].text
        );
        let is_over = |seen: &testkit::Answer| seen.str("/data/0/status") == "refunded";
        ann.get_until(&returns, is_over).await;
    }
    assert_eq!(Provider::of(&admin).net().await, 2 * 5_000);
    shop.has_stock(&tea, (100, 0, 100)).await;
    shop.verify().await;
}

on_both_grounds! {
    a_return_of_what_a_refund_brought_back_is_not_paid_for_twice,
    of_twenty_returns_at_once_no_more_comes_back_than_was_sent,
}
