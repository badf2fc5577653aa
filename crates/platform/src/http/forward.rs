//! The door's way to a service that runs elsewhere: the request goes on as it came, with who asks beside it and signed;
//! the answer comes back as if the service were near. Looks into nothing but refusals.

use super::{Fault, auth::ClientAddress, internal::principal_text};
use crate::call::{
    peer::sign,
    signature::{PREFIX, Signable, Signer},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::Request,
    http::{
        HeaderName, HeaderValue,
        header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use contracts::{
    BoxError,
    access::Principal,
    problem::{Code, Problem, ProblemBody},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::convert::Infallible;
use tower::{Service, ServiceExt};

/// The largest refusal that is read.
const PROBLEM_BYTES_MAX: usize = 1_048_576;

/// Everything that is asked of this router is asked of the instances behind this service.
pub fn router<S>(instances: S, signer: Signer, body_bytes_max: usize) -> Router
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    Router::new().fallback(async move |request: Request| {
        let request = match prepare(request, &signer, body_bytes_max).await {
            Ok(request) => request,
            Err(fault) => return fault.into_response(),
        };
        match instances.oneshot(request).await {
            Ok(response) => restore(response).await,
            Err(never) => match never {},
        }
    })
}

/// A request of the door's as another node believes it. The body is read, since all of it is signed.
async fn prepare(
    request: Request,
    signer: &Signer,
    body_bytes_max: usize,
) -> Result<Request, Fault> {
    let (mut parts, body) = request.into_parts();
    let body = whole(body, body_bytes_max).await?;
    let ours: Vec<HeaderName> = parts
        .headers
        .keys()
        .filter(|name| is_ours(name))
        .cloned()
        .collect();
    for name in ours {
        parts.headers.remove(name);
    }
    // Who asks was proven at the door, and goes along as such; answers are compressed at the door, if at all.
    for name in [AUTHORIZATION, ACCEPT_ENCODING] {
        parts.headers.remove(name);
    }
    attest(&mut parts, &body, signer).map_err(|error| {
        tracing::error!(error = %error, "who asks could not be written down");
        Fault::new(Code::Internal)
    })?;
    let length = HeaderValue::from(body.len());
    parts.headers.insert(CONTENT_LENGTH, length);
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Whether a header speaks between our nodes: nobody outside may say such a thing.
fn is_ours(name: &HeaderName) -> bool {
    name.as_str().starts_with(PREFIX)
}

fn attest(parts: &mut Parts, body: &[u8], signer: &Signer) -> Result<(), BoxError> {
    let principal = parts.extensions.get::<Principal>().map(principal_text);
    let client = parts.extensions.get::<ClientAddress>();
    let client = client.map_or_else(String::new, |ClientAddress(ip)| ip.to_string());
    let target = parts.uri.path_and_query();
    let signable = Signable {
        method: parts.method.as_str(),
        target: target.map_or("/", |target| target.as_str()),
        principal: &principal.transpose()?.unwrap_or_default(),
        client: &client,
        body,
    };
    Ok(sign(signer, &signable, &mut parts.headers)?)
}

/// A whole body, if it is not too large.
///
/// # Errors
/// 413 when it is larger, 400 when it breaks off.
pub(super) async fn whole(body: Body, bytes_max: usize) -> Result<Bytes, Fault> {
    match Limited::new(body, bytes_max).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Fault::new(Code::BodyTooLarge)),
        Err(_) => Err(Fault(
            Problem::new(Code::Malformed).detail("the body broke off"),
        )),
    }
}

/// An answer as the door knows it: a refusal is a [`Problem`] again, which gets its body from the door's stack.
async fn restore(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) || !is_problem(&response) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let Ok(body) = whole(body, PROBLEM_BYTES_MAX).await else {
        return Fault::new(Code::UpstreamUnavailable).into_response();
    };
    match read_problem(&parts, &body) {
        Some(problem) => {
            parts.headers.remove(CONTENT_TYPE);
            parts.headers.remove(CONTENT_LENGTH);
            parts.extensions.insert(problem);
            Response::from_parts(parts, Body::empty())
        }
        None => Response::from_parts(parts, Body::from(body)),
    }
}

fn is_problem(response: &Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE);
    kind.is_some_and(|kind| kind == "application/problem+json")
}

fn read_problem(parts: &axum::http::response::Parts, body: &[u8]) -> Option<Problem> {
    let sent: ProblemBody = serde_json::from_slice(body).ok()?;
    let retry_after = parts
        .headers
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
