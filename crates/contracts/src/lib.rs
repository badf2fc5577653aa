//! What the services say to each other: values, requests, views, errors, events, and one trait a service.
//! No runtime, no database, no HTTP server in here: a far client must be able to give back the same values.

pub mod access;
pub mod audit;
pub mod catalog;
pub mod event;
pub mod house;
pub mod identity;
pub mod import;
pub mod orders;
pub mod payments;
pub mod problem;
pub mod request;
pub mod scopes;
pub mod trace;
pub mod values;
pub mod webhooks;
pub mod wire;

/// The cause behind an `Internal` error: for logs, never for callers.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A cause behind an `Internal` error that callers should hear of, since waiting helps. Whoever stores things
/// puts it into the chain of causes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Outage {
    /// More is waiting to be written than may wait.
    #[error("too much waits to be written")]
    Overloaded,
    /// No room on the disk.
    #[error("the disk is full")]
    StorageFull,
    /// A part of the shop cannot be reached; nothing was done.
    #[error("a part of the shop cannot be reached")]
    Unreachable,
    /// A part of the shop gave no answer in time; the effect may have happened.
    #[error("no answer came in time")]
    Unanswered,
}

impl Outage {
    /// The outage in a cause, or behind it.
    #[must_use]
    pub fn behind(cause: &BoxError) -> Option<Self> {
        let mut next: Option<&(dyn std::error::Error + 'static)> = Some(cause.as_ref());
        while let Some(error) = next {
            if let Some(outage) = error.downcast_ref::<Self>() {
                return Some(*outage);
            }
            next = error.source();
        }
        None
    }
}
