//! Bugs of those who hear that something came back.

use super::broken_catalog::admin;
use async_trait::async_trait;
use contracts::{
    BoxError,
    catalog::{Catalog, GiveBack},
    event::{Envelope, Event},
    orders::ReturnReceived,
    payments::{Payments, RefundOf, RefundOrder},
    request::IdempotencyKey,
    values::{MoneyInput, RefundId},
};
use platform::bus::Consumer;
use std::sync::Arc;

/// Pays a return back by a refund of no name: whenever it is told of, it is another one.
pub(crate) struct PaysAgain(pub(crate) Arc<dyn Payments>);

#[async_trait]
impl Consumer for PaysAgain {
    fn name(&self) -> &'static str {
        "pays again"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[ReturnReceived::NAME]
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        let Some(event) = ReturnReceived::open(envelope).transpose()? else {
            return Ok(());
        };
        let wish = RefundOrder {
            amount: Some(MoneyInput::from(event.amount)),
            items: Vec::new(),
            reason: None,
        };
        let key = IdempotencyKey::parse(&RefundId::generate().to_string())?;
        let of = RefundOf::Payment(event.payment_id);
        // Whether there was so much left is nothing to it.
        drop(self.0.refund(&admin(), key, of, wish).await);
        Ok(())
    }
}

/// Puts what came back onto the shelf at once, and by another name than the refund does.
pub(crate) struct PutsOnSaleAgain(pub(crate) Arc<dyn Catalog>);

#[async_trait]
impl Consumer for PutsOnSaleAgain {
    fn name(&self) -> &'static str {
        "puts on sale again"
    }

    fn wants(&self) -> &'static [&'static str] {
        &[ReturnReceived::NAME]
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), BoxError> {
        let Some(event) = ReturnReceived::open(envelope).transpose()? else {
            return Ok(());
        };
        let wish = GiveBack {
            order_id: event.order_id,
            refund_id: RefundId::generate(),
            items: event.items.iter().map(|(item, _)| *item).collect(),
            actor: event.actor,
        };
        drop(self.0.give_back_all(vec![wish]).await);
        Ok(())
    }
}
