//! What stores keep of mails to buyers: which are owed, and how far the outbox was read for them.

use async_trait::async_trait;
use contracts::{
    orders::{OrderError, OrderMailKind},
    values::{Email, MailId, OrderId, Timestamp, UserId},
};
use platform::db::{Abort, StoreError};

/// Mails that may wait of one order at a time.
pub(crate) const WAITING_OF_ORDER_MAX: u32 = 20;

/// A mail that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewMail {
    pub(crate) id: MailId,
    pub(crate) order: OrderId,
    pub(crate) kind: OrderMailKind,
    /// The parcel or refund that it tells of.
    pub(crate) subject: Option<[u8; 16]>,
    pub(crate) due_at: Timestamp,
    pub(crate) at: Timestamp,
}

/// What a page of the outbox tells buyers of.
#[derive(Debug, Clone)]
pub(crate) struct Gathered {
    /// Up to where it had been read.
    pub(crate) from: i64,
    /// Up to where it is read now.
    pub(crate) to: i64,
    pub(crate) mails: Vec<NewMail>,
}

/// Which mails are taken, and until when they are nobody else's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MailTake {
    pub(crate) now: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) limit: u32,
}

/// A mail that is due, with whom it is for as it stands now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DueMail {
    pub(crate) id: MailId,
    pub(crate) order: OrderId,
    pub(crate) kind: OrderMailKind,
    pub(crate) subject: Option<[u8; 16]>,
    /// With this one.
    pub(crate) tries: u32,
    pub(crate) at: Timestamp,
    pub(crate) customer: Option<UserId>,
    pub(crate) guest_email: Option<Email>,
}

/// What became of a mail that was taken: it is forgotten, or tried again at this moment.
pub(crate) type Settled = (MailId, Option<Timestamp>);

/// The order has as many as it may have.
pub(crate) fn too_many() -> OrderError {
    OrderError::Invalid {
        field: "/kind".into(),
        reason: format!("is one too many: {WAITING_OF_ORDER_MAX} mails of this order wait"),
    }
}

#[async_trait]
pub(crate) trait MailStore {
    /// Up to where the outbox was read.
    async fn mails_place(&self) -> Result<i64, StoreError>;
    /// Owes the mails of a page and moves the place, in one commit; false if another node was quicker. Nothing is owed
    /// of an order that nobody has, nor of one that waits for its money when it does so no more.
    async fn gather_mails(&self, page: Gathered) -> Result<bool, StoreError>;
    /// Owes one more.
    async fn owe_mail(&self, mail: NewMail) -> Result<(), Abort<OrderError>>;
    /// How many wait, counted up to this many.
    async fn mails_waiting(&self, most: u32) -> Result<u32, StoreError>;
    /// Whether any is due.
    async fn mails_are_due(&self, now: Timestamp) -> Result<bool, StoreError>;
    /// Takes what is due, for a while.
    async fn take_mails(&self, take: MailTake) -> Result<Vec<DueMail>, StoreError>;
    /// Writes down what became of those that were taken.
    async fn settle_mails(&self, settled: Vec<Settled>) -> Result<(), StoreError>;
}
