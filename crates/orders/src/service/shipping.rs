//! Ways of shipping: made and changed by admins, chosen for orders. What one costs is agreed when the order is asked
//! for.

use super::Service;
use contracts::{
    access::Principal,
    orders::{NewShippingMethod, ShippingError, ShippingMethodView},
    request::Precondition,
    values::ShippingMethodId,
};
use platform::db::Abort;

impl Service {
    pub(crate) async fn make_shipping_method(
        &self,
        who: &Principal,
        wish: NewShippingMethod,
    ) -> Result<ShippingMethodView, ShippingError> {
        admin(who)?;
        let (id, now) = (ShippingMethodId::generate(), self.clock.now());
        let made = self.store.make_shipping_method(id, wish, now);
        made.await.map_err(refusal)
    }

    pub(crate) async fn replace_shipping_method(
        &self,
        who: &Principal,
        id: ShippingMethodId,
        (sent, wish): (Precondition, NewShippingMethod),
    ) -> Result<ShippingMethodView, ShippingError> {
        admin(who)?;
        let now = self.clock.now();
        let replaced = self.store.replace_shipping_method(id, sent, wish, now);
        replaced.await.map_err(refusal)
    }

    pub(super) async fn list_methods(
        &self,
        all: bool,
    ) -> Result<Vec<ShippingMethodView>, ShippingError> {
        let methods = self.store.shipping_methods().await;
        let mut methods = methods.map_err(|error| ShippingError::Internal(Box::new(error)))?;
        methods.retain(|method| all || method.active);
        Ok(methods)
    }

    /// A method that can be chosen now.
    pub(super) async fn method(
        &self,
        id: ShippingMethodId,
    ) -> Result<ShippingMethodView, ShippingError> {
        let methods = self.list_methods(false).await?;
        let found = methods.into_iter().find(|method| method.id == id);
        found.ok_or_else(|| ShippingError::NotApplicable {
            reason: "there is no such way of shipping".to_owned(),
        })
    }
}

fn admin(who: &Principal) -> Result<(), ShippingError> {
    if who.is_admin() {
        Ok(())
    } else {
        Err(ShippingError::Forbidden)
    }
}

fn refusal(abort: Abort<ShippingError>) -> ShippingError {
    abort.into_refusal(|| ShippingError::Overloaded, ShippingError::Internal)
}
