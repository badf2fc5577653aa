//! Spans as OTLP has them in JSON (opentelemetry-proto, trace/v1): ids as small hexadecimal digits, times as texts of
//! nanoseconds.

use super::{Ended, Kind, Word};
use serde_json::{Value, json};

/// What `code` means for a span that failed; otherwise the status is left unset.
const STATUS_ERROR: u8 = 2;

/// A request to export these spans, of a process of which this is said.
pub(super) fn request(resource: &[(String, String)], spans: &[Ended]) -> Value {
    let resource: Vec<Value> = resource
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } }))
        .collect();
    let spans: Vec<Value> = spans.iter().map(span).collect();
    json!({ "resourceSpans": [{
        "resource": { "attributes": resource },
        "scopeSpans": [{
            "scope": { "name": "souk", "version": env!("CARGO_PKG_VERSION") },
            "spans": spans,
        }],
    }]})
}

fn span(ended: &Ended) -> Value {
    let words: Vec<Value> = ended
        .words
        .iter()
        .map(|(key, word)| json!({ "key": key, "value": value(word) }))
        .collect();
    let parent = ended.parent.map(|span| {
        let mut place = ended.place;
        place.span = span;
        place.span_id()
    });
    json!({
        "traceId": ended.place.trace_id(),
        "spanId": ended.place.span_id(),
        "parentSpanId": parent.unwrap_or_default(),
        "name": ended.name,
        "kind": number(ended.kind),
        "startTimeUnixNano": ended.began_ns.to_string(),
        "endTimeUnixNano": ended.ended_ns.to_string(),
        "attributes": words,
        "status": if ended.failed { json!({ "code": STATUS_ERROR }) } else { json!({}) },
    })
}

const fn number(kind: Kind) -> u8 {
    match kind {
        Kind::Internal => 1,
        Kind::Server => 2,
        Kind::Client => 3,
        Kind::Consumer => 5,
    }
}

fn value(word: &Word) -> Value {
    match word {
        Word::Text(text) => json!({ "stringValue": text }),
        Word::Number(number) => json!({ "intValue": number.to_string() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_written_as_the_protocol_has_it() {
        let ended = Ended {
            place: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
                .parse()
                .unwrap(),
            parent: Some([1; 8]),
            kind: Kind::Server,
            name: "GET /".into(),
            began_ns: 1_500_000_000_000_000_001,
            ended_ns: 1_500_000_000_000_000_002,
            words: vec![
                ("http.route", "/".into()),
                ("http.response.status_code", 500_u16.into()),
            ],
            failed: true,
        };
        let resource = [("service.name".to_owned(), "souk".to_owned())];
        let sent = request(&resource, &[ended]);
        let span = &sent["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
        let expected = json!({
            "traceId": "4bf92f3577b34da6a3ce929d0e0e4736",
            "spanId": "00f067aa0ba902b7",
            "parentSpanId": "0101010101010101",
            "name": "GET /",
            "kind": 2,
            "startTimeUnixNano": "1500000000000000001",
            "endTimeUnixNano": "1500000000000000002",
            "attributes": [
                { "key": "http.route", "value": { "stringValue": "/" } },
                { "key": "http.response.status_code", "value": { "intValue": "500" } },
            ],
            "status": { "code": 2 },
        });
        assert_eq!(span, &expected);
        let of_process = &sent["resourceSpans"][0]["resource"]["attributes"][0];
        assert_eq!(of_process["value"]["stringValue"], "souk");
    }
}
