//! The one style sheet and the one script, inside the binary, named by their content. No other file of ours is served
//! from here.

use super::media::unchanged;
use axum::{
    extract::RawQuery,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use platform::digest;
use std::{
    future::{Ready, ready},
    sync::LazyLock,
};

const STYLE: &str = include_str!("../../assets/souk.css");

const SCRIPT: &str = include_str!("../../assets/souk.js");

/// Names the content: another style sheet has another address, so that nobody keeps an old one.
static STYLE_NAME: LazyLock<String> = LazyLock::new(|| name_of(STYLE.as_bytes()));
static SCRIPT_NAME: LazyLock<String> = LazyLock::new(|| name_of(SCRIPT.as_bytes()));

/// A short name for bytes.
pub(super) fn name_of(bytes: &[u8]) -> String {
    digest::base64url(&digest::sha256(&[bytes]))
        .chars()
        .take(16)
        .collect()
}

/// The address that pages link to.
pub(super) fn style_address() -> String {
    format!("/assets/souk.css?v={}", *STYLE_NAME)
}

/// The address of the script, for the few pages that have one.
pub(super) fn script_address() -> String {
    format!("/assets/souk.js?v={}", *SCRIPT_NAME)
}

/// GET `/assets/souk.css`.
pub(super) fn style_sheet(query: RawQuery, headers: HeaderMap) -> Ready<Response> {
    file(
        &query,
        &headers,
        ("text/css; charset=utf-8", STYLE, &STYLE_NAME),
    )
}

/// GET `/assets/souk.js`.
pub(super) fn script(query: RawQuery, headers: HeaderMap) -> Ready<Response> {
    let kind = "text/javascript; charset=utf-8";
    file(&query, &headers, (kind, SCRIPT, &SCRIPT_NAME))
}

/// A file: for good under its named address, to be asked about under any other.
fn file(
    RawQuery(query): &RawQuery,
    headers: &HeaderMap,
    (kind, text, name): (&'static str, &'static str, &str),
) -> Ready<Response> {
    let named = query.as_deref().and_then(|query| query.strip_prefix("v=")) == Some(name);
    let keep = if named {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let tag = format!("\"{name}\"");
    let mut response = if unchanged(headers, &tag) {
        axum::http::StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, kind)], text).into_response()
    };
    let fields = response.headers_mut();
    fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        fields.insert(header::ETAG, tag);
    }
    ready(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(query: Option<&str>, known: Option<&HeaderValue>) -> Response {
        let known = known.map(|tag| (header::IF_NONE_MATCH, tag.clone()));
        style_sheet(
            RawQuery(query.map(str::to_owned)),
            HeaderMap::from_iter(known),
        )
        .into_inner()
    }

    #[test]
    fn the_style_sheet_is_kept_for_good_under_its_own_name_only() {
        let named = get(
            style_address().split_once('?').map(|(_, query)| query),
            None,
        );
        let keep = named.headers()[header::CACHE_CONTROL].to_str().unwrap();
        assert!(keep.contains("immutable"));
        for query in [None, Some("v=old")] {
            assert_eq!(
                get(query, None).headers()[header::CACHE_CONTROL],
                "no-cache"
            );
        }
        let again = get(None, named.headers().get(header::ETAG));
        assert_eq!(again.status(), axum::http::StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn the_files_are_small_and_load_nothing_from_elsewhere() {
        assert!(STYLE.len() < 20_000, "{}", STYLE.len());
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
        assert_eq!(STYLE.matches('{').count(), STYLE.matches('}').count());
        assert!(SCRIPT.len() < 3_000, "{}", SCRIPT.len());
        assert!(!SCRIPT.contains("http:") && !SCRIPT.contains("https:"));
    }
}
