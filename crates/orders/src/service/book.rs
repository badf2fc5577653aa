//! The addresses that customers keep. Whoever asks is asked for their own alone.

use super::{Service, internal};
use crate::store::book::Keeping;
use contracts::{
    orders::{Address, BookError, KeptAddress, NewAddress, OrderError},
    values::{KeptAddressId, UserId},
};
use platform::db::Abort;

impl Service {
    pub(crate) async fn keep_address(
        &self,
        customer: UserId,
        wish: NewAddress,
    ) -> Result<KeptAddress, BookError> {
        let keeping = Keeping {
            id: KeptAddressId::generate(),
            customer,
            address: Address::check(wish)?,
            at: self.clock.now(),
        };
        self.store.keep_address(keeping).await.map_err(refusal)
    }

    pub(crate) async fn addresses_of(
        &self,
        customer: UserId,
    ) -> Result<Vec<KeptAddress>, OrderError> {
        let kept = self.store.kept_addresses(customer).await;
        kept.map_err(internal)
    }

    pub(crate) async fn forget_address(
        &self,
        customer: UserId,
        id: KeptAddressId,
    ) -> Result<(), BookError> {
        let forgotten = self.store.forget_address(customer, id).await;
        forgotten.map_err(refusal)
    }
}

fn refusal(abort: Abort<BookError>) -> BookError {
    abort.into_refusal(|| BookError::Overloaded, BookError::Internal)
}
