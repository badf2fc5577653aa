//! Carts: what somebody means to buy. A cart holds no price truth and reserves nothing; an order comes of it once.

use super::{
    Address, AddressError, DiscountCode, NewAddress, OrderPartView, OrderView, PlaceOrder,
    PlaceOrderError, ShippingChoice, ShippingError, ShippingMethodView,
};
use crate::{
    BoxError,
    access::Principal,
    catalog::{ItemRef, VariantChoice},
    problem::{Code, Problem, ToProblem},
    request::{Answered, Precondition},
    values::{
        CartId, Currency, Money, OrderId, ProductId, ShippingMethodId, Timestamp, UserId,
        VariantId, Version,
    },
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Who comes with a cart.
#[derive(Debug, Clone, Default)]
pub struct CartHolder {
    /// The signed-in user.
    pub principal: Option<Principal>,
    /// The token that came with a guest's cart (`Cart-Token`).
    pub cart_token: Option<String>,
}

/// Where a cart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CartStatus {
    /// It can be changed and bought.
    Open,
    /// It became an order.
    Ordered,
    /// Its lines went into its user's cart.
    Merged,
}

impl CartStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Ordered, Self::Merged];

    /// The word used in storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Ordered => "ordered",
            Self::Merged => "merged",
        }
    }
}

impl std::str::FromStr for CartStatus {
    type Err = crate::values::ValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| crate::values::ValueError::new("is no cart status"))
    }
}

/// What keeps a line from being bought as it was last shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CartLineChange {
    /// It is not on sale any more.
    Unavailable,
    /// It has no price in the cart's currency.
    NotPriced,
    /// Fewer are left than are wanted.
    InsufficientStock,
    /// It costs something else than when it was put in.
    PriceChanged,
}

/// A line of a cart, with what it costs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CartLineView {
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// The product's slug, while it is on sale.
    pub slug: Option<String>,
    /// Its SKU, while it is on sale.
    pub sku: Option<String>,
    /// Its name, while it is on sale.
    pub name: Option<String>,
    /// How many are wanted.
    pub quantity: crate::values::Quantity,
    /// How many could be bought now.
    pub available: i64,
    /// The price of one unit now, while it is on sale.
    pub unit_price: Option<Money>,
    /// The price of one unit when the line was last put in.
    pub unit_price_before: Money,
    /// `unit_price` times `quantity`.
    pub line_total: Option<Money>,
    /// What is otherwise than when the line was last put in.
    pub change: Option<CartLineChange>,
}

/// A cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CartView {
    /// The cart's id.
    pub id: CartId,
    /// Counts changes of the cart, not of prices or stock.
    pub version: Version,
    /// Where it stands.
    pub status: CartStatus,
    /// Whose it is; absent for guests.
    pub customer_id: Option<UserId>,
    /// The currency that it is bought in; that of its lines' products when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The order it became.
    pub order_id: Option<OrderId>,
    /// The lines, in the order in which they were put in.
    pub items: Vec<CartLineView>,
    /// The sum of the lines now; absent while the cart is empty, a line is not on sale, or currencies differ.
    pub subtotal: Option<Money>,
    /// The code that is to take something off.
    pub discount_code: Option<DiscountCode>,
    /// Why it takes nothing off now, if it does not.
    pub discount_refused: Option<String>,
    /// How it is to be shipped.
    pub shipping_method: Option<ShippingMethodId>,
    /// Why it cannot be shipped so now, if it cannot.
    pub shipping_refused: Option<String>,
    /// Where it is to go.
    pub shipping_address: Option<Address>,
    /// What the cart costs beside its lines.
    #[serde(default)]
    pub parts: Vec<OrderPartView>,
    /// What it costs now in all, where the lines have a sum.
    pub total: Option<Money>,
    /// When it was opened.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// When it is let go of, unless it is changed before.
    pub expires_at: Timestamp,
    /// For guests, in the answer that opened the cart: opens it later, as `Cart-Token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cart_token: Option<String>,
}

/// A line to be set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetCartItem {
    /// What.
    pub item: ItemRef,
    /// How many from now on; 0 takes the line out.
    pub quantity: u32,
    /// Which state of the cart this means to change, if that matters.
    pub sent: Option<Precondition>,
}

/// Why a cart was not shown, changed or bought.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CartError {
    /// None that the caller may know of.
    #[error("not found")]
    NotFound,
    /// Neither is anybody signed in nor did a token come; or nobody is signed in whose cart it could become.
    #[error("nobody is signed in")]
    Unauthenticated,
    /// A field breaks a rule.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON pointer.
        field: String,
        /// The rule.
        reason: String,
    },
    /// What should be put in is not on sale.
    #[error("it is not on sale")]
    Unavailable,
    /// What should be put in has no price in the cart's currency.
    #[error("it has no price in {currency}")]
    NotPriced {
        /// The cart's currency.
        currency: Currency,
    },
    /// What should be put in has options: one of its variants must be chosen.
    #[error("a variant must be chosen")]
    VariantRequired {
        /// What may be chosen.
        variants: Vec<VariantChoice>,
    },
    /// The cart is over: it was bought, or went into another.
    #[error("the cart is over")]
    Closed {
        /// The order it became.
        order_id: Option<OrderId>,
    },
    /// Another version is current.
    #[error("version {} is current", current.get())]
    VersionConflict {
        /// How the caller named the version.
        sent: Precondition,
        /// What is current.
        current: Version,
    },
    /// The cart changed while it was bought.
    #[error("the cart changed meanwhile")]
    ChangedMeanwhile,
    /// Lines are otherwise than they were last shown.
    #[error("lines of the cart changed")]
    Differs {
        /// Those lines.
        lines: Vec<CartLineView>,
        /// What all lines cost now, if that can be said.
        total: Option<Money>,
    },
    /// The code cannot be given.
    #[error(transparent)]
    Discount(super::DiscountError),
    /// It cannot be shipped so.
    #[error(transparent)]
    Shipping(ShippingError),
    /// It cannot go there.
    #[error(transparent)]
    Address(AddressError),
    /// There are as many carts from there as there may be.
    #[error("too many carts")]
    TooMany,
    /// The writer's queue is full.
    #[error("orders have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the cart could not be used")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for CartError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::Unauthenticated => Problem::new(Code::Unauthenticated),
            Self::Invalid { field, reason } => Problem::invalid(field, reason.clone()),
            Self::Unavailable => Problem::new(Code::ProductUnavailable),
            Self::NotPriced { currency } => Problem::new(Code::NotPriced)
                .detail(format!("it is not sold in {currency}"))
                .fact("currency", currency.code()),
            Self::VariantRequired { variants } => {
                Problem::new(Code::VariantRequired).fact("variants", json!(variants))
            }
            Self::Closed { order_id: Some(id) } => Problem::new(Code::IllegalTransition)
                .detail("the cart has become an order")
                .fact("order_id", id.to_string()),
            Self::Closed { order_id: None } => {
                Problem::new(Code::IllegalTransition).detail("the cart went into another")
            }
            Self::VersionConflict { sent, current } => sent.stale(*current),
            Self::ChangedMeanwhile => Problem::new(Code::VersionConflict)
                .detail("the cart changed while it was bought: look at it again"),
            Self::Differs { lines, total } => differs(lines, *total),
            Self::Discount(error) => error.to_problem(),
            Self::Shipping(error) => error.to_problem(),
            Self::Address(error) => error.to_problem_at("/address"),
            Self::TooMany => Problem::new(Code::RateLimited)
                .detail("there are too many open carts from your address")
                .retry_after(60),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// The gravest change names the problem; all of them are listed.
fn differs(lines: &[CartLineView], total: Option<Money>) -> Problem {
    let has = |change| lines.iter().any(|line| line.change == Some(change));
    let problem = if has(CartLineChange::InsufficientStock) {
        let short = lines
            .iter()
            .filter(|line| line.change == Some(CartLineChange::InsufficientStock));
        let items: Vec<_> = short
            .map(|line| {
                json!({"product_id": line.product_id, "variant_id": line.variant_id, "sku": line.sku,
                       "requested": line.quantity, "available": line.available})
            })
            .collect();
        Problem::new(Code::InsufficientStock).fact("items", items)
    } else if has(CartLineChange::NotPriced) {
        Problem::new(Code::NotPriced)
    } else if has(CartLineChange::Unavailable) {
        Problem::new(Code::ProductUnavailable)
    } else {
        Problem::new(Code::PriceChanged)
    };
    let problem = problem.fact("lines", json!(lines));
    match total {
        Some(total) => problem.fact("total", json!(total)),
        None => problem,
    }
}

/// Carts, which orders keep.
#[async_trait]
pub trait Carts: Send + Sync {
    /// Opens a cart: a user's own, who has one at a time and finds it again; a guest's otherwise, from this address.
    async fn open_cart(
        &self,
        who: &CartHolder,
        address: String,
    ) -> Result<Answered<CartView>, CartError>;
    /// A cart with what its lines cost now.
    async fn cart(&self, who: &CartHolder, id: CartId) -> Result<CartView, CartError>;
    /// Sets a line: its quantity, and the price that is seen with it.
    async fn set_cart_item(
        &self,
        who: &CartHolder,
        id: CartId,
        wish: SetCartItem,
    ) -> Result<CartView, CartError>;
    /// Gives the cart a discount code that applies to it now, or takes it away.
    async fn set_cart_discount(
        &self,
        who: &CartHolder,
        id: CartId,
        code: Option<DiscountCode>,
    ) -> Result<CartView, CartError>;
    /// Says which currency the cart is bought in, or takes that back; what it costs then shows in its lines.
    async fn set_cart_currency(
        &self,
        who: &CartHolder,
        id: CartId,
        currency: Option<Currency>,
    ) -> Result<CartView, CartError>;
    /// Says how the cart is to be shipped, or takes that back.
    async fn set_cart_shipping(
        &self,
        who: &CartHolder,
        id: CartId,
        method: Option<ShippingMethodId>,
    ) -> Result<CartView, CartError>;
    /// Says where the cart is to go, or takes that back.
    async fn set_cart_address(
        &self,
        who: &CartHolder,
        id: CartId,
        address: Option<NewAddress>,
    ) -> Result<CartView, CartError>;
    /// The ways of shipping; those that cannot be chosen too, for admins (the caller checks).
    async fn shipping_methods(&self, all: bool) -> Result<Vec<ShippingMethodView>, ShippingError>;
    /// The ways of shipping that the cart can have as it is now, and what each costs.
    async fn cart_shipping_methods(
        &self,
        who: &CartHolder,
        id: CartId,
    ) -> Result<Vec<ShippingChoice>, CartError>;
    /// Puts a guest's lines into the user's own cart, once; gives the user's cart.
    async fn merge_cart(&self, who: &CartHolder, id: CartId) -> Result<CartView, CartError>;
    /// Buys a cart: the same way to an order as any other, and one order a cart. Its `payment` is not looked at here.
    async fn check_out(
        &self,
        who: &CartHolder,
        id: CartId,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError>;
}
