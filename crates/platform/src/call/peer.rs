//! A service somewhere else, asked by name: the call is written, signed, sent through the pool of its instances, and
//! the answer read. Decides nothing about instances.

use super::{
    Call, CallError, Kind, ROOT, Why,
    signature::{self, Signable, Signer},
};
use crate::{
    balance::Balanced,
    http::{idempotency::IDEMPOTENCY_KEY, stack::RequestId},
    trail,
};
use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri,
        header::{CONTENT_TYPE, InvalidHeaderValue},
    },
    response::Response,
};
use contracts::{
    BoxError, Outage,
    problem::{Code, Problem},
    wire::{CallFailed, Cause},
};
use http_body_util::{BodyExt, Limited};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::Duration;
use tower::ServiceExt;

/// What calls carry in place of a key where they are safe to repeat: the pool asks no further.
const REPEATABLE: HeaderValue = HeaderValue::from_static("call");

/// Bounds of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The largest answer, in bytes.
    pub answer_bytes_max: u32,
    /// How long a call may take that reads whole books, in milliseconds.
    pub long_timeout_ms: u64,
}

/// A service somewhere else. Clones share its pool.
#[derive(Clone)]
pub struct Peer {
    instances: Balanced,
    signer: Signer,
    limits: Limits,
}

impl Peer {
    /// The service that these instances run; it is called as its pool is.
    #[must_use]
    pub const fn new(instances: Balanced, signer: Signer, limits: Limits) -> Self {
        Self {
            instances,
            signer,
            limits,
        }
    }

    /// Makes a call.
    ///
    /// # Errors
    /// What the other side refused with; or, if it gave no answer, that the call failed.
    pub async fn ask<A, T, E>(&self, call: Call<A, Result<T, E>>, arguments: &A) -> Result<T, E>
    where
        A: Serialize,
        Result<T, E>: DeserializeOwned,
        E: CallFailed,
    {
        let answer = self.call(call, arguments).await;
        answer.map_err(|error| E::call_failed(error.into()))?
    }

    /// Makes a call about many things, which has an answer for each of them, in order. If there is no answer at all,
    /// each hears so.
    pub async fn ask_each<W, T, E>(
        &self,
        call: Call<Vec<W>, Vec<Result<T, E>>>,
        batch: &Vec<W>,
    ) -> Vec<Result<T, E>>
    where
        W: Serialize,
        Vec<Result<T, E>>: DeserializeOwned,
        E: CallFailed,
    {
        if batch.is_empty() {
            return Vec::new();
        }
        let cause: BoxError = match self.call(call, batch).await {
            Ok(answers) if answers.len() == batch.len() => return answers,
            Ok(_) => "the answers are not as many as the wishes".into(),
            Err(error) => error.into(),
        };
        let cause = Cause::from(&cause);
        let failed = |_| Err(E::call_failed(cause.clone().into()));
        batch.iter().map(failed).collect()
    }

    async fn call<A: Serialize, B: DeserializeOwned>(
        &self,
        call: Call<A, B>,
        arguments: &A,
    ) -> Result<B, CallError> {
        let failed = |why, outage| CallError {
            peer: self.instances.pool().role(),
            call: call.name,
            why,
            outage,
        };
        let unreadable = |error| failed(Why::Unreadable(error), None);
        let request = self.request(&call, arguments).map_err(unreadable)?;
        let instances = if call.is_long {
            let longest = Duration::from_millis(self.limits.long_timeout_ms);
            self.instances.clone().within(longest)
        } else {
            self.instances.clone()
        };
        let response = match instances.oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        if response.status() != StatusCode::OK {
            let outage = outage_of(&response, call.kind);
            return Err(failed(Why::Refused(reason(&response)), outage));
        }
        let most = usize::try_from(self.limits.answer_bytes_max).unwrap_or(usize::MAX);
        let collected = Limited::new(response.into_body(), most).collect().await;
        let broke_off = |error: BoxError| {
            let why = Why::Refused(format!("the answer broke off: {error}"));
            failed(why, Some(unanswered(call.kind)))
        };
        let body = collected.map_err(broke_off)?.to_bytes();
        serde_json::from_slice(&body).map_err(|error| unreadable(error.into()))
    }

    fn request<A: Serialize, B>(
        &self,
        call: &Call<A, B>,
        arguments: &A,
    ) -> Result<Request, BoxError> {
        let target = format!("{ROOT}/{}/{}", self.instances.pool().role(), call.name);
        let body = Bytes::from(serde_json::to_vec(arguments)?);
        let client = trail::client().map_or_else(String::new, |client| client.to_string());
        let signable = Signable {
            method: Method::POST.as_str(),
            target: &target,
            client: &client,
            body: &body,
            ..Signable::default()
        };
        let mut headers = HeaderMap::with_capacity(8);
        sign(&self.signer, &signable, &mut headers)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if call.kind != Kind::Once {
            headers.insert(IDEMPOTENCY_KEY, REPEATABLE);
        }
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = target.parse::<Uri>()?;
        *request.headers_mut() = headers;
        if let Some(id) = trail::current() {
            request.extensions_mut().insert(RequestId(id));
        }
        Ok(request)
    }
}

/// Adds the headers of a signature.
///
/// # Errors
/// When a value cannot stand in a header.
pub(crate) fn sign(
    signer: &Signer,
    request: &Signable<'_>,
    headers: &mut HeaderMap,
) -> Result<(), InvalidHeaderValue> {
    let signed = signer.sign(request);
    for (name, value) in [
        (signature::CALLER, &*signed.caller),
        (signature::TIME, &signed.time),
        (signature::SIGNATURE, &signed.signature),
        (signature::PRINCIPAL, request.principal),
        (signature::CLIENT, request.client),
    ] {
        if !value.is_empty() {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value)?);
        }
    }
    Ok(())
}

/// What callers hear of an answer that is none. The pool's own refusals carry their problem; those of the other
/// side's stack are known by their status.
fn outage_of(response: &Response, kind: Kind) -> Option<Outage> {
    let code = response
        .extensions()
        .get()
        .map(|problem: &Problem| problem.code);
    match (code, response.status().as_u16()) {
        (Some(Code::UpstreamUnavailable), _) => Some(Outage::Unreachable),
        (Some(Code::OutcomeUnknown), _) | (_, 408 | 504) => Some(unanswered(kind)),
        (_, 503) => Some(Outage::Overloaded),
        (_, 507) => Some(Outage::StorageFull),
        (_, 502) => Some(Outage::Unreachable),
        _ => None,
    }
}

/// A read that was not answered had no effect that its caller would have to find out.
const fn unanswered(kind: Kind) -> Outage {
    match kind {
        Kind::Read => Outage::Unreachable,
        Kind::Repeatable | Kind::Once => Outage::Unanswered,
    }
}

fn reason(response: &Response) -> String {
    match response.extensions().get::<Problem>() {
        Some(problem) => problem.detail.clone(),
        None => format!("it answered {}", response.status()),
    }
}
