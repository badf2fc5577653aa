//! Taxes: rates, which admins make and change, and what an order is taxed with, agreed when it is asked for.

use super::{Service, looked::Looked, terms::admin};
use crate::domain::{
    rate,
    tax::{TaxMode, TaxTerms},
};
use contracts::{
    BoxError,
    access::Principal,
    orders::{Address, NewTaxRate, TaxError, TaxRateView},
    request::{Answered, IdempotencyKey, Precondition},
    values::TaxRateId,
};
use platform::db::Abort;

impl Service {
    pub(crate) async fn make_tax_rate(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewTaxRate,
    ) -> Result<Answered<TaxRateView>, TaxError> {
        admin(who, TaxError::Forbidden)?;
        let place = (who, "/api/v1/tax-rates");
        let making = self
            .making(place, TaxRateId::generate(), (key.as_ref(), &wish))
            .map_err(TaxError::Internal)?;
        let made = self.store.make_tax_rate(making, wish);
        made.await.map_err(refusal)
    }

    pub(crate) async fn replace_tax_rate(
        &self,
        who: &Principal,
        id: TaxRateId,
        (sent, wish): (Precondition, NewTaxRate),
    ) -> Result<TaxRateView, TaxError> {
        admin(who, TaxError::Forbidden)?;
        let now = self.clock.now();
        let replaced = self.store.replace_tax_rate(id, sent, wish, now);
        replaced.await.map_err(refusal)
    }

    pub(crate) async fn delete_tax_rate(
        &self,
        who: &Principal,
        id: TaxRateId,
        sent: Precondition,
    ) -> Result<(), TaxError> {
        admin(who, TaxError::Forbidden)?;
        let deleted = self.store.delete_tax_rate(id, sent);
        deleted.await.map_err(refusal)
    }

    pub(crate) async fn tax_rates(&self) -> Result<Vec<TaxRateView>, TaxError> {
        let rates = self.store.tax_rates().await;
        rates.map_err(|error| TaxError::Internal(Box::new(error)))
    }

    /// Whether orders have taxes here.
    pub(super) fn taxes(&self) -> bool {
        self.config.tax != TaxMode::Off
    }

    /// What lines are taxed with where they go, or where the shop is; nothing where there is no tax.
    pub(super) async fn tax_terms(
        &self,
        address: Option<&Address>,
        looked: &Looked,
    ) -> Result<Option<TaxTerms>, BoxError> {
        if !self.taxes() {
            return Ok(None);
        }
        let there = address.map(|address| address.country);
        let Some(country) = there.or(self.config.tax_country.0) else {
            return Ok(None);
        };
        let region = address.and_then(|address| address.region.as_deref());
        let mut rates = rate::of_place(self.store.tax_rates().await?, country, region);
        rates.sort_unstable_by_key(|rate| rate.class);
        if rates.is_empty() {
            return Ok(None);
        }
        Ok(Some(TaxTerms {
            included: self.config.tax == TaxMode::Included,
            rounding: self.config.tax_rounding,
            rates,
            classes: looked.tax_classes(),
        }))
    }
}

fn refusal(abort: Abort<TaxError>) -> TaxError {
    abort.into_refusal(|| TaxError::Overloaded, TaxError::Internal)
}
