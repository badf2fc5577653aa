//! What an order costs: one pure function of its lines and of what is taken off. The parts it gives and the lines add
//! up to the total, always; a share of a sum is rounded half up to the minor unit, once.

use contracts::{
    catalog::PricedLine,
    orders::{DiscountView, OrderPartView, PartKind, ShippingMethodView},
    values::{DiscountId, Money, Timestamp},
};

/// Hundredths of a percent in a whole.
const WHOLE: i128 = 10_000;
const HALF: i128 = 5_000;

/// What an order costs beside its lines, and in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Priced {
    pub parts: Vec<OrderPartView>,
    pub total: Money,
}

/// A discount in an order, counted in the order's commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    pub discount_id: DiscountId,
    pub uses_max: Option<u32>,
    pub customer_uses_max: Option<u32>,
    /// Tells one customer's orders apart from another's.
    pub customer_key: [u8; 32],
}

impl Use {
    /// Whether anything is to be counted.
    pub fn is_limited(&self) -> bool {
        self.uses_max.is_some() || self.customer_uses_max.is_some()
    }
}

/// Why something does not cost what it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unpriced {
    /// Sums do not fit, or are of several currencies.
    OutOfRange,
    /// The discount is not for this.
    NotApplicable(String),
    /// It cannot be shipped so.
    NotShipped(String),
}

/// The sum of the lines.
pub fn subtotal(lines: &[PricedLine]) -> Result<Money, Unpriced> {
    let mut sums = lines
        .iter()
        .map(|line| line.unit_price.times(line.quantity));
    let first = sums.next().ok_or(Unpriced::OutOfRange)?;
    let out_of_range = |_| Unpriced::OutOfRange;
    sums.try_fold(first.map_err(out_of_range)?, |total, sum| {
        total.plus(sum.map_err(out_of_range)?).map_err(out_of_range)
    })
}

/// What lines of this sum cost with a discount and a way of shipping, or why they cannot have it.
pub fn price(
    subtotal: Money,
    discount: Option<&DiscountView>,
    shipping: Option<&ShippingMethodView>,
) -> Result<Priced, Unpriced> {
    let mut parts = Vec::new();
    if let Some(discount) = discount {
        let off = taken_off(subtotal, discount)?;
        parts.push(OrderPartView {
            kind: PartKind::Discount,
            title: discount.code.as_str().to_owned(),
            amount: Money::new(off.saturating_neg(), subtotal.currency),
        });
    }
    if let Some(method) = shipping {
        let amount = carried(added(subtotal, &parts)?, method)?;
        parts.push(OrderPartView {
            kind: PartKind::Shipping,
            title: method.name.clone(),
            amount,
        });
    }
    let total = added(subtotal, &parts)?;
    Ok(Priced { parts, total })
}

fn added(subtotal: Money, parts: &[OrderPartView]) -> Result<Money, Unpriced> {
    let mut parts = parts.iter();
    let total = parts.try_fold(subtotal, |total, part| total.plus(part.amount));
    total.map_err(|_| Unpriced::OutOfRange)
}

/// What it costs to ship goods of this sum, after what was taken off.
fn carried(goods: Money, method: &ShippingMethodView) -> Result<Money, Unpriced> {
    let not = |reason: &str| Err(Unpriced::NotShipped(reason.to_owned()));
    if !method.active {
        return not("the way of shipping cannot be chosen any more");
    }
    if method.price.currency != goods.currency {
        return not("the way of shipping is for another currency");
    }
    let free = method
        .free_from
        .is_some_and(|from| goods.minor >= from.minor);
    Ok(if free {
        Money::zero(goods.currency)
    } else {
        method.price
    })
}

/// Between nothing and all of it.
fn taken_off(subtotal: Money, discount: &DiscountView) -> Result<i64, Unpriced> {
    let not = |reason: &str| Err(Unpriced::NotApplicable(reason.to_owned()));
    let foreign = |money: Option<Money>| money.is_some_and(|one| one.currency != subtotal.currency);
    if foreign(discount.amount) || foreign(discount.minimum) {
        return not("the code is for another currency");
    }
    if let Some(minimum) = discount.minimum
        && subtotal.minor < minimum.minor
    {
        return Err(Unpriced::NotApplicable(format!(
            "the code is for orders of {minimum} and more"
        )));
    }
    let off = match (discount.basis_points, discount.amount) {
        (Some(points), _) => share(subtotal.minor, points).ok_or(Unpriced::OutOfRange)?,
        (None, Some(amount)) => amount.minor,
        (None, None) => return not("the code takes nothing off"),
    };
    Ok(off.clamp(0, subtotal.minor.max(0)))
}

/// So many hundredths of a percent, rounded half up.
fn share(minor: i64, points: u32) -> Option<i64> {
    let exact = i128::from(minor).checked_mul(i128::from(points))?;
    let rounded = exact.checked_add(HALF)?.checked_div_euclid(WHOLE)?;
    i64::try_from(rounded).ok()
}

/// Whether a discount is given now at all.
pub fn is_given(discount: &DiscountView, now: Timestamp) -> Result<(), Unpriced> {
    let not = |reason: &str| Err(Unpriced::NotApplicable(reason.to_owned()));
    if !discount.active {
        return not("the code is not valid");
    }
    if discount.starts_at.is_some_and(|start| now < start) {
        return not("the code is not valid yet");
    }
    if discount.ends_at.is_some_and(|end| now >= end) {
        return not("the code is not valid any more");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{
        orders::DiscountCode,
        values::{ShippingMethodId, Version},
    };
    use proptest::prelude::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD".parse().unwrap())
    }

    fn discount(basis_points: Option<u32>, amount: Option<i64>) -> DiscountView {
        DiscountView {
            id: DiscountId::from_bytes([1; 16]),
            code: DiscountCode::parse("tea-10").unwrap(),
            basis_points,
            amount: amount.map(usd),
            minimum: None,
            starts_at: None,
            ends_at: None,
            uses_max: None,
            customer_uses_max: None,
            uses: None,
            active: true,
            version: Version::FIRST,
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
        }
    }

    fn method(minor: i64, free_from: Option<i64>) -> ShippingMethodView {
        ShippingMethodView {
            id: ShippingMethodId::from_bytes([2; 16]),
            name: "Post".to_owned(),
            price: usd(minor),
            free_from: free_from.map(usd),
            active: true,
            version: Version::FIRST,
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
        }
    }

    #[test]
    fn shipping_is_free_from_a_sum_that_counts_what_was_taken_off() {
        let post = method(500, Some(900));
        let ten = discount(Some(1_000), None);
        for (subtotal, off, total) in [
            (900, None, 900),
            (899, None, 1_399),
            (999, Some(&ten), 1_399),
            (1_000, Some(&ten), 900),
        ] {
            let priced = price(usd(subtotal), off, Some(&post)).unwrap();
            assert_eq!(priced.total, usd(total), "{subtotal}");
            assert_eq!(priced.parts.last().unwrap().kind, PartKind::Shipping);
        }
        let euros = Money::new(900, "EUR".parse().unwrap());
        assert!(price(euros, None, Some(&post)).is_err());
        let gone = ShippingMethodView {
            active: false,
            ..post
        };
        assert!(price(usd(1), None, Some(&gone)).is_err());
    }

    #[test]
    fn shares_are_rounded_half_up_and_amounts_take_no_more_than_there_is() {
        for (subtotal, points, amount, off) in [
            (1_000, Some(1_000), None, 100),
            (999, Some(1_000), None, 100),
            (994, Some(1_000), None, 99),
            (5, Some(1_000), None, 1),
            (4, Some(1_000), None, 0),
            (1_000, Some(10_000), None, 1_000),
            (3, Some(3_333), None, 1),
            (1_000, None, Some(300), 300),
            (200, None, Some(300), 200),
            (0, Some(5_000), None, 0),
            (i64::MAX, Some(10_000), None, i64::MAX),
        ] {
            let priced = price(usd(subtotal), Some(&discount(points, amount)), None).unwrap();
            assert_eq!(priced.parts[0].amount, usd(-off), "{subtotal} {points:?}");
            assert_eq!(priced.total, usd(subtotal - off));
        }
        let plain = price(usd(7), None, None).unwrap();
        assert_eq!((plain.parts.len(), plain.total), (0, usd(7)));
    }

    #[test]
    fn minimum_currency_and_window_are_held_to() {
        let minimum = DiscountView {
            minimum: Some(usd(500)),
            ..discount(Some(1_000), None)
        };
        assert!(price(usd(500), Some(&minimum), None).is_ok());
        assert!(price(usd(499), Some(&minimum), None).is_err());
        let euros = Money::new(900, "EUR".parse().unwrap());
        assert!(price(euros, Some(&minimum), None).is_err());
        let (start, end) = (Timestamp::from_ms(10), Timestamp::from_ms(20));
        let windowed = DiscountView {
            starts_at: Some(start),
            ends_at: Some(end),
            ..minimum.clone()
        };
        let given = |ms| is_given(&windowed, Timestamp::from_ms(ms)).is_ok();
        assert_eq!(
            (given(9), given(10), given(19), given(20)),
            (false, true, true, false)
        );
        let off = DiscountView {
            active: false,
            ..minimum
        };
        assert!(is_given(&off, start).is_err());
    }

    proptest! {
        #[test]
        fn lines_and_parts_add_up_to_the_total(
            subtotal in 0..=i64::MAX / 2, points in 1_u32..=10_000, amount in 0..=i64::MAX, by_share: bool,
            carriage in 0..=i64::MAX / 2, free_from: Option<i64>,
        ) {
            let discount = if by_share {
                discount(Some(points), None)
            } else {
                discount(None, Some(amount))
            };
            let method = method(carriage, free_from);
            let priced = price(usd(subtotal), Some(&discount), Some(&method)).unwrap();
            let parts: i64 = priced.parts.iter().map(|part| part.amount.minor).sum();
            prop_assert_eq!(subtotal.checked_add(parts), Some(priced.total.minor));
            prop_assert!(priced.total.minor >= 0);
            prop_assert!(priced.parts[0].amount.minor <= 0 && priced.parts[1].amount.minor >= 0);
        }
    }
}
