//! What orders listen to: a user who has gone is forgotten here too, and one whose address is certain gets what they
//! bought with it as a guest. Both are of one subject, so that nobody gets anything who has gone.

use crate::service::Service;
use async_trait::async_trait;
use contracts::{
    BoxError,
    event::{Envelope, Event},
    identity::{EmailVerified, UserDeleted},
};
use platform::bus::Consumer;
use std::sync::Arc;

pub(crate) struct Customers(pub(crate) Arc<Service>);

#[async_trait]
impl Consumer for Customers {
    fn name(&self) -> &'static str {
        "orders"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[UserDeleted::NAME, EmailVerified::NAME]
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        if let Some(gone) = UserDeleted::open(envelope).transpose()? {
            return self.0.forget_customer(gone.user_id).await;
        }
        match EmailVerified::open(envelope).transpose()? {
            Some(verified) => self.0.claim_for(verified.user_id).await,
            None => Ok(()),
        }
    }
}
