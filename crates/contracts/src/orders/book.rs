//! The addresses that a customer keeps, so that none has to be typed at each checkout. They are personal data, and go
//! with the account.

use super::{Address, AddressError};
use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
    values::{KeptAddressId, Timestamp},
};
use serde::{Deserialize, Serialize};

/// Addresses that a customer may keep.
pub const KEPT_ADDRESSES_MAX: u32 = 20;

/// An address that a customer keeps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeptAddress {
    /// Its id.
    pub id: KeptAddressId,
    /// The address.
    pub address: Address,
    /// Since when it is kept.
    pub created_at: Timestamp,
}

/// Why an address was not kept, shown or forgotten.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The customer keeps no such address.
    #[error("no such address")]
    NotFound,
    /// It is no address.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The customer keeps as many as one may.
    #[error("{KEPT_ADDRESSES_MAX} addresses are kept already")]
    TooMany,
    /// The customer's account is gone, and their token not yet.
    #[error("the customer is erased")]
    Erased,
    /// Storage has too much to do.
    #[error("orders have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the addresses failed")]
    Internal(#[source] BoxError),
}

impl ToProblem for BookError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::Address(error) => error.to_problem_at(""),
            Self::TooMany => Problem::new(Code::TooManyAddresses).detail(format!(
                "{KEPT_ADDRESSES_MAX} addresses may be kept: remove one that is not used any more"
            )),
            Self::Erased => Problem::new(Code::InvalidToken),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}
