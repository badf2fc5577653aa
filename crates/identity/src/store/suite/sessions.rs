//! Sessions and refresh tokens: one successor each, and an end that holds.

use super::{Bench, ann, at, credentials, event, is_over, live, notice, person, rotation, session};
use crate::{
    domain::user::User,
    store::{Credentials, PasswordChange, Rotated, Store},
};
use contracts::{
    identity::{LoginError, PasswordError},
    values::{SessionId, UserId},
};
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
        store.delete(proven, event(6)).await.is_err(),
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
    let ended = |user, seconds| store.end_session(session, user, event(seconds));
    assert!(!ended(UserId::generate(), 3).await.unwrap());
    live(store, rotation(2, 4)).await;
    assert!(ended(user.id, 5).await.unwrap());
    assert!(ended(user.id, 9).await.unwrap(), "it is still theirs");
    assert!(is_over(store, rotation(3, 10)).await);
    assert_eq!(
        store.endings_since(at(0)).await.unwrap().sessions,
        [(session, at(5))]
    );
    assert_eq!(
        store.end_session_of([1; 32], event(11)).await.unwrap(),
        Some(session)
    );
    assert_eq!(
        store.end_session_of([99; 32], event(11)).await.unwrap(),
        None
    );
}

/// Ann, with two sessions more than the first; the ids, the newest first.
async fn ann_with_three(store: &dyn Store) -> (User, Credentials, [SessionId; 3]) {
    let user = ann(store).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    for token in [2, 3] {
        let opened = store.open_session(proven.clone(), session(token)).await;
        opened.unwrap();
    }
    let open = open_ids(store, user.id).await;
    (user, proven, open.try_into().unwrap())
}

async fn open_ids(store: &dyn Store, user: UserId) -> Vec<SessionId> {
    let open = store.open_sessions(user, None, 100, at(2)).await.unwrap();
    open.into_iter().map(|session| session.id).collect()
}

pub(super) async fn sessions_are_listed_until_they_end(bench: Bench) {
    let store = &*bench.store;
    let (user, _, [newest, middle, oldest]) = ann_with_three(store).await;
    assert!(newest > middle && middle > oldest);
    let page = |after, limit, seconds| store.open_sessions(user.id, after, limit, at(seconds));
    let first = page(None, 2, 2).await.unwrap();
    assert_eq!((first[0].id, first[1].id, first.len()), (newest, middle, 2));
    assert_eq!(
        (first[0].created_at, first[0].expires_at),
        (at(1), at(1_000))
    );
    let rest = page(Some(middle), 2, 2).await.unwrap();
    assert_eq!((rest[0].id, rest.len()), (oldest, 1));
    let others = store
        .open_sessions(UserId::generate(), None, 9, at(2))
        .await;
    assert_eq!(others.unwrap(), []);
    live(store, rotation(3, 500)).await;
    let late = page(None, 9, 1_000).await.unwrap();
    assert_eq!((late[0].id, late.len()), (newest, 1), "the others are over");
    assert_eq!(late[0].refreshed_at, at(500));
    store.end_session(middle, user.id, event(9)).await.unwrap();
    assert_eq!(open_ids(store, user.id).await, [newest, oldest]);
}

pub(super) async fn all_sessions_end_at_once(bench: Bench) {
    let store = &*bench.store;
    let (user, proven, _) = ann_with_three(store).await;
    let bob = store.register(person("bob@example.com"), session(9)).await;
    let bob = bob.unwrap();
    assert_eq!(
        store.end_sessions(user.id, event(5)).await.unwrap(),
        Some(1)
    );
    assert_eq!(open_ids(store, user.id).await, []);
    for token in [1, 2, 3] {
        assert!(is_over(store, rotation(token, 6)).await);
    }
    assert_eq!(open_ids(store, bob.id).await.len(), 1);
    let endings = store.endings_since(at(5)).await.unwrap();
    assert_eq!(endings.users, [(user.id, 1, at(5))]);
    let again = store.open_session(proven, session(4)).await.unwrap();
    assert_eq!((again.epoch, again.version.get()), (1, 1));
    let nobody = store.end_sessions(UserId::generate(), event(6)).await;
    assert_eq!(nobody.unwrap(), None);
}

pub(super) async fn a_new_password_ends_all_other_sessions(bench: Bench) {
    let store = &*bench.store;
    let (user, proven, [newest, kept, oldest]) = ann_with_three(store).await;
    let change = |seconds| PasswordChange {
        proven: proven.clone(),
        password_hash: SecretString::from("hash two"),
        kept,
        at: at(seconds),
        notice: notice(seconds),
        event: event(seconds),
    };
    let mut ended = store.change_password(change(5)).await.unwrap();
    ended.sort_unstable();
    assert_eq!(ended, [oldest, newest]);
    assert_eq!(open_ids(store, user.id).await, [kept]);
    let now = credentials(store, "ann@example.com").await.unwrap();
    assert_eq!(now.password_hash.expose_secret(), "hash two");
    let late = store.change_password(change(6)).await;
    assert!(matches!(
        late,
        Err(Abort::Refused(PasswordError::InvalidCredentials))
    ));
    assert!(store.open_session(proven, session(4)).await.is_err());
    let endings = store.endings_since(at(5)).await.unwrap();
    assert_eq!((endings.sessions.len(), endings.users.len()), (2, 0));
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
        store.end_session_of([3; 32], event(2_500)).await.unwrap(),
        None
    );
}
