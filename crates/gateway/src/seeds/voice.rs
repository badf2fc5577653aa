//! How the seeds' addresses refuse: as a problem that also has a `message`, and never as a page.

use super::call::bare_refusal;
use axum::{
    body::Body,
    extract::Request,
    http::{
        HeaderValue, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, WWW_AUTHENTICATE},
    },
    response::Response,
};
use contracts::problem::{Code, Problem, ProblemBody};
use platform::http::stack::RequestId;

/// What a refusal must know of its request.
#[derive(Debug, Clone)]
pub(crate) struct Voice {
    path: String,
    request_id: String,
    accepts_html: bool,
}

impl Voice {
    /// Reads it from the request.
    pub(crate) fn of(request: &Request) -> Self {
        let accept = request.headers().get(ACCEPT);
        let accept = accept
            .and_then(|accept| accept.to_str().ok())
            .unwrap_or_default();
        let id = request.extensions().get::<RequestId>();
        Self {
            path: request.uri().path().to_owned(),
            request_id: id.map(|RequestId(id)| id.to_string()).unwrap_or_default(),
            accepts_html: accept.contains("text/html"),
        }
    }

    /// Gives a refusal its `message`; other answers stay as they are.
    pub(crate) fn speak(&self, mut response: Response, public_url: &str) -> Response {
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return response;
        }
        let problem = response.extensions_mut().remove::<Problem>();
        let problem = problem.unwrap_or_else(|| bare_refusal(status));
        let detail = problem.detail.clone();
        let problem = problem.fact("message", detail);
        if self.accepts_html {
            return self.written(response, problem, public_url);
        }
        response.extensions_mut().insert(problem);
        response
    }

    /// The stack would make a page of it for whoever accepts one, as some programs say they do.
    fn written(&self, response: Response, problem: Problem, public_url: &str) -> Response {
        let code = problem.code;
        let body = ProblemBody {
            kind: format!("{public_url}/problems/{}", code.slug()),
            title: code.title().to_owned(),
            status: code.status(),
            detail: problem.detail,
            instance: self.path.clone(),
            code: code.slug().to_owned(),
            request_id: self.request_id.clone(),
            retryable: code.retryable(),
            errors: problem.errors,
            facts: problem.facts,
        };
        let (mut parts, _) = response.into_parts();
        let kind = HeaderValue::from_static("application/problem+json");
        parts.headers.remove(CONTENT_LENGTH);
        parts.headers.insert(CONTENT_TYPE, kind);
        let keep = HeaderValue::from_static("no-store");
        parts.headers.insert(CACHE_CONTROL, keep);
        if parts.status == StatusCode::UNAUTHORIZED {
            let challenge = if code == Code::InvalidToken {
                r#"Bearer error="invalid_token""#
            } else {
                "Bearer"
            };
            let challenge = HeaderValue::from_static(challenge);
            parts.headers.insert(WWW_AUTHENTICATE, challenge);
        }
        let bytes = serde_json::to_vec(&body).unwrap_or_default();
        Response::from_parts(parts, Body::from(bytes))
    }
}
