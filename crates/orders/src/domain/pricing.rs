//! What an order costs: one pure function of its lines and of what is taken off. The parts it gives and the lines add
//! up to the total, always; a share of a sum is rounded half up to the minor unit, once.

use super::{
    promotion::{Goods, off_goods},
    tariff,
    tax::{self, TaxTerms},
};
use contracts::{
    orders::{DiscountView, OrderPartView, PartKind, ShippingMethodView, TakesOff},
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
    /// Of this discount, by this customer.
    pub fn of(discount: &DiscountView, customer_key: [u8; 32]) -> Self {
        Self {
            discount_id: discount.id,
            uses_max: discount.uses_max,
            customer_uses_max: discount.customer_uses_max,
            customer_key,
        }
    }

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

/// What goods cost with these discounts, a way of shipping and these taxes, or why they cannot have it. Each discount
/// is reckoned from what the lines cost, and all of them together take off no more than there is.
pub fn price(
    goods: &Goods,
    discounts: &[&DiscountView],
    shipping: Option<&ShippingMethodView>,
    taxes: Option<&TaxTerms>,
) -> Result<Priced, Unpriced> {
    let mut parts = Vec::new();
    let mut left = goods.subtotal;
    for discount in discounts {
        fits(goods.subtotal, discount)?;
        if discount.takes_off == TakesOff::Goods {
            let off = off_goods(goods, discount)?;
            let part = taken(PartKind::Discount, discount, (off, &mut left))?;
            parts.push(part);
        }
    }
    let carriage = shipping.map(|method| carried(left, method)).transpose()?;
    if let Some((method, amount)) = shipping.zip(carriage) {
        parts.push(OrderPartView {
            kind: PartKind::Shipping,
            title: method.name.clone(),
            code: None,
            amount,
            tax: None,
        });
    }
    let mut carriage_left = carriage.unwrap_or_else(|| Money::zero(left.currency));
    for discount in discounts {
        if discount.takes_off == TakesOff::Shipping {
            let amount = carriage.ok_or_else(|| {
                Unpriced::NotApplicable("the code is for shipping, and none was chosen".to_owned())
            })?;
            let off = share(amount.minor, discount.basis_points.unwrap_or_default());
            let off = off.ok_or(Unpriced::OutOfRange)?;
            let kind = PartKind::ShippingDiscount;
            parts.push(taken(kind, discount, (off, &mut carriage_left))?);
        }
    }
    let total = left.plus(carriage_left).map_err(|_| Unpriced::OutOfRange)?;
    let priced = Priced { parts, total };
    match taxes {
        Some(terms) => tax::add(&goods.line_totals()?, priced, terms),
        None => Ok(priced),
    }
}

/// The part that a discount is, of what is left to take it from.
fn taken(
    kind: PartKind,
    discount: &DiscountView,
    (off, left): (i64, &mut Money),
) -> Result<OrderPartView, Unpriced> {
    let off = off.min(left.minor.max(0));
    let amount = Money::new(off.saturating_neg(), left.currency);
    *left = left.plus(amount).map_err(|_| Unpriced::OutOfRange)?;
    let code = &discount.code;
    Ok(OrderPartView {
        kind,
        title: discount
            .name
            .clone()
            .unwrap_or_else(|| code.as_str().to_owned()),
        code: discount.name.as_ref().map(|_| code.clone()),
        amount,
        tax: None,
    })
}

/// What it costs to ship goods of this sum, after what was taken off, by a way that fits them.
pub fn carried(goods: Money, method: &ShippingMethodView) -> Result<Money, Unpriced> {
    let not = |reason: &str| Err(Unpriced::NotShipped(reason.to_owned()));
    if !method.active {
        return not("the way of shipping cannot be chosen any more");
    }
    if method.price.currency != goods.currency {
        return not("the way of shipping is for another currency");
    }
    Ok(tariff::cost(goods, method))
}

/// Whether a discount is for goods of this sum.
fn fits(subtotal: Money, discount: &DiscountView) -> Result<(), Unpriced> {
    let foreign = |money: Option<Money>| money.is_some_and(|one| one.currency != subtotal.currency);
    if foreign(discount.amount) || foreign(discount.minimum) {
        let reason = "the code is for another currency";
        return Err(Unpriced::NotApplicable(reason.to_owned()));
    }
    match discount.minimum {
        Some(minimum) if subtotal.minor < minimum.minor => Err(Unpriced::NotApplicable(format!(
            "the code is for orders of {minimum} and more"
        ))),
        Some(_) | None => Ok(()),
    }
}

/// So many hundredths of a percent, rounded half up.
pub(super) fn share(minor: i64, points: u32) -> Option<i64> {
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
pub(super) mod tests {
    use super::{
        super::{
            promotion::Piece,
            tax::{TaxRounding, tests::terms},
        },
        *,
    };
    use contracts::{
        orders::{DiscountCode, ShippingTariff},
        values::{ProductId, Quantity, ShippingMethodId, Version},
    };
    use proptest::prelude::*;

    pub(in crate::domain) fn usd(minor: i64) -> Money {
        Money::new(minor, "USD".parse().unwrap())
    }

    /// One line.
    pub(in crate::domain) fn goods(sum: Money) -> Goods {
        let piece = Piece {
            product_id: ProductId::from_bytes([1; 16]),
            categories: Vec::new(),
            quantity: Quantity::ONE,
            unit_price: sum,
        };
        Goods::of(vec![piece]).unwrap()
    }

    pub(in crate::domain) fn discount(
        basis_points: Option<u32>,
        amount: Option<i64>,
    ) -> DiscountView {
        DiscountView {
            id: DiscountId::from_bytes([1; 16]),
            code: DiscountCode::parse("tea-10").unwrap(),
            name: None,
            automatic: false,
            basis_points,
            amount: amount.map(usd),
            takes_off: TakesOff::Goods,
            only: None,
            buy: None,
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

    pub(in crate::domain) fn method(minor: i64, free_from: Option<i64>) -> ShippingMethodView {
        ShippingMethodView {
            id: ShippingMethodId::from_bytes([2; 16]),
            name: "Post".to_owned(),
            price: usd(minor),
            free_from: free_from.map(usd),
            weight_max_grams: None,
            bands: Vec::new(),
            zones: Vec::new(),
            currencies: Vec::new(),
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
            let priced = price(&goods(usd(subtotal)), off.as_slice(), Some(&post), None).unwrap();
            assert_eq!(priced.total, usd(total), "{subtotal}");
            assert_eq!(priced.parts.last().unwrap().kind, PartKind::Shipping);
        }
        let euros = Money::new(900, "EUR".parse().unwrap());
        assert!(price(&goods(euros), &[], Some(&post), None).is_err());
        let gone = ShippingMethodView {
            active: false,
            ..post
        };
        assert!(price(&goods(usd(1)), &[], Some(&gone), None).is_err());
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
            let priced = price(
                &goods(usd(subtotal)),
                &[&discount(points, amount)],
                None,
                None,
            )
            .unwrap();
            assert_eq!(priced.parts[0].amount, usd(-off), "{subtotal} {points:?}");
            assert_eq!(priced.total, usd(subtotal - off));
        }
        let plain = price(&goods(usd(7)), &[], None, None).unwrap();
        assert_eq!((plain.parts.len(), plain.total), (0, usd(7)));
    }

    #[test]
    fn minimum_currency_and_window_are_held_to() {
        let minimum = DiscountView {
            minimum: Some(usd(500)),
            ..discount(Some(1_000), None)
        };
        assert!(price(&goods(usd(500)), &[&minimum], None, None).is_ok());
        assert!(price(&goods(usd(499)), &[&minimum], None, None).is_err());
        let euros = Money::new(900, "EUR".parse().unwrap());
        assert!(price(&goods(euros), &[&minimum], None, None).is_err());
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

    #[test]
    fn a_discount_on_shipping_takes_it_off_the_shipping() {
        let post = method(500, None);
        let free = DiscountView {
            takes_off: TakesOff::Shipping,
            name: Some("Free post".to_owned()),
            ..discount(Some(10_000), None)
        };
        let priced = price(&goods(usd(900)), &[&free], Some(&post), None).unwrap();
        let last = priced.parts.last().unwrap();
        assert_eq!(
            (last.kind, last.title.as_str(), last.amount),
            (PartKind::ShippingDiscount, "Free post", usd(-500))
        );
        assert_eq!(last.code.as_ref(), Some(&free.code));
        assert_eq!(priced.total, usd(900));
        let twice = price(&goods(usd(900)), &[&free, &free], Some(&post), None).unwrap();
        assert_eq!(twice.total, usd(900), "no more than it costs");
        assert!(price(&goods(usd(900)), &[&free], None, None).is_err());
    }

    proptest! {
        #[test]
        fn in_whichever_currency_all_parts_are_in_it_and_add_up_or_it_is_refused(
            subtotal in 0..=i64::MAX / 8,
            code in "USD|EUR|JPY",
            (points, amount) in (1_u32..=10_000, prop::option::of(1..=i64::MAX / 8)),
            (dollars, euros) in (0..=i64::MAX / 8, 0..=i64::MAX / 8),
            included in any::<bool>(),
        ) {
            let money = |minor, code: &str| Money::new(minor, code.parse().unwrap());
            let tariff = ShippingTariff {
                price: money(euros, "EUR"),
                free_from: None,
                bands: Vec::new(),
                zones: Vec::new(),
            };
            let post = ShippingMethodView { currencies: vec![tariff], ..method(dollars, None) };
            let goods = goods(money(subtotal, &code));
            let currency = goods.subtotal.currency;
            let parcel = tariff::Parcel { address: None, weight_grams: 0, currency: Some(currency) };
            let post = tariff::fitted(&post, parcel).unwrap();
            let (share, fixed) = (discount(Some(points), None), discount(None, amount));
            let mut discounts = vec![&share];
            discounts.extend(amount.map(|_| &fixed));
            let terms = terms(included, TaxRounding::HalfUp);
            let foreign = code == "JPY" || code == "EUR" && amount.is_some();
            let priced = match price(&goods, &discounts, Some(&post), Some(&terms)) {
                Ok(priced) => priced,
                Err(why) => {
                    prop_assert!(foreign, "{:?}", why);
                    return Ok(());
                }
            };
            prop_assert!(!foreign);
            let mut sum = goods.subtotal;
            for part in &priced.parts {
                sum = sum.plus(part.amount).unwrap();
                let tax = part.tax.as_ref();
                prop_assert!(tax.is_none_or(|tax| tax.taxed.currency == currency && tax.amount.currency == currency));
            }
            prop_assert_eq!(sum, priced.total);
        }

        #[test]
        fn one_line_is_priced_over_all_of_64_bits(
            subtotal in 0..=i64::MAX / 2, carriage in 0..=i64::MAX / 2, points in 1_u32..=10_000,
        ) {
            let method = method(carriage, None);
            let priced = price(&goods(usd(subtotal)), &[&discount(Some(points), None)], Some(&method), None).unwrap();
            let parts: i64 = priced.parts.iter().map(|part| part.amount.minor).sum();
            prop_assert_eq!(subtotal.checked_add(parts), Some(priced.total.minor));
        }
    }
}
