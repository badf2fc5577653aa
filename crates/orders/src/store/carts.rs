//! Where carts are kept: beside orders, so that a cart becomes its order in the order's own commit.

use crate::domain::cart::{Bounds, Cart, Choice, NewCart, SetLine};
use async_trait::async_trait;
use contracts::{
    orders::CartError,
    values::{CartId, Timestamp, UserId, Version},
};
use platform::db::{Abort, StoreError};

#[async_trait]
pub(crate) trait CartStore: Send + Sync {
    /// Opens a cart, or finds the one that its user has open; whether it is a new one.
    async fn open_cart(&self, new: NewCart) -> Result<(Cart, bool), Abort<CartError>>;
    /// The cart that a user has open.
    async fn open_cart_of(&self, user: UserId) -> Result<Option<Cart>, StoreError>;
    /// One cart with its lines.
    async fn cart(&self, id: CartId) -> Result<Option<Cart>, StoreError>;
    /// Sets a line: the cart as it is then.
    async fn set_cart_line(
        &self,
        id: CartId,
        wish: SetLine,
        bounds: Bounds,
        now: Timestamp,
    ) -> Result<Cart, Abort<CartError>>;
    /// Gives a cart a code, or takes it away: the cart as it is then.
    async fn choose_in_cart(
        &self,
        id: CartId,
        choice: Choice,
        bounds: Bounds,
        now: Timestamp,
    ) -> Result<Cart, Abort<CartError>>;
    /// Puts a guest's cart into its user's, which is opened if there is none. Both change in one commit, once.
    async fn merge_cart(
        &self,
        from: CartId,
        into: NewCart,
        bounds: Bounds,
    ) -> Result<Cart, Abort<CartError>>;
    /// Makes an open cart of this version a version older, so that an order that was given up comes of it no more.
    async fn touch_cart(
        &self,
        id: CartId,
        version: Version,
        now: Timestamp,
    ) -> Result<(), StoreError>;
    /// Lets go of carts whose time is over; how many there were.
    async fn sweep_carts(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError>;
}
