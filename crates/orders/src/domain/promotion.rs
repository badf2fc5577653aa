//! What a discount takes off some goods: pure. All is reckoned from what the lines cost, nothing from what another
//! discount has left of it.

use super::pricing::{Unpriced, share};
use contracts::{
    catalog::PricedLine,
    orders::{BuyGet, DiscountView, Selection},
    values::{CategoryId, Money, ProductId, Quantity},
};
use std::collections::HashMap;

/// The categories of products, each with those above it.
pub type Categories = HashMap<ProductId, Vec<CategoryId>>;

/// What is bought, as far as discounts ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goods {
    /// What all of it costs before anything is taken off.
    pub subtotal: Money,
    pub pieces: Vec<Piece>,
}

/// One line of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    pub product_id: ProductId,
    pub categories: Vec<CategoryId>,
    pub quantity: Quantity,
    pub unit_price: Money,
}

impl Goods {
    /// Of these pieces, if they can be added up.
    pub fn of(pieces: Vec<Piece>) -> Result<Self, Unpriced> {
        let out_of_range = |_| Unpriced::OutOfRange;
        let mut sums = pieces
            .iter()
            .map(|piece| piece.unit_price.times(piece.quantity));
        let first = sums.next().ok_or(Unpriced::OutOfRange)?;
        let subtotal = sums.try_fold(first.map_err(out_of_range)?, |total, sum| {
            total.plus(sum.map_err(out_of_range)?).map_err(out_of_range)
        })?;
        Ok(Self { subtotal, pieces })
    }

    /// What each line costs before anything is taken off.
    pub fn line_totals(&self) -> Result<Vec<Money>, Unpriced> {
        let total = |piece: &Piece| piece.unit_price.times(piece.quantity);
        let totals = self.pieces.iter().map(total).collect::<Result<_, _>>();
        totals.map_err(|_| Unpriced::OutOfRange)
    }

    /// The categories of its products.
    pub fn categories(&self) -> Categories {
        let of = |piece: &Piece| (piece.product_id, piece.categories.clone());
        self.pieces.iter().map(of).collect()
    }

    /// Of the lines of an order, whose products are of these categories.
    pub fn of_lines(lines: &[PricedLine], categories: &Categories) -> Result<Self, Unpriced> {
        let piece = |line: &PricedLine| Piece {
            product_id: line.product_id,
            categories: categories
                .get(&line.product_id)
                .cloned()
                .unwrap_or_default(),
            quantity: line.quantity,
            unit_price: line.unit_price,
        };
        Self::of(lines.iter().map(piece).collect())
    }
}

/// Whether a selection has this piece.
fn has(selection: &Selection, piece: &Piece) -> bool {
    let Selection {
        products,
        categories,
    } = selection;
    (products.is_empty() && categories.is_empty())
        || products.contains(&piece.product_id)
        || categories.iter().any(|id| piece.categories.contains(id))
}

/// What a discount takes off the goods: between nothing and what those cost that it is for.
pub(super) fn off_goods(goods: &Goods, discount: &DiscountView) -> Result<i64, Unpriced> {
    let not = |reason: &str| Err(Unpriced::NotApplicable(reason.to_owned()));
    let all = Selection::default();
    let only = discount.only.as_ref().unwrap_or(&all);
    let mut fitting = goods
        .pieces
        .iter()
        .filter(|piece| has(only, piece))
        .peekable();
    if fitting.peek().is_none() {
        return not("the code is for other products");
    }
    let base = match &discount.buy {
        Some(buy) => {
            let got = got(goods, only, buy).ok_or(Unpriced::OutOfRange)?;
            if got.units == 0 {
                return not("too little is in the order of what must be bought for the code");
            }
            got.cost
        }
        None => {
            let cost = |piece: &Piece| piece.unit_price.times(piece.quantity).ok();
            let mut sums = fitting.map(cost);
            let sum = sums.try_fold(0_i64, |sum, cost| sum.checked_add(cost?.minor));
            sum.ok_or(Unpriced::OutOfRange)?
        }
    };
    let off = match (discount.basis_points, discount.amount) {
        (Some(points), _) => share(base, points).ok_or(Unpriced::OutOfRange)?,
        (None, Some(amount)) => amount.minor,
        (None, None) => return not("the code takes nothing off"),
    };
    Ok(off.clamp(0, base.max(0)))
}

/// Units that are got for less, and what they cost otherwise.
struct Got {
    units: i64,
    cost: i64,
}

/// The cheapest units that can be got while as many are bought as must be, as often as it goes. No unit is both.
fn got(goods: &Goods, only: &Selection, buy: &BuyGet) -> Option<Got> {
    let (mut to_buy, mut to_get, mut either) = (0_i64, 0_i64, 0_i64);
    let mut gettable: Vec<(i64, i64, bool)> = Vec::new();
    for piece in &goods.pieces {
        let units = i64::from(piece.quantity.get());
        let (bought, gotten) = (has(&buy.of, piece), has(only, piece));
        let sum = match (bought, gotten) {
            (true, true) => &mut either,
            (true, false) => &mut to_buy,
            (false, true) => &mut to_get,
            (false, false) => continue,
        };
        *sum = sum.checked_add(units)?;
        if gotten {
            gettable.push((piece.unit_price.minor, units, bought));
        }
    }
    let (quantity, get) = (i64::from(buy.quantity), i64::from(buy.get));
    // As often as there is enough of the one, enough of the other, and enough of both together.
    let enough = |units: Option<i64>, each: i64| units?.checked_div(each);
    let both = to_buy.checked_add(to_get)?.checked_add(either);
    let times = enough(to_buy.checked_add(either), quantity)?
        .min(enough(to_get.checked_add(either), get)?)
        .min(enough(both, quantity.checked_add(get)?)?)
        .min(buy.times_max.map_or(i64::MAX, i64::from));
    let bought_of_either = times.checked_mul(quantity)?.saturating_sub(to_buy).max(0);
    let mut spare = either.checked_sub(bought_of_either)?;
    let units = times.checked_mul(get)?;
    gettable.sort_unstable();
    let (mut left, mut cost) = (units, 0_i64);
    for (price, units, could_be_bought) in gettable {
        let taken = units
            .min(left)
            .min(if could_be_bought { spare } else { i64::MAX });
        if could_be_bought {
            spare = spare.checked_sub(taken)?;
        }
        left = left.checked_sub(taken)?;
        cost = cost.checked_add(price.checked_mul(taken)?)?;
    }
    Some(Got { units, cost })
}

#[cfg(test)]
mod tests {
    use super::{super::pricing::tests::discount, *};
    use contracts::orders::TakesOff;
    use proptest::prelude::*;

    fn usd(minor: i64) -> Money {
        Money::new(minor, "USD".parse().unwrap())
    }

    fn product(number: u8) -> ProductId {
        ProductId::from_bytes([number; 16])
    }

    fn category(number: u8) -> CategoryId {
        CategoryId::from_bytes([number; 16])
    }

    /// Product, category, how many, price.
    fn goods(pieces: &[(u8, u8, u32, i64)]) -> Goods {
        let piece = |(id, kind, units, price): &(u8, u8, u32, i64)| Piece {
            product_id: product(*id),
            categories: vec![category(*kind), category(99)],
            quantity: Quantity::try_from(*units).unwrap(),
            unit_price: usd(*price),
        };
        Goods::of(pieces.iter().map(piece).collect()).unwrap()
    }

    fn of(products: &[u8], categories: &[u8]) -> Selection {
        Selection {
            products: products.iter().copied().map(product).collect(),
            categories: categories.iter().copied().map(category).collect(),
        }
    }

    fn free(buy: (u32, Selection), get: (u32, Selection), times_max: Option<u32>) -> DiscountView {
        DiscountView {
            only: Some(get.1),
            buy: Some(BuyGet {
                quantity: buy.0,
                of: buy.1,
                get: get.0,
                times_max,
            }),
            ..discount(Some(10_000), None)
        }
    }

    #[test]
    fn a_restricted_discount_takes_off_what_it_is_for() {
        let goods = goods(&[(1, 7, 2, 1_000), (2, 8, 1, 500), (3, 8, 1, 100)]);
        for (only, points, amount, off) in [
            (of(&[], &[]), Some(1_000), None, Some(260)),
            (of(&[1], &[]), Some(1_000), None, Some(200)),
            (of(&[], &[8]), Some(1_000), None, Some(60)),
            (of(&[3], &[7]), Some(1_000), None, Some(210)),
            (of(&[], &[99]), None, Some(700), Some(700)),
            (of(&[], &[8]), None, Some(700), Some(600)),
            (of(&[4], &[9]), None, Some(700), None),
        ] {
            let restricted = DiscountView {
                only: Some(only.clone()),
                takes_off: TakesOff::Goods,
                ..discount(points, amount)
            };
            assert_eq!(off_goods(&goods, &restricted).ok(), off, "{only:?}");
        }
    }

    #[test]
    fn the_cheapest_of_what_can_be_got_is_got_for_less() {
        let all = || of(&[], &[]);
        for (pieces, discount, off) in [
            // Three for two, of anything: the cheapest of each three in the whole order.
            (
                vec![(1, 7, 2, 300), (2, 7, 1, 200)],
                free((2, all()), (1, all()), None),
                Some(200),
            ),
            (
                vec![(1, 7, 5, 300)],
                free((2, all()), (1, all()), None),
                Some(300),
            ),
            (
                vec![(1, 7, 6, 300)],
                free((2, all()), (1, all()), None),
                Some(600),
            ),
            (
                vec![(1, 7, 6, 300)],
                free((2, all()), (1, all()), Some(1)),
                Some(300),
            ),
            (
                vec![(1, 7, 2, 300)],
                free((2, all()), (1, all()), None),
                None,
            ),
            // Two of the first, one of the second.
            (
                vec![(1, 7, 4, 300), (2, 8, 1, 50)],
                free((2, of(&[1], &[])), (1, of(&[2], &[])), None),
                Some(50),
            ),
            (
                vec![(1, 7, 4, 300), (2, 8, 9, 50)],
                free((2, of(&[1], &[])), (1, of(&[], &[8])), None),
                Some(100),
            ),
            (
                vec![(1, 7, 4, 300)],
                free((2, of(&[1], &[])), (1, of(&[2], &[])), None),
                None,
            ),
            // What must be bought can be got as well, and is not both: one of three teas is the third.
            (
                vec![(1, 7, 3, 300), (2, 7, 1, 900)],
                free((2, of(&[1], &[])), (1, all()), None),
                Some(300),
            ),
            (
                vec![(1, 7, 2, 300), (2, 7, 1, 900)],
                free((2, of(&[1], &[])), (1, all()), None),
                Some(900),
            ),
        ] {
            assert_eq!(
                off_goods(&goods(&pieces), &discount).ok(),
                off,
                "{pieces:?} {discount:?}"
            );
        }
        let half = DiscountView {
            basis_points: Some(5_000),
            ..free((1, all()), (1, all()), None)
        };
        assert_eq!(off_goods(&goods(&[(1, 7, 2, 333)]), &half), Ok(167));
    }

    /// As often as it goes, by trying: units in the order of their prices.
    fn times_by_trying(pieces: &[(u8, u8, u32, i64)], (quantity, get): (u32, u32)) -> u32 {
        let count = |wanted: u8| {
            pieces
                .iter()
                .filter(|one| one.0 == wanted)
                .map(|one| one.2)
                .sum::<u32>()
        };
        // The first is bought, the second got, the third either.
        let goes = |times: u32| {
            let bought = times.saturating_mul(quantity).saturating_sub(count(1));
            let gotten = times.saturating_mul(get).saturating_sub(count(2));
            let of_either = bought.saturating_add(gotten);
            of_either <= count(3)
        };
        (0..100).rev().find(|times| goes(*times)).unwrap()
    }

    proptest! {
        #[test]
        fn as_many_are_got_as_can_be(
            counts in prop::array::uniform3(1_u32..9), quantity in 1_u32..5, get in 1_u32..5,
            prices in prop::array::uniform3(0_i64..100),
        ) {
            let pieces = (1_u8..).zip(counts).zip(prices);
            let pieces: Vec<_> = pieces.map(|((id, count), price)| (id, 7, count, price)).collect();
            let discount = free((quantity, of(&[1, 3], &[])), (get, of(&[2, 3], &[])), None);
            let only = discount.only.clone().unwrap();
            let got = got(&goods(&pieces), &only, &discount.buy.unwrap()).unwrap();
            let times = times_by_trying(&pieces, (quantity, get));
            prop_assert_eq!(got.units, i64::from(times.saturating_mul(get)));
            let cheapest = pieces[1..].iter().map(|one| one.3).min().unwrap();
            let dearest = pieces[1..].iter().map(|one| one.3).max().unwrap();
            let (least, most) = (cheapest.saturating_mul(got.units), dearest.saturating_mul(got.units));
            prop_assert!(least <= got.cost && got.cost <= most);
        }
    }
}
