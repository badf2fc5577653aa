//! Bodies on their way through: a small request body is kept for another try, a large one streams; an answer's
//! body counts as work until its end, and may not pause for ever.

use super::instance::Occupied;
use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderMap, header::CONTENT_LENGTH},
};
use contracts::problem::{Code, Problem};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use hyper::body::{Frame, Incoming, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::time::{Instant, Sleep};

/// A request's body.
#[derive(Debug)]
pub(super) enum Sent {
    /// Whole, and to be had as often as it is needed.
    Kept(Bytes),
    /// To be had once.
    Once(Option<Body>),
}

impl Sent {
    /// Reads a body as far as it can be kept.
    ///
    /// # Errors
    /// When it is larger than is passed on, or does not come.
    pub(super) async fn read(
        headers: &HeaderMap,
        body: Body,
        kept_max: usize,
        passed_max: usize,
    ) -> Result<Self, Problem> {
        let length = headers.get(CONTENT_LENGTH).and_then(|length| {
            let length = length.to_str().ok()?;
            length.parse::<usize>().ok()
        });
        if length.is_some_and(|length| length > passed_max) {
            return Err(Problem::new(Code::BodyTooLarge));
        }
        if body.is_end_stream() {
            return Ok(Self::Kept(Bytes::new()));
        }
        if length.is_some_and(|length| length > kept_max) {
            return Ok(Self::Once(Some(body)));
        }
        let mut rest = body.into_data_stream();
        let mut kept: Vec<Bytes> = Vec::new();
        let mut size = 0_usize;
        while let Some(chunk) = rest.next().await {
            let broken = |_| Problem::new(Code::Malformed).detail("the body did not come whole");
            let chunk = chunk.map_err(broken)?;
            size = size.saturating_add(chunk.len());
            kept.push(chunk);
            if size > kept_max {
                let known = stream::iter(kept.into_iter().map(Ok));
                return Ok(Self::Once(Some(bounded(known.chain(rest), passed_max))));
            }
        }
        Ok(Self::Kept(kept.concat().into()))
    }

    /// The body for one try; none, if it was had already.
    pub(super) fn take(&mut self) -> Option<Body> {
        match self {
            Self::Kept(bytes) => Some(Body::from(bytes.clone())),
            Self::Once(body) => body.take(),
        }
    }

    pub(super) const fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }
}

/// A body of unknown length that breaks off when it becomes larger than is passed on.
fn bounded(
    chunks: impl futures_util::Stream<Item = Result<Bytes, axum::Error>> + Send + 'static,
    most: usize,
) -> Body {
    let counted = chunks.scan(0_usize, move |size, chunk| {
        let counted = chunk.and_then(|chunk| {
            *size = size.saturating_add(chunk.len());
            if *size > most {
                return Err(axum::Error::new("the body is larger than is passed on"));
            }
            Ok(chunk)
        });
        std::future::ready(Some(counted))
    });
    Body::from_stream(counted.into_stream())
}

/// An answer's body: as long as it flows, its instance is occupied.
pub(super) struct Flowing {
    body: Incoming,
    occupied: Option<Occupied>,
    longest_pause: Duration,
    pause: Pin<Box<Sleep>>,
}

impl Flowing {
    pub(super) fn new(body: Incoming, occupied: Occupied, longest_pause: Duration) -> Self {
        Self {
            // Without a body the work is done.
            occupied: (!body.is_end_stream()).then_some(occupied),
            body,
            longest_pause,
            pause: Box::pin(tokio::time::sleep(longest_pause)),
        }
    }
}

impl HttpBody for Flowing {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        match polled {
            Poll::Ready(Some(Ok(frame))) => {
                let until = Instant::now().checked_add(self.longest_pause);
                if let Some(until) = until {
                    self.pause.as_mut().reset(until);
                }
                if self.body.is_end_stream() {
                    self.occupied = None;
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                if let Some(occupied) = self.occupied.take() {
                    let address = occupied.instance().address;
                    tracing::warn!(instance.address = %address, %error, "an answer broke off");
                }
                Poll::Ready(Some(Err(axum::Error::new(error))))
            }
            Poll::Ready(None) => {
                self.occupied = None;
                Poll::Ready(None)
            }
            // Whoever stops in the middle of an answer will not be waited for.
            Poll::Pending if self.pause.poll_unpin(context).is_ready() => {
                self.occupied = None;
                let error = axum::Error::new("the answer stopped in its middle");
                Poll::Ready(Some(Err(error)))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
