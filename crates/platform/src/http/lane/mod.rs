//! The express lane: an answer that does not depend on the moment is kept as it left, head and body, and given again
//! before any router is asked (ADR 107). It stands for exactly what it was given to: an address, with the three headers
//! that such an answer may follow from. Who has cookies, comes from another site or is followed goes the long way; so
//! does whoever may ask no more, or whose token is not good any more. Nothing is given that its service would not say
//! any more. On a connection of HTTP/1 it is given before the request is read by anybody else ([`front`]).

mod front;
mod heads;
mod refusing;
mod told;

use super::{Readiness, counted, stack};
use crate::{
    cache::Holds,
    deadline,
    metrics::{self, Counter, Histogram},
    trace,
};
use axum::{
    body::{Body, to_bytes},
    http::{
        HeaderMap, HeaderValue, Method, Request, StatusCode, Uri,
        header::{ACCEPT_ENCODING, AUTHORIZATION, IF_NONE_MATCH, SET_COOKIE},
    },
    response::Response,
};
use contracts::trace::TRACEPARENT;
use http_body_util::{Either, Full};
use hyper::body::{Body as Bodily, Bytes};
use moka::sync::Cache;
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::time::Instant;

pub(super) use front::{Answered, Front, Watched};
pub use heads::{Heads, text};
pub use refusing::Refusing;
pub use told::Told;

/// Memory for what is kept; of plain bodies the bytes may be the service's own, and count all the same.
const BYTES_MAX: u64 = 16 * 1_024 * 1_024;
/// Larger ones cost more to send than to find.
const BODY_BYTES_MAX: u64 = 128 * 1_024;
/// Compression makes some larger, by little.
const COMPRESSED_BYTES_MAX: usize = 256 * 1_024;
/// Answers hold for two seconds, unless the window's are set to last longer; what holds no more is not kept for long.
const LIFE: Duration = Duration::from_secs(10);
/// A longer address, with its three headers, is not asked for again.
const KEY_BYTES_MAX: usize = 2_048;
/// What a head takes, about.
const HEAD_BYTES: usize = 2_048;

/// Whoever sends one of these is more than somebody who asks for an address.
const LONG_WAY: [&str; 8] = [
    "cookie",
    "order-token",
    "cart-token",
    "origin",
    "content-encoding",
    "transfer-encoding",
    TRACEPARENT,
    deadline::HEADER,
];

/// Proves who asks, counts them, and tells them where they stand.
pub trait Turnstile: Send + Sync {
    /// Counts a read of so many units by whoever the headers prove, and says so in the answer's head. False: nothing
    /// was counted or said, for that takes time, or there is no room, or they prove nobody; whoever asks goes the long
    /// way.
    fn pass(&self, peer: IpAddr, asked: Heads<'_>, units: u32, told: &mut dyn Told) -> bool;
    /// The headers that it says so in.
    fn tells(&self) -> &'static [&'static str];
}

/// What goes with an answer that may be given again, from its service to the socket.
#[derive(Clone)]
struct Lasting {
    holds: Arc<dyn Holds>,
    /// Whether it is for nobody but who brought this token.
    is_bearers: bool,
    /// Of its body, before that is compressed.
    bytes: Option<u64>,
    units: Option<u32>,
    seconds: Option<Histogram>,
}

/// Says of an answer: as long as this holds, anybody who asks for the same address gets the same, by whichever of its
/// `Accept-Encoding` and `If-None-Match`.
pub fn everybodys(response: Response, holds: impl Holds + 'static) -> Response {
    lasting(response, Arc::new(holds), false)
}

/// The same of an answer for whoever brings the same access token, as long as that is good as well.
pub fn bearers(response: Response, holds: impl Holds + 'static) -> Response {
    lasting(response, Arc::new(holds), true)
}

fn lasting(mut response: Response, holds: Arc<dyn Holds>, is_bearers: bool) -> Response {
    let lasting = Lasting {
        holds,
        is_bearers,
        bytes: Bodily::size_hint(response.body()).upper(),
        units: None,
        seconds: None,
    };
    response.extensions_mut().insert(lasting);
    response
}

/// Says what such an answer costs. One of which nobody says so is not kept.
pub fn costs(response: &mut Response, units: u32) {
    if let Some(lasting) = response.extensions_mut().get_mut::<Lasting>() {
        lasting.units = Some(units);
    }
}

/// Says where such an answer is counted.
pub(super) fn counted_in(response: &mut Response, seconds: impl FnOnce() -> Histogram) {
    if let Some(lasting) = response.extensions_mut().get_mut::<Lasting>() {
        lasting.seconds = Some(seconds());
    }
}

/// An answer as it left.
struct Kept {
    status: StatusCode,
    head: HeaderMap,
    /// The same head as HTTP/1 has it, but for what each answer says of itself.
    written: Vec<u8>,
    body: Bytes,
    holds: Arc<dyn Holds>,
    units: u32,
    seconds: Histogram,
}

/// What a socket sends.
pub(super) type Sent = Either<Full<Bytes>, Body>;

/// Where a request goes.
pub(super) enum Way {
    /// It is answered.
    Express(Response<Sent>),
    /// To the router; what comes of it may be kept under this key.
    Long(Option<Key>),
}

/// What an answer follows from.
#[derive(Debug)]
pub(super) struct Key {
    text: String,
    has_token: bool,
}

/// The lane of a door. Clones are the same one.
#[derive(Clone)]
pub struct Lane(Arc<Inner>);

struct Inner {
    kept: Cache<String, Arc<Kept>>,
    turnstile: Box<dyn Turnstile>,
    readiness: Readiness,
    refusing: Option<Refusing>,
    given: Counter,
}

/// A request, as its head tells of it.
struct Asked<'h> {
    method: Method,
    address: &'h str,
    headers: Heads<'h>,
}

impl Lane {
    /// A lane in which nothing is kept yet.
    #[must_use]
    pub fn new(turnstile: impl Turnstile + 'static, readiness: Readiness) -> Self {
        Self::with(turnstile, readiness, None)
    }

    /// A lane of a door which, while that is late, refuses at once whatever it cannot answer.
    #[must_use]
    pub fn refusing(
        turnstile: impl Turnstile + 'static,
        readiness: Readiness,
        refusing: Refusing,
    ) -> Self {
        Self::with(turnstile, readiness, Some(refusing))
    }

    fn with(
        turnstile: impl Turnstile + 'static,
        readiness: Readiness,
        refusing: Option<Refusing>,
    ) -> Self {
        let weigh = |key: &String, kept: &Arc<Kept>| {
            let bytes = kept.body.len().saturating_add(key.len());
            u32::try_from(bytes.saturating_add(HEAD_BYTES)).unwrap_or(u32::MAX)
        };
        let kept = Cache::builder()
            .max_capacity(BYTES_MAX)
            .weigher(weigh)
            .time_to_live(LIFE);
        Self(Arc::new(Inner {
            kept: kept.build(),
            turnstile: Box::new(turnstile),
            readiness,
            refusing,
            given: metrics::lane_given(),
        }))
    }

    /// Answers, if the answer is here, or if the door is late and all of the request has come.
    pub(super) fn look<B: Bodily>(
        &self,
        request: &Request<B>,
        peer: IpAddr,
        is_whole: bool,
    ) -> Way {
        let way = self.recall(request, peer);
        if is_whole && matches!(way, Way::Long(_)) {
            let asked = (request.method(), request.uri(), request.headers().into());
            return self.excuse(asked).map_or(way, Way::Express);
        }
        way
    }

    fn recall<B: Bodily>(&self, request: &Request<B>, peer: IpAddr) -> Way {
        let Self(inner) = self;
        let started = Instant::now();
        let is_bare = request.method() == Method::GET && request.body().is_end_stream();
        let Some(address) = request.uri().path_and_query().filter(|_| is_bare) else {
            return Way::Long(None);
        };
        let asked = Heads::Map(request.headers());
        let kept = match self.find(address.as_str(), asked) {
            Ok(kept) => kept,
            Err(key) => return Way::Long(key),
        };
        let mut head = kept.head.clone();
        if !inner.turnstile.pass(peer, asked, kept.units, &mut head) {
            return Way::Long(None);
        }
        if let Ok(id) = HeaderValue::try_from(stack::request_id(asked)) {
            head.insert(stack::X_REQUEST_ID, id);
        }
        let mut response = Response::new(Either::Left(Full::new(kept.body.clone())));
        *response.status_mut() = kept.status;
        *response.headers_mut() = head;
        self.given(&kept, started);
        Way::Express(response)
    }

    /// Writes the answer to a GET without a body, as HTTP/1 has it, if it is here. False: nothing was written.
    /// Its body has no more bytes than that.
    fn write(
        &self,
        asked: &Asked<'_>,
        (peer, bytes_max): (IpAddr, usize),
        started: Instant,
        out: &mut Vec<u8>,
    ) -> bool {
        let found = self.find(asked.address, asked.headers).ok();
        let Some(kept) = found.filter(|kept| kept.body.len() <= bytes_max) else {
            return false;
        };
        let before = out.len();
        out.extend_from_slice(&kept.written);
        let turnstile = &self.0.turnstile;
        if !turnstile.pass(peer, asked.headers, kept.units, out) {
            out.truncate(before);
            return false;
        }
        told::own(&stack::request_id(asked.headers), out);
        out.extend_from_slice(&kept.body);
        self.given(&kept, started);
        true
    }

    /// Writes the refusal of a request, if the door is late. False: nothing was written.
    fn refuse(&self, asked: &Asked<'_>, started: Instant, out: &mut Vec<u8>) -> bool {
        let path = asked.address.split('?').next().unwrap_or_default();
        let is_plain = path.starts_with('/') && !asked.address.contains('#');
        let late = is_plain.then(|| self.late(path, asked.headers)).flatten();
        let Some(refusing) = late else {
            return false;
        };
        let id = stack::request_id(asked.headers);
        refusing.write((&asked.method, path, &id), out);
        metrics::late_refused();
        counted::refused(refusing.door, &asked.method, started);
        true
    }

    /// The refusal of a request for hyper to write, if the door is late.
    fn excuse(&self, (method, uri, headers): (&Method, &Uri, Heads<'_>)) -> Option<Response<Sent>> {
        let refusing = self.late(uri.path(), headers)?;
        let id = stack::request_id(headers);
        metrics::late_refused();
        counted::refused(refusing.door, method, Instant::now());
        Some(refusing.response(uri.path(), &id))
    }

    /// How whoever asks there is refused, if the door is late and refuses them at once.
    fn late(&self, path: &str, asked: Heads<'_>) -> Option<&Refusing> {
        let refusing = self.0.refusing.as_ref().filter(|_| !self.is_watched())?;
        let is_page = stack::accepts_html(asked) && !path.starts_with("/api/");
        let is_late = !is_page && !stack::is_urgent(path) && refusing.load.is_late();
        is_late.then_some(refusing)
    }

    /// Whether whoever is told of every request hears of them, which is on the long way.
    fn is_watched(&self) -> bool {
        self.0.readiness.is_draining() || trace::is_on() || stack::is_told()
    }

    /// The answer, if it is here and still holds; or else the key under which what comes may be kept.
    fn find(&self, address: &str, asked: Heads<'_>) -> Result<Arc<Kept>, Option<Key>> {
        let Self(inner) = self;
        if self.is_watched() {
            return Err(None);
        }
        let key = key(address, asked).ok_or(None)?;
        match inner.kept.get(&key.text) {
            Some(kept) if kept.holds.holds() => Ok(kept),
            Some(_) => {
                inner.kept.invalidate(&key.text);
                Err(Some(key))
            }
            None => Err(Some(key)),
        }
    }

    fn given(&self, kept: &Kept, started: Instant) {
        kept.holds.given();
        self.0.given.inc();
        kept.seconds.observe(started.elapsed().as_secs_f64());
    }

    /// Keeps an answer that took the long way, if it may be given again.
    pub(super) async fn keep(&self, key: Key, mut response: Response) -> Response {
        let Some(Lasting {
            holds,
            is_bearers,
            bytes: Some(bytes),
            units: Some(units),
            seconds: Some(seconds),
        }) = response.extensions_mut().remove()
        else {
            return response;
        };
        let status = response.status();
        let fits = bytes <= BODY_BYTES_MAX
            && (key.has_token || !is_bearers)
            && matches!(status, StatusCode::OK | StatusCode::NOT_MODIFIED)
            && !response.headers().contains_key(SET_COOKIE);
        if !fits {
            return response;
        }
        let (parts, body) = response.into_parts();
        let body = match to_bytes(body, COMPRESSED_BYTES_MAX).await {
            Ok(body) => body,
            // As it would have ended without us.
            Err(error) => {
                let broken = futures_util::stream::once(async { Err::<Bytes, _>(error) });
                return Response::from_parts(parts, Body::from_stream(broken));
            }
        };
        let mut head = parts.headers.clone();
        for name in self.0.turnstile.tells() {
            head.remove(*name);
        }
        let kept = Kept {
            status,
            // Without content nothing is said of its length (RFC 9110, 8.6).
            written: told::written(
                status,
                &head,
                (status != StatusCode::NOT_MODIFIED).then_some(body.len()),
            ),
            head,
            body: body.clone(),
            holds,
            units,
            seconds,
        };
        self.0.kept.insert(key.text, Arc::new(kept));
        Response::from_parts(parts, Body::from(body))
    }
}

/// What an answer that may be given again follows from; nothing for whoever goes the long way.
fn key(address: &str, asked: Heads<'_>) -> Option<Key> {
    let (mut encoding, mut known, mut token) = (None, None, None);
    let (mut count, mut bytes) = (0_usize, 0_usize);
    for (name, value) in asked.each() {
        count = count.saturating_add(1);
        bytes = bytes.saturating_add(stack::bytes_of(name, value));
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if LONG_WAY.iter().any(|way| is(way)) {
            return None;
        }
        let place = match () {
            () if is(ACCEPT_ENCODING.as_str()) => &mut encoding,
            () if is(IF_NONE_MATCH.as_str()) => &mut known,
            () if is(AUTHORIZATION.as_str()) => &mut token,
            () => continue,
        };
        // One that comes twice is read by nobody here.
        if place.replace(text(value)?).is_some() {
            return None;
        }
    }
    // No value of a header has a line's end in it.
    let parts = [Some(address), encoding, known, token].map(Option::unwrap_or_default);
    let lengths = parts.iter().map(|part| part.len().saturating_add(1));
    let length = lengths.fold(0, usize::saturating_add);
    if stack::is_too_large(count, bytes) || length > KEY_BYTES_MAX {
        return None;
    }
    let mut text = String::with_capacity(length);
    for part in parts {
        text.push_str(part);
        text.push('\n');
    }
    Some(Key {
        text,
        has_token: token.is_some(),
    })
}

#[cfg(test)]
mod tests;
