//! What operators see of a process at the private listener beside its metrics: what runs there, which release it is,
//! with which settings, and how much its log says, which they may change there. Nothing of the shop itself, and no
//! secret.

use crate::{
    config::Config,
    doors::kind,
    shop::now,
    target::{Target, Targets},
};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use contracts::{
    problem::{Code, Problem},
    values::Timestamp,
};
use platform::{
    config::Shown,
    http::{Fault, Readiness},
    telemetry,
};
use serde::Serialize;
use serde_json::json;
use std::{collections::BTreeMap, sync::Arc};

/// Levels for some dozens of parts.
const LEVEL_BYTES_MAX: usize = 4_096;
const NAME: &str = "souk";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// What there is at the private listener, the pages of others included, as whoever hits its root reads it.
const PAGES: &str = "\
/info          what runs here, as JSON
/livez         whether it lives
/readyz        whether it takes work; ?verbose: how everything is that it depends on
/startupz      whether it has started
/metrics       what it counts
/services      the nodes that it asks
/version       which release it is
/debug/config  how it is set, secrets masked
/loglevel      how much its log says; PUT: another level
";

/// What is known of a process that does not change while it runs, and where the rest can be asked.
pub(crate) struct Inside {
    opened_at: Timestamp,
    targets: Targets,
    is_balancer: bool,
    stores: Stores,
    settings: Shown,
    readiness: Readiness,
}

/// What things are kept in, by its kind: an address may hold a password.
#[derive(Debug, Clone, Copy, Serialize)]
struct Stores {
    database: &'static str,
    events: &'static str,
    cache: &'static str,
}

/// What runs here.
#[derive(Debug, Serialize)]
struct Info {
    name: &'static str,
    version: &'static str,
    what: String,
    opened_at: Timestamp,
    open_for_seconds: i64,
    ready: bool,
    /// Each part of a shop, and whether it is here.
    parts: BTreeMap<&'static str, &'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stores: Option<Stores>,
}

impl Inside {
    /// Of a process with these settings, which opens now.
    pub(crate) fn new(config: &Config, settings: Shown, readiness: Readiness) -> Self {
        Self {
            opened_at: now(),
            targets: config.target.clone(),
            is_balancer: !config.gateway.upstream.nodes.is_empty(),
            stores: Stores {
                database: kind(&config.db),
                events: kind(&config.bus),
                cache: kind(&config.cache),
            },
            settings,
            readiness,
        }
    }

    /// The routes. Whoever is answered here talks to a process that has started: before that nobody listens.
    pub(crate) fn routes(self) -> Router {
        let level = get(level).put(set_level);
        Router::new()
            .route("/", get(root))
            .route("/info", get(info))
            .route("/startupz", get(|| async { text("started".to_owned()) }))
            .route("/version", get(version))
            .route("/debug/config", get(settings))
            .route("/loglevel", level)
            .layer(DefaultBodyLimit::max(LEVEL_BYTES_MAX))
            .with_state(Arc::new(self))
    }

    fn what(&self) -> String {
        match self.is_balancer {
            true => "a door in front of nodes that are whole shops".to_owned(),
            false => format!("a shop ({})", self.targets),
        }
    }

    fn info(&self) -> Info {
        let open_for_ms = now().as_ms().saturating_sub(self.opened_at.as_ms());
        let place = |target| match self.is_balancer || !self.targets.is_near(target) {
            true => "elsewhere",
            false => "here",
        };
        let parts = Target::LIST.into_iter();
        let parts = parts.filter(|target| *target != Target::Worker);
        Info {
            name: NAME,
            version: VERSION,
            what: self.what(),
            opened_at: self.opened_at,
            open_for_seconds: open_for_ms.div_euclid(1_000).max(0),
            ready: self.readiness.is_ready(),
            parts: parts.map(|target| (target.name(), place(target))).collect(),
            stores: (!self.is_balancer).then_some(self.stores),
        }
    }
}

type Here = State<Arc<Inside>>;

/// A person or a script that hits the root learns what is running, and where to look further.
async fn root(State(inside): Here) -> Response {
    let ready = match inside.readiness.is_ready() {
        true => "ready",
        false => "not ready",
    };
    let what = inside.what();
    text(format!(
        "{NAME} {VERSION}: {what}, {ready}. For operators only.\n\n{PAGES}"
    ))
}

async fn info(State(inside): Here) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(inside.info())).into_response()
}

async fn settings(State(inside): Here) -> Response {
    text(inside.settings.text())
}

async fn version() -> Response {
    Json(json!({ "name": NAME, "version": VERSION })).into_response()
}

async fn level() -> Result<Response, Fault> {
    let levels = telemetry::levels().ok_or_else(silent)?;
    Ok(text(levels.text()))
}

/// For this process, until it ends or reads its settings again. PUT, so that no page of a browser can do it.
async fn set_level(wish: String) -> Result<Response, Fault> {
    let levels = telemetry::levels().ok_or_else(silent)?;
    let wish = wish.trim();
    levels
        .set(wish)
        .map_err(|error| Fault(Problem::new(Code::Malformed).detail(error.to_string())))?;
    tracing::info!(log.level = wish, "logs say as much as an operator asks for");
    Ok(text(levels.text()))
}

/// A process that keeps no log of its own.
fn silent() -> Fault {
    Fault::new(Code::NotFound)
}

fn text(text: String) -> Response {
    let kind = "text/plain; charset=utf-8";
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], text).into_response()
}
