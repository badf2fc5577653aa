//! Carts: what they hold, whose they are, and that one becomes one order.

use super::{Bench, at, order, usd};
use crate::{
    domain::{
        cart::{Bounds, Cart, NewCart, Owner, SetLine},
        order::NewOrder,
    },
    store::{PlaceRefusal, Store},
};
use contracts::{
    orders::{CartError, CartStatus},
    request::Precondition,
    values::{CartId, OrderId, ProductId, Quantity, UserId, VariantId, Version},
};
use platform::db::Abort;

pub(super) const BOUNDS: Bounds = Bounds {
    lines_max: 2,
    keep_seconds: 100,
};

pub(super) fn new_cart(owner: Owner) -> NewCart {
    NewCart {
        id: CartId::generate(),
        owner,
        most: 2,
        at: at(0),
        expires_at: at(100),
    }
}

pub(super) fn guest() -> Owner {
    Owner::Guest {
        token_hash: [3; 32],
        address_key: [4; 32],
    }
}

fn wish(thing: u8, quantity: u32) -> SetLine {
    SetLine {
        product_id: ProductId::from_bytes([thing; 16]),
        variant_id: VariantId::from_bytes([thing; 16]),
        quantity: Quantity::try_from(quantity).ok(),
        seen: usd(500),
        sent: None,
    }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Abort<CartError>>) -> CartError {
    match result {
        Err(Abort::Refused(refusal)) => refusal,
        other => panic!("not refused: {other:?}"),
    }
}

/// An open cart with one line, at its second version.
pub(super) async fn filled(store: &dyn Store, owner: Owner) -> Cart {
    let (cart, _) = store.open_cart(new_cart(owner)).await.unwrap();
    store
        .set_cart_line(cart.id, wish(1, 2), BOUNDS, at(1))
        .await
        .unwrap()
}

pub(super) fn order_of_cart(cart: &Cart) -> NewOrder {
    NewOrder {
        cart: Some((cart.id, cart.version)),
        ..order()
    }
}

pub(super) async fn a_cart_is_kept_with_its_lines(bench: Bench) {
    let cart = filled(&*bench.store, guest()).await;
    let more = bench
        .store
        .set_cart_line(cart.id, wish(2, 1), BOUNDS, at(2));
    more.await.unwrap();
    let fewer = bench
        .store
        .set_cart_line(cart.id, wish(1, 7), BOUNDS, at(3));
    let cart = fewer.await.unwrap();
    let kept = bench.behind.reopened().await.cart(cart.id).await.unwrap();
    assert_eq!(kept.as_ref(), Some(&cart));
    let lines: Vec<_> = cart.lines.iter().map(|line| line.quantity.get()).collect();
    assert_eq!((lines, cart.version.get()), (vec![7, 1], 4));
    assert_eq!((cart.expires_at, cart.token_hash), (at(103), Some([3; 32])));
    assert_eq!(bench.store.cart(CartId::generate()).await.unwrap(), None);
}

pub(super) async fn a_user_has_one_open_cart_and_a_guest_as_many_as_may_be(bench: Bench) {
    let ann = UserId::generate();
    let open = |owner| bench.store.open_cart(new_cart(owner));
    let (first, fresh) = open(Owner::User(ann)).await.unwrap();
    let (again, fresh_again) = open(Owner::User(ann)).await.unwrap();
    assert_eq!((first.id, fresh, fresh_again), (again.id, true, false));
    assert!(open(guest()).await.unwrap().1 && open(guest()).await.unwrap().1);
    assert!(matches!(refused(open(guest()).await), CartError::TooMany));
    let elsewhere = Owner::Guest {
        token_hash: [3; 32],
        address_key: [5; 32],
    };
    assert!(open(elsewhere).await.unwrap().1);
    assert!(open(Owner::User(UserId::generate())).await.unwrap().1);
}

pub(super) async fn a_refused_change_leaves_a_cart_as_it_was(bench: Bench) {
    let cart = filled(&*bench.store, guest()).await;
    let stale = SetLine {
        sent: Some(Precondition::Header(Version::FIRST)),
        ..wish(1, 9)
    };
    let set = |wish| bench.store.set_cart_line(cart.id, wish, BOUNDS, at(5));
    let refusal = refused(set(stale).await);
    assert!(matches!(refusal, CartError::VersionConflict { .. }));
    set(wish(2, 1)).await.unwrap();
    assert!(matches!(
        refused(set(wish(3, 1)).await),
        CartError::Invalid { .. }
    ));
    let kept = bench.store.cart(cart.id).await.unwrap().unwrap();
    assert_eq!((kept.version.get(), kept.lines.len()), (3, 2));
    let unknown = bench
        .store
        .set_cart_line(CartId::generate(), wish(1, 1), BOUNDS, at(5));
    assert!(matches!(refused(unknown.await), CartError::NotFound));
}

pub(super) async fn a_guest_s_cart_goes_into_its_user_s_once(bench: Bench) {
    let ann = UserId::generate();
    let guests = filled(&*bench.store, guest()).await;
    let mine = filled(&*bench.store, Owner::User(ann)).await;
    let merge = || {
        bench
            .store
            .merge_cart(guests.id, new_cart(Owner::User(ann)), BOUNDS)
    };
    let merged = merge().await.unwrap();
    assert_eq!(
        (merged.id, merged.lines[0].quantity.get()),
        (mine.id, 4),
        "summed"
    );
    assert_eq!(merge().await.unwrap(), merged, "and once");
    let over = bench.store.cart(guests.id).await.unwrap().unwrap();
    assert_eq!(over.status, CartStatus::Merged);
    let set = bench
        .store
        .set_cart_line(guests.id, wish(1, 1), BOUNDS, at(9));
    assert!(matches!(refused(set.await), CartError::Closed { .. }));
    // Whoever has no cart gets one.
    let bob = new_cart(Owner::User(UserId::generate()));
    let from = filled(&*bench.store, guest()).await;
    let his = bench.store.merge_cart(from.id, bob, BOUNDS).await.unwrap();
    assert_eq!(his.lines, from.lines);
}

pub(super) async fn a_cart_becomes_one_order_in_the_order_s_commit(bench: Bench) {
    let cart = filled(&*bench.store, guest()).await;
    let wish = order_of_cart(&cart);
    let batch = vec![wish.clone(), order(), wish.clone()];
    let answers = bench.store.place_all(batch).await.unwrap();
    let replayed: Vec<bool> = answers
        .iter()
        .map(|answer| answer.as_ref().unwrap().replayed)
        .collect();
    assert_eq!(replayed, [false, false, true]);
    let bought = bench.store.cart(cart.id).await.unwrap().unwrap();
    assert_eq!(bought.order_id, Some(wish.id));
    assert_eq!(
        (bought.status, bought.version.get()),
        (CartStatus::Ordered, 3)
    );
    let again = bench.store.place_all(vec![wish.clone()]).await.unwrap();
    assert!(again[0].as_ref().unwrap().replayed);
    // Another order of the same cart is none, whichever version it names.
    for version in [cart.version, bought.version] {
        let other = NewOrder {
            cart: Some((cart.id, version)),
            ..order()
        };
        let answers = bench.store.place_all(vec![other]).await.unwrap();
        assert_eq!(answers, [Err(PlaceRefusal::CartChanged)]);
    }
    assert_eq!(bench.store.audit(None, 10).await.unwrap().len(), 2);
}

pub(super) async fn an_order_of_a_cart_that_changed_is_given_up_and_its_neighbours_are_not(
    bench: Bench,
) {
    let cart = filled(&*bench.store, guest()).await;
    let late = order_of_cart(&cart);
    let changed = bench
        .store
        .set_cart_line(cart.id, wish(1, 5), BOUNDS, at(2));
    let changed = changed.await.unwrap();
    let (neighbour, right) = (order(), order_of_cart(&changed));
    let batch = vec![late.clone(), neighbour, right.clone()];
    let answers = bench.store.place_all(batch).await.unwrap();
    assert_eq!(answers[0], Err(PlaceRefusal::CartChanged));
    assert!(answers[1].is_ok() && answers[2].is_ok(), "{answers:?}");
    let given_up = bench.store.give_up(vec![late.id, right.id], at(3)).await;
    assert_eq!(given_up.unwrap(), [late.id]);
    let again = bench.store.place_all(vec![late]).await.unwrap();
    assert_eq!(again, [Err(PlaceRefusal::GivenUp)]);
}

pub(super) async fn a_touched_cart_is_another_version(bench: Bench) {
    let cart = filled(&*bench.store, guest()).await;
    let touch = || bench.store.touch_cart(cart.id, cart.version, at(4));
    touch().await.unwrap();
    touch().await.unwrap();
    let touched = bench.store.cart(cart.id).await.unwrap().unwrap();
    assert_eq!(touched.version, cart.version.next(), "of that version once");
    assert_eq!(touched.lines, cart.lines);
}

pub(super) async fn carts_end_with_their_time_and_their_user(bench: Bench) {
    let ann = UserId::generate();
    let hers = filled(&*bench.store, Owner::User(ann)).await;
    let guests = filled(&*bench.store, guest()).await;
    assert_eq!(bench.store.sweep_carts(at(100), 10).await.unwrap(), 0);
    bench.store.forget_customer(ann, None).await.unwrap();
    assert_eq!(bench.store.cart(hers.id).await.unwrap(), None);
    assert_eq!(bench.store.sweep_carts(at(101), 10).await.unwrap(), 1);
    assert_eq!(bench.store.cart(guests.id).await.unwrap(), None);
    let order = OrderId::generate();
    assert_eq!(bench.store.view(order).await.unwrap(), None);
}
