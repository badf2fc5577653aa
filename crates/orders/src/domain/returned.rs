//! What may come back of an order: of each line no more than was sent and has not come back. Pure.

use contracts::{
    catalog::ReturnedItem,
    orders::{OrderError, OrderLineView, OrderPartView, ReturnStatus, ShipLine},
    values::{Money, Quantity, VariantId},
};
use std::collections::BTreeMap;

/// A line of an order, and what became of the units that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct GoneLine {
    pub(crate) line: u32,
    pub(crate) variant: VariantId,
    pub(crate) sold: u32,
    pub(crate) sent: u32,
    /// Given back before they were sent.
    pub(crate) withheld: u32,
    /// In returns that were not refused.
    pub(crate) returned: u32,
    /// Brought back by refunds that were of no return.
    pub(crate) came_back: u32,
}

impl GoneLine {
    /// Those that are still out.
    pub(crate) const fn out(&self) -> u32 {
        self.sent
            .saturating_sub(self.returned)
            .saturating_sub(self.came_back)
    }

    /// Those that were not sent, and may be.
    const fn unsent(&self) -> u32 {
        self.sold
            .saturating_sub(self.sent)
            .saturating_sub(self.withheld)
    }
}

/// Checks what somebody wants to bring back.
pub(crate) fn check(lines: &[GoneLine], wish: &[ShipLine]) -> Result<(), OrderError> {
    if wish.is_empty() {
        return Err(invalid("/lines".to_owned(), "names nothing"));
    }
    for (index, wished) in wish.iter().enumerate() {
        let earlier = wish.iter().take(index);
        let field = format!("/lines/{index}/line");
        if earlier.into_iter().any(|other| other.line == wished.line) {
            return Err(invalid(field, "was named before"));
        }
        let known = lines.iter().find(|line| line.line == wished.line);
        let Some(known) = known else {
            return Err(invalid(field, "is no line of the order"));
        };
        if wished.quantity.get() > known.out() {
            let field = format!("/lines/{index}/quantity");
            let out = known.out();
            return Err(invalid(
                field,
                format!("is more than the {out} that were sent and have not come back"),
            ));
        }
    }
    Ok(())
}

fn invalid(field: String, reason: impl Into<String>) -> OrderError {
    OrderError::Invalid {
        field: field.into(),
        reason: reason.into(),
    }
}

/// Which units that were sent a refund of no return brings back. What was not sent counts first: what it withholds
/// from parcels, and, of an order of which nothing is sent any more, what stayed.
pub(crate) fn came_back(
    lines: &[GoneLine],
    items: &[ReturnedItem],
    withheld: &[ShipLine],
) -> Vec<ShipLine> {
    let mut back = Vec::new();
    for item in items {
        let mut wanted = item.quantity.get();
        for line in lines.iter().filter(|one| one.variant == item.variant_id) {
            let held = withheld.iter().filter(|held| held.line == line.line);
            let held = held.fold(0_u32, |sum, held| sum.saturating_add(held.quantity.get()));
            wanted = wanted.saturating_sub(held).saturating_sub(line.unsent());
        }
        for line in lines.iter().filter(|one| one.variant == item.variant_id) {
            let units = wanted.min(line.out());
            if let Ok(quantity) = Quantity::try_from(units) {
                let line = line.line;
                back.push(ShipLine { line, quantity });
                wanted = wanted.saturating_sub(units);
            }
        }
    }
    back
}

/// Whether a return gets from here to there.
pub(crate) const fn leads_to(from: ReturnStatus, to: ReturnStatus) -> bool {
    use ReturnStatus::{Approved, Received, Refunded, Refused, Requested};
    matches!(
        (from, to),
        (Requested, Approved | Refused) | (Approved, Received | Refused) | (Received, Refunded)
    )
}

/// The things of some lines that go back on sale, each once, with how many of it the order has.
pub(crate) fn items(items: &[OrderLineView], lines: &[ShipLine]) -> Vec<(ReturnedItem, i64)> {
    let mut units: BTreeMap<VariantId, u32> = BTreeMap::new();
    for (line, quantity) in named(items, lines) {
        let sum = units.entry(line.variant_id).or_default();
        *sum = sum.saturating_add(quantity.get());
    }
    let bought = |variant: VariantId| {
        let lines = items.iter().filter(|line| line.variant_id == variant);
        lines.fold(0_i64, |sum, line| {
            sum.saturating_add(line.quantity.get().into())
        })
    };
    let item = |(variant_id, units): (VariantId, u32)| {
        let quantity = Quantity::try_from(units).ok()?;
        let item = ReturnedItem {
            variant_id,
            quantity,
        };
        Some((item, bought(variant_id)))
    };
    units.into_iter().filter_map(item).collect()
}

/// Some lines, those of one thing together, in the order of `items`.
pub(crate) fn by_thing(items: &[OrderLineView], lines: &[ShipLine]) -> Vec<Vec<ShipLine>> {
    let mut things: BTreeMap<VariantId, Vec<ShipLine>> = BTreeMap::new();
    for named_line in lines {
        let one = std::slice::from_ref(named_line);
        for (line, _) in named(items, one) {
            let of_thing = things.entry(line.variant_id).or_default();
            of_thing.push(*named_line);
        }
    }
    things.into_values().collect()
}

/// What was paid for some lines, as a refund of items weighs them: where something was taken off the order, or taxes
/// came on top of its lines, they had their share of it. Rounded down, so that all shares together are never more than
/// was paid.
pub(crate) fn worth(
    (items, parts): (&[OrderLineView], &[OrderPartView]),
    lines: &[ShipLine],
    total: Money,
) -> Money {
    let minor = |money: Money| i128::from(money.minor);
    let of_lines = named(items, lines)
        .map(|(line, quantity)| minor(line.unit_price).saturating_mul(quantity.get().into()));
    let cost: i128 = of_lines.sum();
    let all: i128 = items.iter().map(|line| minor(line.line_total)).sum();
    let beside: i128 = parts.iter().map(OrderPartView::of_the_goods).sum();
    let paid = all.saturating_add(beside);
    let share = match cost.saturating_mul(paid).checked_div(all) {
        Some(share) if paid != all => share,
        Some(_) | None => cost,
    };
    let share = i64::try_from(share).unwrap_or(i64::MAX).max(0);
    Money::new(share.min(total.minor), total.currency)
}

fn named<'a>(
    items: &'a [OrderLineView],
    lines: &'a [ShipLine],
) -> impl Iterator<Item = (&'a OrderLineView, Quantity)> {
    lines.iter().filter_map(move |named| {
        let place = usize::try_from(named.line.checked_sub(1)?).ok()?;
        Some((items.get(place)?, named.quantity))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::orders::PartKind;
    use proptest::prelude::*;

    fn variant(number: u32) -> VariantId {
        VariantId::from_bytes(u128::from(number).to_be_bytes())
    }

    fn gone(line: u32, sent: u32, returned: u32, came_back: u32) -> GoneLine {
        GoneLine {
            line,
            variant: variant(1),
            sold: sent,
            sent,
            withheld: 0,
            returned,
            came_back,
        }
    }

    fn units(line: u32, quantity: u32) -> ShipLine {
        ShipLine {
            line,
            quantity: Quantity::try_from(quantity).unwrap(),
        }
    }

    #[test]
    fn only_what_is_out_may_come_back() {
        let lines = [gone(1, 3, 1, 1), gone(2, 0, 0, 0)];
        check(&lines, &[units(1, 1)]).unwrap();
        for refused in [
            &[][..],
            &[units(1, 2)],
            &[units(2, 1)],
            &[units(3, 1)],
            &[units(1, 1), units(1, 1)],
        ] {
            assert!(check(&lines, refused).is_err(), "{refused:?}");
        }
    }

    #[test]
    fn a_refund_without_a_return_brings_back_what_it_did_not_withhold() {
        let lines = [gone(1, 2, 1, 0), gone(2, 2, 0, 0)];
        let item = |quantity: u32| ReturnedItem {
            variant_id: variant(1),
            quantity: Quantity::try_from(quantity).unwrap(),
        };
        assert_eq!(came_back(&lines, &[item(1)], &[units(1, 1)]), []);
        assert_eq!(came_back(&lines, &[item(2)], &[units(1, 1)]), [units(1, 1)]);
        let all = came_back(&lines, &[item(9)], &[]);
        assert_eq!(all, [units(1, 1), units(2, 2)], "no more than were out");
        let kept = GoneLine {
            sold: 5,
            ..gone(1, 2, 0, 0)
        };
        assert_eq!(came_back(&[kept], &[item(3)], &[]), [], "they stayed");
        assert_eq!(came_back(&[kept], &[item(4)], &[]), [units(1, 1)]);
    }

    #[test]
    fn what_is_refused_or_over_goes_nowhere() {
        use ReturnStatus::{Approved, Received, Refunded, Refused, Requested};
        let ways = [
            (Requested, Approved),
            (Requested, Refused),
            (Approved, Refused),
            (Approved, Received),
            (Received, Refunded),
        ];
        for from in ReturnStatus::ALL {
            for to in ReturnStatus::ALL {
                assert_eq!(
                    leads_to(from, to),
                    ways.contains(&(from, to)),
                    "{from:?} {to:?}"
                );
            }
        }
    }

    proptest! {
        #[test]
        fn shares_of_all_lines_are_never_more_than_was_paid(
            prices in proptest::collection::vec((1_i64..10_000, 1_u32..5), 1..6),
            off in 0_i64..5_000,
        ) {
            let usd = "USD".parse().unwrap();
            let line = |(price, quantity): &(i64, u32)| {
                let quantity = Quantity::try_from(*quantity).unwrap();
                let unit_price = Money::new(*price, usd);
                OrderLineView {
                    product_id: contracts::values::ProductId::generate(),
                    variant_id: VariantId::generate(),
                    sku: "A".to_owned(),
                    name: "A".to_owned(),
                    quantity,
                    unit_price,
                    line_total: unit_price.times(quantity).unwrap(),
                    tax: None,
                }
            };
            let items: Vec<OrderLineView> = prices.iter().map(line).collect();
            let all: i64 = items.iter().map(|line| line.line_total.minor).sum();
            let off = off.min(all);
            let parts = [OrderPartView {
                kind: PartKind::Discount,
                title: "OFF".to_owned(),
                code: None,
                tax: None,
                amount: Money::new(off.saturating_neg(), usd),
            }];
            let total = Money::new(all.saturating_sub(off), usd);
            let mut back = 0_i64;
            for (place, (_, quantity)) in (1_u32..).zip(&prices) {
                for _ in 0..*quantity {
                    let one = worth((&items, &parts), &[units(place, 1)], total);
                    back = back.saturating_add(one.minor);
                }
            }
            prop_assert!(back <= total.minor, "{back} of {total}");
        }
    }
}
