//! A shop that has nothing but identity, in a folder of its own, with a clock that stands still. It stands
//! in for the door: it puts the principal that a token proves beside the request.

use async_trait::async_trait;
use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use contracts::{
    BoxError,
    identity::Identity,
    values::{Timestamp, UserId},
};
use http_body_util::BodyExt;
use identity::{Config, DEFAULTS, Parts, Post, Service};
use platform::{
    bus::MemoryBus,
    clock::Clock,
    config::{Sources, load},
    db::{Place, sqlite::Options},
    http::{KeySet, Revocations, TokenVerifier, stack},
    mail::{self, Mail, Mailer},
    outward,
    tasks::Tasks,
    trail,
};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::sync::mpsc;
use tower::ServiceExt;

pub(crate) const PASSWORD: &str = "correct horse";

const SQLITE: Options = Options {
    readers: 2,
    write_queue_max: 4_096,
    group_max: 256,
    wal_checkpoint_pages: 1_000,
    cache_kilobytes: 1_000,
    mapped_megabytes: 0,
};

pub(crate) struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("souk-identity-{}", UserId::generate()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The defaults, with hashes that cost little; `changes` are keys of `[identity]`.
pub(crate) fn config(changes: &Value) -> Config {
    #[derive(serde::Deserialize)]
    struct All {
        identity: Config,
    }
    let mut keys = json!({"argon2_memory_kib": 8, "argon2_passes": 1});
    for (key, value) in changes.as_object().unwrap() {
        keys[key] = value.clone();
    }
    let sources = Sources {
        defaults: DEFAULTS,
        file: None,
        environment: false,
    };
    load::<All>(&sources, json!({ "identity": keys }))
        .unwrap()
        .identity
}

/// Mails that go nowhere but here; the first ones may be refused.
pub(crate) struct Mailbox {
    sender: mpsc::Sender<(String, String, String)>,
    refusals: AtomicU32,
}

#[async_trait]
impl Mailer for Mailbox {
    async fn send(&self, mail: &Mail) -> Result<(), BoxError> {
        let text = format!("{}\n{}", mail.subject, mail.text);
        let sent = (mail.id.clone(), mail.to.as_str().to_owned(), text);
        self.sender.send(sent).await?;
        let refuses = |left: u32| left.checked_sub(1);
        let refused = self
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuses);
        refused.map_or(Ok(()), |_| Err("no room".into()))
    }

    fn target(&self) -> String {
        "nowhere".to_owned()
    }
}

fn outward_options() -> outward::Options {
    #[derive(serde::Deserialize)]
    struct All {
        outward: outward::Options,
    }
    let sources = Sources {
        defaults: outward::DEFAULTS,
        file: None,
        environment: false,
    };
    load::<All>(&sources, json!({})).unwrap().outward
}

fn mail_options() -> mail::Options {
    #[derive(serde::Deserialize)]
    struct All {
        mail: mail::Options,
    }
    let sources = Sources {
        defaults: mail::DEFAULTS,
        file: None,
        environment: false,
    };
    let keys = json!({"poll_ms": 10, "tries_max": 3, "retry_ms": 1_000});
    load::<All>(&sources, json!({ "mail": keys })).unwrap().mail
}

/// A process of the shop.
pub(crate) struct Shop {
    pub(crate) service: Arc<Service>,
    pub(crate) verifier: TokenVerifier,
    pub(crate) clock: Clock,
    pub(crate) tasks: Tasks,
    /// The OpenAPI document of the routes.
    pub(crate) document: Value,
    pub(crate) mailbox: Arc<Mailbox>,
    mails: tokio::sync::Mutex<mpsc::Receiver<(String, String, String)>>,
    router: Router,
    folder: Arc<Folder>,
}

impl Shop {
    pub(crate) async fn start() -> Self {
        Self::start_with(json!({})).await
    }

    pub(crate) async fn start_with(changes: Value) -> Self {
        let clock = Clock::manual(Timestamp::from_ms(1_790_000_000_000));
        Self::open(Arc::new(Folder::new()), clock, &changes).await
    }

    /// Another process on the same folder.
    pub(crate) async fn beside(&self) -> Self {
        Self::open(Arc::clone(&self.folder), self.clock.clone(), &json!({})).await
    }

    async fn open(folder: Arc<Folder>, clock: Clock, changes: &Value) -> Self {
        let config = config(changes);
        let (keys, revocations) = (KeySet::default(), Revocations::default());
        let verifier = TokenVerifier::new(
            &config.verifier(),
            keys.clone(),
            revocations.clone(),
            clock.clone(),
        );
        let tasks = Tasks::default();
        let (sender, mails) = mpsc::channel(64);
        let mailbox = Arc::new(Mailbox {
            sender,
            refusals: AtomicU32::new(0),
        });
        let parts = Parts {
            place: Place::Sqlite(folder.0.join("identity.sqlite"), SQLITE),
            config,
            clock: clock.clone(),
            keys,
            revocations,
            tasks: tasks.clone(),
            post: Post {
                mailer: mailbox.clone(),
                options: mail_options(),
                public_url: "https://shop.test".to_owned(),
            },
            outward: outward_options(),
        };
        let service = identity::open(parts).await.unwrap();
        let near: Arc<dyn Identity> = service.clone();
        let router = identity::routes(near);
        let options = stack::Options {
            timeout_ms: 30_000,
            in_flight_max: 1_000,
            late_ms_max: 0,
            body_bytes_max: 65_536,
        };
        let router = stack::wrap(router, &options, "http://shop.test", clock.clone());
        Self {
            service,
            verifier,
            clock,
            tasks,
            document: serde_json::to_value(identity::api()).unwrap(),
            mailbox,
            mails: tokio::sync::Mutex::new(mails),
            router,
            folder,
        }
    }

    /// Starts what goes on in the background.
    pub(crate) fn start_work(&self) {
        identity::start(&self.service, &self.tasks, Arc::new(MemoryBus::default()));
    }

    /// All that its files hold.
    pub(crate) fn bytes_on_disk(&self) -> Vec<u8> {
        let files = std::fs::read_dir(&self.folder.0).unwrap();
        files
            .flat_map(|file| std::fs::read(file.unwrap().path()).unwrap())
            .collect()
    }

    /// Lets the next mails fail.
    pub(crate) fn refuse_mails(&self, count: u32) {
        self.mailbox.refusals.store(count, Ordering::SeqCst);
    }

    /// The next mail that is sent: its id, whom it is for, what it says.
    pub(crate) async fn mail(&self) -> (String, String, String) {
        let mut mails = self.mails.lock().await;
        let next = tokio::time::timeout(Duration::from_secs(20), mails.recv());
        next.await.unwrap().unwrap()
    }

    pub(crate) async fn send(&self, call: Call) -> Answer {
        let mut request = call.request;
        if let Some(principal) = call.token.and_then(|token| self.verifier.verify(&token)) {
            request.extensions_mut().insert(principal);
        }
        // As the door knows it.
        let client = Some(call.client.parse().unwrap());
        let answering = self.router.clone().oneshot(request);
        let response = trail::coming_from(client, answering).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        for secret in ["argon2", "password_hash", "sqlite", "rusqlite"] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        if parts.status.is_client_error() || parts.status.is_server_error() {
            assert_eq!(parts.headers["content-type"], "application/problem+json");
        }
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: serde_json::from_str(&text).unwrap_or(Value::Null),
        }
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Call::post(path).json(&body)).await
    }

    /// Registers somebody at example.com.
    pub(crate) async fn register(&self, who: &str) -> Answer {
        let body = json!({"email": format!("{who}@example.com"), "password": PASSWORD});
        let answer = self.post("/api/v1/auth/register", body).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer
    }

    pub(crate) async fn login(&self, who: &str, password: &str) -> Answer {
        let body = json!({"email": format!("{who}@example.com"), "password": password});
        self.post("/api/v1/auth/login", body).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> Answer {
        self.post("/api/v1/auth/refresh", json!({"refresh_token": token}))
            .await
    }

    /// An admin's access token.
    pub(crate) async fn admin(&self) -> String {
        let email = contracts::values::Email::parse("root@example.com").unwrap();
        self.service
            .create_admin(email, PASSWORD.into())
            .await
            .unwrap();
        self.login("root", PASSWORD).await.access()
    }

    /// Whether an access token opens the door.
    pub(crate) fn takes(&self, token: &str) -> bool {
        self.verifier.verify(token).is_some()
    }
}

/// A request to be sent.
pub(crate) struct Call {
    request: Request<Body>,
    token: Option<String>,
    client: &'static str,
}

impl Call {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        let request = Request::builder().method(method).uri(path);
        Self {
            request: request.body(Body::empty()).unwrap(),
            token: None,
            client: "198.51.100.1",
        }
    }

    /// From this address.
    pub(crate) fn from(mut self, client: &'static str) -> Self {
        self.client = client;
        self
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn post(path: &str) -> Self {
        Self::new(Method::POST, path)
    }

    pub(crate) fn patch(path: &str) -> Self {
        Self::new(Method::PATCH, path)
    }

    pub(crate) fn delete(path: &str) -> Self {
        Self::new(Method::DELETE, path)
    }

    pub(crate) fn bearer(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.request
            .headers_mut()
            .insert(name, value.parse().unwrap());
        self
    }

    pub(crate) fn bytes(mut self, bytes: impl Into<Body>) -> Self {
        *self.request.body_mut() = bytes.into();
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.header("content-type", "application/json")
            .bytes(body.to_string())
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// `409 email_taken`, or the status alone.
    pub(crate) fn short(&self) -> String {
        match self.body["code"].as_str() {
            Some(code) => format!("{} {code}", self.status.as_u16()),
            None => self.status.as_u16().to_string(),
        }
    }

    fn text(&self, field: &str) -> String {
        let missing = || panic!("no {field} in {} {:?}", self.status, self.body);
        self.body[field].as_str().unwrap_or_else(missing).to_owned()
    }

    pub(crate) fn access(&self) -> String {
        self.text("access_token")
    }

    pub(crate) fn refresh(&self) -> String {
        self.text("refresh_token")
    }

    pub(crate) fn user_id(&self) -> String {
        self.body["user"]["id"].as_str().unwrap().to_owned()
    }
}
