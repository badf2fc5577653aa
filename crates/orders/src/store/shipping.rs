//! Where ways of shipping are kept. They are few, and read whole.

use async_trait::async_trait;
use contracts::{
    orders::{NewShippingMethod, ShippingError, ShippingMethodView},
    request::Precondition,
    values::{ShippingMethodId, Timestamp},
};
use platform::db::{Abort, StoreError};

/// As many as there may be, those that cannot be chosen any more counted.
pub(crate) const METHODS_MAX: i64 = 50;

#[async_trait]
pub(crate) trait ShippingStore: Send + Sync {
    /// Makes a method, unless there are as many as there may be.
    async fn make_shipping_method(
        &self,
        id: ShippingMethodId,
        wish: NewShippingMethod,
        now: Timestamp,
    ) -> Result<ShippingMethodView, Abort<ShippingError>>;
    /// Changes a method if the version that was sent is current.
    async fn replace_shipping_method(
        &self,
        id: ShippingMethodId,
        sent: Precondition,
        wish: NewShippingMethod,
        now: Timestamp,
    ) -> Result<ShippingMethodView, Abort<ShippingError>>;
    /// All of them, by name.
    async fn shipping_methods(&self) -> Result<Vec<ShippingMethodView>, StoreError>;
}
