//! Mails about orders: what they tell of. Whom they go to and what they say is nobody else's.

use crate::values::{MailId, OrderId, Timestamp, ValueError};
use serde::{Deserialize, Serialize};

/// What a mail about an order tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderMailKind {
    /// The order is there, and waits to be paid.
    Received,
    /// It is paid.
    Paid,
    /// A parcel of it has gone.
    Shipped,
    /// It arrived.
    Delivered,
    /// It was called off, or not paid in time.
    Cancelled,
    /// Money of it was given back.
    Refunded,
    /// Something of it may come back.
    ReturnApproved,
    /// Something of it may not.
    ReturnRefused,
}

impl OrderMailKind {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Received,
        Self::Paid,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
        Self::Refunded,
        Self::ReturnApproved,
        Self::ReturnRefused,
    ];

    /// The word used in storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
            Self::ReturnApproved => "return_approved",
            Self::ReturnRefused => "return_refused",
        }
    }
}

impl std::str::FromStr for OrderMailKind {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| ValueError::new("is no kind of mail"))
    }
}

/// A wish to write to an order's buyer once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendMail {
    /// Of what. Of parcels, refunds and returns, the last.
    pub kind: OrderMailKind,
}

/// A mail that waits to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderMailView {
    /// Its id; its `Message-ID` begins with it.
    pub id: MailId,
    /// The order it is about.
    pub order_id: OrderId,
    /// What it tells of.
    pub kind: OrderMailKind,
    /// When it was asked for.
    pub created_at: Timestamp,
}
