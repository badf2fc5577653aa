//! Accounts as admins look after them: found by how a name begins, kept out with all they have, and never the last
//! admin.

use super::{Bench, ann, at, credentials, event, is_over, person, rotation, session};
use crate::{
    domain::{roles::Roles, user::User},
    store::{ImportedUser, LoginName, NewUser, RoleChange, StatusChange, Store, UserWish},
};
use contracts::{
    access::Role,
    identity::{ProfileError, UserStatus},
    request::Precondition,
    values::{Counted, Email, UserId, Username, Version},
};
use platform::db::Abort;

const ANYBODY: UserWish = UserWish {
    prefix: None,
    role: None,
    status: None,
    after: None,
    limit: 100,
};

async fn ids(store: &dyn Store, wish: UserWish) -> Vec<UserId> {
    let found = store.users(wish).await.unwrap();
    found.into_iter().map(|user| user.id).collect()
}

pub(super) fn status(id: UserId, status: UserStatus, seconds: i64) -> StatusChange {
    StatusChange {
        id,
        sent: Precondition::LastWriterWins,
        status,
        event: event(seconds).of(id),
    }
}

pub(super) async fn an_admin(store: &dyn Store, email: &str) -> User {
    let admin = NewUser {
        roles: Roles::of(&[Role::Admin]),
        ..person(email)
    };
    store.make_admin(admin).await.unwrap()
}

pub(super) fn is_last(refused: Result<impl Sized, Abort<ProfileError>>) -> bool {
    matches!(refused, Err(Abort::Refused(ProfileError::Invalid { .. })))
}

/// The boss, Cid, Bob (who is disabled) and Ann, the newest first; and somebody who has gone.
async fn four(store: &dyn Store) -> [UserId; 4] {
    let ann = ann(store).await;
    let mut bob = person("bob@example.com");
    (bob.username, bob.name) = (Some(Username::parse("Builder").unwrap()), None);
    let bob = store.register(bob, session(2)).await.unwrap();
    let mut cid = person("cid@example.com");
    cid.name = Some("Anna_Maria%".to_owned());
    let cid = store.register(cid, session(3)).await.unwrap();
    let boss = an_admin(store, "boss@example.com").await;
    let gone = store.register(person("gone@example.com"), session(4));
    gone.await.unwrap();
    let proven = credentials(store, "gone@example.com").await.unwrap();
    store.delete(proven, event(5)).await.unwrap();
    let disabling = store.set_status(status(bob.id, UserStatus::Disabled, 6));
    disabling.await.unwrap();
    [boss.id, cid.id, bob.id, ann.id]
}

pub(super) async fn accounts_are_found_by_name_role_and_status(bench: Bench) {
    let store = &*bench.store;
    let all = four(store).await;
    let [boss, cid, bob, ann] = all;
    for (prefix, expected) in [
        ("ann@", vec![ann]),
        ("ann", vec![boss, cid, ann]),
        ("anna_", vec![cid]),
        ("anna_maria%", vec![cid]),
        ("an%", vec![]),
        ("_nn", vec![]),
        ("build", vec![bob]),
        ("nn", vec![]),
        ("'", vec![]),
    ] {
        let mut wish = ANYBODY;
        wish.prefix = Some(prefix.to_owned());
        assert_eq!(ids(store, wish).await, expected, "{prefix:?}");
    }
    let mut wish = ANYBODY;
    for (role, expected) in [
        (Role::Admin, vec![boss]),
        (Role::Merchant, vec![]),
        (Role::Customer, all.to_vec()),
    ] {
        wish.role = Some(role);
        assert_eq!(ids(store, wish.clone()).await, expected, "{role:?}");
    }
    for (status, expected) in [
        (UserStatus::Disabled, vec![bob]),
        (UserStatus::Active, vec![boss, cid, ann]),
    ] {
        wish.status = Some(status);
        assert_eq!(ids(store, wish.clone()).await, expected, "{status:?}");
    }
    let counts = store.count_users().await.unwrap();
    let told = [counts.all, counts.merchants, counts.admins, counts.disabled];
    assert_eq!(told, [4, 0, 1, 1].map(Counted::of));
    let sells = RoleChange {
        id: ann,
        sent: Precondition::LastWriterWins,
        roles: Roles::of(&[Role::Merchant]),
        at: at(7),
        event: event(7),
    };
    store.set_roles(sells).await.unwrap();
    let counts = store.count_users().await.unwrap();
    assert_eq!(counts.merchants, Counted::of(1));
}

pub(super) async fn accounts_are_listed_page_by_page(bench: Bench) {
    let store = &*bench.store;
    let all = four(store).await;
    assert_eq!(ids(store, ANYBODY).await, all);
    let (mut seen, mut wish) = (Vec::new(), ANYBODY);
    wish.limit = 3;
    loop {
        let page = ids(store, wish.clone()).await;
        let Some(last) = page.last() else { break };
        wish.after = Some(*last);
        seen.extend(page);
    }
    assert_eq!(seen, all);
}

pub(super) async fn who_is_disabled_has_nothing_left_and_gets_nothing(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    let stale = StatusChange {
        sent: Precondition::Body(Version::try_from(7).unwrap()),
        ..status(user.id, UserStatus::Disabled, 5)
    };
    let refused = store.set_status(stale).await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(ProfileError::VersionConflict { .. }))
    ));
    let unknown = store
        .set_status(status(UserId::generate(), UserStatus::Disabled, 5))
        .await;
    assert!(matches!(
        unknown,
        Err(Abort::Refused(ProfileError::NotFound))
    ));
    let (disabled, changed) = store
        .set_status(status(user.id, UserStatus::Disabled, 5))
        .await
        .unwrap();
    assert!(changed);
    let reason = "SELECT end_reason FROM sessions";
    assert_eq!(bench.behind.look(reason).await.as_deref(), Some("disabled"));
    assert_eq!((disabled.version.get(), disabled.epoch), (2, 1));
    assert_eq!(disabled.disabled_at, Some(at(5)));
    assert_eq!(
        store.endings_since(at(5)).await.unwrap().users,
        [(user.id, 1, at(5))]
    );
    assert!(is_over(store, rotation(1, 6)).await);
    assert!(
        store
            .open_session(proven.clone(), session(2))
            .await
            .is_err()
    );
    assert!(store.delete(proven.clone(), event(6)).await.is_err());
    let link = super::links::link(crate::domain::mail::MailKind::ResetPassword, 3, 6);
    assert!(!store.owe_reset_to(user.id, link).await.unwrap());
    let (again, changed) = store
        .set_status(status(user.id, UserStatus::Disabled, 9))
        .await
        .unwrap();
    assert!(!changed);
    assert_eq!(
        (again.version.get(), again.disabled_at),
        (2, Some(at(5))),
        "as it was"
    );
    let (enabled, _) = store
        .set_status(status(user.id, UserStatus::Active, 10))
        .await
        .unwrap();
    assert_eq!((enabled.version.get(), enabled.disabled_at), (3, None));
    assert!(
        is_over(store, rotation(1, 11)).await,
        "what ended stays ended"
    );
    store.open_session(proven, session(2)).await.unwrap();
    let link = super::links::link(crate::domain::mail::MailKind::ResetPassword, 4, 12);
    assert!(store.owe_reset_to(user.id, link).await.unwrap());
}

pub(super) async fn the_last_admin_who_may_sign_in_stays(bench: Bench) {
    let store = &*bench.store;
    let boss = an_admin(store, "boss@example.com").await;
    let other = an_admin(store, "other@example.com").await;
    let demote = |id| RoleChange {
        id,
        sent: Precondition::LastWriterWins,
        roles: Roles::of(&[]),
        at: at(5),
        event: event(5).of(id),
    };
    store
        .set_status(status(other.id, UserStatus::Disabled, 5))
        .await
        .unwrap();
    assert!(is_last(
        store
            .set_status(status(boss.id, UserStatus::Disabled, 6))
            .await
    ));
    assert!(is_last(store.set_roles(demote(boss.id)).await));
    store
        .set_status(status(other.id, UserStatus::Active, 7))
        .await
        .unwrap();
    store.set_roles(demote(boss.id)).await.unwrap();
    assert!(is_last(store.set_roles(demote(other.id)).await));
    let name = LoginName::Email(Email::parse("other@example.com").unwrap());
    assert!(!store.credentials(name).await.unwrap().unwrap().disabled);
}

pub(super) async fn accounts_are_brought_along_once_and_stay_as_they_are(bench: Bench) {
    let store = &*bench.store;
    let ann = ann(store).await;
    let batch = || {
        let of = |email: &str, verified| ImportedUser {
            user: person(email),
            verified,
        };
        vec![
            of("bob@example.com", true),
            of("ANN@example.com", true),
            of("BOB@example.com", false),
            of("cat@example.com", false),
        ]
    };
    for (commit, fresh) in [
        (false, [true, false, false, true]),
        (true, [true, false, false, true]),
        (true, [false; 4]),
    ] {
        let made = store.import_users(batch(), commit).await.unwrap();
        assert_eq!(made, fresh, "{commit}");
    }
    let all = store.users(ANYBODY).await.unwrap();
    let verified = |email: &str| {
        let found = all.iter().find(|user| {
            let own = user.email.as_ref();
            own.is_some_and(|own| own.as_str() == email)
        });
        found.map(|user| user.verified_at.is_some())
    };
    assert_eq!(all.len(), 3);
    assert_eq!(verified("bob@example.com"), Some(true));
    assert_eq!(verified("cat@example.com"), Some(false));
    let same = store.user(ann.id).await.unwrap().unwrap();
    assert_eq!(
        (same.version, same.verified_at),
        (ann.version, ann.verified_at)
    );
}
