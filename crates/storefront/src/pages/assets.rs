//! The one style sheet and the three scripts, inside the binary, each named by its content. No other file of ours is
//! served from here.

use super::media::unchanged;
use axum::{
    extract::RawQuery,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use platform::digest;
use std::{
    future::{Ready, ready},
    sync::LazyLock,
};

const STYLE: &str = include_str!("../../assets/souk.css");
const SCRIPT: &str = include_str!("../../assets/souk.js");
const SITE: &str = include_str!("../../assets/site.js");
const CARD: &str = include_str!("../../assets/card.js");

static STYLE_SHEET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("/assets/souk.css", "text/css; charset=utf-8", STYLE));
static SCRIPT_FILE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("/assets/souk.js", "text/javascript; charset=utf-8", SCRIPT));
static SITE_SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("/assets/site.js", "text/javascript; charset=utf-8", SITE));
static CARD_SCRIPT: LazyLock<Asset> =
    LazyLock::new(|| Asset::new("/assets/card.js", "text/javascript; charset=utf-8", CARD));

/// A file of ours.
struct Asset {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
    /// Names the content: another text has another address, so that nobody keeps an old one.
    name: String,
}

/// A short name for bytes.
pub(super) fn name_of(bytes: &[u8]) -> String {
    digest::base64url(&digest::sha256(&[bytes]))
        .chars()
        .take(16)
        .collect()
}

/// Where pages find the style sheet.
pub(super) fn style_address() -> String {
    STYLE_SHEET.address()
}

/// Where the few pages that move by themselves find their script.
pub(super) fn script_address() -> String {
    SCRIPT_FILE.address()
}

/// Where every page finds its script.
pub(super) fn site_address() -> String {
    SITE_SCRIPT.address()
}

/// Where the page with the card's field finds its script.
pub(super) fn card_address() -> String {
    CARD_SCRIPT.address()
}

/// GET `/assets/souk.css`.
pub(super) fn style_sheet(query: RawQuery, headers: HeaderMap) -> Ready<Response> {
    ready(STYLE_SHEET.answer(&query, &headers))
}

/// GET `/assets/souk.js`.
pub(super) fn script(query: RawQuery, headers: HeaderMap) -> Ready<Response> {
    ready(SCRIPT_FILE.answer(&query, &headers))
}

/// GET `/assets/site.js`.
pub(super) fn site_script(query: RawQuery, headers: HeaderMap) -> Ready<Response> {
    ready(SITE_SCRIPT.answer(&query, &headers))
}

/// GET `/assets/card.js`.
pub(super) fn card_script(query: RawQuery, headers: HeaderMap) -> Ready<Response> {
    ready(CARD_SCRIPT.answer(&query, &headers))
}

impl Asset {
    fn new(path: &'static str, kind: &'static str, text: &'static str) -> Self {
        let name = name_of(text.as_bytes());
        Self {
            path,
            kind,
            text,
            name,
        }
    }

    fn address(&self) -> String {
        format!("{}?v={}", self.path, self.name)
    }

    /// For good under its named address, to be asked about under any other.
    fn answer(&self, RawQuery(query): &RawQuery, headers: &HeaderMap) -> Response {
        let asked = query.as_deref().and_then(|query| query.strip_prefix("v="));
        let keep = if asked == Some(self.name.as_str()) {
            "public, max-age=31536000, immutable"
        } else {
            "no-cache"
        };
        let tag = format!("\"{}\"", self.name);
        let mut response = if unchanged(headers, &tag) {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, self.kind)], self.text).into_response()
        };
        let fields = response.headers_mut();
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            fields.insert(header::ETAG, tag);
        }
        response
    }
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
    fn the_script_is_small_and_holds_no_address() {
        assert!(CARD.len() < 3_000, "{}", CARD.len());
        assert!(!CARD.contains("http") && !CARD.contains("eval"));
    }

    #[test]
    fn the_style_sheet_is_small_and_loads_nothing() {
        assert!(STYLE.len() < 20_000, "{}", STYLE.len());
        assert!(!STYLE.contains("url(") && !STYLE.contains("@import"));
        assert_eq!(STYLE.matches('{').count(), STYLE.matches('}').count());
        assert!(SCRIPT.len() < 3_000, "{}", SCRIPT.len());
        assert!(!SCRIPT.contains("http:") && !SCRIPT.contains("https:"));
    }

    /// How bright a colour is, from 0 to 1 (WCAG 2.2, relative luminance).
    #[expect(clippy::float_arithmetic, reason = "brightness is no count")]
    fn brightness(colour: &str) -> f64 {
        let part = |at: usize| {
            let hex = colour.get(at..at.strict_add(2)).unwrap();
            let part = f64::from(u8::from_str_radix(hex, 16).unwrap());
            let part = part / 255.0;
            if part <= 0.040_45 {
                part / 12.92
            } else {
                ((part + 0.055) / 1.055).powf(2.4)
            }
        };
        0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
    }

    #[test]
    fn what_is_marked_can_be_read_by_day_and_by_night() {
        let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
        for palette in [light, dark] {
            let colour = |name: &str| {
                let (_, rest) = palette.split_once(&format!("--{name}: ")).unwrap();
                brightness(rest.split(';').next().unwrap())
            };
            for name in ["low", "gone", "good", "bad"] {
                let (paper, ink) = (colour(name), colour(&format!("{name}-ink")));
                let contrast = (paper.max(ink) + 0.05) / (paper.min(ink) + 0.05);
                assert!(contrast >= 4.5, "{name}: {contrast}");
            }
        }
        assert!(STYLE.contains("mark { background: var(--low); color: var(--low-ink);"));
    }
}
