//! What is counted of payments: how they end and what money moves, declared together. Labels are our own words and the
//! codes of currencies; no id is ever one.

use contracts::{payments::PaymentStatus, values::Money};
use platform::metrics::{Counter, Family, Registry};
use std::sync::LazyLock;

type Status = [(&'static str, &'static str); 1];
type InCurrency = [(&'static str, String); 1];

#[derive(Default)]
struct Metrics {
    payments: Family<Status, Counter>,
    captured: Family<InCurrency, Counter>,
    refunded: Family<InCurrency, Counter>,
    replayed: Counter,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::default);

/// Adds the metrics of payments to a registry.
pub fn register(registry: &mut Registry) {
    registry.register(
        "souk_payments",
        "Moves of payments, by where they came to stand",
        METRICS.payments.clone(),
    );
    registry.register(
        "souk_payments_captured_minor",
        "Money that was taken, in minor units of its currency",
        METRICS.captured.clone(),
    );
    registry.register(
        "souk_payments_refunded_minor",
        "Money that was given back, in minor units of its currency",
        METRICS.refunded.clone(),
    );
    registry.register(
        "souk_payments_replayed",
        "Wishes to pay that came again under their key, and were answered as before",
        METRICS.replayed.clone(),
    );
}

/// A payment of this amount came to stand there.
pub(crate) fn moved(status: PaymentStatus, amount: Money) {
    let label = [("status", status.as_str())];
    METRICS.payments.get_or_create_owned(&label).inc();
    if status == PaymentStatus::Captured {
        add(&METRICS.captured, amount);
    }
}

/// A wish came again.
pub(crate) fn replayed() {
    METRICS.replayed.inc();
}

/// Money was given back.
pub(crate) fn refunded(amount: Money) {
    add(&METRICS.refunded, amount);
}

fn add(sums: &Family<InCurrency, Counter>, amount: Money) {
    let label = [("currency", amount.currency.code().to_owned())];
    let minor = u64::try_from(amount.minor).unwrap_or(0);
    sums.get_or_create_owned(&label).inc_by(minor);
}
