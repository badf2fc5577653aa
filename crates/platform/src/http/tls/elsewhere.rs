//! What is said to whoever comes without TLS where TLS is spoken: people are led there, and programs are told, so that
//! what they should not have sent in the clear is not sent a second time unseen. Nothing of the shop is answered.

use crate::http::Fault;
use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, Method, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use contracts::problem::{Code, Problem};
use std::sync::Arc;

/// Paths of programs.
const PROGRAMS: &[&str] = &["/api/", "/.well-known/"];

/// The router of a listener without TLS. `public_url` is where the shop is seen from outside.
pub fn elsewhere(public_url: &str) -> Router {
    let there: Arc<str> = Arc::from(public_url.trim_end_matches('/'));
    Router::new().fallback(move |request: Request| {
        let answer = answer(&there, &request);
        async move { answer }
    })
}

fn answer(there: &str, request: &Request) -> Response {
    let uri = request.uri();
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let is_program = PROGRAMS.iter().any(|root| uri.path().starts_with(root));
    let target = uri.path_and_query().map_or("/", |target| target.as_str());
    let location = HeaderValue::from_str(&format!("{there}{target}"));
    match location {
        // A path that begins otherwise would become a part of the host's name.
        Ok(location) if reads && !is_program && target.starts_with('/') => {
            (StatusCode::PERMANENT_REDIRECT, [(LOCATION, location)]).into_response()
        }
        Ok(_) | Err(_) => {
            let detail = format!("nothing is answered here without TLS: ask {there}");
            Fault(Problem::new(Code::Malformed).detail(detail)).into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn asked(method: &str, target: &str) -> (u16, String) {
        let request = Request::builder().method(method).uri(target);
        let answer = answer(
            "https://shop.example",
            &request.body(Body::empty()).unwrap(),
        );
        let location = answer.headers().get(LOCATION);
        let location = location.map_or("", |location| location.to_str().unwrap());
        (answer.status().as_u16(), location.to_owned())
    }

    #[test]
    fn people_are_led_to_tls_and_programs_are_told() {
        for (method, target, expected) in [
            ("GET", "/", "https://shop.example/"),
            ("GET", "/?q=tea&x=%0a", "https://shop.example/?q=tea&x=%0a"),
            ("HEAD", "/sign-in", "https://shop.example/sign-in"),
            (
                "GET",
                "//evil.example/",
                "https://shop.example//evil.example/",
            ),
            ("GET", "http://evil.example/a", "https://shop.example/a"),
        ] {
            assert_eq!(
                asked(method, target),
                (308, expected.to_owned()),
                "{target}"
            );
        }
        for (method, target) in [
            ("POST", "/sign-in"),
            ("GET", "/api/v1/products"),
            ("POST", "/api/v1/auth/login"),
            ("OPTIONS", "*"),
            ("GET", "*"),
        ] {
            let (status, location) = asked(method, target);
            assert!(location.is_empty() && status != 308, "{method} {target}");
        }
    }
}
