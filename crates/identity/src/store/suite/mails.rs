//! Mails that are owed: each is taken by one at a time, and stays until it went.

use super::{Bench, ann, at, credentials, event, notice, person, session};
use crate::{
    domain::{mail::MailKind, security::SecurityEvent},
    store::{DueMail, MailTake, NewMail, PasswordChange, Store},
};
use contracts::{
    identity::SecurityEventKind,
    values::{SessionId, Username},
};
use secrecy::SecretString;

/// Owes a mail to whoever has this name.
async fn owe(store: &dyn Store, email: &str, notice: NewMail) {
    let proven = credentials(store, email).await.unwrap();
    let change = PasswordChange {
        password_hash: SecretString::from("hash two"),
        kept: SessionId::generate(),
        at: notice.at,
        event: SecurityEvent::new(SecurityEventKind::PasswordChanged, notice.at),
        proven,
        notice,
    };
    store.change_password(change).await.unwrap();
}

async fn take(store: &dyn Store, seconds: i64, limit: u32) -> Vec<DueMail> {
    let take = MailTake {
        now: at(seconds),
        until: at(seconds).plus_seconds(60),
        limit,
    };
    store.take_mails(take).await.unwrap()
}

pub(super) async fn a_mail_is_taken_once_until_its_time_is_over(bench: Bench) {
    let store = &*bench.store;
    ann(store).await;
    assert!(!store.mails_are_due(at(9)).await.unwrap());
    let (first, second) = (notice(5), notice(6));
    owe(store, "ann@example.com", first).await;
    owe(store, "ann@example.com", second).await;
    assert!(!store.mails_are_due(at(4)).await.unwrap(), "not yet");
    assert!(store.mails_are_due(at(5)).await.unwrap());
    let taken = take(store, 10, 1).await;
    assert_eq!(taken.len(), 1, "no more than the limit");
    let mail = &taken[0];
    assert_eq!((mail.id, mail.kind), (first.id, MailKind::PasswordChanged));
    assert_eq!((mail.tries, mail.expires_at), (1, first.expires_at));
    assert_eq!(mail.email.as_ref().unwrap().as_str(), "ann@example.com");
    assert_eq!(take(store, 10, 9).await[0].id, second.id);
    assert_eq!(take(store, 69, 9).await.len(), 0, "both are taken");
    let again = take(store, 70, 9).await;
    assert_eq!(
        (again.len(), again[0].tries),
        (2, 2),
        "whoever had them is gone"
    );
}

pub(super) async fn a_mail_that_went_or_never_will_is_forgotten(bench: Bench) {
    let store = &*bench.store;
    ann(store).await;
    let (went, waits) = (notice(5), notice(5));
    owe(store, "ann@example.com", went).await;
    owe(store, "ann@example.com", waits).await;
    take(store, 10, 9).await;
    store.forget_mail(went.id).await.unwrap();
    store.put_off_mail(waits.id, at(20)).await.unwrap();
    assert!(!store.mails_are_due(at(19)).await.unwrap());
    let taken = take(store, 20, 9).await;
    assert_eq!((taken.len(), taken[0].id), (1, waits.id));
}

pub(super) async fn only_who_has_an_address_is_owed_a_mail(bench: Bench) {
    let store = &*bench.store;
    let mut nameless = person("bob@example.com");
    nameless.email = None;
    nameless.username = Some(Username::parse("bob").unwrap());
    store.register(nameless.clone(), session(1)).await.unwrap();
    let name = crate::store::LoginName::Username(nameless.username.unwrap());
    let proven = store.credentials(name).await.unwrap().unwrap();
    let change = PasswordChange {
        proven,
        password_hash: SecretString::from("hash two"),
        kept: SessionId::generate(),
        at: at(5),
        notice: notice(5),
        event: event(5),
    };
    assert_eq!(store.change_password(change).await.unwrap().len(), 1);
    assert!(!store.mails_are_due(at(99)).await.unwrap());
}

pub(super) async fn the_mails_of_a_deleted_account_go_with_it(bench: Bench) {
    let store = &*bench.store;
    ann(store).await;
    owe(store, "ann@example.com", notice(5)).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    store.delete(proven, event(6)).await.unwrap();
    assert!(!store.mails_are_due(at(99)).await.unwrap());
}
