//! Where ways of shipping are kept. They are few, and read whole.

use async_trait::async_trait;
use contracts::{
    orders::{
        NewShippingMethod, ShippingBand, ShippingError, ShippingMethodView, ShippingTariff,
        ShippingZone,
    },
    request::{Answered, Precondition},
    values::{ShippingMethodId, Timestamp},
};
use platform::db::{Abort, StoreError, keys::Making};
use serde::{Deserialize, Serialize};

/// As many as there may be, those that cannot be chosen any more counted.
pub(crate) const METHODS_MAX: i64 = 50;

/// What a method costs otherwise than always the same, as it is kept: one document, or none.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Rules {
    pub(super) weight_max_grams: Option<u64>,
    pub(super) bands: Vec<ShippingBand>,
    pub(super) zones: Vec<ShippingZone>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) currencies: Vec<ShippingTariff>,
}

impl Rules {
    pub(super) fn of(json: Option<&str>) -> Result<Self, StoreError> {
        let rules = json.map(serde_json::from_str).transpose();
        let rules = rules.map_err(|error| StoreError::Other(Box::new(error)))?;
        Ok(rules.unwrap_or_default())
    }

    pub(super) fn document(method: &ShippingMethodView) -> Result<Option<String>, StoreError> {
        let rules = Self {
            weight_max_grams: method.weight_max_grams,
            bands: method.bands.clone(),
            zones: method.zones.clone(),
            currencies: method.currencies.clone(),
        };
        if rules == Self::default() {
            return Ok(None);
        }
        let json = serde_json::to_string(&rules);
        json.map(Some)
            .map_err(|error| StoreError::Other(Box::new(error)))
    }
}

#[async_trait]
pub(crate) trait ShippingStore: Send + Sync {
    /// Makes a method, unless there are as many as there may be.
    async fn make_shipping_method(
        &self,
        making: Making<ShippingMethodId>,
        wish: NewShippingMethod,
    ) -> Result<Answered<ShippingMethodView>, Abort<ShippingError>>;
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
