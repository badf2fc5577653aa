//! Asks instances how they are, all of them at once and again and again. It decides nothing: what an answer
//! means is `health`'s.

use super::{health::Found, instance::Instance, pool::Pool};
use crate::tasks::Tasks;
use axum::{
    body::Body,
    http::{Request, StatusCode, Uri, uri::Scheme},
};
use futures_util::future::join_all;
use http_body_util::{BodyExt, Limited};
use std::{sync::Arc, time::Duration};

/// More than a readiness answer needs.
const ANSWER_BYTES_MAX: usize = 64 * 1_024;

/// Asks until the tasks stop; never, if the options say so.
pub(super) fn start(pool: &Pool, tasks: &Tasks) {
    let every_ms = pool.options().probe.every_ms;
    if every_ms == 0 {
        return;
    }
    let pool = pool.clone();
    tasks.start("probe", move |stop| async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = round(&pool) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(Duration::from_millis(every_ms)) => {}
            }
        }
    });
}

/// Asks each once.
pub(super) async fn round(pool: &Pool) {
    if pool.options().probe.every_ms == 0 {
        return;
    }
    let instances = pool.instances();
    join_all(instances.iter().map(|one| look(pool, one))).await;
    pool.show();
}

async fn look(pool: &Pool, instance: &Arc<Instance>) {
    let longest = Duration::from_millis(pool.options().probe.timeout_ms);
    let found = tokio::time::timeout(longest, ask(pool, instance)).await;
    let found = found.ok().flatten().unwrap_or(Found::Failure);
    instance.probed(found, pool.now_us() / 1_000, pool.options());
}

/// What it answers; nothing, if it does not.
async fn ask(pool: &Pool, instance: &Instance) -> Option<Found> {
    let uri = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(instance.address.to_string())
        .path_and_query(pool.options().probe.path.as_str())
        .build()
        .ok()?;
    let request = Request::get(uri).body(Body::empty()).ok()?;
    let response = pool.client().request(request).await.ok()?;
    let status = response.status();
    // Read to its end, so that the connection can be used again.
    let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX);
    body.collect().await.ok()?;
    Some(match status {
        status if status.is_success() => Found::Ready,
        StatusCode::SERVICE_UNAVAILABLE => Found::NotReady,
        _ => Found::Failure,
    })
}
