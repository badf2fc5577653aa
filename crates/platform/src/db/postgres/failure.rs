//! What a failure of PostgreSQL means: which of them pass by themselves, and which leave it open what happened.
//! Messages of the server never reach a caller; they are causes, for the log.

use crate::db::{Abort, StoreError};
use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::{Error, error::SqlState};

/// What a failed statement says about its transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Somebody else's lock was in the way, in a circle: the same again will pass.
    Deadlock,
    /// The server has gone, or is going.
    Gone,
    /// Anything else.
    Plain,
}

pub(super) fn kind(error: &Error) -> Kind {
    let Some(code) = error.code() else {
        return if is_local(error) {
            Kind::Plain
        } else {
            Kind::Gone
        };
    };
    if [
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_SERIALIZATION_FAILURE,
    ]
    .contains(code)
    {
        return Kind::Deadlock;
    }
    if is_going(code) {
        Kind::Gone
    } else {
        Kind::Plain
    }
}

/// A value that could not be written or read: the connection has nothing to do with it.
fn is_local(error: &Error) -> bool {
    use std::error::Error as _;
    let on_the_wire = error
        .source()
        .is_some_and(|cause| cause.is::<std::io::Error>());
    !error.is_closed() && !on_the_wire
}

/// Shutting down, starting up, cut off, or no primary any more.
fn is_going(code: &SqlState) -> bool {
    const GOING: [SqlState; 7] = [
        SqlState::ADMIN_SHUTDOWN,
        SqlState::CRASH_SHUTDOWN,
        SqlState::CANNOT_CONNECT_NOW,
        SqlState::READ_ONLY_SQL_TRANSACTION,
        SqlState::CONNECTION_FAILURE,
        SqlState::CONNECTION_DOES_NOT_EXIST,
        SqlState::CONNECTION_EXCEPTION,
    ];
    GOING.contains(code)
}

/// After a COMMIT, only these say for certain that nothing was kept.
pub(super) fn is_certain_rollback(error: &Error) -> bool {
    error.code().is_some_and(|code| {
        let code = code.code();
        code.starts_with("23") || code.starts_with("40")
    })
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        match kind(&error) {
            Kind::Deadlock => return Self::Overloaded,
            // Before its COMMIT: the server has undone it, or will.
            Kind::Gone => return Self::Away(error.to_string()),
            Kind::Plain => {}
        }
        let Some(told) = error.as_db_error() else {
            return Self::Other(Box::new(error));
        };
        let code = told.code();
        if code.code().starts_with("23") {
            let column = || Some([told.table()?, told.column()?].join("."));
            let name = told.constraint().map(str::to_owned).or_else(column);
            return Self::Constraint(name.unwrap_or_else(|| told.message().to_owned()));
        }
        if *code == SqlState::DISK_FULL {
            return Self::Full;
        }
        const PASSING: [SqlState; 5] = [
            SqlState::LOCK_NOT_AVAILABLE,
            SqlState::QUERY_CANCELED,
            SqlState::TOO_MANY_CONNECTIONS,
            SqlState::OUT_OF_MEMORY,
            SqlState::CONFIGURATION_LIMIT_EXCEEDED,
        ];
        if PASSING.contains(code) {
            return Self::Overloaded;
        }
        Self::Other(Box::new(error))
    }
}

impl<R> From<Error> for Abort<R> {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The driver says only at what it was: the cause says why, as that a certificate is not to be trusted.
fn with_cause(error: &Error) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

/// Why there is no connection.
pub(super) fn of_pool(error: PoolError) -> StoreError {
    match error {
        PoolError::Timeout(TimeoutType::Wait) => StoreError::Overloaded,
        PoolError::Backend(error) => match error.code() {
            // Names and passwords that do not fit, a database that is not there: waiting does not help.
            Some(code) if code.code().starts_with("28") || code.code().starts_with("3D") => {
                StoreError::Other(Box::new(error))
            }
            Some(code) if *code == SqlState::TOO_MANY_CONNECTIONS => StoreError::Overloaded,
            Some(_) | None => StoreError::Away(with_cause(&error)),
        },
        other @ (PoolError::Timeout(_)
        | PoolError::Closed
        | PoolError::NoRuntimeSpecified
        | PoolError::PostCreateHook(_)) => StoreError::Away(other.to_string()),
    }
}
