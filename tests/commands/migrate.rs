//! `souk migrate`: what is missing is listed and makes it fail, is made once however many make it, and a node that may
//! not make it says so and does not open.

use crate::refusal;
use std::time::{Duration, Instant};
use testkit::{Folder, Said, Shop, postgres::Postgres, run_with};

const SERVICES: [&str; 6] = [
    "identity", "catalog", "orders", "webhooks", "payments", "sandbox",
];

/// Runs it, as the words come.
async fn migrate(verb: &str, database: &str) -> Said {
    run_with(&["migrate", verb], &[("SOUK_DB", database)], "").await
}

/// What was said of each service, in order.
fn told(said: &Said) -> Vec<(&str, &str)> {
    let lines = said.out.lines();
    let parts = lines.map(|line| line.split_once(' ').unwrap_or((line, "")));
    parts.map(|(name, rest)| (name, rest.trim())).collect()
}

fn all(rest: &'static str) -> Vec<(&'static str, &'static str)> {
    SERVICES.iter().map(|name| (*name, rest)).collect()
}

/// What the schema of orders is made of.
const STEPS: &str = "0 (base), 1 (orders), 2 (by_order), 3 (checks), 4 (shipments), 5 (notes), 6 (carts), \
                     7 (withheld), 8 (discounts), 9 (guests), 10 (shipping), \
                     11 (addresses), 12 (automatic_discounts), 13 (zones), 14 (taxes), 15 (earlier), \
                     16 (mails), 17 (returns), 18 (currencies), 19 (address_book), \
                     20 (erased_customers), 21 (request_ids), 22 (returns_list), 23 (sold)";

#[tokio::test]
async fn a_folder_is_looked_at_without_a_trace_and_brought_up_to_date() {
    let files = Folder::default();
    let (folder, database) = (files.at("data"), format!("sqlite:{}", files.at("data")));
    let before = migrate("status", &database).await;
    let line = refusal(&before);
    assert!(
        line.ends_with("migrations are pending: `souk migrate up` makes them"),
        "{line}"
    );
    let told_before = told(&before);
    assert_eq!(told_before.len(), SERVICES.len(), "{before:?}");
    assert_eq!(
        told_before[2],
        ("orders", format!("lacks {STEPS}").as_str())
    );
    assert!(!std::path::Path::new(&folder).exists(), "nothing was made");
    let up = migrate("up", &database).await;
    assert_eq!((up.code, told(&up).len()), (0, 6), "{up:?}");
    assert_eq!(told(&up)[2], ("orders", format!("got {STEPS}").as_str()));
    for verb in ["status", "up"] {
        let after = migrate(verb, &database).await;
        assert_eq!((after.code, told(&after)), (0, all("is up to date")));
    }
    let shop = Shop::start_with(&[("SOUK_DB", &database)]).await;
    let beside = migrate("up", &database).await;
    assert_eq!(beside.code, 0, "{beside:?}");
    assert_eq!(shop.visitor().get("/readyz").await.status, 200);
}

#[tokio::test]
async fn only_what_is_kept_here_is_looked_at() {
    let files = Folder::default();
    let database = format!("sqlite:{}", files.at("data"));
    let settings = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_TARGET", "catalog"),
        ("SOUK_BUS", "nats://127.0.0.1:1"),
        ("SOUK_INTERNAL__SECRET", "a secret of all nodes, quite long"),
        ("SOUK_HTTP__INTERNAL_LISTEN", "127.0.0.1:0"),
    ];
    let said = run_with(&["migrate", "up"], &settings, "").await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.starts_with("catalog") && said.out.lines().count() == 1);
}

#[tokio::test]
async fn nodes_that_may_not_migrate_wait_for_whoever_may() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = server.database();
    let status = migrate("status", &database).await;
    let line = "souk: 55 migrations are pending: `souk migrate up` makes them";
    assert_eq!(refusal(&status), line);
    let settings = [("SOUK_DB", database.as_str()), ("SOUK_SHOP__DEMO", "false")];
    let opened = run_with(&["serve", "--listen", "127.0.0.1:0"], &settings, "").await;
    let line = refusal(&opened);
    assert!(
        line.contains("identity lacks migration 0 (base): run `souk migrate up`"),
        "{line}"
    );
    let (one, other) = tokio::join!(migrate("up", &database), migrate("up", &database));
    let applied = [&one, &other].map(|said| said.out.matches(" (").count());
    assert_eq!((one.code, other.code), (0, 0), "{one:?} {other:?}");
    assert_eq!(
        applied.iter().sum::<usize>(),
        55,
        "each was made once: {one:?} {other:?}"
    );
    let after = migrate("status", &database).await;
    assert_eq!((after.code, told(&after)), (0, all("is up to date")));
    let shop = Shop::start_with(&settings).await;
    assert_eq!(shop.visitor().get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_database_that_is_away_is_said() {
    let settings = [
        ("SOUK_DB", "postgres://nobody@127.0.0.1:1/souk"),
        ("SOUK_POSTGRES__START_WAIT_MS", "100"),
    ];
    let said = run_with(&["migrate", "status"], &settings, "").await;
    let line = refusal(&said);
    assert!(
        line.starts_with("souk: identity: the database cannot be reached"),
        "{line}"
    );
}

/// A start may come up beside its database; whoever types a command wants to hear of it.
#[tokio::test]
async fn nobody_waits_long_to_hear_that_a_database_is_away() {
    let away = [("SOUK_DB", "postgres://nobody@127.0.0.1:1/souk")];
    for words in [
        &["migrate", "status"] as &[&str],
        &["verify"],
        &["keys", "list"],
        &["events", "dead"],
    ] {
        let begun = Instant::now();
        let said = run_with(words, &away, "").await;
        let line = refusal(&said);
        assert!(line.contains("the database cannot be reached"), "{line}");
        // A start waits for thirty seconds.
        assert!(begun.elapsed() < Duration::from_secs(20), "{words:?}");
    }
}
