//! A payment's state as columns, and back. The same for every store.

use crate::domain::State;
use contracts::{payments::PaymentStatus, values::Timestamp};
use platform::db::StoreError;

/// What is kept of a state beside its word.
pub(super) struct Columns<'a> {
    pub(super) reference: Option<&'a str>,
    pub(super) decline_code: Option<&'a str>,
    pub(super) action_url: Option<&'a str>,
    pub(super) action_due_at_ms: Option<i64>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(state: &'a State) -> Self {
        let (decline_code, action) = match state {
            State::Declined { code } => (Some(code.as_str()), None),
            State::Challenged { url, due, .. } => (None, Some((url.as_str(), due.as_ms()))),
            State::Pending
            | State::Authorised { .. }
            | State::Captured { .. }
            | State::Voided { .. }
            | State::Refunded { .. } => (None, None),
        };
        Self {
            reference: state.reference(),
            decline_code,
            action_url: action.map(|(url, _)| url),
            action_due_at_ms: action.map(|(_, due)| due),
        }
    }
}

/// The same, as it was read.
pub(super) struct Read {
    pub(super) status: PaymentStatus,
    pub(super) reference: Option<String>,
    pub(super) decline_code: Option<String>,
    pub(super) action_url: Option<String>,
    pub(super) action_due_at_ms: Option<i64>,
}

impl Read {
    pub(super) fn state(self) -> Result<State, StoreError> {
        let reference = self.reference;
        Ok(match self.status {
            PaymentStatus::Pending => State::Pending,
            PaymentStatus::RequiresAction => State::Challenged {
                reference: there(reference)?,
                url: there(self.action_url)?,
                due: Timestamp::from_ms(there(self.action_due_at_ms)?),
            },
            PaymentStatus::Authorised => State::Authorised {
                reference: there(reference)?,
            },
            PaymentStatus::Captured => State::Captured {
                reference: there(reference)?,
            },
            PaymentStatus::Declined => State::Declined {
                code: there(self.decline_code)?,
            },
            PaymentStatus::Voided => State::Voided { reference },
            PaymentStatus::Refunded => State::Refunded {
                reference: there(reference)?,
            },
        })
    }
}

fn there<T>(column: Option<T>) -> Result<T, StoreError> {
    column.ok_or_else(|| StoreError::Other("a payment lacks what its status tells of".into()))
}
