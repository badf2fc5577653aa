//! Where tax rates are kept. They are few, and read whole.

use async_trait::async_trait;
use contracts::{
    orders::{NewTaxRate, TaxError, TaxRateView},
    request::{Answered, Precondition},
    values::{TaxRateId, Timestamp},
};
use platform::db::{Abort, StoreError, keys::Making};

/// As many as there may be: every state of every country that has some, and more.
pub(crate) const RATES_MAX: usize = 1_000;

#[async_trait]
pub(crate) trait TaxStore: Send + Sync {
    /// Makes a rate, unless its place has one of its class.
    async fn make_tax_rate(
        &self,
        making: Making<TaxRateId>,
        wish: NewTaxRate,
    ) -> Result<Answered<TaxRateView>, Abort<TaxError>>;
    /// Changes a rate if the version that was sent is current.
    async fn replace_tax_rate(
        &self,
        id: TaxRateId,
        sent: Precondition,
        wish: NewTaxRate,
        now: Timestamp,
    ) -> Result<TaxRateView, Abort<TaxError>>;
    /// Takes a rate away, likewise; orders keep what they were taxed.
    async fn delete_tax_rate(
        &self,
        id: TaxRateId,
        sent: Precondition,
    ) -> Result<(), Abort<TaxError>>;
    /// All of them, by place and class.
    async fn tax_rates(&self) -> Result<Vec<TaxRateView>, StoreError>;
}
