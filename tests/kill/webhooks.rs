//! Webhooks: whoever listens hears of every order, signed, though they were away for an hour and the shop was killed
//! meanwhile; and nobody leads the shop anywhere else.

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};
use testkit::{Answer, Client, PASSWORD, Shop, postgres::Postgres};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came, as it came.
#[derive(Debug, Clone)]
struct Heard {
    path: String,
    headers: BTreeMap<String, String>,
    body: String,
}

impl Heard {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).expect("a body of JSON")
    }

    /// Whether one of its signatures was made with this secret, by the words of Standard Webhooks and no code of ours.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = from_base64(secret.strip_prefix("whsec_").expect("a secret"));
        let (id, at) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let text = format!("{id}.{at}.{}", self.body);
        let mac = hmac_sha256::HMAC::mac(text.as_bytes(), &key);
        let signatures = self.header("webhook-signature").split(' ');
        signatures
            .filter_map(|one| one.strip_prefix("v1,"))
            .any(|one| from_base64(one) == mac)
    }
}

/// Base64 (RFC 4648, section 4), read by hand.
fn from_base64(text: &str) -> Vec<u8> {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for byte in text.bytes().filter(|byte| *byte != b'=') {
        let place = alphabet.iter().position(|known| *known == byte);
        let value = u32::try_from(place.expect("base64")).expect("a small number");
        (bits, count) = (((bits << 6) | value) & 0xff_ffff, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).expect("a byte"));
        }
    }
    bytes
}

/// Somebody who listens.
struct Receiver {
    heard: Arc<Mutex<Vec<Heard>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Receiver {
    /// Answers everything with this head.
    #[expect(
        clippy::disallowed_methods,
        reason = "the receiver is no part of a shop, and goes with the test"
    )]
    async fn start(port: u16, head: &'static str) -> Self {
        let begun = Instant::now();
        // Others may have the port for a moment, for a connection of theirs.
        let listener = loop {
            match TcpListener::bind(("127.0.0.1", port)).await {
                Ok(listener) => break listener,
                Err(error) => assert!(begun.elapsed() < PATIENCE, "port {port}: {error}"),
            }
            sleep(Duration::from_millis(20)).await;
        };
        let heard: Arc<Mutex<Vec<Heard>>> = Arc::default();
        let notes = Arc::clone(&heard);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let notes = Arc::clone(&notes);
                tokio::spawn(answer(stream, head, notes));
            }
        });
        Self { heard, task }
    }

    fn all(&self) -> Vec<Heard> {
        self.heard.lock().expect("notes").clone()
    }

    /// Waits until something of this type came, after so many of them.
    async fn next(&self, kind: &str, after: usize) -> Heard {
        let begun = Instant::now();
        loop {
            let all = self.all();
            let mut fit = all.iter().filter(|one| one.json()["type"] == kind);
            if let Some(found) = fit.nth(after) {
                return found.clone();
            }
            let waited = begun.elapsed();
            assert!(waited < PATIENCE, "no {kind} in {all:?}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut stream: TcpStream, head: &'static str, notes: Arc<Mutex<Vec<Heard>>>) {
    let mut bytes = Vec::new();
    let heard = loop {
        let mut more = [0; 4_096];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return,
            Ok(count) => bytes.extend_from_slice(&more[..count]),
        }
        if let Some(heard) = read(&String::from_utf8_lossy(&bytes)) {
            break heard;
        }
    };
    notes.lock().expect("notes").push(heard);
    let text = format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    drop(stream.write_all(text.as_bytes()).await);
}

/// The request, once it is whole.
fn read(text: &str) -> Option<Heard> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let path = lines.next()?.split(' ').nth(1)?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    (body.len() >= length).then(|| Heard {
        path,
        headers,
        body: body.to_owned(),
    })
}

/// A port that nobody listens at.
async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    listener.local_addr().expect("an address").port()
}

/// A program's key, which does not end when the clock goes on.
async fn program(admin: &Client) -> Client {
    let scopes = ["webhooks:read", "webhooks:write", "events:read"];
    let body = json!({"name": "listener", "scopes": scopes, "password": PASSWORD});
    let made = admin.post("/api/v1/api-keys", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let token = json!({"access_token": made.str("/secret")});
    admin.signed_in(&Answer {
        json: token,
        ..made
    })
}

pub(crate) async fn shop_on(database: Option<&str>) -> Shop {
    let mut settings = vec![
        ("SOUK_LOG_LEVEL", "error"),
        ("SOUK_POSTGRES__MIGRATE", "true"),
        ("SOUK_WEBHOOKS__LOOK_EVERY_MS", "20"),
        ("SOUK_WEBHOOKS__OUTWARD__ALLOW", "[\"127.0.0.1\"]"),
        ("SOUK_WEBHOOKS__OUTWARD__HTTP", "true"),
        ("SOUK_WEBHOOKS__OUTWARD__PORTS", "[]"),
    ];
    settings.extend(database.map(|database| ("SOUK_DB", database)));
    Shop::breakable(&settings).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_hears_of_all_that_happened_while_it_was_away_for_an_hour() {
    an_hour_away(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_of_a_shop_on_postgresql_hears_of_all_that_happened_while_it_was_away() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    an_hour_away(Some(&server.database())).await;
}

async fn an_hour_away(database: Option<&str>) {
    let mut shop = shop_on(database).await;
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 100).await;
    let ann = shop.customer("ann").await;
    let program = program(&admin).await;
    let port = free_port().await;
    let body = json!({"url": format!("http://127.0.0.1:{port}/hook"), "types": ["order.placed", "order.paid"]});
    let made = program.post("/api/v1/webhooks", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (secret, path) = (made.str("/secret"), made.header("location"));
    for number in 0..5 {
        let bought = ann.buy(&format!("k{number}"), &product, 1, "tok_ok").await;
        assert_eq!(bought.status, 201, "{}", bought.text);
    }
    let deliveries = format!("{path}/deliveries?status=pending&limit=100");
    let tried = |log: &Answer, tries: i64| {
        let rows = log.json["data"].as_array().expect("a list");
        rows.len() == 10 && rows.iter().all(|row| row["tries"].as_i64() >= Some(tries))
    };
    program.get_until(&deliveries, |log| tried(log, 1)).await;

    shop.kill().await;
    shop.restart().await;
    shop.set_clock_offset_seconds(3_600);
    let program = program.at(shop.url());
    program.get_until(&deliveries, |log| tried(log, 2)).await;
    let seen = program.get(path).await;
    assert!(!seen.json["failing_since"].is_null(), "{}", seen.text);

    let receiver = Receiver::start(port, "204 No Content").await;
    shop.set_clock_offset_seconds(7_200);
    program
        .get_until(&deliveries, |log| log.json["data"] == json!([]))
        .await;
    let feed = program.get("/api/v1/events?limit=100").await;
    let mut feed = feed.json["data"].as_array().expect("events").clone();
    for (event, sequence) in feed.iter().zip(1_i64..) {
        assert_eq!(event["sequence"], sequence);
    }
    feed.retain(|one| {
        one["type"]
            .as_str()
            .is_some_and(|kind| kind.starts_with("order."))
    });
    assert_eq!(feed.len(), 10, "five orders, placed and paid");
    let heard = receiver.all();
    let ids: BTreeSet<&str> = heard.iter().map(|one| one.header("webhook-id")).collect();
    let expected: BTreeSet<&str> = feed.iter().filter_map(|one| one["id"].as_str()).collect();
    assert_eq!(ids, expected);
    for one in &heard {
        assert_eq!(one.path, "/hook");
        assert!(one.is_signed_with(secret), "{one:?}");
        assert!(!one.is_signed_with("whsec_AAAA"));
        assert!(
            feed.contains(&one.json()),
            "what is told is what the feed has"
        );
        assert!(!one.body.contains("ann@"), "{}", one.body);
    }
    let seen = program.get(path).await;
    assert!(seen.json["failing_since"].is_null(), "{}", seen.text);

    two_secrets(&program, path, secret, &receiver).await;
    once_more(&program, path, &receiver).await;
}

async fn two_secrets(program: &Client, path: &str, secret: &str, receiver: &Receiver) {
    let rotated = program.post(&format!("{path}/rotate"), &json!({})).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    let ping = program.post(&format!("{path}/ping"), &json!({})).await;
    assert_eq!(ping.status, 202, "{}", ping.text);
    let heard = receiver.next("webhook.ping", 0).await;
    assert!(heard.is_signed_with(secret) && heard.is_signed_with(rotated.str("/secret")));
    let at_once = json!({"grace_seconds": 0});
    let again = program.post(&format!("{path}/rotate"), &at_once).await;
    program.post(&format!("{path}/ping"), &json!({})).await;
    let heard = receiver.next("webhook.ping", 1).await;
    assert!(heard.is_signed_with(again.str("/secret")));
    assert!(!heard.is_signed_with(rotated.str("/secret")));
}

async fn once_more(program: &Client, path: &str, receiver: &Receiver) {
    let log = program.get(&format!("{path}/deliveries?limit=100")).await;
    let rows = log.json["data"].as_array().expect("a list");
    let mut paid = rows
        .iter()
        .filter(|row| row["event"]["type"] == "order.paid");
    let first = paid.next_back().expect("a paid order");
    let again = format!(
        "/api/v1/deliveries/{}/replay",
        first["id"].as_str().expect("an id")
    );
    let again = program.post(&again, &json!({})).await;
    assert_eq!(again.status, 202, "{}", again.text);
    let heard = receiver.next("order.paid", 5).await;
    assert_eq!(
        heard.json(),
        first["event"],
        "the same event under the same id"
    );
    // All since the beginning, under the ids of before.
    let since = json!({"since": "2020-01-01T00:00:00Z"});
    let replayed = program.post(&format!("{path}/replay"), &since).await;
    assert_eq!(
        (replayed.status, replayed.int("/next_sequence")),
        (202, 1),
        "{}",
        replayed.text
    );
    receiver.next("order.paid", 10).await;
    let ids: BTreeSet<String> = receiver
        .all()
        .iter()
        .filter(|one| one.json()["type"] != "webhook.ping")
        .map(|one| one.header("webhook-id").to_owned())
        .collect();
    assert_eq!(ids.len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_leads_a_webhook_inside_or_elsewhere() {
    let mut shop = shop_on(None).await;
    let admin = shop.admin().await;
    for url in [
        "http://10.0.0.1/",
        "http://[::1]/",
        "http://169.254.169.254/latest/meta-data/",
        "ftp://receiver.example/",
        "http://ann:secret@receiver.example/",
        "nothing",
    ] {
        let refused = admin.post("/api/v1/webhooks", &json!({"url": url})).await;
        assert_eq!(refused.status, 422, "{url}: {}", refused.text);
        assert_eq!(refused.str("/errors/0/field"), "/url");
    }
    let port = free_port().await;
    let receiver = Receiver::start(port, "302 Found\r\nlocation: /elsewhere").await;
    let url = format!("http://127.0.0.1:{port}/hook");
    let body = json!({"url": url, "types": ["order.paid"]});
    let made = admin.post("/api/v1/webhooks", &body).await;
    let path = made.header("location").to_owned();
    admin.post(&format!("{path}/ping"), &json!({})).await;
    let log = admin
        .get_until(&format!("{path}/deliveries"), |log| {
            log.json["data"][0]["tries"] == 1
        })
        .await;
    assert_eq!(
        log.str("/data/0/error"),
        "it answered 302; no redirect is followed"
    );
    assert!(receiver.all().iter().all(|one| one.path == "/hook"));
    let stale = json!({"status": "disabled", "version": 7});
    let refused = admin.patch(&path, &stale).await;
    assert_eq!((refused.status, refused.code()), (409, "version_conflict"));
    let disabled = json!({"status": "disabled", "version": 1});
    let disabled = admin.patch(&path, &disabled).await;
    assert_eq!(disabled.str("/status"), "disabled", "{}", disabled.text);
    let ping = admin.post(&format!("{path}/ping"), &json!({})).await;
    assert_eq!(ping.status, 422, "{}", ping.text);
    let gone = admin.delete(&format!("{path}?version=2"), None).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    assert_eq!(admin.get(&path).await.status, 404);
    shop.verify().await;
}
