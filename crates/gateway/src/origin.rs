//! Whether a request was caused by a page of this shop, as the browser tells it. It proves nobody's identity;
//! it only keeps other sites from spending a cookie that the browser adds by itself.

use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method, Uri,
    header::{ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN},
};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a request tells of the page that caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A page of this shop, or the person themselves.
    Ours,
    /// A page of another site.
    Foreign,
    /// Nothing is told: an old browser, or none at all.
    Untold,
}

/// Where the shop is seen from outside, as browsers write it: `https://shop.example`.
#[derive(Debug, Clone)]
pub(crate) struct Origin(String);

impl Origin {
    pub(crate) fn of(public_url: &str) -> Self {
        let parts = public_url.parse::<Uri>().ok().map(Uri::into_parts);
        let text = parts
            .and_then(|parts| Some(format!("{}://{}", parts.scheme?, parts.authority?)))
            .unwrap_or_else(|| public_url.trim_end_matches('/').to_owned());
        Self(text.to_ascii_lowercase())
    }

    /// `Sec-Fetch-Site` decides where it came; `Origin` decides else.
    pub(crate) fn cause(&self, uri: &Uri, headers: &HeaderMap) -> Cause {
        if let Some(site) = headers.get(SEC_FETCH_SITE) {
            return match site.as_bytes() {
                b"same-origin" | b"none" => Cause::Ours,
                _ => Cause::Foreign,
            };
        }
        let Some(origin) = headers.get(ORIGIN) else {
            return Cause::Untold;
        };
        let origin = text(origin).to_ascii_lowercase();
        let host = headers.get(HOST).map(text);
        let host = host.or_else(|| uri.authority().map(|authority| authority.as_str()));
        let is_host = origin.split_once("://").is_some_and(|(_, authority)| {
            host.is_some_and(|host| host.eq_ignore_ascii_case(authority))
        });
        if origin == self.0 || is_host {
            Cause::Ours
        } else {
            Cause::Foreign
        }
    }
}

fn text(value: &HeaderValue) -> &str {
    value.to_str().unwrap_or_default()
}

/// Whether a method may change something.
pub(crate) fn is_unsafe(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a browser asks if another site may call. None may.
pub(crate) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    method == Method::OPTIONS && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(headers: &[(&'static str, &str)]) -> Cause {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        Origin::of("https://Shop.example/").cause(&"/orders".parse().unwrap(), &headers)
    }

    #[test]
    fn the_cause_is_read_from_what_browsers_tell() {
        for (headers, expected) in [
            (&[][..], Cause::Untold),
            (&[("sec-fetch-site", "same-origin")], Cause::Ours),
            (&[("sec-fetch-site", "none")], Cause::Ours),
            (&[("sec-fetch-site", "same-site")], Cause::Foreign),
            (&[("sec-fetch-site", "cross-site")], Cause::Foreign),
            (&[("origin", "https://shop.example")], Cause::Ours),
            (&[("origin", "http://shop.example")], Cause::Foreign),
            (&[("origin", "https://evil.example")], Cause::Foreign),
            (
                &[("origin", "https://shop.example.evil.example")],
                Cause::Foreign,
            ),
            (&[("origin", "null")], Cause::Foreign),
            (
                &[
                    ("origin", "http://127.0.0.1:8080"),
                    ("host", "127.0.0.1:8080"),
                ],
                Cause::Ours,
            ),
            (
                &[
                    ("origin", "http://127.0.0.1:8081"),
                    ("host", "127.0.0.1:8080"),
                ],
                Cause::Foreign,
            ),
            (
                &[
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://shop.example"),
                ],
                Cause::Foreign,
            ),
        ] {
            assert_eq!(cause(headers), expected, "{headers:?}");
        }
    }
}
