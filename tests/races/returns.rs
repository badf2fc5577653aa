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

on_both_grounds! {
    of_twenty_returns_at_once_no_more_comes_back_than_was_sent,
}
