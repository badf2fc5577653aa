//! A line of the log as it would be, and at its end where in a trace it belongs, under the names that OpenTelemetry has
//! for other formats than its own: `trace_id` and `span_id`.

use crate::trail;
use std::fmt;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields, format,
        format::{Format, Full, Json, Writer},
    },
    registry::LookupSpan,
};

/// A format that says the trace as well.
pub(super) enum Line {
    Text(Format<Full>),
    Json(Format<Json>),
}

impl Line {
    /// For people.
    pub(super) fn text(ansi: bool) -> Self {
        Self::Text(format().with_ansi(ansi))
    }

    /// One JSON object a line.
    pub(super) fn json() -> Self {
        Self::Json(format().json().flatten_event(true))
    }
}

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let Some(place) = trail::trace() else {
            return match self {
                Self::Text(format) => format.format_event(context, writer, event),
                Self::Json(format) => format.format_event(context, writer, event),
            };
        };
        let (trace, span) = (place.trace_id(), place.span_id());
        let mut line = String::new();
        let buffer = Writer::new(&mut line);
        match self {
            Self::Text(format) => {
                format.format_event(context, buffer, event)?;
                let line = line.trim_end_matches('\n');
                writeln!(writer, "{line} trace_id={trace} span_id={span}")
            }
            Self::Json(format) => {
                format.format_event(context, buffer, event)?;
                let line = line.trim_end_matches('\n');
                let open = line.strip_suffix('}').unwrap_or(line);
                writeln!(
                    writer,
                    "{open},\"trace_id\":\"{trace}\",\"span_id\":\"{span}\"}}"
                )
            }
        }
    }
}
