//! Why an order was not made, shown or moved.

use super::{AddressError, CartError, DiscountError, OrderStatus, ShippingError};
use crate::{
    BoxError,
    catalog::ReserveError,
    problem::{Code, Problem, ToProblem},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::borrow::Cow;

/// Why no order was made.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PlaceOrderError {
    /// A field breaks a rule.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON pointer.
        field: String,
        /// The rule.
        reason: String,
    },
    /// The key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// The stock could not be held.
    #[error(transparent)]
    Stock(ReserveError),
    /// The cart cannot be bought.
    #[error(transparent)]
    Cart(CartError),
    /// The discount cannot be given.
    #[error(transparent)]
    Discount(DiscountError),
    /// It cannot be shipped so.
    #[error(transparent)]
    Shipping(ShippingError),
    /// It cannot go there.
    #[error(transparent)]
    Address(AddressError),
    /// The order's id was given up: it took too long to be written.
    #[error("the order took too long and was given up")]
    GivenUp,
    /// More orders wait than we let wait.
    #[error("too many orders wait")]
    Overloaded,
    /// Our fault.
    #[error("placing the order failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for PlaceOrderError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::Stock(error) => error.to_problem(),
            Self::Cart(error) => error.to_problem(),
            Self::Discount(error) => error.to_problem(),
            Self::Shipping(error) => error.to_problem(),
            Self::Address(error) => error.to_problem_at("/shipping_address"),
            Self::GivenUp => Problem::new(Code::IllegalTransition)
                .detail("the order was given up; use a new key"),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why an order was not shown or not moved.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderError {
    /// None that the caller may know of.
    #[error("not found")]
    NotFound,
    /// The caller sees the order, but may not do this.
    #[error("not allowed")]
    Forbidden,
    /// No such move from here.
    #[error("no move from {from:?} to {to:?}")]
    IllegalTransition {
        /// Where it stands.
        from: OrderStatus,
        /// Where it should go.
        to: OrderStatus,
        /// Where it could go.
        allowed: Vec<OrderStatus>,
    },
    /// A payment has not ended yet.
    #[error("a payment is in progress")]
    PaymentInProgress,
    /// A field or parameter breaks a rule.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON pointer or parameter.
        field: Cow<'static, str>,
        /// The rule.
        reason: String,
    },
    /// The writer's queue is full.
    #[error("orders have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the order could not be used")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for OrderError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::Forbidden => Problem::new(Code::Forbidden),
            Self::IllegalTransition { from, to, allowed } => Problem::new(Code::IllegalTransition)
                .detail(format!(
                    "a {} order cannot become {}",
                    from.as_str(),
                    to.as_str()
                ))
                .fact("from", from.as_str())
                .fact("to", to.as_str())
                .fact("allowed", json!(allowed)),
            Self::PaymentInProgress => Problem::new(Code::PaymentInProgress),
            Self::Invalid { field, reason } => {
                let code = if field.starts_with('/') {
                    Code::Validation
                } else {
                    Code::InvalidParameter
                };
                Problem::new(code)
                    .detail(format!("{} {reason}", field.trim_start_matches('/')))
                    .field(field, "invalid", reason.clone())
            }
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}
