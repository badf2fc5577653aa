//! Metrics as lines of the log that `CloudWatch` turns into metrics by itself (its embedded metric format): no agent,
//! no scraping. A short list, since each series is paid for: what alarms ask for, under the names and dimensions that
//! `CloudWatch`'s own agent gives the same metrics when it scrapes them.

use contracts::values::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Where they are found.
pub const NAMESPACE: &str = "Souk";
/// The dimension that all have, and its value.
const JOB: (&str, &str) = ("job", "souk");

/// Lines at a time, one for each combination of dimensions; more are left off.
const LINES_MAX: usize = 64;
/// Metrics in one line, by the format.
const METRICS_MAX: usize = 100;
/// Characters in a dimension's value, by the format.
const VALUE_LENGTH_MAX: usize = 1_024;

/// How a metric is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// As it is; of several the largest.
    Now,
    /// By how much it grew since the last time; several are added up.
    Grown,
}

struct Wanted {
    name: &'static str,
    by: &'static [&'static str],
    how: How,
    unit: &'static str,
}

const fn now(name: &'static str, by: &'static [&'static str], unit: &'static str) -> Wanted {
    let how = How::Now;
    Wanted {
        name,
        by,
        how,
        unit,
    }
}

const fn grown(name: &'static str, by: &'static [&'static str], unit: &'static str) -> Wanted {
    let how = How::Grown;
    Wanted {
        name,
        by,
        how,
        unit,
    }
}

/// What is told. The first dimension is the job, always.
const WANTED: [Wanted; 15] = [
    now("souk_ready", &[], "None"),
    now("souk_oversold_units", &[], "Count"),
    now("souk_audit_violations", &[], "Count"),
    now("souk_payments_unreconciled", &[], "Count"),
    now("souk_payments_unreconciled_oldest_seconds", &[], "Seconds"),
    now("souk_bus_dead_letters", &[], "Count"),
    now("souk_signing_key_age_seconds", &[], "Seconds"),
    now("process_resident_memory_bytes", &[], "Bytes"),
    grown("process_cpu_seconds_total", &[], "Seconds"),
    now("souk_outbox_lag_seconds", &["outbox"], "Seconds"),
    now("souk_outbox_pending", &["outbox"], "Count"),
    grown("souk_orders_placed_total", &["result"], "Count"),
    grown("souk_webhook_deliveries_total", &["result"], "Count"),
    grown(
        "souk_http_request_seconds_count",
        &["door", "status"],
        "Count",
    ),
    grown(
        "souk_http_request_seconds_sum",
        &["door", "status"],
        "Seconds",
    ),
];

/// Which of the wanted, and its dimensions' values.
type Series = (usize, Vec<String>);
/// Names of dimensions, and their values.
type Dimensions = (&'static [&'static str], Vec<String>);

/// What was told last, so that growth can be told.
#[derive(Debug, Default)]
pub struct Emf {
    before: BTreeMap<Series, f64>,
}

impl Emf {
    /// The lines for what stands in the text of all metrics at this moment.
    pub fn lines(&mut self, text: &str, at: Timestamp) -> Vec<String> {
        let mut found: BTreeMap<Series, f64> = BTreeMap::new();
        for sample in text.lines().filter_map(Sample::read) {
            if let Some((series, value)) = sample.wanted() {
                add(&mut found, series, value);
            }
        }
        let mut lines: BTreeMap<Dimensions, Vec<(&Wanted, f64)>> = BTreeMap::new();
        for ((place, values), value) in &found {
            let Some(wanted) = WANTED.get(*place) else {
                continue;
            };
            let told = match wanted.how {
                How::Now => *value,
                How::Grown => growth(self.before.get(&(*place, values.clone())), *value),
            };
            let line = lines.entry((wanted.by, values.clone())).or_default();
            line.push((wanted, told));
        }
        self.before = found;
        lines
            .into_iter()
            .take(LINES_MAX)
            .map(|((by, values), metrics)| line(by, &values, &metrics, at))
            .collect()
    }
}

#[expect(
    clippy::float_arithmetic,
    reason = "metrics are numbers of this kind, and nothing is decided by them"
)]
fn add(found: &mut BTreeMap<Series, f64>, series: Series, value: f64) {
    let how = WANTED.get(series.0).map(|wanted| wanted.how);
    let kept = found.entry(series).or_insert(0.0);
    *kept = match how {
        Some(How::Grown) => *kept + value,
        Some(How::Now) | None => kept.max(value),
    };
}

#[expect(
    clippy::float_arithmetic,
    reason = "metrics are numbers of this kind, and nothing is decided by them"
)]
fn growth(before: Option<&f64>, now: f64) -> f64 {
    (now - before.copied().unwrap_or(0.0)).max(0.0)
}

fn line(by: &[&str], values: &[String], metrics: &[(&Wanted, f64)], at: Timestamp) -> String {
    let mut members = Map::new();
    let mut dimensions = vec![JOB.0];
    members.insert(JOB.0.to_owned(), JOB.1.into());
    for (name, value) in by.iter().zip(values) {
        dimensions.push(name);
        members.insert((*name).to_owned(), Value::String(value.clone()));
    }
    let metrics = metrics.get(..METRICS_MAX).unwrap_or(metrics);
    for (wanted, value) in metrics {
        members.insert(wanted.name.to_owned(), json!(value));
    }
    let definitions: Vec<Value> = metrics
        .iter()
        .map(|(wanted, _)| json!({ "Name": wanted.name, "Unit": wanted.unit }))
        .collect();
    let directive = json!({
        "Namespace": NAMESPACE, "Dimensions": [dimensions], "Metrics": definitions,
    });
    members.insert(
        "_aws".to_owned(),
        json!({ "Timestamp": at.as_ms(), "CloudWatchMetrics": [directive] }),
    );
    Value::Object(members).to_string()
}

/// A line of the text of metrics.
struct Sample<'t> {
    name: &'t str,
    labels: Vec<(&'t str, &'t str)>,
    value: f64,
}

impl<'t> Sample<'t> {
    /// None for comments, and for what has a value that is no number.
    fn read(line: &'t str) -> Option<Self> {
        if line.starts_with('#') {
            return None;
        }
        let (series, value) = line.rsplit_once(' ')?;
        let (name, labels) = series.split_once('{').unwrap_or((series, ""));
        let labels = labels.trim_end_matches('}').split("\",");
        let labels = labels.filter_map(|label| label.split_once("=\""));
        let labels = labels.map(|(name, value)| (name, value.trim_end_matches('"')));
        let value: f64 = value.parse().ok()?;
        value.is_finite().then(|| Self {
            name,
            labels: labels.collect(),
            value,
        })
    }

    /// Which of the wanted this belongs to.
    fn wanted(&self) -> Option<(Series, f64)> {
        let place = WANTED.iter().position(|wanted| wanted.name == self.name)?;
        let by = WANTED.get(place)?.by.iter();
        let value = |name: &&str| {
            let found = self.labels.iter().find(|(known, _)| known == name)?;
            let fits = (1..=VALUE_LENGTH_MAX).contains(&found.1.len());
            fits.then(|| found.1.to_owned())
        };
        let values = by.map(value).collect::<Option<Vec<_>>>()?;
        Some(((place, values), self.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# HELP souk_ready 1 while this process takes work.
# TYPE souk_ready gauge
souk_ready 1
souk_outbox_lag_seconds{outbox=\"orders-outbox\"} 3
souk_outbox_lag_seconds{outbox=\"identity-outbox\"} 0
souk_outbox_pending{outbox=\"orders-outbox\"} 7
souk_orders_placed_total{result=\"placed\"} 5
souk_http_request_seconds_sum{door=\"shop\",method=\"GET\",route=\"/a,b\",status=\"2xx\"} 0.25
souk_http_request_seconds_sum{door=\"shop\",method=\"POST\",route=\"/b\",status=\"2xx\"} 0.5
souk_http_request_seconds_count{door=\"shop\",method=\"GET\",route=\"/a,b\",status=\"2xx\"} 2
souk_http_request_seconds_bucket{le=\"0.005\",door=\"shop\",status=\"2xx\"} 2
souk_something_else{id=\"1\"} 9
souk_bus_dead_letters NaN
# EOF
";

    fn told(emf: &mut Emf, text: &str) -> Vec<Value> {
        let lines = emf.lines(text, Timestamp::from_ms(1_565_375_354_953));
        let read = |line: &String| serde_json::from_str(line).unwrap();
        lines.iter().map(read).collect()
    }

    fn find<'l>(lines: &'l [Value], metric: &str, dimension: (&str, &str)) -> &'l Value {
        let fits = |line: &&Value| line[dimension.0] == dimension.1 && !line[metric].is_null();
        lines
            .iter()
            .find(fits)
            .unwrap_or_else(|| panic!("{metric} in {lines:#?}"))
    }

    /// The rules of the format's own schema, and what its text adds to them.
    fn is_by_the_rules(line: &Value) {
        const UNITS: [&str; 4] = ["Seconds", "Bytes", "Count", "None"];
        let aws = line["_aws"].as_object().unwrap();
        assert_eq!(aws.len(), 2, "no further members");
        assert!(aws["Timestamp"].is_i64());
        for directive in aws["CloudWatchMetrics"].as_array().unwrap() {
            let directive = directive.as_object().unwrap();
            assert_eq!(directive.len(), 3, "no further members");
            let namespace = directive["Namespace"].as_str().unwrap();
            assert!((1..=1_024).contains(&namespace.len()));
            let sets = directive["Dimensions"].as_array().unwrap();
            assert!(!sets.is_empty());
            for set in sets {
                let set = set.as_array().unwrap();
                assert!((1..=9).contains(&set.len()), "{set:?}");
                for name in set {
                    let value = line[name.as_str().unwrap()].as_str().unwrap();
                    assert!((1..=1_024).contains(&value.len()), "{name}");
                }
            }
            let metrics = directive["Metrics"].as_array().unwrap();
            assert!((1..=100).contains(&metrics.len()));
            for metric in metrics {
                let name = metric["Name"].as_str().unwrap();
                assert!((1..=1_024).contains(&name.len()));
                assert!(UNITS.contains(&metric["Unit"].as_str().unwrap()));
                assert!(line[name].is_number(), "{name} in {line}");
            }
        }
        assert!(line.to_string().len() < 256 * 1_024);
    }

    #[test]
    fn lines_are_by_the_rules_of_the_format_and_a_dimension_set_has_one() {
        let lines = told(&mut Emf::default(), TEXT);
        lines.iter().for_each(is_by_the_rules);
        assert_eq!(lines.len(), 5, "{lines:#?}");
        assert_eq!(
            find(&lines, "souk_ready", ("job", "souk"))["souk_ready"],
            1.0
        );
        let orders = find(
            &lines,
            "souk_outbox_lag_seconds",
            ("outbox", "orders-outbox"),
        );
        assert_eq!(orders["souk_outbox_lag_seconds"], 3.0);
        assert_eq!(orders["souk_outbox_pending"], 7.0, "one line for both");
        let asked = find(&lines, "souk_http_request_seconds_sum", ("status", "2xx"));
        assert_eq!(asked["souk_http_request_seconds_sum"], 0.75);
        assert!(
            asked.get("route").is_none(),
            "routes are too many to pay for"
        );
        let all = Value::from(lines.clone()).to_string();
        assert!(!all.contains("something_else") && !all.contains("dead_letters"));
    }

    #[test]
    fn what_grows_is_told_by_how_much_it_grew() {
        let mut emf = Emf::default();
        let placed = |lines: &[Value]| {
            let line = find(lines, "souk_orders_placed_total", ("result", "placed"));
            line["souk_orders_placed_total"].as_f64().unwrap()
        };
        assert_eq!(placed(&told(&mut emf, TEXT)), 5.0);
        assert_eq!(placed(&told(&mut emf, TEXT)), 0.0);
        let more = TEXT.replace("\"placed\"} 5", "\"placed\"} 12");
        assert_eq!(placed(&told(&mut emf, &more)), 7.0);
    }

    #[test]
    fn however_many_series_there_are_the_lines_are_few_and_fit() {
        let many: String = (0..500)
            .map(|number| format!("souk_orders_placed_total{{result=\"r{number}\"}} 1\n"))
            .collect();
        let lines = told(&mut Emf::default(), &many);
        assert_eq!(lines.len(), LINES_MAX);
        lines.iter().for_each(is_by_the_rules);
        let long = format!(
            "souk_outbox_pending{{outbox=\"{}\"}} 1\n",
            "x".repeat(1_025)
        );
        let empty = "souk_outbox_pending{outbox=\"\"} 1\n";
        assert!(told(&mut Emf::default(), &(long + empty)).is_empty());
    }
}
