//! News of an order come through a door that keeps nothing, from pages that keep nothing.

use crate::world::{ALL_APART, Apart};
use reqwest::Method;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

/// Longer than news take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_order_s_page_hears_of_its_steps_where_every_part_is_a_node_of_its_own() {
    let Some(mut apart) = Apart::start(ALL_APART).await else {
        return;
    };
    let admin = apart.admin().await;
    let tea = admin.sell("TEA-1", 1_999, 9).await;
    let order = admin.buy("k1", &tea, 1, "tok_ok").await;
    let id = order.str("/id");
    let news = admin.request(Method::GET, &format!("/order/{id}/news?seen=0"));
    let mut stream = news.send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let mut heard = String::new();
    for (verb, said) in [("", "\"paid\""), ("ship", "\"shipped\"")] {
        if !verb.is_empty() {
            let path = format!("/api/v1/orders/{id}/{verb}");
            assert_eq!(admin.post(&path, &json!({})).await.status, 200);
        }
        let hearing = async {
            while !heard.contains(said) {
                let more = stream.chunk().await.unwrap().unwrap();
                heard.push_str(&String::from_utf8_lossy(&more));
            }
        };
        timeout(PATIENCE, hearing).await.unwrap();
    }
    let ended = admin.delete("/api/v1/me/sessions", None).await;
    assert!(ended.status < 300, "{}", ended.text);
    let ending = async { while stream.chunk().await.unwrap().is_some() {} };
    timeout(PATIENCE, ending).await.unwrap();
}
