//! Which other sites' pages may call the API. None, unless the configuration names them; and those come without
//! cookies: an answer never says that it may be read with somebody's credentials. Pages are no part of this.

use axum::{
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Uri,
        header::{
            ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
            ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
            ORIGIN, VARY,
        },
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

/// Where the API is.
const API: &str = "/api/v1/";
const METHODS: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";
/// What a program of ours may send, and read of an answer.
const SENT: &str = "authorization, content-type, if-match, if-none-match, idempotency-key, order-token, cart-token, \
                    x-request-id";
const READ: &str = "etag, location, link, retry-after, ratelimit, ratelimit-policy, idempotent-replayed, x-request-id";
/// How long a browser may remember it, in seconds.
const REMEMBERED: &str = "600";

const SAME_SITE_RESOURCES: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// A site as browsers write it: `https://app.example`, with its port if it has one of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Site(HeaderValue);

impl TryFrom<String> for Site {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no site such as https://app.example");
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let host = uri.host().unwrap_or_default();
        let port = uri
            .port_u16()
            .map_or_else(String::new, |port| format!(":{port}"));
        let scheme = uri.scheme_str().unwrap_or_default();
        // Written otherwise, it would be no browser's, and nobody would find out why.
        let plain = format!("{scheme}://{host}{port}");
        if text != plain
            || host.is_empty()
            || host.contains('*')
            || !matches!(scheme, "http" | "https")
        {
            return Err(wrong());
        }
        if text.chars().any(|letter| letter.is_ascii_uppercase()) {
            return Err(wrong());
        }
        HeaderValue::from_str(&text).map(Self).map_err(|_| wrong())
    }
}

impl From<Site> for String {
    fn from(site: Site) -> Self {
        site.0.to_str().unwrap_or_default().to_owned()
    }
}

/// The sites that may call.
#[derive(Debug)]
pub(crate) struct Cors(Vec<Site>);

impl Cors {
    pub(crate) const fn of(sites: Vec<Site>) -> Self {
        Self(sites)
    }

    /// The site that calls, if it is one that may, and calls what it may.
    pub(crate) fn caller(&self, uri: &Uri, headers: &HeaderMap) -> Option<HeaderValue> {
        let origin = headers.get(ORIGIN)?;
        let is_known = self.0.iter().any(|site| site.0 == origin);
        (is_known && uri.path().starts_with(API)).then(|| origin.clone())
    }

    /// Lets a site's page read an answer. Caches are told that others may not.
    pub(crate) fn tell(&self, uri: &Uri, caller: Option<HeaderValue>, headers: &mut HeaderMap) {
        if self.0.is_empty() || !uri.path().starts_with(API) {
            return;
        }
        headers.append(VARY, HeaderValue::from_static("origin"));
        let Some(caller) = caller else { return };
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, caller);
        let read = HeaderValue::from_static(READ);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, read);
        let anybody = HeaderValue::from_static("cross-origin");
        headers.insert(SAME_SITE_RESOURCES, anybody);
    }
}

/// What a browser hears that asks for a site that may call.
pub(crate) fn welcome() -> Response {
    let said = [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, SENT),
        (ACCESS_CONTROL_MAX_AGE, REMEMBERED),
    ];
    (StatusCode::NO_CONTENT, said).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_is_written_as_browsers_write_it() {
        for text in [
            "https://app.example",
            "http://127.0.0.1:3000",
            "https://a.b:8443",
        ] {
            let site = Site::try_from(text.to_owned()).unwrap();
            assert_eq!(String::from(site), text);
        }
        for text in [
            "",
            "*",
            "null",
            "app.example",
            "https://",
            "https://app.example/",
            "https://App.example",
            "https://app.example/a",
            "https://u@app.example",
            "ftp://app.example",
            "https://*.example",
        ] {
            assert!(Site::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
