//! What an order may cost, as the limits of what is given by itself have room for it: pure.

use super::{
    pricing::{Priced, Unpriced, Use, price},
    promotion::Goods,
    tax::TaxTerms,
};
use contracts::orders::{DiscountView, ShippingMethodView};
use std::sync::Arc;

/// What an order may cost: with a discount that is given by itself, if any, as its limits have room for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub priced: Priced,
    pub automatic: Option<Arc<DiscountView>>,
}

/// What goods cost, the best for the buyer first: with one of those discounts that are given by themselves, beside the
/// one whose code was named; with the next best, should the limits of the first have no room; and so on to what they
/// cost in any case. One is better if the total is less, and of two alike the one whose code comes first.
pub fn offers(
    goods: &Goods,
    automatic: &[Arc<DiscountView>],
    coded: Option<&DiscountView>,
    (shipping, taxes): (Option<&ShippingMethodView>, Option<&TaxTerms>),
) -> Result<Vec<Offer>, Unpriced> {
    let plain = price(goods, coded.as_slice(), shipping, taxes)?;
    let mut offers: Vec<Offer> = Vec::new();
    for discount in automatic {
        let mut both = vec![&**discount];
        both.extend(coded);
        // One that is not for these goods is not given.
        let Ok(priced) = price(goods, &both, shipping, taxes) else {
            continue;
        };
        if priced.total.minor < plain.total.minor {
            let automatic = Some(Arc::clone(discount));
            offers.push(Offer { priced, automatic });
        }
    }
    let rank = |offer: &Offer| {
        let code = offer
            .automatic
            .as_ref()
            .map(|one| one.code.as_str().to_owned());
        (offer.priced.total.minor, code)
    };
    offers.sort_by_cached_key(rank);
    let is_sure = |offer: &Offer| {
        let limited = |one: &Arc<DiscountView>| Use::of(one, [0; 32]).is_limited();
        !offer.automatic.as_ref().is_some_and(limited)
    };
    match offers.iter().position(is_sure) {
        Some(sure) => offers.truncate(sure.saturating_add(1)),
        None => offers.push(Offer {
            priced: plain,
            automatic: None,
        }),
    }
    Ok(offers)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            pricing::tests::{discount, goods, method, usd},
            promotion::Piece,
            tax::{TaxRounding, tests::terms},
        },
        *,
    };
    use contracts::{
        orders::{BuyGet, DiscountCode, PartKind, Selection, TakesOff},
        values::{ProductId, Quantity},
    };
    use proptest::prelude::*;

    fn automatic(code: &str, points: u32, uses_max: Option<u32>) -> Arc<DiscountView> {
        Arc::new(DiscountView {
            code: DiscountCode::parse(code).unwrap(),
            automatic: true,
            uses_max,
            ..discount(Some(points), None)
        })
    }

    #[test]
    fn the_best_for_the_buyer_comes_first_and_what_has_room_in_any_case_last() {
        let (few, some) = (
            automatic("few", 3_000, Some(1)),
            automatic("some", 2_000, Some(9)),
        );
        let (sure, less) = (automatic("sure", 1_000, None), automatic("less", 500, None));
        let big = Arc::new(DiscountView {
            minimum: Some(usd(1_001)),
            ..(*automatic("big", 9_000, None)).clone()
        });
        let codes = |all: &[Arc<DiscountView>]| {
            let offers = offers(&goods(usd(1_000)), all, None, (None, None)).unwrap();
            let code = |offer: Offer| {
                let code = offer.automatic.map(|one| one.code.as_str().to_owned());
                (code.unwrap_or_default(), offer.priced.total.minor)
            };
            offers.into_iter().map(code).collect::<Vec<_>>()
        };
        let told = |code: &str, total| (code.to_owned(), total);
        let all = [less.clone(), some.clone(), sure, big.clone(), few.clone()];
        assert_eq!(
            codes(&all),
            [told("FEW", 700), told("SOME", 800), told("SURE", 900)]
        );
        assert_eq!(
            codes(&[some, few]),
            [told("FEW", 700), told("SOME", 800), told("", 1_000)]
        );
        assert_eq!(
            codes(&[less.clone(), automatic("alike", 500, None)]),
            [told("ALIKE", 950)]
        );
        assert_eq!(codes(&[big]), [told("", 1_000)]);
        let ten = discount(Some(1_000), None);
        let both = offers(&goods(usd(1_000)), &[less], Some(&ten), (None, None)).unwrap();
        let off: Vec<_> = both[0]
            .priced
            .parts
            .iter()
            .map(|part| part.amount)
            .collect();
        assert_eq!(
            (off, both[0].priced.total),
            (vec![usd(-50), usd(-100)], usd(850))
        );
    }

    #[test]
    fn one_that_costs_the_free_shipping_is_not_the_best() {
        let post = method(500, Some(1_000));
        let tenth = automatic("tenth", 1_000, None);
        let offers = offers(&goods(usd(1_000)), &[tenth], None, (Some(&post), None)).unwrap();
        assert_eq!(offers[0].automatic, None);
        assert_eq!(offers[0].priced.total, usd(1_000));
    }

    /// Anything that may be taken off.
    fn any_discount() -> impl Strategy<Value = DiscountView> {
        let buy = (1_u32..4, 1_u32..4, prop::option::of(1_u32..4));
        let all = (1_u32..=10_000, 0..=i64::MAX, 0_u8..5, buy, any::<bool>());
        all.prop_map(
            |(points, amount, kind, (quantity, get, times_max), named)| {
                let plain = discount(Some(points), None);
                let only = Some(Selection {
                    products: vec![ProductId::from_bytes([1; 16])],
                    categories: Vec::new(),
                });
                let of = Selection::default();
                let buy = BuyGet {
                    quantity,
                    of,
                    get,
                    times_max,
                };
                let of_kind = match kind {
                    0 => discount(None, Some(amount)),
                    1 => DiscountView { only, ..plain },
                    2 => DiscountView {
                        buy: Some(buy),
                        ..plain
                    },
                    3 => DiscountView {
                        takes_off: TakesOff::Shipping,
                        ..plain
                    },
                    _ => plain,
                };
                let name = named.then(|| "A name".to_owned());
                DiscountView { name, ..of_kind }
            },
        )
    }

    proptest! {
        #[test]
        fn lines_and_parts_add_up_to_the_total(
            lines in prop::collection::vec((1_u8..4, 1_u32..9, 0..=i64::MAX / 64), 1..4),
            automatic in prop::collection::vec(any_discount(), 0..4), coded in prop::option::of(any_discount()),
            carriage in 0..=i64::MAX / 4, free_from: Option<i64>,
            (shipped, taxed, included) in any::<(bool, bool, bool)>(),
        ) {
            let piece = |(id, units, price): &(u8, u32, i64)| Piece {
                product_id: ProductId::from_bytes([*id; 16]),
                categories: Vec::new(),
                quantity: Quantity::try_from(*units).unwrap(),
                unit_price: usd(*price),
            };
            let goods = Goods::of(lines.iter().map(piece).collect()).unwrap();
            let method = method(carriage, free_from);
            let shipping = shipped.then_some(&method);
            let terms = terms(included, TaxRounding::HalfEven);
            let taxes = taxed.then_some(&terms);
            let automatic: Vec<_> = automatic.into_iter().map(Arc::new).collect();
            let Ok(offers) = offers(&goods, &automatic, coded.as_ref(), (shipping, taxes)) else {
                // The code is not for these goods.
                prop_assert!(coded.is_some());
                return Ok(());
            };
            for Offer { priced, .. } in &offers {
                let parts: i64 = priced.parts.iter().map(|part| part.amount.minor).sum();
                prop_assert_eq!(goods.subtotal.minor.checked_add(parts), Some(priced.total.minor));
                prop_assert!(priced.total.minor >= 0);
                for part in &priced.parts {
                    let adds = matches!(part.kind, PartKind::Shipping | PartKind::Tax);
                    prop_assert!(adds || part.amount.minor <= 0);
                }
            }
            let totals: Vec<i64> = offers.iter().map(|offer| offer.priced.total.minor).collect();
            prop_assert!(totals.is_sorted(), "the best comes first");
        }
    }
}
