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

/// What a start would refuse is no news for the moment of the start.
#[tokio::test]
async fn settings_that_no_shop_opens_with_are_said_by_doctor_and_by_config_check() {
    let files = Folder::default();
    let database = format!("sqlite:{}", files.at("data"));
    let nothing = files.at("nothing.pem");
    let everybody = [
        ("SOUK_HTTP__LISTEN", "0.0.0.0:0"),
        ("SOUK_DB", "postgres://souk:souk@127.0.0.1:1/souk"),
    ];
    let without_a_pair = [
        ("SOUK_HTTP__LISTEN", "127.0.0.1:0"),
        ("SOUK_DB", &database),
        ("SOUK_HTTP__TLS__CERTIFICATE_FILE", &nothing),
        ("SOUK_HTTP__TLS__KEY_FILE", &nothing),
    ];
    for (settings, why) in [
        (
            &everybody as &[(&str, &str)],
            "its password stands in every example",
        ),
        (&without_a_pair, "nothing.pem"),
    ] {
        let opened = run_with(&["serve"], settings, "").await;
        assert!(refusal(&opened).contains(why), "{opened:?}");
        let said = doctor(settings).await;
        let found = line(&said, "settings");
        assert!(
            found.starts_with("WRONG ") && found.contains(why),
            "{said:?}"
        );
        let checked = run_with(&["config", "check"], settings, "").await;
        assert!(refusal(&checked).contains(why), "{checked:?}");
    }
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
    // Beside a node that is open it says no port to be wrong: nothing of that node is in a folder.
    let migrated = run_with(&["migrate", "up"], &settings[..1], "").await;
    assert_eq!(migrated.code, 0, "{migrated:?}");
    let node = Shop::start_with(&settings).await;
    let address = node.url().trim_start_matches("http://").to_owned();
    let beside = [
        &settings[..3],
        &[("SOUK_HTTP__LISTEN", address.as_str())],
        &settings[4..],
    ]
    .concat();
    let open = doctor(&beside).await;
    assert!(
        line(&open, "port").ends_with("is taken; a shop is open here"),
        "{open:?}"
    );
    assert!(line(&said, "connected").contains("of "), "{said:?}");
    // The tests' own server keeps nothing when the power goes: it is quicker so, and no shop for customers is.
    let durability = line(&said, "durability");
    assert!(
        durability.starts_with("WRONG ") && durability.contains("fsync"),
        "{durability}"
    );
    assert_eq!(refusal(&said), "souk: 1 of 10 are wrong");
}
