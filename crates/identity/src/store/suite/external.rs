//! People whom a provider vouches for: one of a provider's is one account's, and an attempt is used once.

use super::{Bench, ann, at, credentials, event, is_over, notice, person, rotation, session};
use crate::{
    domain::{mail::MailKind, user::User},
    store::{ExternalName, ExternalOpening, NewMail, Store},
};
use contracts::identity::{ExternalError, LoginError};
use platform::db::Abort;

fn name(subject: &str) -> ExternalName {
    ExternalName {
        issuer: "https://id.example".to_owned(),
        subject: subject.to_owned(),
    }
}

fn linked(seconds: i64) -> NewMail {
    let kind = MailKind::ProviderLinked;
    NewMail {
        kind,
        ..notice(seconds)
    }
}

fn unlinked(seconds: i64) -> NewMail {
    let kind = MailKind::ProviderUnlinked;
    NewMail {
        kind,
        ..notice(seconds)
    }
}

async fn opened(store: &dyn Store, subject: &str, token: u8) -> Option<User> {
    let opening = store
        .open_external_session(name(subject), false, session(token))
        .await;
    match opening.unwrap() {
        ExternalOpening::Opened(user) => Some(user),
        ExternalOpening::Disabled => panic!("disabled"),
        ExternalOpening::NeedsCode(_) => panic!("a code"),
        ExternalOpening::Unknown => None,
    }
}

pub(super) async fn an_attempt_is_used_once(bench: Bench) {
    let store = &*bench.store;
    assert!(store.use_attempt([1; 32], at(10)).await.unwrap());
    assert!(!store.use_attempt([1; 32], at(20)).await.unwrap());
    assert!(store.use_attempt([2; 32], at(20)).await.unwrap());
    store.sweep(at(11)).await.unwrap();
    assert!(
        !store.use_attempt([2; 32], at(20)).await.unwrap(),
        "not over"
    );
    let left = "SELECT CAST(COUNT(*) AS TEXT) FROM external_attempts";
    assert_eq!(bench.behind.look(left).await.as_deref(), Some("1"));
}

pub(super) async fn a_person_of_a_provider_s_has_one_account(bench: Bench) {
    let store = &*bench.store;
    assert!(opened(store, "s", 1).await.is_none());
    let made = store
        .register_external(person("ann@example.com"), name("s"), session(1))
        .await;
    let made = made.unwrap();
    assert_eq!(made.verified_at, Some(at(1)));
    let found = opened(store, "s", 2).await.unwrap();
    assert_eq!((found.id, found.verified_at), (made.id, made.verified_at));
    assert!(opened(store, "S", 3).await.is_none(), "by its letters");
    // Neither the address nor the name at the provider is anybody else's.
    for (email, subject) in [("ANN@example.com", "t"), ("bob@example.com", "s")] {
        let refused = store
            .register_external(person(email), name(subject), session(4))
            .await;
        assert!(matches!(
            refused,
            Err(Abort::Refused(
                ExternalError::AddressTaken | ExternalError::LinkTaken
            ))
        ));
    }
    assert!(
        credentials(store, "bob@example.com").await.is_none(),
        "nothing is left of it"
    );
}

pub(super) async fn a_provider_is_linked_and_taken_away_by_the_owner(bench: Bench) {
    let store = &*bench.store;
    let ann = ann(store).await;
    let bob = store
        .register(person("bob@example.com"), session(9))
        .await
        .unwrap();
    store
        .link_external(ann.id, name("s"), event(5), linked(5))
        .await
        .unwrap();
    for (user, subject) in [(bob.id, "s"), (ann.id, "t")] {
        let refused = store
            .link_external(user, name(subject), event(6), linked(6))
            .await;
        assert!(matches!(
            refused,
            Err(Abort::Refused(ExternalError::LinkTaken))
        ));
    }
    let issuers = store.external_issuers(ann.id).await.unwrap();
    assert_eq!(issuers, [("https://id.example".to_owned(), at(5))]);
    assert_eq!(opened(store, "s", 2).await.unwrap().id, ann.id);
    let proven = credentials(store, "ann@example.com").await.unwrap();
    let mut stale = proven.clone();
    stale.password_hash = "hash two".into();
    let issuer = || "https://id.example".to_owned();
    let refused = store
        .unlink_external(stale, issuer(), event(7), unlinked(7))
        .await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(LoginError::InvalidCredentials))
    ));
    assert!(
        store
            .unlink_external(proven.clone(), issuer(), event(7), unlinked(7))
            .await
            .unwrap()
    );
    assert!(
        !store
            .unlink_external(proven, issuer(), event(8), unlinked(8))
            .await
            .unwrap()
    );
    assert!(opened(store, "s", 3).await.is_none());
    // The owner is owed a mail of each change, and nobody of what was refused.
    let owed = "SELECT CAST(COUNT(*) AS TEXT) || ' ' || MIN(kind) || ' ' || MAX(kind) FROM mails";
    let expected = "2 provider_linked provider_unlinked";
    assert_eq!(bench.behind.look(owed).await.as_deref(), Some(expected));
}

pub(super) async fn links_to_providers_go_with_their_account(bench: Bench) {
    let store = &*bench.store;
    store
        .register_external(person("ann@example.com"), name("s"), session(1))
        .await
        .unwrap();
    let proven = credentials(store, "ann@example.com").await.unwrap();
    let gone = proven.user_id;
    store.delete(proven, event(5).of(gone)).await.unwrap();
    assert!(store.external_issuers(gone).await.unwrap().is_empty());
    assert!(opened(store, "s", 2).await.is_none());
    assert!(is_over(store, rotation(1, 6)).await);
    let refused = store
        .link_external(gone, name("s"), event(6), linked(6))
        .await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(ExternalError::Disabled))
    ));
}
