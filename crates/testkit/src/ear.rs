//! Somebody who listens and says yes: a collector of spans (OTLP over HTTP, as JSON), or whoever a webhook tells. It
//! keeps what came, and reads spans by the protocol alone.

use crate::served::{Reply, serve};
use serde_json::Value;
use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// Longer than anything takes to be told, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came once.
#[derive(Debug, Clone)]
pub struct Said {
    /// Where to.
    pub path: String,
    /// The field `traceparent` of its head.
    pub traceparent: String,
    /// The body, as JSON.
    pub body: Value,
}

/// A span, as the collector was told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The trace it belongs to.
    pub trace: String,
    /// Its own id.
    pub id: String,
    /// The id of the span above it; empty if there is none.
    pub parent: String,
    /// What it is called.
    pub name: String,
    /// As the protocol counts them: 1 internal, 2 server, 3 client, 5 consumer.
    pub kind: i64,
    /// Which process tells of it.
    pub service: String,
}

/// Somebody who listens until the test ends.
#[derive(Debug, Clone)]
pub struct Ear {
    url: String,
    heard: Arc<Mutex<Vec<Said>>>,
}

impl Ear {
    /// On a free port.
    pub fn open() -> Self {
        let heard: Arc<Mutex<Vec<Said>>> = Arc::default();
        let notes = Arc::clone(&heard);
        let url = serve(move |asked| {
            let said = Said {
                path: asked.path.clone(),
                traceparent: asked.field("traceparent").to_owned(),
                body: serde_json::from_str(&asked.body).unwrap_or_default(),
            };
            notes.lock().expect("notes").push(said);
            Reply::Says(200, "content-type: application/json\r\n", "{}".to_owned())
        });
        Self { url, heard }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// All that came.
    pub fn all(&self) -> Vec<Said> {
        self.heard.lock().expect("notes").clone()
    }

    /// Waits until what came has something in it; gives that.
    pub async fn until<T>(&self, found: impl Fn(&[Said]) -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            let all = self.all();
            if let Some(found) = found(&all) {
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "not in {all:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The spans of a trace, of whatever came so far.
    pub fn spans(&self, trace: &str) -> Vec<Span> {
        let all = self.all();
        let spans = all.iter().flat_map(|said| spans_of(&said.body));
        spans.filter(|span| span.trace == trace).collect()
    }

    /// Waits until spans of these names are among those of a trace; gives all of the trace.
    pub async fn trace_with(&self, trace: &str, names: &[&str]) -> Vec<Span> {
        let begun = Instant::now();
        loop {
            let spans = self.spans(trace);
            let lacks = |name: &&&str| spans.iter().all(|span| span.name != **name);
            let lacking: Vec<_> = names.iter().filter(lacks).collect();
            if lacking.is_empty() {
                return spans;
            }
            assert!(begun.elapsed() < PATIENCE, "{lacking:?} not in {spans:#?}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn spans_of(body: &Value) -> Vec<Span> {
    let mut spans = Vec::new();
    for of_process in list(body, "/resourceSpans") {
        let words = list(of_process, "/resource/attributes");
        let service = words.iter().find(|word| word["key"] == "service.name");
        let service = service.map_or("", |word| text(word, "/value/stringValue"));
        for of_scope in list(of_process, "/scopeSpans") {
            spans.extend(list(of_scope, "/spans").iter().map(|span| Span {
                trace: text(span, "/traceId").to_owned(),
                id: text(span, "/spanId").to_owned(),
                parent: text(span, "/parentSpanId").to_owned(),
                name: text(span, "/name").to_owned(),
                kind: span["kind"].as_i64().unwrap_or_default(),
                service: service.to_owned(),
            }));
        }
    }
    spans
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}
