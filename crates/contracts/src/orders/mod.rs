//! Orders: the one place that makes them, their moves, and what payments must know of them.

mod address;
mod book;
mod carts;
mod discounts;
mod earlier;
mod errors;
mod events;
mod figures;
mod mails;
mod notes;
mod promotions;
mod returns;
mod shipments;
mod shipping;
mod taxes;
mod wish;

pub use address::{Address, AddressError, AddressFault, NewAddress};
pub use book::{BookError, KEPT_ADDRESSES_MAX, KeptAddress};
pub use carts::{
    CartError, CartHolder, CartLineChange, CartLineView, CartStatus, CartView, Carts, SetCartItem,
};
pub use discounts::{
    DiscountCode, DiscountCounts, DiscountError, DiscountQuery, DiscountView, Discounts,
    NewDiscount, OrderPartView, PartKind, PartSums,
};
pub use earlier::{
    EarlierLineView, EarlierOrderQuery, EarlierOrderView, EarlierStatus, EarlierTotals,
    ImportEarlierLine, ImportEarlierOrder, ImportEarlierOrders,
};
pub use errors::{OrderError, PlaceOrderError};
pub use events::{OrderCancelled, OrderMoved, OrderPlaced};
pub use figures::{CartFigures, HourFigures, OrderFigures, ReturnCount, StatusCount};
pub use mails::{OrderMailKind, OrderMailView, SendMail};
pub use notes::{NewNote, NoteError, NoteView};
pub use promotions::{BuyGet, Selection, TakesOff};
pub use returns::{
    AnswerReturn, NewReturn, ReceiveReturn, ReturnAudit, ReturnError, ReturnLineView, ReturnQuery,
    ReturnReceived, ReturnStatus, ReturnView,
};
pub use shipments::{NewShipment, ShipError, ShipLine, ShipmentLineView, ShipmentView};
pub use shipping::{
    NewShippingMethod, ShippingBand, ShippingChoice, ShippingError, ShippingMethodView,
    ShippingTariff, ShippingZone,
};

pub use taxes::{LineTax, NewTaxRate, PartTax, TaxError, TaxRateView};
pub use wish::{Buyer, OrderItem, PayWith, PlaceOrder, Reader};

use crate::catalog::{Purchases, ReturnedItem};
use crate::{
    BoxError,
    access::Principal,
    request::{Answered, IdempotencyKey},
    values::{
        Currency, Cursor, Email, Money, OrderId, Page, PageSize, PaymentId, ProductId, Quantity,
        RefundId, ReturnId, Timestamp, UserId, VariantId, Version,
    },
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Stock is held until the order is paid or its time is over.
    Pending,
    /// Paid; its stock is sold.
    Paid,
    /// On its way.
    Shipped,
    /// Arrived.
    Delivered,
    /// Called off; its stock is back, its money too if it was paid.
    Cancelled,
    /// All of its money was given back after it was paid.
    Refunded,
}

impl OrderStatus {
    /// All, in the order of an order's life.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Paid,
        Self::Shipped,
        Self::Delivered,
        Self::Cancelled,
        Self::Refunded,
    ];

    /// The word used in storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }
}

impl std::str::FromStr for OrderStatus {
    type Err = crate::values::ValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| crate::values::ValueError::new("is no order status"))
    }
}

/// A line of an order, as it was priced then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderLineView {
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// Its SKU then.
    pub sku: String,
    /// Its name then.
    pub name: String,
    /// How many.
    pub quantity: Quantity,
    /// The price of one unit then.
    pub unit_price: Money,
    /// `unit_price` times `quantity`.
    pub line_total: Money,
    /// Its tax, in its price or on top of it as `parts` say; absent where it is not taxed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Money>,
}

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderView {
    /// The order's id.
    pub id: OrderId,
    /// The number people say on the telephone.
    pub number: i64,
    /// Counts the order's moves.
    pub version: Version,
    /// Where it stands.
    pub status: OrderStatus,
    /// Who bought; absent for guests and erased accounts.
    pub customer_id: Option<UserId>,
    /// The lines, as they were asked for.
    pub items: Vec<OrderLineView>,
    /// What it costs beside its lines; absent where that is nothing. Lines and parts add up to the total.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<OrderPartView>,
    /// Where it goes, if that was said; gone with the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipping_address: Option<Address>,
    /// What it costs in all.
    pub total: Money,
    /// Until when the stock is held.
    pub payment_due_at: Timestamp,
    /// The carrier's number, once shipped.
    pub tracking: Option<String>,
    /// When it was placed.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
    /// For guests, in the answer that placed the order: opens it later, as `Order-Token`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_token: Option<String>,
}

/// An entry of an order's timeline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderEventView {
    /// 1, 2, 3...
    pub sequence: i64,
    /// `placed`, `payment_started`, `paid`, `payment_failed`, `shipped_in_part`, `shipped`, `delivered`, `cancelled`,
    /// `refunded_in_part`, `refunded`, `return_requested`, `return_approved`, `return_refused`, `return_received`.
    pub kind: String,
    /// Where the order stood afterwards.
    pub status: OrderStatus,
    /// Who: a user's id, `guest` or `system`.
    pub actor: String,
    /// More, in words.
    pub note: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The id of the request that brought it about, if one did; only the shop's own people see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl OrderEventView {
    /// What went back to its buyer, if it tells of that: its note is the refund's id, a space, the amount.
    #[must_use]
    pub fn given_back(&self, currency: Currency) -> Option<Money> {
        if !self.kind.starts_with("refunded") {
            return None;
        }
        let (_, amount) = self.note.as_deref()?.split_once(' ')?;
        let (decimal, _) = amount.split_once(' ')?;
        Money::parse_decimal(decimal, currency).ok()
    }
}

/// What is kept beside an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beside {
    /// What was sent, in order.
    pub shipments: Vec<ShipmentView>,
    /// What was noted, oldest first.
    pub notes: Vec<NoteView>,
    /// What comes back, in the order in which it was asked for.
    #[serde(default)]
    pub returns: Vec<ReturnView>,
}

/// A step that people may ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderMove {
    /// Calls the order off; gives stock and money back.
    Cancel,
    /// Sends it.
    Ship {
        /// The carrier's number.
        tracking: Option<String>,
    },
    /// It arrived.
    Deliver,
}

impl OrderMove {
    /// The status it leads to.
    #[must_use]
    pub const fn to(&self) -> OrderStatus {
        match self {
            Self::Cancel => OrderStatus::Cancelled,
            Self::Ship { .. } => OrderStatus::Shipped,
            Self::Deliver => OrderStatus::Delivered,
        }
    }
}

/// Which orders, from where. Newest first.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrderQuery {
    /// Only of this status.
    pub status: Option<OrderStatus>,
    /// Only of this customer (admins; others see their own).
    pub customer_id: Option<UserId>,
    /// Only placed at or after this moment.
    pub created_after: Option<Timestamp>,
    /// Only the one with this number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// Only those that a guest placed with this address, in any case (admins).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guest_email: Option<Email>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// What a payment must know of the order it pays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payable {
    /// The amount, exactly.
    pub total: Money,
    /// Who bought.
    pub customer_id: Option<UserId>,
}

/// A payment that begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BeginPayment {
    /// The order it pays.
    pub order_id: OrderId,
    /// The payment.
    pub payment_id: PaymentId,
    /// The id of the request that pays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// A payment that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// The order it was to pay.
    pub order_id: OrderId,
    /// The payment.
    pub payment_id: PaymentId,
    /// How it ended.
    pub end: PaymentEnd,
    /// The id of the request that brought it to its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Money of an order that was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundNote {
    /// The order.
    pub order_id: OrderId,
    /// The refund: noted once.
    pub refund_id: RefundId,
    /// How much.
    pub amount: Money,
    /// Whether nothing of the order's money is left.
    pub whole: bool,
    /// What comes back onto the shelf: told before it does, for what is on sale again goes into no parcel.
    #[serde(default)]
    pub items: Vec<ReturnedItem>,
    /// Who wanted it.
    pub actor: String,
}

/// How a payment ended, for its order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentEnd {
    /// Captured, and the stock is sold.
    Paid,
    /// Nothing was taken; the order waits for another try.
    Failed,
}

const fn yes() -> bool {
    true
}

/// An order as verification reads it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a finding of its own, and they do not exclude one another"
)]
pub struct OrderAudit {
    /// The order.
    pub id: OrderId,
    /// Its number.
    pub number: i64,
    /// Where it stands.
    pub status: OrderStatus,
    /// As kept.
    pub total: Money,
    /// The lines' sum.
    pub lines_total_minor: i64,
    /// Its parts beside the lines, added up.
    #[serde(default)]
    pub parts_total_minor: i64,
    /// How many lines.
    pub lines: i64,
    /// Units, over all lines.
    pub units: i64,
    /// The payment that is under way or that paid it.
    pub payment_id: Option<PaymentId>,
    /// Whether the timeline is a path of the status table that ends where the order stands.
    pub timeline_is_legal: bool,
    /// Whether the timeline is numbered without gaps, and versions count its moves from 1 up to the order's own.
    pub versions_count_moves: bool,
    /// Whether what is shown of each tax is what its lines and shipping are, and adds what it should.
    #[serde(default = "yes")]
    pub taxes_add_up: bool,
    /// The sum of its lines' marks ([`crate::catalog::line_mark`]).
    pub contents: u64,
    /// Its returns.
    #[serde(default)]
    pub returns: Vec<ReturnAudit>,
    /// Whether of no line more has come back, or is to, than was sent; true of an order of which nothing comes back.
    #[serde(default = "yes")]
    pub returns_were_sent: bool,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// What orders told the others, as verification reads it: all in one snapshot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventsAudit {
    /// Events of orders that are kept.
    pub events: i64,
    /// Of these and the others, how many wait to be delivered.
    pub waiting: i64,
    /// How many were refused and will come again.
    pub parked: i64,
    /// The oldest that waits or was refused.
    pub oldest_waiting: Option<Timestamp>,
    /// How many orders' events are not their timeline's moves, in order.
    pub differing: i64,
    /// The first of these, with what was told and what happened.
    pub examples: Vec<String>,
    /// Returns whose receipt waits to be told, or was refused and will come again: the oldest ten thousand.
    #[serde(default)]
    pub untold_returns: Vec<ReturnId>,
}

/// What the others may ask of orders.
#[async_trait]
pub trait Orders: Carts + Discounts + Purchases {
    /// Makes an order: the only function in the workspace that does. Its `payment` is not looked at here.
    async fn place(
        &self,
        who: Buyer,
        key: IdempotencyKey,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError>;
    /// One order, for its buyer, or for admins.
    async fn order(&self, who: &Reader, id: OrderId) -> Result<OrderView, OrderError>;
    /// The order as it stood when it was paid (as it stands, if it is not paid): what the answer that paid
    /// it said, however far it has come since.
    async fn order_when_paid(&self, who: &Reader, id: OrderId) -> Result<OrderView, OrderError>;
    /// A page of the caller's orders; of all orders for admins.
    async fn orders(
        &self,
        who: &Principal,
        query: OrderQuery,
    ) -> Result<Page<OrderView>, OrderError>;
    /// What happened to an order, oldest first.
    async fn timeline(&self, who: &Reader, id: OrderId) -> Result<Vec<OrderEventView>, OrderError>;
    /// A page of the caller's records of earlier orders; of all for admins.
    async fn earlier_orders(
        &self,
        who: &Principal,
        query: EarlierOrderQuery,
    ) -> Result<Page<EarlierOrderView>, OrderError>;
    /// The addresses that a user keeps.
    async fn kept_addresses(&self, user: UserId) -> Result<Vec<KeptAddress>, OrderError>;
    /// The cart that a user has open, if they have one. None is opened.
    async fn own_cart(&self, user: UserId) -> Result<Option<CartView>, CartError>;
    /// What became of carts in the last 24 hours, for whoever runs the shop: who asks is not looked at here.
    async fn cart_figures(&self) -> Result<CartFigures, OrderError>;
    /// What was sent of an order and noted about it, as far as the caller may see it.
    async fn beside(&self, who: &Reader, id: OrderId) -> Result<Beside, OrderError>;
    /// Moves an order on, if the caller may and the table of moves allows it.
    async fn advance(
        &self,
        who: &Reader,
        id: OrderId,
        step: OrderMove,
    ) -> Result<OrderView, OrderError>;

    /// Ties payments to pending orders, a result each, in order: until its payment ends, an order neither
    /// expires nor is cancelled, and no other payment begins. Repeating it for the same payment is fine.
    async fn begin_payments(&self, batch: Vec<BeginPayment>) -> Vec<Result<Payable, OrderError>>;
    /// Tells how payments ended, a result each, in order. Repeating it is fine.
    async fn settle_all(&self, batch: Vec<Settlement>) -> Vec<Result<(), OrderError>>;
    /// Notes that money of an order was given back; when that was all of it, the order is refunded. Repeating
    /// it is fine.
    async fn note_refund(&self, note: RefundNote) -> Result<(), OrderError>;

    /// Orders after this id, in id order.
    async fn audit(&self, after: Option<OrderId>, limit: u32) -> Result<Vec<OrderAudit>, BoxError>;
    /// Events beside timelines.
    async fn audit_events(&self) -> Result<EventsAudit, BoxError>;
}
