//! Carts and discounts as the traits want them: each method hands its one transaction on to the file that has it.

use super::{SqliteStore, carts, discounts, storage};
use crate::{
    domain::cart::{Bounds, Cart, Choice, NewCart, SetLine},
    store::{CartStore, DiscountStore, discounts::Used, view},
};
use async_trait::async_trait;
use contracts::{
    orders::{CartError, DiscountCode, DiscountError, DiscountQuery, DiscountView, NewDiscount},
    request::{Answered, Precondition},
    values::{CartId, DiscountId, Page, Timestamp, UserId, Version},
};
use platform::db::{
    Abort, StoreError,
    keys::{self, Making},
};

#[async_trait]
impl CartStore for SqliteStore {
    async fn open_cart(&self, new: NewCart) -> Result<(Cart, bool), Abort<CartError>> {
        self.database.write(move |c| carts::open(c, &new)).await
    }

    async fn open_cart_of(&self, user: UserId) -> Result<Option<Cart>, StoreError> {
        self.database.read(move |c| carts::open_of(c, user)).await
    }

    async fn cart(&self, id: CartId) -> Result<Option<Cart>, StoreError> {
        self.database.read(move |c| carts::find(c, id)).await
    }

    async fn set_cart_line(
        &self,
        id: CartId,
        wish: SetLine,
        bounds: Bounds,
        now: Timestamp,
    ) -> Result<Cart, Abort<CartError>> {
        self.database
            .write(move |c| carts::set(c, id, &wish, bounds, now))
            .await
    }

    async fn choose_in_cart(
        &self,
        id: CartId,
        choice: Choice,
        bounds: Bounds,
        now: Timestamp,
    ) -> Result<Cart, Abort<CartError>> {
        self.database
            .write(move |c| carts::choose(c, id, choice, bounds, now))
            .await
    }

    async fn merge_cart(
        &self,
        from: CartId,
        into: NewCart,
        bounds: Bounds,
    ) -> Result<Cart, Abort<CartError>> {
        self.database
            .write(move |c| carts::merge(c, from, &into, bounds))
            .await
    }

    async fn touch_cart(
        &self,
        id: CartId,
        version: Version,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.database
            .write(move |c| carts::touch(c, id, version, now))
            .await
            .map_err(storage)
    }

    async fn sweep_carts(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        // Most rounds find nothing, and nothing waits for the writer then.
        if !self.database.read(move |c| carts::any_over(c, now)).await? {
            return Ok(0);
        }
        self.database
            .write(move |c| carts::sweep(c, now, limit))
            .await
            .map_err(storage)
    }
}

#[async_trait]
impl DiscountStore for SqliteStore {
    async fn make_discount(
        &self,
        making: Making<DiscountId>,
        wish: NewDiscount,
    ) -> Result<Answered<DiscountView>, Abort<DiscountError>> {
        self.database
            .write(move |c| {
                let once = (making.request.as_ref(), making.at);
                keys::once(
                    c,
                    once,
                    || DiscountError::KeyReused,
                    || discounts::make(c, making.id, wish, making.at),
                )
            })
            .await
    }

    async fn replace_discount(
        &self,
        id: DiscountId,
        sent: Precondition,
        wish: NewDiscount,
        now: Timestamp,
    ) -> Result<DiscountView, Abort<DiscountError>> {
        self.database
            .write(move |c| discounts::replace(c, id, (sent, wish), now))
            .await
    }

    async fn discount(&self, id: DiscountId) -> Result<Option<DiscountView>, StoreError> {
        self.database.read(move |c| discounts::find(c, id)).await
    }

    async fn discount_of(
        &self,
        code: DiscountCode,
        customer_key: [u8; 32],
    ) -> Result<Option<(DiscountView, i64)>, StoreError> {
        self.database
            .read(move |c| discounts::of_code(c, &code, customer_key))
            .await
    }

    async fn automatic_discounts(&self) -> Result<Vec<DiscountView>, StoreError> {
        self.database.read(discounts::automatic).await
    }

    async fn used(&self, ids: Vec<DiscountId>, customer_key: [u8; 32]) -> Result<Used, StoreError> {
        self.database
            .read(move |c| discounts::used(c, &ids, customer_key))
            .await
    }

    async fn count_discounts(&self, most: i64) -> Result<[i64; 2], StoreError> {
        self.database
            .read(move |c| discounts::counts(c, most))
            .await
    }

    async fn discounts(
        &self,
        query: DiscountQuery,
    ) -> Result<Page<DiscountView>, Abort<DiscountError>> {
        let after = view::code_position(query.cursor.as_ref()).map_err(Abort::Refused)?;
        Ok(self
            .database
            .read(move |c| discounts::list(c, &query, &after))
            .await?)
    }

    async fn audit_discounts(&self) -> Result<Vec<String>, StoreError> {
        self.database.read(discounts::differing).await
    }
}
