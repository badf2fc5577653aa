//! Discounts: kept, counted in the order's commit, freed when the order is called off.

use super::{Bench, at, carts, order, usd};
use crate::{
    domain::{
        cart::{Choice, Owner},
        order::{Happening, NewOrder},
        pricing::{self, Use},
        promotion::{Categories, Goods},
    },
    store::{PlaceRefusal, Store},
};
use contracts::{
    orders::{
        CartStatus, DiscountCode, DiscountError, DiscountQuery, DiscountView, NewDiscount,
        OrderMove, OrderQuery,
    },
    request::Precondition,
    values::{DiscountId, PageSize, UserId},
};
use platform::db::{Abort, keys::Making};

pub(super) fn code(text: &str) -> DiscountCode {
    DiscountCode::parse(text).unwrap()
}

pub(super) fn tenth(name: &str) -> NewDiscount {
    NewDiscount {
        code: code(name),
        name: None,
        automatic: None,
        basis_points: Some(1_000),
        amount: None,
        takes_off: None,
        only: None,
        buy: None,
        minimum: None,
        starts_at: None,
        ends_at: None,
        uses_max: None,
        customer_uses_max: None,
        active: None,
        version: None,
    }
}

pub(super) async fn make(store: &dyn Store, wish: NewDiscount) -> DiscountView {
    let id = DiscountId::generate();
    let made = store.make_discount(Making::new(id, at(0)), wish).await;
    made.unwrap().value
}

/// An order with this discount, of this customer's.
pub(super) fn order_with(discount: &DiscountView, customer: u8) -> NewOrder {
    let plain = order();
    let goods = Goods::of_lines(&plain.lines, &Categories::new()).unwrap();
    let priced = pricing::price(&goods, &[discount], None, None).unwrap();
    NewOrder {
        total: priced.total,
        parts: priced.parts,
        uses: vec![Use::of(discount, [customer; 32])],
        ..plain
    }
}

/// How often it is used; its three books tell the same.
async fn uses(store: &dyn Store, discount: &DiscountView) -> i64 {
    let differing = store.audit_discounts().await.unwrap();
    assert!(differing.is_empty(), "{differing:?}");
    let found = store.discount(discount.id).await.unwrap().unwrap();
    found.uses.unwrap()
}

pub(super) async fn discounts_are_kept_changed_and_listed_by_code(bench: Bench) {
    let store = &*bench.store;
    let wish = NewDiscount {
        minimum: Some(usd(500)),
        starts_at: Some(at(1)),
        ends_at: Some(at(9)),
        uses_max: Some(3),
        customer_uses_max: Some(1),
        ..tenth("b-code")
    };
    let made = make(store, wish.clone()).await;
    let reopened = bench.behind.reopened().await;
    assert_eq!(
        reopened.discount(made.id).await.unwrap(),
        Some(made.clone())
    );
    let again = store
        .make_discount(Making::new(DiscountId::generate(), at(0)), wish.clone())
        .await;
    assert!(matches!(
        again,
        Err(Abort::Refused(DiscountError::CodeTaken))
    ));
    make(store, tenth("c-code")).await;
    make(store, tenth("a-code")).await;
    let mut query = DiscountQuery {
        active: None,
        limit: PageSize::try_from(2).unwrap(),
        cursor: None,
    };
    let first = store.discounts(query.clone()).await.unwrap();
    query.cursor = first.next_cursor.clone();
    let second = store.discounts(query.clone()).await.unwrap();
    let codes: Vec<_> = first
        .data
        .iter()
        .chain(&second.data)
        .map(|one| one.code.as_str())
        .collect();
    assert_eq!(codes, ["A-CODE", "B-CODE", "C-CODE"]);
    let off = NewDiscount {
        active: Some(false),
        ..wish
    };
    let sent = Precondition::Body(made.version);
    let change = || store.replace_discount(made.id, sent, off.clone(), at(5));
    let changed = change().await.unwrap();
    assert_eq!((changed.active, changed.version.get()), (false, 2));
    for (active, expected) in [(true, vec!["A-CODE", "C-CODE"]), (false, vec!["B-CODE"])] {
        (query.active, query.cursor) = (Some(active), None);
        let listed = store.discounts(query.clone()).await.unwrap();
        let codes: Vec<_> = listed.data.iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes, expected);
    }
    assert_eq!(store.count_discounts(100).await.unwrap(), [2, 1]);
    let few = store.count_discounts(2).await.unwrap();
    assert_eq!(few.iter().sum::<i64>(), 2, "no more are looked at");
    assert!(change().await.is_err(), "of a version that has gone");
}

pub(super) async fn parts_are_shown_wherever_the_order_is(bench: Bench) {
    let store = &*bench.store;
    let discount = make(store, tenth("tea-10")).await;
    let wish = order_with(&discount, 1);
    let placed = bench.place(&wish).await;
    assert_eq!((placed.total, placed.parts.len()), (usd(3_598), 1));
    assert_eq!(placed.parts[0].amount, usd(-400));
    assert_eq!(store.view(wish.id).await.unwrap(), Some(placed.clone()));
    let list = store.list(None, OrderQuery::default()).await.unwrap();
    assert_eq!(list.data, std::slice::from_ref(&placed));
    let again = store
        .placed(wish.id, wish.fingerprint)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(again.view, placed);
    let audit = store.audit(None, 9).await.unwrap();
    assert_eq!(
        (audit[0].lines_total_minor, audit[0].parts_total_minor),
        (3_998, -400)
    );
    assert_eq!(
        store.discount(discount.id).await.unwrap().unwrap().uses,
        None,
        "not counted"
    );
}

pub(super) async fn a_limit_is_reached_and_never_passed(bench: Bench) {
    let store = &*bench.store;
    let wish = NewDiscount {
        uses_max: Some(3),
        ..tenth("three")
    };
    let discount = make(store, wish).await;
    let orders: Vec<NewOrder> = (0..5).map(|n| order_with(&discount, n)).collect();
    let mut batch = orders.clone();
    batch.insert(2, order());
    batch.push(orders[0].clone());
    let answers = store.place_all(batch).await.unwrap();
    let went: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(went, [true, true, true, true, false, false, true]);
    assert_eq!(answers[4], Err(PlaceRefusal::DiscountSpent));
    assert_eq!(uses(store, &discount).await, 3);
    let refused = store
        .give_up(vec![orders[3].id, orders[0].id], at(1))
        .await
        .unwrap();
    assert_eq!(refused, [orders[3].id], "its stock may be given back");
    // Called off, it leaves room for one more, once.
    for second in [2, 3] {
        let cancel = Happening::Moved(OrderMove::Cancel);
        drop(bench.happen(orders[1].id, cancel, second).await);
    }
    assert_eq!(uses(store, &discount).await, 2);
    let more = (7..9).map(|n| order_with(&discount, n)).collect();
    let answers = store.place_all(more).await.unwrap();
    assert!(answers[0].is_ok() && answers[1].is_err());
    assert_eq!(uses(store, &discount).await, 3);
}

pub(super) async fn a_customer_s_limit_is_their_own(bench: Bench) {
    let store = &*bench.store;
    let wish = NewDiscount {
        customer_uses_max: Some(1),
        ..tenth("once")
    };
    let discount = make(store, wish).await;
    let (first, second) = (order_with(&discount, 1), order_with(&discount, 1));
    let batch = vec![first.clone(), second.clone(), order_with(&discount, 2)];
    let answers = store.place_all(batch).await.unwrap();
    let went: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(went, [true, false, true]);
    let mine = store.discount_of(code("once"), [1; 32]).await.unwrap();
    assert_eq!(
        mine.map(|(found, used)| (found.id, used)),
        Some((discount.id, 1))
    );
    assert!(store.audit_discounts().await.unwrap().is_empty());
    let expired = Happening::Expired;
    bench.happen(first.id, expired, 901).await.unwrap();
    let again = store
        .place_all(vec![order_with(&discount, 1)])
        .await
        .unwrap();
    assert!(again[0].is_ok(), "freed with the order");
    assert_eq!(
        store.discount_of(code("none"), [1; 32]).await.unwrap(),
        None
    );
}

pub(super) async fn a_spent_discount_leaves_the_cart_open(bench: Bench) {
    let store = &*bench.store;
    let wish = NewDiscount {
        uses_max: Some(1),
        ..tenth("one")
    };
    let discount = make(store, wish).await;
    bench.place(&order_with(&discount, 1)).await;
    let cart = carts::filled(store, Owner::User(UserId::generate())).await;
    let coded = store
        .choose_in_cart(
            cart.id,
            Choice::Discount(Some(code("one"))),
            carts::BOUNDS,
            at(2),
        )
        .await
        .unwrap();
    assert_eq!(coded.version, cart.version.next());
    assert_eq!(store.cart(cart.id).await.unwrap(), Some(coded.clone()));
    let late = NewOrder {
        cart: Some((coded.id, coded.version)),
        ..order_with(&discount, 2)
    };
    let answers = store.place_all(vec![late]).await.unwrap();
    assert_eq!(answers, [Err(PlaceRefusal::DiscountSpent)]);
    let kept = store.cart(cart.id).await.unwrap().unwrap();
    assert_eq!(
        (kept.status, kept.version),
        (CartStatus::Open, coded.version)
    );
}
