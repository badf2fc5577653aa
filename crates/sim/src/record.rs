//! Writes down what clients do and see, and a plain trace of it, which is the same for the same seed.

use checker::{Operation, Outcome};
use contracts::{
    access::{Principal, Role},
    catalog::ProductView,
    values::{Money, ProductId, SessionId, Timestamp, UserId, VariantId},
};
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

/// A thing that is sold.
#[derive(Debug, Clone)]
pub(crate) struct Good {
    pub(crate) product: ProductId,
    pub(crate) variant: VariantId,
    pub(crate) first_stock: i64,
    pub(crate) first_price: Money,
}

impl Good {
    pub(crate) fn of(view: &ProductView) -> Option<Self> {
        let variant = view.variants.first()?;
        Some(Self {
            product: view.id,
            variant: variant.id,
            first_stock: variant.stock.on_hand,
            first_price: variant.price,
        })
    }
}

/// Somebody, by number.
pub(crate) fn person(number: u8, role: Role) -> Principal {
    Principal {
        user_id: UserId::from_bytes([number; 16]),
        session_id: SessionId::from_bytes([number; 16]),
        roles: vec![role],
    }
}

/// Everything that was done, by all clients.
#[derive(Debug, Default)]
struct Pages {
    operations: Vec<Operation>,
    trace: Vec<String>,
}

/// The record of a run. Clones write into the same one.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pages: Arc<Mutex<Pages>>,
    began: Instant,
}

impl Record {
    /// A record whose time begins now.
    pub(crate) fn new() -> Self {
        Self {
            pages: Arc::default(),
            began: Instant::now(),
        }
    }

    /// The observer's time.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_ms(i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// Notes that an operation begins; gives its place.
    pub(crate) fn begin(&self, operation: Operation) -> usize {
        let mut pages = self.pages.lock().expect("the record");
        pages.operations.push(operation);
        pages.operations.len().saturating_sub(1)
    }

    /// Notes how it ended.
    pub(crate) fn end(&self, place: usize, outcome: Outcome, line: String) {
        let now = self.now();
        let mut pages = self.pages.lock().expect("the record");
        if let Some(operation) = pages.operations.get_mut(place) {
            operation.end = Some(now);
            operation.outcome = outcome;
            let from = operation.start.as_ms();
            pages
                .trace
                .push(format!("{from:>6}..{:<6} {line}", now.as_ms()));
        }
    }

    /// Notes something that is no operation.
    pub(crate) fn note(&self, at_ms: u64, line: &str) {
        let mut pages = self.pages.lock().expect("the record");
        pages.trace.push(format!("{at_ms:>6}         {line}"));
    }

    /// All of it.
    pub(crate) fn take(&self) -> (Vec<Operation>, Vec<String>) {
        let mut pages = self.pages.lock().expect("the record");
        (
            std::mem::take(&mut pages.operations),
            std::mem::take(&mut pages.trace),
        )
    }
}
