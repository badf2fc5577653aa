//! Webhooks as people change them.

use super::{Bench, at, endpoint, turn};
use crate::{
    domain::endpoint::Edit,
    store::{Delivery, NewEndpoint},
};
use contracts::{
    request::{IdempotencyKey, Precondition},
    values::Version,
    webhooks::WebhookError,
};
use platform::db::{Abort, keys::KeyedRequest};

fn new() -> NewEndpoint {
    NewEndpoint {
        endpoint: endpoint(&[]),
        most: 2,
        request: None,
    }
}

pub(super) async fn a_request_with_a_key_makes_one_webhook(bench: Bench) {
    let key = IdempotencyKey::parse("k1").unwrap();
    let with = |body: &str| NewEndpoint {
        request: Some(KeyedRequest::new("ann", &key, &body).unwrap()),
        ..new()
    };
    let first = bench.store.make(with("one")).await.unwrap();
    let again = bench.store.make(with("one")).await.unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!(first.value.id, again.value.id);
    let other = bench.store.make(with("other")).await;
    assert!(matches!(
        other,
        Err(Abort::Refused(WebhookError::KeyReused))
    ));
    assert_eq!(bench.store.all().await.unwrap().len(), 1);
}

pub(super) async fn there_are_no_more_than_there_may_be(bench: Bench) {
    for _ in 0..2 {
        bench.store.make(new()).await.unwrap();
    }
    let third = bench.store.make(new()).await;
    assert!(matches!(
        third,
        Err(Abort::Refused(WebhookError::TooMany { most: 2 }))
    ));
}

pub(super) async fn a_change_names_the_version_that_it_changes(bench: Bench) {
    let hook = bench.make(&[]).await;
    let edit = Edit {
        description: Some("another".to_owned()),
        ..Edit::default()
    };
    let first = Precondition::Body(Version::FIRST);
    let change = async || {
        bench
            .store
            .change(hook.id, first, edit.clone(), at(1))
            .await
    };
    let changed = change().await.unwrap();
    assert_eq!((changed.version.get(), changed.updated_at), (2, at(1)));
    assert_eq!(bench.store.find(hook.id).await.unwrap(), Some(changed));
    assert!(matches!(
        change().await,
        Err(Abort::Refused(WebhookError::VersionConflict { .. }))
    ));
    let gone = bench.store.remove(hook.id, first).await;
    assert!(matches!(
        gone,
        Err(Abort::Refused(WebhookError::VersionConflict { .. }))
    ));
}

pub(super) async fn a_rotated_secret_leaves_the_one_of_before_for_a_while(bench: Bench) {
    let hook = bench.make(&[]).await;
    let rotate = async |secret: [u8; 32], until: i64| {
        let edit = Edit {
            secret: Some((secret, at(until))),
            ..Edit::default()
        };
        let sent = Precondition::LastWriterWins;
        bench
            .store
            .change(hook.id, sent, edit, at(10))
            .await
            .unwrap()
    };
    rotate([8; 32], 20).await;
    let kept = bench.store.find(hook.id).await.unwrap().unwrap();
    assert_eq!(
        (kept.secret, kept.former),
        ([8; 32], Some(([7; 32], at(20))))
    );
    rotate([9; 32], 10).await;
    let kept = bench.store.find(hook.id).await.unwrap().unwrap();
    assert_eq!((kept.secret, kept.former), ([9; 32], None));
}

pub(super) async fn what_is_removed_has_no_deliveries_any_more(bench: Bench) {
    let hook = bench.make(&[]).await;
    let ping = Delivery::ping(hook.id, at(1));
    bench.store.insert(ping.clone()).await.unwrap();
    assert_eq!(
        bench.store.delivery(ping.id).await.unwrap(),
        Some(ping.clone())
    );
    let first = Precondition::Header(Version::FIRST);
    bench.store.remove(hook.id, first).await.unwrap();
    assert_eq!(bench.store.delivery(ping.id).await.unwrap(), None);
    bench
        .store
        .insert(Delivery::ping(hook.id, at(2)))
        .await
        .unwrap();
    assert!(bench.turn(turn(hook.id, 3)).await.is_none());
    let log = bench
        .store
        .deliveries(hook.id, None, None, 9)
        .await
        .unwrap();
    assert!(log.is_empty());
}
