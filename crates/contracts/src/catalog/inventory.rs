//! Stock: what people change by hand, and what orders reserve, sell and give back.

use super::VariantChoice;
use crate::{
    BoxError,
    problem::{Code, Problem, ToProblem},
    values::{
        Currency, Cursor, Money, MoneyInput, OrderId, PageSize, ProductId, Quantity, RefundId,
        Timestamp, UserId, VariantId,
    },
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Changes of stock, all or nothing.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustStock {
    /// 1 to 500 changes.
    #[schema(min_items = 1, max_items = 500)]
    pub changes: Vec<StockChange>,
}

/// One change: `delta`, or `set` with `expected`.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StockChange {
    /// Which, by SKU...
    pub sku: Option<String>,
    /// ...or by variant.
    pub variant_id: Option<VariantId>,
    /// Units more, or fewer when negative.
    pub delta: Option<i64>,
    /// Units on hand from now on...
    pub set: Option<i64>,
    /// ...if there are this many now.
    pub expected: Option<i64>,
    /// Why, 1 to 200 characters.
    #[schema(example = "damaged", min_length = 1, max_length = 200)]
    pub reason: String,
}

/// Which stock.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InventoryQuery {
    /// Only what has at most five units available.
    #[serde(default)]
    pub low_stock: bool,
    /// Only this SKU.
    pub sku: Option<String>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// The stock of a variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct InventoryView {
    /// The variant.
    pub variant_id: VariantId,
    /// Its product.
    pub product_id: ProductId,
    /// Its SKU.
    pub sku: String,
    /// What its product is called.
    #[serde(default)]
    pub name: String,
    /// In the building.
    pub on_hand: i64,
    /// Promised to orders.
    pub reserved: i64,
    /// What can be bought.
    pub available: i64,
    /// Counts changes of the stock.
    pub version: i64,
}

/// Something that moved a variant's stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MovementView {
    /// `initial`, `adjusted`, `reserved`, `sold`, `released`, `expired`, `returned`.
    pub kind: String,
    /// Units by which `on_hand` changed.
    pub on_hand_delta: i64,
    /// Units by which `reserved` changed.
    pub reserved_delta: i64,
    /// Why.
    pub reason: String,
    /// Who: a user's id, or `system`.
    pub actor: String,
    /// The order, if one was the cause.
    pub order_id: Option<OrderId>,
    /// When.
    pub at: Timestamp,
}

/// A thing to buy, as the buyer names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ItemRef {
    /// A plain product, which is its own variant.
    Product(ProductId),
    /// A variant.
    Variant(VariantId),
}

/// A line that wants stock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveLine {
    /// What.
    pub item: ItemRef,
    /// How many.
    pub quantity: Quantity,
}

/// A wish to hold stock for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserve {
    /// The order, known before it exists.
    pub order_id: OrderId,
    /// Hash of the whole request: a twin with another body is refused.
    pub fingerprint: [u8; 32],
    /// What is wanted, in the buyer's order; repeated items are summed before they are checked.
    pub lines: Vec<ReserveLine>,
    /// What the buyer thinks all lines cost together: refused in the same transaction when it differs, so
    /// that a refusal leaves nothing behind and the same key may be used again.
    pub expected_total: Option<MoneyInput>,
    /// The currency to price the lines in; each line's own when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Until when it is held.
    pub hold_until: Timestamp,
}

/// A line, priced in the transaction that reserved it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PricedLine {
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// Who sells it.
    pub seller_id: UserId,
    /// Its SKU then.
    pub sku: String,
    /// Its name then, with the variant's values.
    pub name: String,
    /// How many.
    pub quantity: Quantity,
    /// The price of one unit then.
    pub unit_price: Money,
}

/// Stock that is held for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reserved {
    /// The lines of the wish, in its order.
    pub lines: Vec<PricedLine>,
    /// Until when it is held.
    pub hold_until: Timestamp,
}

/// An item that there is not enough of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortage {
    /// The product.
    pub product_id: ProductId,
    /// The variant.
    pub variant_id: VariantId,
    /// Its SKU.
    pub sku: String,
    /// Units wanted, over all lines.
    pub requested: i64,
    /// Units there are.
    pub available: i64,
}

/// A line that names a product with options, and none of its variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unchosen {
    /// Index into the wish's lines.
    pub line: usize,
    /// The product.
    pub product_id: ProductId,
    /// What may be meant.
    pub variants: Vec<VariantChoice>,
}

/// Why nothing was reserved.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReserveError {
    /// Not enough of at least one item.
    #[error("not enough in stock of {} items", items.len())]
    InsufficientStock {
        /// All items that fall short.
        items: Vec<Shortage>,
    },
    /// These lines (by index) name nothing that is on sale.
    #[error("lines {lines:?} are not on sale")]
    Unavailable {
        /// Indexes into the wish's lines.
        lines: Vec<usize>,
    },
    /// These lines name products of which a variant must be chosen.
    #[error("of {} lines a variant must be chosen", items.len())]
    VariantRequired {
        /// What may be chosen for each.
        items: Vec<Unchosen>,
    },
    /// The prices are in several currencies.
    #[error("the prices are in several currencies")]
    MixedCurrencies,
    /// These lines (by index) have no price in the currency.
    #[error("lines {lines:?} have no price in {currency}")]
    NotPriced {
        /// The currency that was asked for.
        currency: Currency,
        /// Indexes into the wish's lines.
        lines: Vec<usize>,
    },
    /// The total is not what the buyer thinks.
    #[error("the total is {total}")]
    PriceChanged {
        /// What it is.
        total: Money,
    },
    /// A line or the total does not fit into 64 bits of minor units.
    #[error("the total is out of range")]
    TotalOutOfRange,
    /// The order id came before with another request.
    #[error("the order id came before with another request")]
    FingerprintDiffers,
    /// The order's reservation was resolved already.
    #[error("the reservation is {0:?} already")]
    Resolved(ReservationState),
    /// The writer's queue is full.
    #[error("the catalog has too much to do")]
    Overloaded,
    /// Our fault.
    #[error("reserving failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for ReserveError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::InsufficientStock { items } => {
                let lead = items.first().map_or_else(String::new, |item| {
                    format!(
                        "only {} of {} left, {} requested",
                        item.available, item.sku, item.requested
                    )
                });
                Problem::new(Code::InsufficientStock)
                    .detail(lead)
                    .fact("items", json!(items))
            }
            Self::Unavailable { lines } => {
                lines
                    .iter()
                    .fold(Problem::new(Code::ProductUnavailable), |problem, line| {
                        problem.field(
                            &format!("/items/{line}"),
                            "product_unavailable",
                            "is not on sale",
                        )
                    })
            }
            Self::VariantRequired { items } => items
                .iter()
                .fold(Problem::new(Code::VariantRequired), |problem, item| {
                    problem.field(
                        &format!("/items/{}", item.line),
                        "variant_required",
                        "names a product of which a variant must be chosen",
                    )
                })
                .fact("items", json!(items)),
            Self::MixedCurrencies => Problem::new(Code::MixedCurrencies),
            Self::NotPriced { currency, lines } => {
                let problem = Problem::new(Code::NotPriced)
                    .detail(format!("it is not sold in {currency}"))
                    .fact("currency", currency.code());
                lines.iter().fold(problem, |problem, line| {
                    let reason = format!("has no price in {currency}");
                    problem.field(&format!("/items/{line}"), "not_priced", reason)
                })
            }
            Self::PriceChanged { total } => Problem::new(Code::PriceChanged)
                .detail(format!("the total is {total}"))
                .fact("total", json!(total)),
            Self::TotalOutOfRange => {
                Problem::invalid("/items", "add up to more than can be counted")
            }
            Self::FingerprintDiffers => Problem::new(Code::IdempotencyKeyReused),
            Self::Resolved(state) => Problem::new(Code::IllegalTransition)
                .detail("the order was cancelled or ran out of time")
                .fact("reservation", state.as_str()),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Where a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReservationState {
    /// Held: counted in `reserved`.
    Open,
    /// Sold: gone from `on_hand`.
    Committed,
    /// Given back before it was paid.
    Released,
    /// Given back because nobody paid in time.
    Expired,
    /// Sold, and taken back onto the shelf.
    Returned,
}

impl ReservationState {
    /// The word used in storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Committed => "committed",
            Self::Released => "released",
            Self::Expired => "expired",
            Self::Returned => "returned",
        }
    }
}

/// A reservation that is open past its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overdue {
    /// Whose.
    pub order_id: OrderId,
    /// Until when it was held.
    pub hold_until: Timestamp,
}

/// A wish to end a reservation (or to take back what it sold).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resolve {
    /// Whose.
    pub order_id: OrderId,
    /// To which state; never `Open`.
    pub to: ReservationState,
    /// Who: a user's id, or `system`.
    pub actor: String,
}

/// Why a reservation did not get to the state that was asked for.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolveError {
    /// There is none of that order.
    #[error("there is no reservation")]
    Unknown,
    /// It ended otherwise.
    #[error("the reservation is {0:?}")]
    Resolved(ReservationState),
    /// Our fault.
    #[error("resolving failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

/// Units of a sold order that come back onto the shelf, while the rest stays sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GiveBack {
    /// Whose.
    pub order_id: OrderId,
    /// The refund they come back with: they come back once.
    pub refund_id: RefundId,
    /// Which, and how many of each.
    pub items: Vec<ReturnedItem>,
    /// Who: a user's id, or `system`.
    pub actor: String,
}

/// Units of a variant that come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnedItem {
    /// Which.
    pub variant_id: VariantId,
    /// How many.
    pub quantity: Quantity,
}

/// Why units did not come back.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GiveBackError {
    /// There is no reservation of that order.
    #[error("there is no reservation")]
    Unknown,
    /// Nothing of it was sold.
    #[error("the reservation is {0:?}")]
    NotSold(ReservationState),
    /// More would come back than was sold.
    #[error("only {left} of {variant_id} can come back")]
    TooMany {
        /// Which.
        variant_id: VariantId,
        /// Units that are still sold.
        left: i64,
    },
    /// Our fault.
    #[error("taking units back failed")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

/// A variant's stock beside what its ledgers add up to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockAudit {
    /// The variant.
    pub variant_id: VariantId,
    /// Its SKU.
    pub sku: String,
    /// As kept.
    pub on_hand: i64,
    /// As kept.
    pub reserved: i64,
    /// Adjustments, less what was sold, plus what came back.
    pub ledger_on_hand: i64,
    /// Open reservations.
    pub ledger_reserved: i64,
    /// Units sold and not returned.
    pub sold: i64,
}

/// A reservation, for comparing with its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservationAudit {
    /// Whose.
    pub order_id: OrderId,
    /// Where it stands.
    pub state: ReservationState,
    /// Units, over all lines.
    pub units: i64,
    /// Units that came back in part, with refunds; at most `units`.
    pub returned: i64,
    /// Price times units, over all lines, in minor units.
    pub value_minor: i64,
    /// What they are in; a release before did not say.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// Until when it was held.
    pub hold_until: Timestamp,
    /// The sum of its lines' marks ([`super::line_mark`]).
    pub contents: u64,
    /// Whether each line's price is one that the product had, while on sale, within a minute of the reservation.
    pub prices_known: bool,
    /// Whether it says when it ended if, and only if, it has ended; and when it came back likewise.
    pub ended_once: bool,
    /// What came back in part, by refund; an earlier release does not tell.
    #[serde(default)]
    pub back: Option<Vec<BackAudit>>,
}

/// Units that a refund brought back onto the shelf, as the movements of stock have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BackAudit {
    /// The refund.
    pub refund_id: RefundId,
    /// How many.
    pub units: i64,
    /// The sum of their marks ([`super::line_mark`]), at no price.
    pub contents: u64,
}
