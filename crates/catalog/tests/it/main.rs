//! The catalog through its real router, as callers meet it. No service of any other crate is in here.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "tests and their helpers may fall over"
)]

mod access;
mod bad_input;
mod batch;
mod events;
mod images;
mod inventory;
mod products;
mod races;
mod reviews;
mod schedule;
mod search;
mod variants;
mod window;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode},
};
use catalog::{Config, Images, Parts, Service};
use contracts::{
    access::{Principal, Role},
    catalog::Catalog,
    values::{ProductId, SessionId, Timestamp, UserId},
};
use http_body_util::BodyExt;
use platform::{
    clock::Clock,
    config::{Sources, load},
    db::{Place, sqlite},
    http::stack,
    outward,
    redis::Redis,
};
use serde_json::Value;
use std::{path::PathBuf, sync::Arc};
use tower::ServiceExt;

const NOW: Timestamp = Timestamp::from_ms(1_800_000_000_000);

const OPTIONS: sqlite::Options = sqlite::Options {
    readers: 2,
    write_queue_max: 4_096,
    group_max: 256,
    wal_checkpoint_pages: 1_000,
    cache_kilobytes: 4_096,
    mapped_megabytes: 0,
};

/// Small, and in the database.
fn images() -> Images {
    #[derive(serde::Deserialize)]
    struct All {
        catalog: Config,
    }
    let all: All = load_defaults(catalog::DEFAULTS);
    Images {
        bytes_max: 200_000,
        pixels_max: 4_000_000,
        per_product_max: 3,
        waiting_max: 2,
        sending_kilobytes_max: 4_096,
        ..all.catalog.images
    }
}

fn outward() -> outward::Options {
    #[derive(serde::Deserialize)]
    struct All {
        outward: outward::Options,
    }
    let all: All = load_defaults(outward::DEFAULTS);
    all.outward
}

fn load_defaults<T: serde::de::DeserializeOwned>(defaults: &str) -> T {
    let sources = Sources {
        defaults,
        file: None,
        environment: false,
    };
    load(&sources, serde_json::json!({})).unwrap()
}

/// A shop that has nothing but a catalog, in a folder that goes with it.
struct Shop {
    service: Arc<Service>,
    router: Router,
    folder: PathBuf,
    clock: Clock,
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |text| text.to_str().unwrap())
    }

    /// Status, code and the first field at fault.
    fn refusal(&self) -> String {
        let code = self.body["code"].as_str().unwrap_or("no code");
        let field = self.body["errors"][0]["field"].as_str();
        match field {
            Some(field) => format!("{} {code} {field}", self.status),
            None => format!("{} {code}", self.status),
        }
    }

    fn text(&self, name: &str) -> &str {
        self.body[name].as_str().unwrap()
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
enum Who {
    Nobody,
    Customer,
    Merchant,
    Other,
    Admin,
}

impl Who {
    fn principal(self) -> Option<Principal> {
        let (byte, role) = match self {
            Self::Nobody => return None,
            Self::Customer => (1, Role::Customer),
            Self::Merchant => (2, Role::Merchant),
            Self::Other => (3, Role::Merchant),
            Self::Admin => (4, Role::Admin),
        };
        Some(Principal {
            user_id: UserId::from_bytes([byte; 16]),
            session_id: SessionId::from_bytes([byte; 16]),
            roles: vec![role],
            key: None,
        })
    }
}

impl Shop {
    async fn open() -> Self {
        Self::open_in(Self::folder(), None).await
    }

    /// Another node on the same store, as far as the catalog can tell.
    async fn beside(&self, redis: Option<Redis>) -> Self {
        Self::open_in(self.folder.clone(), redis).await
    }

    /// A shop that keeps no answer in memory: its clock may run faster than time.
    async fn forgetful() -> Self {
        Self::open_keeping(Self::folder(), None, 0).await
    }

    fn folder() -> PathBuf {
        let folder =
            std::env::temp_dir().join(format!("souk-catalog-it-{}", ProductId::generate()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    async fn open_in(folder: PathBuf, redis: Option<Redis>) -> Self {
        Self::open_keeping(folder, redis, 2_000).await
    }

    async fn open_keeping(folder: PathBuf, redis: Option<Redis>, age_max_ms: u64) -> Self {
        let clock = Clock::manual(NOW);
        let service = catalog::open(Parts {
            place: Place::Sqlite(folder.join("catalog.db"), OPTIONS),
            config: Config {
                currency: "USD".parse().unwrap(),
                further_currencies: vec!["EUR".parse().unwrap()],
                window_kilobytes: 1_024,
                window_age_max_ms: age_max_ms,
                window_absent_age_max_ms: age_max_ms / 4,
                images: images(),
            },
            outward: outward(),
            clock: clock.clone(),
            redis,
        })
        .await
        .unwrap();
        let near: Arc<dyn Catalog> = service.clone();
        let router = catalog::routes(near, service.clone());
        let options = stack::Options {
            timeout_ms: 10_000,
            in_flight_max: 10_000,
            late_ms_max: 0,
            body_bytes_max: 64 * 1_024,
        };
        let router = stack::wrap(router, &options, "http://shop.test", clock.clone());
        Self {
            service,
            router,
            folder,
            clock,
        }
    }

    async fn send(&self, who: Who, mut request: Request<Body>) -> Answer {
        if let Some(principal) = who.principal() {
            request.extensions_mut().insert(principal);
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        }
    }

    /// A request whose `headers` are written as `name: value`.
    async fn call(&self, who: Who, line: &str, headers: &[&str], body: impl ToString) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = Request::builder()
            .method(method.parse::<Method>().unwrap())
            .uri(path)
            .header("content-type", "application/json");
        for header in headers {
            let (name, value) = header.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        self.send(who, request).await
    }

    async fn get(&self, who: Who, path: &str) -> Answer {
        self.call(who, &format!("GET {path}"), &[], "").await
    }

    async fn post(&self, who: Who, path: &str, body: Value) -> Answer {
        self.call(who, &format!("POST {path}"), &[], body).await
    }

    /// The merchant's product, made.
    async fn product(&self, body: Value) -> Answer {
        let answer = self.post(Who::Merchant, "/api/v1/products", body).await;
        assert_eq!(answer.status, StatusCode::CREATED.as_u16(), "{answer:?}");
        answer
    }
}
