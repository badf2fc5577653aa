//! Where discounts are kept: beside orders, so that a use is counted in the order's own commit, and freed in the one
//! that calls the order off.

use async_trait::async_trait;
use contracts::{
    orders::{
        BuyGet, DiscountCode, DiscountError, DiscountQuery, DiscountView, NewDiscount, Selection,
        TakesOff,
    },
    request::{Answered, Precondition},
    values::{DiscountId, Page, Timestamp},
};
use platform::db::{Abort, StoreError, keys::Making};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// As many as may be given by themselves at a time: an order looks at each of them.
pub(crate) const AUTOMATIC_MAX: usize = 50;

/// What a discount is for, as it is kept: nothing is searched in it.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rules {
    #[serde(default)]
    pub(crate) takes_off: TakesOff,
    #[serde(default)]
    pub(crate) only: Option<Selection>,
    #[serde(default)]
    pub(crate) buy: Option<BuyGet>,
}

impl Rules {
    /// Nothing is kept of a discount that is for everything.
    pub(crate) fn text_of(discount: &DiscountView) -> Result<Option<String>, StoreError> {
        let rules = Self {
            takes_off: discount.takes_off,
            only: discount.only.clone(),
            buy: discount.buy.clone(),
        };
        let some = (rules != Self::default()).then_some(rules);
        let text = some.map(|rules| serde_json::to_string(&rules)).transpose();
        text.map_err(|error| StoreError::Other(Box::new(error)))
    }

    pub(crate) fn parse(text: Option<&str>) -> Result<Self, serde_json::Error> {
        text.map_or_else(|| Ok(Self::default()), serde_json::from_str)
    }
}

/// How often discounts are used, in all and by one customer.
pub(crate) type Used = HashMap<DiscountId, (i64, i64)>;

/// Three books must tell the same: the counter of a discount, the rows of its uses, and the orders that have its code.
pub(crate) const DIFFERING: &str = "SELECT d.code FROM discounts d
  WHERE d.uses_max IS NOT NULL
    AND d.uses <> (SELECT COUNT(*) FROM discount_uses u WHERE u.discount_id = d.discount_id)
 UNION
 SELECT d.code FROM discount_uses u
   JOIN discounts d ON d.discount_id = u.discount_id
   LEFT JOIN orders o ON o.order_number = u.order_number
  WHERE o.order_number IS NULL OR o.status = 'cancelled'
 UNION
 SELECT d.code FROM order_parts p
   JOIN discounts d ON d.code = COALESCE(p.code, p.title)
   JOIN orders o ON o.order_number = p.order_number
  WHERE p.kind IN ('discount', 'shipping_discount') AND o.status <> 'cancelled'
    AND (d.uses_max IS NOT NULL OR d.customer_uses_max IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM discount_uses u
                     WHERE u.order_number = p.order_number AND u.discount_id = d.discount_id)
  LIMIT 10";

#[async_trait]
pub(crate) trait DiscountStore: Send + Sync {
    /// Makes a discount.
    async fn make_discount(
        &self,
        making: Making<DiscountId>,
        wish: NewDiscount,
    ) -> Result<Answered<DiscountView>, Abort<DiscountError>>;
    /// Changes a discount if the version that was sent is current.
    async fn replace_discount(
        &self,
        id: DiscountId,
        sent: Precondition,
        wish: NewDiscount,
        now: Timestamp,
    ) -> Result<DiscountView, Abort<DiscountError>>;
    /// One discount.
    async fn discount(&self, id: DiscountId) -> Result<Option<DiscountView>, StoreError>;
    /// The discount of this code, and how often this customer has it, if that is counted.
    async fn discount_of(
        &self,
        code: DiscountCode,
        customer_key: [u8; 32],
    ) -> Result<Option<(DiscountView, i64)>, StoreError>;
    /// Those that are given by themselves, by code. Windows and limits are not looked at.
    async fn automatic_discounts(&self) -> Result<Vec<DiscountView>, StoreError>;
    /// How often these are used, in all and by this customer, as far as it is counted.
    async fn used(&self, ids: Vec<DiscountId>, customer_key: [u8; 32]) -> Result<Used, StoreError>;
    /// How many are given, and how many ended: of so many rows.
    async fn count_discounts(&self, most: i64) -> Result<[i64; 2], StoreError>;
    /// A page, by code.
    async fn discounts(
        &self,
        query: DiscountQuery,
    ) -> Result<Page<DiscountView>, Abort<DiscountError>>;
    /// Codes that are counted otherwise than their orders have them, at most ten.
    async fn audit_discounts(&self) -> Result<Vec<String>, StoreError>;
}
