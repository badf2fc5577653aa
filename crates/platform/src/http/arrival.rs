//! Watches a request's body arrive, so that a time-out can tell a request that never came whole from one whose
//! effect is not known; and hears out whoever was answered before that. hyper closes a connection of HTTP/1 on which
//! an answer is ready before the body has come, and does not say so: many clients send head and body one after the
//! other, and would lose the next request on it.

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    http::{
        HeaderValue, StatusCode, Version,
        header::{CONNECTION, EXPECT},
    },
    response::Response,
};
use futures_util::StreamExt;
use hyper::body::{Frame, SizeHint};
use std::{
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, timeout};

/// No more than that of a body is read that nobody wants.
const UNWANTED_BYTES_MAX: u64 = 65_536;
/// And no longer than that is waited for it.
const UNWANTED_TIME_MAX: Duration = Duration::from_millis(500);

/// Whether a body has come whole. Clones look at the same one.
#[derive(Clone)]
pub(super) struct Arrival(Arc<Watch>);

struct Watch {
    is_whole: AtomicBool,
    /// The rest of a body that was let go of before it had come.
    unwanted: Mutex<Option<Body>>,
    /// Whether the next request has to wait for the end of this one.
    is_in_turn: bool,
    /// Whether the caller sends nothing before it hears that it shall.
    is_asking: bool,
}

impl Arrival {
    pub(super) fn is_whole(&self) -> bool {
        self.0.is_whole.load(Ordering::Relaxed)
    }

    /// Reads what nobody wanted of the body, until this moment at most. Where that may not be, or is too much, or
    /// somebody has it still, the answer says that the connection ends with it (RFC 9112, 9.6).
    pub(super) async fn hear_out(self, response: &mut Response, until: Instant) {
        if self.is_whole() || !self.0.is_in_turn {
            return;
        }
        let unwanted = self.unwanted().take();
        let is_small = |body: &Body| body.size_hint().lower() <= UNWANTED_BYTES_MAX;
        let is_too_large = response.status() == StatusCode::PAYLOAD_TOO_LARGE;
        let may_be_read = !is_too_large && !self.0.is_asking;
        let mut is_over = false;
        if let Some(body) = unwanted.filter(|body| may_be_read && is_small(body)) {
            let left = until.saturating_duration_since(Instant::now());
            let read = timeout(left.min(UNWANTED_TIME_MAX), is_read(body));
            is_over = read.await == Ok(true);
        }
        if !is_over {
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
    }

    fn unwanted(&self) -> MutexGuard<'_, Option<Body>> {
        let unwanted = self.0.unwanted.lock();
        unwanted.unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a body to its end; false: that is too far.
async fn is_read(body: Body) -> bool {
    let mut pieces = body.into_data_stream();
    let mut left = UNWANTED_BYTES_MAX;
    while let Some(piece) = pieces.next().await {
        let length = piece.map_or(u64::MAX, |piece| piece.len() as u64);
        let Some(rest) = left.checked_sub(length) else {
            return false;
        };
        left = rest;
    }
    true
}

/// The request, its body being watched.
pub(super) fn watch(request: Request) -> (Request, Arrival) {
    let is_whole = request.body().is_end_stream();
    let arrival = Arrival(Arc::new(Watch {
        is_whole: AtomicBool::new(is_whole),
        unwanted: Mutex::new(None),
        is_in_turn: request.version() < Version::HTTP_2,
        is_asking: request.headers().contains_key(EXPECT),
    }));
    if is_whole {
        return (request, arrival);
    }
    let watched = arrival.clone();
    let request = request.map(|body| {
        Body::new(Watched {
            body,
            arrival: watched,
        })
    });
    (request, arrival)
}

struct Watched {
    body: Body,
    arrival: Arrival,
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.arrival.is_whole() {
            *self.arrival.unwanted() = Some(mem::take(&mut self.body));
        }
    }
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        if matches!(polled, Poll::Ready(None)) || self.body.is_end_stream() {
            self.arrival.0.is_whole.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
