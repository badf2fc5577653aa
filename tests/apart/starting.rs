//! What can be apart and what cannot is said at the start, in one line.

use crate::SECRET;
use testkit::{Folder, run, run_with};

#[tokio::test]
async fn the_targets_are_listed() {
    let said = run(&["serve", "--list-targets"], "").await;
    assert_eq!(said.code, 0, "{said:?}");
    for target in [
        "all",
        "gateway",
        "storefront",
        "identity",
        "catalog",
        "orders",
        "payments",
        "worker",
    ] {
        assert!(
            said.out.lines().any(|line| line.starts_with(target)),
            "{target}: {}",
            said.out
        );
    }
}

#[tokio::test]
async fn a_part_that_cannot_work_alone_does_not_start() {
    let files = Folder::default();
    let data = files.at("data");
    let secret = ("SOUK_INTERNAL__SECRET", SECRET);
    let door = ("SOUK_HTTP__INTERNAL_LISTEN", "127.0.0.1:0");
    let catalog = ("SOUK_PEERS__CATALOG", "[\"127.0.0.1:1\"]");
    let payments = ("SOUK_PEERS__PAYMENTS", "[\"127.0.0.1:1\"]");
    for (target, settings, expected) in [
        ("cart", vec![], "target: `cart` is no target"),
        ("catalog", vec![], "http.internal_listen: "),
        ("catalog", vec![door], "internal.secret: "),
        (
            "catalog",
            vec![door, ("SOUK_INTERNAL__SECRET", "short")],
            "internal.secret: ",
        ),
        (
            "orders",
            vec![door, secret],
            "peers.catalog: target \"orders\" needs nodes",
        ),
        ("gateway", vec![secret], "peers.storefront: "),
        (
            "orders",
            vec![door, secret, catalog, payments],
            "bus: \"local\" reaches this process only",
        ),
        (
            "catalog",
            vec![door, secret, ("SOUK_PEERS__ORDERS", "[\"https://h:1\"]")],
            "peers.orders",
        ),
    ] {
        let command = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--data",
            &data,
            "--target",
            target,
        ];
        let said = run_with(&command, &settings, "").await;
        assert_eq!(said.code, 1, "{target} {said:?}");
        let line = said.err.lines().find(|line| line.starts_with("souk: "));
        assert!(
            line.is_some_and(|line| line.contains(expected)),
            "{expected}: {said:?}"
        );
        assert!(!said.out.contains("listening on"));
    }
}

#[tokio::test]
async fn a_secret_is_read_from_a_file_and_shown_to_nobody() {
    let files = Folder::default();
    let file = files.write("secret", format!("{SECRET}\n"));
    let settings = [("SOUK_INTERNAL__SECRET_FILE", file.as_str())];
    let said = run_with(&["config", "print"], &settings, "").await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("secret = \"***\""), "{}", said.out);
    assert!(!said.out.contains(SECRET));
    let missing = files.at("missing");
    let settings = [("SOUK_INTERNAL__SECRET_FILE", missing.as_str())];
    let said = run_with(&["config", "print"], &settings, "").await;
    assert!(
        said.code == 1 && said.err.contains("cannot be read"),
        "{said:?}"
    );
}
