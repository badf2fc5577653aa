//! Where spans go and how many: the standard's own variables, `OTEL_*`, as other programs read them too. What cannot be
//! understood is said in the log and passed over, as the standard asks, but for an address: whoever names a collector
//! wants to hear from the shop.

use super::sampling::Sampler;
use crate::outward::Address;
use hyper::header::{HeaderName, HeaderValue};
use std::time::Duration;
use url::form_urlencoded;

/// The path of traces below an endpoint that is meant for all signals.
const PATH: &str = "v1/traces";

/// More of each is kept by nobody.
const QUEUE_MAX: usize = 65_536;
const BATCH_MAX: usize = 4_096;
const WORDS_MAX: usize = 64;

/// Where spans go, and how many.
#[derive(Clone)]
pub struct Options {
    pub(super) address: Address,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// More authorities that may have signed for the collector: a file.
    pub(super) roots: String,
    pub(super) timeout: Duration,
    /// What is said of this process: `service.name` and more.
    pub(super) resource: Vec<(String, String)>,
    /// The one that somebody chose.
    pub(super) sampler: Option<Sampler>,
    pub(super) queue_max: usize,
    pub(super) batch_max: usize,
    pub(super) pause: Duration,
}

impl Options {
    /// What the environment asks for; nothing, unless it names a collector.
    ///
    /// # Errors
    /// One line that names the variable, when the collector's address cannot be used.
    pub fn of(environment: impl Fn(&str) -> Option<String>) -> Result<Option<Self>, String> {
        let read = |name: &str| environment(name).filter(|value| !value.trim().is_empty());
        let is_off = |name, off| read(name).is_some_and(|value| value.eq_ignore_ascii_case(off));
        if is_off("OTEL_SDK_DISABLED", "true") || is_off("OTEL_TRACES_EXPORTER", "none") {
            return Ok(None);
        }
        let Some(address) = address(&read)? else {
            return Ok(None);
        };
        let of_traces = |what: &str| {
            read(&format!("OTEL_EXPORTER_OTLP_TRACES_{what}"))
                .or_else(|| read(&format!("OTEL_EXPORTER_OTLP_{what}")))
        };
        if let Some(protocol) = of_traces("PROTOCOL").filter(|one| one != "http/json") {
            tracing::warn!(
                protocol,
                "OTEL_EXPORTER_OTLP_PROTOCOL: spans go by http/json"
            );
        }
        let number = |name: &str, otherwise: usize, most: usize| {
            let said = read(name)?.parse().ok();
            Some(said.map_or(otherwise, |one: usize| one.clamp(1, most)))
        };
        let number = |name, otherwise, most| number(name, otherwise, most).unwrap_or(otherwise);
        let milliseconds = |name, otherwise| {
            let ms = number(name, otherwise, 60_000);
            Duration::from_millis(u64::try_from(ms).unwrap_or(60_000))
        };
        let timeout = if read("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT").is_some() {
            milliseconds("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", 10_000)
        } else {
            milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", 10_000)
        };
        Ok(Some(Self {
            address,
            headers: headers(of_traces("HEADERS").as_deref().unwrap_or_default()),
            roots: of_traces("CERTIFICATE").unwrap_or_default(),
            timeout,
            resource: resource(&read),
            sampler: sampler(&read),
            queue_max: number("OTEL_BSP_MAX_QUEUE_SIZE", 2_048, QUEUE_MAX),
            batch_max: number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512, BATCH_MAX),
            pause: milliseconds("OTEL_BSP_SCHEDULE_DELAY", 5_000),
        }))
    }
}

fn address(read: &impl Fn(&str) -> Option<String>) -> Result<Option<Address>, String> {
    let (name, text) = match read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") {
        Some(whole) => ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", whole),
        None => match read("OTEL_EXPORTER_OTLP_ENDPOINT") {
            Some(base) => {
                let text = format!("{}/{PATH}", base.trim().trim_end_matches('/'));
                ("OTEL_EXPORTER_OTLP_ENDPOINT", text)
            }
            None => return Ok(None),
        },
    };
    let address = Address::parse(text.trim());
    address
        .map(Some)
        .map_err(|error| format!("{name}: {error}"))
}

fn sampler(read: &impl Fn(&str) -> Option<String>) -> Option<Sampler> {
    let name = read("OTEL_TRACES_SAMPLER")?;
    let argument = read("OTEL_TRACES_SAMPLER_ARG");
    let named = Sampler::named(name.trim(), argument.as_deref());
    if named.is_none() {
        tracing::warn!(
            sampler = name,
            "OTEL_TRACES_SAMPLER is not known here: as if nobody had said anything"
        );
    }
    named
}

/// `service.name` is the variable of its own, or among the others, or ours.
fn resource(read: &impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    let named = read("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
    let mut resource = pairs(&named);
    if let Some(name) = read("OTEL_SERVICE_NAME") {
        resource.retain(|(key, _)| key != "service.name");
        resource.push(("service.name".to_owned(), name));
    }
    for (key, value) in [
        ("service.name", "souk".to_owned()),
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", uuid::Uuid::now_v7().to_string()),
    ] {
        if resource.iter().all(|(known, _)| known != key) {
            resource.push((key.to_owned(), value));
        }
    }
    resource
}

fn headers(text: &str) -> Vec<(HeaderName, HeaderValue)> {
    let header = |(key, value): (String, String)| {
        let mut value = HeaderValue::from_str(&value).ok()?;
        value.set_sensitive(true);
        Some((key.parse().ok()?, value))
    };
    pairs(text).into_iter().filter_map(header).collect()
}

/// `key=value,key=value`, values percent-encoded where they must be (W3C Baggage, without its properties).
fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |part: &str| {
        let (key, value) = part.split_once('=')?;
        // The decoder of forms would take a plus for a space; here it is one.
        let value = value.trim().replace('+', "%2B").replace('&', "%26");
        let form = format!("v={value}");
        let (_, value) = form_urlencoded::parse(form.as_bytes()).next()?;
        let key = key.trim();
        (!key.is_empty()).then(|| (key.to_owned(), value.into_owned()))
    };
    text.split(',').filter_map(pair).take(WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> Result<Option<Options>, String> {
        let pairs: Vec<(String, String)> = pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        Options::of(|name| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        })
    }

    fn with(more: (&str, &str)) -> Options {
        let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/");
        of(&[endpoint, more]).unwrap().unwrap()
    }

    #[test]
    fn nothing_is_told_unless_somebody_is_named_who_hears() {
        assert!(of(&[]).unwrap().is_none());
        assert!(of(&[("OTEL_SERVICE_NAME", "shop")]).unwrap().is_none());
        assert!(
            of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")])
                .unwrap()
                .is_none()
        );
        for off in [
            ("OTEL_SDK_DISABLED", "true"),
            ("OTEL_TRACES_EXPORTER", "none"),
        ] {
            let endpoint = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318");
            assert!(of(&[endpoint, off]).unwrap().is_none(), "{off:?}");
        }
        let wrong = of(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "collector")]);
        assert!(
            wrong
                .err()
                .unwrap()
                .starts_with("OTEL_EXPORTER_OTLP_ENDPOINT: ")
        );
    }

    #[test]
    fn an_endpoint_of_all_signals_gets_the_path_of_traces_and_one_of_traces_does_not() {
        let options = with(("OTEL_SERVICE_NAME", "shop"));
        assert_eq!(options.address.as_str(), "http://collector:4318/v1/traces");
        let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://other:1/in");
        assert_eq!(with(own).address.as_str(), "http://other:1/in");
    }

    #[test]
    fn names_and_bounds_come_from_the_standard_s_variables() {
        let named = |options: &Options, key: &str| {
            let found = options.resource.iter().find(|(known, _)| known == key);
            found.map(|(_, value)| value.clone())
        };
        let options = with(("OTEL_RESOURCE_ATTRIBUTES", "service.name=a%2Cb, zone = x+y"));
        assert_eq!(named(&options, "service.name").unwrap(), "a,b");
        assert_eq!(named(&options, "zone").unwrap(), "x+y");
        let options = with(("OTEL_SERVICE_NAME", "shop"));
        assert_eq!(named(&options, "service.name").unwrap(), "shop");
        assert_eq!(with(("OTEL_BSP_MAX_QUEUE_SIZE", "many")).queue_max, 2_048);
        assert_eq!(with(("OTEL_BSP_MAX_QUEUE_SIZE", "0")).queue_max, 1);
        assert_eq!(
            with(("OTEL_BSP_MAX_QUEUE_SIZE", "9999999")).queue_max,
            QUEUE_MAX
        );
        assert_eq!(with(("OTEL_TRACES_SAMPLER", "sometimes")).sampler, None);
        assert_eq!(
            with(("OTEL_TRACES_SAMPLER", "parentbased_always_on")).sampler,
            Some(Sampler::DEFAULT)
        );
        let keyed = with((
            "OTEL_EXPORTER_OTLP_HEADERS",
            "x-api-key=s%20ecret,bad name=1",
        ));
        assert_eq!(keyed.headers.len(), 1);
        assert_eq!(keyed.headers[0].1, "s ecret");
    }
}
