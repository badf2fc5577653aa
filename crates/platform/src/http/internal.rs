//! Where a service answers the others: calls by name, and requests that the door hands on. Nothing gets in here that
//! is not signed by a node of this shop, but for the question whether it lives and is ready.

use super::{Fault, Readiness, auth::ClientAddress, forward::whole};
use crate::call::{
    Call, ROOT,
    signature::{self, Signable, Signer, Unbelievable},
};
use crate::{digest, trail};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, Request, State},
    http::{HeaderMap, HeaderName, request::Parts},
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::post,
};
use contracts::{
    access::Principal,
    problem::{Code, Problem},
    wire::Who,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{future::Future, net::IpAddr, sync::Arc};

/// The calls that a service answers: a table from name to method.
pub struct Answering<S: ?Sized> {
    name: &'static str,
    service: Arc<S>,
    router: Router,
}

impl<S: ?Sized + Send + Sync + 'static> Answering<S> {
    /// No calls yet, of a service of this name.
    #[must_use]
    pub fn of(name: &'static str, service: Arc<S>) -> Self {
        Self {
            name,
            service,
            router: Router::new(),
        }
    }

    /// Answers a call.
    #[must_use]
    pub fn on<A, B, F, W>(mut self, call: Call<A, B>, answer: F) -> Self
    where
        A: DeserializeOwned + Send + 'static,
        B: Serialize + Send + 'static,
        F: Fn(Arc<S>, A) -> W + Clone + Send + Sync + 'static,
        W: Future<Output = B> + Send + 'static,
    {
        let service = Arc::clone(&self.service);
        let route = post(async move |body: Bytes| -> Result<Response, Fault> {
            let arguments: A = serde_json::from_slice(&body)
                .map_err(|error| Fault(Problem::new(Code::Malformed).detail(error.to_string())))?;
            let answer = answer(service, arguments).await;
            Ok(super::Json(answer).into_response())
        });
        let path = format!("{ROOT}/{}/{}", self.name, call.name());
        self.router = self.router.route(&path, route);
        self
    }

    /// The table as routes.
    pub fn routes(self) -> Router {
        // The gate has bounded the body already.
        self.router.layer(DefaultBodyLimit::disable())
    }
}

/// What stands before the routes.
#[derive(Clone)]
pub struct Gate {
    /// Knows our nodes' signatures.
    pub signer: Signer,
    /// The largest body, in bytes.
    pub body_bytes_max: usize,
}

/// The routes behind the gate, and the probes beside it.
pub fn guarded(routes: Router, gate: Gate, readiness: &Readiness) -> Router {
    routes
        .layer(from_fn_with_state(gate, pass))
        .merge(readiness.routes())
}

async fn pass(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    match gate.admit(request).await {
        Ok(request) => {
            let client = request.extensions().get::<ClientAddress>();
            let client = client.map(|ClientAddress(address)| *address);
            trail::coming_from(client, next.run(request)).await
        }
        Err(fault) => fault.into_response(),
    }
}

impl Gate {
    /// Reads the whole request, since all of it is signed.
    async fn admit(&self, request: Request) -> Result<Request, Fault> {
        let (mut parts, body) = request.into_parts();
        let body = whole(body, self.body_bytes_max).await?;
        self.check(&parts, &body).map_err(|why| {
            let path = parts.uri.path();
            tracing::warn!(http.path = path, error = %why, "a request between services was not believed");
            let code = match why {
                Unbelievable::Missing => Code::Unauthenticated,
                Unbelievable::Wrong | Unbelievable::OtherTime => Code::Forbidden,
            };
            Fault(Problem::new(code).detail(why.to_string()))
        })?;
        believe(&mut parts)?;
        Ok(Request::from_parts(parts, Body::from(body)))
    }

    fn check(&self, parts: &Parts, body: &[u8]) -> Result<(), Unbelievable> {
        let text = |name| text(&parts.headers, name);
        let target = parts.uri.path_and_query();
        let request = Signable {
            method: parts.method.as_str(),
            target: target.map_or("", |target| target.as_str()),
            principal: text(signature::PRINCIPAL),
            client: text(signature::CLIENT),
            body,
        };
        self.signer.check(
            &request,
            text(signature::CALLER),
            text(signature::TIME),
            text(signature::SIGNATURE),
        )
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &'static str) -> &'h str {
    let header = headers.get(HeaderName::from_static(name));
    header
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// Puts who asks and from where beside the request, as the door does where the service is near.
fn believe(parts: &mut Parts) -> Result<(), Fault> {
    parts.extensions.remove::<ClientAddress>();
    if let Ok(client) = text(&parts.headers, signature::CLIENT).parse::<IpAddr>() {
        parts.extensions.insert(ClientAddress(client));
    }
    let sent = text(&parts.headers, signature::PRINCIPAL);
    if sent.is_empty() {
        return Ok(());
    }
    let who = read_principal(sent).ok_or_else(|| Fault::new(Code::Malformed))?;
    parts.extensions.insert(who);
    Ok(())
}

/// A principal as a header carries it.
///
/// # Errors
/// When it cannot be written as JSON.
pub(super) fn principal_text(principal: &Principal) -> Result<String, serde_json::Error> {
    Ok(digest::base64url(&serde_json::to_vec(&Who::from(
        principal,
    ))?))
}

fn read_principal(text: &str) -> Option<Principal> {
    let who: Who = serde_json::from_slice(&digest::from_base64url(text)?).ok()?;
    Some(Principal::from(who))
}
