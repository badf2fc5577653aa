//! What stands on the shelf of the catalog's stand-in.

use contracts::values::{Currency, Money, ProductId, UserId, VariantId};

/// A thing on the shelf.
#[derive(Debug, Clone)]
pub(crate) struct Thing {
    pub(crate) product_id: ProductId,
    pub(crate) sku: &'static str,
    pub(crate) seller_id: UserId,
    pub(crate) price: Money,
    pub(crate) on_hand: i64,
    pub(crate) reserved: i64,
}

impl Thing {
    /// The variant has the bytes of its product.
    pub(crate) fn variant_id(&self) -> VariantId {
        VariantId::from_bytes(*self.product_id.as_bytes())
    }

    /// Of tea there is a price in euros.
    pub(crate) fn price_in(&self, currency: Option<Currency>) -> Option<Money> {
        match currency {
            Some(currency) if currency != self.price.currency => {
                let is_sold = self.sku == "TEA-1" && currency.code() == "EUR";
                is_sold.then(|| Money::new(1_799, currency))
            }
            Some(_) | None => Some(self.price),
        }
    }
}
