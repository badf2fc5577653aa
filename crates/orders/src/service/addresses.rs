//! Where orders go: said in the wish, or kept with the cart until it is bought.

use super::Service;
use crate::domain::cart::{self, Choice};
use contracts::{
    orders::{Address, CartError, CartHolder, CartView, NewAddress},
    values::CartId,
};

impl Service {
    pub(super) async fn set_address(
        &self,
        who: &CartHolder,
        id: CartId,
        address: Option<NewAddress>,
    ) -> Result<CartView, CartError> {
        let cart = self.held_cart(who, id).await?;
        cart::check(&cart, None)?;
        let address = address.map(Address::check).transpose();
        let address = address.map_err(CartError::Address)?;
        self.choose(id, Choice::Address(address.map(Box::new)))
            .await
    }
}
