//! Whether this process should be given work, and why not: a list of checks that is gone through in the
//! background. A probe only reads what was seen last, so that a slow dependency never makes a probe slow; and
//! liveness never comes here at all.

use super::Fault;
use crate::{metrics, tasks::Tasks};
use axum::{
    Json, Router,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header, header::CACHE_CONTROL},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::get,
};
use contracts::{
    BoxError,
    problem::{Code, Problem},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, join_all},
};
use serde::{Deserialize, Serialize};
use std::{
    future::Future,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The keys of the section `[readiness]`, with their defaults.
pub const DEFAULTS: &str = include_str!("readiness.toml");

/// How closely dependencies are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// From one look at the dependencies to the next.
    pub every_ms: u64,
    /// How long one of them may take to answer.
    pub timeout_ms: u64,
    /// Failures in a row until one counts as failing.
    pub failures: u32,
    /// Successes in a row until it counts as well again.
    pub successes: u32,
}

/// What a dependency is to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Without it we can do nothing: while it fails, we take no work.
    Required,
    /// Without it we are slower or later, and go on.
    Optional,
}

/// How a dependency is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// Nobody has looked yet.
    Unknown,
    /// It answers.
    Well,
    /// It does not.
    Failing,
}

/// What is known of one dependency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// Its name.
    pub name: &'static str,
    /// Whether we can do nothing without it.
    pub required: bool,
    /// How it is.
    pub state: Health,
    /// How long its last answer took, in microseconds.
    pub latency_us: u64,
    /// What the last look found wrong; for operators only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Whether we take work, and how everything is that we depend on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether we take work.
    pub ready: bool,
    /// Whether we are about to stop.
    pub draining: bool,
    /// Each dependency.
    pub checks: Vec<Seen>,
}

/// Who reads a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reader {
    /// Anybody: no word of what a dependency said.
    Anybody,
    /// An operator, at the private listener.
    Operator,
}

/// The checks of a process. Clones share them.
#[derive(Clone)]
pub struct Readiness(Arc<Inside>);

struct Inside {
    options: Options,
    draining: CancellationToken,
    checks: Mutex<Vec<Check>>,
}

type Look = Arc<dyn Fn() -> BoxFuture<'static, Result<(), BoxError>> + Send + Sync>;

struct Check {
    look: Look,
    seen: Seen,
    /// How often in a row the last looks said the other thing.
    against: u32,
}

impl Readiness {
    /// Without a check: ready until it drains.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self(Arc::new(Inside {
            options,
            draining: CancellationToken::new(),
            checks: Mutex::default(),
        }))
    }

    /// Adds a dependency. One that is required keeps us from being ready until it was seen well.
    pub fn add<W, F>(&self, name: &'static str, need: Need, look: W)
    where
        W: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        self.checks().push(Check {
            look: Arc::new(move || look().boxed()),
            seen: Seen {
                name,
                required: need == Need::Required,
                state: Health::Unknown,
                latency_us: 0,
                error: None,
            },
            against: 0,
        });
    }

    /// Looks at everything once, as when a shop opens.
    pub async fn look(&self) {
        let looks: Vec<(&'static str, Look)> = {
            let checks = self.checks();
            let pair = |check: &Check| (check.seen.name, Arc::clone(&check.look));
            checks.iter().map(pair).collect()
        };
        let longest = Duration::from_millis(self.0.options.timeout_ms);
        let looking = looks.into_iter().map(|(name, look)| async move {
            let started = Instant::now();
            let result = match tokio::time::timeout(longest, look()).await {
                Ok(result) => result.map_err(|error| error.to_string()),
                Err(_) => Err("it does not answer in time".to_owned()),
            };
            (name, result, started.elapsed())
        });
        let found = join_all(looking).await;
        let mut checks = self.checks();
        for (name, result, took) in found {
            if let Some(check) = checks.iter_mut().find(|check| check.seen.name == name) {
                check.note(result.err(), took, &self.0.options);
                metrics::dependency(name, check.seen.state == Health::Well);
            }
        }
        drop(checks);
        metrics::ready(self.is_ready());
    }

    /// Goes on looking until the tasks stop.
    pub fn start(&self, tasks: &Tasks) {
        let this = self.clone();
        let every = Duration::from_millis(self.0.options.every_ms.max(10));
        tasks.start("readiness", move |stop| async move {
            loop {
                tokio::select! {
                    () = stop.cancelled() => return Ok(()),
                    () = tokio::time::sleep(every) => this.look().await,
                }
            }
        });
    }

    /// From now on no more work is taken; what is open is finished.
    pub fn drain(&self) {
        self.0.draining.cancel();
        metrics::ready(false);
    }

    /// Whether it was told to take no more work.
    #[must_use]
    pub fn is_draining(&self) -> bool {
        self.0.draining.is_cancelled()
    }

    /// Whether work is taken.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.is_draining() && self.checks().iter().all(|check| !check.is_in_the_way())
    }

    /// How everything is.
    #[must_use]
    pub fn report(&self, reader: Reader) -> Report {
        let mut checks: Vec<Seen> = {
            let checks = self.checks();
            checks.iter().map(|check| check.seen.clone()).collect()
        };
        if reader == Reader::Anybody {
            for seen in &mut checks {
                seen.error = None;
            }
        }
        Report {
            ready: self.is_ready(),
            draining: self.is_draining(),
            checks,
        }
    }

    /// Why no work is taken: names only.
    #[must_use]
    pub fn reasons(&self) -> Vec<&'static str> {
        let mut reasons = Vec::new();
        if self.is_draining() {
            reasons.push("draining");
        }
        let checks = self.checks();
        let failing = checks.iter().filter(|check| check.is_in_the_way());
        reasons.extend(failing.map(|check| check.seen.name));
        reasons
    }

    /// The answer to a probe: one word, or with `verbose` in the query everything that is known.
    pub fn answer(&self, query: Option<&str>, reader: Reader) -> Response {
        let is_verbose = query.is_some_and(|query| {
            let mut pairs = query.split('&');
            pairs.any(|pair| matches!(pair, "verbose" | "verbose=" | "verbose=1" | "verbose=true"))
        });
        let ready = self.is_ready();
        let mut response = match (is_verbose, ready) {
            (true, _) => {
                let status = if ready {
                    StatusCode::OK
                } else {
                    StatusCode::SERVICE_UNAVAILABLE
                };
                (status, Json(self.report(reader))).into_response()
            }
            (false, true) => "ready".into_response(),
            (false, false) => {
                let reasons = self.reasons();
                let detail = format!("the shop is not ready: {}", reasons.join(", "));
                let problem = Problem::new(Code::Unavailable).detail(detail);
                Fault(problem.fact("reasons", reasons)).into_response()
            }
        };
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// `/livez` and `/readyz` for a private listener.
    pub fn routes(&self) -> Router {
        let ready = |State(this): State<Self>, Query(query): Query<Verbosity>| async move {
            this.answer(query.as_query(), Reader::Operator)
        };
        Router::new()
            .route("/livez", get(|| async { "ok" }))
            .route("/readyz", get(ready))
            .with_state(self.clone())
    }

    /// Asks HTTP/1 clients for another connection with every answer, once it drains: whoever balances by
    /// connections, and cannot ask `/readyz`, goes elsewhere by itself before the socket closes.
    pub fn part_while_draining(&self, router: Router) -> Router {
        router.layer(from_fn_with_state(self.clone(), part))
    }

    fn checks(&self) -> MutexGuard<'_, Vec<Check>> {
        self.0.checks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The query of a probe.
#[derive(Deserialize)]
struct Verbosity {
    verbose: Option<String>,
}

impl Verbosity {
    fn as_query(&self) -> Option<&'static str> {
        self.verbose.as_ref().map(|_| "verbose")
    }
}

async fn part(
    State(readiness): State<Readiness>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let is_first_version = request.version() <= axum::http::Version::HTTP_11;
    let mut response = next.run(request).await;
    // HTTP/2 knows no such header; its connections are told by GOAWAY when the socket closes.
    if is_first_version && readiness.is_draining() {
        let close = HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
    }
    response
}

impl Check {
    fn is_in_the_way(&self) -> bool {
        self.seen.required && self.seen.state != Health::Well
    }

    /// Takes in what a look found. One failure is no failing yet, nor is one success a recovery; only the very
    /// first look is believed at once when it is good.
    fn note(&mut self, error: Option<String>, took: Duration, options: &Options) {
        let found = if error.is_none() {
            Health::Well
        } else {
            Health::Failing
        };
        self.seen.latency_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.seen.error = error;
        if found == self.seen.state {
            self.against = 0;
            return;
        }
        self.against = self.against.saturating_add(1);
        let enough = match (self.seen.state, found) {
            (Health::Unknown, Health::Well) => 1,
            (_, Health::Failing) => options.failures,
            (_, Health::Well | Health::Unknown) => options.successes,
        };
        if self.against < enough {
            return;
        }
        self.against = 0;
        self.seen.state = found;
        match &self.seen.error {
            Some(error) => tracing::warn!(dependency = self.seen.name, error, "it fails"),
            None => tracing::info!(dependency = self.seen.name, "it is well"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    const OPTIONS: Options = Options {
        every_ms: 10,
        timeout_ms: 50,
        failures: 2,
        successes: 2,
    };

    /// A readiness with one dependency, and the switch that breaks it.
    fn depending(need: Need) -> (Readiness, Arc<AtomicBool>) {
        let readiness = Readiness::new(OPTIONS);
        let broken = Arc::new(AtomicBool::new(false));
        let switch = Arc::clone(&broken);
        readiness.add("store", need, move || {
            let broken = switch.load(Ordering::SeqCst);
            async move {
                if broken {
                    Err("secret words".into())
                } else {
                    Ok(())
                }
            }
        });
        (readiness, broken)
    }

    #[tokio::test]
    async fn a_required_dependency_must_be_seen_well_first() {
        let (readiness, _) = depending(Need::Required);
        assert!(!readiness.is_ready());
        assert_eq!(readiness.reasons(), ["store"]);
        readiness.look().await;
        assert!(readiness.is_ready() && readiness.reasons().is_empty());
    }

    #[tokio::test]
    async fn one_failure_changes_nothing_and_one_success_neither() {
        let (readiness, broken) = depending(Need::Required);
        let mut seen = Vec::new();
        for is_broken in [false, true, false, true, true, false, true, false, false] {
            broken.store(is_broken, Ordering::SeqCst);
            readiness.look().await;
            seen.push(readiness.is_ready());
        }
        assert_eq!(
            seen,
            [true, true, true, true, false, false, false, false, true]
        );
    }

    #[tokio::test]
    async fn what_is_optional_is_told_and_is_not_in_the_way() {
        let (readiness, broken) = depending(Need::Optional);
        broken.store(true, Ordering::SeqCst);
        readiness.look().await;
        readiness.look().await;
        assert!(readiness.is_ready());
        let state = |reader| readiness.report(reader).checks.remove(0);
        assert_eq!(state(Reader::Anybody).state, Health::Failing);
        assert_eq!(state(Reader::Anybody).error, None);
        let told = state(Reader::Operator).error;
        assert_eq!(told.as_deref(), Some("secret words"));
    }

    #[tokio::test]
    async fn what_hangs_fails_and_holds_up_nobody() {
        let readiness = Readiness::new(OPTIONS);
        readiness.add("bus", Need::Required, std::future::pending);
        for _ in 0..2 {
            readiness.look().await;
        }
        let seen = readiness.report(Reader::Operator).checks.remove(0);
        assert_eq!(seen.state, Health::Failing);
        assert!(seen.error.unwrap().contains("in time"));
    }

    #[tokio::test]
    async fn who_drains_is_not_ready_however_well_everything_is() {
        let (readiness, _) = depending(Need::Required);
        readiness.look().await;
        readiness.drain();
        assert_eq!(readiness.reasons(), ["draining"]);
        assert_eq!(readiness.answer(None, Reader::Anybody).status(), 503);
        let verbose = readiness.answer(Some("verbose"), Reader::Anybody);
        assert_eq!(verbose.status(), 503);
    }
}
