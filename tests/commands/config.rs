//! `souk config`, and settings that cannot be.

use crate::refusal;
use testkit::{Folder, run, run_with};

#[tokio::test]
async fn the_defaults_are_a_configuration_file() {
    let files = Folder::default();
    let defaults = run(&["config", "defaults"], "").await;
    assert_eq!(defaults.code, 0, "{defaults:?}");
    assert!(
        defaults.out.contains("# Where everything is kept"),
        "with what each key is for"
    );
    let file = files.write("souk.toml", &defaults.out);
    let plain = run(&["config", "print"], "").await;
    let from_file = run(&["config", "print", "--config", &file], "").await;
    assert_eq!((plain.code, &plain.out), (0, &from_file.out));
    let checked = run(&["config", "check", "--config", &file], "").await;
    assert_eq!(
        (checked.code, checked.out.as_str()),
        (0, "the configuration is fine\n")
    );
}

#[tokio::test]
async fn later_layers_win_and_are_printed() {
    let files = Folder::default();
    let file = files.write(
        "souk.toml",
        "[http]\ntimeout_ms = 1111\nstop_wait_ms = 2222\n",
    );
    let environment = [
        ("SOUK_HTTP__TIMEOUT_MS", "3333"),
        ("SOUK_LIMITS__CHECKOUT__UNITS", "7"),
    ];
    let said = run_with(
        &["config", "print", "--config", &file, "--data", "/srv/shop"],
        &environment,
        "",
    )
    .await;
    assert_eq!(said.code, 0, "{said:?}");
    for line in [
        "timeout_ms = 3333",
        "stop_wait_ms = 2222",
        "units = 7",
        "db = \"sqlite:/srv/shop\"",
    ] {
        assert!(
            said.out.lines().any(|printed| printed == line),
            "{line}: {}",
            said.out
        );
    }
}

#[tokio::test]
async fn an_unknown_key_is_named() {
    for command in [
        &["config", "check"] as &[&str],
        &["config", "print"],
        &["serve", "--ephemeral"],
        &["verify"],
    ] {
        let said = run_with(command, &[("SOUK_HTTP__TIMEUOT_MS", "5000")], "").await;
        let line = refusal(&said).to_lowercase();
        assert!(
            line.contains("timeuot_ms") && line.contains("timeout_ms"),
            "{line}"
        );
    }
    let files = Folder::default();
    let file = files.write("souk.toml", "[shop]\nnmae = \"Souk\"\n");
    let said = run(&["config", "check", "--config", &file], "").await;
    assert!(refusal(&said).contains("nmae"));
}

#[tokio::test]
async fn a_value_of_the_wrong_kind_is_named() {
    for (name, value, word) in [
        ("SOUK_HTTP__TIMEOUT_MS", "soon", "timeout_ms"),
        ("SOUK_HTTP__LISTEN", "nowhere", "listen"),
        ("SOUK_LOG_LEVEL", "loud", "log_level"),
        ("SOUK_BUS", "amqp://souk:secret@bus:5672", "bus"),
    ] {
        let said = run_with(&["config", "check"], &[(name, value)], "").await;
        let line = refusal(&said).to_lowercase();
        assert!(line.contains(word) && !line.contains("secret"), "{line}");
    }
    let missing = run(
        &["config", "check", "--config", "/nonexistent/souk.toml"],
        "",
    )
    .await;
    let line = refusal(&missing);
    assert!(
        line.contains("/nonexistent/souk.toml cannot be read: No such file"),
        "{line}"
    );
    let value = [("SOUK_INTERNAL__SECRET_FILE", "/nonexistent/secret")];
    let missing = run_with(&["config", "check"], &value, "").await;
    let expected = "souk: SOUK_INTERNAL__SECRET_FILE: the file /nonexistent/secret cannot be read: No such file";
    assert!(refusal(&missing).starts_with(expected), "{missing:?}");
}

#[tokio::test]
async fn a_database_that_is_not_known_is_refused_without_its_password() {
    for command in [&["config", "check"] as &[&str], &["serve"], &["verify"]] {
        let said = run_with(
            command,
            &[("SOUK_DB", "mysql://souk:hunter2@db:3306/shop")],
            "",
        )
        .await;
        let line = refusal(&said);
        assert!(
            line.contains("db: ") && line.contains("mysql://souk:***@db:3306/shop"),
            "{line}"
        );
        assert!(
            !said.err.contains("hunter2") && !said.out.contains("hunter2"),
            "{said:?}"
        );
    }
}
