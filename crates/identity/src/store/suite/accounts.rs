//! Accounts: one for a name, changed by whoever has read them, and gone without a trace.

use super::{Bench, ann, at, credentials, event, is_over, person, rotation, session};
use crate::{
    domain::roles::Roles,
    store::{NewUser, Rename, RoleChange, Rotated, Setup, SigningKey},
};
use contracts::{
    access::Role,
    identity::{ProfileError, RegisterError},
    request::Precondition,
    values::{UserId, Username, Version},
};
use platform::db::Abort;

pub(super) async fn one_name_in_all_spellings_is_one_account(bench: Bench) {
    let store = &*bench.store;
    let mut first = person("ann@example.com");
    first.username = Some(Username::parse("Ann").unwrap());
    store.register(first, session(1)).await.unwrap();
    for spelling in ["ANN@example.COM", "ａｎｎ@example.com"] {
        let refused = store.register(person(spelling), session(2)).await;
        assert!(
            matches!(refused, Err(Abort::Refused(RegisterError::EmailTaken))),
            "{spelling}"
        );
    }
    let mut second = person("bob@example.com");
    second.username = Some(Username::parse("aNN").unwrap());
    let refused = store.register(second, session(3)).await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(RegisterError::UsernameTaken))
    ));
    assert!(
        credentials(store, "bob@example.com").await.is_none(),
        "nothing was left"
    );
    assert!(is_over(store, rotation(3, 2)).await, "no session either");
}

pub(super) async fn a_stale_version_changes_nothing(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let rename = |sent, name: Option<&str>| Rename {
        id: user.id,
        sent,
        name: Some(name.map(str::to_owned)),
    };
    let first = Precondition::Header(Version::FIRST);
    let renamed = store.rename(rename(first, None)).await.unwrap();
    assert_eq!((renamed.name, renamed.version.get()), (None, 2));
    for sent in [first, Precondition::Body(Version::FIRST)] {
        let Err(Abort::Refused(ProfileError::VersionConflict { current, .. })) =
            store.rename(rename(sent, Some("Eve"))).await
        else {
            panic!("a stale version was taken")
        };
        assert_eq!(current.get(), 2);
    }
    assert_eq!(store.user(user.id).await.unwrap().unwrap().name, None);
    let unknown = Rename {
        id: UserId::generate(),
        ..rename(first, None)
    };
    let refused = store.rename(unknown).await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(ProfileError::NotFound))
    ));
}

pub(super) async fn new_roles_raise_version_and_epoch(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let change = |sent| RoleChange {
        id: user.id,
        sent,
        roles: Roles::of(&[Role::Merchant]),
        at: at(7),
        event: event(7),
    };
    let changed = store
        .set_roles(change(Precondition::Body(Version::FIRST)))
        .await
        .unwrap();
    assert_eq!((changed.version.get(), changed.epoch), (2, 1));
    assert_eq!(changed.roles.as_text(), "customer,merchant");
    let refused = store
        .set_roles(change(Precondition::Body(Version::FIRST)))
        .await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(ProfileError::VersionConflict { .. }))
    ));
    assert_eq!(
        store.endings_since(at(7)).await.unwrap().users,
        [(user.id, 1, at(7))]
    );
    let Rotated::Live(fresh, _) = store.rotate(rotation(1, 8)).await.unwrap() else {
        panic!("the session lives on")
    };
    assert_eq!((fresh.epoch, fresh.roles), (1, changed.roles));
}

pub(super) async fn a_deleted_account_gives_its_name_back(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    assert_eq!(store.delete(proven.clone(), event(9)).await.unwrap(), 1);
    assert!(store.delete(proven, event(9)).await.is_err(), "once");
    assert!(store.user(user.id).await.unwrap().is_none());
    assert!(store.credentials_of(user.id).await.unwrap().is_none());
    assert!(credentials(store, "ann@example.com").await.is_none());
    assert!(is_over(store, rotation(1, 10)).await);
    assert_eq!(
        store.endings_since(at(9)).await.unwrap().users,
        [(user.id, 1, at(9))]
    );
    let again = store
        .register(person("ann@example.com"), session(2))
        .await
        .unwrap();
    assert_ne!(again.id, user.id);
}

pub(super) async fn a_setup_token_makes_one_admin(bench: Bench) {
    let store = &*bench.store;
    let renew = async |token, instead_of, second| {
        let renewed = store.renew_setup_token(token, instead_of, at(second)).await;
        renewed.unwrap()
    };
    let standing = async || store.standing_setup_token().await.unwrap();
    assert_eq!(standing().await, None);
    assert!(renew([1; 32], None, 1).await);
    assert!(!renew([4; 32], None, 2).await, "one stands");
    assert!(
        !renew([4; 32], Some([5; 32]), 2).await,
        "another one stands"
    );
    assert_eq!(standing().await, Some(([1; 32], at(1))));
    assert!(renew([2; 32], Some([1; 32]), 2).await);
    assert_eq!(standing().await, Some(([2; 32], at(2))));
    assert!(
        !store.setup_token_is_good([1; 32]).await.unwrap(),
        "replaced"
    );
    ann(store).await;
    let setup = |token, email| Setup {
        token: [token; 32],
        user: NewUser {
            roles: Roles::of(&[Role::Admin]),
            ..person(email)
        },
        session: session(9),
    };
    let replaced = store.set_up(setup(1, "root@example.com")).await;
    assert!(matches!(
        replaced,
        Err(Abort::Refused(RegisterError::SetupTokenInvalid))
    ));
    let taken = store.set_up(setup(2, "ann@example.com")).await;
    assert!(matches!(
        taken,
        Err(Abort::Refused(RegisterError::EmailTaken))
    ));
    assert!(
        store.setup_token_is_good([2; 32]).await.unwrap(),
        "a refusal uses nothing up"
    );
    store.set_up(setup(2, "root@example.com")).await.unwrap();
    let twice = store.set_up(setup(2, "eve@example.com")).await;
    assert!(matches!(
        twice,
        Err(Abort::Refused(RegisterError::SetupTokenInvalid))
    ));
    assert_eq!(standing().await, None, "used up");
    assert!(!renew([3; 32], None, 3).await, "there is an admin");
    assert!(!renew([3; 32], Some([2; 32]), 3).await, "there is an admin");
    assert!(!store.setup_token_is_good([3; 32]).await.unwrap());
}

pub(super) async fn the_first_secrets_stay(bench: Bench) {
    let store = &*bench.store;
    let key = |kid: &str| SigningKey {
        kid: kid.to_owned(),
        pkcs8: vec![1],
        public_x: "x".to_owned(),
        signs_from: at(1),
        signs_until: None,
    };
    let first = store.secrets(key("one"), [1; 32], at(1)).await.unwrap();
    let second = store.secrets(key("two"), [2; 32], at(2)).await.unwrap();
    assert_eq!((first.successor, second.successor), ([1; 32], [1; 32]));
    assert_eq!(
        (first.keys[0].kid.as_str(), second.keys[0].kid.as_str()),
        ("one", "one")
    );
    assert_eq!(second.keys.len(), 1);
}

pub(super) async fn a_key_is_known_before_it_signs_and_after_it_did_or_gone_at_once(bench: Bench) {
    let store = &*bench.store;
    let key = |kid: &str, from: i64| SigningKey {
        kid: kid.to_owned(),
        pkcs8: vec![1],
        public_x: "x".to_owned(),
        signs_from: at(from),
        signs_until: None,
    };
    let known = async |now: i64| {
        let keys = store.signing_keys(at(now)).await.unwrap();
        let name = |key: SigningKey| (key.kid, key.signs_from, key.signs_until);
        keys.into_iter().map(name).collect::<Vec<_>>()
    };
    let named =
        |kid: &str, from: i64, until: Option<i64>| (kid.to_owned(), at(from), until.map(at));
    store.secrets(key("one", 1), [1; 32], at(1)).await.unwrap();
    store
        .rotate_key(key("two", 310), false, at(10))
        .await
        .unwrap();
    let both = [named("two", 310, None), named("one", 1, Some(310))];
    assert_eq!(known(10).await, both);
    assert_eq!(known(310 + 3_600).await, both);
    assert_eq!(known(311 + 3_600).await, both[..1]);
    // The next one takes what is over with it: it could still sign.
    store
        .rotate_key(key("three", 9_000), false, at(8_700))
        .await
        .unwrap();
    let rows = "SELECT CAST(COUNT(*) AS TEXT) FROM signing_keys";
    assert_eq!(bench.behind.look(rows).await.as_deref(), Some("2"));
    store
        .rotate_key(key("four", 8_800), true, at(8_800))
        .await
        .unwrap();
    assert_eq!(known(8_800).await, [named("four", 8_800, None)]);
    assert_eq!(bench.behind.look(rows).await.as_deref(), Some("1"));
    let again = store
        .secrets(key("five", 9_999), [2; 32], at(9_999))
        .await
        .unwrap();
    assert_eq!(again.keys.len(), 1);
    assert_eq!(again.keys[0].kid, "four");
}

pub(super) async fn of_a_deleted_account_only_id_and_times_are_left(bench: Bench) {
    let user = ann(&*bench.store).await;
    let proven = credentials(&*bench.store, "ann@example.com").await.unwrap();
    bench.store.delete(proven, event(9)).await.unwrap();
    let left =
        "SELECT COALESCE(email, email_key, username, username_key, name, password_hash) FROM users";
    assert_eq!(bench.behind.look(left).await, None);
    let told = "SELECT o.name || ' ' || o.payload || ' ' || s.end_reason FROM outbox o, sessions s";
    let expected = format!(
        "identity.user_deleted.v1 {{\"user_id\":\"{}\"}} deleted",
        user.id
    );
    assert_eq!(bench.behind.look(told).await, Some(expected));
}

pub(super) async fn what_was_kept_is_there_after_opening_again(bench: Bench) {
    ann(&*bench.store).await;
    let again = bench.behind.reopened().await;
    assert!(credentials(&*again, "ann@example.com").await.is_some());
}
