//! What is counted of orders, declared together. Labels come from closed sets; no id is ever one.

use contracts::orders::PlaceOrderError;
use platform::metrics::{Counter, Family, Histogram, Registry, counts, seconds};
use std::sync::LazyLock;

type Labels = [(&'static str, &'static str); 1];

/// Handles, made once.
pub(crate) struct Metrics {
    /// Orders that shared a commit.
    pub(crate) batch_size: Histogram,
    /// From the first reservation of a batch until its orders are on the disk.
    pub(crate) commit_seconds: Histogram,
    results: Family<Labels, Counter>,
    stock_conflicts: Counter,
    /// Reservations of orders that nobody paid, or that never came.
    pub(crate) expired: Counter,
    placed: Counter,
    replayed: Counter,
    refused: Counter,
    overloaded: Counter,
    failed: Counter,
    mails: Family<Labels, Counter>,
}

/// The one set of this process.
pub(crate) static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let results = Family::<Labels, Counter>::default();
    let of = |result| results.get_or_create_owned(&[("result", result)]);
    Metrics {
        batch_size: counts(),
        commit_seconds: seconds(),
        placed: of("placed"),
        replayed: of("replayed"),
        refused: of("refused"),
        overloaded: of("overloaded"),
        failed: of("failed"),
        stock_conflicts: Counter::default(),
        expired: Counter::default(),
        mails: Family::default(),
        results,
    }
});

impl Metrics {
    /// Counts a try to write to a buyer, by how it ended: a word of a closed set.
    pub(crate) fn mail(&self, outcome: &'static str) {
        self.mails
            .get_or_create_owned(&[("outcome", outcome)])
            .inc();
    }

    /// Counts how a wish ended: replayed or not, or why not.
    pub(crate) fn count(&self, outcome: Result<bool, &PlaceOrderError>) {
        let counter = match outcome {
            Ok(false) => &self.placed,
            Ok(true) => &self.replayed,
            Err(PlaceOrderError::Overloaded) => &self.overloaded,
            Err(PlaceOrderError::Internal(_)) => &self.failed,
            Err(
                PlaceOrderError::Invalid { .. }
                | PlaceOrderError::KeyReused
                | PlaceOrderError::Stock(_)
                | PlaceOrderError::Cart(_)
                | PlaceOrderError::Discount(_)
                | PlaceOrderError::Shipping(_)
                | PlaceOrderError::Address(_)
                | PlaceOrderError::GivenUp,
            ) => &self.refused,
        };
        counter.inc();
        if matches!(outcome, Err(PlaceOrderError::Stock(_))) {
            self.stock_conflicts.inc();
        }
    }
}

/// Adds the metrics of orders to a registry.
pub fn register(registry: &mut Registry) {
    registry.register(
        "souk_order_commit_batch_size",
        "Orders that shared a commit",
        METRICS.batch_size.clone(),
    );
    registry.register(
        "souk_order_commit_seconds",
        "From the first reservation of a batch until its orders are on the disk",
        METRICS.commit_seconds.clone(),
    );
    registry.register(
        "souk_orders_placed",
        "Wishes to buy, by how they ended",
        METRICS.results.clone(),
    );
    registry.register(
        "souk_stock_conflicts",
        "Wishes to buy that were refused because there was not enough",
        METRICS.stock_conflicts.clone(),
    );
    registry.register(
        "souk_reservations_expired",
        "Reservations that were given back: nobody paid in time, or the order never came",
        METRICS.expired.clone(),
    );
    registry.register(
        "souk_order_mails",
        "Tries to write to a buyer: sent, put_off, given_up, or dropped because there was nobody or nothing to say",
        METRICS.mails.clone(),
    );
}
