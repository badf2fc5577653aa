//! Asking the canonical addresses in the name of whoever asked the published one: same principal, same
//! request id, the same routers that answer at the door. No other way leads behind it.

use super::fields::{Draft, Fields};
use crate::{
    routes::{self, Route, Upstreams},
    scopes,
};
use axum::{
    body::{Body, Bytes},
    extract::{OriginalUri, Request},
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
        header::{
            AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, IF_MATCH, IF_NONE_MATCH,
            TRANSFER_ENCODING,
        },
        request, response,
    },
    response::{IntoResponse, Response},
};
use contracts::{
    access::Principal,
    problem::{Code, Problem},
};
use http_body_util::BodyExt;
use platform::http::{
    Fault, Json, auth::ORDER_TOKEN, cookies::Cookies, idempotency::IDEMPOTENCY_KEY, json,
    stack::X_REQUEST_ID,
};
use serde::{Serialize, de::DeserializeOwned};
use tower::ServiceExt;

/// What of a request goes with every call made in its name.
const ALONG: [HeaderName; 5] = [
    AUTHORIZATION,
    COOKIE,
    ORDER_TOKEN,
    X_REQUEST_ID,
    HeaderName::from_static("traceparent"),
];

/// Whoever asked at a published address.
pub(super) struct Caller<'d> {
    upstreams: &'d Upstreams,
    pub(super) cookies: Cookies,
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    extensions: axum::http::Extensions,
}

/// What a canonical address answered, other than a refusal.
pub(super) struct Answer {
    pub(super) parts: response::Parts,
    bytes: Bytes,
}

impl<'d> Caller<'d> {
    /// Reads a request: who asks, and the fields of the body. No body is an empty one.
    pub(super) async fn read(
        upstreams: &'d Upstreams,
        cookies: Cookies,
        request: Request,
    ) -> Result<(Self, Fields), Fault> {
        let (parts, body) = request.into_parts();
        let bytes = json::body(Request::from_parts(parts.clone(), body), &()).await?;
        let fields = if bytes.is_empty() {
            Fields::default()
        } else if is_json(&parts) {
            json::parse(&bytes)?
        } else {
            let problem = Problem::new(Code::UnsupportedMediaType);
            return Err(problem.detail("send application/json").into());
        };
        let mut extensions = parts.extensions;
        extensions.remove::<OriginalUri>();
        let caller = Self {
            upstreams,
            cookies,
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            extensions,
        };
        Ok((caller, fields))
    }

    /// Who asks, if they are signed in.
    pub(super) fn principal(&self) -> Option<&Principal> {
        self.extensions.get()
    }

    /// Who asks.
    ///
    /// # Errors
    /// 401 when nobody is signed in.
    pub(super) fn somebody(&self) -> Result<&Principal, Problem> {
        self.principal()
            .ok_or_else(|| Problem::new(Code::Unauthenticated))
    }

    /// Reads at a canonical address; `If-None-Match` goes along.
    pub(super) async fn get(&self, path: &str) -> Result<Answer, Problem> {
        let known = self.headers.get(IF_NONE_MATCH).cloned();
        let headers = known.map(|known| (IF_NONE_MATCH, known));
        self.ask(Method::GET, path, headers.as_slice(), None).await
    }

    /// Reads at a canonical address, whatever the caller has already.
    pub(super) async fn fetch(&self, path: &str) -> Result<Answer, Problem> {
        self.ask(Method::GET, path, &[], None).await
    }

    /// Reads at a canonical address what the caller does not see as it is.
    pub(super) async fn look<T: DeserializeOwned>(&self, path: &str) -> Result<T, Problem> {
        self.fetch(path).await?.read()
    }

    /// Sends a body to a canonical address.
    pub(super) async fn post(&self, path: &str, body: &Draft) -> Result<Answer, Problem> {
        self.ask(Method::POST, path, &[], Some(body)).await
    }

    /// Sends a body with the caller's key, or else with this one, if there is any.
    pub(super) async fn post_keyed(
        &self,
        path: &str,
        body: &Draft,
        else_key: Option<HeaderValue>,
    ) -> Result<Answer, Problem> {
        // All of them, if there are several: the canonical address knows what to say to that.
        let sent = self.headers.get_all(&IDEMPOTENCY_KEY).iter().cloned();
        let mut headers: Vec<_> = sent.map(|key| (IDEMPOTENCY_KEY, key)).collect();
        if headers.is_empty() {
            headers.extend(else_key.map(|key| (IDEMPOTENCY_KEY, key)));
        }
        self.ask(Method::POST, path, &headers, Some(body)).await
    }

    /// Changes or deletes what is at a canonical address, if it is still what `If-Match` says.
    pub(super) async fn change(
        &self,
        method: Method,
        path: &str,
        if_match: HeaderValue,
        body: Option<&Draft>,
    ) -> Result<Answer, Problem> {
        self.ask(method, path, &[(IF_MATCH, if_match)], body).await
    }

    /// Sends a body with another method.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        body: &Draft,
    ) -> Result<Answer, Problem> {
        self.ask(method, path, &[], Some(body)).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: Option<&Draft>,
    ) -> Result<Answer, Problem> {
        let request = self.request(method, path, headers, body)?;
        let path = request.uri().path();
        let route = routes::find(path);
        let Route::Service(service) = route else {
            return Err(Problem::new(Code::NotFound));
        };
        // A key opens at a published address what it opens at the canonical ones that it stands for.
        let who = self.principal();
        let closed = who.and_then(|who| scopes::refusal(route, request.method(), path, who));
        if let Some(problem) = closed {
            return Err(problem);
        }
        let response = match self.upstreams.at(service).clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(refusal(response));
        }
        let (parts, body) = response.into_parts();
        let collected = body.collect().await.map_err(|error| {
            tracing::error!(error = ?error, "an answer broke off on its way to the door");
            Problem::new(Code::Internal)
        })?;
        Ok(Answer {
            parts,
            bytes: collected.to_bytes(),
        })
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: Option<&Draft>,
    ) -> Result<Request, Problem> {
        let bytes = body.map(serde_json::to_vec).transpose().map_err(internal)?;
        let mut request = Request::new(bytes.map_or_else(Body::empty, Body::from));
        *request.method_mut() = method;
        // A text of the caller's that cannot stand in an address names nothing.
        *request.uri_mut() = path.parse().map_err(|_| Problem::new(Code::NotFound))?;
        *request.extensions_mut() = self.extensions.clone();
        let along = ALONG
            .into_iter()
            .filter_map(|name| self.headers.get(&name).cloned().map(|value| (name, value)));
        request.headers_mut().extend(along);
        request.headers_mut().extend(headers.iter().cloned());
        if body.is_some() {
            let kind = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, kind);
        }
        Ok(request)
    }
}

impl Answer {
    /// The body.
    ///
    /// # Errors
    /// 500 when it is not what the contract says.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        serde_json::from_slice(&self.bytes).map_err(internal)
    }

    /// Whether there is no body to translate: nothing came, or the caller has it already.
    pub(super) fn is_bare(&self) -> bool {
        self.bytes.is_empty() || self.parts.status == StatusCode::NOT_MODIFIED
    }

    /// The same answer as it came.
    pub(super) fn unchanged(self) -> Response {
        Response::from_parts(self.parts, Body::from(self.bytes))
    }

    /// The same answer with another body.
    pub(super) fn with(mut self, body: &impl Serialize) -> Response {
        for name in [CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING] {
            self.parts.headers.remove(name);
        }
        let (kind, bytes) = Json(body).into_response().into_parts();
        self.parts.headers.extend(kind.headers);
        Response::from_parts(self.parts, bytes)
    }
}

fn is_json(parts: &request::Parts) -> bool {
    let kind = parts.headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

/// Why an upstream refused.
fn refusal(mut response: Response) -> Problem {
    let status = response.status();
    response
        .extensions_mut()
        .remove::<Problem>()
        .unwrap_or_else(|| bare_refusal(status))
}

/// The problem behind a status that came without one, as routers answer for paths and methods they lack.
pub(super) fn bare_refusal(status: StatusCode) -> Problem {
    let code = Code::ALL
        .iter()
        .copied()
        .find(|code| code.status() == status.as_u16());
    Problem::new(code.unwrap_or(Code::Internal))
}

fn internal(error: serde_json::Error) -> Problem {
    tracing::error!(error = %error, "the door and a service disagree about a body");
    Problem::new(Code::Internal)
}
