//! Where discounts are kept: beside orders, so that a use is counted in the order's own commit, and freed in the one
//! that calls the order off.

use async_trait::async_trait;
use contracts::{
    orders::{DiscountCode, DiscountError, DiscountQuery, DiscountView, NewDiscount},
    request::Precondition,
    values::{DiscountId, Page, Timestamp},
};
use platform::db::{Abort, StoreError};

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
}
