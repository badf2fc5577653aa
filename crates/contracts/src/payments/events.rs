//! What the database of payments tells others. No method, no reference and no name is in it.

use crate::{
    event::Event,
    values::{Currency, RawId},
};
use serde::{Deserialize, Serialize};

/// How a payment ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentEnd {
    /// The money was taken.
    Captured,
    /// The provider said no.
    Declined,
    /// It was let go.
    Voided,
}

/// A payment ended, with money or without. Written by the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PaymentEnded {
    /// Which.
    pub payment: RawId,
    /// Of which order.
    pub order: RawId,
    /// How.
    pub status: PaymentEnd,
    /// Of how much.
    pub amount_minor: i64,
    /// In what.
    pub currency: Currency,
}

impl Event for PaymentEnded {
    const NAME: &'static str = "payments.payment_ended.v1";

    fn subject(&self) -> String {
        self.payment.into()
    }
}

/// Money of a payment went back. Written by the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundBooked {
    /// The refund.
    pub refund: RawId,
    /// Of which payment.
    pub payment: RawId,
    /// Of which order.
    pub order: RawId,
    /// How much.
    pub amount_minor: i64,
    /// In what.
    pub currency: Currency,
}

impl Event for RefundBooked {
    const NAME: &'static str = "payments.refund_booked.v1";

    fn subject(&self) -> String {
        self.payment.into()
    }
}

/// Something of a payment wants to be looked at; it was made safe. Written by the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewKept {
    /// What kind of thing.
    pub kind: String,
    /// The payment's id as text, or what the provider calls its charge.
    pub subject: String,
}

impl Event for ReviewKept {
    const NAME: &'static str = "payments.review_kept.v1";

    fn subject(&self) -> String {
        self.subject.clone()
    }
}
