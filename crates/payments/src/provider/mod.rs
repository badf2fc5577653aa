//! The port to whoever moves the money. A call whose outcome is unknown is asked again, with the same key. No card
//! number ever passes here, only the provider's own tokens.

pub(crate) mod sandbox;
pub(crate) mod stripe;

use crate::domain::{Asked, Charge};
use async_trait::async_trait;
use contracts::{
    BoxError,
    payments::CallbackError,
    values::{Money, Timestamp},
};

/// How far a callback's time may be from ours.
const SIGNATURE_SECONDS_MAX: i64 = 300;

/// Why a provider did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProviderError {
    /// It may have happened or not: ask again.
    #[error("the provider's answer is not known")]
    Unknown(#[source] BoxError),
    /// It will not happen, however often it is asked.
    #[error("the provider refuses: {0}")]
    Refused(String),
}

/// What a callback says. It is a hint: the provider is asked how the charge stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Callback {
    pub(crate) event_id: String,
    /// The key of the charge it is about.
    pub(crate) key: String,
}

/// A payment provider. Every call is safe to repeat.
#[async_trait]
pub(crate) trait Provider: Send + Sync {
    /// Its name in addresses and in the ledger.
    fn name(&self) -> &'static str;
    /// Whether there is such a means of payment.
    fn knows(&self, method: &str) -> bool;
    /// Holds the money. The same key again makes no second charge and tells how the first stands.
    async fn authorise(&self, asked: &Asked) -> Result<Charge, ProviderError>;
    /// After this nothing can be taken under the key any more, also by a request that is still on its way; unless it
    /// was captured already. Tells how the charge stands.
    async fn fence(&self, asked: &Asked) -> Result<Charge, ProviderError>;
    /// Takes the money that is held, all of it.
    async fn capture(&self, reference: &str, amount: Money) -> Result<Charge, ProviderError>;
    /// Gives captured money back, whole or in part, once for each key.
    async fn refund(&self, reference: &str, amount: Money, key: &str) -> Result<(), ProviderError>;
    /// The provider's own books: the charges of these keys, in their order; no more of them than [`Self::finds_max`].
    async fn find(&self, asked: Vec<Asked>) -> Result<Vec<Option<Charge>>, ProviderError>;
    /// Charges that are found at a time.
    fn finds_max(&self) -> usize;
    /// From when on payments must have moved for verification to ask about them: a provider that is far cannot be asked
    /// about all that there ever were.
    fn verified_since(&self, now: Timestamp) -> Timestamp;
    /// Whether its list has all that there ever was, so that its sum is the ledger's.
    fn lists_all(&self) -> bool;
    /// The provider's own books: charges after this number, in its order. There may be more than `limit` where several
    /// have the same number.
    async fn list(&self, after: u64, limit: u32) -> Result<Vec<Charge>, ProviderError>;
    /// Checks who sent a callback, and reads it; `None` if it is about nothing of ours.
    fn read_callback(
        &self,
        signature: &str,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Option<Callback>, CallbackError>;
}
