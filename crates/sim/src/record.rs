//! Writes down what clients do and see, and a plain trace of it, which is the same for the same seed.

use checker::{Line, Operation, Outcome};
use contracts::{
    catalog::ProductView,
    values::{Money, ProductId, Timestamp, VariantId},
};
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

/// A thing that is sold.
#[derive(Debug, Clone)]
pub struct Good {
    /// The product.
    pub product: ProductId,
    /// The variant.
    pub variant: VariantId,
    /// Whether the product has no other.
    pub is_alone: bool,
    /// Units on hand before anybody came.
    pub first_stock: i64,
    /// Its price before anybody came.
    pub first_price: Money,
}

impl Good {
    /// Of a product that was just put on sale, each of its variants.
    pub fn of(view: &ProductView) -> impl Iterator<Item = Self> {
        view.variants.iter().map(|variant| Self {
            product: view.id,
            variant: variant.id,
            is_alone: view.variants.len() == 1,
            first_stock: variant.stock.on_hand,
            first_price: variant.price,
        })
    }
}

/// Everything that was done, by all clients.
#[derive(Debug, Default)]
struct Pages {
    operations: Vec<Operation>,
    trace: Vec<String>,
}

/// Where lines go as they are written.
type Sink = Box<dyn FnMut(&Line) + Send>;

/// The record of a run. Clones write into the same one.
#[derive(Clone)]
pub struct Record {
    pages: Arc<Mutex<Pages>>,
    sink: Option<Arc<Mutex<Sink>>>,
    began: Instant,
}

impl Record {
    /// A record whose time begins now.
    pub(crate) fn new() -> Self {
        Self {
            pages: Arc::default(),
            sink: None,
            began: Instant::now(),
        }
    }

    /// The same, and each line goes there as well, as it is written.
    pub fn with_sink(sink: impl FnMut(&Line) + Send + 'static) -> Self {
        let sink: Sink = Box::new(sink);
        Self {
            sink: Some(Arc::new(Mutex::new(sink))),
            ..Self::new()
        }
    }

    /// The observer's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        Timestamp::from_ms(i64::try_from(self.began.elapsed().as_millis()).unwrap_or(i64::MAX))
    }

    /// Writes a line that tells of no operation.
    pub fn write(&self, line: &Line) {
        if let Some(sink) = &self.sink {
            sink.lock().expect("the sink")(line);
        }
    }

    /// Notes that an operation begins; gives its number.
    pub(crate) fn begin(&self, operation: Operation) -> usize {
        let mut pages = self.pages.lock().expect("the record");
        if self.sink.is_some() {
            self.write(&Line::Began(Box::new(operation.clone())));
        }
        pages.operations.push(operation);
        pages.operations.len().saturating_sub(1)
    }

    /// Notes how it ended.
    pub(crate) fn end(&self, number: usize, outcome: Outcome, line: String) {
        let now = self.now();
        let mut pages = self.pages.lock().expect("the record");
        if self.sink.is_some() {
            self.write(&Line::Ended {
                number,
                at: now,
                outcome: outcome.clone(),
            });
        }
        if let Some(operation) = pages.operations.get_mut(number) {
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

    /// How many operations of this kind have ended so far.
    #[must_use]
    pub fn count(&self, kind: impl Fn(&Operation) -> bool) -> usize {
        let pages = self.pages.lock().expect("the record");
        pages.operations.iter().filter(|one| kind(one)).count()
    }

    /// All of it: the operations, and the trace.
    #[must_use]
    pub fn take(&self) -> (Vec<Operation>, Vec<String>) {
        let mut pages = self.pages.lock().expect("the record");
        (
            std::mem::take(&mut pages.operations),
            std::mem::take(&mut pages.trace),
        )
    }
}
