//! Orders of guests become their user's when it is certain whose the address is. Nothing is taken from a user.

use super::Service;
use contracts::{BoxError, identity::Addresses, values::UserId};
use std::sync::Arc;

/// Orders that are given to their user in one write; there may be more writes.
const CLAIMED_AT_ONCE: u32 = 500;

impl Service {
    /// Says who knows addresses; the first that is named stays.
    pub(crate) fn introduce(&self, addresses: Arc<dyn Addresses>) {
        drop(self.addresses.set(addresses));
    }

    /// Gives a user what they bought as a guest. Whoever has gone meanwhile, or has no address that is theirs for sure,
    /// bought nothing.
    pub(crate) async fn claim_for(&self, user: UserId) -> Result<(), BoxError> {
        let addresses = self.addresses.get();
        let addresses = addresses.ok_or("nobody here knows addresses")?;
        let Some(email) = addresses.verified_address(user).await? else {
            return Ok(());
        };
        let mut claimed = u64::from(CLAIMED_AT_ONCE);
        while claimed >= u64::from(CLAIMED_AT_ONCE) {
            let some = self
                .store
                .claim_orders(user, email.clone(), CLAIMED_AT_ONCE);
            claimed = some.await?;
        }
        Ok(())
    }
}
