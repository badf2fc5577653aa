//! What the services say to each other: values, requests, views, errors, events, and one trait a service.
//! No runtime, no database, no HTTP server in here: a far client must be able to give back the same values.

pub mod access;
pub mod audit;
pub mod catalog;
pub mod event;
pub mod identity;
pub mod orders;
pub mod payments;
pub mod problem;
pub mod request;
pub mod values;

/// The cause behind an `Internal` error: for logs, never for callers.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A cause behind an `Internal` error that callers should hear of, since waiting helps. Whoever stores things
/// puts it into the chain of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Outage {
    /// More is waiting to be written than may wait.
    #[error("too much waits to be written")]
    Overloaded,
    /// No room on the disk.
    #[error("the disk is full")]
    StorageFull,
}
