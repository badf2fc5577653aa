//! What an order costs beside its lines, and what makes it cost less: with a code, or by itself.

use super::{BuyGet, PartTax, Selection, TakesOff};
use crate::{
    BoxError,
    access::Principal,
    problem::{Code, Problem, ToProblem},
    request::{Answered, IdempotencyKey, Precondition},
    values::{
        Counted, Cursor, DiscountId, Money, Page, PageSize, Timestamp, ValueError, Version,
        bounded_text,
    },
};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// What a part of an order's total is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PartKind {
    /// Taken off.
    Discount,
    /// What shipping costs.
    Shipping,
    /// Taken off what shipping costs.
    ShippingDiscount,
    /// Taxes at one rate: what they add, or nothing where prices have them in them.
    Tax,
}

impl PartKind {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Discount,
        Self::Shipping,
        Self::ShippingDiscount,
        Self::Tax,
    ];

    /// The word used in storage and JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Discount => "discount",
            Self::Shipping => "shipping",
            Self::ShippingDiscount => "shipping_discount",
            Self::Tax => "tax",
        }
    }
}

impl std::str::FromStr for PartKind {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let known = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        known.ok_or_else(|| ValueError::new("is no part of a total"))
    }
}

/// A part of an order's total beside its lines. Lines and parts add up to the total, to the last minor unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderPartView {
    /// What it is.
    pub kind: PartKind,
    /// What people read: a discount's name or else its code, a way of shipping, a tax.
    pub title: String,
    /// The code of the discount that this is, where the title is its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<DiscountCode>,
    /// What it adds; a discount's is negative.
    pub amount: Money,
    /// Of a tax: at which rate, of what, and how much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Box<PartTax>>,
}

impl OrderPartView {
    /// What it adds to the lines or takes off them, in minor units: nothing where it is of shipping, or in the prices.
    #[must_use]
    pub fn of_the_goods(&self) -> i128 {
        match (self.kind, &self.tax) {
            (PartKind::Discount, _) => i128::from(self.amount.minor),
            (PartKind::Tax, Some(tax)) if !tax.included => {
                let lines = tax.lines.iter().map(|line| i128::from(line.amount.minor));
                lines.sum()
            }
            (PartKind::Shipping | PartKind::ShippingDiscount | PartKind::Tax, _) => 0,
        }
    }
}

/// What an order costs beside its lines, and what is taken off, in minor units: lines, shipping and tax, less the
/// discount, are the total. A tax that is in the prices adds nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartSums {
    /// What shipping costs.
    pub shipping: i64,
    /// Tax on top of the prices.
    pub tax: i64,
    /// What is taken off, of shipping as well.
    pub discount: i64,
}

impl PartSums {
    /// Those of these parts; nothing if they are out of range.
    #[must_use]
    pub fn of(parts: &[OrderPartView]) -> Option<Self> {
        let mut sums = Self::default();
        for part in parts {
            let minor = part.amount.minor;
            let (sum, minor) = match part.kind {
                PartKind::Shipping => (&mut sums.shipping, minor),
                PartKind::Tax => (&mut sums.tax, minor),
                PartKind::Discount | PartKind::ShippingDiscount => {
                    (&mut sums.discount, minor.checked_neg()?)
                }
            };
            *sum = sum.checked_add(minor)?;
        }
        Some(sums)
    }
}

/// A code that takes something off, as people write it: 3 to 40 letters, digits, `-` and `_`; kept in capitals.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct DiscountCode(String);

impl DiscountCode {
    /// Checks a text.
    ///
    /// # Errors
    /// [`ValueError`] that says which rule was broken.
    pub fn parse(text: &str) -> Result<Self, ValueError> {
        let text = bounded_text(text, 3, 40)?.to_ascii_uppercase();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.bytes().all(plain) {
            Ok(Self(text))
        } else {
            Err(ValueError::new("may hold letters, digits, - and _"))
        }
    }

    /// The code in capitals.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Cow<'_, str>> for DiscountCode {
    type Error = ValueError;
    fn try_from(text: Cow<'_, str>) -> Result<Self, ValueError> {
        Self::parse(&text)
    }
}

impl From<DiscountCode> for String {
    fn from(code: DiscountCode) -> String {
        code.0
    }
}

crate::values::schema::plain_schema!(
    DiscountCode,
    String,
    min_length(Some(3)),
    max_length(Some(40)),
    pattern(Some("^[A-Za-z0-9_-]+$")),
    examples(["TEA-10"])
);

/// A discount as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDiscount {
    /// The code. It stays what it is.
    pub code: DiscountCode,
    /// What buyers read instead of the code, 1 to 100 characters.
    pub name: Option<String>,
    /// Whether it is given by itself to every order that it fits, and its code is not named.
    pub automatic: Option<bool>,
    /// What is taken off in hundredths of a percent: 1 to 10,000, rounded half up to the minor unit...
    #[schema(minimum = 1, maximum = 10_000)]
    pub basis_points: Option<u32>,
    /// ...or the amount that is taken off, never more than those lines cost that it is for.
    pub amount: Option<Money>,
    /// From what; the goods when absent.
    pub takes_off: Option<TakesOff>,
    /// For which products; for all when absent. Where something must be bought for it: those that are got.
    pub only: Option<Selection>,
    /// What must be bought for it, so that it is given for some of the lines' units only.
    pub buy: Option<BuyGet>,
    /// What the lines must cost at least, all of them.
    pub minimum: Option<Money>,
    /// From when on.
    pub starts_at: Option<Timestamp>,
    /// Until when.
    pub ends_at: Option<Timestamp>,
    /// In how many orders at most; fixed whether there is such a limit, not how high it is.
    #[schema(minimum = 1)]
    pub uses_max: Option<u32>,
    /// In how many orders of one customer at most.
    #[schema(minimum = 1)]
    pub customer_uses_max: Option<u32>,
    /// Whether it is given at all; it is when absent.
    pub active: Option<bool>,
    /// The version that this replaces, where a discount is changed (or `If-Match`).
    pub version: Option<Version>,
}

/// A discount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DiscountView {
    /// Its id.
    pub id: DiscountId,
    /// Its code.
    pub code: DiscountCode,
    /// What buyers read instead of the code.
    #[serde(default)]
    pub name: Option<String>,
    /// Whether it is given by itself.
    #[serde(default)]
    pub automatic: bool,
    /// What is taken off, in hundredths of a percent.
    pub basis_points: Option<u32>,
    /// The amount that is taken off.
    pub amount: Option<Money>,
    /// From what.
    #[serde(default)]
    pub takes_off: TakesOff,
    /// For which products; for all when absent.
    #[serde(default)]
    pub only: Option<Selection>,
    /// What must be bought for it.
    #[serde(default)]
    pub buy: Option<BuyGet>,
    /// What the lines must cost at least.
    pub minimum: Option<Money>,
    /// From when on.
    pub starts_at: Option<Timestamp>,
    /// Until when.
    pub ends_at: Option<Timestamp>,
    /// In how many orders at most.
    pub uses_max: Option<u32>,
    /// In how many orders of one customer at most.
    pub customer_uses_max: Option<u32>,
    /// In how many orders it is, those that were called off not counted; absent where it has no limit.
    pub uses: Option<i64>,
    /// Whether it is given.
    pub active: bool,
    /// Counts changes of the discount, not its uses.
    pub version: Version,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// Which discounts, from where. By code.
#[derive(Debug, Clone, Default, Deserialize, Serialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DiscountQuery {
    /// Only those that are given, or only those that ended.
    pub active: Option<bool>,
    /// 1 to 100; 20 when absent.
    #[serde(default)]
    #[param(inline)]
    pub limit: PageSize,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
}

/// How many discounts there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscountCounts {
    /// Those that are given.
    pub given: Counted,
    /// Those that ended.
    pub ended: Counted,
}

/// Why a discount was not shown, changed or given.
#[derive(Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiscountError {
    /// There is none.
    #[error("not found")]
    NotFound,
    /// Only admins make discounts.
    #[error("not allowed")]
    Forbidden,
    /// A field or parameter breaks a rule.
    #[error("{field} {reason}")]
    Invalid {
        /// JSON pointer or parameter.
        field: String,
        /// The rule.
        reason: String,
    },
    /// Another discount has the code.
    #[error("the code is taken")]
    CodeTaken,
    /// There are as many that are given by themselves as there may be.
    #[error("there are too many")]
    TooMany,
    /// The idempotency key came before with another body.
    #[error("the key came before with another body")]
    KeyReused,
    /// Another version is current.
    #[error("version {} is current", current.get())]
    VersionConflict {
        /// How the caller named the version.
        sent: Precondition,
        /// What is current.
        current: Version,
    },
    /// The code is not for this order, or not now, or there is none.
    #[error("the code does not apply: {reason}")]
    NotApplicable {
        /// Why.
        reason: String,
    },
    /// It was used as often as it may be.
    #[error("the code is used up")]
    Exhausted,
    /// The writer's queue is full.
    #[error("orders have too much to do")]
    Overloaded,
    /// Our fault.
    #[error("the discount could not be used")]
    Internal(
        #[source]
        #[serde(with = "crate::wire::cause")]
        BoxError,
    ),
}

impl ToProblem for DiscountError {
    fn to_problem(&self) -> Problem {
        match self {
            Self::NotFound => Problem::new(Code::NotFound),
            Self::Forbidden => Problem::new(Code::Forbidden),
            Self::Invalid { field, reason } if field.starts_with('/') => {
                Problem::invalid(field, reason.clone())
            }
            Self::Invalid { field, reason } => Problem::new(Code::InvalidParameter)
                .detail(format!("{field} {reason}"))
                .field(field, "invalid", reason.clone()),
            Self::CodeTaken => Problem::new(Code::CodeTaken).field("/code", "taken", "is in use"),
            Self::TooMany => Problem::invalid(
                "/automatic",
                "would be one more than there may be at a time",
            ),
            Self::KeyReused => Problem::new(Code::IdempotencyKeyReused),
            Self::VersionConflict { sent, current } => sent.stale(*current),
            Self::NotApplicable { reason } => Problem::new(Code::DiscountNotApplicable)
                .detail(reason.clone())
                .field("/discount_code", "not_applicable", reason.clone()),
            Self::Exhausted => Problem::new(Code::DiscountExhausted),
            Self::Overloaded => Problem::new(Code::Overloaded),
            Self::Internal(cause) => Problem::internal(cause),
        }
    }
}

/// Discounts, which orders keep.
#[async_trait]
pub trait Discounts: Send + Sync {
    /// Makes a discount (admins).
    async fn make_discount(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewDiscount,
    ) -> Result<Answered<DiscountView>, DiscountError>;
    /// Changes a discount as a whole; orders that have it keep what they got.
    async fn replace_discount(
        &self,
        who: &Principal,
        id: DiscountId,
        sent: Precondition,
        wish: NewDiscount,
    ) -> Result<DiscountView, DiscountError>;
    /// One discount.
    async fn discount(
        &self,
        who: &Principal,
        id: DiscountId,
    ) -> Result<DiscountView, DiscountError>;
    /// How many discounts there are.
    async fn discount_counts(&self, who: &Principal) -> Result<DiscountCounts, DiscountError>;
    /// A page of discounts, by code.
    async fn discounts(
        &self,
        who: &Principal,
        query: DiscountQuery,
    ) -> Result<Page<DiscountView>, DiscountError>;
    /// Codes that are counted otherwise than their orders have them, at most ten: for verification, which wants none.
    async fn audit_discounts(&self) -> Result<Vec<String>, BoxError>;
}
