//! Which trace something belongs to, as the W3C's Trace Context writes it down (level 1): the header `traceparent`. It
//! goes along with requests, events and rows; nothing is ever decided by it but whether a span is told of.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{borrow::Cow, fmt, str::FromStr};

/// The header, and the name under which it rests beside what a row holds.
pub const TRACEPARENT: &str = "traceparent";

/// The length of version 00.
const LENGTH: usize = 55;

/// A place in a trace: whoever works here adds beneath it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct TraceParent {
    /// The whole trace.
    pub trace: [u8; 16],
    /// The span that this comes from.
    pub span: [u8; 8],
    /// Whether somebody before has decided that the trace is told of.
    pub sampled: bool,
}

/// A text that is no such place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no traceparent")]
pub struct TraceParentError;

impl TraceParent {
    /// The trace's id, as logs and spans show it.
    #[must_use]
    pub fn trace_id(&self) -> String {
        hex(&self.trace)
    }

    /// The span's id.
    #[must_use]
    pub fn span_id(&self) -> String {
        hex(&self.span)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = u8::from(self.sampled);
        write!(f, "00-{}-{}-{flags:02x}", self.trace_id(), self.span_id())
    }
}

impl FromStr for TraceParent {
    type Err = TraceParentError;

    /// What a later version adds at the end is passed over, as the standard asks.
    fn from_str(text: &str) -> Result<Self, TraceParentError> {
        let mut parts = text.splitn(4, '-');
        let mut next = || parts.next().ok_or(TraceParentError);
        let (version, trace, span, rest) = (next()?, next()?, next()?, next()?);
        let [version] = bytes::<1>(version)?;
        let (flags, more) = rest.split_once('-').unwrap_or((rest, ""));
        let [flags] = bytes::<1>(flags)?;
        let (trace, span) = (bytes::<16>(trace)?, bytes::<8>(span)?);
        let is_whole = match version {
            0 => text.len() == LENGTH && more.is_empty(),
            0xff => false,
            _ => true,
        };
        if !is_whole || trace == [0; 16] || span == [0; 8] {
            return Err(TraceParentError);
        }
        Ok(Self {
            trace,
            span,
            sampled: flags & 1 == 1,
        })
    }
}

impl TryFrom<Cow<'_, str>> for TraceParent {
    type Error = TraceParentError;
    fn try_from(text: Cow<'_, str>) -> Result<Self, TraceParentError> {
        text.parse()
    }
}

impl From<TraceParent> for String {
    fn from(place: TraceParent) -> Self {
        place.to_string()
    }
}

/// Lays a place beside what a row holds, under a name that no event has.
#[must_use]
pub fn beside(mut data: Value, place: Option<TraceParent>) -> Value {
    if let (Value::Object(fields), Some(place)) = (&mut data, place) {
        fields.insert(TRACEPARENT.to_owned(), Value::String(place.to_string()));
    }
    data
}

/// Takes it away again; what cannot be read is gone all the same.
pub fn taken_from(data: &mut Value) -> Option<TraceParent> {
    let found = data.as_object_mut()?.remove(TRACEPARENT)?;
    found.as_str()?.parse().ok()
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        // A text takes whatever is written to it.
        let _: fmt::Result = write!(text, "{byte:02x}");
    }
    text
}

/// Small digits only, as the standard has them.
fn bytes<const N: usize>(text: &str) -> Result<[u8; N], TraceParentError> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Ok(byte.wrapping_sub(b'0')),
        b'a'..=b'f' => Ok(byte.wrapping_sub(b'a').wrapping_add(10)),
        _ => Err(TraceParentError),
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return Err(TraceParentError);
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ONE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const IDS: &str = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let place: TraceParent = ONE.parse().unwrap();
        assert!(place.sampled);
        assert_eq!(place.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(place.span_id(), "00f067aa0ba902b7");
        assert_eq!(place.to_string(), ONE);
        let later = format!("cc-{IDS}-01-what-comes-later");
        assert_eq!(later.parse(), Ok(place));
        // Of the flags only the first is known.
        let odd: TraceParent = format!("00-{IDS}-fe").parse().unwrap();
        assert!(!odd.sampled && odd.to_string().ends_with("-00"));
    }

    #[test]
    fn what_the_standard_refuses_is_no_place() {
        let zeros = "0".repeat(32);
        for text in [
            "",
            "rubbish",
            "00-1-2-01",
            &format!("00-{IDS}-0"),
            &format!("{ONE}-more"),
            &format!("ff-{IDS}-01"),
            &format!("00-{zeros}-00f067aa0ba902b7-01"),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            &ONE.to_uppercase(),
            "00-4bf92f3577b34da6a3ce929d0e0e473é-00f067aa0ba902b7-01",
        ] {
            assert_eq!(text.parse::<TraceParent>(), Err(TraceParentError), "{text}");
        }
    }

    #[test]
    fn what_rests_beside_a_row_is_taken_away_again() {
        let place: TraceParent = ONE.parse().unwrap();
        let mut resting = beside(json!({ "id": 7 }), Some(place));
        assert_eq!(resting["traceparent"], ONE);
        assert_eq!(taken_from(&mut resting), Some(place));
        assert_eq!(resting, json!({ "id": 7 }));
        assert_eq!(taken_from(&mut resting), None);
        assert_eq!(beside(json!(7), Some(place)), json!(7));
        let mut odd = json!({ "id": 7, "traceparent": 3 });
        assert_eq!((taken_from(&mut odd), odd), (None, json!({ "id": 7 })));
    }
}
