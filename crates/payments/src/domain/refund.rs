//! A refund: its stages, and the one step that comes next from each. Decides only.

use super::{payment::Payment, progress::Progress};
use contracts::{
    catalog::ReturnedItem,
    orders::{OrderLineView, OrderPartView},
    payments::{RefundError, RefundOrder, RefundStatus, RefundView},
    values::{Money, OrderId, PaymentId, RefundId, Timestamp, VariantId, Version, bounded_text},
};
use std::collections::BTreeMap;

/// Different things that one refund may bring back.
const ITEMS_MAX: usize = 1_500;

/// How far a refund has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Counted against what was captured; the provider is to be told.
    Decided,
    /// The provider gave the money back, and the ledger knows.
    Booked,
    /// What came back is on the shelf.
    Restocked,
    /// The order knows.
    Noted,
}

impl Stage {
    const ALL: [Self; 4] = [Self::Decided, Self::Booked, Self::Restocked, Self::Noted];

    /// The word used in storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Decided => "decided",
            Self::Booked => "booked",
            Self::Restocked => "restocked",
            Self::Noted => "noted",
        }
    }

    /// The word people see for the step that comes next.
    pub const fn next_step(self) -> &'static str {
        match self {
            Self::Decided => "give_back",
            Self::Booked => "restock",
            Self::Restocked => "tell_order",
            Self::Noted => "done",
        }
    }
}

impl std::str::FromStr for Stage {
    type Err = contracts::values::ValueError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.as_str() == text)
            .ok_or_else(|| contracts::values::ValueError::new("is no stage of a refund"))
    }
}

/// A refund that is about to be decided.
#[derive(Debug, Clone)]
pub struct RefundIntent {
    pub id: RefundId,
    pub payment_id: PaymentId,
    pub fingerprint: [u8; 32],
    /// In minor units; without it, all that is left.
    pub amount_minor: Option<i64>,
    /// What comes back, and how many of it were bought.
    pub items: Vec<(ReturnedItem, i64)>,
    /// What came back too and does not go on sale: it counts as come back, and is not kept.
    pub lost: Vec<(ReturnedItem, i64)>,
    pub reason: Option<String>,
    pub actor: String,
    /// Whether it may be decided before the order knows that the money came: only of money that it does not want.
    pub before_told: bool,
}

/// A refund as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    pub id: RefundId,
    pub payment_id: PaymentId,
    pub order_id: OrderId,
    pub fingerprint: [u8; 32],
    pub version: Version,
    pub stage: Stage,
    pub amount: Money,
    /// The provider's name for the charge.
    pub reference: String,
    /// Whether nothing of the payment was left once this was given back.
    pub whole: bool,
    pub items: Vec<ReturnedItem>,
    pub reason: Option<String>,
    pub actor: String,
    pub progress: Progress,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Refund {
    /// The key under which the provider knows it.
    pub fn provider_key(&self) -> String {
        self.id.to_string()
    }

    pub fn view(&self) -> RefundView {
        RefundView {
            id: self.id,
            payment_id: self.payment_id,
            order_id: self.order_id,
            version: self.version,
            status: match self.stage {
                Stage::Decided => RefundStatus::Pending,
                Stage::Booked | Stage::Restocked | Stage::Noted => RefundStatus::Succeeded,
            },
            amount: self.amount,
            items: self.items.clone(),
            reason: self.reason.clone(),
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

/// What a wish means for this payment and these lines of its order.
pub fn decide(
    id: RefundId,
    payment: &Payment,
    (lines, parts): (&[OrderLineView], &[OrderPartView]),
    wish: &RefundOrder,
) -> Result<RefundIntent, RefundError> {
    let items = items(lines, &wish.items)?;
    let amount_minor = match &wish.amount {
        Some(amount) => Some(asked(payment, amount)?),
        None if wish.items.is_empty() => None,
        None => Some(paid_for((lines, parts), &wish.items)?),
    };
    let reason = wish
        .reason
        .as_deref()
        .map(|reason| bounded_text(reason, 1, 200))
        .transpose()
        .map_err(|error| invalid("/reason", error.0))?;
    Ok(RefundIntent {
        id,
        payment_id: payment.id,
        fingerprint: [0; 32],
        amount_minor,
        items,
        lost: Vec::new(),
        reason,
        actor: String::new(),
        before_told: false,
    })
}

fn invalid(field: &'static str, reason: impl Into<String>) -> RefundError {
    RefundError::Invalid {
        field: field.into(),
        reason: reason.into(),
    }
}

fn asked(payment: &Payment, amount: &contracts::values::MoneyInput) -> Result<i64, RefundError> {
    let amount = amount
        .resolve(payment.amount.currency)
        .map_err(|error| invalid("/amount", error.0))?;
    if amount.currency != payment.amount.currency {
        return Err(invalid("/amount", "must be in the payment's currency"));
    }
    if amount.minor <= 0 {
        return Err(invalid("/amount", "must be more than nothing"));
    }
    Ok(amount.minor)
}

/// Each thing once, with how many of it the order has.
fn items(
    lines: &[OrderLineView],
    wished: &[ReturnedItem],
) -> Result<Vec<(ReturnedItem, i64)>, RefundError> {
    if wished.len() > ITEMS_MAX {
        return Err(invalid("/items", format!("may hold at most {ITEMS_MAX}")));
    }
    let mut seen: BTreeMap<VariantId, ()> = BTreeMap::new();
    let mut found = Vec::with_capacity(wished.len());
    for item in wished {
        if seen.insert(item.variant_id, ()).is_some() {
            return Err(invalid("/items", "may name each variant once"));
        }
        let bought = lines
            .iter()
            .filter(|line| line.variant_id == item.variant_id)
            .fold(0_i64, |sum, line| {
                sum.saturating_add(i64::from(line.quantity.get()))
            });
        if bought == 0 {
            return Err(invalid("/items", "must be of the order"));
        }
        found.push((*item, bought));
    }
    Ok(found)
}

/// What was paid for the items: where something was taken off the order, or taxes came on top of its lines, they had
/// their share of it. Rounded down, so that all shares together are never more than was paid.
fn paid_for(
    (lines, parts): (&[OrderLineView], &[OrderPartView]),
    wished: &[ReturnedItem],
) -> Result<i64, RefundError> {
    let cost = cost(lines, wished)?;
    let minor = |money: Money| i128::from(money.minor);
    let all: i128 = lines.iter().map(|line| minor(line.line_total)).sum();
    let beside: i128 = parts.iter().map(OrderPartView::of_the_goods).sum();
    if beside == 0 || all == 0 {
        return Ok(cost);
    }
    let paid = all.saturating_add(beside);
    let share = i128::from(cost)
        .checked_mul(paid)
        .and_then(|product| product.checked_div(all));
    share
        .and_then(|share| i64::try_from(share).ok())
        .ok_or_else(|| invalid("/items", "add up to more than can be counted"))
}

/// What the items cost in this order: all lines of a variant were priced in one transaction, alike.
fn cost(lines: &[OrderLineView], wished: &[ReturnedItem]) -> Result<i64, RefundError> {
    let mut sum = 0_i64;
    for item in wished {
        let line = lines.iter().find(|line| line.variant_id == item.variant_id);
        let cost = line
            .and_then(|line| line.unit_price.times(item.quantity).ok())
            .ok_or_else(|| invalid("/items", "add up to more than can be counted"))?;
        sum = sum
            .checked_add(cost.minor)
            .ok_or_else(|| invalid("/items", "add up to more than can be counted"))?;
    }
    Ok(sum)
}
