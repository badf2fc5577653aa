//! What discounts, ways of shipping and tax rates have in common: admins alone make and change them, as a whole.

use super::Service;
use contracts::{BoxError, access::Principal, request::IdempotencyKey};
use platform::db::keys::{KeyedRequest, Making};
use serde::Serialize;

impl Service {
    /// Something that an admin wants made at this address, once for the key if there is one.
    pub(super) fn making<I>(
        &self,
        (who, address): (&Principal, &str),
        id: I,
        (key, wish): (Option<&IdempotencyKey>, &impl Serialize),
    ) -> Result<Making<I>, BoxError> {
        let scope = format!("{} POST {address}", who.user_id);
        Ok(Making {
            id,
            at: self.clock.now(),
            request: KeyedRequest::of(&scope, key, wish)?,
        })
    }
}

/// Refuses everybody else, in the words of what is wanted.
pub(super) fn admin<E>(who: &Principal, forbidden: E) -> Result<(), E> {
    if who.is_admin() {
        Ok(())
    } else {
        Err(forbidden)
    }
}
