//! Pairs that no shop starts with: one plain line each.

use std::{fs, os::unix::fs::PermissionsExt};
use testkit::{Authority, run_with};

const CERTIFICATE: &str = "SOUK_HTTP__TLS__CERTIFICATE_FILE";
const KEY: &str = "SOUK_HTTP__TLS__KEY_FILE";

/// The line that a start ends with, and `souk config check` as well.
async fn refused(settings: &[(&str, &str)]) -> String {
    let serve = ["serve", "--ephemeral", "--listen", "127.0.0.1:0"];
    let said = run_with(&serve, settings, "").await;
    assert_eq!(said.code, 1, "{said:?}");
    assert!(!said.out.contains("listening on"), "{said:?}");
    let mut lines = said.err.lines().filter(|line| line.starts_with("souk: "));
    let line = lines
        .next()
        .unwrap_or_else(|| panic!("{said:?}"))
        .to_owned();
    let checked = run_with(&["config", "check"], settings, "").await;
    assert!(
        checked.code == 1 && checked.err.contains(&line),
        "{checked:?}"
    );
    line
}

#[tokio::test]
async fn a_pair_that_cannot_be_used_is_refused_at_the_start() {
    let Some(authority) = Authority::new("DNS:localhost,IP:127.0.0.2") else {
        return;
    };
    authority.sign("other", 1);
    authority.sign("ended", -1);
    let (right, key) = (authority.at("server.pem"), authority.at("server.key"));
    for name in ["server.key", "other.key", "ended.key", "server.pem"] {
        let private = fs::Permissions::from_mode(0o640);
        fs::set_permissions(authority.at(name), private).unwrap();
    }
    for (certificate, key, why) in [
        (&right, &authority.at("other.key"), "key_file: "),
        (
            &authority.at("ended.pem"),
            &authority.at("ended.key"),
            "certificate_file: ",
        ),
        (&authority.at("nothing.pem"), &key, "it cannot be read"),
        (&right, &authority.at("nothing.key"), "it cannot be read"),
        (&key, &key, "it holds no certificate"),
        (&right, &right, "it holds no key"),
        (&authority.at("server.csr"), &key, "it holds no certificate"),
    ] {
        let line = refused(&[(CERTIFICATE, certificate), (KEY, key)]).await;
        assert!(
            line.starts_with("souk: http.tls.") && line.contains(why),
            "{why}: {line}"
        );
    }
    let said = run_with(
        &["config", "check"],
        &[(CERTIFICATE, &right), (KEY, &key)],
        "",
    )
    .await;
    assert_eq!(said.code, 0, "{said:?}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let line = refused(&[(CERTIFICATE, &right), (KEY, &key)]).await;
    assert!(line.contains(&key) && line.contains("chmod o="), "{line}");
}

#[tokio::test]
async fn settings_of_tls_that_do_not_fit_each_other_are_refused() {
    for (settings, why) in [
        (&[(CERTIFICATE, "a.pem")][..], "belong together"),
        (&[(KEY, "a.key")], "belong together"),
        (
            &[("SOUK_HTTP__TLS__REDIRECT_LISTEN", "127.0.0.1:0")],
            "no TLS",
        ),
        (
            &[("SOUK_HTTP__TLS__REDIRECT_LISTEN", "nowhere")],
            "ADDRESS:PORT",
        ),
        (&[("SOUK_HTTP__TLS__HANDSHAKES_MAX", "0")], "at least 1"),
        (
            &[
                (CERTIFICATE, "a.pem"),
                (KEY, "a.key"),
                ("SOUK_HTTP__PUBLIC_URL", "http://shop.example"),
            ],
            "must begin with https://",
        ),
    ] {
        let line = refused(settings).await;
        assert!(line.contains(why), "{line}");
    }
}
