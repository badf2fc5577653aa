//! The power goes while the shop is at work, on a disk that forgets what was not synced. Whatever was acknowledged
//! is there afterwards; and a test that could not notice a loss is no test, so one has to.

use crate::{
    load::Load,
    matrix::{Ending, endure},
    operation::Operation,
};
use futures_util::future::join;
use rusqlite::Connection;
use std::sync::atomic::Ordering;
use testkit::{Build, Disk, Shop, Unsynced};

const SETTINGS: [(&str, &str); 3] = [
    ("SOUK_LOG_LEVEL", "off"),
    ("SOUK_PAYMENTS__SANDBOX_SLOW_MS", "20"),
    // So often that the power also goes while the log is copied back.
    ("SOUK_SQLITE__WAL_CHECKPOINT_PAGES", "40"),
];

async fn open_on(disk: &Disk) -> Shop {
    Shop::start_in(&disk.path().join("shop"), Build::FailPoints, &SETTINGS).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_power_loss_takes_nothing_that_was_acknowledged() {
    let mut disk = Disk::default();
    let mut shop = open_on(&disk).await;
    let mut load = Load::prepare(&mut shop).await;
    let mut lost = 0;
    let rounds = [
        (1, Unsynced::Lost),
        (40, Unsynced::Lost),
        (60, Unsynced::Chance(1)),
        (23, Unsynced::Chance(2)),
        (111, Unsynced::Chance(3)),
        (77, Unsynced::Chance(4)),
    ];
    for (round, (acknowledged, unsynced)) in rounds.into_iter().enumerate() {
        let enough = load.acknowledged(acknowledged);
        let losing_power = async {
            enough.await;
            load.may_fail.store(true, Ordering::SeqCst);
            disk.lose_power(unsynced);
            shop.kill().await;
        };
        let (answered, ()) = join(load.run(round), losing_power).await;
        load.keep(answered);
        lost += load.lost();
        disk.restore_power();
        shop.restart().await;
        load.follow(&shop);
        load.check_acknowledged().await;
        load.send_lost_again().await;
        load.check_counts().await;
        shop.verify().await;
    }
    assert!(lost > 0, "nothing was under way whenever the power went");
    load.check_settled().await;
    shop.verify().await;
    println!(
        "power loss: {} rounds, {lost} requests under way, {} syncs",
        rounds.len(),
        disk.syncs()
    );
    shop.kill().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_placed_and_paid_once_wherever_the_power_goes() {
    endure(Operation::Buy, Ending::PowerLoss).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paid_order_is_cancelled_and_its_money_comes_back_once_wherever_the_power_goes() {
    endure(Operation::CancelPaid, Ending::PowerLoss).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unpaid_order_expires_once_wherever_the_power_goes() {
    endure(Operation::Expire, Ending::PowerLoss).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_only_says_that_it_synced_loses_orders_and_we_notice() {
    let mut disk = Disk::default();
    let mut shop = open_on(&disk).await;
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 100).await;
    let ann = shop.customer("ann").await;
    let kept = ann.order("kept", &product, 1).await;
    disk.lie();
    let mut gone = Vec::new();
    for number in 0..20 {
        let order = ann.order(&format!("gone{number}"), &product, 1).await;
        assert_eq!(order.status, 201, "{}", order.text);
        gone.push(order.str("/id").to_owned());
    }
    disk.lose_power(Unsynced::Lost);
    shop.kill().await;
    disk.restore_power();
    shop.restart().await;
    let ann = ann.at(shop.url());
    let status = |id: String| {
        let ann = ann.clone();
        async move { ann.get(&format!("/api/v1/orders/{id}")).await.status }
    };
    assert_eq!(status(kept.str("/id").to_owned()).await, 200);
    for id in gone {
        assert_eq!(status(id).await, 404, "what was not synced is not there");
    }
    shop.kill().await;
}

#[test]
fn of_the_ways_to_sync_only_the_one_we_use_keeps_what_was_committed() {
    for (synchronous, is_safe) in [("FULL", true), ("NORMAL", false), ("OFF", false)] {
        let mut disk = Disk::default();
        let path = disk.path().join("rows.sqlite");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch(&format!(
                "PRAGMA journal_mode = WAL;
                 PRAGMA synchronous = {synchronous};
                 CREATE TABLE rows (number INTEGER PRIMARY KEY) STRICT;"
            ))
            .unwrap();
        for number in 1..=200 {
            writer
                .execute("INSERT INTO rows VALUES (?1)", [number])
                .unwrap();
        }
        disk.lose_power(Unsynced::Lost);
        drop(writer);
        disk.restore_power();
        let reader = Connection::open(&path).unwrap();
        let count = reader.query_row("SELECT COUNT(*) FROM rows", [], |row| row.get(0));
        let count: i64 = count.unwrap_or(0);
        println!("power loss, synchronous = {synchronous}: {count} of 200 rows kept");
        assert_eq!(
            count == 200,
            is_safe,
            "synchronous = {synchronous}: {count} rows"
        );
        drop(reader);
    }
}
