//! The ways to orders and catalog, in batches: while one batch is on its way the next one gathers, so that many
//! payments cross once. An answer that is lost leaves the outcome unknown, and the step is tried again.

use crate::config::Config;
use contracts::{
    catalog::{Catalog, Resolve, ResolveError},
    orders::{BeginPayment, OrderError, Orders, Payable, Settlement},
};
use platform::{
    batch::{Batcher, Limits, SubmitError},
    tasks::Tasks,
};
use std::sync::Arc;

/// Batches on their way at a time, each way.
const IN_FLIGHT_MAX: usize = 2;

/// Three queues.
pub(crate) struct Crossings {
    begin: Batcher<BeginPayment, Result<Payable, OrderError>>,
    sell: Batcher<Resolve, Result<(), ResolveError>>,
    settle: Batcher<Settlement, Result<(), OrderError>>,
}

impl Crossings {
    pub(crate) fn start(
        tasks: &Tasks,
        config: &Config,
        orders: &Arc<dyn Orders>,
        catalog: &Arc<dyn Catalog>,
    ) -> Self {
        let most = usize::try_from(config.in_flight_max).unwrap_or(usize::MAX);
        let batch_max = usize::try_from(config.settle_batch_max).unwrap_or(usize::MAX);
        let limits = Limits {
            queue_max: most,
            batch_max,
            weight_max: batch_max,
            in_flight_max: IN_FLIGHT_MAX,
        };
        let begins = Arc::clone(orders);
        let sales = Arc::clone(catalog);
        let settles = Arc::clone(orders);
        Self {
            begin: Batcher::start(tasks, "begin-payments", limits, move |batch| {
                let orders = Arc::clone(&begins);
                Box::pin(async move { orders.begin_payments(batch).await })
            }),
            sell: Batcher::start(tasks, "sell-stock", limits, move |batch| {
                let catalog = Arc::clone(&sales);
                Box::pin(async move { catalog.resolve_all(batch).await })
            }),
            settle: Batcher::start(tasks, "settle-payments", limits, move |batch| {
                let orders = Arc::clone(&settles);
                Box::pin(async move { orders.settle_all(batch).await })
            }),
        }
    }

    pub(super) async fn begin(&self, wish: BeginPayment) -> Result<Payable, OrderError> {
        self.begin.submit(wish, 1).await.map_err(lost)?
    }

    pub(super) async fn sell(&self, wish: Resolve) -> Result<(), ResolveError> {
        let answer = self.sell.submit(wish, 1).await;
        answer.map_err(|error| ResolveError::Internal(Box::new(error)))?
    }

    pub(super) async fn settle(&self, wish: Settlement) -> Result<(), OrderError> {
        self.settle.submit(wish, 1).await.map_err(lost)?
    }
}

fn lost(error: SubmitError) -> OrderError {
    match error {
        SubmitError::Full | SubmitError::Late => OrderError::Overloaded,
        SubmitError::Lost => OrderError::Internal(Box::new(error)),
    }
}
