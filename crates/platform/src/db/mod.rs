//! Storage rooms: connections, migrations, constraint names. No statement of any service lives here.

pub mod keys;
pub mod migrate;
pub mod sqlite;

use contracts::BoxError;

/// Why storage did not do what it was asked. None of it is the caller's fault except a named constraint.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A constraint holds: what SQLite names (`users.email_key` for a unique column, a CHECK's own name).
    #[error("constraint {0} holds")]
    Constraint(String),
    /// The writer's queue is full.
    #[error("the writer has too much to do")]
    Overloaded,
    /// No room on the disk.
    #[error("the disk is full")]
    Full,
    /// The write was not acknowledged: it was rolled back, or the writer has stopped.
    #[error("the write was lost: {0}")]
    Lost(String),
    /// Anything else.
    #[error("storage failed")]
    Other(#[source] BoxError),
}

impl StoreError {
    /// Whether this is the constraint of that name.
    #[must_use]
    pub fn violates(&self, name: &str) -> bool {
        matches!(self, Self::Constraint(found) if found.split(", ").any(|part| part == name))
    }
}

/// A write that was not made: refused for a reason of the service's own, or failed in storage. Either way
/// nothing of it is kept.
#[derive(Debug)]
pub enum Abort<R> {
    /// A rule said no.
    Refused(R),
    /// Storage failed.
    Failed(StoreError),
}

impl<R> Abort<R> {
    /// The refusal, with storage's failures turned into the service's words for them.
    pub fn into_refusal(
        self,
        overloaded: impl FnOnce() -> R,
        internal: impl FnOnce(BoxError) -> R,
    ) -> R {
        match self {
            Self::Refused(refusal) => refusal,
            Self::Failed(StoreError::Overloaded) => overloaded(),
            Self::Failed(error) => internal(Box::new(error)),
        }
    }

    /// Turns the violation of a named constraint into a refusal.
    #[must_use]
    pub fn or_constraint(self, name: &str, refusal: impl FnOnce() -> R) -> Self {
        match self {
            Self::Failed(error) if error.violates(name) => Self::Refused(refusal()),
            other @ (Self::Failed(_) | Self::Refused(_)) => other,
        }
    }
}

impl<R> From<StoreError> for Abort<R> {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl<R> From<rusqlite::Error> for Abort<R> {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}
