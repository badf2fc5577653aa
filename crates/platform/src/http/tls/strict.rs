//! HTTP Strict Transport Security: a shop that is seen on TLS asks browsers to come by nothing else. It is said where
//! the public address says so, whoever ends the TLS: browsers take it over TLS only.

use axum::{
    Router,
    http::{HeaderValue, header::STRICT_TRANSPORT_SECURITY},
    middleware::map_response,
    response::Response,
};

/// Says it with every answer of a router, if the public address is on TLS and there is anything to say.
pub fn strict(router: Router, public_url: &str, policy: &str) -> Router {
    let value = HeaderValue::from_str(policy).ok();
    let value = value.filter(|value| !value.is_empty() && public_url.starts_with("https://"));
    let Some(value) = value else { return router };
    router.layer(map_response(move |mut response: Response| {
        let headers = response.headers_mut();
        headers.insert(STRICT_TRANSPORT_SECURITY, value.clone());
        async move { response }
    }))
}
