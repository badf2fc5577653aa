//! How a process ends: it says so first, goes on for a while, finishes what is open, and is gone. And what it
//! says of itself before.

use crate::{
    door::{Door, until},
    node::{Node, Reply},
};
use std::sync::Arc;
use testkit::{Client, Running, raw};
use tokio::sync::Semaphore;

const LONG: (&str, &str) = ("SOUK_HTTP__SHUTDOWN_DELAY_MS", "60000");
const DEMO: (&str, &str) = ("SOUK_SHOP__DEMO", "false");
const OPS: (&str, &str) = ("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0");

async fn shop(settings: &[(&str, &str)]) -> (Running, String) {
    let arguments = ["serve", "--ephemeral", "--listen", "127.0.0.1:0"];
    let mut shop = Running::start(&arguments, &[&[DEMO, OPS], settings].concat());
    let url = shop.after("listening on ").await;
    (shop, url)
}

#[tokio::test]
async fn a_shop_says_how_everything_is_that_it_depends_on() {
    let (mut shop, url) = shop(&[]).await;
    let client = Client::new(&url);
    assert_eq!(client.get("/readyz").await.text, "ready");
    let verbose = client.get("/readyz?verbose").await;
    assert_eq!(verbose.status, 200);
    assert_eq!(verbose.json["ready"], true);
    let checks = verbose.json["checks"].as_array().unwrap();
    let names: Vec<&str> = checks
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    assert_eq!(
        names,
        [
            "store",
            "orders-store",
            "webhooks-store",
            "payments-store",
            "identity-store",
            "keys",
            "bus",
            "clock"
        ]
    );
    assert!(
        checks
            .iter()
            .all(|one| one["state"] == "well" && one["latency_us"].is_u64())
    );
    assert!(shop.stop().await);
}

#[tokio::test]
async fn a_stop_is_announced_and_requests_are_answered_until_the_socket_closes() {
    let (mut shop, url) = shop(&[LONG]).await;
    let client = Client::new(&url);
    shop.signal("TERM").await;
    until("it says that it stops", || async {
        client.get("/readyz").await.status == 503
    })
    .await;
    let told = client.get("/readyz").await;
    assert_eq!(told.code(), "unavailable");
    assert_eq!(told.json["reasons"][0], "draining");
    assert_eq!(client.get("/readyz?verbose").await.json["draining"], true);
    assert_eq!(client.get("/livez").await.status, 200, "it lives");
    let request = b"GET /version HTTP/1.1\r\nhost: shop\r\n\r\n";
    // This ends only if the shop closes the connection: it was not asked to.
    let answer = raw(&url, request).await.unwrap();
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    // A second signal is an order.
    shop.signal("TERM").await;
    assert!(!shop.ended().await.success());
}

#[tokio::test]
async fn what_is_open_is_finished_before_the_end() {
    let node = Node::start("slow").await;
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    node.does(move |_| Reply::Wait(Arc::clone(&held)));
    let settings = [
        ("SOUK_HTTP__SHUTDOWN_DELAY_MS", "0"),
        ("SOUK_BALANCE__RETRY__TRY_MS", "10000"),
    ];
    let mut door = Door::before_with(&[&node], &settings).await;
    let client = door.client();
    let open = client.get("/open");
    let stop = async {
        until("it is at work", || async { node.count() == 1 }).await;
        door.process.signal("TERM").await;
        let url = door.url.trim_start_matches("http://").to_owned();
        until("nobody new gets in", || async {
            tokio::net::TcpStream::connect(&url).await.is_err()
        })
        .await;
        gate.add_permits(1);
        door.process.ended().await
    };
    let (answer, ended) = tokio::join!(open, stop);
    assert_eq!((answer.status, answer.text.as_str()), (200, "slow"));
    assert!(ended.success());
}

#[tokio::test]
async fn what_came_into_the_socket_s_queue_is_answered_too() {
    let (mut shop, url) = shop(&[("SOUK_HTTP__SHUTDOWN_DELAY_MS", "0")]).await;
    // It stands still: what connects now waits in the queue, and so does the signal.
    shop.signal("STOP").await;
    let status = format!("/proc/{}/status", shop.process_id());
    let stands = || async {
        let text = std::fs::read_to_string(&status).expect("it runs, and this is Linux");
        text.contains("State:\tT")
    };
    until("it stands still", stands).await;
    let request = b"GET /version HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n";
    let asking = futures_util::future::join_all((0..10).map(|_| raw(&url, request)));
    let going_on = async {
        shop.signal("TERM").await;
        let queued = || async { in_queue(&url) >= 10 };
        until("all are in the queue", queued).await;
        shop.signal("CONT").await;
        shop.ended().await
    };
    let (answers, ended) = tokio::join!(asking, going_on);
    let statuses: Vec<u16> = answers
        .iter()
        .flatten()
        .map(|answer| answer.status)
        .collect();
    assert_eq!(statuses, [200; 10]);
    assert!(ended.success());
}

/// How many connections to this address are made and not accepted yet, as the kernel counts them.
fn in_queue(url: &str) -> usize {
    let port: u16 = url
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .unwrap();
    let listening = format!(":{port:04X} 00000000:0000 0A ");
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let line = table
        .lines()
        .find(|line| line.contains(&listening))
        .unwrap();
    let queues = line.split_whitespace().nth(4).unwrap();
    usize::from_str_radix(queues.split(':').nth(1).unwrap(), 16).unwrap()
}
