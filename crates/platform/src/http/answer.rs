//! Shapes of answers that many routes share: created things, replays, pages.

use super::Json;
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header::LINK, header::LOCATION},
    response::{IntoResponse, Response},
};
use contracts::{
    request::Answered,
    values::{Cursor, Page},
};
use serde::Serialize;

/// Tells that an answer repeats an earlier one.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// 201 with `Location` and the body; a replay says so.
pub fn created<T: Serialize>(location: &str, answered: Answered<T>) -> Response {
    let mut response = (StatusCode::CREATED, Json(answered.value)).into_response();
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    mark_replay(response.headers_mut(), answered.replayed);
    response
}

/// Adds `Idempotent-Replayed: true` to a replay.
pub fn mark_replay(headers: &mut HeaderMap, replayed: bool) {
    if replayed {
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
}

/// A page, with the address of the next one in `Link` (RFC 8288).
pub fn page<T: Serialize>(uri: &Uri, page: Page<T>) -> Response {
    let next = page.next_cursor.clone();
    with_next(Json(page).into_response(), uri, next.as_ref())
}

/// An answer with the address of the next page, if there is one.
pub fn with_next(mut response: Response, uri: &Uri, next: Option<&Cursor>) -> Response {
    let next = next.map(|cursor| {
        let kept = uri
            .query()
            .unwrap_or_default()
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("cursor="))
            .chain([format!("cursor={}", cursor.as_str()).as_str()])
            .collect::<Vec<_>>()
            .join("&");
        format!("<{}?{kept}>; rel=\"next\"", uri.path())
    });
    if let Some(link) = next.and_then(|link| HeaderValue::from_str(&link).ok()) {
        response.headers_mut().insert(LINK, link);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_keeps_the_filters() {
        let uri: Uri = "/api/v1/products?cursor=old&q=tea&limit=2".parse().unwrap();
        let list = Page {
            data: vec![1, 2],
            next_cursor: Some(Cursor::parse("new").unwrap()),
        };
        let response = page(&uri, list);
        assert_eq!(
            response.headers()[LINK],
            "</api/v1/products?q=tea&limit=2&cursor=new>; rel=\"next\""
        );
    }
}
