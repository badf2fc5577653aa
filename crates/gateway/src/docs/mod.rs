//! What the door answers by itself: health, version, and the documentation of the API, made once at start.
//! Nothing in here needs a network, a script or a store.

mod page;
mod schema;

use axum::{
    body::Bytes,
    extract::Request,
    http::{
        HeaderValue, Method,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use contracts::problem::Code;
use platform::http::{Fault, Json, Readiness, readiness::Reader};
use serde::Serialize;
use serde_json::Value;

const STYLE: &str = include_str!("../../assets/docs.css");
const HTML: &str = "text/html; charset=utf-8";

/// A page of the door's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Page {
    OpenApi,
    Docs,
    DocsCss,
    Live,
    Ready,
    Version,
}

impl Page {
    /// The page at this path.
    pub(crate) fn find(path: &str) -> Option<Self> {
        match path {
            "/openapi.json" => Some(Self::OpenApi),
            "/docs" => Some(Self::Docs),
            "/docs/docs.css" => Some(Self::DocsCss),
            "/livez" => Some(Self::Live),
            "/readyz" => Some(Self::Ready),
            "/version" => Some(Self::Version),
            _ => None,
        }
    }
}

#[derive(Debug, Serialize)]
struct Version {
    name: &'static str,
    version: &'static str,
}

/// Everything ready to be sent.
pub(crate) struct Docs {
    openapi: Bytes,
    page: Bytes,
    readiness: Readiness,
}

impl Docs {
    /// Renders the page of an `OpenAPI` document.
    pub(crate) fn new(openapi: String, readiness: Readiness) -> Self {
        let document = serde_json::from_str(&openapi).unwrap_or_else(|error| {
            tracing::error!(error = %error, "the OpenAPI document is no JSON");
            Value::Null
        });
        Self {
            page: Bytes::from(page::render(&document)),
            openapi: Bytes::from(openapi),
            readiness,
        }
    }

    pub(crate) fn answer(&self, page: Page, request: &Request) -> Response {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = Fault::new(Code::MethodNotAllowed).into_response();
            let methods = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, methods);
            return response;
        }
        match page {
            Page::OpenApi => text("application/json", self.openapi.clone()),
            Page::Docs => text(HTML, self.page.clone()),
            Page::DocsCss => text(
                "text/css; charset=utf-8",
                Bytes::from_static(STYLE.as_bytes()),
            ),
            Page::Version => Json(Version {
                name: "souk",
                version: env!("CARGO_PKG_VERSION"),
            })
            .into_response(),
            Page::Live => probe("ok"),
            Page::Ready => self
                .readiness
                .answer(request.uri().query(), Reader::Anybody),
        }
    }
}

fn text(kind: &'static str, body: Bytes) -> Response {
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "max-age=60")], body).into_response()
}

pub(crate) fn probe(word: &'static str) -> Response {
    let kind = "text/plain; charset=utf-8";
    ([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], word).into_response()
}
