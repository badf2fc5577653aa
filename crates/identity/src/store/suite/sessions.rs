//! Sessions and refresh tokens: one successor each, and an end that holds.

use super::{Bench, ann, at, credentials, is_over, live, person, rotation, session};
use crate::store::Rotated;
use contracts::{identity::LoginError, values::UserId};
use platform::db::Abort;
use secrecy::{ExposeSecret, SecretString};

pub(super) async fn a_session_needs_the_password_that_is_there_now(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let proven = credentials(store, "ANN@example.com").await.unwrap();
    store
        .open_session(proven.clone(), session(2))
        .await
        .unwrap();
    let mut admin = person("ann@example.com");
    admin.password_hash = SecretString::from("hash two");
    admin.at = at(5);
    let promoted = store.make_admin(admin).await.unwrap();
    assert_eq!(
        (promoted.id, promoted.roles.as_text()),
        (user.id, "customer,admin".to_owned())
    );
    assert_eq!((promoted.version.get(), promoted.epoch), (2, 1));
    let refused = store.open_session(proven.clone(), session(3)).await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(LoginError::InvalidCredentials))
    ));
    assert!(
        store.delete(proven, at(6)).await.is_err(),
        "nor may it delete"
    );
    assert!(
        is_over(store, rotation(1, 6)).await,
        "earlier sessions have ended"
    );
    assert!(is_over(store, rotation(2, 6)).await);
    let now = credentials(store, "ann@example.com").await.unwrap();
    assert_eq!(now.password_hash.expose_secret(), "hash two");
}

pub(super) async fn a_refresh_token_has_one_successor(bench: Bench) {
    let store = &*bench.store;
    ann(store).await;
    let session = live(store, rotation(1, 100)).await;
    assert_eq!(
        live(store, rotation(1, 110)).await,
        session,
        "an answer that was lost"
    );
    assert_eq!(live(store, rotation(2, 105)).await, session);
    assert_eq!(live(store, rotation(3, 500)).await, session);
    assert!(is_over(store, rotation(9, 500)).await, "unknown");
    assert!(is_over(store, rotation(4, 1_500)).await, "at its end");
}

pub(super) async fn a_refresh_token_that_comes_back_late_ends_its_session(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let session = live(store, rotation(1, 100)).await;
    let reused = store.rotate(rotation(1, 111)).await.unwrap();
    assert!(matches!(reused, Rotated::Reused(who, ended) if who == user.id && ended == session));
    assert!(
        is_over(store, rotation(2, 112)).await,
        "the thief's and the owner's"
    );
    assert!(is_over(store, rotation(1, 112)).await);
    let endings = store.endings_since(at(111)).await.unwrap();
    assert_eq!(endings.sessions, [(session, at(111))]);
}

pub(super) async fn a_session_ends_once_and_only_by_its_user(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let session = live(store, rotation(1, 2)).await;
    store
        .end_session(session, UserId::generate(), at(3))
        .await
        .unwrap();
    live(store, rotation(2, 4)).await;
    store.end_session(session, user.id, at(5)).await.unwrap();
    store.end_session(session, user.id, at(9)).await.unwrap();
    assert!(is_over(store, rotation(3, 10)).await);
    assert_eq!(
        store.endings_since(at(0)).await.unwrap().sessions,
        [(session, at(5))]
    );
    assert_eq!(
        store.end_session_of([1; 32], at(11)).await.unwrap(),
        Some(session)
    );
    assert_eq!(store.end_session_of([99; 32], at(11)).await.unwrap(), None);
}

pub(super) async fn sweeping_forgets_only_what_is_long_over(bench: Bench) {
    let store = &*bench.store;
    ann(store).await;
    let session = live(store, rotation(1, 500)).await;
    let day = 24 * 60 * 60;
    assert!(!store.sweep(at(1_400)).await.unwrap());
    assert_eq!(
        live(store, rotation(2, 1_401)).await,
        session,
        "one expired, the other not"
    );
    assert!(
        is_over(store, rotation(1, 1_402)).await,
        "forgotten, so that it ends nothing now"
    );
    store.sweep(at(2_500 + day)).await.unwrap();
    assert_eq!(
        store.end_session_of([3; 32], at(2_500)).await.unwrap(),
        None
    );
}
