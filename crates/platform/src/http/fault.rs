//! A refusal on its way out. The handler's part ends with a [`Problem`]; the door writes the body.

use axum::{
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};
use contracts::problem::{Code, Problem, ToProblem};
use std::fmt::Debug;

/// What a handler returns when it refuses.
#[derive(Debug, Clone)]
pub struct Fault(pub Problem);

impl Fault {
    /// A refusal by code alone.
    #[must_use]
    pub fn new(code: Code) -> Self {
        Self(Problem::new(code))
    }
}

impl<E: ToProblem + Debug> From<E> for Fault {
    fn from(error: E) -> Self {
        let problem = error.to_problem();
        if problem.code == Code::Internal {
            // The cause goes to the log and nowhere else.
            tracing::error!(error = ?error, "a request failed on our side");
        }
        Self(problem)
    }
}

impl IntoResponse for Fault {
    /// Status, `Retry-After`, and the problem as an extension: `stack` renders it, knowing the request.
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = status.into_response();
        if let Some(seconds) = self.0.retry_after_seconds {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self.0);
        response
    }
}
