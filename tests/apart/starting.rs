//! What can be apart and what cannot is said at the start, in one line.

use crate::SECRET;
use std::os::unix::fs::PermissionsExt;
use testkit::{Authority, Folder, run, run_with};

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

/// Settings of `[internal.tls]`, and what is said of them. `$` marks a file of the test's.
#[rustfmt::skip] // a start a line
const HALVES: &[(&str, &str)] = &[
    ("CERTIFICATE_FILE=$pem", "internal.tls: certificate_file and key_file belong together"),
    ("CERTIFICATE_FILE=$pem KEY_FILE=$key", "internal.tls.authorities_file: name who"),
    ("AUTHORITIES_FILE=$ca", "internal.tls.certificate_file: other nodes ask this one"),
    ("CLIENT_CERTIFICATES=true", "internal.tls.client_certificates: "),
    ("NAME=no_name!", "internal.tls.name: \"no_name!\" is no name"),
    ("NAME=10.0.0.2", "internal.tls.name: \"10.0.0.2\" is no name"),
    ("HANDSHAKES_MAX=0", "internal.tls.handshakes_max: must be at least 1"),
    ("AUTHORITIES_FILE=$nothing CERTIFICATE_FILE=$pem KEY_FILE=$key", "it cannot be read"),
    ("AUTHORITIES_FILE=$key CERTIFICATE_FILE=$pem KEY_FILE=$key", "it holds no certificate"),
    ("AUTHORITIES_FILE=$other CERTIFICATE_FILE=$pem KEY_FILE=$key", "authorities_file has signed it"),
    ("AUTHORITIES_FILE=$ca CERTIFICATE_FILE=$pem KEY_FILE=$key NAME=other.internal", "not for the name other.internal"),
    ("AUTHORITIES_FILE=$ca CERTIFICATE_FILE=$pem KEY_FILE=$open", "chmod o="),
];

#[tokio::test]
async fn half_of_tls_between_nodes_is_refused() {
    let names = "DNS:souk.internal";
    let (Some(authority), Some(stranger)) = (Authority::new(names), Authority::new(names)) else {
        return;
    };
    let files = Folder::default();
    let open = files.write("open", std::fs::read(authority.at("server.key")).unwrap());
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    let words = [
        ("$ca", authority.at("ca.pem")),
        ("$pem", authority.at("server.pem")),
        ("$key", authority.at("server.key")),
        ("$other", stranger.at("ca.pem")),
        ("$open", open),
        ("$nothing", files.at("nothing")),
    ];
    for (halves, expected) in HALVES {
        let filled = |text: &str| {
            words.iter().fold(text.to_owned(), |text, (word, value)| {
                text.replace(word, value)
            })
        };
        let pairs: Vec<(String, String)> = halves
            .split(' ')
            .map(|half| half.split_once('=').unwrap())
            .map(|(key, value)| (format!("SOUK_INTERNAL__TLS__{key}"), filled(value)))
            .collect();
        let mut settings = vec![
            ("SOUK_HTTP__INTERNAL_LISTEN", "127.0.0.1:0"),
            ("SOUK_INTERNAL__SECRET", SECRET),
        ];
        settings.extend(
            pairs
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        );
        let said = run_with(&["config", "check"], &settings, "").await;
        let line = said.err.lines().find(|line| line.starts_with("souk: "));
        let is_told = line.is_some_and(|line| line.contains(expected));
        assert!(said.code == 1 && is_told, "{expected}: {said:?}");
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
