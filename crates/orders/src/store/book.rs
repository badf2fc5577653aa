//! Where the addresses are kept that customers choose from at a checkout: few a customer, and read whole.

use async_trait::async_trait;
use contracts::{
    orders::{Address, BookError, KeptAddress},
    values::{KeptAddressId, Timestamp, UserId},
};
use platform::db::{Abort, StoreError};

/// An address that is to be kept.
#[derive(Debug, Clone)]
pub(crate) struct Keeping {
    pub(crate) id: KeptAddressId,
    pub(crate) customer: UserId,
    pub(crate) address: Address,
    pub(crate) at: Timestamp,
}

#[async_trait]
pub(crate) trait BookStore: Send + Sync {
    /// Keeps an address, unless there are too many or the customer is erased; one that the customer keeps already
    /// stays as it is.
    async fn keep_address(&self, wish: Keeping) -> Result<KeptAddress, Abort<BookError>>;
    /// All of a customer's, those that were kept last first.
    async fn kept_addresses(&self, customer: UserId) -> Result<Vec<KeptAddress>, StoreError>;
    /// Forgets one of a customer's.
    async fn forget_address(
        &self,
        customer: UserId,
        id: KeptAddressId,
    ) -> Result<(), Abort<BookError>>;
}
