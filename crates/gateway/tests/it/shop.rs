//! A door with everything around it, as the server builds it, and short ways to ask.

use crate::fakes::{FakeIdentity, FakeKeys, Log, Script, Seen, Signer, service, user_json};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{HeaderMap, HeaderName, Method, Response},
};
use contracts::{access::Role, identity::Ended, values::UserId};
use gateway::{Config, Door, Limits, Upstreams, config};
use http_body_util::BodyExt;
use platform::{
    config::{Sources, load},
    http::{Readiness, auth::ClientAddress, readiness, stack},
};
use serde_json::{Value, json};
use std::{
    net::IpAddr,
    sync::{Arc, Mutex},
};
use tower::ServiceExt;

#[derive(Debug, serde::Deserialize)]
struct Sections {
    gateway: Config,
    limits: config::Limits,
    readiness: readiness::Options,
}

pub(crate) struct Shop {
    router: Router,
    log: Log,
    pub(crate) signer: Signer,
    pub(crate) ann: UserId,
    pub(crate) renewals: Arc<Mutex<u32>>,
    pub(crate) ended: Arc<Mutex<Option<Ended>>>,
    pub(crate) readiness: Readiness,
    pub(crate) keys: Arc<FakeKeys>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// `409 version_conflict`, or the bare status.
    pub(crate) fn brief(&self) -> String {
        let body: Value = serde_json::from_str(&self.text).unwrap_or_default();
        match body["code"].as_str() {
            Some(code) => format!("{} {code}", self.status),
            None => self.status.to_string(),
        }
    }
}

/// A request in the making.
pub(crate) struct Wish {
    method: Method,
    address: String,
    headers: Vec<(&'static str, String)>,
    body: Option<String>,
    peer: IpAddr,
}

pub(crate) fn wish(method: &str, address: &str) -> Wish {
    Wish {
        method: method.parse().unwrap(),
        address: address.to_owned(),
        headers: vec![("host", "shop.example".to_owned())],
        body: None,
        peer: "203.0.113.9".parse().unwrap(),
    }
}

impl Wish {
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.text("application/json", &body.to_string())
    }

    pub(crate) fn text(mut self, kind: &str, body: &str) -> Self {
        self.body = Some(body.to_owned());
        self.header("content-type", kind)
    }

    pub(crate) fn from(mut self, peer: &str) -> Self {
        self.peer = peer.parse().unwrap();
        self
    }

    fn request(self) -> Request {
        let mut request = Request::new(self.body.map_or_else(Body::empty, Body::from));
        *request.method_mut() = self.method;
        *request.uri_mut() = self.address.parse().unwrap();
        for (name, value) in self.headers {
            let name = HeaderName::from_static(name);
            request.headers_mut().append(name, value.parse().unwrap());
        }
        request.extensions_mut().insert(ClientAddress(self.peer));
        request
    }
}

impl Shop {
    /// With the limits off.
    pub(crate) fn open(
        script: impl Fn(&Seen) -> Option<Response<Body>> + Send + Sync + 'static,
    ) -> Self {
        Self::with(json!({"limits": {"enabled": false}}), script)
    }

    /// With settings of its own.
    pub(crate) fn with(
        settings: Value,
        script: impl Fn(&Seen) -> Option<Response<Body>> + Send + Sync + 'static,
    ) -> Self {
        let sources = Sources {
            defaults: &[gateway::DEFAULTS, readiness::DEFAULTS].concat(),
            file: None,
            environment: false,
        };
        let sections: Sections = load(&sources, settings).unwrap();
        let (signer, ann) = (Signer::new(), UserId::generate());
        let (log, script): (Log, Script) = (Log::default(), Arc::new(script));
        let renewals = Arc::default();
        let ended = Arc::new(Mutex::new(Some(Ended::default())));
        let keys = Arc::<FakeKeys>::default();
        let readiness = Readiness::new(sections.readiness);
        let identity = FakeIdentity {
            user_id: ann,
            access_token: signer.token(ann, &[Role::Customer]),
            renewals: Arc::clone(&renewals),
            ended: Arc::clone(&ended),
            keys: Arc::clone(&keys),
        };
        let router = gateway::routes(Door {
            config: sections.gateway,
            limits: Limits::new(&sections.limits, None),
            verifier: signer.verifier(),
            identity: Arc::new(identity),
            upstreams: Upstreams {
                identity: service("identity", &log, &script),
                catalog: service("catalog", &log, &script),
                orders: service("orders", &log, &script),
                payments: service("payments", &log, &script),
                audit: service("audit", &log, &script),
                storefront: service("storefront", &log, &script),
            },
            openapi: include_str!("openapi.json"),
            public_url: "https://shop.example".to_owned(),
            readiness: readiness.clone(),
        });
        let options = stack::Options {
            timeout_ms: 10_000,
            in_flight_max: 1_000,
            late_ms_max: 0,
            body_bytes_max: 65_536,
        };
        let clock = signer.clock.clone();
        Self {
            router: stack::wrap(router, &options, "https://shop.example", clock),
            log,
            signer,
            ann,
            renewals,
            ended,
            readiness,
            keys,
        }
    }

    pub(crate) async fn ask(&self, wish: Wish) -> Answer {
        let response = self.router.clone().oneshot(wish.request()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    /// Asks as Ann.
    pub(crate) async fn ann(&self, wish: Wish) -> Answer {
        self.ask_as(self.ann, &[Role::Customer], wish).await
    }

    /// Asks as an admin.
    pub(crate) async fn admin(&self, wish: Wish) -> Answer {
        self.ask_as(UserId::generate(), &[Role::Admin], wish).await
    }

    pub(crate) async fn ask_as(&self, id: UserId, roles: &[Role], wish: Wish) -> Answer {
        let token = format!("Bearer {}", self.signer.token(id, roles));
        self.ask(wish.header("authorization", &token)).await
    }

    /// What the services were asked since the last time.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.log.lock().unwrap())
    }

    /// The same, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().iter().map(Seen::line).collect()
    }
}

/// Answers `GET /api/v1/me` as Ann.
pub(crate) fn me(seen: &Seen) -> Option<Response<Body>> {
    let who = seen.who?;
    seen.is("GET", "/api/v1/me")
        .then(|| crate::fakes::answer(200, &user_json(who)))
        .flatten()
}
