//! Asking the API in the name of whoever is signed in: the same routes, rules and refusals as for programs. Nothing is
//! decided here. Pages for staff know no other way to what they change, and what only the API has is asked here, too.

use super::frame::Visit;
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE},
    response::Response,
};
use contracts::problem::{Code, Problem};
use platform::http::{Fault, idempotency::IDEMPOTENCY_KEY, stack::X_REQUEST_ID};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;

/// The largest answer that is read: a page of a list is far below it.
const ANSWER_BYTES_MAX: usize = 4 * 1_024 * 1_024;

/// The API, for one visit.
#[derive(Clone, Copy)]
pub(super) struct Ask<'v> {
    pub(super) api: &'v Router,
    pub(super) visit: &'v Visit,
}

/// What the API answered, other than a refusal.
pub(super) struct Reply(Bytes);

impl Reply {
    /// The body.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        serde_json::from_slice(&self.0).map_err(|error| {
            tracing::error!(%error, "a page and the API disagree about a body");
            Fault::new(Code::Internal)
        })
    }
}

impl Ask<'_> {
    /// Reads at an address.
    pub(super) async fn get<T: DeserializeOwned>(self, path: &str) -> Result<T, Fault> {
        let request = self.request(Method::GET, path, Body::empty())?;
        self.answered(request).await?.read()
    }

    /// Sends a body, under a key if the address takes one.
    pub(super) async fn send(
        self,
        method: Method,
        path: &str,
        (body, key): (&Value, &str),
    ) -> Result<Reply, Fault> {
        let json = HeaderValue::from_static("application/json");
        let mut request = self.request(method, path, Body::from(body.to_string()))?;
        request.headers_mut().insert(CONTENT_TYPE, json);
        if !key.is_empty() {
            let key = HeaderValue::from_str(key).map_err(|_| Fault::new(Code::Malformed))?;
            request.headers_mut().insert(IDEMPOTENCY_KEY, key);
        }
        self.answered(request).await
    }

    /// Deletes what is at an address.
    pub(super) async fn delete(self, path: &str) -> Result<(), Fault> {
        let request = self.request(Method::DELETE, path, Body::empty())?;
        self.answered(request).await.map(drop)
    }

    /// Sends a file.
    pub(super) async fn upload(self, path: &str, kind: &str, file: Vec<u8>) -> Result<(), Fault> {
        let kind = HeaderValue::from_str(kind).map_err(|_| Fault::new(Code::Malformed))?;
        let mut request = self.request(Method::POST, path, Body::from(file))?;
        request.headers_mut().insert(CONTENT_TYPE, kind);
        self.answered(request).await.map(drop)
    }

    fn request(self, method: Method, path: &str, body: Body) -> Result<Request, Fault> {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        // A text that cannot stand in an address names nothing.
        *request.uri_mut() = path.parse().map_err(|_| Fault::new(Code::NotFound))?;
        if let Ok(id) = HeaderValue::from_str(&self.visit.request_id) {
            request.headers_mut().insert(X_REQUEST_ID, id);
        }
        let beside = request.extensions_mut();
        if let Some(principal) = &self.visit.principal {
            beside.insert(principal.clone());
        }
        if let Some(client) = self.visit.client {
            beside.insert(client);
        }
        Ok(request)
    }

    async fn answered(self, request: Request) -> Result<Reply, Fault> {
        let response = match self.api.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(Fault(refusal(response, status)));
        }
        let bytes = to_bytes(response.into_body(), ANSWER_BYTES_MAX).await;
        bytes.map(Reply).map_err(|error| {
            tracing::error!(%error, "an answer broke off on its way to a page");
            Fault::new(Code::Internal)
        })
    }
}

fn refusal(mut response: Response, status: StatusCode) -> Problem {
    let told = response.extensions_mut().remove::<Problem>();
    let alike = |code: &&Code| code.status() == status.as_u16();
    told.unwrap_or_else(|| {
        Problem::new(
            Code::ALL
                .iter()
                .find(alike)
                .copied()
                .unwrap_or(Code::Internal),
        )
    })
}
