//! Versions as entity tags (RFC 9110, 8.8.3) and preconditions (RFC 9110, 13; RFC 6585, 3).
//! An `ETag` is `"<version>"`, or `"<version>-<more>"` where the representation holds more than the version
//! counts; `If-Match` compares the version alone, so that a sale never makes an editor's save fail.

use super::{Fault, Json};
use crate::digest;
use axum::{
    body::{Body, Bytes},
    extract::FromRequestParts,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CONTENT_TYPE, ETAG, IF_MATCH, IF_NONE_MATCH},
        request::Parts,
    },
    response::{IntoResponse, Response},
};
use contracts::{
    problem::{Code, Problem},
    request::Precondition,
    values::Version,
};
use serde::Serialize;

/// The version that `If-Match` names, if it came.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub Option<Version>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Fault> {
        let mut sent = parts.headers.get_all(IF_MATCH).iter();
        let Some(header) = sent.next() else {
            return Ok(Self(None));
        };
        let alone = sent.next().is_none();
        let version = header.to_str().ok().filter(|_| alone).and_then(read_tag);
        let unreadable = || {
            Problem::new(Code::Malformed)
                .detail("If-Match must be one ETag as this shop sends them")
        };
        Ok(Self(Some(version.ok_or_else(unreadable)?)))
    }
}

fn read_tag(text: &str) -> Option<Version> {
    let text = text.trim();
    let bare = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => text,
    };
    let (version, more) = bare.split_once('-').unwrap_or((bare, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(version) || !digits(more) {
        return None;
    }
    Version::try_from(version.parse::<i64>().ok()?).ok()
}

/// What a change may replace: the header's version, or the body's.
///
/// # Errors
/// 428 when neither came, 400 when they differ.
pub fn precondition(header: IfMatch, body: Option<Version>) -> Result<Precondition, Fault> {
    match (header.0, body) {
        (Some(header), Some(body)) if header != body => Err(Problem::new(Code::Malformed)
            .detail("If-Match and version name different versions")
            .into()),
        (Some(version), _) => Ok(Precondition::Header(version)),
        (None, Some(version)) => Ok(Precondition::Body(version)),
        (None, None) => Err(Fault::new(Code::PreconditionRequired)),
    }
}

/// The tag of a representation that its version describes wholly.
#[must_use]
pub fn tag(version: Version) -> String {
    format!("\"{}\"", version.get())
}

/// The tag of a representation that holds more than its version counts.
///
/// ```
/// use contracts::values::Version;
/// use platform::http::etag::{tag, tag_with};
/// assert_eq!(tag(Version::FIRST), "\"1\"");
/// assert_eq!(tag_with(Version::FIRST, 17), "\"1-17\"");
/// ```
#[must_use]
pub fn tag_with(version: Version, more: i64) -> String {
    format!("\"{}-{more}\"", version.get())
}

/// The tag of a representation that no version describes: it follows from the bytes themselves.
#[must_use]
pub fn tag_of(body: &[u8]) -> String {
    let hash = digest::sha256(&[body]);
    let some = hash.first_chunk::<15>().unwrap_or(&[0; 15]);
    format!("\"{}\"", digest::base64url(some))
}

/// An answer with its tag.
pub fn tagged<T: Serialize>(tag: &str, body: T) -> Response {
    with_tag(Json(body).into_response(), tag)
}

/// The answer to a GET: 304 without a body when the caller has it already.
pub fn conditional<T: Serialize>(headers: &HeaderMap, tag: &str, body: T) -> Response {
    if is_known(headers, tag) {
        not_modified(tag)
    } else {
        tagged(tag, body)
    }
}

/// The same for a body that is JSON already.
pub fn conditional_json(headers: &HeaderMap, tag: &str, body: Bytes) -> Response {
    conditional_bytes(headers, tag, "application/json", body)
}

/// The same of any kind.
pub fn conditional_bytes(
    headers: &HeaderMap,
    tag: &str,
    kind: &'static str,
    body: Bytes,
) -> Response {
    if is_known(headers, tag) {
        return not_modified(tag);
    }
    let kind = HeaderValue::from_static(kind);
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, kind);
    with_tag(response, tag)
}

fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers
        .get(IF_NONE_MATCH)
        .and_then(|known| known.to_str().ok())
        .unwrap_or_default();
    known
        .split(',')
        .map(str::trim)
        .any(|one| one == "*" || one.trim_start_matches("W/") == tag)
}

fn not_modified(tag: &str) -> Response {
    with_tag(StatusCode::NOT_MODIFIED.into_response(), tag)
}

fn with_tag(mut response: Response, tag: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(ETAG, tag);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_with_and_without_their_tail() {
        let version = |n| Version::try_from(n).ok();
        assert_eq!(read_tag("\"3-17\""), version(3));
        assert_eq!(read_tag("\"3\""), version(3));
        assert_eq!(read_tag("3"), version(3));
        for text in [
            "",
            "*",
            "\"x\"",
            "\"0\"",
            "\"-1\"",
            "W/\"1\"",
            "\"1",
            "\"\"1\"\"",
            "\"+1\"",
            "\"1-x\"",
            "\"1-\"",
        ] {
            assert_eq!(read_tag(text), None, "{text}");
        }
    }

    #[test]
    fn a_change_must_say_what_it_replaces() {
        let two = Version::try_from(2).ok();
        assert!(precondition(IfMatch(None), None).is_err());
        assert!(precondition(IfMatch(two), Some(Version::FIRST)).is_err());
        assert_eq!(
            precondition(IfMatch(two), two).unwrap(),
            Precondition::Header(two.unwrap())
        );
    }
}
