//! What goods cost, before they are an order: what the catalog asks for them now, and what a cart shows.

use super::{Service, discounts::unpriced};
use crate::domain::{
    offers::{self, Offer},
    pricing::Unpriced,
    promotion::{Goods, Piece},
};
use contracts::{
    catalog::{ItemRef, OfferView, ReserveLine},
    orders::{
        CartError, CartLineView, CartView, DiscountError, DiscountView, PlaceOrderError,
        ShippingError, ShippingMethodView,
    },
    problem::ToProblem,
    values::{Quantity, UserId},
};

/// Goods as they are offered now; nothing where the catalog would refuse them anyhow.
pub(super) fn goods<'o>(
    offers: impl Iterator<Item = (Option<&'o OfferView>, Quantity)>,
) -> Option<Goods> {
    let pieces = offers.map(|(offer, quantity)| {
        let offer = offer.filter(|offer| offer.on_sale)?;
        Some(Piece {
            product_id: offer.product_id,
            categories: offer.categories.clone(),
            quantity,
            unit_price: offer.unit_price,
        })
    });
    Goods::of(pieces.collect::<Option<_>>()?).ok()
}

fn wish(line: &CartLineView) -> ReserveLine {
    ReserveLine {
        item: ItemRef::Variant(line.variant_id),
        quantity: line.quantity,
    }
}

impl Service {
    /// What these lines are and cost now.
    pub(super) async fn looked_at(
        &self,
        lines: &[ReserveLine],
    ) -> Result<Option<Goods>, PlaceOrderError> {
        let items: Vec<ItemRef> = lines.iter().map(|line| line.item.clone()).collect();
        let offers = self.catalog.offers(items).await;
        let offers = offers.map_err(PlaceOrderError::Internal)?;
        let offers = offers.iter().map(Option::as_ref);
        Ok(goods(offers.zip(lines.iter().map(|line| line.quantity))))
    }

    /// What the cart costs beside its lines now, or why it does not.
    pub(super) async fn show_parts(
        &self,
        view: &mut CartView,
        goods: &Goods,
        customer: Option<UserId>,
    ) -> Result<(), CartError> {
        let internal = |error| CartError::Internal(Box::new(error));
        let key = self.customer_key(customer, None);
        let automatic = self.automatic_now().await.map_err(internal)?;
        let automatic = self.with_room(automatic, key).await.map_err(internal)?;
        let mut coded = self.coded(view, customer).await?;
        let mut shipping = self.chosen(view).await?;
        let lines: Vec<ReserveLine> = view.items.iter().map(wish).collect();
        let taxes = self.tax_terms(view.shipping_address.as_ref(), &lines).await;
        let taxes = taxes.map_err(CartError::Internal)?;
        // Each of both may turn out not to be for these goods.
        let offers = loop {
            match offers::offers(
                goods,
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
    async fn chosen(&self, view: &mut CartView) -> Result<Option<ShippingMethodView>, CartError> {
        let Some(id) = view.shipping_method else {
            return Ok(None);
        };
        let lines: Vec<ReserveLine> = view.items.iter().map(wish).collect();
        let address = view.shipping_address.as_ref();
        match self.method_for(id, address, &lines).await {
            Ok(method) => Ok(Some(method)),
            Err(ShippingError::Internal(cause)) => Err(CartError::Internal(cause)),
            Err(error) => {
                view.shipping_refused = Some(error.to_problem().detail);
                Ok(None)
            }
        }
    }
}
