//! What operators see of a process at the private listener beside its metrics: whether it has started, which release it
//! is, with which settings, and how much its log says, which they may change there. Nothing of the shop itself, and no
//! secret.

use crate::config::Config;
use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use contracts::{
    BoxError,
    problem::{Code, Problem},
};
use platform::{http::Fault, telemetry};
use serde_json::json;

/// Levels for some dozens of parts.
const LEVEL_BYTES_MAX: usize = 4_096;

/// The routes. Whoever is answered here talks to a process that has started: before that nobody listens.
pub(crate) fn routes(config: &Config) -> Result<Router, BoxError> {
    let settings = config.print()?;
    let level = get(level).put(set_level);
    Ok(Router::new()
        .route("/startupz", get(|| async { text("started".to_owned()) }))
        .route("/version", get(version))
        .route("/debug/config", get(|| async { text(settings) }))
        .route("/loglevel", level)
        .layer(DefaultBodyLimit::max(LEVEL_BYTES_MAX)))
}

async fn version() -> Response {
    let (name, version) = ("souk", env!("CARGO_PKG_VERSION"));
    Json(json!({ "name": name, "version": version })).into_response()
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
