//! Answers that last: a stream of events is only as good as the proof of who listens, which may end before it does. It
//! ends then, and when the node takes no more work; whoever may still listen comes again.

use axum::{body::Body, http::header::CONTENT_TYPE, response::Response};
use futures_util::StreamExt;
use platform::http::{Readiness, Standing};
use std::time::Duration;

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The same answer, which ends with the session it was given to, if it is a stream of events.
pub(crate) fn bounded(
    response: Response,
    standing: Option<Standing>,
    readiness: &Readiness,
) -> Response {
    let kind = response.headers().get(CONTENT_TYPE);
    if kind.is_none_or(|kind| kind != "text/event-stream") {
        return response;
    }
    let readiness = readiness.clone();
    let over = async move {
        while !readiness.is_draining() && !standing.as_ref().is_some_and(Standing::has_ended) {
            tokio::time::sleep(EVERY).await;
        }
    };
    response.map(|body| Body::from_stream(body.into_data_stream().take_until(Box::pin(over))))
}
