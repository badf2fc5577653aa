//! How metrics are written for whoever scrapes: as `OpenMetrics` if they ask for it, otherwise in the older text,
//! which every tool reads. The names of series and their values are the same in both.

use crate::metrics::{self, Registry};
use std::fmt;

/// The older text.
const CLASSIC: &str = "text/plain; version=0.0.4; charset=utf-8";
/// What whoever can read the newer one says in `Accept`.
const OPEN: &str = "application/openmetrics-text";

/// What is answered to a scrape with this `Accept`, and what kind of text that is.
///
/// # Errors
/// When a metric cannot be written.
pub fn answer(
    registry: &Registry,
    accept: Option<&str>,
) -> Result<(&'static str, String), fmt::Error> {
    let text = metrics::text(registry)?;
    if accept.is_some_and(|accept| accept.contains(OPEN)) {
        return Ok((metrics::CONTENT_TYPE, text));
    }
    Ok((CLASSIC, classic(&text)))
}

/// In the older text a name is that of its samples, with the ending, and there are fewer kinds.
fn classic(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut help = None;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            help = rest.split_once(' ').map(|(_, words)| words);
        } else if let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        {
            let (ending, kind) = match kind {
                "counter" => ("_total", kind),
                "info" => ("_info", "gauge"),
                "unknown" => ("", "untyped"),
                _ => ("", kind),
            };
            if let Some(words) = help.take() {
                push(&mut out, &["# HELP ", name, ending, " ", words, "\n"]);
            }
            push(&mut out, &["# TYPE ", name, ending, " ", kind, "\n"]);
        } else if !line.starts_with("# ") {
            push(&mut out, &[line, "\n"]);
        }
    }
    out
}

fn push(out: &mut String, words: &[&str]) {
    for word in words {
        out.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::metrics::{counter::Counter, gauge::Gauge, info::Info};

    fn registry() -> Registry {
        let (mut registry, sold) = (Registry::default(), Counter::<u64>::default());
        sold.inc_by(3);
        registry.register("sold", "What was sold", sold);
        registry.register("open", "Who is here", Gauge::<i64>::default());
        registry.register("build", "What runs", Info::new([("version", "1")]));
        registry
    }

    #[test]
    fn whoever_asks_for_the_newer_text_gets_it() {
        let accept = Some("application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
        let (kind, text) = answer(&registry(), accept).unwrap();
        assert_eq!(kind, metrics::CONTENT_TYPE);
        assert!(
            text.contains("# TYPE sold counter\nsold_total 3\n"),
            "{text}"
        );
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn all_others_get_the_older_one_in_which_names_are_those_of_the_samples() {
        for accept in [None, Some("*/*"), Some("text/html")] {
            let (kind, text) = answer(&registry(), accept).unwrap();
            assert_eq!(kind, CLASSIC);
            let expected = "\
# HELP sold_total What was sold.
# TYPE sold_total counter
sold_total 3
# HELP open Who is here.
# TYPE open gauge
open 0
# HELP build_info What runs.
# TYPE build_info gauge
build_info{version=\"1\"} 1
";
            assert_eq!(text, expected);
        }
    }
}
