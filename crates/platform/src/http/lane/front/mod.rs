//! The lane on a connection of HTTP/1, in front of hyper: a whole head that asks for what is kept is answered where it
//! was read, and hyper hears nothing of it. Everything else is handed to hyper as it came, one request at a time, and
//! the lane rests until hyper has answered it and sent all of that. Where a request ends is never guessed: of what is
//! not one whole head, with a whole body of the length that it tells, the rest of the connection is hyper's alone.

use super::{Asked, Heads, Lane, Sent, text};
use axum::http::{
    Method,
    header::{CONNECTION, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING, UPGRADE},
};
use httparse::Status;
use hyper::body::{Body, Bytes, Frame, SizeHint};
use std::{
    io::{self, IoSlice},
    mem::{self, MaybeUninit},
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::Instant,
};

/// What is read at a time.
const READ_BYTES: usize = 4_096;
/// With more answers than that to send nothing more is answered, nor anything whose body is larger: what the socket
/// does not take at once waits here, and hyper, which knows nothing of it, goes on counting the time until a head.
const UNSENT_BYTES: usize = 32_768;
/// How often more is read before others on the same thread have their turn.
const TURNS: u32 = 16;
/// Whoever sends more headers is hyper's.
const HEADERS_MAX: usize = 32;
/// hyper counts the time from one head to the next, and closes a connection on which none comes. So it gets one a
/// second, and closes one that is idle no more than that too soon.
const HYPERS_EVERY: Duration = Duration::from_secs(1);

/// A connection, and who has its turn.
pub(in crate::http) struct Front<S> {
    stream: S,
    lane: Option<Lane>,
    peer: IpAddr,
    turn: Turn,
    /// Read, and nobody's yet but for the part that is owed to hyper.
    read: Vec<u8>,
    owed: usize,
    /// Answers of the lane that the socket has not taken yet.
    unsent: Vec<u8>,
    /// Whether hyper has let go of the body of its answer.
    answered: Answered,
    /// When hyper got its last head.
    since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Of whoever the next request is for.
    Anybodys,
    /// hyper answers a request, and has all of it.
    Hypers,
    /// hyper's until the connection ends.
    HypersAlone,
}

/// What the front and the service behind hyper tell each other of a request. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(in crate::http) struct Answered(Arc<Exchange>);

#[derive(Debug, Default)]
struct Exchange {
    /// The front: all of the request has been handed to hyper.
    is_whole: AtomicBool,
    /// The service: its answer's body has been let go of.
    is_gone: AtomicBool,
}

/// A body that says when it is let go of: read to its end, or given up.
pub(in crate::http) struct Watched {
    body: Sent,
    _gone: Gone,
}

struct Gone(Answered);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.0.is_gone.store(true, Relaxed);
    }
}

impl Answered {
    /// Whether the body of the request at hand has come whole, for certain.
    pub(in crate::http) fn is_whole(&self) -> bool {
        self.0.is_whole.load(Relaxed)
    }

    pub(in crate::http) fn tells(&self, body: Sent) -> Watched {
        Watched {
            body,
            _gone: Gone(self.clone()),
        }
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = <Sent as Body>::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl<S> Front<S> {
    /// In front of a stream from there; without a lane it is not there at all.
    pub(in crate::http) fn new(stream: S, lane: Option<Lane>, peer: IpAddr) -> Self {
        let turn = match &lane {
            Some(_) => Turn::Anybodys,
            None => Turn::HypersAlone,
        };
        Self {
            stream,
            lane,
            peer,
            turn,
            read: Vec::new(),
            owed: 0,
            unsent: Vec::new(),
            answered: Answered::default(),
            since: None,
        }
    }

    /// What the bodies of hyper's answers are to tell.
    pub(in crate::http) fn answered(&self) -> Answered {
        self.answered.clone()
    }

    /// Answers what it can of these bytes, in turn, and says whose the rest is.
    fn serve(&mut self, bytes: &[u8]) {
        let now = Instant::now();
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.unsent.len() > UNSENT_BYTES {
                return self.read.extend_from_slice(rest);
            }
            let mut places = [const { MaybeUninit::uninit() }; HEADERS_MAX];
            let mut head = httparse::Request::new(&mut []);
            let framed = match head.parse_with_uninit_headers(rest, &mut places) {
                Ok(Status::Complete(length)) => Framed::of(&head, length),
                Ok(Status::Partial) | Err(_) => None,
            };
            let Some(framed) = framed.filter(|framed| framed.length <= rest.len()) else {
                return self.hand(rest, Turn::HypersAlone);
            };
            if !self.answer(&framed, now) {
                let turn = if framed.length == rest.len() {
                    Turn::Hypers
                } else {
                    Turn::HypersAlone
                };
                self.since = Some(now);
                return self.hand(rest, turn);
            }
            rest = rest.get(framed.length..).unwrap_or_default();
        }
    }

    /// Answers a request, if that can be done here.
    fn answer(&mut self, framed: &Framed<'_>, now: Instant) -> bool {
        let (Some(lane), Some(since), true) = (&self.lane, self.since, framed.stays) else {
            return false;
        };
        let (asked, out) = (&framed.asked, &mut self.unsent);
        if now.saturating_duration_since(since) >= HYPERS_EVERY {
            return false;
        }
        let is_simple = framed.is_bare && asked.method == Method::GET;
        is_simple && lane.write(asked, (self.peer, UNSENT_BYTES), now, out)
            || lane.refuse(asked, now, out)
    }

    fn hand(&mut self, bytes: &[u8], turn: Turn) {
        self.read.extend_from_slice(bytes);
        self.owed = self.read.len();
        self.turn = turn;
        let Exchange { is_whole, is_gone } = &*self.answered.0;
        is_whole.store(turn == Turn::Hypers, Relaxed);
        is_gone.store(false, Relaxed);
    }

    /// Gives hyper what it is owed; false: nothing.
    fn pay(&mut self, buffer: &mut ReadBuf<'_>) -> bool {
        let count = self.owed.min(buffer.remaining());
        buffer.put_slice(self.read.get(..count).unwrap_or_default());
        self.read.drain(..count);
        self.owed = self.owed.saturating_sub(count);
        if self.read.is_empty() {
            self.read = Vec::new();
        }
        count > 0
    }
}

/// A request that tells where it ends.
struct Framed<'h> {
    asked: Asked<'h>,
    /// Of the head and its body.
    length: usize,
    /// Whether there is no body.
    is_bare: bool,
    /// Whether the connection stays for certain.
    stays: bool,
}

impl<'h> Framed<'h> {
    /// Nothing, if it does not tell where it ends, or what follows may not be HTTP.
    fn of(head: &'h httparse::Request<'_, '_>, length: usize) -> Option<Self> {
        let headers = Heads::Read(head.headers);
        let unclear = [TRANSFER_ENCODING, UPGRADE, EXPECT];
        let method = Method::from_bytes(head.method?.as_bytes()).ok()?;
        if method == Method::CONNECT || unclear.iter().any(|name| headers.has(name)) {
            return None;
        }
        let mut lengths = headers.all(&CONTENT_LENGTH);
        let told = lengths.next();
        let body = match (told, lengths.next()) {
            (None, _) => 0,
            // Digits alone: others read a sign, or several lengths, each in their own way.
            (Some(told), None) if told.iter().all(u8::is_ascii_digit) => {
                text(told)?.parse::<u32>().ok()?.try_into().ok()?
            }
            (Some(_), _) => return None,
        };
        Some(Self {
            length: length.checked_add(body)?,
            is_bare: told.is_none(),
            stays: head.version == Some(1) && !headers.has(&CONNECTION),
            asked: Asked {
                method,
                address: head.path?,
                headers,
            },
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Front<S> {
    /// Sends what the lane has answered.
    fn send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unsent.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut sent = 0_usize;
        let stream = &mut self.stream;
        let done = loop {
            let rest = self.unsent.get(sent..).unwrap_or_default();
            if rest.is_empty() {
                break Pin::new(stream).poll_flush(context);
            }
            match Pin::new(&mut *stream).poll_write(context, rest) {
                Poll::Ready(Ok(0)) => break Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Poll::Ready(Ok(count)) => sent = sent.saturating_add(count),
                Poll::Ready(Err(error)) => break Poll::Ready(Err(error)),
                Poll::Pending => break Poll::Pending,
            }
        };
        self.unsent.drain(..sent);
        if self.unsent.is_empty() && self.unsent.capacity() > READ_BYTES {
            // Thousands of connections wait at a time.
            self.unsent = Vec::new();
        }
        done
    }

    /// Reads what is there while it is anybody's turn; false: the connection has ended.
    fn hear(&mut self, context: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut place = [const { MaybeUninit::uninit() }; READ_BYTES];
        let mut fresh = ReadBuf::uninit(&mut place);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut fresh))?;
        if self.turn == Turn::Hypers {
            // The next request came before the answer has left; or the caller has gone, which hyper wants to know.
            self.read.extend_from_slice(fresh.filled());
        } else {
            self.serve(fresh.filled());
        }
        Poll::Ready(Ok(!fresh.filled().is_empty()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Front<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        for _ in 0..TURNS {
            ready!(this.send(context))?;
            if this.pay(buffer) {
                return Poll::Ready(Ok(()));
            }
            match this.turn {
                Turn::HypersAlone => return Pin::new(&mut this.stream).poll_read(context, buffer),
                // It is woken when its answer has left: see `poll_flush`.
                Turn::Hypers if !this.read.is_empty() => return Poll::Pending,
                Turn::Anybodys if !this.read.is_empty() => {
                    let bytes = mem::take(&mut this.read);
                    this.serve(&bytes);
                }
                Turn::Hypers | Turn::Anybodys => {
                    if !ready!(this.hear(context))? {
                        return Poll::Ready(Ok(()));
                    }
                }
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Front<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.send(context))?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    /// hyper asks for this when it has written all that it has.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.send(context))?;
        ready!(Pin::new(&mut self.stream).poll_flush(context))?;
        let is_over = self.turn == Turn::Hypers && self.owed == 0;
        if is_over && self.answered.0.is_gone.swap(false, Relaxed) {
            self.turn = Turn::Anybodys;
            if !self.read.is_empty() {
                context.waker().wake_by_ref();
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.send(context))?;
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.send(context))?;
        Pin::new(&mut self.stream).poll_write_vectored(context, pieces)
    }
}

#[cfg(test)]
mod tests;
