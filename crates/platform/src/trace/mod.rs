//! Spans: what was done for whom, how long it took and how it ended, told to a collector by OTLP where the environment
//! names one (ADR 90). Where it names none nothing is made and nothing is kept, but a caller's trace still goes along.
//! No request and no order ever waits for any of this.

mod export;
mod few;
mod options;
mod otlp;
mod sampling;

pub use export::start;
pub use few::Purpose;
pub use options::Options;

use crate::{
    metrics::{Counter, Family, Registry},
    trail,
};
use contracts::trace::{self, TraceParent};
use export::{Exporter, exporter};
use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue},
};
use std::{borrow::Cow, future::Future, sync::LazyLock};

/// The header of the W3C.
pub const TRACEPARENT: HeaderName = HeaderName::from_static(trace::TRACEPARENT);

/// What a span stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Work of this process.
    Internal,
    /// A request that is answered here.
    Server,
    /// A request that is made from here.
    Client,
    /// An event that is taken here.
    Consumer,
}

/// What a span says of something. There are a few at most, of names that the code has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    Text(Cow<'static, str>),
    Number(i64),
}

impl From<&'static str> for Word {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Word {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u16> for Word {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

/// A span that has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    place: TraceParent,
    parent: Option<[u8; 8]>,
    kind: Kind,
    name: Cow<'static, str>,
    began_ns: u64,
    ended_ns: u64,
    words: Vec<(&'static str, Word)>,
    failed: bool,
}

struct Open {
    exporter: &'static Exporter,
    span: Ended,
}

/// A span that lasts until it is dropped; nothing at all where it is not told of.
pub struct Span {
    open: Option<Box<Open>>,
    place: Option<TraceParent>,
}

/// Whether anybody is told of spans.
#[must_use]
pub fn is_on() -> bool {
    exporter().is_some()
}

impl Span {
    /// The first of a request that is answered here: of a trace that somebody else began, or of a new one.
    #[must_use]
    pub fn first(purpose: Purpose, name: &'static str, parent: Option<TraceParent>) -> Self {
        let Some(exporter) = exporter() else {
            return Self::silent(parent);
        };
        let (trace, sampled) = match parent {
            Some(parent) => (parent.trace, true),
            None => {
                let [high, low] = export::random();
                let trace = (u128::from(high) << 64 | u128::from(low)).to_be_bytes();
                (trace, exporter.begins(purpose))
            }
        };
        // Whoever is asked on the way shall not begin one either: that it is not told of goes along.
        let sampled = sampled && exporter.sampler.takes(parent, trace);
        let told = (Kind::Server, name.into());
        Self::at(exporter, (trace, sampled), parent, told)
    }

    /// None at all, of work that nobody wants to hear of.
    #[must_use]
    pub const fn silent(parent: Option<TraceParent>) -> Self {
        Self {
            open: None,
            place: parent,
        }
    }

    /// One of the work that this runs in, if that has a trace which is told of. Its name is made only then.
    #[must_use]
    pub fn below(kind: Kind, name: impl FnOnce() -> Cow<'static, str>) -> Self {
        Self::of(trail::trace(), kind, name)
    }

    /// The same for work that goes on with what rested since.
    fn of(
        parent: Option<TraceParent>,
        kind: Kind,
        name: impl FnOnce() -> Cow<'static, str>,
    ) -> Self {
        match (exporter(), parent) {
            (Some(exporter), Some(place)) if place.sampled => {
                Self::at(exporter, (place.trace, true), parent, (kind, name()))
            }
            _ => Self::silent(parent),
        }
    }

    fn at(
        exporter: &'static Exporter,
        (trace, sampled): ([u8; 16], bool),
        parent: Option<TraceParent>,
        (kind, name): (Kind, Cow<'static, str>),
    ) -> Self {
        let span = match (sampled, trace, parent) {
            (true, ..) => {
                let [span, _] = export::random();
                span.to_be_bytes()
            }
            // There is none, so nobody looks for it.
            (false, _, Some(parent)) => parent.span,
            (false, [.., a, b, c, d, e, f, g, h], None) => [a, b, c, d, e, f, g, h],
        };
        let place = TraceParent {
            trace,
            span,
            sampled,
        };
        let open = sampled.then(|| {
            let began_ns = exporter.now_ns();
            let span = Ended {
                place,
                parent: parent.map(|parent| parent.span),
                kind,
                name,
                began_ns,
                ended_ns: began_ns,
                words: Vec::new(),
                failed: false,
            };
            Box::new(Open { exporter, span })
        });
        Self {
            open,
            place: Some(place),
        }
    }

    /// Where work belongs that is done within it.
    #[must_use]
    pub const fn place(&self) -> Option<TraceParent> {
        self.place
    }

    /// Whether anything that is said of it is told.
    #[must_use]
    pub(crate) const fn is_told(&self) -> bool {
        self.open.is_some()
    }

    /// Calls it by what is known of it by now.
    pub(crate) fn rename(&mut self, name: impl FnOnce() -> String) {
        if let Some(open) = &mut self.open {
            open.span.name = Cow::Owned(name());
        }
    }

    /// Says something of it, if it is told of.
    pub(crate) fn say<W: Into<Word>>(&mut self, key: &'static str, word: impl FnOnce() -> W) {
        if let Some(open) = &mut self.open {
            open.span.words.push((key, word().into()));
        }
    }

    /// It did not do what it was for.
    pub fn fail(&mut self) {
        if let Some(open) = &mut self.open {
            open.span.failed = true;
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(open) = self.open.take() {
            let Open { exporter, mut span } = *open;
            span.ended_ns = exporter.now_ns().max(span.began_ns);
            exporter.offer(span);
        }
    }
}

/// Where this work belongs, if that is told of: what it leaves behind shall say so.
#[must_use]
pub fn told() -> Option<TraceParent> {
    exporter()?;
    trail::trace().filter(|place| place.sampled)
}

/// Does work in a span of its own, beneath that which it is done for here.
pub fn within<F: Future>(
    kind: Kind,
    name: impl FnOnce() -> Cow<'static, str>,
    work: F,
) -> impl Future<Output = F::Output> {
    let span = Span::below(kind, name);
    // On the heap: it is as large as all that it does, and would be held twice.
    let work = trail::traced(span.place(), Box::pin(work));
    async move {
        let done = work.await;
        drop(span);
        done
    }
}

/// Does fallible work that goes on with what rested: an event that is taken, or told to somebody.
pub fn resumed<T, E>(
    parent: Option<TraceParent>,
    kind: Kind,
    name: impl FnOnce() -> Cow<'static, str>,
    work: impl Future<Output = Result<T, E>>,
) -> impl Future<Output = Result<T, E>> {
    let mut span = Span::of(parent, kind, name);
    let work = trail::traced(span.place(), Box::pin(work));
    async move {
        let outcome = work.await;
        if outcome.is_err() {
            span.fail();
        }
        outcome
    }
}

/// The place that a caller says it asks from: exactly one, or none.
pub(crate) fn said(headers: &HeaderMap) -> Option<TraceParent> {
    let mut said = headers.get_all(TRACEPARENT).iter();
    let one = said.next().filter(|_| said.next().is_none())?;
    one.to_str().ok()?.parse().ok()
}

/// Says to whoever is asked where this work belongs. Without a trace what was said before stays.
pub(crate) fn say_in(headers: &mut HeaderMap, place: Option<TraceParent>) {
    let text = place.map(|place| HeaderValue::from_str(&place.to_string()));
    if let Some(Ok(value)) = text {
        headers.insert(TRACEPARENT, value);
    }
}

type Outcome = [(&'static str, &'static str); 1];

static SPANS: LazyLock<Family<Outcome, Counter>> = LazyLock::new(Family::default);

/// Counts what became of spans.
fn counted(outcome: &'static str, spans: usize) {
    let spans = u64::try_from(spans).unwrap_or(u64::MAX);
    SPANS
        .get_or_create_owned(&[("outcome", outcome)])
        .inc_by(spans);
}

/// Adds what is counted of spans to a registry.
pub fn register_metrics(registry: &mut Registry) {
    registry.register(
        "souk_spans",
        "Spans that ended: sent, refused by the collector, lost without an answer, or dropped for want of room",
        SPANS.clone(),
    );
}
