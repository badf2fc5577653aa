//! The listener for operations: what the shop counts, and how everything is that it depends on. It is not the
//! public door, and nothing of the shop is sold here.

use crate::{config::Config, entrance, inside::Inside, life::Life, watch};
use axum::{
    Router,
    http::{
        HeaderMap, StatusCode,
        header::{ACCEPT, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use contracts::BoxError;
use platform::{
    balance::{self, Pools},
    config::Shown,
    exposition,
    http::{counted, listen, tls},
    metrics::{self, Family, Gauge, Registry},
    outbox, process, trace,
};
use std::{net::SocketAddr, sync::Arc};

/// Whoever scrapes needs one connection, or a few.
const CONNECTIONS_MAX: u32 = 16;

/// Serves `/metrics`, `/livez`, `/readyz`, `/services` (the pools behind this process) and what is inside of it;
/// answers where.
pub(crate) async fn start(
    life: &Life,
    address: SocketAddr,
    (config, settings): (&Config, &Shown),
    pools: &Pools,
) -> Result<SocketAddr, BoxError> {
    let listener = entrance::bind(address).await?;
    let address = listener.local_addr()?;
    let mut registry = registry();
    if let Some(folder) = config.data_folder() {
        process::register_room(&mut registry, &folder);
    }
    let registry = Arc::new(registry);
    let scrape = get(move |headers: HeaderMap| {
        let registry = Arc::clone(&registry);
        async move { page(&registry, &headers) }
    });
    let inside = Inside::new(config, settings.clone(), life.readiness.clone());
    let router = Router::new()
        .route("/metrics", scrape)
        .merge(life.readiness.routes())
        .merge(inside.routes())
        .merge(pools.routes());
    let manner = config.http.plainly(listen::Room::for_any(CONNECTIONS_MAX));
    listen::start(&life.doors, listener, router, manner);
    Ok(address)
}

/// All that is counted.
pub(crate) fn registry() -> Registry {
    let mut registry = Registry::default();
    metrics::register(&mut registry);
    balance::register_metrics(&mut registry);
    tls::register_metrics(&mut registry);
    counted::register(&mut registry);
    outbox::register_metrics(&mut registry);
    trace::register_metrics(&mut registry);
    identity::register_metrics(&mut registry);
    orders::register_metrics(&mut registry);
    payments::register_metrics(&mut registry);
    watch::register(&mut registry);
    process::register(&mut registry);
    webhooks::register_metrics(&mut registry);
    build(&mut registry);
    registry
}

/// Says what runs here.
fn build(registry: &mut Registry) {
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    let build = Family::<[(&str, &str); 1], Gauge>::default();
    build.get_or_create_owned(&version).set(1);
    registry.register("souk_build_info", "1, with the version that runs", build);
}

/// How many wishes were worked off, in how many batches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) wishes: u64,
    pub(crate) batches: u64,
}

impl Counted {
    /// What came since.
    pub(crate) fn since(self, before: &Self) -> Self {
        Self {
            wishes: self.wishes.saturating_sub(before.wishes),
            batches: self.batches.saturating_sub(before.batches),
        }
    }

    /// What several nodes counted.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            wishes: self.wishes.saturating_add(other.wishes),
            batches: self.batches.saturating_add(other.batches),
        }
    }

    /// Out of the text that `/metrics` answers.
    pub(crate) fn read(text: &str) -> Self {
        let value = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            // Whole numbers, written as `12.0`.
            line.trim().split('.').next()?.parse().ok()
        };
        Self {
            wishes: value("souk_order_commit_batch_size_sum").unwrap_or(0),
            batches: value("souk_order_commit_batch_size_count").unwrap_or(0),
        }
    }
}

/// What is counted, as whoever scrapes it reads it; nothing where it cannot be written.
pub(crate) fn text() -> String {
    metrics::text(&registry()).unwrap_or_else(|error| {
        tracing::error!(error = %error, "the metrics could not be written");
        String::new()
    })
}

/// Reads from the metrics what anybody may read there.
pub(crate) fn counted() -> Result<Counted, BoxError> {
    Ok(Counted::read(&metrics::text(&registry())?))
}

/// Limits that were counted in Redis itself, so far.
pub(crate) fn limits_asked() -> Result<u64, BoxError> {
    count_of("souk_limit_takes_total{place=\"redis\"}")
}

/// Spans that ended so, so far.
pub(crate) fn spans(outcome: &str) -> Result<u64, BoxError> {
    count_of(&format!("souk_spans_total{{outcome=\"{outcome}\"}}"))
}

/// What a series counted; nothing where it did not begin.
fn count_of(series: &str) -> Result<u64, BoxError> {
    let text = metrics::text(&registry())?;
    let line = text.lines().find_map(|line| line.strip_prefix(series));
    Ok(line
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0))
}

fn page(registry: &Registry, headers: &HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    match exposition::answer(registry, accept) {
        Ok((kind, text)) => ([(CONTENT_TYPE, kind)], text).into_response(),
        Err(error) => {
            tracing::error!(error = %error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
