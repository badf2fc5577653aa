//! What of a message's head goes on to the next hop, and what is added. What belongs to one connection never
//! leaves it, and nobody's word for an address or a scheme is passed on but ours.

use crate::http::idempotency::IDEMPOTENCY_KEY;
use axum::http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{
        CONNECTION, FORWARDED, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER,
        TRANSFER_ENCODING, UPGRADE,
    },
};
use std::net::IpAddr;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Headers of one connection (RFC 9110, 7.6.1), named or not in `Connection`.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Takes off what belongs to one connection.
pub(super) fn strip(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Says on whose behalf we ask, in the old way and in the standard one (RFC 7239), and takes off whatever else
/// said so.
pub(super) fn say_for_whom(headers: &mut HeaderMap, client: Option<IpAddr>, scheme: &'static str) {
    let claims: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().starts_with("x-forwarded-"))
        .cloned()
        .collect();
    for name in claims.iter().chain([&FORWARDED]) {
        headers.remove(name);
    }
    let mut said = Vec::new();
    if let Some(client) = client.map(|client| client.to_canonical()) {
        said.push(match client {
            IpAddr::V4(address) => format!("for={address}"),
            IpAddr::V6(address) => format!("for=\"[{address}]\""),
        });
        insert(headers, X_FORWARDED_FOR, &client.to_string());
    }
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    said.push(format!("proto={scheme}"));
    if let Some(host) = headers.get(HOST).cloned() {
        if let Some(text) = host.to_str().ok().filter(|text| is_plain(text)) {
            said.push(format!("host=\"{text}\""));
        }
        headers.insert(X_FORWARDED_HOST, host);
    }
    insert(headers, FORWARDED, &said.join(";"));
}

/// A name and perhaps a port: nothing that could end a quotation.
fn is_plain(host: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    host.bytes().all(fits)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, text: &str) {
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}

/// Whether asking twice does no more than asking once: it only reads, or the other side knows it by its key.
/// `If-Match` is not enough: the second answer would say that somebody else was faster, which is not true.
pub(super) fn is_repeatable(method: &Method, headers: &HeaderMap) -> bool {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let one_key = keys.next().is_some_and(|key| !key.is_empty()) && keys.next().is_none();
    only_reads(method) || one_key
}

/// Whether it changes nothing.
pub(super) fn only_reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), value.parse().unwrap());
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<&str> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_belongs_to_one_connection_stays_there() {
        let mut all = headers(&[
            ("connection", "close, X-Secret"),
            ("connection", "x-other"),
            ("x-secret", "1"),
            ("x-other", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("proxy-authorization", "Basic x"),
            ("te", "trailers"),
            ("trailer", "x-sum"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "h2c"),
            ("content-type", "application/json"),
            ("authorization", "Bearer t"),
        ]);
        strip(&mut all);
        assert_eq!(names(&all), ["authorization", "content-type"]);
    }

    #[test]
    fn nobody_s_word_for_an_address_is_passed_on_but_ours() {
        let mut said = headers(&[
            ("host", "shop.example:8080"),
            ("x-forwarded-for", "6.6.6.6"),
            ("x-forwarded-user", "admin"),
            ("forwarded", "for=6.6.6.6"),
        ]);
        say_for_whom(&mut said, "::ffff:198.51.100.7".parse().ok(), "https");
        assert_eq!(said["x-forwarded-for"], "198.51.100.7");
        assert_eq!(said["x-forwarded-host"], "shop.example:8080");
        assert_eq!(
            said["forwarded"],
            "for=198.51.100.7;proto=https;host=\"shop.example:8080\""
        );
        assert!(!said.contains_key("x-forwarded-user"));
        let mut odd = headers(&[("host", "a\";for=6.6.6.6;x=\"")]);
        say_for_whom(&mut odd, "2001:db8::1".parse().ok(), "http");
        assert_eq!(odd["forwarded"], "for=\"[2001:db8::1]\";proto=http");
    }

    #[test]
    fn reads_and_what_has_a_key_may_be_repeated() {
        let key = ("idempotency-key", "k1");
        for (method, lines, expected) in [
            (Method::GET, &[][..], true),
            (Method::HEAD, &[], true),
            (Method::OPTIONS, &[], true),
            (Method::POST, &[], false),
            (Method::PUT, &[("if-match", "\"3\"")], false),
            (Method::DELETE, &[], false),
            (Method::POST, &[key], true),
            (Method::PATCH, &[key], true),
            (Method::POST, &[("idempotency-key", "")], false),
            (Method::POST, &[key, ("idempotency-key", "k2")], false),
        ] {
            let found = is_repeatable(&method, &headers(lines));
            assert_eq!(found, expected, "{method} {lines:?}");
        }
    }
}
