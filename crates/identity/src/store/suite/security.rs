//! The audit log: written with what it tells of, counted where much happens, and forgotten in time.

use super::{Bench, ann, at, credentials, event, person, rotation, session};
use crate::{
    domain::security::{Actor, Counted, SecurityEvent},
    store::{EventWish, RoleChange, Store},
};
use contracts::{
    access::{Principal, Role},
    identity::SecurityEventKind,
    request::Precondition,
    values::{SecurityEventId, SessionId, Timestamp, UserId, Version},
};

const EVERYTHING: EventWish = EventWish {
    account: None,
    kind: None,
    since: Timestamp::from_ms(i64::MIN),
    before: (
        Timestamp::from_ms(i64::MAX),
        SecurityEventId::from_bytes([255; 16]),
    ),
    limit: 1_000,
};

async fn list(store: &dyn Store, wish: EventWish) -> Vec<Counted> {
    store.security_events(wish).await.unwrap()
}

fn refusal(seconds: i64, account: Option<UserId>) -> Counted {
    let event = SecurityEvent {
        account,
        client: Some("198.51.100.7".parse().unwrap()),
        request: Some("request-7".into()),
        ..SecurityEvent::new(SecurityEventKind::SignInRefused, at(seconds))
    };
    Counted {
        last_at: event.at,
        event,
        count: 1,
    }
}

pub(super) async fn a_change_and_its_event_are_one_commit(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let opened = list(store, EVERYTHING).await;
    assert_eq!(opened.len(), 2, "the account and its first session");
    let refused = store.register(person("ann@example.com"), session(2)).await;
    assert!(refused.is_err());
    let change = |version| RoleChange {
        id: user.id,
        sent: Precondition::Body(Version::try_from(version).unwrap()),
        roles: crate::domain::roles::Roles::of(&[Role::Merchant]),
        at: at(3),
        event: SecurityEvent::new(SecurityEventKind::RolesChanged, at(3)).of(user.id),
    };
    assert!(store.set_roles(change(7)).await.is_err());
    assert_eq!(list(store, EVERYTHING).await, opened, "nothing happened");
    store.set_roles(change(1)).await.unwrap();
    store.rotate(rotation(1, 100)).await.unwrap();
    store.rotate(rotation(1, 200)).await.unwrap();
    let ended = store.end_session_of([1; 32], event(201)).await;
    assert!(ended.unwrap().is_some(), "it had ended before");
    let all = list(store, EVERYTHING).await;
    assert_eq!(all.len(), 4);
    let reused = &all[0].event;
    assert_eq!(reused.kind, SecurityEventKind::RefreshTokenReused);
    assert_eq!((reused.account, reused.at), (Some(user.id), at(200)));
    assert!(reused.session.is_some());
}

pub(super) async fn refusals_that_go_on_are_one_row(bench: Bench) {
    let store = &*bench.store;
    let mut row = refusal(5, None);
    store.write_events(vec![row.clone()]).await.unwrap();
    let other = refusal(6, None);
    (row.count, row.last_at) = (4, at(9));
    store
        .write_events(vec![row.clone(), other.clone()])
        .await
        .unwrap();
    row.count = 5;
    assert_eq!(list(store, EVERYTHING).await, [other, row]);
}

pub(super) async fn events_are_listed_by_account_kind_and_time_page_by_page(bench: Bench) {
    let store = &*bench.store;
    let (ann, bob) = (UserId::generate(), UserId::generate());
    let mut rows: Vec<Counted> = (0..20)
        .map(|turn| {
            let mut row = refusal(turn / 2, Some(if turn % 2 == 0 { ann } else { bob }));
            if turn % 5 == 0 {
                row.event.kind = SecurityEventKind::LinkRefused;
            }
            row
        })
        .collect();
    store.write_events(rows.clone()).await.unwrap();
    rows.sort_by_key(|row| std::cmp::Reverse((row.event.at, row.event.id)));
    let (mut seen, mut wish) = (
        Vec::new(),
        EventWish {
            limit: 3,
            ..EVERYTHING
        },
    );
    loop {
        let page = list(store, wish).await;
        let Some(last) = page.last() else { break };
        wish.before = (last.event.at, last.event.id);
        seen.extend(page);
    }
    assert_eq!(seen, rows);
    for account in [None, Some(ann), Some(bob), Some(UserId::generate())] {
        for kind in [None, Some(SecurityEventKind::LinkRefused)] {
            let found = list(
                store,
                EventWish {
                    account,
                    kind,
                    since: at(3),
                    before: (at(8), SecurityEventId::from_bytes([0; 16])),
                    limit: 100,
                },
            );
            let fits = |row: &&Counted| {
                (3_000..8_000).contains(&row.event.at.as_ms())
                    && account.is_none_or(|account| row.event.account == Some(account))
                    && kind.is_none_or(|kind| row.event.kind == kind)
            };
            let expected: Vec<Counted> = rows.iter().filter(fits).cloned().collect();
            assert_eq!(found.await, expected, "{account:?} {kind:?}");
        }
    }
}

pub(super) async fn a_deleted_account_leaves_no_place_behind(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let who = Principal {
        user_id: user.id,
        session_id: SessionId::generate(),
        roles: Vec::new(),
    };
    let mut done_by_ann = refusal(3, Some(UserId::generate()));
    done_by_ann.event = done_by_ann.event.by(&who);
    let others = refusal(4, Some(UserId::generate()));
    let before = vec![refusal(2, Some(user.id)), done_by_ann, others];
    store.write_events(before).await.unwrap();
    let proven = credentials(store, "ann@example.com").await.unwrap();
    let mut deleted = event(9).by_owner(user.id);
    deleted.client = Some("198.51.100.7".parse().unwrap());
    store.delete(proven, deleted).await.unwrap();
    // What was counted before and is written after it.
    store
        .write_events(vec![refusal(8, Some(user.id))])
        .await
        .unwrap();
    store.sweep_places(at(0)).await.unwrap();
    let all = list(store, EVERYTHING).await;
    assert_eq!(all.len(), 7, "what happened stays");
    for row in all {
        let hers = row.event.account == Some(user.id) || row.event.actor == Actor::User(user.id);
        let placeless = row.event.client.is_none() && row.event.request.is_none();
        assert_eq!(placeless, hers, "{row:?}");
    }
}

pub(super) async fn what_is_too_old_or_too_much_goes_and_changes_outlive_refusals(bench: Bench) {
    let store = &*bench.store;
    ann(store).await;
    let rows = (0..40).map(|second| refusal(second, None)).collect();
    store.write_events(rows).await.unwrap();
    let surplus = async |refusals, kept| store.first_surplus(refusals, kept).await.unwrap();
    assert_eq!(surplus(true, 40).await, None);
    assert_eq!(surplus(true, 10).await, Some(at(29)));
    assert_eq!(surplus(false, 0).await, Some(at(1)));
    assert!(!store.sweep_events(true, at(29)).await.unwrap());
    let left = list(store, EVERYTHING).await;
    assert_eq!(left.len(), 12, "ten refusals, and what is none");
    assert!(!store.sweep_events(false, at(0)).await.unwrap());
    assert_eq!(list(store, EVERYTHING).await, left);
    store.sweep_events(false, at(1)).await.unwrap();
    assert_eq!(list(store, EVERYTHING).await.len(), 10);
}
