//! A disk that fails a sync, and a disk that is full: the shop stops or says so, and never answers that something
//! was done which the disk did not confirm.

use futures_util::{StreamExt, stream};
use std::{os::unix::process::ExitStatusExt, path::PathBuf};
use testkit::{Build, Client, Disk, Shop, Unsynced};

const SIGABRT: i32 = 6;
const AT_A_TIME: usize = 3;

fn folder(disk: &Disk) -> PathBuf {
    disk.path().join("shop")
}

async fn open_on(disk: &Disk) -> (Shop, Client, Client, String) {
    let settings = [
        ("SOUK_LOG_LEVEL", "off"),
        ("SOUK_SQLITE__WAL_CHECKPOINT_PAGES", "8"),
    ];
    let mut shop = Shop::start_in(&folder(disk), Build::FailPoints, &settings).await;
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 1_000).await;
    let ann = shop.customer("ann").await;
    (shop, admin, ann, product)
}

/// An order's id, or why it was refused; nothing if no answer came.
async fn try_order(buyer: &Client, key: &str, product: &str) -> Option<Result<String, u16>> {
    let body = serde_json::json!({"items": [{"product_id": product, "quantity": 1}]});
    let request = buyer.request(reqwest::Method::POST, "/api/v1/orders");
    let request = request.header("idempotency-key", key).json(&body);
    let answer = buyer.try_send(request).await.ok()?;
    Some(match answer.status {
        201 => Ok(answer.str("/id").to_owned()),
        status => Err(status),
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_stops_the_shop_and_what_it_answers_later_is_safe_all_the_same() {
    // The syncs of an order's reservation, of the order itself, and of the log and the file when it is copied back.
    let failing = stream::iter([0, 1, 2, 3, 4, 5, 6, 9, 14]).map(fail_sync_after);
    let answered: Vec<usize> = failing.buffered(AT_A_TIME).collect().await;
    println!(
        "failed sync: {answered:?} orders were acknowledged before the shop stopped, all kept"
    );
}

/// Orders until the sync has failed, and on after a restart; then the power goes. Gives how many were acknowledged
/// before the failure.
async fn fail_sync_after(syncs: u64) -> usize {
    let mut disk = Disk::default();
    let (mut shop, admin, ann, product) = open_on(&disk).await;
    disk.fail_sync_after(syncs);
    let mut acknowledged = Vec::new();
    while let Some(id) = try_order(&ann, &format!("k{}", acknowledged.len()), &product).await {
        acknowledged.push(id.unwrap_or_else(|status| panic!("{status}")));
        assert!(acknowledged.len() < 100, "the sync never came");
    }
    let before = acknowledged.len();
    assert!(disk.has_failed());
    assert_eq!(shop.ended().await.signal(), Some(SIGABRT));
    // The machine stays on: its cache still shows the pages that the disk never took.
    shop.restart().await;
    let (ann, admin) = (ann.at(shop.url()), admin.at(shop.url()));
    for _ in 0..3 {
        let order = try_order(&ann, &format!("k{}", acknowledged.len()), &product).await;
        acknowledged.push(
            order
                .and_then(Result::ok)
                .unwrap_or_else(|| panic!("refused")),
        );
    }
    disk.lose_power(Unsynced::Lost);
    shop.kill().await;
    disk.restore_power();
    shop.restart().await;
    let (ann, admin) = (ann.at(shop.url()), admin.at(shop.url()));
    for id in &acknowledged {
        let order = ann.get(&format!("/api/v1/orders/{id}")).await;
        assert_eq!(order.status, 200, "lost: {}", order.text);
    }
    let units = i64::try_from(acknowledged.len()).unwrap_or_default();
    assert_eq!(admin.stock(&product).await, (1_000, units, 1_000 - units));
    shop.verify().await;
    shop.kill().await;
    before
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_serves_reads_and_recovers_by_itself() {
    let disk = Disk::default();
    let (mut shop, admin, ann, product) = open_on(&disk).await;
    disk.leave_room(1_024 * 1_024);
    let mut placed = 0;
    let refused = loop {
        match try_order(&ann, &format!("k{placed}"), &product).await {
            Some(Ok(_)) => placed += 1,
            other => break other,
        }
        assert!(placed < 1_000, "the disk never filled up");
    };
    assert!(matches!(refused, Some(Err(503 | 507))), "{refused:?}");
    let mut keys = vec![format!("k{placed}")];
    for number in 0..5 {
        keys.push(format!("full{number}"));
        let status = try_order(&ann, &keys[keys.len() - 1], &product).await;
        // A log that begins anew may have room for another.
        assert!(matches!(status, Some(Ok(_) | Err(503 | 507))), "{status:?}");
    }
    let shown = ann.get(&format!("/api/v1/products/{product}")).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let orders = ann.get("/api/v1/orders?limit=1").await;
    assert_eq!(orders.status, 200, "{}", orders.text);
    disk.make_room();
    // Whatever was refused is done when it is asked for again, with the same key; also where the stock was held and
    // the order found no room.
    for key in &keys {
        let again = try_order(&ann, key, &product).await;
        assert!(matches!(again, Some(Ok(_))), "{again:?}");
    }
    assert!(!shop.has_ended());
    let (on_hand, reserved, _) = admin.stock(&product).await;
    assert_eq!((on_hand, reserved), (1_000, placed + 6));
    shop.verify().await;
    println!("full disk: {placed} orders before, {refused:?} then, and on without a restart");
    shop.kill().await;
}
