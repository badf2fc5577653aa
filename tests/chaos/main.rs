//! A cluster of real processes under faults: a thousand people buy, pay, call off and give back while nodes die and
//! stand still, the database fails over, the broker forgets, the cache lies and ways are cut. Afterwards every promise
//! is held against what each of them was told. Only real processes, and nothing that could not happen.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    clippy::panic,
    reason = "a test that cannot go on should stop, and one that is done should say what it saw"
)]

mod cluster;
mod crowd;
mod nemesis;
mod report;
mod rolling;
mod street;

use checker::{Line, Operation};
use cluster::Cluster;
use crowd::Crowd;
use nemesis::{Struck, named, plan, strike};
use std::time::{Duration, Instant};
use street::Street;

/// How long faults strike, unless `SOUK_CHAOS_SECONDS` says otherwise.
const SECONDS: u64 = 36;
/// No token lives longer than fifteen minutes.
const SECONDS_MAX: u64 = 720;
/// What the order of faults and what people do follow from, unless `SOUK_CHAOS_SEED` says otherwise.
const SEED: u64 = 1;
const BUYERS: usize = 1_000;
/// How long a buyer rests at most between two things: a thousand of them, on the machine that all of this runs on.
const REST: Duration = Duration::from_secs(16);
/// Between two faults, after the first order that was asked for since.
const BREATH: Duration = Duration::from_millis(500);
/// How long nobody's order may be taken.
const GAP_MAX: Duration = Duration::from_secs(10);

fn set(name: &str, otherwise: u64) -> u64 {
    let said = std::env::var(name).ok();
    said.map_or(otherwise, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}"))
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_goes_wrong_in_a_cluster_every_promise_holds() {
    let (seed, seconds) = (
        set("SOUK_CHAOS_SEED", SEED),
        set("SOUK_CHAOS_SECONDS", SECONDS),
    );
    let seconds = seconds.min(SECONDS_MAX);
    println!(
        "again: SOUK_CHAOS_SEED={seed} SOUK_CHAOS_SECONDS={seconds} cargo nextest run -p system-tests --test chaos"
    );
    let Some(mut cluster) = Cluster::start(testkit::binary()).await else {
        return;
    };
    let street = Street::open(&cluster, BUYERS, REST).await;
    let crowd = Crowd::gather(&street, seed);
    crowd.has_bought(&street, 50).await;
    let struck = storm(&mut cluster, &street, seed, Duration::from_secs(seconds)).await;
    crowd.go_home().await;
    let settled = settle(&mut cluster, &street, seed).await;
    let (operations, _) = street.town.record.take();
    report::print(&operations, &struck, settled);
    let is_slow = |one: &&Struck| report::gap(&operations, one) > GAP_MAX;
    let slow: Vec<&str> = struck
        .iter()
        .filter(is_slow)
        .map(|one| one.name.as_str())
        .collect();
    assert!(
        slow.is_empty(),
        "nobody's order was taken for too long: {slow:?}"
    );
}

/// Faults strike, one after the other, until the time is over.
async fn storm(cluster: &mut Cluster, street: &Street, seed: u64, time: Duration) -> Vec<Struck> {
    let (began, record) = (Instant::now(), &street.town.record);
    let mut struck = Vec::new();
    for (fault, node) in plan(seed) {
        if began.elapsed() >= time {
            break;
        }
        let (name, from) = (named(fault, node), record.now());
        note(street, &name);
        strike(cluster, fault, node).await;
        let healed = record.now();
        note(street, "healed");
        let is_new = |one: &Operation| one.start >= healed && one.order().is_some();
        cluster::until("an order is taken again", || async {
            record.count(is_new) > 0
        })
        .await;
        for node in &mut cluster.nodes {
            assert!(!node.has_ended(), "{} ended by itself", node.name);
        }
        tokio::time::sleep(BREATH).await;
        let until = record.now();
        struck.push(Struck {
            name,
            from,
            healed,
            until,
        });
    }
    cluster.clear();
    struck
}

fn note(street: &Street, what: &str) {
    let record = &street.town.record;
    record.write(&Line::Note {
        at_ms: record.now().as_ms(),
        what: what.to_owned(),
    });
}

/// All is whole: what is asked now must just work, what was begun must end, and then every promise must hold. Gives how
/// long it took until nothing was under way any more.
async fn settle(cluster: &mut Cluster, street: &Street, seed: u64) -> Duration {
    let began = Instant::now();
    cluster.is_ready().await;
    let record = &street.town.record;
    record.write(&Line::Quiet(record.now().as_ms()));
    crowd::last_things(street, seed).await;
    while let Some(one) = street.under_way().await.first() {
        if began.elapsed() > REST_MAX {
            let verdict = cluster.souk(&["verify"], "").await;
            let kept = keep(cluster, street);
            panic!(
                "not at rest: {one}\n{}{}\nkept in {kept}",
                verdict.out, verdict.err
            );
        }
        tokio::time::sleep(BREATH).await;
    }
    let settled = began.elapsed();
    let mut said = String::new();
    let words = ["verify", "--history", &street.history];
    for _ in 0..LOOKS {
        let verdict = cluster.souk(&words, "").await;
        if verdict.code == 0 {
            println!("{}", verdict.out.trim_end());
            keep(cluster, street);
            return settled;
        }
        // What is only late still comes; what is wrong stays wrong, for the books only grow.
        said = format!("{}{}", verdict.out, verdict.err);
    }
    let kept = keep(cluster, street);
    panic!("{said}\n{}\nkept in {kept}", cluster.last_words());
}

/// How long anything may stay under way: longer than the two longest waits between tries, a minute each.
const REST_MAX: Duration = Duration::from_secs(150);
/// How often the books are looked at until they must be as they were told: each look takes some seconds.
const LOOKS: usize = 6;

/// Keeps the history and the logs of the last run, for whoever wants to know more.
fn keep(cluster: &Cluster, street: &Street) -> String {
    let folder = format!("{}/chaos", env!("CARGO_TARGET_TMPDIR"));
    drop(std::fs::create_dir_all(&folder));
    let names = cluster
        .nodes
        .iter()
        .map(|node| cluster.folder.at(&format!("{}.log", node.name)));
    for file in names.chain([cluster.folder.at("door.log"), street.history.clone()]) {
        let name = file.rsplit('/').next().unwrap_or_default();
        drop(std::fs::copy(&file, format!("{folder}/{name}")));
    }
    folder
}
