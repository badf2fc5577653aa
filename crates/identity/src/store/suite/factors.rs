//! Second factors: on from their first code, used code by code, and never gone around.

use super::{Bench, ann, at, credentials, event, is_over, live, notice, rotation, session};
use crate::store::{
    Credentials, MailTake, PasswordChange, Store,
    factors::{CodesMade, FactorBegun, FactorOff, FactorOn, FactorTakenOff, Sealed, Spent},
};
use contracts::{
    identity::{FactorError, LoginError, PasswordError, ProfileError},
    values::{SessionId, UserId},
};
use platform::db::Abort;
use secrecy::SecretString;

const SEALED: Sealed = [5; 48];

pub(super) async fn begin(
    store: &dyn Store,
    proven: &Credentials,
    sealed: Sealed,
) -> Result<(), Abort<FactorError>> {
    let begun = FactorBegun {
        proven: proven.clone(),
        sealed,
        at: at(5),
    };
    store.begin_factor(begun).await
}

/// Turned on with a code of step 100; the recovery codes are `[0; 32]` to `[9; 32]`.
pub(super) fn on(user: UserId, sealed: Sealed, seconds: i64) -> FactorOn {
    FactorOn {
        user,
        sealed,
        step: 100,
        codes: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(|number| [number; 32]),
        kept: SessionId::generate(),
        at: at(seconds),
        notice: notice(seconds),
        event: event(seconds),
    }
}

pub(super) async fn turn_on(store: &dyn Store, user: UserId, sealed: Sealed) {
    let proven = store.credentials_of(user).await.unwrap().unwrap();
    begin(store, &proven, sealed).await.unwrap();
    store.turn_factor_on(on(user, sealed, 6)).await.unwrap();
}

fn with(proven: &Credentials, spent: Spent) -> Credentials {
    Credentials {
        spent: Some(spent),
        ..proven.clone()
    }
}

fn recovery(number: u8) -> Spent {
    Spent::RecoveryCode([number; 32], notice(10), event(10))
}

/// Whether a session was opened; if not, because of the code.
async fn opens(store: &dyn Store, proven: &Credentials, spent: Spent, token: u8) -> bool {
    match store
        .open_session(with(proven, spent), session(token))
        .await
    {
        Ok(_) => true,
        Err(Abort::Refused(LoginError::CodeInvalid)) => false,
        Err(_) => panic!("refused for another reason"),
    }
}

async fn codes_left(store: &dyn Store, user: UserId) -> usize {
    store.factor(user).await.unwrap().unwrap().codes.len()
}

async fn mails_owed(store: &dyn Store) -> usize {
    let take = MailTake {
        now: at(500),
        until: at(500),
        limit: 99,
    };
    store.take_mails(take).await.unwrap().len()
}

pub(super) async fn a_factor_is_begun_turned_on_and_off(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let here = live(store, rotation(1, 2)).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    assert!(!proven.has_factor && store.factor(user.id).await.unwrap().is_none());
    begin(store, &proven, [4; 48]).await.unwrap();
    begin(store, &proven, SEALED).await.unwrap();
    let begun = store.factor(user.id).await.unwrap().unwrap();
    assert_eq!(
        (begun.sealed, begun.begun_at, begun.confirmed_at),
        (SEALED, at(5), None)
    );
    store
        .open_session(proven.clone(), session(9))
        .await
        .unwrap();
    let off = |refused| matches!(refused, Err(Abort::Refused(FactorError::Off)));
    assert!(
        off(store.turn_factor_on(on(user.id, [4; 48], 6)).await),
        "it was replaced"
    );
    assert!(off(store
        .turn_factor_on(on(UserId::generate(), SEALED, 6))
        .await));
    let kept = FactorOn {
        kept: here,
        ..on(user.id, SEALED, 6)
    };
    assert_eq!(store.turn_factor_on(kept).await.unwrap().len(), 1);
    assert!(is_over(store, rotation(9, 7)).await && !is_over(store, rotation(2, 7)).await);
    assert!(
        off(store.turn_factor_on(on(user.id, SEALED, 7)).await),
        "once"
    );
    let proven = credentials(store, "ann@example.com").await.unwrap();
    assert!(proven.has_factor);
    let again = begin(store, &proven, [4; 48]).await;
    assert!(matches!(again, Err(Abort::Refused(FactorError::On))));
    let factor = store.factor(user.id).await.unwrap().unwrap();
    assert_eq!((factor.last_step, factor.confirmed_at), (100, Some(at(6))));
    assert_eq!(factor.codes.len(), 10);
    let off = FactorOff {
        proven: with(&proven, Spent::Step(101)),
        kept: here,
        at: at(8),
        notice: notice(8),
        event: event(8),
    };
    assert_eq!(store.turn_factor_off(off).await.unwrap(), []);
    assert!(store.factor(user.id).await.unwrap().is_none());
    assert_eq!(mails_owed(store).await, 2, "the owner hears of both");
    begin(store, &proven, SEALED).await.unwrap();
    assert_eq!(codes_left(store, user.id).await, 0);
}

pub(super) async fn a_step_is_used_once_and_none_before_it_any_more(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    turn_on(store, user.id, SEALED).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    for (token, (step, expected)) in (10..).zip([
        (100, false),
        (102, true),
        (102, false),
        (101, false),
        (103, true),
    ]) {
        let opened = opens(store, &proven, Spent::Step(step), token).await;
        assert_eq!(opened, expected, "step {step}");
    }
    assert_eq!(codes_left(store, user.id).await, 10);
}

pub(super) async fn a_recovery_code_is_used_once_and_its_owner_is_owed_a_mail(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    turn_on(store, user.id, SEALED).await;
    let owed = mails_owed(store).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    assert!(opens(store, &proven, recovery(3), 10).await);
    assert!(!opens(store, &proven, recovery(3), 11).await);
    assert!(!opens(store, &proven, recovery(77), 12).await);
    assert_eq!(codes_left(store, user.id).await, 9);
    assert_eq!(
        mails_owed(store).await,
        owed.saturating_add(1),
        "not of those that were refused"
    );
    let made = CodesMade {
        proven: with(&proven, recovery(4)),
        codes: [50, 51, 52, 53, 54, 55, 56, 57, 58, 59].map(|number| [number; 32]),
        at: at(9),
        notice: notice(9),
        event: event(9),
    };
    store.make_codes(made).await.unwrap();
    assert!(
        !opens(store, &proven, recovery(5), 13).await,
        "worth nothing"
    );
    assert!(opens(store, &proven, recovery(50), 14).await);
}

pub(super) async fn nothing_is_opened_by_a_password_alone_once_the_factor_is_on(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let before = credentials(store, "ann@example.com").await.unwrap();
    turn_on(store, user.id, SEALED).await;
    let asked = |refused: &LoginError| matches!(refused, LoginError::SecondFactorRequired { .. });
    let opened = store.open_session(before.clone(), session(9)).await;
    assert!(matches!(opened, Err(Abort::Refused(refused)) if asked(&refused)));
    let deleted = store.delete(before.clone(), event(7)).await;
    assert!(matches!(deleted, Err(Abort::Refused(refused)) if asked(&refused)));
    let change = |proven| PasswordChange {
        proven,
        password_hash: SecretString::from("hash two"),
        kept: SessionId::generate(),
        at: at(7),
        notice: notice(7),
        event: event(7),
    };
    let changed = store.change_password(change(before.clone())).await;
    assert!(matches!(
        changed,
        Err(Abort::Refused(PasswordError::SecondFactorRequired))
    ));
    let used = with(&before, Spent::Step(100));
    let changed = store.change_password(change(used)).await;
    assert!(matches!(
        changed,
        Err(Abort::Refused(PasswordError::CodeInvalid))
    ));
    let off = FactorOff {
        proven: before.clone(),
        kept: SessionId::generate(),
        at: at(7),
        notice: notice(7),
        event: event(7),
    };
    let off = store.turn_factor_off(off).await;
    assert!(matches!(off, Err(Abort::Refused(refused)) if asked(&refused)));
    let now = credentials(store, "ann@example.com").await.unwrap();
    assert!(now.has_factor, "none of it was done");
    let changed = store
        .change_password(change(with(&now, Spent::Step(101))))
        .await;
    assert!(changed.is_ok());
}

pub(super) async fn a_factor_that_was_lost_is_taken_off_with_all_sessions(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let off = |user| FactorTakenOff {
        user,
        at: at(9),
        notice: notice(9),
        event: event(9),
    };
    let nobody = store.take_factor_off(off(UserId::generate())).await;
    assert!(matches!(
        nobody,
        Err(Abort::Refused(ProfileError::NotFound))
    ));
    assert_eq!(store.take_factor_off(off(user.id)).await.unwrap(), None);
    assert!(!is_over(store, rotation(1, 5)).await, "there was none");
    let here = live(store, rotation(2, 5)).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    begin(store, &proven, SEALED).await.unwrap();
    let kept = FactorOn {
        kept: here,
        ..on(user.id, SEALED, 6)
    };
    store.turn_factor_on(kept).await.unwrap();
    assert_eq!(store.take_factor_off(off(user.id)).await.unwrap(), Some(1));
    assert!(is_over(store, rotation(3, 10)).await);
    assert!(store.factor(user.id).await.unwrap().is_none());
    assert_eq!(mails_owed(store).await, 2);
    let now = credentials(store, "ann@example.com").await.unwrap();
    assert!(store.open_session(now, session(9)).await.is_ok());
}

pub(super) async fn a_deleted_account_leaves_no_factor(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    turn_on(store, user.id, SEALED).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    store
        .delete(with(&proven, recovery(1)), event(9))
        .await
        .unwrap();
    for left in [
        "SELECT CAST(COUNT(*) AS TEXT) FROM second_factors",
        "SELECT CAST(COUNT(*) AS TEXT) FROM recovery_codes",
        "SELECT CAST(COUNT(*) AS TEXT) FROM mails",
    ] {
        assert_eq!(
            bench.behind.look(left).await.as_deref(),
            Some("0"),
            "{left}"
        );
    }
}

pub(super) async fn secrets_that_were_never_confirmed_are_forgotten_after_a_day(bench: Bench) {
    let store = &*bench.store;
    let user = ann(store).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    begin(store, &proven, SEALED).await.unwrap();
    let day = 24 * 60 * 60;
    store.sweep(at(4 + day)).await.unwrap();
    assert!(store.factor(user.id).await.unwrap().is_some());
    store.sweep(at(5 + day)).await.unwrap();
    assert!(store.factor(user.id).await.unwrap().is_none());
    turn_on(store, user.id, SEALED).await;
    store.sweep(at(50 * day)).await.unwrap();
    assert!(store.factor(user.id).await.unwrap().is_some(), "it is on");
}
