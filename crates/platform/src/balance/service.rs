//! The service in front of a pool: one request, as many attempts as are safe, one answer. It ends within its
//! deadline, and with a problem when nobody answered.

use super::{
    body::{Flowing, Sent},
    headers,
    instance::{Occupied, Verdict},
    metrics::Ended,
    pool::{NoChoice, Pool},
    tries::{self, Nature, Outcome, Story},
};
use crate::{
    deadline::{self, Deadline},
    http::{Fault, auth::ClientAddress, stack},
    trace::{self, Kind, Span},
    trail,
};
use axum::{
    body::Body,
    extract::Request,
    http::{
        HeaderMap, HeaderValue, Method, Uri, Version,
        header::{ALLOW, CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING},
        request::Parts,
        uri::{PathAndQuery, Scheme},
    },
    response::{IntoResponse, Response},
};
use contracts::problem::{Code, Problem};
use futures_util::{FutureExt, future::BoxFuture};
use hyper::body::Incoming;
use std::{
    convert::Infallible,
    net::SocketAddr,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::Instant;
use tower::Service;

/// We give up this much before our caller does, so that it hears why.
const HEAD_START: Duration = Duration::from_millis(20);

/// Put into a request's extensions by whoever knows that it changes nothing, whatever its method says.
#[derive(Debug, Clone, Copy)]
pub struct OnlyReads;

/// A role as a service: whoever calls it cannot tell it from a router of this process.
#[derive(Clone)]
pub struct Balanced {
    pool: Pool,
    scheme: &'static str,
    longest: Duration,
}

impl Balanced {
    /// The service of a pool.
    #[must_use]
    pub fn new(pool: Pool) -> Self {
        Self {
            longest: pool.options().timeout(),
            pool,
            scheme: "http",
        }
    }

    /// The same, but its answers may take this long.
    #[must_use]
    pub const fn within(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Tells instances by which scheme the shop is seen from outside.
    #[must_use]
    pub fn seen_at(mut self, public_url: &str) -> Self {
        self.scheme = if public_url.starts_with("https://") {
            "https"
        } else {
            "http"
        };
        self
    }

    /// The pool behind it.
    #[must_use]
    pub const fn pool(&self) -> &Pool {
        &self.pool
    }

    async fn answer(self, request: Request) -> Response {
        let started = Instant::now();
        let mut span = Span::below(Kind::Client, || format!("ask {}", self.pool.role()).into());
        let answered = trail::traced(span.place(), self.forward(request)).await;
        match &answered {
            Ok(response) => span.say("http.response.status_code", || response.status().as_u16()),
            Err(_) => span.fail(),
        }
        let metrics = self.pool.metrics();
        metrics.seconds.observe(started.elapsed().as_secs_f64());
        answered.unwrap_or_else(|problem| Fault(problem).into_response())
    }

    async fn forward(&self, request: Request) -> Result<Response, Problem> {
        if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
            return Ok(method_not_allowed());
        }
        let deadline = self.deadline();
        let (mut parts, body) = request.into_parts();
        self.prepare(&mut parts);
        let options = self.pool.options();
        let kept_max = usize::try_from(options.retry.body_bytes_max).unwrap_or(usize::MAX);
        let passed_max = usize::try_from(options.body_bytes_max).unwrap_or(usize::MAX);
        let reading = Sent::read(&parts.headers, body, kept_max, passed_max);
        let sent = tokio::time::timeout_at(deadline.moment(), reading).await;
        let sent = sent.map_err(|_| Problem::new(Code::RequestTimeout))??;
        if sent.is_kept() {
            // Its length is known now, whatever was said before.
            parts.headers.remove(CONTENT_LENGTH);
        }
        self.pool.budget().earn();
        let nature = Nature {
            is_repeatable: headers::is_repeatable(&parts.method, &parts.headers)
                || parts.extensions.get::<OnlyReads>().is_some(),
            only_reads: headers::only_reads(&parts.method)
                || parts.extensions.get::<OnlyReads>().is_some(),
            is_kept: sent.is_kept(),
        };
        self.attempts(&parts, sent, nature, deadline).await
    }

    /// The whole time for this request: ours, or what is left of our caller's.
    fn deadline(&self) -> Deadline {
        let ours = Deadline::after(self.longest);
        let theirs = deadline::current().map(|theirs| {
            let left = theirs.moment().saturating_duration_since(Instant::now());
            Deadline::after(left.saturating_sub(HEAD_START))
        });
        theirs.map_or(ours, |theirs| theirs.min(ours))
    }

    /// The head as instances get it.
    fn prepare(&self, parts: &mut Parts) {
        // Two lengths are one too many: what was sent in chunks has none.
        if parts.headers.contains_key(TRANSFER_ENCODING) {
            parts.headers.remove(CONTENT_LENGTH);
        }
        headers::strip(&mut parts.headers);
        // Answered by the server that read the head.
        parts.headers.remove(EXPECT);
        let host = parts.uri.authority().map(|authority| authority.as_str());
        let host = host.and_then(|host| HeaderValue::from_str(host).ok());
        if let (Some(host), false) = (host, parts.headers.contains_key(HOST)) {
            parts.headers.insert(HOST, host);
        }
        let client = parts.extensions.get::<ClientAddress>();
        let client = client.map(|ClientAddress(address)| *address);
        headers::say_for_whom(&mut parts.headers, client, self.scheme);
        let id = parts.extensions.get::<stack::RequestId>();
        let id = id.and_then(|id| HeaderValue::from_str(&id.0).ok());
        if let Some(id) = id {
            parts.headers.insert(stack::X_REQUEST_ID, id);
        }
        trace::say_in(&mut parts.headers, trail::trace());
    }

    async fn attempts(
        &self,
        parts: &Parts,
        mut sent: Sent,
        nature: Nature,
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let most = usize::try_from(self.pool.options().retry.tries_max).unwrap_or(usize::MAX);
        let mut tried: Vec<SocketAddr> = Vec::new();
        let mut story = Story::default();
        let mut next = Some(self.pool.choose(&tried).map_err(no_choice)?);
        while let (Some(occupied), Some(body)) = (next.take(), sent.take()) {
            tried.push(occupied.instance().address);
            let is_last = tried.len() >= most;
            let may_be_short =
                nature.only_reads && nature.is_kept && !is_last && self.pool.has_other(&tried);
            let until = self.until(deadline, may_be_short);
            let attempt = Attempt::new(&self.pool, occupied);
            let request = outgoing(parts, body, attempt.address(), until)?;
            let (outcome, answer) = attempt.make(request, until).await;
            if outcome.allows_another(nature) && !is_last && !deadline.has_passed() {
                next = self.another(&tried, outcome, nature);
            }
            if let (None, Some(answer)) = (&next, answer.filter(|_| story.may_be_told(outcome))) {
                return Ok(answer);
            }
            story.add(outcome, nature);
        }
        Err(story.problem(nature))
    }

    /// Another instance, if there is one and the budget allows it; where there is only one, that one once more, if
    /// that is safe. Whatever was refused a connection is not asked twice by being asked elsewhere, and costs nothing.
    fn another(&self, tried: &[SocketAddr], outcome: Outcome, nature: Nature) -> Option<Occupied> {
        let once_more = nature.is_repeatable && outcome.is_severed();
        let chosen = match self.pool.choose(tried) {
            Err(NoChoice::Nobody) if once_more && tried.len() == 1 => self.pool.choose(&[]),
            chosen => chosen,
        };
        let occupied = chosen.ok()?;
        let metrics = self.pool.metrics();
        if outcome != Outcome::Refused && !self.pool.budget().spend() {
            metrics.retries_refused.inc();
            return None;
        }
        metrics.retries.inc();
        Some(occupied)
    }

    /// Until when one attempt may take: a read that somebody else can answer is given up early.
    fn until(&self, deadline: Deadline, may_be_short: bool) -> Instant {
        if !may_be_short {
            return deadline.moment();
        }
        let one_try = Deadline::after(self.pool.options().one_try());
        one_try.min(deadline).moment()
    }
}

impl Service<Request> for Balanced {
    type Response = Response;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.clone().answer(request).map(Ok).boxed()
    }
}

fn no_choice(why: NoChoice) -> Problem {
    match why {
        NoChoice::Nobody => tries::unreachable(),
        NoChoice::Full => Problem::new(Code::Overloaded),
    }
}

fn method_not_allowed() -> Response {
    let mut response = Fault::new(Code::MethodNotAllowed).into_response();
    let methods = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
    response.headers_mut().insert(ALLOW, methods);
    response
}

/// The request as one instance gets it.
fn outgoing(
    parts: &Parts,
    body: Body,
    address: SocketAddr,
    until: Instant,
) -> Result<Request, Problem> {
    let target = parts.uri.path_and_query().cloned();
    let uri = Uri::builder()
        .scheme(Scheme::HTTP)
        .authority(address.to_string())
        .path_and_query(target.unwrap_or_else(|| PathAndQuery::from_static("/")))
        .build()
        .map_err(|_| Problem::new(Code::Malformed))?;
    let mut request = Request::new(body);
    *request.method_mut() = parts.method.clone();
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = parts.headers.clone();
    let left = until.saturating_duration_since(Instant::now()).as_millis();
    let left = HeaderValue::from(u64::try_from(left).unwrap_or(u64::MAX));
    request.headers_mut().insert(deadline::HEADER, left);
    Ok(request)
}

/// One request at one instance. Whoever drops it before its end went away.
struct Attempt<'p> {
    pool: &'p Pool,
    occupied: Option<Occupied>,
    address: SocketAddr,
    started: Instant,
}

impl<'p> Attempt<'p> {
    fn new(pool: &'p Pool, occupied: Occupied) -> Self {
        Self {
            address: occupied.instance().address,
            pool,
            occupied: Some(occupied),
            started: Instant::now(),
        }
    }

    const fn address(&self) -> SocketAddr {
        self.address
    }

    async fn make(mut self, request: Request, until: Instant) -> (Outcome, Option<Response>) {
        let answering = self.pool.client().request(request);
        let (outcome, response) = match tokio::time::timeout_at(until, answering).await {
            Ok(Ok(response)) => (Outcome::Answered(response.status()), Some(response)),
            Ok(Err(error)) if error.is_connect() => (Outcome::Refused, None),
            Ok(Err(error)) => {
                tracing::debug!(instance.address = %self.address, %error, "an attempt broke off");
                (Outcome::Broken, None)
            }
            Err(_) => (Outcome::Late, None),
        };
        let Some(occupied) = self.occupied.take() else {
            return (outcome, None);
        };
        let took = self.started.elapsed();
        self.pool.note(occupied.instance(), outcome.verdict(), took);
        self.pool.metrics().attempt(outcome.ended());
        let pause = Duration::from_millis(self.pool.options().pause_ms);
        let incoming = |response| incoming(response, occupied, pause);
        (outcome, response.map(incoming))
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let Some(occupied) = self.occupied.take() else {
            return;
        };
        self.pool.metrics().attempt(Ended::Left);
        // A caller that lost its patience says something about who let it wait.
        let took = self.started.elapsed();
        if took >= self.pool.options().one_try() {
            self.pool.note(occupied.instance(), Verdict::Bad, took);
        }
    }
}

/// The answer as our caller gets it.
fn incoming(
    response: hyper::Response<Incoming>,
    occupied: Occupied,
    longest_pause: Duration,
) -> Response {
    let (mut parts, body) = response.into_parts();
    let length: Option<HeaderValue> = parts.headers.get(CONTENT_LENGTH).cloned();
    headers::strip(&mut parts.headers);
    restore(&mut parts.headers, length);
    Response::from_parts(
        parts,
        Body::new(Flowing::new(body, occupied, longest_pause)),
    )
}

/// A length that `Connection` named is a length all the same.
fn restore(headers: &mut HeaderMap, length: Option<HeaderValue>) {
    if let Some(length) = length {
        headers.insert(CONTENT_LENGTH, length);
    }
}
