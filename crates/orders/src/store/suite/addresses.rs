//! Where orders go: kept with the order, with a cart until it is bought, and gone with the customer.

use super::{Bench, at, carts, order, order_by};
use crate::domain::{
    cart::{Choice, Owner},
    order::NewOrder,
};
use contracts::{
    orders::{Address, CartStatus, NewAddress, OrderQuery},
    values::{OrderId, UserId},
};

pub(super) fn address(city: &str) -> Address {
    let wish = NewAddress {
        name: "Ann".to_owned(),
        line1: "Weg 1".to_owned(),
        city: city.to_owned(),
        country: "DE".to_owned(),
        ..NewAddress::default()
    };
    Address::check(wish).unwrap()
}

pub(super) async fn an_order_says_where_it_goes_wherever_it_is_shown(bench: Bench) {
    let store = &*bench.store;
    let there = NewOrder {
        address: Some(address("Köln")),
        ..order()
    };
    let nowhere = NewOrder {
        id: OrderId::generate(),
        ..order()
    };
    let batch = vec![there.clone(), nowhere.clone(), there.clone()];
    let answers = store.place_all(batch).await.unwrap();
    let views: Vec<_> = answers.into_iter().map(|one| one.unwrap().view).collect();
    assert_eq!(views[0].shipping_address, there.address);
    assert_eq!(views[2], views[0], "a twin finds it");
    assert_eq!(views[1].shipping_address, None);
    let shown = store.view(there.id).await.unwrap();
    assert_eq!(shown.as_ref(), Some(&views[0]));
    let list = store.list(None, OrderQuery::default()).await.unwrap().data;
    assert!(list.len() == 2 && list.contains(&views[0]) && list.contains(&views[1]));
    let again = store.placed(there.id, there.fingerprint).await.unwrap();
    assert_eq!(again.unwrap().view, views[0]);
}

pub(super) async fn a_cart_says_where_it_goes_until_it_is_bought(bench: Bench) {
    let store = &*bench.store;
    let cart = carts::filled(store, Owner::User(UserId::generate())).await;
    let choice = Choice::Address(Some(Box::new(address("Köln"))));
    let choose = || store.choose_in_cart(cart.id, choice.clone(), carts::BOUNDS, at(2));
    let chosen = choose().await.unwrap();
    assert_eq!(chosen.shipping_address, Some(address("Köln")));
    assert_eq!(chosen.version, cart.version.next());
    assert_eq!(
        choose().await.unwrap(),
        chosen,
        "said twice, it is no change"
    );
    assert_eq!(store.cart(cart.id).await.unwrap().as_ref(), Some(&chosen));
    let wish = NewOrder {
        address: chosen.shipping_address.clone(),
        ..carts::order_of_cart(&chosen)
    };
    let placed = bench.place(&wish).await;
    assert_eq!(placed.shipping_address, Some(address("Köln")));
    let bought = store.cart(cart.id).await.unwrap().unwrap();
    assert_eq!(
        (bought.status, bought.shipping_address),
        (CartStatus::Ordered, None)
    );
}

pub(super) async fn addresses_go_with_their_customer(bench: Bench) {
    let (ann, bob) = (UserId::generate(), UserId::generate());
    let by = |user| NewOrder {
        address: Some(address("Köln")),
        ..order_by(user, 0)
    };
    let (hers, his) = (by(ann), by(bob));
    for wish in [&hers, &his] {
        bench.place(wish).await;
    }
    bench.store.forget_customer(ann, None).await.unwrap();
    let seen = async |id| {
        bench
            .store
            .view(id)
            .await
            .unwrap()
            .unwrap()
            .shipping_address
    };
    assert_eq!(seen(hers.id).await, None);
    assert_eq!(seen(his.id).await, his.address);
}
