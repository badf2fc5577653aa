//! While a part is away: what needs it is refused at once and leaves nothing behind, what does not goes on, and all is
//! well by itself when it is back.

use crate::world::{ALL_APART, Apart, DOOR_AND_REST};
use std::time::{Duration, Instant};
use tokio::time::timeout;

#[tokio::test]
async fn without_the_catalog_no_order_is_placed_and_nothing_is_held() {
    let Some(mut apart) = Apart::start(ALL_APART).await else {
        return;
    };
    let admin = apart.admin().await;
    let tea = admin.sell("TEA", 1_250, 5).await;
    apart.node("catalog").kill().await;
    let asked = Instant::now();
    let refused = admin.order("k1", &tea, 1).await;
    assert_eq!(
        (refused.status, refused.code()),
        (503, "dependency_unavailable"),
        "{}",
        refused.text
    );
    assert!(!refused.header("retry-after").is_empty());
    assert!(asked.elapsed() < Duration::from_secs(10));
    let read = admin.get("/api/v1/products").await;
    assert_eq!(
        (read.status, read.code()),
        (502, "upstream_unavailable"),
        "{}",
        read.text
    );
    // What needs no catalog goes on.
    assert_eq!(admin.get("/api/v1/orders").await.status, 200);
    assert_eq!(admin.get("/api/v1/me").await.status, 200);
    apart.node("catalog").restart().await;
    apart.found("catalog");
    let placed = async {
        loop {
            let answer = admin.order("k1", &tea, 1).await;
            if answer.status == 201 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(10), placed).await.unwrap();
    assert_eq!(
        admin.stock(&tea).await,
        (5, 1, 4),
        "held once, by the order that is there"
    );
}

#[tokio::test]
async fn a_door_without_its_services_says_so_and_still_knows_who_asks() {
    let Some(mut apart) = Apart::start(DOOR_AND_REST).await else {
        return;
    };
    let admin = apart.admin().await;
    apart.node("catalog").kill().await;
    let refused = admin.get("/api/v1/orders").await;
    assert_eq!(
        (refused.status, refused.code()),
        (502, "upstream_unavailable"),
        "{}",
        refused.text
    );
    assert_eq!(admin.get("/livez").await.status, 200);
    // A token that is none is told from one whose service is away.
    let visitor = apart.visitor();
    let forged = visitor.request(reqwest::Method::GET, "/api/v1/orders");
    let forged = visitor.send(forged.bearer_auth("a.b.c")).await;
    assert_eq!((forged.status, forged.code()), (401, "invalid_token"));
    apart.node("catalog").restart().await;
    apart.found("catalog");
    let back = async {
        while admin.get("/api/v1/orders").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(10), back).await.unwrap();
}
