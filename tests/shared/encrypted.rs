//! TLS to the database and to Redis, with an authority of the test's own: whoever cannot prove to be the server that
//! was asked for is not spoken to.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};
use testkit::{Answer, Authority, Redis, Said, Shop, postgres::Postgres, run_with};

/// Has the server speak TLS; the files become its own.
fn equip(authority: &Authority, server: &Postgres) {
    for name in ["server.pem", "server.key"] {
        let text = std::fs::read_to_string(authority.at(name)).expect("it was made");
        let lines = format!(
            "unnest(string_to_array($pem${}$pem$, E'\\n'))",
            text.trim_end()
        );
        let into = format!("umask 077; cat > {name}");
        server.sql(
            "postgres",
            &format!("COPY (SELECT {lines}) TO PROGRAM '{into}'"),
        );
    }
    for setting in [
        "ssl_cert_file = 'server.pem'",
        "ssl_key_file = 'server.key'",
        "ssl = on",
    ] {
        server.sql("postgres", &format!("ALTER SYSTEM SET {setting}"));
    }
    server.sql("postgres", "SELECT pg_reload_conf()");
    let begun = Instant::now();
    while server.sql("postgres", "SHOW ssl") != "on" {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "it reads its settings"
        );
    }
}

async fn migrate(database: &str, authority: &str) -> Said {
    let settings = [
        ("SOUK_DB", database),
        ("SOUK_POSTGRES__START_WAIT_MS", "200"),
        ("SSL_CERT_FILE", authority),
    ];
    run_with(&["migrate", "up"], &settings, "").await
}

#[tokio::test]
async fn the_database_is_spoken_to_encrypted_and_only_if_it_is_the_one() {
    let (Some(authority), Some(other), Some(server)) = (
        Authority::new("DNS:localhost"),
        Authority::new("DNS:localhost"),
        Postgres::start(),
    ) else {
        return;
    };
    equip(&authority, &server);
    let plain = server.database();
    let name = plain.rsplit('/').next().unwrap_or_default();
    let there = plain.replace("127.0.0.1", "localhost");
    let ours = authority.at("ca.pem");
    for (database, trusted, why) in [
        (
            &there,
            other.at("ca.pem"),
            "invalid peer certificate: BadSignature",
        ),
        // The same server, by an address that its certificate does not have.
        (
            &plain,
            ours.clone(),
            "invalid peer certificate: certificate not valid for name",
        ),
    ] {
        for mode in ["verify-full", "require"] {
            let said = migrate(&format!("{database}?sslmode={mode}"), &trusted).await;
            assert_eq!(said.code, 1, "{said:?}");
            assert!(said.err.contains(why), "{mode} {why}: {said:?}");
        }
    }
    let schemas = "SELECT COUNT(*) FROM pg_namespace WHERE nspname = 'identity'";
    assert_eq!(
        server.sql(name, schemas),
        "0",
        "nothing was said to a stranger"
    );
    let encrypted = format!("{there}?sslmode=verify-full");
    let said = migrate(&encrypted, &ours).await;
    assert_eq!(said.code, 0, "{said:?}");
    let settings = [
        ("SOUK_DB", encrypted.as_str()),
        ("SSL_CERT_FILE", ours.as_str()),
    ];
    let shop = Shop::start_with(&settings).await;
    assert_eq!(shop.visitor().get("/readyz").await.status, 200);
    let bare = "SELECT COUNT(*) FILTER (WHERE NOT ssl), COUNT(*) > 0
                  FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                 WHERE application_name LIKE 'souk-%'";
    assert_eq!(server.sql(name, bare), "0|t");
}

/// A Redis that speaks TLS at this port.
fn speak_tls(server: &Redis, authority: &Authority) -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let (certificate, key, ca) = (
        authority.at("server.pem"),
        authority.at("server.key"),
        authority.at("ca.pem"),
    );
    let port_text = port.to_string();
    let told = server.command(&[
        "CONFIG",
        "SET",
        "tls-cert-file",
        &certificate,
        "tls-key-file",
        &key,
        "tls-ca-cert-file",
        &ca,
        "tls-auth-clients",
        "no",
        "tls-port",
        &port_text,
    ]);
    assert_eq!(told, "+OK", "a Redis that knows TLS, as Debian's does");
    port
}

async fn until_cache_is(shop: &Shop, state: &str) {
    let is_so = |answer: &Answer| {
        let checks = answer.json["checks"].as_array();
        let cache = checks.and_then(|checks| checks.iter().find(|check| check["name"] == "cache"));
        cache.is_some_and(|cache| cache["state"] == state)
    };
    shop.visitor().get_until("/readyz?verbose", is_so).await;
}

#[tokio::test]
async fn redis_is_spoken_to_encrypted_and_only_if_it_is_the_one() {
    let (Some(authority), Some(other), Some(server)) = (
        Authority::new("DNS:localhost"),
        Authority::new("DNS:localhost"),
        Redis::start(),
    ) else {
        return;
    };
    let port = speak_tls(&server, &authority);
    let pings = || server.command(&["EVAL", crate::PINGS, "0"]);
    let shop = async |host: &str, trusted: &Authority| {
        let (cache, ca) = (format!("rediss://{host}:{port}"), trusted.at("ca.pem"));
        Shop::start_with(&[("SOUK_CACHE", &cache), ("SSL_CERT_FILE", &ca)]).await
    };
    let before = pings();
    for (host, trusted) in [("localhost", &other), ("127.0.0.1", &authority)] {
        let stranger = shop(host, trusted).await;
        until_cache_is(&stranger, "failing").await;
    }
    assert_eq!(pings(), before, "nothing was said to a stranger");
    let friend = shop("localhost", &authority).await;
    until_cache_is(&friend, "well").await;
    assert_ne!(pings(), before);
}
