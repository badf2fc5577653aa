//! What somebody wants of orders: to buy, or to see one; and who they are.

use super::{DiscountCode, NewAddress};
use crate::{
    access::{Actor, Principal},
    values::{
        CartId, Currency, Email, MoneyInput, ProductId, Quantity, ShippingMethodId, VariantId,
    },
};
use serde::{Deserialize, Serialize};

/// A wish to buy.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlaceOrder {
    /// What, at least one line, unless a cart is named. Lines may name the same thing twice.
    #[serde(default)]
    pub items: Vec<OrderItem>,
    /// The cart to buy instead of lines. It becomes one order, whatever the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cart_id: Option<CartId>,
    /// The currency to pay in, all of it; the products' own when absent. A cart has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// A code that takes something off; a cart has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discount_code: Option<DiscountCode>,
    /// How it is shipped (`shipping-methods`); a cart has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_method: Option<ShippingMethodId>,
    /// Where it goes; a cart has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<NewAddress>,
    /// What the buyer thinks it costs: refused with the right total when it differs.
    pub total: Option<MoneyInput>,
    /// Where to write to: required of guests, not used for users.
    pub email: Option<Email>,
    /// How to pay, at once. Without it the order waits to be paid.
    pub payment: Option<PayWith>,
}

/// A line of a wish: a product (its default variant) or a variant.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderItem {
    /// The product...
    pub product_id: Option<ProductId>,
    /// ...or the variant.
    pub variant_id: Option<VariantId>,
    /// How many.
    pub quantity: Quantity,
}

/// How to pay.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PayWith {
    /// The provider's token for a means of payment; never a card number.
    #[schema(example = "tok_ok")]
    pub method: String,
}

/// Who buys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Buyer {
    /// A signed-in user.
    User(Principal),
    /// Somebody without an account, known by the wish's e-mail address.
    Guest,
}

/// Who wants to see an order.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// The signed-in user.
    pub principal: Option<Principal>,
    /// The token that a guest got with the order (`Order-Token`).
    pub order_token: Option<String>,
}

impl Reader {
    /// A signed-in reader.
    #[must_use]
    pub fn user(principal: Principal) -> Self {
        Self {
            principal: Some(principal),
            order_token: None,
        }
    }

    /// The reader as the actor of a change.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.principal.clone().map_or(Actor::Guest, Actor::User)
    }
}
