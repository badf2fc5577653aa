//! What taxes are of an order, or add to it: pure. Each line's tax is rounded by itself, and shipping's; what is shown
//! for a rate is those added up, so that nothing is rounded twice.

use super::pricing::{Priced, Unpriced};
use contracts::{
    catalog::TaxClass,
    orders::{LineTax, OrderPartView, PartKind, PartTax, TaxRateView},
    values::Money,
};
use serde::{Deserialize, Serialize};

const WHOLE: i128 = 1_000_000;

/// Whether there are taxes, and whether they are in the prices.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxMode {
    /// There are none.
    #[default]
    Off,
    /// Prices have them in them.
    Included,
    /// They come on top of prices.
    Added,
}

/// Where a half of a minor unit goes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxRounding {
    /// Up.
    #[default]
    HalfUp,
    /// To the even neighbour.
    HalfEven,
}

/// What an order is taxed with, as it was when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaxTerms {
    pub included: bool,
    pub rounding: TaxRounding,
    /// Of the place, one a class at most.
    pub rates: Vec<TaxRateView>,
    /// Of the lines, in their order.
    pub classes: Vec<TaxClass>,
}

/// Something that is taxed.
struct Taxed {
    /// A line's place from 1; shipping has none.
    line: Option<u32>,
    class: TaxClass,
    minor: i64,
}

/// The order with its taxes: a part for each rate. Lines are what each cost before discounts, which are shared out
/// among them by what they cost; shipping is taxed as standard goods are.
pub fn add(lines: &[Money], priced: Priced, terms: &TaxTerms) -> Result<Priced, Unpriced> {
    let Priced {
        mut parts,
        mut total,
    } = priced;
    let all = taxed(lines, &parts, &terms.classes).ok_or(Unpriced::OutOfRange)?;
    for rate in &terms.rates {
        let mut here = all.iter().filter(|one| one.class == rate.class).peekable();
        if here.peek().is_none() {
            continue;
        }
        let tax = part_of(here, rate, (terms, total)).ok_or(Unpriced::OutOfRange)?;
        let amount = if terms.included {
            Money::zero(total.currency)
        } else {
            tax.amount
        };
        total = total.plus(amount).map_err(|_| Unpriced::OutOfRange)?;
        parts.push(OrderPartView {
            kind: PartKind::Tax,
            title: rate.name.clone(),
            code: None,
            amount,
            tax: Some(Box::new(tax)),
        });
    }
    Ok(Priced { parts, total })
}

fn taxed(lines: &[Money], parts: &[OrderPartView], classes: &[TaxClass]) -> Option<Vec<Taxed>> {
    let sum_of = |shipping: bool| {
        let those = parts
            .iter()
            .filter(|part| is_shipping(part.kind) == shipping);
        those
            .map(|part| part.amount.minor)
            .try_fold(0_i64, i64::checked_add)
    };
    let costs: Vec<i64> = lines.iter().map(|line| line.minor).collect();
    let left = left(&costs, sum_of(false)?)?;
    let classes = classes
        .iter()
        .copied()
        .chain(std::iter::repeat(TaxClass::Standard));
    let mut all: Vec<Taxed> = (1_u32..)
        .zip(left.into_iter().zip(classes))
        .map(|(line, (minor, class))| Taxed {
            line: Some(line),
            class,
            minor,
        })
        .collect();
    if parts.iter().any(|part| part.kind == PartKind::Shipping) {
        all.push(Taxed {
            line: None,
            class: TaxClass::Standard,
            minor: sum_of(true)?,
        });
    }
    Some(all)
}

/// Whether a part is of what shipping costs, and not of the goods.
fn is_shipping(kind: PartKind) -> bool {
    match kind {
        PartKind::Shipping | PartKind::ShippingDiscount => true,
        PartKind::Discount | PartKind::Tax => false,
    }
}

/// What each line costs after its share of what was taken off (nothing or less than that). Shares are cut from one
/// running sum, so that together they are exactly what was taken off, and none is more than its line.
fn left(costs: &[i64], off: i64) -> Option<Vec<i64>> {
    let off = i128::from(off.checked_neg()?);
    let all: i128 = costs.iter().map(|cost| i128::from(*cost)).sum();
    let (mut seen, mut given) = (0_i128, 0_i128);
    let mut left = Vec::with_capacity(costs.len());
    for cost in costs {
        seen = seen.checked_add(i128::from(*cost))?;
        let until = off.checked_mul(seen)?.checked_div(all).unwrap_or_default();
        let share = i64::try_from(until.checked_sub(given)?).ok()?;
        given = until;
        left.push(cost.checked_sub(share)?);
    }
    Some(left)
}

fn part_of<'t>(
    here: impl Iterator<Item = &'t Taxed>,
    rate: &TaxRateView,
    (terms, total): (&TaxTerms, Money),
) -> Option<PartTax> {
    let money = |minor| Money::new(minor, total.currency);
    let mut part = PartTax {
        millionths: rate.millionths,
        included: terms.included,
        taxed: money(0),
        amount: money(0),
        lines: Vec::new(),
        shipping: None,
    };
    for one in here {
        let amount = money(tax(one.minor, rate.millionths, terms)?);
        part.taxed = part.taxed.plus(money(one.minor)).ok()?;
        part.amount = part.amount.plus(amount).ok()?;
        match one.line {
            Some(line) => part.lines.push(LineTax { line, amount }),
            None => part.shipping = Some(amount),
        }
    }
    Some(part)
}

/// The tax of this amount: on top of it, or in it.
fn tax(minor: i64, millionths: u32, terms: &TaxTerms) -> Option<i64> {
    let millionths = i128::from(millionths);
    let whole = if terms.included {
        WHOLE.checked_add(millionths)?
    } else {
        WHOLE
    };
    let exact = i128::from(minor).checked_mul(millionths)?;
    let (down, rest) = (
        exact.checked_div_euclid(whole)?,
        exact.checked_rem_euclid(whole)?,
    );
    let goes_up = match (rest.checked_mul(2)?.cmp(&whole), terms.rounding) {
        (std::cmp::Ordering::Greater, _) => true,
        (std::cmp::Ordering::Less, _) => false,
        (std::cmp::Ordering::Equal, TaxRounding::HalfUp) => true,
        (std::cmp::Ordering::Equal, TaxRounding::HalfEven) => down.checked_rem_euclid(2)? == 1,
    };
    i64::try_from(down.checked_add(i128::from(goes_up))?).ok()
}

/// Whether a part's tax is what its lines and its shipping are, and adds what it should: for verification.
pub fn adds_up(amount: i64, tax: &PartTax) -> bool {
    let lines = tax.lines.iter().map(|line| i128::from(line.amount.minor));
    let shipping = tax
        .shipping
        .map_or(0, |shipping| i128::from(shipping.minor));
    let all = lines.fold(shipping, i128::saturating_add);
    let adds = if tax.included { 0 } else { tax.amount.minor };
    all == i128::from(tax.amount.minor) && amount == adds
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use contracts::values::{Country, TaxRateId, Timestamp, Version};
    use proptest::prelude::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD".parse().unwrap())
    }

    fn rate(class: TaxClass, millionths: u32) -> TaxRateView {
        TaxRateView {
            id: TaxRateId::from_bytes([9; 16]),
            name: format!("{} tax", class.as_str()),
            country: Country::parse("DE").unwrap(),
            region: None,
            class,
            millionths,
            version: Version::FIRST,
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
        }
    }

    fn part(kind: PartKind, minor: i64) -> OrderPartView {
        OrderPartView {
            kind,
            title: String::new(),
            code: None,
            amount: usd(minor),
            tax: None,
        }
    }

    pub(in crate::domain) fn terms(included: bool, rounding: TaxRounding) -> TaxTerms {
        TaxTerms {
            included,
            rounding,
            rates: vec![
                rate(TaxClass::Standard, 190_000),
                rate(TaxClass::Reduced, 70_000),
            ],
            classes: vec![TaxClass::Standard, TaxClass::Reduced, TaxClass::Zero],
        }
    }

    fn priced(lines: &[i64], parts: Vec<OrderPartView>) -> Priced {
        let parts_minor: i64 = parts.iter().map(|part| part.amount.minor).sum();
        let total = usd(lines.iter().chain([&parts_minor]).sum());
        Priced { parts, total }
    }

    fn taxes(lines: &[i64], parts: Vec<OrderPartView>, terms: &TaxTerms) -> (i64, Vec<PartTax>) {
        let money: Vec<Money> = lines.iter().copied().map(usd).collect();
        let taxed = add(&money, priced(lines, parts), terms).unwrap();
        let taxes = taxed.parts.into_iter().filter_map(|part| part.tax);
        (taxed.total.minor, taxes.map(|tax| *tax).collect())
    }

    #[test]
    fn taxes_come_on_top_or_are_in_it_by_line_and_shipping() {
        let parts = || {
            vec![
                part(PartKind::Discount, -100),
                part(PartKind::Shipping, 500),
            ]
        };
        // Of the 100 that are taken off, 50 are of the first line, 30 of the second, 20 of the third.
        let (total, on_top) = taxes(
            &[1_000, 600, 400],
            parts(),
            &terms(false, TaxRounding::HalfUp),
        );
        let [standard, reduced] = on_top.as_slice() else {
            panic!("{on_top:?}");
        };
        assert_eq!(
            (standard.taxed, standard.amount),
            (usd(950 + 500), usd(181 + 95))
        );
        assert_eq!(
            (standard.lines[0].amount, standard.shipping),
            (usd(181), Some(usd(95)))
        );
        assert_eq!((reduced.taxed, reduced.amount), (usd(570), usd(40)));
        assert_eq!((reduced.lines[0].line, reduced.shipping), (2, None));
        assert_eq!(total, 2_400 + 181 + 95 + 40);
        let (total, within) = taxes(
            &[1_000, 600, 400],
            parts(),
            &terms(true, TaxRounding::HalfUp),
        );
        assert_eq!(total, 2_400, "they are in it");
        assert_eq!(
            (within[0].amount, within[1].amount),
            (usd(152 + 80), usd(37))
        );
        assert!(within.iter().all(|tax| tax.included && adds_up(0, tax)));
        let spoilt = PartTax {
            amount: usd(1),
            ..within[1].clone()
        };
        assert!(!adds_up(0, &spoilt) && !adds_up(1, &within[0]));
    }

    #[test]
    fn a_half_goes_up_or_to_the_even_neighbour() {
        let half = |minor, rounding| {
            let terms = TaxTerms {
                rates: vec![rate(TaxClass::Standard, 500_000)],
                ..terms(false, rounding)
            };
            tax(minor, 500_000, &terms).unwrap()
        };
        let both = |minor| {
            (
                half(minor, TaxRounding::HalfUp),
                half(minor, TaxRounding::HalfEven),
            )
        };
        assert_eq!((both(1), both(3), both(5)), ((1, 0), (2, 2), (3, 2)));
    }

    #[test]
    fn what_costs_nothing_and_what_no_rate_is_for_has_no_tax() {
        let none = TaxTerms {
            rates: Vec::new(),
            ..terms(false, TaxRounding::HalfUp)
        };
        assert_eq!(taxes(&[1_000], vec![], &none), (1_000, vec![]));
        let free = vec![part(PartKind::Discount, -1_000)];
        let (total, all) = taxes(&[1_000], free, &terms(false, TaxRounding::HalfUp));
        assert_eq!((total, all[0].amount), (0, usd(0)));
        assert_eq!(
            taxes(&[0, 0], vec![], &terms(true, TaxRounding::HalfUp)).0,
            0
        );
    }

    proptest! {
        #[test]
        fn lines_parts_and_taxes_add_up_over_all_of_64_bits(
            lines in prop::collection::vec(0..=i64::MAX / 8, 1..6),
            classes in prop::collection::vec(0_usize..3, 1..6),
            (off, carriage) in (0..=i64::MAX, 0..=i64::MAX / 8),
            (standard, reduced) in (0_u32..=1_000_000, 0_u32..=1_000_000),
            (included, even) in any::<(bool, bool)>(),
        ) {
            let terms = TaxTerms {
                included,
                rounding: if even { TaxRounding::HalfEven } else { TaxRounding::HalfUp },
                rates: vec![rate(TaxClass::Standard, standard), rate(TaxClass::Reduced, reduced)],
                classes: classes.iter().map(|one| TaxClass::ALL[*one]).collect(),
            };
            let subtotal: i64 = lines.iter().sum();
            let off = off.min(subtotal);
            let parts = vec![part(PartKind::Discount, off.saturating_neg()), part(PartKind::Shipping, carriage)];
            let money: Vec<Money> = lines.iter().copied().map(usd).collect();
            let before = priced(&lines, parts);
            let Ok(taxed) = add(&money, before.clone(), &terms) else {
                // What it would cost is more than can be counted.
                let most = i128::from(before.total.minor).saturating_mul(2);
                prop_assert!(!included && most > i128::from(i64::MAX));
                return Ok(());
            };
            let sum: i64 = taxed.parts.iter().map(|part| part.amount.minor).sum();
            prop_assert_eq!(subtotal.checked_add(sum), Some(taxed.total.minor));
            let mut bases = 0_i128;
            for part in &taxed.parts {
                if let Some(tax) = &part.tax {
                    prop_assert!(adds_up(part.amount.minor, tax));
                    prop_assert!(tax.amount.minor >= 0 && tax.amount.minor <= tax.taxed.minor);
                    bases = bases.saturating_add(i128::from(tax.taxed.minor));
                }
            }
            prop_assert!(bases <= i128::from(before.total.minor), "no more is taxed than it cost");
            let left = left(&lines, off.saturating_neg()).unwrap();
            prop_assert_eq!(left.iter().sum::<i64>(), subtotal.saturating_sub(off));
            prop_assert!(left.iter().zip(&lines).all(|(left, line)| *left >= 0 && left <= line));
        }
    }
}
