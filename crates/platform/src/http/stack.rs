//! The stack around the whole door, one pass: request id, trace, panic to problem, size limits, shed,
//! time-out, body limit, security headers, and the one place where problems become bodies.

use super::{
    arrival::{self, Arrival},
    counted,
    lane::Heads,
    load::Load,
};
use crate::{
    clock::Clock,
    deadline::{self, Deadline},
    metrics,
    trace::{self, Purpose, Span},
    trail::{self, Trail},
};
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
};
use contracts::problem::{Code, Problem, ProblemBody};
use futures_util::FutureExt;
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tower_http::compression::{
    CompressionLayer,
    predicate::{NotForContentType, Predicate, SizeAbove},
};
use tracing::Instrument;

/// Correlates answers, logs and problems.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const CROSS_ORIGIN_OPENER_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-opener-policy");
const CROSS_ORIGIN_RESOURCE_POLICY: HeaderName =
    HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

const URI_BYTES_MAX: usize = 8 * 1_024;
const HEADER_BYTES_MAX: usize = 16 * 1_024;
const HEADERS_MAX: usize = 100;

/// Bounds of the stack.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// How long a request may take, in milliseconds.
    pub timeout_ms: u64,
    /// Requests at work at a time; one more is refused.
    pub in_flight_max: u32,
    /// How late work that is ready may be while many requests are at work, in milliseconds, until further ones are
    /// refused; 0: they never are for that.
    pub late_ms_max: u32,
    /// The largest body, unless a route says otherwise, in bytes.
    pub body_bytes_max: u32,
}

/// The id of a request: ours, or the caller's if it is plain.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

#[derive(Clone)]
struct Stack {
    options: Options,
    load: Load,
    public_url: Arc<str>,
    clock: Clock,
}

/// Puts the stack around a router. `public_url` is where the shop is seen from outside.
pub fn wrap(router: Router, options: &Options, public_url: &str, clock: Clock) -> Router {
    wrap_at(&Load::new(options), router, options, public_url, clock)
}

/// The same at a door whose load others look at as well.
pub fn wrap_at(
    load: &Load,
    router: Router,
    options: &Options,
    public_url: &str,
    clock: Clock,
) -> Router {
    let stack = Stack {
        options: options.clone(),
        load: load.clone(),
        public_url: Arc::from(public_url.trim_end_matches('/')),
        clock,
    };
    let body_bytes_max = usize::try_from(options.body_bytes_max).unwrap_or(usize::MAX);
    let worth_it = SizeAbove::new(1_024)
        .and(NotAProblem)
        .and(NotForContentType::IMAGES)
        // An event would wait for the next one.
        .and(NotForContentType::SSE);
    router
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(from_fn_with_state(stack, pass))
        .layer(CompressionLayer::new().compress_when(worth_it))
}

/// Small, and read by people in terminals.
#[derive(Debug, Clone, Copy)]
struct NotAProblem;

impl Predicate for NotAProblem {
    fn should_compress<B: axum::body::HttpBody>(&self, response: &axum::http::Response<B>) -> bool {
        !response.status().is_client_error() && !response.status().is_server_error()
    }
}

async fn pass(State(stack): State<Stack>, mut request: Request, next: Next) -> Response {
    let id: Arc<str> = request_id(request.headers().into()).into();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let accepts_html = accepts_html(request.headers().into());
    request.extensions_mut().insert(RequestId(Arc::clone(&id)));
    let span =
        tracing::debug_span!("request", request.id = %id, http.method = %method, http.path = %path);
    let started = stack.clock.now();
    let told = Told::of(&request);
    let trail = Trail {
        id: Some(Arc::clone(&id)),
        trace: told.span.place(),
    };
    let work = async {
        let response = admit(&stack, request, next).instrument(span).await;
        tracing::debug!(
            request.id = %id, http.method = %method, http.path = %path, http.status = response.status().as_u16(),
            duration_ms = stack.clock.now().as_ms().saturating_sub(started.as_ms()), "answered"
        );
        response
    };
    let response = trail::along(trail, work).await;
    told.answered(&method, response.status());
    let mut response = render(response, &stack.public_url, &path, &id, accepts_html);
    finish_headers(response.status(), response.headers_mut(), &id);
    response
}

/// A request as its span tells of it: by its route's template, never by what its caller wrote.
struct Told {
    span: Span,
    place: counted::Place,
}

impl Told {
    fn of(request: &Request) -> Self {
        let parent = trace::said(request.headers());
        let span = if is_probe(request) {
            Span::silent(parent)
        } else {
            let purpose = match *request.method() {
                Method::GET | Method::HEAD => Purpose::Read,
                _ => Purpose::Change,
            };
            Span::first(purpose, "request", parent)
        };
        let place = counted::place_of(request.extensions());
        Self { span, place }
    }

    fn answered(mut self, method: &Method, status: StatusCode) {
        if !self.span.is_told() {
            return;
        }
        let (method, route) = (counted::name_of(method), self.place.name());
        self.span.rename(|| format!("{method} {route}"));
        self.span.say("http.request.method", || method);
        self.span.say("http.route", || route.to_string());
        let code = status.as_u16();
        self.span.say("http.response.status_code", || code);
        if status.is_server_error() {
            self.span.fail();
        }
    }
}

/// Somebody asks every few seconds.
fn is_probe(request: &Request) -> bool {
    matches!(
        request.uri().path(),
        "/livez" | "/readyz" | "/startupz" | "/metrics"
    )
}

async fn admit(stack: &Stack, request: Request, next: Next) -> Response {
    let deadline = Deadline::after(time_for(stack, &request));
    let (request, arrival) = arrival::watch(request);
    let mut response = work(stack, request, (deadline, &arrival), next).await;
    arrival.hear_out(&mut response, deadline.moment()).await;
    response
}

async fn work(
    stack: &Stack,
    request: Request,
    (deadline, arrival): (Deadline, &Arrival),
    next: Next,
) -> Response {
    if let Err(problem) = check_size(&request).and_then(|()| check_coding(&request)) {
        return super::Fault(problem).into_response();
    }
    let probe = is_urgent(request.uri().path());
    // Before it counts itself: whoever looks from outside has to see the same.
    let is_late = !probe && stack.load.is_late();
    let permit = stack.load.enter();
    if is_late {
        metrics::late_refused();
    }
    if is_late || !probe && permit.is_none() {
        return super::Fault::new(Code::Overloaded).into_response();
    }
    let safe = request.method() == Method::GET || request.method() == Method::HEAD;
    let work = deadline::within(Some(deadline), next.run(request));
    let work = AssertUnwindSafe(work).catch_unwind();
    let done = tokio::time::timeout_at(deadline.moment(), work).await;
    drop(permit);
    match done {
        Ok(Ok(response)) => response,
        Ok(Err(_)) => {
            tracing::error!("a handler panicked");
            super::Fault::new(Code::Internal).into_response()
        }
        // Nobody acts on half a request.
        Err(_) if !arrival.is_whole() => super::Fault::new(Code::RequestTimeout).into_response(),
        Err(_) if safe => super::Fault::new(Code::Unavailable).into_response(),
        Err(_) => super::Fault(
            Problem::new(Code::OutcomeUnknown)
                .detail("it took too long; retry with the same Idempotency-Key"),
        )
        .into_response(),
    }
}

/// Probes answer even when the shop is full.
pub(super) fn is_urgent(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz")
}

/// The head and the body of an answer to whoever comes while the shop at this address is late, as [`wrap`] has them.
pub(super) fn refusal(public_url: &str, path: &str, id: &str) -> (HeaderMap, Vec<u8>) {
    let problem = Problem::new(Code::Overloaded);
    let mut head = super::Fault(problem.clone())
        .into_response()
        .into_parts()
        .0
        .headers;
    let kind = HeaderValue::from_static("application/problem+json");
    head.insert(header::CONTENT_TYPE, kind);
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    finish_headers(StatusCode::SERVICE_UNAVAILABLE, &mut head, id);
    let body = body_of(problem, public_url.trim_end_matches('/'), path, id);
    (head, serde_json::to_vec(&body).unwrap_or_default())
}

fn time_for(stack: &Stack, request: &Request) -> Duration {
    let said = request.headers().get(deadline::HEADER);
    deadline::allowed(
        Duration::from_millis(stack.options.timeout_ms),
        said.and_then(|text| text.to_str().ok()),
    )
}

/// Whether each request is told to the log.
pub(super) fn is_told() -> bool {
    tracing::enabled!(tracing::Level::DEBUG)
}

/// The id of a request with these headers: a new one, unless a plain one came along.
pub(super) fn request_id(headers: Heads<'_>) -> String {
    let sent = headers.text(&X_REQUEST_ID);
    let plain = |id: &&str| {
        (1..=128).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte))
    };
    sent.filter(plain).map_or_else(new_id, str::to_owned)
}

fn new_id() -> String {
    let id = uuid::Uuid::now_v7().hyphenated();
    id.encode_lower(&mut uuid::Uuid::encode_buffer()).to_owned()
}

/// Whether a page is wanted rather than data.
pub(super) fn accepts_html(headers: Heads<'_>) -> bool {
    let accept = headers.text(&header::ACCEPT);
    accept.is_some_and(|accept| accept.contains("text/html"))
}

fn check_size(request: &Request) -> Result<(), Problem> {
    let target = request.uri().path_and_query();
    if target.is_some_and(|target| target.as_str().len() > URI_BYTES_MAX) {
        return Err(Problem::new(Code::UriTooLong));
    }
    let headers = request.headers();
    let each = Heads::Map(headers).each();
    let bytes: usize = each.map(|(name, value)| bytes_of(name, value)).sum();
    if is_too_large(headers.len(), bytes) {
        return Err(Problem::new(Code::HeadersTooLarge));
    }
    Ok(())
}

/// What a header counts for.
pub(super) fn bytes_of(name: &str, value: &[u8]) -> usize {
    name.len().saturating_add(value.len())
}

/// Whether so many headers, which count for so much, are refused.
pub(super) fn is_too_large(count: usize, bytes: usize) -> bool {
    count > HEADERS_MAX || bytes > HEADER_BYTES_MAX
}

/// A small compressed body can be a huge one, so none is read.
fn check_coding(request: &Request) -> Result<(), Problem> {
    let coding = request.headers().get(header::CONTENT_ENCODING);
    if coding.is_none_or(|coding| coding == "identity") {
        return Ok(());
    }
    Err(Problem::new(Code::UnsupportedMediaType).detail("send the body uncompressed"))
}

/// Gives every refusal its body: those of handlers, and the bare ones of the router itself.
fn render(
    response: Response,
    public_url: &str,
    path: &str,
    id: &str,
    accepts_html: bool,
) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let problem = match parts.extensions.remove::<Problem>() {
        Some(problem) => problem,
        None if parts.headers.contains_key(header::CONTENT_TYPE)
            && !is_plain_text(&parts.headers) =>
        {
            return Response::from_parts(parts, body);
        }
        None => Problem::new(code_of(status)),
    };
    let code = problem.code;
    parts.status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let sent = body_of(problem, public_url, path, id);
    let html = accepts_html && !path.starts_with("/api/");
    let (kind, bytes) = if html {
        ("text/html; charset=utf-8", problem_page(&sent).into_bytes())
    } else {
        (
            "application/problem+json",
            serde_json::to_vec(&sent).unwrap_or_default(),
        )
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts
        .headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    parts
        .headers
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if parts.status == StatusCode::UNAUTHORIZED {
        let challenge = if code == Code::InvalidToken {
            r#"Bearer error="invalid_token""#
        } else {
            "Bearer"
        };
        parts.headers.insert(
            header::WWW_AUTHENTICATE,
            HeaderValue::from_static(challenge),
        );
    }
    Response::from_parts(parts, Body::from(bytes))
}

fn body_of(problem: Problem, public_url: &str, path: &str, id: &str) -> ProblemBody {
    ProblemBody {
        kind: format!("{public_url}/problems/{}", problem.code.slug()),
        title: problem.code.title().to_owned(),
        status: problem.code.status(),
        detail: problem.detail,
        instance: path.to_owned(),
        code: problem.code.slug().to_owned(),
        request_id: id.to_owned(),
        retryable: problem.code.retryable(),
        errors: problem.errors,
        facts: problem.facts,
    }
}

fn is_plain_text(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

fn code_of(status: StatusCode) -> Code {
    let first = |code: &&Code| code.status() == status.as_u16();
    let preferred = match status {
        StatusCode::UNAUTHORIZED => Some(Code::Unauthenticated),
        StatusCode::NOT_FOUND => Some(Code::NotFound),
        _ => Code::ALL.iter().find(first).copied(),
    };
    let other = if status.is_server_error() {
        Code::Internal
    } else {
        Code::Malformed
    };
    preferred.unwrap_or(other)
}

/// The same content for people, without any part of the shop having to work.
fn problem_page(problem: &ProblemBody) -> String {
    let escape = |text: &str| {
        text.replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;")
            .replace('"', "&quot;")
    };
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <link rel=\"stylesheet\" href=\"/assets/souk.css\"></head><body><main class=\"problem\">\
         <h1>{title}</h1><p>{detail}</p><p>Code <code>{code}</code>, request <code>{id}</code></p>\
         <p><a href=\"/\">Back to the shop</a></p></main></body></html>",
        title = escape(&problem.title),
        detail = escape(&problem.detail),
        code = escape(&problem.code),
        id = escape(&problem.request_id),
    )
}

/// What a browser must not do with any answer.
static OF_ALL: [(HeaderName, &str); 3] = [
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
];
/// What a page may do, and where it may be shown.
static OF_PAGES: [(HeaderName, &str); 4] = [
    (header::REFERRER_POLICY, "same-origin"),
    (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    (
        PERMISSIONS_POLICY,
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' https: data:; object-src 'none'; base-uri 'none'; \
         frame-ancestors 'none'; form-action 'self'",
    ),
];
/// What is no page opens no window, asks for no camera and loads nothing (OWASP, REST Security Cheat Sheet).
static OF_OTHERS: [(HeaderName, &str); 1] = [(
    header::CONTENT_SECURITY_POLICY,
    "default-src 'none'; frame-ancestors 'none'",
)];

fn finish_headers(status: StatusCode, headers: &mut HeaderMap, id: &str) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(X_REQUEST_ID, id);
    }
    // Whoever has the answer has its headers, and these would take their place (RFC 9111, 3.2).
    if status == StatusCode::NOT_MODIFIED {
        return;
    }
    let kind = headers.get(header::CONTENT_TYPE);
    let is_page = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    let own: &[_] = if is_page { &OF_PAGES } else { &OF_OTHERS };
    for (name, value) in OF_ALL.iter().chain(own) {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}
