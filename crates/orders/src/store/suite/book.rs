//! Addresses that customers keep: each once, bounded, their own, and gone with them.

use super::{Bench, at};
use crate::store::book::Keeping;
use contracts::{
    orders::{Address, BookError, KEPT_ADDRESSES_MAX, NewAddress},
    values::{KeptAddressId, UserId},
};
use futures_util::future::join_all;
use platform::db::Abort;

fn keeping(customer: UserId, street: &str, second: i64) -> Keeping {
    let address = NewAddress {
        name: "Ann Bell".to_owned(),
        line1: street.to_owned(),
        city: "London".to_owned(),
        country: "GB".to_owned(),
        ..NewAddress::default()
    };
    Keeping {
        id: KeptAddressId::generate(),
        customer,
        address: Address::check(address).unwrap(),
        at: at(second),
    }
}

impl Bench {
    async fn streets(&self, customer: UserId) -> Vec<String> {
        let kept = self.store.kept_addresses(customer).await.unwrap();
        kept.into_iter().map(|one| one.address.line1).collect()
    }
}

pub(super) async fn an_address_is_kept_once_and_is_its_customer_s_own(bench: Bench) {
    let (ann, bob) = (UserId::generate(), UserId::generate());
    let first = bench
        .store
        .keep_address(keeping(ann, "1 Tea Lane", 1))
        .await;
    let first = first.unwrap();
    let again = bench
        .store
        .keep_address(keeping(ann, "1 Tea Lane", 2))
        .await;
    assert_eq!(again.unwrap(), first, "it stays as it is");
    bench
        .store
        .keep_address(keeping(ann, "2 Cup Row", 3))
        .await
        .unwrap();
    bench
        .store
        .keep_address(keeping(bob, "1 Tea Lane", 4))
        .await
        .unwrap();
    assert_eq!(bench.streets(ann).await, ["2 Cup Row", "1 Tea Lane"]);
    let foreign = bench.store.forget_address(bob, first.id).await;
    assert!(matches!(foreign, Err(Abort::Refused(BookError::NotFound))));
    bench.store.forget_address(ann, first.id).await.unwrap();
    let twice = bench.store.forget_address(ann, first.id).await;
    assert!(matches!(twice, Err(Abort::Refused(BookError::NotFound))));
    assert_eq!(bench.streets(ann).await, ["2 Cup Row"]);
    bench.store.forget_customer(ann, None).await.unwrap();
    assert!(bench.streets(ann).await.is_empty());
    assert_eq!(bench.streets(bob).await, ["1 Tea Lane"]);
}

pub(super) async fn no_more_addresses_are_kept_than_may_be_whoever_comes_at_once(bench: Bench) {
    let ann = UserId::generate();
    let most = usize::try_from(KEPT_ADDRESSES_MAX).unwrap();
    let tries = (0..most.saturating_add(5)).map(|number| {
        let wish = keeping(ann, &format!("{number} Tea Lane"), 1);
        bench.store.keep_address(wish)
    });
    let kept = join_all(tries).await;
    let refused = kept.iter().filter(|one| one.is_err()).count();
    assert_eq!(refused, 5);
    assert!(
        kept.iter()
            .all(|one| matches!(one, Ok(_) | Err(Abort::Refused(BookError::TooMany))))
    );
    assert_eq!(bench.streets(ann).await.len(), most);
}

pub(super) async fn for_whoever_is_erased_no_address_is_kept_any_more(bench: Bench) {
    let (ann, bob) = (UserId::generate(), UserId::generate());
    for again_at in [at(60), at(90)] {
        let erased = bench.store.forget_customer(ann, Some(again_at));
        erased.await.unwrap();
    }
    let late = bench.store.keep_address(keeping(ann, "1 Tea Lane", 1));
    assert!(matches!(late.await, Err(Abort::Refused(BookError::Erased))));
    assert!(bench.streets(ann).await.is_empty());
    let other = bench.store.keep_address(keeping(bob, "1 Tea Lane", 2));
    other.await.unwrap();
    assert_eq!(bench.streets(bob).await, ["1 Tea Lane"]);
}

/// Whoever comes first: the address goes with the erasure, or it is not kept.
pub(super) async fn an_address_that_is_kept_at_an_erasure_does_not_outlive_it(bench: Bench) {
    for round in 0..20 {
        let ann = UserId::generate();
        let tries = (0..5).map(|number| {
            let wish = keeping(ann, &format!("{number} Tea Lane"), round);
            bench.store.keep_address(wish)
        });
        let (kept, erased) = tokio::join!(join_all(tries), bench.store.forget_customer(ann, None));
        erased.unwrap();
        assert!(
            kept.iter()
                .all(|one| matches!(one, Ok(_) | Err(Abort::Refused(BookError::Erased)))),
            "{kept:?}"
        );
        assert!(bench.streets(ann).await.is_empty(), "round {round}");
    }
}

pub(super) async fn whoever_is_erased_is_due_once_more_and_then_never(bench: Bench) {
    let ann = UserId::generate();
    // Told of again later, and that changes nothing.
    for again_at in [at(60), at(90)] {
        let erased = bench.store.forget_customer(ann, Some(again_at));
        erased.await.unwrap();
    }
    let due = async |second| bench.store.half_erased(at(second), 10).await.unwrap();
    assert!(due(59).await.is_empty());
    assert_eq!(due(60).await, [ann]);
    assert!(bench.store.half_erased(at(60), 0).await.unwrap().is_empty());
    bench.store.forget_customer(ann, None).await.unwrap();
    assert!(due(10_000).await.is_empty());
    // An event that comes very late makes it due no more.
    let erased = bench.store.forget_customer(ann, Some(at(60)));
    erased.await.unwrap();
    assert!(due(10_000).await.is_empty());
}
