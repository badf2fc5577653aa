//! What the accounts of one database promise to several nodes: they meet there, and nowhere else.
#![expect(clippy::arithmetic_side_effects, reason = "tests")]

use super::{
    ann, at, credentials, event,
    factors::{begin, on, turn_on},
    is_over, notice, person, postgres_nodes, rotation, session,
    users::{an_admin, is_last, status},
};
use crate::{
    domain::roles::Roles,
    store::{Credentials, NewUser, Rename, RoleChange, Rotated, Setup, SigningKey, factors::Spent},
};
use contracts::{
    access::Role,
    identity::{LoginError, ProfileError, RegisterError, UserStatus},
    request::Precondition,
    values::Version,
};
use futures_util::future::join_all;
use platform::db::Abort;
use secrecy::SecretString;

#[tokio::test]
async fn one_name_makes_one_account_on_all_nodes() {
    let Some(nodes) = postgres_nodes(3).await else {
        return;
    };
    for turn in 0..10 {
        let email = format!("ann{turn}@example.com");
        let registering = (0..).zip(&nodes).map(|(node, store): (u8, _)| {
            store.register(person(&email), session(turn * 3 + node + 1))
        });
        let answers = join_all(registering).await;
        let opened = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(opened, 1);
        let taken = answers
            .iter()
            .filter(|answer| matches!(answer, Err(Abort::Refused(RegisterError::EmailTaken))));
        assert_eq!(taken.count(), 2);
    }
}

#[tokio::test]
async fn twins_of_a_refresh_token_get_one_successor() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    ann(&*nodes[0]).await;
    for used in 1..30 {
        let twin = |node: usize| nodes[node].rotate(rotation(used, 100 + i64::from(used)));
        let (one, other) = tokio::join!(twin(0), twin(1));
        let [Rotated::Live(_, one), Rotated::Live(_, other)] = [one.unwrap(), other.unwrap()]
        else {
            panic!("token {used} is good for both")
        };
        assert_eq!(one, other);
    }
}

#[tokio::test]
async fn a_token_that_is_used_while_its_session_ends_is_over_or_its_successor_is() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    let user = ann(&*nodes[0]).await;
    for used in 2..20_u8 {
        let proven = credentials(&*nodes[0], "ann@example.com").await.unwrap();
        let opened = session(used * 5);
        let opening = nodes[0].open_session(proven, opened.clone());
        opening.await.unwrap();
        let (rotated, ended) = tokio::join!(
            nodes[0].rotate(rotation(used * 5, 100)),
            nodes[1].end_session(opened.id, user.id, event(100))
        );
        ended.unwrap();
        assert!(!matches!(rotated.unwrap(), Rotated::Reused(..)));
        assert!(is_over(&*nodes[1], rotation(used * 5 + 1, 101)).await);
    }
}

#[tokio::test]
async fn no_session_is_opened_behind_a_new_password() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    ann(&*nodes[0]).await;
    for turn in 1..20_u8 {
        let proven = credentials(&*nodes[0], "ann@example.com").await.unwrap();
        let mut admin = person("ann@example.com");
        admin.password_hash = SecretString::from(format!("hash {turn}"));
        admin.at = at(50);
        let (opened, changed) = tokio::join!(
            nodes[0].open_session(proven, session(turn + 100)),
            nodes[1].make_admin(admin)
        );
        changed.unwrap();
        let refused = matches!(opened, Err(Abort::Refused(LoginError::InvalidCredentials)));
        assert!(refused || opened.is_ok());
        assert!(is_over(&*nodes[0], rotation(turn + 100, 51)).await);
    }
}

#[tokio::test]
async fn of_two_changes_of_one_version_one_is_made() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    let user = ann(&*nodes[0]).await;
    for version in 1..20 {
        let rename = |name: &str| Rename {
            id: user.id,
            sent: Precondition::Body(Version::try_from(version).unwrap()),
            name: Some(Some(name.to_owned())),
        };
        let (one, other) = tokio::join!(
            nodes[0].rename(rename("Ann")),
            nodes[1].rename(rename("Eve"))
        );
        let made = usize::from(one.is_ok()) + usize::from(other.is_ok());
        assert_eq!(made, 1);
        let lost = [one, other].into_iter().find_map(Result::err);
        assert!(matches!(
            lost,
            Some(Abort::Refused(ProfileError::VersionConflict { .. }))
        ));
    }
}

#[tokio::test]
async fn a_setup_token_makes_one_admin_on_all_nodes() {
    let Some(nodes) = postgres_nodes(3).await else {
        return;
    };
    let renewing = (1..)
        .zip(&nodes)
        .map(|(node, store): (u8, _)| store.renew_setup_token([node; 32], None, at(node.into())));
    let renewed: Vec<bool> = join_all(renewing)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(renewed.iter().filter(|renewed| **renewed).count(), 1);
    let (token, _) = nodes[0].standing_setup_token().await.unwrap().unwrap();
    let setting_up = (0..).zip(&nodes).map(|(node, store): (u8, _)| {
        store.set_up(Setup {
            token,
            user: NewUser {
                roles: Roles::of(&[Role::Admin]),
                ..person(&format!("root{node}@example.com"))
            },
            session: session(node + 1),
        })
    });
    let answers = join_all(setting_up).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
}

#[tokio::test]
async fn a_code_that_is_used_on_all_nodes_at_once_opens_one_session() {
    let Some(nodes) = postgres_nodes(3).await else {
        return;
    };
    let user = ann(&*nodes[0]).await;
    turn_on(&*nodes[0], user.id, [5; 48]).await;
    let proven = credentials(&*nodes[0], "ann@example.com").await.unwrap();
    for turn in 0..8_u8 {
        let code = [turn; 32];
        for spent in [
            Spent::Step(200 + i64::from(turn)),
            Spent::RecoveryCode(code, notice(10), event(10)),
        ] {
            let opening = (0..)
                .zip(nodes.iter().cycle().take(9))
                .map(|(try_, store)| {
                    let proven = Credentials {
                        spent: Some(spent.clone()),
                        ..proven.clone()
                    };
                    let mut opened = session(try_);
                    opened.token[1] = turn + 50;
                    opened.token[2] = u8::from(matches!(spent, Spent::Step(_)));
                    store.open_session(proven, opened)
                });
            let answers = join_all(opening).await;
            let opened = answers.iter().filter(|answer| answer.is_ok()).count();
            assert_eq!(opened, 1, "{spent:?}");
            let refused = answers
                .iter()
                .filter(|answer| matches!(answer, Err(Abort::Refused(LoginError::CodeInvalid))));
            assert_eq!(refused.count(), 8);
        }
    }
}

#[tokio::test]
async fn no_session_is_opened_by_a_password_behind_a_factor_that_is_turned_on() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    for turn in 1..20_u8 {
        let email = format!("ann{turn}@example.com");
        let user = nodes[0].register(person(&email), session(turn)).await;
        let user = user.unwrap();
        let proven = credentials(&*nodes[0], &email).await.unwrap();
        begin(&*nodes[0], &proven, [turn; 48]).await.unwrap();
        let (opened, turned) = tokio::join!(
            nodes[0].open_session(proven, session(turn + 100)),
            nodes[1].turn_factor_on(on(user.id, [turn; 48], 9))
        );
        turned.unwrap();
        let refused = matches!(
            opened,
            Err(Abort::Refused(LoginError::SecondFactorRequired { .. }))
        );
        assert!(refused || opened.is_ok());
        assert!(is_over(&*nodes[0], rotation(turn + 100, 51)).await);
    }
}

#[tokio::test]
async fn nodes_that_start_at_once_have_the_same_secrets() {
    let Some(nodes) = postgres_nodes(4).await else {
        return;
    };
    let loading = (0..).zip(&nodes).map(|(node, store): (u8, _)| {
        let key = SigningKey {
            kid: format!("key {node}"),
            pkcs8: vec![node],
            public_x: "x".to_owned(),
            signs_from: at(1),
            signs_until: None,
        };
        store.secrets(key, [node; 32], at(1))
    });
    let loaded: Vec<_> = join_all(loading)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();
    for secrets in &loaded {
        assert_eq!(secrets.keys.len(), 1);
        assert_eq!(secrets.keys[0].kid, loaded[0].keys[0].kid);
        assert_eq!(secrets.successor, loaded[0].successor);
    }
}

#[tokio::test]
async fn nodes_that_sweep_at_once_do_not_wait_for_one_another() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    ann(&*nodes[0]).await;
    for token in 2..200 {
        let proven = credentials(&*nodes[0], "ann@example.com").await.unwrap();
        nodes[0].open_session(proven, session(token)).await.unwrap();
    }
    let long_after = at(1_000_000);
    let (one, other) = tokio::join!(nodes[0].sweep(long_after), nodes[1].sweep(long_after));
    assert!(!one.unwrap() && !other.unwrap());
    nodes[0].sweep(long_after).await.unwrap();
    assert_eq!(
        nodes[0].end_session_of([5; 32], event(9)).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn of_two_admins_who_take_each_other_away_one_stays() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    let mut boss = an_admin(&*nodes[0], "boss@example.com").await;
    for turn in 0..20 {
        let other = an_admin(&*nodes[0], &format!("other{turn}@example.com")).await;
        let demote = |id| RoleChange {
            id,
            sent: Precondition::LastWriterWins,
            roles: Roles::of(&[]),
            at: at(5),
            event: event(5).of(id),
        };
        let is_last = if turn % 2 == 0 {
            let (one, two) = tokio::join!(
                nodes[0].set_status(status(boss.id, UserStatus::Disabled, 5)),
                nodes[1].set_status(status(other.id, UserStatus::Disabled, 5))
            );
            [is_last(one), is_last(two)]
        } else {
            let (one, two) = tokio::join!(
                nodes[0].set_roles(demote(boss.id)),
                nodes[1].set_status(status(other.id, UserStatus::Disabled, 5))
            );
            [is_last(one), is_last(two)]
        };
        match is_last {
            [true, false] => {}
            [false, true] => boss = other,
            both => panic!("{both:?} were the last"),
        }
    }
}
