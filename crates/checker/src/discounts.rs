//! I-5: a discount is in as many orders as it is counted in, and in no more than it may be.

use crate::{
    books,
    history::History,
    state::{Provider, State},
    violation::{Found, Invariant, Violation},
};
use contracts::{
    orders::{DiscountCode, DiscountView, OrderStatus, OrderView, PartKind},
    values::UserId,
};
use std::collections::BTreeMap;

pub(crate) fn limits(_: &History, state: &State, _: &Provider) -> Vec<Violation> {
    let mut found = Found::default();
    for discount in &state.discounts {
        let orders = state.orders.iter().map(|row| &row.view);
        within(discount, orders, &mut found);
    }
    let mut all = found.all();
    all.extend(books::discounts(&state.miscounted));
    all
}

/// Orders that were called off have let go of their discount.
fn within<'o>(
    discount: &DiscountView,
    orders: impl Iterator<Item = &'o OrderView>,
    found: &mut Found,
) {
    let code = discount.code.as_str();
    let mut uses = 0_i64;
    let mut of_customers: BTreeMap<Option<UserId>, u32> = BTreeMap::new();
    for order in orders.filter(|order| order.status != OrderStatus::Cancelled && has(order, code)) {
        uses = uses.saturating_add(1);
        let mine = of_customers.entry(order.customer_id).or_default();
        *mine = mine.saturating_add(1);
    }
    let counted = discount.uses.is_none_or(|counted| counted == uses);
    found.unless(counted, Invariant::Price, || {
        format!(
            "discount {code}: it is in {uses} orders, and counted {:?}",
            discount.uses
        )
    });
    let bounded = discount.uses_max.is_none_or(|most| uses <= i64::from(most));
    found.unless(bounded, Invariant::Price, || {
        format!(
            "discount {code}: it is in {uses} orders and may be in {:?}",
            discount.uses_max
        )
    });
    let Some(most) = discount.customer_uses_max else {
        return;
    };
    for (customer, mine) in of_customers.into_iter().filter(|(id, _)| id.is_some()) {
        found.unless(mine <= most, Invariant::Price, || {
            format!(
                "discount {code}: {customer:?} has it {mine} times and may have it {most} times"
            )
        });
    }
}

fn has(order: &OrderView, code: &str) -> bool {
    let mut parts = order.parts.iter();
    parts.any(|part| match part.kind {
        PartKind::Discount | PartKind::ShippingDiscount => {
            let named = part.code.as_ref().map(DiscountCode::as_str);
            named.unwrap_or(&part.title) == code
        }
        PartKind::Shipping | PartKind::Tax => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::{
        orders::{OrderPartView, TakesOff},
        values::{DiscountId, Money, OrderId, Timestamp, Version},
    };

    fn discount(uses: i64) -> DiscountView {
        DiscountView {
            id: DiscountId::generate(),
            code: DiscountCode::parse("ten").unwrap(),
            name: None,
            automatic: false,
            basis_points: Some(1_000),
            amount: None,
            takes_off: TakesOff::Goods,
            only: None,
            buy: None,
            minimum: None,
            starts_at: None,
            ends_at: None,
            uses_max: Some(2),
            customer_uses_max: Some(1),
            uses: Some(uses),
            active: true,
            version: Version::FIRST,
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
        }
    }

    fn order(customer: u8, status: OrderStatus, title: &str) -> OrderView {
        let usd = |minor| Money::new(minor, "USD".parse().unwrap());
        OrderView {
            id: OrderId::generate(),
            number: 1,
            version: Version::FIRST,
            status,
            customer_id: Some(UserId::from_bytes([customer; 16])),
            items: Vec::new(),
            parts: vec![OrderPartView {
                kind: PartKind::Discount,
                title: title.to_owned(),
                code: None,
                amount: usd(-1),
                tax: None,
            }],
            shipping_address: None,
            total: usd(9),
            payment_due_at: Timestamp::from_ms(0),
            tracking: None,
            created_at: Timestamp::from_ms(0),
            updated_at: Timestamp::from_ms(0),
            order_token: None,
        }
    }

    fn wrong(uses: i64, orders: &[OrderView]) -> usize {
        let mut found = Found::default();
        within(&discount(uses), orders.iter(), &mut found);
        found.all().len()
    }

    #[test]
    fn a_discount_that_is_in_too_many_orders_or_miscounted_is_found() {
        let (ann, bob) = (
            order(1, OrderStatus::Paid, "TEN"),
            order(2, OrderStatus::Pending, "TEN"),
        );
        let gone = order(1, OrderStatus::Cancelled, "TEN");
        let other = order(1, OrderStatus::Paid, "ELEVEN");
        let fine = [ann.clone(), bob.clone(), gone, other];
        assert_eq!(wrong(2, &fine), 0);
        assert_eq!(wrong(1, &fine), 1, "miscounted");
        let twice = [ann.clone(), ann.clone()];
        assert_eq!(wrong(2, &twice), 1, "one customer's twice");
        let three = [ann, bob, order(3, OrderStatus::Paid, "TEN")];
        assert_eq!(wrong(3, &three), 1, "one too many");
    }
}
