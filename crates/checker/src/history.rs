//! What clients did and saw. Times are those of one outside observer, never the shop's.

use contracts::{
    catalog::{InventoryView, ProductView, ReturnedItem},
    orders::{CartView, OrderView, ReturnView},
    payments::{PaymentView, RefundView},
    problem::Code,
    values::{
        CartId, Money, OrderId, PaymentId, ProductId, ReturnId, ShippingMethodId, Timestamp,
        UserId, VariantId,
    },
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// All operations of a run, in the order in which they began.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// What was done.
    pub operations: Vec<Operation>,
    /// Units on hand before the first operation.
    pub first_stock: BTreeMap<VariantId, i64>,
    /// Prices before the first operation.
    pub first_prices: BTreeMap<VariantId, Money>,
    /// From when on there were no faults, in milliseconds.
    pub quiet_from_ms: i64,
    /// How long a client waits for an answer at most, in milliseconds.
    pub patience_ms: i64,
}

/// One request and its answer. A retry is an operation of its own, with the same key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Operation {
    /// Who.
    pub user: UserId,
    /// What.
    pub action: Action,
    /// The `Idempotency-Key`.
    pub key: Option<String>,
    /// The order that this key stands for, if it is an order's.
    pub means: Option<OrderId>,
    /// The version that it means to change, if it says one.
    pub based_on: Option<i64>,
    /// When it was sent.
    pub start: Timestamp,
    /// When the answer came, or the client gave up; none if it still waits at the end of the run.
    pub end: Option<Timestamp>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Place an order, and pay it with this method if there is one.
    Place {
        /// Variants and units, as asked for.
        lines: Vec<(VariantId, u32)>,
        /// The means of payment.
        method: Option<String>,
        /// A discount code.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<String>,
        /// How it is shipped.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shipping: Option<ShippingMethodId>,
        /// The cart that is bought; the lines are what was seen in it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cart: Option<CartId>,
    },
    /// Open one's cart, or find it again.
    OpenCart,
    /// Say how many of a variant are in a cart.
    SetCartItem {
        /// Which cart.
        cart: CartId,
        /// Of what.
        variant: VariantId,
        /// How many.
        units: u32,
    },
    /// Say how a cart is to be shipped.
    SetCartShipping {
        /// Which cart.
        cart: CartId,
        /// By which way.
        method: ShippingMethodId,
    },
    /// Ask to bring back what was sent.
    AskReturn {
        /// Of which order.
        order: OrderId,
        /// Lines and units.
        lines: Vec<(u32, u32)>,
    },
    /// Say whether it may come.
    AnswerReturn {
        /// Of which order.
        order: OrderId,
        /// Which return.
        back: ReturnId,
        /// Whether it may.
        approve: bool,
    },
    /// Say that it came.
    ReceiveReturn {
        /// Of which order.
        order: OrderId,
        /// Which return.
        back: ReturnId,
        /// Lines that cannot be sold again.
        written_off: Vec<u32>,
        /// How much goes back; without it, what was paid for the lines.
        amount: Option<Money>,
    },
    /// Pay an order.
    Pay {
        /// Which.
        order: OrderId,
        /// The means of payment.
        method: String,
    },
    /// Give a payment up.
    Void(PaymentId),
    /// Prove to the provider that it is really the buyer, or fail to.
    Prove {
        /// What is to be proved.
        proof: String,
        /// Whether it works.
        approve: bool,
    },
    /// Give money back, with what comes back onto the shelf.
    Refund {
        /// Of which payment.
        payment: PaymentId,
        /// How much; without it, what the items cost, or all that is left.
        amount: Option<Money>,
        /// What comes back.
        items: Vec<ReturnedItem>,
    },
    /// Call an order off.
    Cancel(OrderId),
    /// Send it.
    Ship(OrderId),
    /// Say that it arrived.
    Deliver(OrderId),
    /// Add units by hand.
    Restock {
        /// Of what.
        variant: VariantId,
        /// How many.
        units: i64,
    },
    /// Change a price.
    Reprice {
        /// The product.
        product: ProductId,
        /// Its variant.
        variant: VariantId,
        /// The new price.
        price: Money,
    },
    /// Look at stock.
    ReadStock(VariantId),
    /// Look at an order.
    ReadOrder(OrderId),
    /// Look at a product.
    ReadProduct(ProductId),
}

/// What came of an operation.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 2xx.
    Ok(Answer),
    /// 4xx: nothing was done.
    Refused(Refusal),
    /// No answer, or a 5xx: it may have been done or not.
    Unknown(Option<Refusal>),
}

/// A 2xx answer.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body as it came.
    pub body: String,
    /// The body as it was read; a record has only the body, and reads it again.
    #[serde(skip)]
    pub told: Told,
}

/// What an answer tells.
#[derive(Debug, Clone, Default)]
pub enum Told {
    /// An order.
    Order(Box<OrderView>),
    /// A payment.
    Payment(Box<PaymentView>),
    /// A refund.
    Refund(Box<RefundView>),
    /// A cart.
    Cart(Box<CartView>),
    /// A return.
    Return(Box<ReturnView>),
    /// Stock.
    Stock(Vec<InventoryView>),
    /// A product.
    Product(Box<ProductView>),
    /// Something that no check looks at.
    #[default]
    Other,
}

/// An answer that is no 2xx.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refusal {
    /// The status.
    pub status: u16,
    /// Its code, if it is a problem with a code that we know.
    #[serde(with = "crate::lines::code")]
    pub code: Option<Code>,
    /// Whether it has the form of a problem: content type, the same status in the body, a request's id.
    pub is_problem: bool,
}

impl Operation {
    /// The 2xx answer, if there was one.
    #[must_use]
    pub fn answer(&self) -> Option<&Answer> {
        match &self.outcome {
            Outcome::Ok(answer) => Some(answer),
            Outcome::Refused(_) | Outcome::Unknown(_) => None,
        }
    }

    /// The order that was told of, if any.
    #[must_use]
    pub fn order(&self) -> Option<&OrderView> {
        match &self.answer()?.told {
            Told::Order(order) => Some(order),
            Told::Payment(_)
            | Told::Refund(_)
            | Told::Cart(_)
            | Told::Return(_)
            | Told::Stock(_)
            | Told::Product(_)
            | Told::Other => None,
        }
    }

    /// The payment that was told of, if any.
    #[must_use]
    pub fn payment(&self) -> Option<&PaymentView> {
        match &self.answer()?.told {
            Told::Payment(payment) => Some(payment),
            Told::Order(_)
            | Told::Refund(_)
            | Told::Cart(_)
            | Told::Return(_)
            | Told::Stock(_)
            | Told::Product(_)
            | Told::Other => None,
        }
    }

    /// The answer that is none of these, if there was one.
    pub(crate) const fn refusal(&self) -> Option<&Refusal> {
        match &self.outcome {
            Outcome::Ok(_) => None,
            Outcome::Refused(refusal) => Some(refusal),
            Outcome::Unknown(refusal) => refusal.as_ref(),
        }
    }

    /// Whether it may have had its effect without saying so.
    pub(crate) const fn is_unknown(&self) -> bool {
        matches!(self.outcome, Outcome::Unknown(_))
    }

    /// When it ended; one that has not ended ends after everything.
    pub(crate) fn end_ms(&self) -> i64 {
        self.end.map_or(i64::MAX, Timestamp::as_ms)
    }

    pub(crate) const fn is_place(&self) -> bool {
        matches!(self.action, Action::Place { .. })
    }
}

impl History {
    pub(crate) fn places(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|one| one.is_place())
    }
}
