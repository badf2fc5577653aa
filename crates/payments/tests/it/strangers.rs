//! What orders have besides, and payments have nothing to do with.

use crate::fakes::FakeOrders;
use async_trait::async_trait;
use contracts::{
    BoxError,
    access::Principal,
    catalog::Purchases,
    orders::*,
    request::{Answered, IdempotencyKey, Precondition},
    values::*,
};

fn no_cart<T>() -> Result<T, CartError> {
    Err(CartError::Internal("payments must not call this".into()))
}

#[async_trait]
impl Carts for FakeOrders {
    async fn open_cart(&self, _: &CartHolder, _: String) -> Result<Answered<CartView>, CartError> {
        no_cart()
    }

    async fn cart(&self, _: &CartHolder, _: CartId) -> Result<CartView, CartError> {
        no_cart()
    }

    async fn set_cart_item(
        &self,
        _: &CartHolder,
        _: CartId,
        _: SetCartItem,
    ) -> Result<CartView, CartError> {
        no_cart()
    }

    async fn set_cart_discount(
        &self,
        _: &CartHolder,
        _: CartId,
        _: Option<DiscountCode>,
    ) -> Result<CartView, CartError> {
        no_cart()
    }

    async fn set_cart_currency(
        &self,
        _: &CartHolder,
        _: CartId,
        _: Option<Currency>,
    ) -> Result<CartView, CartError> {
        no_cart()
    }

    async fn set_cart_shipping(
        &self,
        _: &CartHolder,
        _: CartId,
        _: Option<ShippingMethodId>,
    ) -> Result<CartView, CartError> {
        no_cart()
    }

    async fn set_cart_address(
        &self,
        _: &CartHolder,
        _: CartId,
        _: Option<NewAddress>,
    ) -> Result<CartView, CartError> {
        no_cart()
    }

    async fn shipping_methods(&self, _: bool) -> Result<Vec<ShippingMethodView>, ShippingError> {
        Err(ShippingError::Internal(
            "payments must not call this".into(),
        ))
    }

    async fn cart_shipping_methods(
        &self,
        _: &CartHolder,
        _: CartId,
    ) -> Result<Vec<ShippingChoice>, CartError> {
        no_cart()
    }

    async fn merge_cart(&self, _: &CartHolder, _: CartId) -> Result<CartView, CartError> {
        no_cart()
    }

    async fn check_out(
        &self,
        _: &CartHolder,
        _: CartId,
        _: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        no_cart().map_err(PlaceOrderError::Cart)
    }
}

#[async_trait]
impl Purchases for FakeOrders {
    async fn has_bought(&self, _: UserId, _: ProductId) -> Result<bool, BoxError> {
        Err("payments must not call this".into())
    }
}

fn no_discount<T>() -> Result<T, DiscountError> {
    Err(DiscountError::Internal(
        "payments must not call this".into(),
    ))
}

#[async_trait]
impl Discounts for FakeOrders {
    async fn make_discount(
        &self,
        _: &Principal,
        _: Option<IdempotencyKey>,
        _: NewDiscount,
    ) -> Result<Answered<DiscountView>, DiscountError> {
        no_discount()
    }

    async fn replace_discount(
        &self,
        _: &Principal,
        _: DiscountId,
        _: Precondition,
        _: NewDiscount,
    ) -> Result<DiscountView, DiscountError> {
        no_discount()
    }

    async fn discount(&self, _: &Principal, _: DiscountId) -> Result<DiscountView, DiscountError> {
        no_discount()
    }

    async fn discount_counts(&self, _: &Principal) -> Result<DiscountCounts, DiscountError> {
        no_discount()
    }

    async fn discounts(
        &self,
        _: &Principal,
        _: DiscountQuery,
    ) -> Result<Page<DiscountView>, DiscountError> {
        no_discount()
    }

    async fn audit_discounts(&self) -> Result<Vec<String>, BoxError> {
        Err("payments must not call this".into())
    }
}
