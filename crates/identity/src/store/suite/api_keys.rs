//! API keys: found while they stand, as their owner is now; made for whoever proved it, and never too many.

use super::{Bench, ann, at, credentials, event, notice, person, postgres_nodes, session};
use crate::{
    domain::{api_keys::Former, roles::Roles},
    store::{
        MailTake, RoleChange, Store,
        api_keys::{KeyUse, NewApiKey, Revoked, Turn},
    },
};
use contracts::{
    access::Role,
    identity::{ApiKeyError, ApiKeyView},
    request::{Answered, IdempotencyKey, Precondition},
    scopes::Scope,
    values::{ApiKeyId, UserId},
};
use futures_util::future::join_all;
use platform::db::{Abort, keys::KeyedRequest};
use secrecy::SecretString;

const MOST: u32 = 3;

async fn wanted(store: &dyn Store, secret: u8, seconds: i64) -> NewApiKey {
    NewApiKey {
        id: ApiKeyId::generate(),
        proven: credentials(store, "ann@example.com").await.unwrap(),
        name: format!("till {secret}"),
        scopes: vec![Scope::ProductsRead, Scope::OrdersWrite],
        secret: [secret; 32],
        expires_at: None,
        at: at(seconds),
        most: MOST,
        request: None,
        by_command: false,
        notice: notice(seconds),
        event: event(seconds),
    }
}

async fn make(store: &dyn Store, secret: u8, seconds: i64) -> ApiKeyView {
    let key = wanted(store, secret, seconds).await;
    store.make_api_key(key).await.unwrap().value
}

async fn stands(store: &dyn Store, id: ApiKeyId) -> bool {
    let found = store.find_api_key(id).await.unwrap();
    found.is_some_and(|found| !found.has_ended)
}

fn request(key: &str, body: &str) -> Option<KeyedRequest> {
    let key = IdempotencyKey::parse(key).unwrap();
    Some(KeyedRequest::new("ann POST", &key, &body).unwrap())
}

async fn mails(store: &dyn Store) -> usize {
    let take = MailTake {
        now: at(900),
        until: at(901),
        limit: 99,
    };
    store.take_mails(take).await.unwrap().len()
}

fn refused<T>(answer: Result<T, Abort<ApiKeyError>>) -> ApiKeyError {
    match answer {
        Err(Abort::Refused(error)) => error,
        Err(Abort::Failed(error)) => panic!("{error}"),
        Ok(_) => panic!("it was not refused"),
    }
}

pub(super) async fn a_key_is_found_as_its_owner_is_now(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let made = make(store, 1, 5).await;
    assert_eq!(
        (made.owner, made.created_at, made.rotated_at),
        (user.id, at(5), at(5))
    );
    assert_eq!(mails(store).await, 1, "the owner is told");
    let found = store.find_api_key(made.id).await.unwrap().unwrap();
    assert_eq!((found.holder.user_id, found.holder.epoch), (user.id, 0));
    assert_eq!(found.holder.roles, [Role::Customer]);
    assert_eq!(
        found.holder.scopes,
        [Scope::ProductsRead, Scope::OrdersWrite]
    );
    assert_eq!(
        (found.secrets.present, found.secrets.former),
        ([1; 32], None)
    );
    let raise = RoleChange {
        id: user.id,
        sent: Precondition::LastWriterWins,
        roles: Roles::of(&[Role::Merchant]),
        at: at(6),
        event: event(6),
    };
    store.set_roles(raise).await.unwrap();
    let found = store.find_api_key(made.id).await.unwrap().unwrap();
    assert_eq!(found.holder.roles, [Role::Customer, Role::Merchant]);
    assert_eq!(found.holder.epoch, 1);
    let other = store.find_api_key(ApiKeyId::generate()).await.unwrap();
    assert!(other.is_none());
    let sql = "SELECT COUNT(*) || '' FROM api_keys";
    assert_eq!(bench.behind.look(sql).await.as_deref(), Some("1"));
    let reopened = bench.behind.reopened().await;
    assert!(reopened.find_api_key(made.id).await.unwrap().is_some());
}

pub(super) async fn a_key_needs_the_password_that_is_there_now(bench: Bench) {
    let store = &*bench.store;
    ann(store).await;
    let mut key = wanted(store, 1, 5).await;
    key.proven.password_hash = SecretString::from("hash of before");
    let error = refused(store.make_api_key(key).await);
    assert!(matches!(error, ApiKeyError::InvalidCredentials));
    assert_eq!(mails(store).await, 0);
}

pub(super) async fn too_many_keys_are_refused_until_one_ends(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let first = make(store, 1, 5).await;
    let mut ending = wanted(store, 2, 5).await;
    ending.expires_at = Some(at(50));
    store.make_api_key(ending).await.unwrap();
    make(store, 3, 5).await;
    let error = refused(store.make_api_key(wanted(store, 4, 6).await).await);
    assert!(matches!(error, ApiKeyError::TooMany { most: MOST }));
    make(store, 4, 50).await;
    assert!(
        store
            .make_api_key(wanted(store, 5, 51).await)
            .await
            .is_err()
    );
    store
        .revoke_api_key(first.id, Some(user.id), event(52))
        .await
        .unwrap();
    make(store, 5, 52).await;
}

pub(super) async fn a_repeated_wish_finds_the_first_key(bench: Bench) {
    let store = &*bench.store;
    ann(store).await;
    let mut first = wanted(store, 1, 5).await;
    first.request = request("k", "till");
    let made = store.make_api_key(first).await.unwrap();
    assert!(!made.replayed);
    let mut again = wanted(store, 2, 9).await;
    again.request = request("k", "till");
    assert_eq!(
        store.make_api_key(again).await.unwrap(),
        Answered::replayed(made.value.clone())
    );
    let found = store.find_api_key(made.value.id).await.unwrap().unwrap();
    assert_eq!(found.secrets.present, [1; 32], "the first secret stays");
    let mut other = wanted(store, 3, 9).await;
    other.request = request("k", "another");
    let error = refused(store.make_api_key(other).await);
    assert!(matches!(error, ApiKeyError::KeyReused));
    assert_eq!(mails(store).await, 1);
    let kept = bench
        .behind
        .look("SELECT answer FROM idempotency_keys")
        .await
        .unwrap();
    assert_eq!(kept, format!("{{\"id\":\"{}\"}}", made.value.id));
}

pub(super) async fn keys_are_listed_and_end_once_by_who_may(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let bob = store.register(person("bob@example.com"), session(9)).await;
    let bob = bob.unwrap().id;
    let (one, two) = (make(store, 1, 5).await, make(store, 2, 5).await);
    let ids = |keys: Vec<ApiKeyView>| keys.iter().map(|key| key.id).collect::<Vec<_>>();
    let list = |after, limit| store.api_keys(user.id, after, limit);
    assert_eq!(ids(list(None, 9).await.unwrap()), [two.id, one.id]);
    assert_eq!(ids(list(None, 1).await.unwrap()), [two.id]);
    assert_eq!(ids(list(Some(two.id), 9).await.unwrap()), [one.id]);
    assert!(store.api_keys(bob, None, 9).await.unwrap().is_empty());
    let revoke = |id, owner, seconds| store.revoke_api_key(id, owner, event(seconds));
    assert_eq!(
        revoke(one.id, Some(bob), 6).await.unwrap(),
        Revoked::Nothing
    );
    assert!(stands(store, one.id).await, "it is not his");
    let revoked = revoke(one.id, Some(user.id), 7).await.unwrap();
    assert!(matches!(revoked, Revoked::Now(event) if event.account == Some(user.id)));
    assert_eq!(revoke(one.id, None, 8).await.unwrap(), Revoked::Before);
    assert!(!stands(store, one.id).await);
    let shown = store.api_key(one.id).await.unwrap().unwrap();
    assert_eq!(shown.revoked_at, Some(at(7)));
    let unknown = revoke(ApiKeyId::generate(), None, 8).await.unwrap();
    assert_eq!(unknown, Revoked::Nothing);
}

async fn turn(
    store: &dyn Store,
    id: ApiKeyId,
    secret: u8,
    grace_seconds: u32,
    seconds: i64,
) -> Result<ApiKeyView, Abort<ApiKeyError>> {
    let turn = Turn {
        id,
        proven: credentials(store, "ann@example.com").await.unwrap(),
        secret: [secret; 32],
        grace_seconds,
        at: at(seconds),
        notice: notice(seconds),
        event: event(seconds),
    };
    store.turn_api_key(turn).await
}

pub(super) async fn another_secret_takes_the_place_of_the_one_before(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let id = make(store, 1, 5).await.id;
    let turned = turn(store, id, 2, 100, 10).await.unwrap();
    assert_eq!(
        (turned.rotated_at, turned.former_until),
        (at(10), Some(at(110)))
    );
    let former = |hash: u8, seconds| {
        Some(Former {
            hash: [hash; 32],
            until: at(seconds),
        })
    };
    let secrets = async || store.find_api_key(id).await.unwrap().unwrap().secrets;
    assert_eq!(
        (secrets().await.present, secrets().await.former),
        ([2; 32], former(1, 110))
    );
    turn(store, id, 3, 100, 20).await.unwrap();
    assert_eq!(
        (secrets().await.present, secrets().await.former),
        ([3; 32], former(1, 110))
    );
    turn(store, id, 4, 0, 30).await.unwrap();
    assert_eq!(
        (secrets().await.present, secrets().await.former),
        ([4; 32], None)
    );
    let bob = store.register(person("bob@example.com"), session(9)).await;
    assert_ne!(bob.unwrap().id, user.id);
    let foreign = Turn {
        id,
        proven: credentials(store, "bob@example.com").await.unwrap(),
        secret: [9; 32],
        grace_seconds: 0,
        at: at(31),
        notice: notice(31),
        event: event(31),
    };
    let error = refused(store.turn_api_key(foreign).await);
    assert!(matches!(error, ApiKeyError::NotFound));
    store.revoke_api_key(id, None, event(40)).await.unwrap();
    let error = refused(turn(store, id, 5, 0, 41).await);
    assert!(
        matches!(error, ApiKeyError::NotFound),
        "what has ended stays so"
    );
}

pub(super) async fn a_use_is_noted_once_a_minute(bench: Bench) {
    let store = &*bench.store;
    ann(store).await;
    let id = make(store, 1, 5).await.id;
    let noted = async |seconds: i64, from: &str| {
        let from = from.parse().unwrap();
        let one = KeyUse {
            id,
            at: at(seconds),
            from,
        };
        store.note_key_uses(vec![one, one]).await.unwrap();
        let key = store.api_key(id).await.unwrap().unwrap();
        (
            key.last_used_at.unwrap(),
            key.last_used_from.unwrap().to_string(),
        )
    };
    let first = (at(100), "192.0.2.1".to_owned());
    assert_eq!(noted(100, "192.0.2.1").await, first);
    assert_eq!(noted(159, "2001:db8::1").await, first);
    assert_eq!(
        noted(160, "2001:db8::1").await,
        (at(160), "2001:db8::1".to_owned())
    );
    let unknown = KeyUse {
        id: ApiKeyId::generate(),
        at: at(1),
        from: "::1".parse().unwrap(),
    };
    store.note_key_uses(vec![unknown]).await.unwrap();
}

pub(super) async fn keys_go_with_their_account_and_long_after_their_end(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let revoked = make(store, 1, 5).await.id;
    store
        .revoke_api_key(revoked, None, event(10))
        .await
        .unwrap();
    let mut ending = wanted(store, 2, 5).await;
    ending.expires_at = Some(at(20));
    let ended = store.make_api_key(ending).await.unwrap().value.id;
    let stands = make(store, 3, 5).await.id;
    let days = 90 * 24 * 60 * 60;
    store.sweep(at(9).plus_seconds(days)).await.unwrap();
    assert_eq!(store.api_keys(user.id, None, 9).await.unwrap().len(), 3);
    store.sweep(at(20).plus_seconds(days)).await.unwrap();
    let left = store.api_keys(user.id, None, 9).await.unwrap();
    assert_eq!(left.iter().map(|key| key.id).collect::<Vec<_>>(), [stands]);
    assert!(store.api_key(ended).await.unwrap().is_none());
    let proven = credentials(store, "ann@example.com").await.unwrap();
    store.delete(proven, event(30)).await.unwrap();
    assert!(store.find_api_key(stands).await.unwrap().is_none());
    assert!(store.api_key(stands).await.unwrap().is_none());
}

#[tokio::test]
async fn nodes_that_make_keys_together_make_one_a_wish_and_never_too_many() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    let user: UserId = ann(&*nodes[0]).await.id;
    for turn in 1..10 {
        let mut made = Vec::new();
        for store in &nodes {
            let mut key = wanted(&**store, turn, 5).await;
            key.most = 99;
            key.request = request(&format!("twin {turn}").replace(' ', "-"), "till");
            made.push(store.make_api_key(key));
        }
        let made: Vec<_> = join_all(made)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        assert_eq!(made[0].value.id, made[1].value.id);
        assert_ne!(made[0].replayed, made[1].replayed, "one of them made it");
    }
    let mut crowd = Vec::new();
    for (secret, store) in (0..12).zip(nodes.iter().cycle()) {
        let mut key = wanted(&**store, secret, 6).await;
        key.most = 12;
        crowd.push(store.make_api_key(key));
    }
    let answers = join_all(crowd).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 3);
    assert_eq!(nodes[0].api_keys(user, None, 99).await.unwrap().len(), 12);
}
