//! The door's way to a service that runs elsewhere: the request goes on as it came, with who asks beside it and signed;
//! the answer comes back as if the service were near. Looks into nothing but refusals.

use super::{
    Fault,
    auth::ClientAddress,
    idempotency::IDEMPOTENCY_KEY,
    internal::principal_text,
    stack::{RequestId, X_REQUEST_ID},
};
use crate::call::signature::PREFIX;
use crate::call::{Answer, Ask, CallError, Kind, Patience, Peer};
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::{
        Extensions, HeaderMap, HeaderName, HeaderValue, Method,
        header::{
            ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, PROXY_AUTHENTICATE,
            PROXY_AUTHORIZATION, RETRY_AFTER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
        },
    },
    response::{IntoResponse, Response},
};
use contracts::{
    BoxError,
    access::Principal,
    problem::{Code, Problem, ProblemBody},
};
use http_body_util::{BodyExt, Limited};

/// What concerns one connection only.
const OF_A_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Everything that is asked of this router is asked of the peer.
pub fn router(peer: Peer, body_bytes_max: usize) -> Router {
    Router::new()
        .fallback(async move |request: Request| hand_on(&peer, request, body_bytes_max).await)
}

async fn hand_on(peer: &Peer, request: Request, body_bytes_max: usize) -> Response {
    let ask = match prepare(request, body_bytes_max).await {
        Ok(ask) => ask,
        Err(fault) => return fault.into_response(),
    };
    match peer.exchange(ask).await {
        Ok(answer) => restore(answer),
        Err(error) => refuse(error),
    }
}

/// A request of the door's as it is sent to another node.
///
/// # Errors
/// 413 for a body that is too large, 400 for one that breaks off.
pub async fn prepare(request: Request, body_bytes_max: usize) -> Result<Ask, Fault> {
    let (parts, body) = request.into_parts();
    let body = Limited::new(body, body_bytes_max).collect().await;
    let body = body.map_err(|error| {
        if error.is::<http_body_util::LengthLimitError>() {
            Fault::new(Code::BodyTooLarge)
        } else {
            Fault(Problem::new(Code::Malformed).detail("the body broke off"))
        }
    })?;
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let principal = parts.extensions.get::<Principal>().map(principal_text);
    let principal = principal.transpose().map_err(|error| {
        tracing::error!(error = %error, "who asks could not be written down");
        Fault::new(Code::Internal)
    })?;
    let client = parts.extensions.get::<ClientAddress>();
    Ok(Ask {
        kind: kind_of(&parts.method, &parts.headers),
        target: target.to_owned(),
        headers: onward(parts.headers, &parts.extensions),
        method: parts.method,
        body: body.to_bytes(),
        principal: principal.unwrap_or_default(),
        client: client.map_or_else(String::new, |ClientAddress(ip)| ip.to_string()),
        hands_on: true,
        patience: Patience::Whole,
    })
}

/// Reads are safe to repeat; so is what carries a key, for that is what the key says.
fn kind_of(method: &Method, headers: &HeaderMap) -> Kind {
    if method.is_safe() {
        Kind::Read
    } else if headers.contains_key(IDEMPOTENCY_KEY) {
        Kind::Repeatable
    } else {
        Kind::Once
    }
}

fn onward(mut headers: HeaderMap, extensions: &Extensions) -> HeaderMap {
    drop_hop(&mut headers);
    // Each hop says these for itself; the answer is compressed at the door, if at all.
    for name in [ACCEPT_ENCODING, CONTENT_LENGTH, HOST] {
        headers.remove(name);
    }
    let ours: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_ours(name))
        .cloned()
        .collect();
    for name in ours {
        headers.remove(name);
    }
    if let Some(RequestId(id)) = extensions.get()
        && let Ok(id) = HeaderValue::from_str(id)
    {
        headers.insert(X_REQUEST_ID, id);
    }
    headers
}

/// Whether a header speaks between our nodes: nobody outside may say such a thing.
fn is_ours(name: &HeaderName) -> bool {
    name.as_str().starts_with(PREFIX)
}

fn drop_hop(headers: &mut HeaderMap) {
    // What a connection's own header names is of that connection too.
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in OF_A_HOP.into_iter().chain(named) {
        headers.remove(name);
    }
}

/// An answer as the door knows it: a refusal is a [`Problem`] again, which gets its body from the door's stack.
pub fn restore(answer: Answer) -> Response {
    let Answer {
        status,
        mut headers,
        body,
    } = answer;
    drop_hop(&mut headers);
    let refused = status.is_client_error() || status.is_server_error();
    let problem = (refused && is_problem(&headers)).then(|| read_problem(&headers, &body));
    let mut response = Response::new(Body::from(body));
    if let Some(Some(problem)) = problem {
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_LENGTH);
        *response.body_mut() = Body::empty();
        response.extensions_mut().insert(problem);
    }
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn is_problem(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind == Some(b"application/problem+json".as_slice())
}

fn read_problem(headers: &HeaderMap, body: &[u8]) -> Option<Problem> {
    let sent: ProblemBody = serde_json::from_slice(body).ok()?;
    let retry_after = headers
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    Some(Problem {
        code: Code::from_slug(&sent.code)?,
        detail: sent.detail,
        errors: sent.errors,
        facts: sent.facts,
        retry_after_seconds: retry_after.and_then(|text| text.parse().ok()),
    })
}

/// The refusal of a request that nobody answered.
fn refuse(error: CallError) -> Response {
    tracing::warn!(error = %error, "a request could not be handed on");
    let cause: BoxError = error.into();
    let problem = Problem::internal(&cause);
    Fault(problem).into_response()
}
