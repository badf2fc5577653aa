//! What is counted of orders, and how one is found among many.

use super::{
    Bench, at,
    carts::{filled, guest, new_cart, order_of_cart},
    order, order_by,
};
use crate::domain::{cart::Owner, order::NewOrder};
use contracts::{
    orders::{OrderQuery, OrderStatus},
    values::{Email, UserId},
};

pub(super) async fn orders_are_counted_by_where_they_stand_and_only_what_was_paid_is_sold(
    bench: Bench,
) {
    for second in 0..4 {
        let view = bench.place(&order_by(UserId::generate(), second)).await;
        if second >= 2 {
            bench.pay(view.id, 40).await;
        }
    }
    let counts = bench.store.count_by_status(10).await.unwrap();
    assert_eq!(counts.len(), OrderStatus::ALL.len());
    let of = |status| counts.iter().find(|(found, _)| *found == status).unwrap().1;
    assert_eq!(of(OrderStatus::Pending), 2);
    assert_eq!(of(OrderStatus::Paid), 2);
    assert_eq!(of(OrderStatus::Refunded), 0);
    let few = bench.store.count_by_status(1).await.unwrap();
    assert!(
        few.iter().all(|(_, count)| *count <= 1),
        "no further than asked"
    );
    let sold = bench.store.sold_since(at(0), 10).await.unwrap();
    assert_eq!(sold.len(), 2, "what is not paid is not sold");
    assert_eq!(bench.store.sold_since(at(3), 10).await.unwrap().len(), 1);
    let newest = bench.store.sold_since(at(0), 1).await.unwrap();
    assert_eq!(newest[0].0, at(3));
}

pub(super) async fn a_cart_that_was_touched_is_counted_as_ordered_or_as_left(bench: Bench) {
    let store = &*bench.store;
    // Each is kept for 100 seconds after its last change.
    let counted = async |since: i64, kept: i64| {
        let counted = store.carts_since(at(since), at(kept), 10).await;
        let counted = counted.unwrap();
        (counted.ordered, counted.open)
    };
    assert_eq!(counted(0, 100).await, (0, 0));
    let bought = filled(store, Owner::User(UserId::generate())).await;
    filled(store, guest()).await;
    // Nothing is in it.
    let empty = new_cart(Owner::User(UserId::generate()));
    store.open_cart(empty).await.unwrap();
    assert_eq!(counted(0, 100).await, (0, 2));
    assert_eq!(counted(2, 102).await, (0, 0), "they were changed before");
    // Placed without a cart.
    bench.place(&order()).await;
    let order = NewOrder {
        created_at: at(1),
        ..order_of_cart(&bought)
    };
    bench.place(&order).await;
    assert_eq!(counted(1, 101).await, (1, 1));
    let bounded = store.carts_since(at(0), at(100), 1).await.unwrap();
    assert_eq!(bounded.looked_at, 1, "no further than asked");
}

pub(super) async fn an_order_is_found_by_its_number_and_a_guest_s_by_the_address(bench: Bench) {
    let address = |text: &str| Email::parse(text).ok();
    let mut guests = order();
    guests.customer_id = None;
    guests.guest_email = address("Gus@souk.example");
    let guests = bench.place(&guests).await;
    let other = bench.place(&order_by(UserId::generate(), 1)).await;
    let found = async |query: OrderQuery| {
        let page = bench.store.list(None, query).await.unwrap();
        page.data.iter().map(|view| view.number).collect::<Vec<_>>()
    };
    let by_number = OrderQuery {
        number: Some(other.number),
        ..OrderQuery::default()
    };
    assert_eq!(found(by_number).await, [other.number]);
    let by_address = OrderQuery {
        guest_email: address("gus@SOUK.example"),
        ..OrderQuery::default()
    };
    assert_eq!(found(by_address).await, [guests.number]);
    let nobody = OrderQuery {
        guest_email: address("nobody@souk.example"),
        ..OrderQuery::default()
    };
    assert!(found(nobody).await.is_empty());
}
