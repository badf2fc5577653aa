//! Carts and discounts as the traits want them: each method hands its one transaction on to the file that has it.

use super::{PostgresStore, carts, discounts, storage};
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
use platform::db::{Abort, StoreError, keys::Making, postgres::keys};

#[async_trait]
impl CartStore for PostgresStore {
    async fn open_cart(&self, new: NewCart) -> Result<(Cart, bool), Abort<CartError>> {
        self.database
            .write(new, |c, new| Box::pin(carts::open(c, new)))
            .await
    }

    async fn open_cart_of(&self, user: UserId) -> Result<Option<Cart>, StoreError> {
        carts::open_of(&*self.database.snapshot().await?, user).await
    }

    async fn cart(&self, id: CartId) -> Result<Option<Cart>, StoreError> {
        carts::find(&*self.database.snapshot().await?, id).await
    }

    async fn set_cart_line(
        &self,
        id: CartId,
        wish: SetLine,
        bounds: Bounds,
        now: Timestamp,
    ) -> Result<Cart, Abort<CartError>> {
        self.database
            .write(wish, move |c, wish| {
                Box::pin(carts::set(c, id, wish, bounds, now))
            })
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
            .write(choice, move |c, choice| {
                Box::pin(carts::choose(c, id, choice.clone(), bounds, now))
            })
            .await
    }

    async fn merge_cart(
        &self,
        from: CartId,
        into: NewCart,
        bounds: Bounds,
    ) -> Result<Cart, Abort<CartError>> {
        self.database
            .write(into, move |c, into| {
                Box::pin(carts::merge(c, from, into, bounds))
            })
            .await
    }

    async fn touch_cart(
        &self,
        id: CartId,
        version: Version,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.database
            .write((id, version), move |c, cart| {
                Box::pin(carts::touch(c, *cart, now))
            })
            .await
            .map_err(storage)
    }

    async fn sweep_carts(&self, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
        if !carts::any_over(&self.database.read().await?, now).await? {
            return Ok(0);
        }
        self.database
            .write((), move |c, ()| Box::pin(carts::sweep(c, now, limit)))
            .await
            .map_err(storage)
    }
}

#[async_trait]
impl DiscountStore for PostgresStore {
    async fn make_discount(
        &self,
        making: Making<DiscountId>,
        wish: NewDiscount,
    ) -> Result<Answered<DiscountView>, Abort<DiscountError>> {
        self.database
            .write((wish, making), |c, (wish, making)| {
                let once = (making.request.as_ref(), making.at);
                let made = discounts::make(c, making.id, wish, making.at);
                Box::pin(keys::once(c, once, || DiscountError::KeyReused, made))
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
            .write(wish, move |c, wish| {
                Box::pin(discounts::replace(c, id, (sent, wish.clone()), now))
            })
            .await
    }

    async fn discount(&self, id: DiscountId) -> Result<Option<DiscountView>, StoreError> {
        discounts::find(&self.database.read().await?, id).await
    }

    async fn discount_of(
        &self,
        code: DiscountCode,
        customer_key: [u8; 32],
    ) -> Result<Option<(DiscountView, i64)>, StoreError> {
        discounts::of_code(&self.database.read().await?, &code, customer_key).await
    }

    async fn automatic_discounts(&self) -> Result<Vec<DiscountView>, StoreError> {
        discounts::automatic(&self.database.read().await?).await
    }

    async fn used(&self, ids: Vec<DiscountId>, customer_key: [u8; 32]) -> Result<Used, StoreError> {
        discounts::used(&self.database.read().await?, &ids, customer_key).await
    }

    async fn count_discounts(&self, most: i64) -> Result<[i64; 2], StoreError> {
        discounts::count(&self.database.read().await?, most).await
    }

    async fn discounts(
        &self,
        query: DiscountQuery,
    ) -> Result<Page<DiscountView>, Abort<DiscountError>> {
        let after = view::code_position(query.cursor.as_ref()).map_err(Abort::Refused)?;
        let connection = self.database.read().await?;
        Ok(discounts::list(&connection, &query, &after).await?)
    }

    async fn audit_discounts(&self) -> Result<Vec<String>, StoreError> {
        discounts::differing(&self.database.read().await?).await
    }
}
