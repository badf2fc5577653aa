//! Why the catalog refused a change or a list.

use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
    request::Precondition,
    values::Version,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Why a product or category was not found or not changed.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EditError {
    /// None that the caller may know of.
    #[error("not found")]
    NotFound,
    /// It was on sale once: a page may say so. The API says no more than that it is not found.
    #[error("{name} is archived")]
    Archived {
        /// What it was called.
        name: String,
    },
    /// The caller may not sell.
    #[error("the caller may not sell")]
    Forbidden,
    /// A field breaks a rule.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON pointer.
        field: String,
        /// The rule.
        reason: String,
    },
    /// Another product has the SKU.
    #[error("the sku is taken")]
    SkuTaken,
    /// Another product has the slug.
    #[error("the slug is taken")]
    SlugTaken,
    /// Something is in it or below it.
    #[error("it is still in use")]
    InUse,
    /// Another variant of the product has the same values.
    #[error("another variant is {title}")]
    VariantExists {
        /// Its values.
        title: String,
    },
    /// A product has at least one variant.
    #[error("it is the last variant")]
    LastVariant,
    /// The product has as many variants as one may have.
    #[error("the product has {most} variants")]
    TooManyVariants {
        /// How many those are.
        most: usize,
    },
    /// Another version is current.
    #[error("version {} is current", current.get())]
    VersionConflict {
        /// How the caller named the version.
        sent: Precondition,
        /// What is current.
        current: Version,
    },
    /// The idempotency key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// The writer's queue is full.
    #[error("the catalog has too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the catalog failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for EditError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound | Self::Archived { .. } => Problem::new(Code::NotFound),
            Self::Forbidden => {
                Problem::new(Code::Forbidden).detail("only merchants and admins sell")
            }
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::SkuTaken => Problem::new(Code::SkuTaken).field("/sku", "taken", "is in use"),
            Self::InUse => Problem::new(Code::InUse).detail("products or categories are in it"),
            Self::VariantExists { title } => Problem::new(Code::VariantExists)
                .detail(format!("another variant is {title}"))
                .field("/options", "taken", "are another variant's"),
            Self::LastVariant => Problem::new(Code::InUse)
                .detail("a product keeps its last variant; the product itself can be archived"),
            Self::TooManyVariants { most } => Problem::new(Code::TooManyVariants)
                .detail(format!("a product has at most {most} variants")),
            Self::SlugTaken => Problem::new(Code::SlugTaken).field("/slug", "taken", "is in use"),
            Self::VersionConflict { sent, current } => sent.stale(*current),
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why stock was not read or changed.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdjustError {
    /// No such variant among what the caller may change.
    #[error("change {index} names nothing of the caller's")]
    NotFound {
        /// Index into the changes.
        index: usize,
    },
    /// A field breaks a rule.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON pointer.
        field: String,
        /// The rule.
        reason: String,
    },
    /// `expected` is not what there is.
    #[error("{sku} has {on_hand} on hand")]
    StockChanged {
        /// The SKU.
        sku: String,
        /// What there is.
        on_hand: i64,
    },
    /// Fewer would be left than are promised to orders.
    #[error("{sku} has only {available} available")]
    InsufficientStock {
        /// The SKU.
        sku: String,
        /// Units that could be taken away.
        available: i64,
    },
    /// The idempotency key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// The writer's queue is full.
    #[error("the catalog has too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the catalog failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for AdjustError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound { index } => Problem::new(Code::NotFound).field(
                &format!("/changes/{index}"),
                "not_found",
                "names nothing known",
            ),
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::StockChanged { sku, on_hand } => Problem::new(Code::StockChanged)
                .detail(format!("{sku} has {on_hand} on hand"))
                .fact("sku", sku.clone())
                .fact("on_hand", *on_hand),
            Self::InsufficientStock { sku, available } => Problem::new(Code::InsufficientStock)
                .detail(format!("{sku} has only {available} available"))
                .fact("sku", sku.clone())
                .fact("available", *available),
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Why a list was not read.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ListError {
    /// A parameter cannot be used.
    #[error("{name} {reason}")]
    InvalidParameter {
        /// Its name.
        name: Cow<'static, str>,
        /// The rule.
        reason: String,
    },
    /// Our fault.
    #[error("listing failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for ListError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::InvalidParameter { name, reason } => Problem::new(Code::InvalidParameter)
                .detail(format!("{name} {reason}"))
                .field(name, "invalid", reason.clone()),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}
