//! What is counted of webhooks, declared together. Labels come from closed sets; no id is ever one.

use crate::domain::endpoint::Outcome;
use platform::metrics::{Counter, Family, Registry};
use std::sync::LazyLock;

type Labels = [(&'static str, &'static str); 1];

/// Handles, made once.
pub(crate) struct Metrics {
    results: Family<Labels, Counter>,
    taken: Counter,
    refused: Counter,
    unanswered: Counter,
    /// Events that got their number.
    pub(crate) events: Counter,
    /// Webhooks that the shop disabled by itself.
    pub(crate) disabled: Counter,
}

/// The one set of this process.
pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let results = Family::<Labels, Counter>::default();
    let of = |result| results.get_or_create_owned(&[("result", result)]);
    Metrics {
        taken: of("taken"),
        refused: of("refused"),
        unanswered: of("unanswered"),
        results,
        events: Counter::default(),
        disabled: Counter::default(),
    }
});

impl Metrics {
    /// Counts how a try ended.
    pub(crate) fn count(&self, outcome: &Outcome) {
        let counter = match outcome {
            Outcome::Taken(_) => &self.taken,
            Outcome::Refused(Some(_), _) => &self.refused,
            Outcome::Refused(None, _) => &self.unanswered,
        };
        counter.inc();
    }
}

/// Adds the metrics of webhooks to a registry.
pub fn register(registry: &mut Registry) {
    registry.register(
        "souk_webhook_deliveries",
        "Tries to deliver an event to a webhook, by how they ended",
        METRICS.results.clone(),
    );
    registry.register(
        "souk_webhook_events",
        "Events that were taken into the feed",
        METRICS.events.clone(),
    );
    registry.register(
        "souk_webhooks_disabled",
        "Webhooks that were disabled because nothing could be delivered",
        METRICS.disabled.clone(),
    );
}
