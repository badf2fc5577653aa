//! What lines are and cost at this moment: one reading of the catalog for all that an order or a cart asks of them.

use super::Service;
use crate::domain::promotion::{Goods, Piece};
use contracts::{
    BoxError,
    catalog::{ItemRef, OfferView, ReserveLine, TaxClass},
    values::Currency,
};

/// Lines, each with what is offered for it.
#[derive(Debug, Clone)]
pub(super) struct Looked(Vec<(ReserveLine, Option<OfferView>)>);

impl Looked {
    /// What the lines cost; nothing where the catalog would refuse them anyhow.
    pub(super) fn goods(&self) -> Option<Goods> {
        let pieces = self.0.iter().map(|(line, offer)| {
            let offer = offer.as_ref().filter(|offer| offer.on_sale)?;
            Some(Piece {
                product_id: offer.product_id,
                categories: offer.categories.clone(),
                quantity: line.quantity,
                unit_price: offer.unit_price,
            })
        });
        Goods::of(pieces.collect::<Option<_>>()?).ok()
    }

    /// The currency of the lines, if they have one.
    pub(super) fn currency(&self) -> Option<Currency> {
        self.goods().map(|goods| goods.subtotal.currency)
    }

    /// What is not there any more weighs nothing: it is not sold either.
    pub(super) fn weight_grams(&self) -> u64 {
        let weights = self.0.iter().map(|(line, offer)| {
            let unit = offer.as_ref().map_or(0, |offer| offer.weight_grams);
            u64::from(unit).saturating_mul(u64::from(line.quantity.get()))
        });
        weights.fold(0, u64::saturating_add)
    }

    /// How each line is taxed.
    pub(super) fn tax_classes(&self) -> Vec<TaxClass> {
        let class = |offer: &Option<OfferView>| {
            let offer = offer.as_ref();
            offer.map_or(TaxClass::Standard, |offer| offer.tax_class)
        };
        self.0.iter().map(|(_, offer)| class(offer)).collect()
    }

    /// What is offered for each line.
    pub(super) fn into_offers(self) -> impl Iterator<Item = Option<OfferView>> {
        self.0.into_iter().map(|(_, offer)| offer)
    }
}

impl Service {
    /// Looks at lines: in this currency, or each in its own.
    pub(super) async fn look(
        &self,
        lines: Vec<ReserveLine>,
        currency: Option<Currency>,
    ) -> Result<Looked, BoxError> {
        if lines.is_empty() {
            return Ok(Looked(Vec::new()));
        }
        let items = lines.iter().map(|line| line.item.clone()).collect();
        let offers = self.offered(items, currency).await?;
        Ok(Looked(lines.into_iter().zip(offers).collect()))
    }

    /// What is offered now. In a currency that the shop does not sell in nothing is, whatever price stands there.
    pub(super) async fn offered(
        &self,
        items: Vec<ItemRef>,
        currency: Option<Currency>,
    ) -> Result<Vec<Option<OfferView>>, BoxError> {
        let offers = self.catalog.offers(items, currency).await?;
        match currency {
            Some(currency) if !self.sells_in(currency).await? => {
                let none = |offer: OfferView| offer.without_a_price();
                Ok(offers.into_iter().map(|offer| offer.map(none)).collect())
            }
            Some(_) | None => Ok(offers),
        }
    }

    /// Whether the shop sells in this currency.
    pub(super) async fn sells_in(&self, currency: Currency) -> Result<bool, BoxError> {
        Ok(self.catalog.currencies().await?.contains(&currency))
    }
}
