//! The demo products' pictures. They may draw and nothing else: no script, no reference, no other
//! content type.

use super::assets::name_of;
use crate::demo;
use axum::{
    extract::Path,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use contracts::problem::Code;
use platform::http::Fault;
use std::future::{Ready, ready};

const DRAWS_ONLY: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The picture of a demo product, by `SKU.svg`.
pub(super) fn demo_picture(
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Ready<Result<Response, Fault>> {
    let found = file.strip_suffix(".svg").and_then(demo::picture);
    ready(
        found
            .map(|picture| answer(picture, &headers))
            .ok_or_else(|| Fault::new(Code::NotFound)),
    )
}

fn answer(picture: &'static str, headers: &HeaderMap) -> Response {
    let tag = format!("\"{}\"", name_of(picture.as_bytes()));
    let mut response = if unchanged(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "image/svg+xml")], picture).into_response()
    };
    let fields = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, DRAWS_ONLY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "public, max-age=86400"),
    ] {
        fields.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        fields.insert(header::ETAG, tag);
    }
    response
}

/// Whether the caller has this state already (`If-None-Match`, compared weakly: RFC 9110, 13.1.2).
pub(super) fn unchanged(headers: &HeaderMap, tag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|known| known.to_str().ok())
        .flat_map(|known| known.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(file: &str, known: Option<&HeaderValue>) -> Result<Response, Fault> {
        let known = known.map(|tag| (header::IF_NONE_MATCH, tag.clone()));
        demo_picture(Path(file.to_owned()), HeaderMap::from_iter(known)).into_inner()
    }

    #[test]
    fn a_picture_may_draw_and_nothing_else() {
        let response = get("TEA-SENCHA.svg", None).unwrap();
        let fields = response.headers();
        assert_eq!(fields[header::CONTENT_TYPE], "image/svg+xml");
        assert_eq!(fields[header::CONTENT_SECURITY_POLICY], DRAWS_ONLY);
        assert_eq!(fields[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let again = get("TEA-SENCHA.svg", fields.get(header::ETAG)).unwrap();
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    }

    #[test]
    fn nothing_but_the_demo_pictures_is_served() {
        for file in ["", ".svg", "TEA-SENCHA", "NO-SUCH.svg", "../products.jsonl"] {
            assert!(get(file, None).is_err(), "{file}");
        }
    }
}
