//! The port to whoever moves the money. An error of any call means that its outcome is unknown: ask again,
//! with the same key. No card number ever passes here, only the provider's own tokens.

mod sandbox;

pub(crate) use sandbox::Sandbox;

use crate::domain::Charge;
use async_trait::async_trait;
use contracts::{BoxError, values::Money};

/// What a provider says to an authorisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Authorisation {
    /// The money is held; the reference is the provider's name for the charge.
    Authorised { reference: String },
    /// It is refused, for this reason.
    Declined { code: String },
}

/// A payment provider. Every call is safe to repeat.
#[async_trait]
pub(crate) trait Provider: Send + Sync {
    /// Whether there is such a means of payment.
    fn knows(&self, method: &str) -> bool;
    /// Holds the money. The same key again makes no second charge and tells the first outcome.
    async fn authorise(
        &self,
        key: &str,
        amount: Money,
        method: &str,
    ) -> Result<Authorisation, BoxError>;
    /// Takes the money that is held, all of it.
    async fn capture(&self, reference: &str, amount: Money) -> Result<(), BoxError>;
    /// Lets the money go that is held.
    async fn void(&self, reference: &str, amount: Money) -> Result<(), BoxError>;
    /// Gives captured money back, all of it, once for each key.
    async fn refund(&self, reference: &str, amount: Money, key: &str) -> Result<(), BoxError>;
    /// The provider's own books: the charges of these keys, in their order.
    async fn find(&self, keys: Vec<String>) -> Result<Vec<Option<Charge>>, BoxError>;
}
