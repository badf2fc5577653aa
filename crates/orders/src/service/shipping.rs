//! Ways of shipping: made and changed by admins, chosen for orders. What one costs is agreed when the order is asked
//! for.

use super::{Service, looked::Looked, terms::admin};
use crate::domain::{
    pricing::{self, Unpriced},
    tariff::{self, Parcel},
};
use contracts::{
    access::Principal,
    orders::{
        Address, CartError, CartHolder, NewShippingMethod, PartKind, ShippingChoice, ShippingError,
        ShippingMethodView,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{CartId, ShippingMethodId},
};
use platform::db::Abort;

impl Service {
    pub(crate) async fn make_shipping_method(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewShippingMethod,
    ) -> Result<Answered<ShippingMethodView>, ShippingError> {
        admin(who, ShippingError::Forbidden)?;
        let place = (who, "/api/v1/shipping-methods");
        let making = self
            .making(place, ShippingMethodId::generate(), (key.as_ref(), &wish))
            .map_err(ShippingError::Internal)?;
        let made = self.store.make_shipping_method(making, wish);
        made.await.map_err(refusal)
    }

    pub(crate) async fn replace_shipping_method(
        &self,
        who: &Principal,
        id: ShippingMethodId,
        (sent, wish): (Precondition, NewShippingMethod),
    ) -> Result<ShippingMethodView, ShippingError> {
        admin(who, ShippingError::Forbidden)?;
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

    /// A method that can be chosen now, as it is for where lines go, what they weigh, and what they are paid in.
    pub(super) async fn method_for(
        &self,
        id: ShippingMethodId,
        address: Option<&Address>,
        looked: &Looked,
    ) -> Result<ShippingMethodView, ShippingError> {
        let method = self.method(id).await?;
        let parcel = Parcel {
            address,
            weight_grams: looked.weight_grams(),
            currency: looked.currency(),
        };
        tariff::fitted(&method, parcel).map_err(not_shipped)
    }

    /// The methods that take a cart as it is now, and what each costs.
    pub(super) async fn ways_for_cart(
        &self,
        who: &CartHolder,
        id: CartId,
    ) -> Result<Vec<ShippingChoice>, CartError> {
        let cart = self.held_cart(who, id).await?;
        let (view, looked) = self.looked_cart(cart).await?;
        let Some(subtotal) = view.subtotal else {
            return Ok(Vec::new());
        };
        let mut off = view
            .parts
            .iter()
            .filter(|part| part.kind == PartKind::Discount);
        let left = off.try_fold(subtotal, |left, part| left.plus(part.amount));
        let left = left.map_err(|error| CartError::Internal(error.into()))?;
        let methods = self
            .list_methods(false)
            .await
            .map_err(CartError::Shipping)?;
        let parcel = Parcel {
            address: view.shipping_address.as_ref(),
            weight_grams: looked.weight_grams(),
            currency: Some(subtotal.currency),
        };
        let choice = |method: ShippingMethodView| {
            let fitted = tariff::fitted(&method, parcel).ok()?;
            Some(ShippingChoice {
                method: method.id,
                price: pricing::carried(left, &fitted).ok()?,
                name: method.name,
            })
        };
        Ok(methods.into_iter().filter_map(choice).collect())
    }
}

/// Why it cannot be shipped so, as buyers hear it.
fn not_shipped(why: Unpriced) -> ShippingError {
    match why {
        Unpriced::NotShipped(reason) | Unpriced::NotApplicable(reason) => {
            ShippingError::NotApplicable { reason }
        }
        Unpriced::OutOfRange => ShippingError::Internal("prices do not add up".into()),
    }
}

fn refusal(abort: Abort<ShippingError>) -> ShippingError {
    abort.into_refusal(|| ShippingError::Overloaded, ShippingError::Internal)
}
