//! `souk doctor`: says of each thing how it stands, fails if anything is wrong, and leaves nothing behind.

use crate::refusal;
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};
use testkit::{Folder, Nats, Redis, Said, Shop, postgres::Postgres, run_with};

async fn doctor(settings: &[(&str, &str)]) -> Said {
    run_with(&["doctor"], settings, "").await
}

/// The line of what was looked at, with how it stands before it.
fn line<'a>(said: &'a Said, what: &str) -> &'a str {
    let mut lines = said.out.lines();
    let found = lines.find(|line| line.split_whitespace().nth(1) == Some(what));
    found.unwrap_or_else(|| panic!("nothing of {what}: {said:?}"))
}

#[tokio::test]
async fn a_machine_without_a_shop_and_beside_one() {
    let files = Folder::default();
    let database = format!("sqlite:{}", files.at("data"));
    let fresh = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_HTTP__LISTEN", "127.0.0.1:0"),
    ];
    let said = doctor(&fresh).await;
    assert_eq!(said.code, 0, "{said:?}");
    for what in [
        "settings", "port", "database", "bus", "cache", "clock", "schema",
    ] {
        assert!(line(&said, what).starts_with("ok "), "{said:?}");
    }
    assert!(
        line(&said, "disk").contains("a commit of one page"),
        "{said:?}"
    );
    assert!(
        !std::path::Path::new(&files.at("data")).exists(),
        "nothing was made"
    );
    let shop = Shop::start_with(&[("SOUK_DB", &database)]).await;
    let address = shop.url().trim_start_matches("http://").to_owned();
    let beside = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_HTTP__LISTEN", &address),
    ];
    let said = doctor(&beside).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        line(&said, "port").ends_with("is taken; a shop is open here"),
        "{said:?}"
    );
    assert!(
        line(&said, "schema").ends_with("is this release's"),
        "{said:?}"
    );
    let made = std::fs::read_dir(files.at("data")).unwrap().flatten();
    let mut names = made.map(|file| file.file_name().into_string().unwrap());
    assert!(
        !names.any(|name| name.contains("doctor")),
        "nothing is left behind"
    );
}

#[tokio::test]
async fn what_is_taken_or_away_or_cannot_be_read_is_said_in_time() {
    let files = Folder::default();
    let database = format!("sqlite:{}", files.at("data"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken
        .local_addr()
        .map(|address| (taken, address.to_string()))
        .unwrap();
    let said = doctor(&[("SOUK_DB", &database), ("SOUK_HTTP__LISTEN", &taken.1)]).await;
    assert!(line(&said, "port").starts_with("WRONG "), "{said:?}");
    assert!(refusal(&said).ends_with("are wrong"), "{said:?}");
    let begun = Instant::now();
    let away = [
        ("SOUK_DB", "postgres://nobody@127.0.0.1:1/souk"),
        ("SOUK_BUS", "nats://127.0.0.1:1"),
        ("SOUK_CACHE", "redis://127.0.0.1:1"),
        ("SOUK_HTTP__LISTEN", "127.0.0.1:0"),
        ("SOUK_REDIS__SECRET", "a secret of all nodes, quite long"),
    ];
    let said = doctor(&away).await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{said:?}");
    assert!(line(&said, "database").starts_with("WRONG "), "{said:?}");
    for what in ["bus", "cache"] {
        let line = line(&said, what);
        assert!(
            line.starts_with("look ") && line.contains("goes on without it"),
            "{line}"
        );
    }
    let said = doctor(&[("SOUK_DB", "mysql://x")]).await;
    assert!(line(&said, "settings").starts_with("WRONG "), "{said:?}");
    refusal(&said);
}

#[tokio::test]
async fn the_parts_of_a_cluster_say_what_they_are() {
    let (Some(server), Some(broker), Some(cache)) =
        (Postgres::shared(), Nats::start().await, Redis::start())
    else {
        return;
    };
    let (database, bus, cache) = (server.database(), broker.url(), cache.url());
    let settings = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_BUS", &bus),
        ("SOUK_CACHE", &cache),
        ("SOUK_HTTP__LISTEN", "127.0.0.1:0"),
        ("SOUK_REDIS__SECRET", "a secret of all nodes, quite long"),
    ];
    let said = doctor(&settings).await;
    assert!(line(&said, "database").contains("PostgreSQL "), "{said:?}");
    assert!(line(&said, "bus").contains("with JetStream"), "{said:?}");
    assert!(line(&said, "cache").contains("Redis "), "{said:?}");
    assert!(line(&said, "connected").contains("of "), "{said:?}");
    // The tests' own server keeps nothing when the power goes: it is quicker so, and no shop for customers is.
    let durability = line(&said, "durability");
    assert!(
        durability.starts_with("WRONG ") && durability.contains("fsync"),
        "{durability}"
    );
    assert_eq!(refusal(&said), "souk: 1 of 10 are wrong");
}
