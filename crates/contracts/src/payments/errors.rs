//! Why an order was not paid, a payment not shown, money not given back.

use super::{PaymentStatus, SagaId};
use crate::{
    BoxError,
    orders::OrderStatus,
    problem::{Code, Problem, ToProblem},
    values::{Money, OrderId, PaymentId},
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Why an order was not paid, or a payment not shown.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PayError {
    /// None that the caller may know of.
    #[error("not found")]
    NotFound,
    /// The order does not wait for money.
    #[error("the order is {0:?}")]
    NotPayable(OrderStatus),
    /// Another payment of the order has not ended.
    #[error("another payment is in progress")]
    InProgress,
    /// The payment has ended, or its money was taken.
    #[error("the payment is {0:?}")]
    NotVoidable(PaymentStatus),
    /// The provider refused.
    #[error("the provider declined: {decline_code}")]
    Declined {
        /// The attempt.
        payment_id: PaymentId,
        /// The order, still waiting for money.
        order_id: OrderId,
        /// The provider's reason.
        decline_code: String,
    },
    /// The provider knows no such means of payment.
    #[error("the method is unknown")]
    UnknownMethod,
    /// A card's number came where a token belongs. Nothing of it is kept.
    #[error("a card's number came instead of a token")]
    CardNumber,
    /// The key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// The writer's queue is full.
    #[error("payments have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("paying failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for PayError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::NotPayable(status) => Problem::new(Code::IllegalTransition)
                .detail(format!("a {} order cannot be paid", status.as_str()))
                .fact("from", status.as_str()),
            Self::NotVoidable(status) => Problem::new(Code::IllegalTransition)
                .detail(format!("a {} payment cannot be given up", status.as_str()))
                .fact("from", status.as_str()),
            Self::InProgress => Problem::new(Code::PaymentInProgress),
            Self::Declined {
                payment_id,
                order_id,
                decline_code,
            } => Problem::new(Code::PaymentDeclined)
                .detail(format!("the payment was declined: {decline_code}"))
                .fact("decline_code", decline_code.clone())
                .fact("payment_id", payment_id.to_string())
                .fact("order_id", order_id.to_string()),
            Self::UnknownMethod => {
                Problem::invalid("/method", "is no means of payment the provider knows")
            }
            Self::CardNumber => Problem::invalid(
                "/method",
                "is a card's number, which is not taken and was not written down; send the provider's token for it",
            ),
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why no money is given back.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundError {
    /// None that the caller may know of.
    #[error("not found")]
    NotFound,
    /// A field breaks a rule.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON pointer.
        field: Cow<'static, str>,
        /// The rule.
        reason: String,
    },
    /// Nothing was captured for it.
    #[error("nothing was captured")]
    NotCaptured,
    /// More than is left of what was captured.
    #[error("only {left} is left to give back")]
    TooMuch {
        /// What is left.
        left: Money,
    },
    /// More units than are left of what was sold.
    #[error("more units would come back than were sold")]
    TooManyUnits {
        /// How many are left.
        left: i64,
        /// Which item of the wish.
        index: usize,
    },
    /// The key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// The writer's queue is full.
    #[error("payments have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("giving money back failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for RefundError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::NotCaptured => Problem::new(Code::IllegalTransition)
                .detail("no money was taken that could be given back"),
            Self::TooMuch { left } => Problem::new(Code::RefundExceedsCaptured)
                .detail(format!("{left} is left to give back"))
                .fact("left", serde_json::json!(left)),
            Self::TooManyUnits { left, index } => Problem::new(Code::RefundExceedsCaptured)
                .detail(format!("{left} units of it can still come back"))
                .field(
                    &format!("/items/{index}/quantity"),
                    "too_many",
                    format!("only {left} can still come back"),
                ),
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why a callback was not taken in.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackError {
    /// No such provider.
    #[error("no such provider")]
    UnknownProvider,
    /// The signature is missing, wrong, or of another time.
    #[error("the signature does not hold: {0}")]
    BadSignature(Cow<'static, str>),
    /// Signed, but nothing that can be read.
    #[error("the callback cannot be read")]
    Malformed,
    /// The writer's queue is full.
    #[error("payments have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("taking the callback in failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for CallbackError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::UnknownProvider => Problem::new(Code::NotFound),
            Self::BadSignature(why) => Problem::new(Code::BadSignature).detail(why.clone()),
            Self::Malformed => Problem::new(Code::Malformed),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why a saga was not shown or not taken up.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SagaError {
    /// No such saga.
    #[error("there is no saga {0}")]
    NotFound(SagaId),
    /// It has ended.
    #[error("the saga has ended")]
    Ended,
    /// The cursor is none of this list.
    #[error("the cursor is none of this list")]
    BadCursor,
    /// The writer's queue is full.
    #[error("payments have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the saga could not be used")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for SagaError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound(_) => Problem::new(Code::NotFound),
            Self::Ended => Problem::new(Code::IllegalTransition).detail("it has ended already"),
            Self::BadCursor => Problem::new(Code::InvalidParameter)
                .detail("cursor is no cursor of this list")
                .field("cursor", "invalid", "is no cursor of this list"),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}
