//! A disk that fails a sync, and a disk that is full: the shop stops or says so, and never answers that something
//! was done which the disk did not confirm.

use std::{os::unix::process::ExitStatusExt, path::PathBuf};
use testkit::{Build, Client, Disk, Shop, Unsynced};

const SIGABRT: i32 = 6;

fn folder(disk: &Disk) -> PathBuf {
    disk.path().join("shop")
}

async fn open_on(disk: &Disk) -> (Shop, Client, Client, String) {
    let settings = [("SOUK_LOG_LEVEL", "off")];
    let mut shop = Shop::start_in(&folder(disk), Build::FailPoints, &settings).await;
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 1_000).await;
    let ann = shop.customer("ann").await;
    (shop, admin, ann, product)
}

/// An order; nothing if no answer came.
async fn try_order(buyer: &Client, key: &str, product: &str) -> Option<u16> {
    let body = serde_json::json!({"items": [{"product_id": product, "quantity": 1}]});
    let request = buyer.request(reqwest::Method::POST, "/api/v1/orders");
    let request = request.header("idempotency-key", key).json(&body);
    buyer
        .try_send(request)
        .await
        .ok()
        .map(|answer| answer.status)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_stops_the_shop_and_what_it_answers_later_is_safe_all_the_same() {
    // The first sync of an order is that of its reservation, the second its own.
    for syncs in 0..2 {
        fail_sync_after(syncs).await;
    }
}

async fn fail_sync_after(syncs: u64) {
    let mut disk = Disk::default();
    let (mut shop, admin, ann, product) = open_on(&disk).await;
    let before = ann.order("before", &product, 1).await;
    assert_eq!(before.status, 201, "{}", before.text);
    disk.fail_sync_after(syncs);
    assert_eq!(
        try_order(&ann, "unsure", &product).await,
        None,
        "nothing was confirmed"
    );
    assert!(disk.has_failed());
    assert_eq!(shop.ended().await.signal(), Some(SIGABRT));
    // The machine stays on: its cache still shows the pages that the disk never took.
    shop.restart().await;
    let (ann, admin) = (ann.at(shop.url()), admin.at(shop.url()));
    let mut acknowledged = vec![before.str("/id").to_owned()];
    for key in ["unsure", "after1", "after2"] {
        let order = ann.order(key, &product, 1).await;
        assert_eq!(order.status, 201, "{}", order.text);
        acknowledged.push(order.str("/id").to_owned());
    }
    disk.lose_power(Unsynced::Lost);
    shop.kill().await;
    disk.restore_power();
    shop.restart().await;
    let (ann, admin) = (ann.at(shop.url()), admin.at(shop.url()));
    for id in acknowledged {
        let order = ann.get(&format!("/api/v1/orders/{id}")).await;
        assert_eq!(order.status, 200, "lost: {}", order.text);
    }
    assert_eq!(admin.stock(&product).await, (1_000, 4, 996));
    shop.verify().await;
    shop.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_serves_reads_and_recovers_by_itself() {
    let disk = Disk::default();
    let (mut shop, admin, ann, product) = open_on(&disk).await;
    disk.leave_room(1_024 * 1_024);
    let mut placed = 0;
    let refused = loop {
        match try_order(&ann, &format!("k{placed}"), &product).await {
            Some(201) => placed += 1,
            other => break other,
        }
        assert!(placed < 1_000, "the disk never filled up");
    };
    assert!(matches!(refused, Some(503 | 507)), "{refused:?}");
    for number in 0..5 {
        let status = try_order(&ann, &format!("full{number}"), &product).await;
        assert!(matches!(status, Some(503 | 507)), "{status:?}");
    }
    let shown = ann.get(&format!("/api/v1/products/{product}")).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    let orders = ann.get("/api/v1/orders?limit=1").await;
    assert_eq!(orders.status, 200, "{}", orders.text);
    disk.make_room();
    // Whatever was refused is done when it is asked for again, with the same key.
    assert_eq!(
        try_order(&ann, &format!("k{placed}"), &product).await,
        Some(201)
    );
    assert!(!shop.has_ended());
    let (on_hand, reserved, _) = admin.stock(&product).await;
    assert_eq!((on_hand, reserved), (1_000, placed + 1));
    shop.verify().await;
    println!("full disk: {placed} orders before, {refused:?} then, and on without a restart");
    shop.kill().await;
}
