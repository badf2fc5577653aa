//! Discounts that are given by themselves: kept whole, counted where they have a limit, and no row of theirs touched
//! where they have none.

use super::{
    Bench, at,
    discounts::{code, make, order_with, tenth},
    order, usd,
};
use crate::{
    domain::{
        order::{NewOrder, Otherwise},
        pricing::Use,
    },
    store::{PlaceRefusal, discounts::AUTOMATIC_MAX},
};
use contracts::{
    orders::{BuyGet, DiscountError, DiscountView, NewDiscount, Selection, TakesOff},
    request::Precondition,
    values::{CategoryId, DiscountId, ProductId},
};
use platform::db::{Abort, keys::Making};

fn automatic(name: &str) -> NewDiscount {
    NewDiscount {
        automatic: Some(true),
        name: Some(format!("The {name}")),
        ..tenth(name)
    }
}

/// An order with the first, or else with the second, or else without.
fn order_of_both(first: &DiscountView, second: &DiscountView, customer: u8) -> NewOrder {
    let (wanted, other, plain) = (
        order_with(first, customer),
        order_with(second, customer),
        order(),
    );
    let otherwise = |order: NewOrder| Otherwise {
        parts: order.parts,
        total: order.total,
        uses: order.uses,
    };
    NewOrder {
        otherwise: vec![otherwise(other), otherwise(plain)],
        ..wanted
    }
}

/// One that says all that there is to say.
fn rich() -> NewDiscount {
    NewDiscount {
        only: Some(Selection {
            products: vec![ProductId::from_bytes([1; 16])],
            categories: vec![CategoryId::from_bytes([2; 16])],
        }),
        buy: Some(BuyGet {
            quantity: 2,
            of: Selection::default(),
            get: 1,
            times_max: Some(3),
        }),
        ..automatic("b-rich")
    }
}

pub(super) async fn automatic_discounts_are_kept_whole_and_few(bench: Bench) {
    let store = &*bench.store;
    let rich = make(store, rich()).await;
    let takes_off = Some(TakesOff::Shipping);
    let post = make(
        store,
        NewDiscount {
            takes_off,
            ..automatic("a-post")
        },
    )
    .await;
    let active = Some(false);
    make(
        store,
        NewDiscount {
            active,
            ..automatic("off")
        },
    )
    .await;
    make(store, tenth("coded")).await;
    let reopened = bench.behind.reopened().await;
    let kept = reopened.automatic_discounts().await.unwrap();
    assert_eq!(kept, [post, rich.clone()]);
    for number in kept.len()..AUTOMATIC_MAX {
        make(store, automatic(&format!("more-{number}"))).await;
    }
    let id = DiscountId::generate();
    let one_more = store
        .make_discount(Making::new(id, at(0)), automatic("too-many"))
        .await;
    assert!(matches!(
        one_more,
        Err(Abort::Refused(DiscountError::TooMany))
    ));
    let sent = Precondition::Body(rich.version);
    let coded = NewDiscount {
        automatic: None,
        ..automatic("b-rich")
    };
    let changed = store
        .replace_discount(rich.id, sent, coded, at(1))
        .await
        .unwrap();
    assert_eq!(
        (changed.automatic, changed.buy, changed.only),
        (false, None, None)
    );
    store
        .make_discount(Making::new(id, at(2)), automatic("too-many"))
        .await
        .unwrap();
}

pub(super) async fn an_order_without_room_is_written_as_it_costs_otherwise(bench: Bench) {
    let store = &*bench.store;
    let uses_max = Some(2);
    let two = make(
        store,
        NewDiscount {
            uses_max,
            ..automatic("two")
        },
    )
    .await;
    let customer_uses_max = Some(1);
    let once = make(
        store,
        NewDiscount {
            customer_uses_max,
            ..automatic("once")
        },
    )
    .await;
    let batch: Vec<_> = (0..5)
        .map(|n| order_of_both(&two, &once, n.min(3)))
        .collect();
    let mut sent = batch.clone();
    sent.push(batch[4].clone());
    let answers = store.place_all(sent).await.unwrap();
    let placed: Vec<_> = answers.into_iter().map(|one| one.unwrap().view).collect();
    let titles: Vec<_> = placed
        .iter()
        .map(|view| view.parts.first().map_or("", |part| part.title.as_str()))
        .collect();
    assert_eq!(
        titles,
        ["The two", "The two", "The once", "The once", "", ""]
    );
    assert_eq!((placed[3].total, placed[4].total), (usd(3_598), usd(3_998)));
    assert_eq!(placed[4], placed[5], "a twin is told the same");
    for (order, view) in batch.iter().zip(&placed) {
        assert_eq!(store.view(order.id).await.unwrap().as_ref(), Some(view));
        let again = store.placed(order.id, order.fingerprint).await.unwrap();
        assert_eq!(&again.unwrap().view, view, "and so is a repetition");
    }
    assert_eq!(placed[0].parts[0].code, Some(code("two")));
    assert!(store.audit_discounts().await.unwrap().is_empty());
    let used = store.used(vec![two.id, once.id], [3; 32]).await.unwrap();
    assert_eq!((used[&two.id], used[&once.id].1), ((2, 0), 1));
    let mut bound = order_of_both(&two, &once, 3);
    bound.otherwise.pop();
    let refused = store.place_all(vec![bound]).await.unwrap();
    assert_eq!(refused, [Err(PlaceRefusal::DiscountSpent)]);
    bench
        .behind
        .spoil("UPDATE order_parts SET code = NULL WHERE code = 'ONCE'")
        .await;
    assert!(
        store.audit_discounts().await.unwrap().is_empty(),
        "a name that no code has"
    );
    bench.behind.spoil("DELETE FROM discount_uses").await;
    assert_eq!(store.audit_discounts().await.unwrap(), ["TWO"]);
}

pub(super) async fn an_order_touches_no_row_of_a_discount_without_limits(bench: Bench) {
    let store = &*bench.store;
    let free = make(store, automatic("free")).await;
    let orders: Vec<_> = (0..3).map(|n| order_with(&free, n)).collect();
    assert_eq!(orders[0].uses, [Use::of(&free, [0; 32])]);
    // Without the tables whoever reads or writes them fails.
    bench
        .behind
        .spoil("ALTER TABLE discounts RENAME TO hidden_discounts; ALTER TABLE discount_uses RENAME TO hidden_uses")
        .await;
    let answers = store.place_all(orders).await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(answers[0].as_ref().unwrap().view.parts[0].amount, usd(-400));
}
