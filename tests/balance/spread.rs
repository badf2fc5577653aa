//! Who gets the next request: all in turn, the ill ones not, the new ones little by little.

use crate::{
    door::{Door, until},
    node::{Node, Reply},
};
use futures_util::future::join_all;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use testkit::Folder;
use tokio::sync::Semaphore;

async fn three() -> [Node; 3] {
    [
        Node::start("one").await,
        Node::start("two").await,
        Node::start("three").await,
    ]
}

#[tokio::test]
async fn every_node_gets_a_share() {
    let nodes = three().await;
    let door = Door::before(&nodes.each_ref()).await;
    let asked = AtomicU64::new(0);
    // A node that was slow once is asked less for a while, and then again.
    until("each has had some", || async {
        assert_eq!(door.get("/who").await.status, 200);
        asked.fetch_add(1, Ordering::Relaxed);
        nodes.iter().all(|node| node.count() > 5)
    })
    .await;
    let counted = door.counted("souk_upstream_attempts_total{role=\"node\",result=\"answered\"}");
    assert_eq!(counted.await, asked.into_inner());
}

#[tokio::test]
async fn whoever_has_much_to_do_gets_less() {
    let (busy, idle) = (Node::start("busy").await, Node::start("idle").await);
    let settings = [("SOUK_BALANCE__RETRY__TRY_MS", "30000")];
    let door = Door::before_with(&[&busy, &idle], &settings).await;
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    busy.does(move |_| Reply::Wait(Arc::clone(&held)));
    let client = door.client();
    let first = join_all((0..4).map(|_| client.get("/first")));
    let rest = async {
        until(
            "one is known to be quick, the other still at work",
            || async {
                let (quick, slow) = (door.service(&idle).await, door.service(&busy).await);
                let is_quick = quick["in_flight"] == 0 && quick["latency_us"].as_u64() > Some(0);
                is_quick && slow["in_flight"].as_u64() > Some(0)
            },
        )
        .await;
        for _ in 0..20 {
            assert_eq!(client.get("/rest").await.text, "idle");
        }
        gate.add_permits(4);
    };
    let (answers, ()) = tokio::join!(first, rest);
    assert!(answers.iter().all(|answer| answer.status == 200));
}

#[tokio::test]
async fn a_node_whose_answers_fail_is_left_out_and_comes_back() {
    let nodes = three().await;
    nodes[0].does(|_| Reply::Status(500, ""));
    let settings = [
        ("SOUK_BALANCE__EJECT__FIRST_MS", "1500"),
        // A failure is forgotten at once, so that the ill one is asked often enough to be found out.
        ("SOUK_BALANCE__DECAY_MS", "0"),
    ];
    let door = Door::before_with(&nodes.each_ref(), &settings).await;
    until("the ill one is left out", || async {
        drop(door.get("/who").await);
        door.service(&nodes[0]).await["ejected"] == true
    })
    .await;
    let before = nodes[0].count();
    for _ in 0..20 {
        assert_eq!(door.get("/who").await.status, 200);
    }
    assert_eq!(nodes[0].count(), before, "it gets nothing");
    nodes[0].does(|_| Reply::Status(200, ""));
    until("it gets work again", || async {
        assert_eq!(door.get("/who").await.status, 200);
        nodes[0].count() > before
    })
    .await;
    assert_eq!(
        door.counted("souk_upstream_ejections_total{role=\"node\"}")
            .await,
        1
    );
}

#[tokio::test]
async fn never_more_than_half_are_left_out() {
    let nodes = three().await;
    for node in &nodes {
        node.does(|_| Reply::Status(500, ""));
    }
    let settings = [("SOUK_BALANCE__EJECT__FIRST_MS", "60000")];
    let door = Door::before_with(&nodes.each_ref(), &settings).await;
    for _ in 0..60 {
        assert_eq!(door.get("/who").await.status, 500);
    }
    let ejections = door
        .counted("souk_upstream_ejections_total{role=\"node\"}")
        .await;
    assert_eq!(ejections, 1, "of three, one");
}

#[tokio::test]
async fn a_new_node_gets_more_and_more() {
    let (old, new) = (Node::start("old").await, Node::start("new").await);
    let files = Folder::default();
    let path = files.write("nodes", format!("{}\n", old.address));
    let settings = [
        ("SOUK_BALANCE__SLOW_START_MS", "2000"),
        ("SOUK_BALANCE__DISCOVER__FILE_EVERY_MS", "20"),
    ];
    let door = Door::at(&format!("[\"file:{path}\"]"), &settings).await;
    assert_eq!(door.get("/who").await.text, "old");
    files.write("nodes", format!("{}\n{}\n", old.address, new.address));
    until("the new one is known", || async {
        door.service(&new).await["state"] == "ready"
    })
    .await;
    let weight = door.service(&new).await["weight_percent"].as_u64();
    assert!(weight < Some(100), "{weight:?}");
    until("it has its whole share", || async {
        door.service(&new).await["weight_percent"] == 100
    })
    .await;
    assert_eq!(door.service(&old).await["weight_percent"], 100);
}

#[tokio::test]
async fn whoever_says_that_it_stops_gets_nothing_more_and_finishes_what_it_has() {
    let (leaving, staying) = (Node::start("leaving").await, Node::start("staying").await);
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    leaving.does(move |seen| match seen.path.as_str() {
        "/open" => Reply::Wait(Arc::clone(&held)),
        _ => Reply::Status(200, ""),
    });
    let settings = [("SOUK_BALANCE__RETRY__TRY_MS", "10000")];
    let door = Door::before_with(&[&leaving, &staying], &settings).await;
    let open = join_all((0..8).map(|_| door.send("GET", "/open", &[], "")));
    let stop = async {
        until("the leaving one has work", || async { leaving.count() > 0 }).await;
        leaving.says(503);
        until("it is seen to leave", || async {
            door.service(&leaving).await["state"] == "draining"
        })
        .await;
        let before = leaving.count();
        for _ in 0..30 {
            assert_eq!(door.get("/who").await.text, "staying");
        }
        assert_eq!(leaving.count(), before);
        gate.add_permits(100);
    };
    let (answers, ()) = tokio::join!(open, stop);
    for answer in answers {
        assert_eq!(answer.unwrap().0, 200, "what was open is finished");
    }
    leaving.says(200);
    until("it is back", || async {
        door.service(&leaving).await["state"] == "ready"
    })
    .await;
}
