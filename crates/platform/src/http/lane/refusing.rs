//! What a door says while it is late, as its stack would say it ([`stack::refusal`]). It is made once, but for the
//! request's address and id: it is said thousands of times a second, by a process that is late.

use super::{
    Sent,
    told::{self, Told},
};
use crate::http::{
    Load,
    stack::{self, X_REQUEST_ID},
};
use axum::http::{
    HeaderMap, HeaderValue, Method, Response, StatusCode,
    header::{CONTENT_LENGTH, STRICT_TRANSPORT_SECURITY},
};
use http_body_util::{Either, Full};
use hyper::body::Bytes;

/// What stands for a request's address in the one that is made.
const PATH: &str = "the-path";
/// What stands for its id.
const ID: &str = "the-id";

/// The refusals of a door that may be late.
pub struct Refusing {
    pub(super) door: &'static str,
    pub(super) load: Load,
    head: HeaderMap,
    /// The same as HTTP/1 has it.
    written: Vec<u8>,
    /// The body before the address, between that and the id, and after it.
    body: [String; 3],
}

impl Refusing {
    /// Those of a door with this name in metrics and this load, of a shop that is seen at this address; `strict` is
    /// what its answers say of TLS ([`crate::http::tls::policy`]).
    #[must_use]
    pub fn new(
        door: &'static str,
        load: &Load,
        public_url: &str,
        strict: Option<HeaderValue>,
    ) -> Self {
        let (mut head, body) = stack::refusal(public_url, PATH, ID);
        if let Some(policy) = strict {
            head.insert(STRICT_TRANSPORT_SECURITY, policy);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        let (before, rest) = around(&body, PATH);
        let (between, after) = around(rest, ID);
        Self {
            door,
            load: load.clone(),
            written: told::written(StatusCode::SERVICE_UNAVAILABLE, &head, None),
            head,
            body: [before, between, after].map(str::to_owned),
        }
    }

    /// Writes that of a request with this plain id.
    pub(super) fn write(&self, (method, path, id): (&Method, &str, &str), out: &mut Vec<u8>) {
        let path = serde_json::to_string(path).unwrap_or_default();
        let pieces = self.pieces(&path, id);
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        out.extend_from_slice(&self.written);
        out.tell(&CONTENT_LENGTH, &[itoa::Buffer::new().format(length)]);
        told::own(id, out);
        if *method != Method::HEAD {
            for piece in pieces {
                out.extend_from_slice(piece.as_bytes());
            }
        }
    }

    /// The same for hyper to write.
    pub(super) fn response(&self, path: &str, id: &str) -> Response<Sent> {
        let path = serde_json::to_string(path).unwrap_or_default();
        let body = Bytes::from(self.pieces(&path, id).concat());
        let mut response = Response::new(Either::Left(Full::new(body)));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        response.headers_mut().clone_from(&self.head);
        if let Ok(id) = HeaderValue::from_str(id) {
            response.headers_mut().insert(X_REQUEST_ID, id);
        }
        response
    }

    /// The body for an address as JSON has it.
    fn pieces<'p>(&'p self, path: &'p str, id: &'p str) -> [&'p str; 7] {
        let [before, between, after] = &self.body;
        [before, path, between, "\"", id, "\"", after]
    }
}

/// What stands before and after a text in quotation marks.
fn around<'t>(all: &'t str, text: &str) -> (&'t str, &'t str) {
    all.split_once(&format!("\"{text}\"")).unwrap_or((all, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::load::tests::load;

    #[test]
    fn a_refusal_is_that_of_the_stack_word_for_word() {
        for path in ["/api/v1/orders", "/a\"b\\c\u{e9}", "/the-id"] {
            let refusing = Refusing::new("test", &load(1), "https://souk.example/", None);
            let mut out = Vec::new();
            refusing.write((&Method::POST, path, "mine-1"), &mut out);
            let (head, body) = stack::refusal("https://souk.example/", path, "mine-1");
            let text = String::from_utf8(out).unwrap();
            let (written, content) = text.split_once("\r\n\r\n").unwrap();
            assert_eq!(content.as_bytes(), body, "{path}");
            for (name, value) in &head {
                let line = format!("{name}: {}", value.to_str().unwrap());
                assert!(written.lines().any(|one| one == line), "{line}: {written}");
            }
        }
    }
}
