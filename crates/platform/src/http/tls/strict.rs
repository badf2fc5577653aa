//! HTTP Strict Transport Security: a shop that is seen on TLS asks browsers to come by nothing else. It is said where
//! the public address says so, whoever ends the TLS: browsers take it over TLS only.

use axum::{
    Router,
    http::{HeaderValue, header::STRICT_TRANSPORT_SECURITY},
    middleware::map_response,
    response::Response,
};

/// What is said, if the public address is on TLS and there is anything to say.
#[must_use]
pub fn policy(public_url: &str, wished: &str) -> Option<HeaderValue> {
    let value = HeaderValue::from_str(wished).ok();
    value.filter(|value| !value.is_empty() && public_url.starts_with("https://"))
}

/// Says it with every answer of a router, if the public address is on TLS and there is anything to say.
pub fn strict(router: Router, public_url: &str, wished: &str) -> Router {
    let Some(value) = policy(public_url, wished) else {
        return router;
    };
    router.layer(map_response(move |mut response: Response| {
        let headers = response.headers_mut();
        headers.insert(STRICT_TRANSPORT_SECURITY, value.clone());
        async move { response }
    }))
}
