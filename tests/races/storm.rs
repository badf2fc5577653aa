//! More sign-ins than can be hashed, and somebody who buys meanwhile: nobody waits without bound, the buyer gets what
//! was ordered, and the hashes go behind everybody else. How long it takes is measured elsewhere
//! (`cargo xtask security storm`).

use futures_util::future::join_all;
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    sync::atomic::{AtomicBool, Ordering},
};
use testkit::{PASSWORD, Shop};

const CALLERS: usize = 64;
const QUEUE: &str = "8";
const ORDERS: usize = 20;
/// As far behind as a thread can be.
const LAST: i64 = 19;

/// The threads of a process, as name and niceness.
fn threads(process: u32) -> Vec<(String, i64)> {
    let folder = fs::read_dir(format!("/proc/{process}/task")).expect("it runs, and this is Linux");
    let thread = |entry: fs::DirEntry| {
        // A thread may have ended since it was listed.
        let line = fs::read_to_string(entry.path().join("stat")).ok()?;
        let (name, rest) = line.split_once('(')?.1.rsplit_once(") ")?;
        let niceness = rest.split(' ').nth(16)?.parse().ok()?;
        Some((name.to_owned(), niceness))
    };
    folder.flatten().filter_map(thread).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_storm_of_sign_ins_is_shed_and_whoever_buys_is_served() {
    let mut shop = Shop::start_with(&[
        ("SOUK_IDENTITY__ARGON2_MEMORY_KIB", "19456"),
        ("SOUK_IDENTITY__ARGON2_PASSES", "2"),
        ("SOUK_IDENTITY__HASH_PERMITS", "1"),
        ("SOUK_IDENTITY__HASH_QUEUE_MAX", QUEUE),
        ("SOUK_IDENTITY__LOGIN_FAILURES_MAX", "1000000"),
    ])
    .await;
    let product = shop.admin().await.sell("tea", 100, 1_000).await;
    let buyer = shop.customer("buyer").await;
    shop.customer("ann").await;
    let over = AtomicBool::new(false);
    let callers = (0..CALLERS).map(|number| {
        let (visitor, over) = (shop.visitor(), &over);
        let password = if number % 2 == 0 {
            PASSWORD
        } else {
            "not this one"
        };
        let body = json!({"email": "ann@souk.example", "password": password});
        async move {
            let mut seen = BTreeMap::new();
            while !over.load(Ordering::Relaxed) {
                let answer = visitor.post("/api/v1/auth/login", &body).await;
                let refused = answer.header("retry-after") == "1";
                assert_eq!(answer.status == 503, refused, "{}", answer.text);
                *seen.entry(answer.status).or_insert(0) += 1;
            }
            seen
        }
    });
    let buying = async {
        for number in 0..ORDERS {
            let bought = buyer
                .buy(&format!("storm-{number}"), &product, 1, "tok_ok")
                .await;
            assert_eq!(bought.status, 201, "{}", bought.text);
        }
        let slow = ["souk-hash", "souk-picture"];
        let mut last: Vec<_> = threads(shop.process_id())
            .into_iter()
            .filter(|(name, niceness)| slow.contains(&name.as_str()) || *niceness == LAST)
            .collect();
        last.sort_unstable();
        let each = slow.map(|name| (name.to_owned(), LAST));
        assert_eq!(last, each, "one thread for each, and they go last");
        over.store(true, Ordering::Relaxed);
    };
    let (seen, ()) = tokio::join!(join_all(callers), buying);
    let mut all = BTreeMap::new();
    for (status, count) in seen.into_iter().flatten() {
        *all.entry(status).or_insert(0) += count;
    }
    let statuses: Vec<u16> = all.keys().copied().collect();
    assert!(all.contains_key(&503), "some were shed: {all:?}");
    assert!(
        statuses
            .iter()
            .all(|status| [200, 401, 503].contains(status)),
        "{all:?}"
    );
    assert_eq!(
        buyer.stock(&product).await.0,
        1_000 - i64::try_from(ORDERS).unwrap_or(0)
    );
    shop.verify().await;
}
