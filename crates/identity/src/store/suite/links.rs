//! Links in mails: owed to few at a time, good once, for a while, and for nobody else.

use super::{Bench, ann, at, credentials, event, is_over, person, rotation, session};
use crate::{
    domain::mail::MailKind,
    store::{NewLink, NewMail, PasswordReset, Store},
};
use contracts::{
    identity::PasswordError,
    values::{Email, MailId, UserId},
};
use platform::db::Abort;
use secrecy::{ExposeSecret, SecretString};

/// A link that is good for a hundred seconds; three of them in a thousand.
pub(super) fn link(kind: MailKind, token: u8, seconds: i64) -> NewLink {
    NewLink {
        mail: NewMail {
            id: MailId::generate(),
            kind,
            at: at(seconds),
            expires_at: at(seconds).plus_seconds(100),
        },
        token: [token; 32],
        since: at(seconds).plus_seconds(-1_000),
        event: event(seconds),
        most: 3,
    }
}

async fn owe_reset(store: &dyn Store, email: &str, token: u8, seconds: i64) -> bool {
    let link = link(MailKind::ResetPassword, token, seconds);
    let owed = store.owe_reset(Email::parse(email).unwrap(), link).await;
    owed.unwrap()
}

fn reset(user: UserId, token: u8, seconds: i64) -> PasswordReset {
    PasswordReset {
        token: [token; 32],
        user,
        password_hash: SecretString::from("hash two"),
        at: at(seconds),
        notice: super::notice(seconds),
        event: event(seconds),
    }
}

async fn is_refused(store: &dyn Store, reset: PasswordReset) -> bool {
    let refused = store.reset_password(reset).await;
    matches!(refused, Err(Abort::Refused(PasswordError::LinkInvalid)))
}

pub(super) async fn a_link_is_owed_to_an_account_and_not_too_often(bench: Bench) {
    let store = &*bench.store;
    ann(store).await;
    assert!(!owe_reset(store, "bob@example.com", 1, 5).await);
    assert!(!store.mails_are_due(at(5)).await.unwrap());
    for token in [2, 3, 4] {
        assert!(owe_reset(store, "ANN@example.com", token, 5).await);
    }
    assert!(!owe_reset(store, "ann@example.com", 5, 6).await, "too many");
    assert!(owe_reset(store, "ann@example.com", 6, 1_006).await, "later");
    let take = crate::store::MailTake {
        now: at(9),
        until: at(99),
        limit: 99,
    };
    assert_eq!(store.take_mails(take).await.unwrap().len(), 3);
}

pub(super) async fn a_link_sets_the_password_once_and_ends_everything(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    owe_reset(store, "ann@example.com", 1, 5).await;
    owe_reset(store, "ann@example.com", 2, 6).await;
    let owner = |token: u8, kind| store.link_owner([token; 32], kind, at(7));
    let found = owner(1, MailKind::ResetPassword).await.unwrap();
    assert_eq!(found.unwrap().id, user.id);
    assert!(owner(1, MailKind::VerifyEmail).await.unwrap().is_none());
    assert!(owner(9, MailKind::ResetPassword).await.unwrap().is_none());
    assert_eq!(store.reset_password(reset(user.id, 1, 7)).await.unwrap(), 1);
    let now = credentials(store, "ann@example.com").await.unwrap();
    assert_eq!(now.password_hash.expose_secret(), "hash two");
    assert!(is_over(store, rotation(1, 8)).await, "all sessions ended");
    for token in [1, 2] {
        let refused = is_refused(store, reset(user.id, token, 8)).await;
        assert!(refused, "{token} is used, or was beside one that is");
    }
    let endings = store.endings_since(at(7)).await.unwrap();
    assert_eq!(endings.users, [(user.id, 1, at(7))]);
}

pub(super) async fn a_link_that_is_over_changes_nothing(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let bob = store.register(person("bob@example.com"), session(9)).await;
    let bob = bob.unwrap();
    owe_reset(store, "ann@example.com", 1, 5).await;
    assert!(is_refused(store, reset(user.id, 1, 105)).await, "too late");
    assert!(is_refused(store, reset(user.id, 9, 6)).await, "unknown");
    for other in [bob.id, UserId::generate()] {
        let refused = is_refused(store, reset(other, 1, 6)).await;
        assert!(refused, "it is good for nobody else");
    }
    for email in ["ann@example.com", "bob@example.com"] {
        let kept = credentials(store, email).await.unwrap();
        assert_eq!(kept.password_hash.expose_secret(), "hash one", "{email}");
    }
    assert!(!is_over(store, rotation(1, 7)).await, "sessions go on");
    assert!(store.reset_password(reset(user.id, 1, 8)).await.is_ok());
}

pub(super) async fn a_new_password_makes_links_worthless(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    owe_reset(store, "ann@example.com", 1, 5).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    let change = crate::store::PasswordChange {
        proven,
        password_hash: SecretString::from("hash three"),
        kept: contracts::values::SessionId::generate(),
        at: at(6),
        notice: super::notice(6),
        event: event(6),
    };
    store.change_password(change).await.unwrap();
    assert!(is_refused(store, reset(user.id, 1, 7)).await);
}

pub(super) async fn an_address_is_verified_once(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    assert_eq!(user.verified_at, None);
    let owe = |token| store.owe_verification(user.id, link(MailKind::VerifyEmail, token, 5));
    assert!(owe(1).await.unwrap() && owe(2).await.unwrap());
    let verify = |token: u8, seconds| store.verify_email([token; 32], event(seconds));
    assert_eq!(verify(9, 6).await.unwrap(), None);
    assert_eq!(verify(1, 105).await.unwrap(), None, "too late");
    assert_eq!(verify(1, 7).await.unwrap(), Some(user.id));
    assert_eq!(verify(1, 8).await.unwrap(), None);
    assert_eq!(verify(2, 8).await.unwrap(), None);
    let now = store.user(user.id).await.unwrap().unwrap();
    assert_eq!((now.verified_at, now.version.get()), (Some(at(7)), 2));
    assert!(!owe(3).await.unwrap(), "there is nothing to verify");
    let proven = credentials(store, "ann@example.com").await.unwrap();
    store.delete(proven, event(9)).await.unwrap();
    assert!(
        !store
            .owe_verification(user.id, link(MailKind::VerifyEmail, 4, 9))
            .await
            .unwrap()
    );
}

pub(super) async fn links_are_forgotten_a_day_after_their_end(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    owe_reset(store, "ann@example.com", 1, 5).await;
    let day = 24 * 60 * 60;
    for seconds in [104, 105 + day] {
        store.sweep(at(seconds)).await.unwrap();
        // Asked as of a moment at which it was good, it tells whether the row is there.
        let kept = store.link_owner([1; 32], MailKind::ResetPassword, at(9));
        let kept = kept.await.unwrap().map(|owner| owner.id);
        assert_eq!(kept, (seconds == 104).then_some(user.id));
    }
}
