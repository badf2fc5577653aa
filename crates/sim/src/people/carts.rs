//! People who put things into a cart first, and buy that.

use super::{Board, Buyer};
use crate::{client::Wish, record::Good};
use checker::{Action, Outcome, Told};
use contracts::{orders::CartView, values::OrderId};
use platform::digest;
use std::sync::Arc;

impl Buyer {
    /// Puts some things into the cart, on top of what is in it, and buys all of it. Whoever hears nothing leaves it.
    pub(super) async fn fill_a_cart(&mut self, board: &Board) {
        let Some(mut cart) = self.in_cart(Action::OpenCart).await else {
            return;
        };
        for _ in 0..self.client.random.between(1, 2) {
            let goods = Arc::clone(&self.client.town.goods);
            let Some(good) = self.client.random.pick(&goods) else {
                return;
            };
            let Good { variant, .. } = *good;
            let units = u32::try_from(self.client.random.between(1, 3)).unwrap_or(1);
            let item = Action::SetCartItem {
                cart: cart.id,
                variant,
                units,
            };
            let Some(seen) = self.in_cart(item).await else {
                return;
            };
            cart = seen;
        }
        if let Some(method) = self.shipping() {
            let cart_id = cart.id;
            let way = Action::SetCartShipping {
                cart: cart_id,
                method,
            };
            let Some(seen) = self.in_cart(way).await else {
                return;
            };
            cart = seen;
        }
        let at_once = self.client.random.chance(500);
        let method = if at_once { Some(self.method()) } else { None };
        let lines = cart.items.iter();
        let lines = lines.map(|line| (line.variant_id, line.quantity.get()));
        let action = Action::Place {
            lines: lines.collect(),
            method,
            code: None,
            shipping: None,
            cart: Some(cart.id),
        };
        let key = self.key();
        let wish = Wish {
            order: Some(becomes(&cart)),
            ..Wish::keyed(action, key)
        };
        self.place(&wish, at_once, board).await;
    }

    async fn in_cart(&mut self, action: Action) -> Option<CartView> {
        match self.client.ask(&Wish::plain(action)).await {
            Outcome::Ok(answer) => match answer.told {
                Told::Cart(cart) => Some(*cart),
                Told::Order(_)
                | Told::Payment(_)
                | Told::Refund(_)
                | Told::Return(_)
                | Told::Stock(_)
                | Told::Product(_)
                | Told::Other => None,
            },
            Outcome::Refused(_) | Outcome::Unknown(_) => None,
        }
    }
}

/// The order that a cart becomes as it is now: a promise of the shop, so that anybody can tell.
fn becomes(cart: &CartView) -> OrderId {
    let version = cart.version.get().to_string();
    OrderId::from_bytes(digest::derived_id(&format!("cart {}", cart.id), &version))
}
