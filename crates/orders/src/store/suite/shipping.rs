//! Ways of shipping: kept, changed by version, few; and chosen in carts.

use super::{Bench, at, carts, usd};
use crate::{
    domain::cart::{Choice, Owner},
    store::shipping::METHODS_MAX,
};
use contracts::{
    orders::{NewShippingMethod, ShippingBand, ShippingError, ShippingTariff, ShippingZone},
    request::Precondition,
    values::{Country, Money, ShippingMethodId, UserId},
};
use platform::db::{Abort, keys::Making};

fn method(name: &str) -> NewShippingMethod {
    NewShippingMethod {
        name: name.to_owned(),
        price: usd(500),
        free_from: Some(usd(5_000)),
        weight_max_grams: Some(9_000),
        bands: Vec::new(),
        zones: vec![ShippingZone {
            countries: vec![Country::parse("DE").unwrap()],
            regions: vec!["BY".to_owned()],
            price: usd(700),
            free_from: None,
            weight_max_grams: None,
            bands: vec![ShippingBand {
                weight_max_grams: Some(500),
                goods_below: Some(usd(900)),
                price: usd(300),
            }],
        }],
        currencies: vec![ShippingTariff {
            price: Money::new(450, "EUR".parse().unwrap()),
            free_from: None,
            bands: Vec::new(),
            zones: Vec::new(),
        }],
        active: None,
        version: None,
    }
}

pub(super) async fn ways_of_shipping_are_kept_changed_and_few(bench: Bench) {
    let store = &*bench.store;
    let make = async |name: &str| {
        let id = ShippingMethodId::generate();
        let making = Making::new(id, at(0));
        store
            .make_shipping_method(making, method(name))
            .await
            .map(|made| made.value)
    };
    let post = make("Post").await.unwrap();
    let bike = make("Bike").await.unwrap();
    let reopened = bench.behind.reopened().await;
    let kept = reopened.shipping_methods().await.unwrap();
    assert_eq!(kept, [bike, post.clone()]);
    let off = NewShippingMethod {
        active: Some(false),
        free_from: None,
        weight_max_grams: None,
        zones: Vec::new(),
        currencies: Vec::new(),
        ..method("Post")
    };
    let sent = Precondition::Body(post.version);
    let change = || store.replace_shipping_method(post.id, sent, off.clone(), at(5));
    let changed = change().await.unwrap();
    assert_eq!((changed.active, changed.version.get()), (false, 2));
    assert_eq!(store.shipping_methods().await.unwrap()[1], changed);
    assert!(change().await.is_err(), "of a version that has gone");
    let nobody = ShippingMethodId::generate();
    let unknown = store.replace_shipping_method(nobody, sent, off.clone(), at(5));
    assert!(matches!(
        unknown.await,
        Err(Abort::Refused(ShippingError::NotFound))
    ));
    for number in 2..METHODS_MAX {
        make(&format!("Way {number}")).await.unwrap();
    }
    let refused = make("One more").await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(ShippingError::TooMany))
    ));
}

pub(super) async fn a_cart_keeps_how_it_is_shipped(bench: Bench) {
    let store = &*bench.store;
    let id = ShippingMethodId::generate();
    let cart = carts::filled(store, Owner::User(UserId::generate())).await;
    let first = cart.version.next();
    for (chosen, version) in [(Some(id), first), (Some(id), first), (None, first.next())] {
        let choice = Choice::Shipping(chosen);
        let after = store
            .choose_in_cart(cart.id, choice, carts::BOUNDS, at(2))
            .await;
        let after = after.unwrap();
        assert_eq!(after.shipping_method, chosen);
        assert_eq!(after.version, version);
        assert_eq!(store.cart(cart.id).await.unwrap(), Some(after));
    }
}
