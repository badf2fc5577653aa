//! What a shop does not start with: one plain line each, and no open door.

use crate::refusal;
use std::{fs, os::unix::fs::PermissionsExt};
use testkit::{Folder, Said, run, run_with};

const GOOD: &str = "b1946ac92492d2347c6235b4d2611184b1946ac92492d234";

fn allow(file: &str, mode: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("a file of ours");
}

/// The one line of a refusal, in which no secret may stand.
fn line<'s>(said: &'s Said, secret: &str) -> &'s str {
    let line = refusal(said);
    assert!(!line.contains(secret), "{line}");
    assert!(!said.out.contains("listening on"), "{said:?}");
    line
}

#[tokio::test]
async fn a_secret_that_can_be_guessed_is_refused() {
    let files = Folder::default();
    let data = files.at("data");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", &data];
    for name in [
        "SOUK_INTERNAL__SECRET",
        "SOUK_INTERNAL__SECRET_BEFORE",
        "SOUK_REDIS__SECRET",
    ] {
        for secret in [
            "quite-short-0123",
            "abababababababababababababababababababab",
        ] {
            let said = run_with(&serve, &[(name, secret)], "").await;
            let key = name.trim_start_matches("SOUK_").replace("__", ".");
            let line = line(&said, secret);
            assert!(
                line.starts_with(&format!("souk: {}: too easy", key.to_lowercase())),
                "{line}"
            );
        }
        let said = run_with(&["config", "check"], &[(name, GOOD)], "").await;
        assert_eq!(said.code, 0, "{name}: {said:?}");
    }
}

#[tokio::test]
async fn words_of_mails_that_nothing_fills_are_refused() {
    let files = Folder::default();
    let data = files.at("data");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", &data];
    let words = [(
        "SOUK_ORDERS__MAILS__WORDS__PAID_TEXT",
        "thank you for {sum}",
    )];
    let said = run_with(&serve, &words, "").await;
    let expected = "souk: orders.mails.words.paid_text: {sum} is not filled in there; {number}, {total} may be";
    assert_eq!(line(&said, GOOD), expected);
    assert_eq!(run_with(&["config", "check"], &words, "").await.code, 1);
}

#[tokio::test]
async fn a_file_of_a_secret_that_everybody_can_read_is_refused() {
    let files = Folder::default();
    let secret = files.write("secret", GOOD);
    let config = files.write("souk.toml", format!("[redis]\nsecret = \"{GOOD}\"\n"));
    let address = "cache = \"redis://:2QkzLr@127.0.0.1:1\"\n";
    let address = files.write("address.toml", address);
    let stripe = format!("[payments.stripe]\nwebhook_secret = \"{GOOD}\"\n");
    let stripe = files.write("stripe.toml", stripe);
    let variable = [("SOUK_INTERNAL__SECRET_FILE", secret.as_str())];
    for (mode, expected) in [(0o644, 1), (0o604, 1), (0o640, 0), (0o600, 0)] {
        for file in [&secret, &config, &address, &stripe] {
            allow(file, mode);
        }
        let told = run_with(&["config", "check"], &variable, "").await;
        let one = run(&["config", "check", "--config", &config], "").await;
        let two = run(&["config", "check", "--config", &address], "").await;
        let three = run(&["config", "check", "--config", &stripe], "").await;
        for (said, file) in [
            (told, &secret),
            (one, &config),
            (two, &address),
            (three, &stripe),
        ] {
            assert_eq!(said.code, expected, "{mode:o} {said:?}");
            if expected == 1 {
                let line = line(&said, GOOD);
                assert!(line.contains(file) && line.contains("chmod o="), "{line}");
            }
        }
    }
    // A file without secrets may be read by anybody.
    let plain = files.write("plain.toml", "[shop]\nname = \"Tea\"\n");
    allow(&plain, 0o644);
    assert_eq!(
        run(&["config", "check", "--config", &plain], "").await.code,
        0
    );
}

#[tokio::test]
async fn stripe_without_its_secrets_or_with_play_money_is_refused_and_its_key_is_never_shown() {
    let files = Folder::default();
    let (play, real) = (
        files.write("play", "sk_test_9q"),
        files.write("real", "sk_live_9q"),
    );
    let signed = files.write("signed", "whsec_9q");
    let base = [
        ("SOUK_PAYMENTS__PROVIDER", "stripe"),
        ("SOUK_PAYMENTS__STRIPE__SHOP", "tea"),
        ("SOUK_PAYMENTS__STRIPE__WEBHOOK_SECRET_FILE", &signed),
    ];
    const KEY: &str = "SOUK_PAYMENTS__STRIPE__SECRET_KEY_FILE";
    const MODE: &str = "SOUK_PAYMENTS__STRIPE__MODE";
    let check = ["config", "check"];
    let data = files.at("data");
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", &data];
    for (more, why) in [
        (vec![], "there is no key"),
        (vec![(KEY, play.as_str())], "a test key takes no money"),
        (
            vec![(KEY, real.as_str()), (MODE, "test")],
            "a live key takes money",
        ),
        (
            vec![(KEY, real.as_str()), ("SOUK_PAYMENTS__STRIPE__SHOP", "")],
            "shop",
        ),
    ] {
        let settings = [&base[..], &more].concat();
        let said = run_with(&serve, &settings, "").await;
        let line = line(&said, "_9q");
        assert!(line.starts_with("souk: payments.stripe."), "{line}");
        assert!(line.contains(why), "{line}");
    }
    for more in [
        vec![(KEY, real.as_str())],
        vec![(KEY, &play), (MODE, "test")],
    ] {
        let settings = [&base[..], &more].concat();
        assert_eq!(run_with(&check, &settings, "").await.code, 0);
        let printed = run_with(&["config", "print"], &settings, "").await;
        assert!(!printed.out.contains("_9q"), "{}", printed.out);
    }
}

#[tokio::test]
async fn a_database_that_everybody_can_read_is_refused() {
    let files = Folder::default();
    let data = files.at("data");
    let database = format!("{data}/identity.sqlite");
    fs::create_dir(&data).expect("a folder of ours");
    fs::write(&database, "").expect("a folder of ours");
    allow(&data, 0o755);
    allow(&database, 0o644);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data", &data];
    let said = run(&serve, "").await;
    let line = line(&said, "SQLite");
    assert!(
        line.contains(&database) && line.contains("chmod o="),
        "{line}"
    );
}

#[tokio::test]
async fn what_is_for_trying_out_is_refused_where_others_can_ask() {
    let files = Folder::default();
    let data = files.at("data");
    // An address that no machine has: whoever gets past the refusal cannot listen there either.
    let others = "192.0.2.1:0";
    let said = run(&["serve", "--ephemeral", "--listen", others], "").await;
    let refused = line(&said, "nothing");
    assert!(
        refused.contains("--ephemeral") && refused.contains(others),
        "{refused}"
    );
    let serve = ["serve", "--listen", others, "--data", &data];
    for (name, value, key) in [
        ("SOUK_DB", "postgres://souk:souk@127.0.0.1:1/souk", "db"),
        ("SOUK_CACHE", "redis://:changeme@127.0.0.1:1", "cache"),
        ("SOUK_BUS", "nats://shop:password@127.0.0.1:1", "bus"),
    ] {
        let arguments = if key == "db" { &serve[..3] } else { &serve[..] };
        let said = run_with(arguments, &[(name, value)], "").await;
        let refused = line(&said, value);
        assert!(
            refused.starts_with(&format!("souk: {key}: its password")),
            "{refused}"
        );
    }
    let said = run(&serve, "").await;
    assert!(
        line(&said, "nothing").contains("cannot be listened on"),
        "a whole shop is only kept from it by the machine: {said:?}"
    );
}
