//! Who gets in by TLS, in which version, and what is said to those who do not speak it.

use crate::caller::Secure;
use std::{process::Command, time::Duration};
use testkit::{Client, Running, raw, run};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

#[tokio::test]
async fn the_door_speaks_both_versions_of_http_on_tls_with_a_name_or_without_one() {
    let Some(shop) = Secure::start(&[]).await else {
        return;
    };
    for (protocols, chosen) in [
        (&["h2", "http/1.1"][..], Some("h2")),
        (&["http/1.1"], Some("http/1.1")),
        (&[], None),
    ] {
        // An address is no name: nothing is said of whom is asked for.
        for name in ["localhost", "127.0.0.2"] {
            let mut line = shop.caller(protocols).connect(name).await.unwrap();
            assert_eq!(line.protocol(), chosen, "{protocols:?} {name}");
            if chosen != Some("h2") {
                let answer = line.get("/livez").await.unwrap();
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            }
        }
    }
    let strange = shop.caller(&["spdy/3"]).connect("localhost").await;
    assert!(strange.is_err(), "no protocol in common");
    let line = shop.caller(&["h2"]).connect("localhost").await.unwrap();
    let mut stream = line.0;
    stream
        .write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0")
        .await
        .unwrap();
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.unwrap();
    assert_eq!(frame[3], 4, "the settings of HTTP/2");
}

#[tokio::test]
async fn a_door_in_front_speaks_tls_with_its_nodes_and_asks_nobody_else() {
    let Some(shop) = Secure::start(&[]).await else {
        return;
    };
    let nodes = format!("[\"{}\"]", shop.address);
    let authorities = shop.authority.at("ca.pem");
    for (name, status) in [("localhost", 200), ("another.internal", 502)] {
        let settings = [
            ("SOUK_GATEWAY__UPSTREAM__NODES", nodes.as_str()),
            ("SOUK_INTERNAL__TLS__AUTHORITIES_FILE", &authorities),
            ("SOUK_INTERNAL__TLS__NAME", name),
        ];
        let arguments = ["serve", "--target", "gateway", "--listen", "127.0.0.1:0"];
        let mut door = Running::start(&arguments, &settings);
        let url = door.after("listening on").await;
        let answer = Client::new(&url).get("/api/v1/products").await;
        assert_eq!(answer.status, status, "{name}: {}", answer.text);
    }
}

#[tokio::test]
async fn health_is_asked_on_tls_and_only_of_whoever_is_believed() {
    let Some(shop) = Secure::start(&[]).await else {
        return;
    };
    let (ca, port) = (shop.authority.at("ca.pem"), shop.address.rsplit(':').next());
    let port = port.unwrap();
    let (number, named) = (
        format!("https://127.0.0.1:{port}"),
        format!("https://localhost:{port}"),
    );
    for (arguments, expected) in [
        (&[named.as_str(), "--ca", &ca][..], 0),
        (&[&number, "--ca", &ca, "--name", "localhost"], 0),
        // The certificate is for another address, signed by nobody whom the system knows, and not for this name.
        (&[&number, "--ca", &ca], 1),
        (&[&named], 1),
        (&[&named, "--ca", &ca, "--name", "other.example"], 1),
    ] {
        let said = run(&[&["health"], arguments].concat(), "").await;
        assert_eq!(said.code, expected, "{arguments:?}: {said:?}");
        let word = if expected == 0 {
            "ready"
        } else {
            "does not answer"
        };
        assert!(
            format!("{}{}", said.out, said.err).contains(word),
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn cookies_on_our_own_tls_are_bound_to_the_host_and_browsers_stay_on_it() {
    let Some(shop) = Secure::start(&[]).await else {
        return;
    };
    let mut line = shop
        .caller(&["http/1.1"])
        .connect("localhost")
        .await
        .unwrap();
    let page = line.get("/sign-in").await.unwrap();
    let cookie = page.lines().find(|line| line.starts_with("set-cookie: "));
    let cookie = cookie.unwrap_or_else(|| panic!("a form has a cookie: {page}"));
    assert!(
        cookie.contains("__Host-souk_form=") && cookie.contains("; Secure"),
        "{cookie}"
    );
    for path in ["/sign-in", "/", "/api/v1/products", "/nothing", "/livez"] {
        let answer = line.get(path).await.unwrap();
        let policy = "strict-transport-security: max-age=31536000; includeSubDomains";
        assert!(
            answer.lines().any(|line| line == policy),
            "{path}: {answer}"
        );
    }
}

#[tokio::test]
async fn whoever_comes_without_tls_is_sent_to_it_or_told() {
    let Some(shop) = Secure::start(&[]).await else {
        return;
    };
    let at_the_door = format!("http://{}", shop.address);
    for url in [&at_the_door, &shop.beside] {
        let client = Client::new(url);
        let page = client.get("/sign-in?x=1").await;
        let there = format!("https://{}/sign-in?x=1", shop.address);
        assert_eq!(
            (page.status, page.header("location")),
            (308, there.as_str())
        );
        for path in ["/api/v1/products", "/.well-known/jwks.json"] {
            let told = client.get(path).await;
            assert_eq!((told.status, told.code()), (400, "malformed"), "{path}");
            assert!(told.text.contains("https://"), "{}", told.text);
        }
        let body = serde_json::json!({"email": "ann@souk.example", "password": "in the clear"});
        let told = client.post("/api/v1/auth/login", &body).await;
        assert_eq!((told.status, told.header("location")), (400, ""));
    }
    // What is neither ends, and others are served.
    let rubbish = raw(&at_the_door, b"\x80\x2e\x01\x00\x02rubbish\r\n\r\n").await;
    assert!(rubbish.is_none_or(|answer| answer.status == 400));
    assert!(shop.caller(&[]).connect("localhost").await.is_ok());
}

#[tokio::test]
async fn old_versions_of_tls_are_refused() {
    let Some(shop) = Secure::start(&[]).await else {
        return;
    };
    for (version, expected) in [
        ("-tls1", false),
        ("-tls1_1", false),
        ("-tls1_2", true),
        ("-tls1_3", true),
    ] {
        let said = Command::new("openssl")
            .args(["s_client", "-connect", &shop.address, version])
            .args([
                "-cipher",
                "DEFAULT@SECLEVEL=0",
                "-CAfile",
                &shop.authority.at("ca.pem"),
            ])
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&said.stdout);
        let verified =
            text.contains("Verify return code: 0 (ok)") && !text.contains("Cipher is (NONE)");
        assert_eq!(verified, expected, "{version}: {text}");
    }
}

#[tokio::test]
async fn handshakes_that_never_end_keep_nobody_out() {
    let settings = [
        ("SOUK_HTTP__TLS__HANDSHAKES_PER_ADDRESS_MAX", "150"),
        ("SOUK_HTTP__TLS__HANDSHAKE_TIMEOUT_MS", "2000"),
    ];
    let Some(shop) = Secure::start(&settings).await else {
        return;
    };
    let mut halves = Vec::new();
    for number in 0..200 {
        // From an address of their own: each has so many, and others have theirs.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.3:0".parse().unwrap()).unwrap();
        let mut half = socket.connect(shop.address.parse().unwrap()).await.unwrap();
        // The head of a message that says that more will come; every other one says nothing at all.
        if number % 2 == 0 {
            half.write_all(&[0x16, 3, 1, 1, 0, 1]).await.unwrap();
        }
        halves.push(half);
    }
    let caller = shop.caller(&["http/1.1"]);
    for _ in 0..20 {
        let mut line = caller.connect("localhost").await.unwrap();
        assert!(
            line.get("/livez")
                .await
                .unwrap()
                .starts_with("HTTP/1.1 200")
        );
    }
    // And all of them are let go of.
    for mut half in halves {
        let mut rest = Vec::new();
        drop(half.read_to_end(&mut rest).await);
    }
    assert!(TcpStream::connect(&shop.address).await.is_ok());
    // A connection is closed a moment before it is counted.
    let late = "souk_tls_handshakes_total{outcome=\"late\"}";
    for _ in 0..600 {
        if shop.metric(late).await >= 100 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{} were late", shop.metric(late).await);
}
