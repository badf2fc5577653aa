//! Where discounts are kept: beside orders, so that a use is counted in the order's own commit, and freed in the one
//! that calls the order off.

use async_trait::async_trait;
use contracts::{
    orders::{DiscountCode, DiscountError, DiscountQuery, DiscountView, NewDiscount},
    request::Precondition,
    values::{DiscountId, Page, Timestamp},
};
use platform::db::{Abort, StoreError};

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
   JOIN discounts d ON d.code = p.title
   JOIN orders o ON o.order_number = p.order_number
  WHERE p.kind = 'discount' AND o.status <> 'cancelled'
    AND (d.uses_max IS NOT NULL OR d.customer_uses_max IS NOT NULL)
    AND NOT EXISTS (SELECT 1 FROM discount_uses u
                     WHERE u.order_number = p.order_number AND u.discount_id = d.discount_id)
  LIMIT 10";

#[async_trait]
pub(crate) trait DiscountStore: Send + Sync {
    /// Makes a discount.
    async fn make_discount(
        &self,
        id: DiscountId,
        wish: NewDiscount,
        now: Timestamp,
    ) -> Result<DiscountView, Abort<DiscountError>>;
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
    /// A page, by code.
    async fn discounts(
        &self,
        query: DiscountQuery,
    ) -> Result<Page<DiscountView>, Abort<DiscountError>>;
    /// Codes that are counted otherwise than their orders have them, at most ten.
    async fn audit_discounts(&self) -> Result<Vec<String>, StoreError>;
}
