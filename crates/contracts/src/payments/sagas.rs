//! What is under way between services, as rows that people can look at: payments and refunds, each with its next
//! step, who works at it, and why it waits.

use crate::values::{Cursor, OrderId, PageSize, PaymentId, RefundId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// A saga's name: that of its payment or refund.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub enum SagaId {
    /// A payment's way from intent to paid order.
    Payment(PaymentId),
    /// A refund's way from decision to noted order.
    Refund(RefundId),
}

crate::values::schema::plain_schema!(
    SagaId,
    String,
    pattern(Some("^(pay|rfd)_[0-7][0-9a-hjkmnp-tv-z]{25}$")),
    examples(["pay_01h455vb4pex5vsknk084sn02q"])
);

impl fmt::Display for SagaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Payment(id) => id.fmt(f),
            Self::Refund(id) => id.fmt(f),
        }
    }
}

impl FromStr for SagaId {
    type Err = crate::values::IdError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with(RefundId::PREFIX) {
            return text.parse().map(Self::Refund);
        }
        text.parse().map(Self::Payment)
    }
}

impl TryFrom<Cow<'_, str>> for SagaId {
    type Error = crate::values::IdError;
    fn try_from(text: Cow<'_, str>) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<SagaId> for String {
    fn from(id: SagaId) -> Self {
        id.to_string()
    }
}

/// Which kind of saga.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SagaKind {
    /// Pay an order.
    Payment,
    /// Give money back.
    Refund,
}

/// How a saga is getting on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SagaState {
    /// Somebody works at it, or it waits for its next try.
    Open,
    /// It failed for good reasons too often: it waits for a person.
    Parked,
}

/// A saga that has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SagaView {
    /// Its name.
    pub id: SagaId,
    /// Which kind.
    pub kind: SagaKind,
    /// The order it is about.
    pub order_id: OrderId,
    /// How it is getting on.
    pub state: SagaState,
    /// The step that comes next.
    pub step: String,
    /// How often that step was tried without an outcome.
    pub tries: u32,
    /// Why it waits, when a try failed.
    pub reason: Option<String>,
    /// The process that works at it or did last.
    pub owner: Option<String>,
    /// Counts its owners: whoever holds an older number changes nothing any more.
    pub fence: i64,
    /// When the next try is due, or the owner's lease ends.
    pub next_try_at: Timestamp,
    /// When it began.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// Which sagas, from where.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SagaQuery {
    /// Only in this state.
    pub state: Option<SagaState>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// Something about money that somebody should look at. It was made safe already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ReviewView {
    /// 1, 2, 3...
    pub number: i64,
    /// `stray_charge`, `amount_differs`, `late_money`, `unknown_callback`.
    pub kind: String,
    /// What it is about: a payment's id or the provider's reference.
    pub subject: String,
    /// In words.
    pub detail: String,
    /// When.
    pub at: Timestamp,
}
