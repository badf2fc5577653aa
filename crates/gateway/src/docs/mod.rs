//! What the door answers by itself: health, version, and the documentation of the API, whose page is made when it is
//! asked for first.
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
use std::sync::OnceLock;

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

/// What there is to be sent.
pub(crate) struct Docs {
    openapi: &'static str,
    page: OnceLock<Bytes>,
    readiness: Readiness,
}

impl Docs {
    pub(crate) fn new(openapi: &'static str, readiness: Readiness) -> Self {
        Self {
            page: OnceLock::new(),
            openapi,
            readiness,
        }
    }

    /// The page of the document.
    fn page(&self) -> Bytes {
        let render = || {
            let document = serde_json::from_str(self.openapi).unwrap_or_else(|error| {
                tracing::error!(error = %error, "the OpenAPI document is no JSON");
                Value::Null
            });
            Bytes::from(page::render(&document))
        };
        self.page.get_or_init(render).clone()
    }

    pub(crate) fn answer(&self, page: Page, request: &Request) -> Response {
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            let mut response = Fault::new(Code::MethodNotAllowed).into_response();
            let methods = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, methods);
            return response;
        }
        match page {
            Page::OpenApi => text(
                "application/json",
                Bytes::from_static(self.openapi.as_bytes()),
            ),
            Page::Docs => text(HTML, self.page()),
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
