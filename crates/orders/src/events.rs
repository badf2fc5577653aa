//! What orders listen to: a user who has gone is forgotten here too.

use crate::service::Service;
use async_trait::async_trait;
use contracts::{
    BoxError,
    event::{Envelope, Event},
    identity::UserDeleted,
};
use platform::bus::Consumer;
use std::sync::Arc;

pub(crate) struct ForgetCustomers(pub(crate) Arc<Service>);

#[async_trait]
impl Consumer for ForgetCustomers {
    fn name(&self) -> &'static str {
        "orders"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[UserDeleted::NAME]
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        match UserDeleted::open(envelope) {
            Some(event) => self.0.forget_customer(event?.user_id).await,
            None => Ok(()),
        }
    }
}
