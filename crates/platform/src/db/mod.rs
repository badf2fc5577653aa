//! Storage rooms: connections, migrations, constraint names. No statement of any service lives here.

pub mod keys;
pub mod migrate;
pub mod postgres;
mod schema;
pub mod sqlite;

pub use schema::Schema;

use contracts::{BoxError, Outage};
use std::{error::Error, fmt, path::PathBuf};

/// Where a service keeps its rows: decided by configuration, opened by the service.
#[derive(Debug, Clone)]
pub enum Place {
    /// A file of its own.
    Sqlite(PathBuf, sqlite::Options),
    /// A schema of its own.
    Postgres(postgres::Place),
}

/// A database that was opened.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file.
    Sqlite(sqlite::Database),
    /// A schema.
    Postgres(postgres::Database),
}

impl From<sqlite::Database> for Database {
    fn from(database: sqlite::Database) -> Self {
        Self::Sqlite(database)
    }
}

impl From<postgres::Database> for Database {
    fn from(database: postgres::Database) -> Self {
        Self::Postgres(database)
    }
}

/// What an answered write must outlive. Those that outlive less are lost from the end only: nothing that is kept was
/// written after something that was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The machine's loss of power: the disk has confirmed the commit.
    PowerLoss,
    /// The process's end at any moment, but not the machine's: the disk is told by a later commit (ADR 61).
    Kill,
}

/// Why storage did not do what it was asked. None of it is the caller's fault except a named constraint.
#[derive(Debug)]
pub enum StoreError {
    /// A constraint holds: its name. SQLite names a unique column itself (`users.email_key`).
    Constraint(String),
    /// More is under way than may be: a queue is full, a lock or a connection was not free in time.
    Overloaded,
    /// Whoever wanted the write does not wait any more: it was not begun.
    Late,
    /// No room on the disk.
    Full,
    /// The write was not acknowledged: it was rolled back, or the writer has stopped.
    Lost(String),
    /// The database cannot be reached, or went away before a commit: nothing is kept.
    Away(String),
    /// The write may be kept or not: the answer to its COMMIT was lost, and its outcome could not be found out.
    Unknown(String),
    /// Anything else.
    Other(BoxError),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constraint(name) => write!(f, "constraint {name} holds"),
            Self::Overloaded => f.write_str("storage has too much to do"),
            Self::Late => f.write_str("the time for the write was over before it began"),
            Self::Full => f.write_str("the disk is full"),
            Self::Lost(why) => write!(f, "the write was lost: {why}"),
            Self::Away(why) => write!(f, "the database cannot be reached: {why}"),
            Self::Unknown(why) => write!(f, "nobody knows whether the write is kept: {why}"),
            Self::Other(_) => f.write_str("storage failed"),
        }
    }
}

impl Error for StoreError {
    /// Written by hand, so that the failures which pass by themselves are found in any chain of causes.
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Overloaded | Self::Late | Self::Away(_) => Some(&Outage::Overloaded),
            Self::Full => Some(&Outage::StorageFull),
            Self::Other(cause) => Some(cause.as_ref()),
            Self::Unknown(_) => Some(&Outage::Unanswered),
            Self::Constraint(_) | Self::Lost(_) => None,
        }
    }
}

impl StoreError {
    /// The same failure for one more of those who shared the write.
    #[must_use]
    pub fn again(&self) -> Self {
        match self {
            Self::Overloaded => Self::Overloaded,
            Self::Late => Self::Late,
            Self::Full => Self::Full,
            Self::Constraint(name) => Self::Constraint(name.clone()),
            Self::Lost(why) => Self::Lost(why.clone()),
            Self::Away(why) => Self::Away(why.clone()),
            Self::Unknown(why) => Self::Unknown(why.clone()),
            Self::Other(cause) => Self::Lost(cause.to_string()),
        }
    }

    /// The same failure as the cause of somebody's error.
    #[must_use]
    pub fn share(&self) -> BoxError {
        Box::new(self.again())
    }

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
            Self::Failed(StoreError::Overloaded | StoreError::Late | StoreError::Away(_)) => {
                overloaded()
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{
        catalog::EditError,
        problem::{Code, ToProblem},
    };

    #[test]
    fn a_full_disk_and_a_full_queue_are_told_apart_from_our_mistakes() {
        let code = |error: StoreError| EditError::Internal(Box::new(error)).to_problem().code;
        assert_eq!(code(StoreError::Full), Code::StorageFull);
        assert_eq!(code(StoreError::Overloaded), Code::Overloaded);
        assert_eq!(code(StoreError::Late), Code::Overloaded);
        let gone = StoreError::Away("restarting".to_owned());
        assert_eq!(code(gone), Code::Overloaded);
        let unsure = StoreError::Unknown("cut off at COMMIT".to_owned());
        assert_eq!(code(unsure), Code::OutcomeUnknown);
        assert_eq!(
            code(StoreError::Other("no such table".into())),
            Code::Internal
        );
        assert_eq!(code(StoreError::Lost("gone".to_owned())), Code::Internal);
    }
}
