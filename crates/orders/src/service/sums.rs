//! What a cart costs, before it is an order.

use super::{Service, discounts::unpriced, looked::Looked};
use crate::domain::{
    offers::{self, Offer},
    pricing::Unpriced,
};
use contracts::{
    orders::{CartError, CartView, DiscountError, DiscountView, ShippingError, ShippingMethodView},
    problem::ToProblem,
    values::UserId,
};

impl Service {
    /// What the cart costs beside its lines now, or why it does not.
    pub(super) async fn show_parts(
        &self,
        view: &mut CartView,
        looked: &Looked,
        customer: Option<UserId>,
    ) -> Result<(), CartError> {
        let Some(goods) = looked.goods() else {
            return Ok(());
        };
        let internal = |error| CartError::Internal(Box::new(error));
        let key = self.customer_key(customer, None);
        let automatic = self.automatic_now().await.map_err(internal)?;
        let automatic = self.with_room(automatic, key).await.map_err(internal)?;
        let mut coded = self.coded(view, customer).await?;
        let mut shipping = self.chosen(view, looked).await?;
        let taxes = self.tax_terms(view.shipping_address.as_ref(), looked).await;
        let taxes = taxes.map_err(CartError::Internal)?;
        // Each of both may turn out not to be for these goods.
        let offers = loop {
            match offers::offers(
                &goods,
                &automatic,
                coded.as_ref(),
                (shipping.as_ref(), taxes.as_ref()),
            ) {
                Err(Unpriced::NotShipped(reason)) if shipping.is_some() => {
                    view.shipping_refused = Some(reason);
                    shipping = None;
                }
                Err(why @ Unpriced::NotApplicable(_)) if coded.is_some() => {
                    view.discount_refused = Some(unpriced(why).to_problem().detail);
                    coded = None;
                }
                offers => break offers,
            }
        };
        let best = offers.ok().and_then(|offers| offers.into_iter().next());
        if let Some(Offer { priced, .. }) = best {
            view.total = Some(priced.total);
            view.parts = priced.parts;
        }
        Ok(())
    }

    /// The discount of the cart's code, if it is given now.
    async fn coded(
        &self,
        view: &mut CartView,
        customer: Option<UserId>,
    ) -> Result<Option<DiscountView>, CartError> {
        let Some(code) = &view.discount_code else {
            return Ok(None);
        };
        match self.given(code, customer, None).await {
            Ok(discount) => Ok(Some(discount)),
            Err(DiscountError::Internal(cause)) => Err(CartError::Internal(cause)),
            Err(error) => {
                view.discount_refused = Some(error.to_problem().detail);
                Ok(None)
            }
        }
    }

    /// How the cart is shipped, if that can be chosen now.
    async fn chosen(
        &self,
        view: &mut CartView,
        looked: &Looked,
    ) -> Result<Option<ShippingMethodView>, CartError> {
        let Some(id) = view.shipping_method else {
            return Ok(None);
        };
        let address = view.shipping_address.as_ref();
        match self.method_for(id, address, looked).await {
            Ok(method) => Ok(Some(method)),
            Err(ShippingError::Internal(cause)) => Err(CartError::Internal(cause)),
            Err(error) => {
                view.shipping_refused = Some(error.to_problem().detail);
                Ok(None)
            }
        }
    }
}
