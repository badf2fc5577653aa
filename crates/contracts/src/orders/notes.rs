//! What people of the shop write down about an order, for themselves or for its buyer.

use super::OrderError;
use crate::{
    problem::{Code, Problem, ToProblem},
    values::{NoteId, OrderId, Timestamp},
};
use serde::{Deserialize, Serialize};

/// A note that is to be.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    /// 1 to 2,000 characters.
    #[schema(min_length = 1, max_length = 2_000)]
    pub text: String,
    /// Whether the buyer sees it; only the shop does, when absent.
    #[serde(default)]
    pub for_customer: bool,
}

/// A note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NoteView {
    /// Its id.
    pub id: NoteId,
    /// The order it is about.
    pub order_id: OrderId,
    /// What it says.
    pub text: String,
    /// Whether the buyer sees it.
    pub for_customer: bool,
    /// Who wrote it: a user's id, for the shop; absent for the buyer.
    pub author: Option<String>,
    /// When.
    pub created_at: Timestamp,
}

/// Why nothing was noted.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// The idempotency key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// What holds for all that is done with an order.
    #[error(transparent)]
    Order(#[from] OrderError),
}

impl ToProblem for NoteError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::Order(error) => error.to_problem(),
        }
    }
}
