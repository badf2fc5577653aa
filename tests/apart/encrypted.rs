//! Nodes that speak TLS with each other: all works as without it, whoever cannot show or does not believe the right
//! certificate gets and gives nothing, and certificates are exchanged while people order.

use crate::world::{Apart, DOOR_AND_REST};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use testkit::{Authority, Client, Folder};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use tokio_rustls::{
    TlsConnector,
    rustls::{
        ClientConfig, RootCertStore,
        pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
    },
};

/// Longer than any wait takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const NAME: &str = "souk.internal";
const NEW_CERTIFICATES: &str = "souk_internal_tls_certificates_total{outcome=\"taken\"}";
const HANDSHAKES: &str = "souk_internal_tls_handshakes_total{outcome=\"done\"}";

type Settings = Vec<(String, String)>;

/// The files that nodes read, and who signed what is in them.
struct Files {
    folder: Folder,
    authority: Authority,
}

impl Files {
    fn new() -> Option<Self> {
        let files = Self {
            folder: Folder::default(),
            authority: Authority::new(&format!("DNS:{NAME}"))?,
        };
        files.put("ca.pem", &read(&files.authority, "ca.pem"));
        files.show(&files.authority);
        Some(files)
    }

    /// Puts a file in place of another at once, as tools do that renew certificates.
    fn put(&self, name: &str, content: &[u8]) {
        let new = self.folder.write("new", content);
        std::fs::rename(new, self.folder.at(name)).unwrap();
    }

    /// The pair of this authority's from now on.
    fn show(&self, authority: &Authority) {
        self.put("node.pem", &read(authority, "server.pem"));
        self.put("node.key", &read(authority, "server.key"));
    }

    /// Whom a node believes.
    fn believing(&self) -> Settings {
        settings(&[
            ("AUTHORITIES_FILE", &self.folder.at("ca.pem")),
            ("LOOK_EVERY_MS", "20"),
        ])
    }

    /// And what it shows.
    fn settings(&self, more: &[(&str, &str)]) -> Settings {
        let shown = settings(&[
            ("CERTIFICATE_FILE", &self.folder.at("node.pem")),
            ("KEY_FILE", &self.folder.at("node.key")),
        ]);
        [self.believing(), shown, settings(more)].concat()
    }

    /// Somebody who believes the authority, and has the node's certificate or none.
    fn caller(&self, shows_it: bool) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&self.folder.at("ca.pem"))).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots);
        let config = if shows_it {
            let chain = vec![certificate(&self.folder.at("node.pem"))];
            let key = PrivateKeyDer::from_pem_file(self.folder.at("node.key")).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        } else {
            config.with_no_client_auth()
        };
        TlsConnector::from(Arc::new(config))
    }
}

fn settings(pairs: &[(&str, &str)]) -> Settings {
    let named =
        |(key, value): &(&str, &str)| (format!("SOUK_INTERNAL__TLS__{key}"), (*value).to_owned());
    pairs.iter().map(named).collect()
}

fn read(authority: &Authority, name: &str) -> Vec<u8> {
    std::fs::read(authority.at(name)).unwrap()
}

fn certificate(path: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path).unwrap()
}

/// Asks a node whether it is ready; the answer, and the certificate that it showed.
async fn ask(
    caller: &TlsConnector,
    address: &str,
    name: &'static str,
) -> std::io::Result<(String, Vec<u8>)> {
    let stream = TcpStream::connect(address).await?;
    let mut stream = caller
        .connect(ServerName::try_from(name).unwrap(), stream)
        .await?;
    stream
        .write_all(b"GET /readyz HTTP/1.1\r\nhost: node\r\nconnection: close\r\n\r\n")
        .await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let shown = stream.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    Ok((answer, shown))
}

/// A counter of a node's.
async fn metric(client: &Client, url: &str, name: &str) -> u64 {
    let text = client.at(url).get("/metrics").await.text;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.map_or(0, |value| value.trim().parse().unwrap())
}

/// Where a node answers the others, without its scheme.
fn address(url: &str) -> String {
    url.strip_prefix("https://").unwrap().to_owned()
}

#[tokio::test]
async fn nodes_order_on_tls_and_whoever_shows_no_certificate_of_theirs_gets_no_answer() {
    let Some(files) = Files::new() else { return };
    let settings = files.settings(&[("CLIENT_CERTIFICATES", "true")]);
    let Some(mut apart) = Apart::start_with(DOOR_AND_REST, settings).await else {
        return;
    };
    let admin = apart.admin().await;
    let tea = admin.sell("TEA", 1_250, 1_000).await;
    let ops = apart.node("catalog").ops_url().to_owned();
    let before = metric(&admin, &ops, HANDSHAKES).await;
    for number in 0..100 {
        let bought = admin.buy(&format!("k{number}"), &tea, 1, "tok_ok").await;
        assert_eq!(bought.status, 201, "{}", bought.text);
    }
    let made = metric(&admin, &ops, HANDSHAKES).await - before;
    assert!(
        made < 20,
        "connections are kept: {made} handshakes for 100 orders"
    );
    apart.node("catalog").verify().await;
    for target in ["catalog", "storefront"] {
        let node = address(apart.node(target).internal_url());
        // A node of ours is answered, by the name of all of them and by no other.
        let (answer, _) = ask(&files.caller(true), &node, NAME).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(ask(&files.caller(true), &node, "localhost").await.is_err());
        assert!(
            ask(&files.caller(false), &node, NAME).await.is_err(),
            "{target}"
        );
        let mut plain = TcpStream::connect(&node).await.unwrap();
        plain
            .write_all(b"GET /readyz HTTP/1.1\r\nhost: node\r\n\r\n")
            .await
            .unwrap();
        let mut answer = Vec::new();
        drop(plain.read_to_end(&mut answer).await);
        assert!(
            !String::from_utf8_lossy(&answer).contains("HTTP"),
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn who_believes_another_authority_or_name_or_speaks_without_tls_gets_nothing_of_a_node() {
    let Some(files) = Files::new() else { return };
    let other = Files::new().unwrap();
    let Some(apart) = Apart::start_with(DOOR_AND_REST, files.settings(&[])).await else {
        return;
    };
    let alone = |mut settings: Settings| {
        settings.push(("SOUK_HTTP__INTERNAL_LISTEN".to_owned(), String::new()));
        settings
    };
    for (what, settings, status) in [
        ("what is right", files.believing(), 200),
        ("another authority", other.believing(), 502),
        (
            "another name",
            [
                files.believing(),
                self::settings(&[("NAME", "other.internal")]),
            ]
            .concat(),
            502,
        ),
        ("no TLS", Settings::new(), 502),
    ] {
        let door = apart.another("gateway,storefront", &alone(settings)).await;
        let answer = door.visitor().get("/api/v1/products").await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
    }
}

#[tokio::test]
async fn nothing_is_said_without_tls_where_it_is_configured() {
    let Some(files) = Files::new() else { return };
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = plain.local_addr().unwrap();
    let hearing = async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        let mut first = vec![0; 4_096];
        let count = stream.read(&mut first).await.unwrap();
        // A node without TLS would answer so.
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        first.truncate(count);
        first
    };
    let Some(apart) = Apart::start_with(&[], files.believing()).await else {
        return;
    };
    let mut settings = files.believing();
    for (key, value) in [
        ("SOUK_HTTP__INTERNAL_LISTEN", String::new()),
        ("SOUK_PEERS__CATALOG", format!("[\"{there}\"]")),
    ] {
        settings.push((key.to_owned(), value));
    }
    let asking = async {
        let door = apart.another("gateway,storefront", &settings).await;
        door.visitor().get("/api/v1/products").await
    };
    let both = async { tokio::join!(hearing, asking) };
    let (first, answer) = timeout(PATIENCE, both).await.unwrap();
    assert_eq!(
        (answer.status, answer.code()),
        (502, "upstream_unavailable"),
        "{}",
        answer.text
    );
    assert_eq!(first.first(), Some(&0x16), "a handshake");
    assert!(!String::from_utf8_lossy(&first).contains("HTTP/1.1\r\n"));
}

#[tokio::test]
async fn authority_and_certificates_of_the_nodes_are_exchanged_while_people_order() {
    let Some(files) = Files::new() else { return };
    let mut settings = files.settings(&[("CLIENT_CERTIFICATES", "true")]);
    // No connection is kept: each request sees what is shown and believed at its moment.
    settings.push(("SOUK_BALANCE__IDLE_MAX".to_owned(), "0".to_owned()));
    let Some(mut apart) = Apart::start_with(DOOR_AND_REST, settings).await else {
        return;
    };
    let admin = apart.admin().await;
    let tea = admin.sell("TEA", 1_250, 100_000).await;
    let nodes = ["catalog", "storefront"].map(|target| apart.node(target).ops_url().to_owned());
    let node = address(apart.node("catalog").internal_url());
    let next = Authority::new(&format!("DNS:{NAME}")).unwrap();
    let (done, orders) = (AtomicBool::new(false), AtomicUsize::new(0));
    let ordering = async {
        while !done.load(Ordering::Relaxed) {
            let number = orders.fetch_add(1, Ordering::Relaxed);
            let bought = admin.buy(&format!("k{number}"), &tea, 1, "tok_ok").await;
            assert_eq!(bought.status, 201, "{number}: {}", bought.text);
        }
    };
    let some_more = async || {
        let until = orders.load(Ordering::Relaxed) + 5;
        while orders.load(Ordering::Relaxed) < until {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let exchanging = async {
        let first = ask(&files.caller(true), &node, NAME).await.unwrap().1;
        // Both authorities, then the new one's certificate, then the new authority alone.
        let (old, new) = (read(&files.authority, "ca.pem"), read(&next, "ca.pem"));
        let steps: [&dyn Fn(); 3] = [
            &|| files.put("ca.pem", &[new.as_slice(), &old].concat()),
            &|| files.show(&next),
            &|| files.put("ca.pem", &new),
        ];
        for step in steps {
            let mut before = [0; 2];
            for (place, url) in nodes.iter().enumerate() {
                before[place] = metric(&admin, url, NEW_CERTIFICATES).await;
            }
            step();
            for (place, url) in nodes.iter().enumerate() {
                while metric(&admin, url, NEW_CERTIFICATES).await == before[place] {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
            }
            some_more().await;
        }
        let (answer, last) = ask(&files.caller(true), &node, NAME).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_ne!(first, last, "another certificate is shown");
        let (chain, key) = (
            vec![certificate(&files.authority.at("server.pem"))],
            PrivateKeyDer::from_pem_file(files.authority.at("server.key")).unwrap(),
        );
        let mut roots = RootCertStore::empty();
        roots.add(certificate(&next.at("ca.pem"))).unwrap();
        let before = ClientConfig::builder().with_root_certificates(roots);
        let before =
            TlsConnector::from(Arc::new(before.with_client_auth_cert(chain, key).unwrap()));
        assert!(
            ask(&before, &node, NAME).await.is_err(),
            "the one before is not believed any more"
        );
        done.store(true, Ordering::Relaxed);
    };
    let both = async { tokio::join!(ordering, exchanging) };
    timeout(PATIENCE, both).await.expect("it is exchanged");
    apart.node("catalog").verify().await;
}
