//! What the sandbox's tokens do, and that its books take each entry once.
#![expect(clippy::arithmetic_side_effects, reason = "tests")]

use super::*;
use crate::store::{PostgresBook, SqliteBook};
use contracts::values::{PaymentId, Timestamp};
use futures_util::future::join_all;
use platform::db::sqlite::Options;
use std::path::PathBuf;
use testkit::postgres::Postgres;

macro_rules! on_both {
    (@$form:ident $($promise:ident),* $(,)?) => {
        mod $form {$(
            #[tokio::test]
            async fn $promise() {
                // A form whose server may be passed over has said so.
                if let Some(fixture) = super::$form().await {
                    super::$promise(fixture).await;
                }
            }
        )*}
    };
    ($($promises:tt)*) => {
        on_both! { @sqlite $($promises)* }
        on_both! { @postgres $($promises)* }
    };
}

on_both! {
    a_key_makes_one_charge_and_tells_its_first_outcome_for_ever,
    money_moves_along_the_states_only_and_each_step_may_be_repeated,
    a_lost_answer_is_told_when_asked_again,
    charges_are_found_by_key_in_the_order_asked,
    what_was_fenced_before_it_was_asked_for_is_never_held,
    it_misbehaves_as_its_knobs_say_and_no_longer,
    a_callback_is_believed_only_as_it_was_signed_and_in_its_time,
    a_callback_is_left_alone_for_a_while_and_forgotten_when_it_was_answered,
}

struct Fixture {
    folder: Option<PathBuf>,
    sandbox: Sandbox,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            drop(std::fs::remove_dir_all(folder));
        }
    }
}

async fn sqlite() -> Option<Fixture> {
    let folder = std::env::temp_dir().join(format!("souk-sandbox-{}", PaymentId::generate()));
    std::fs::create_dir_all(&folder).unwrap();
    let options = Options {
        readers: 1,
        write_queue_max: 64,
        group_max: 16,
        wal_checkpoint_pages: 1_000,
        cache_kilobytes: 1_000,
        mapped_megabytes: 0,
    };
    let clock = Clock::manual(Timestamp::from_ms(0));
    let book = SqliteBook::open(&folder.join("sandbox.sqlite"), options, clock.now()).unwrap();
    Some(Fixture {
        folder: Some(folder),
        sandbox: Sandbox::new(Arc::new(book), Duration::from_millis(1), clock),
    })
}

async fn postgres() -> Option<Fixture> {
    postgres_nodes(1).await?.pop()
}

/// So many nodes on one database.
async fn postgres_nodes(count: usize) -> Option<Vec<Fixture>> {
    let place = Postgres::shared()?.place("sandbox");
    let mut nodes = Vec::new();
    for _ in 0..count {
        let clock = Clock::manual(Timestamp::from_ms(0));
        let book = PostgresBook::open(place.clone(), clock.now()).await;
        nodes.push(Fixture {
            folder: None,
            sandbox: Sandbox::new(Arc::new(book.unwrap()), Duration::from_millis(1), clock),
        });
    }
    Some(nodes)
}

impl Fixture {
    async fn held(&self, key: &str) -> String {
        let charge = held_by(&self.sandbox, key, 100, "tok_ok").await;
        charge.unwrap().reference
    }

    async fn charge(&self, key: &str) -> Charge {
        let found = self
            .sandbox
            .find(vec![asked(key, 100, "tok_ok")])
            .await
            .unwrap();
        found[0].clone().unwrap()
    }
}

fn asked(key: &str, minor: i64, method: &str) -> Asked {
    Asked {
        key: key.to_owned(),
        reference: None,
        amount: money(minor),
        method: method.to_owned(),
        since: Timestamp::from_ms(0),
    }
}

async fn held_by(
    sandbox: &Sandbox,
    key: &str,
    minor: i64,
    method: &str,
) -> Result<Charge, ProviderError> {
    sandbox.authorise(&asked(key, minor, method)).await
}

fn money(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

async fn a_key_makes_one_charge_and_tells_its_first_outcome_for_ever(fixture: Fixture) {
    let reference = fixture.held("k").await;
    assert_eq!(fixture.held("k").await, reference);
    fixture
        .sandbox
        .capture(&reference, money(100))
        .await
        .unwrap();
    assert_eq!(fixture.held("k").await, reference);
    for (amount, method) in [(101, "tok_ok"), (100, "tok_slow"), (100, "tok_none")] {
        let other = held_by(&fixture.sandbox, "k", amount, method).await;
        assert!(other.is_err(), "{amount} {method}");
    }
    let declined = || held_by(&fixture.sandbox, "k2", 100, "tok_declined");
    for _ in 0..2 {
        assert_eq!(declined().await.unwrap().state, ChargeState::Declined);
    }
}

async fn money_moves_along_the_states_only_and_each_step_may_be_repeated(fixture: Fixture) {
    let (sandbox, reference) = (&fixture.sandbox, fixture.held("k").await);
    assert!(
        sandbox.refund(&reference, money(100), "r").await.is_err(),
        "not captured"
    );
    for _ in 0..2 {
        sandbox.capture(&reference, money(100)).await.unwrap();
    }
    assert_eq!(fixture.charge("k").await.net_minor(), 100);
    let fenced = sandbox.fence(&asked("k", 100, "tok_ok")).await.unwrap();
    assert_eq!(fenced.state, ChargeState::Captured, "too late");
    for _ in 0..2 {
        sandbox.refund(&reference, money(60), "r").await.unwrap();
    }
    let other = sandbox.refund(&reference, money(50), "r").await;
    assert!(other.is_err(), "another amount under the key");
    let more = sandbox.refund(&reference, money(41), "r2").await;
    assert!(more.is_err(), "more than is left");
    assert_eq!(fixture.charge("k").await.net_minor(), 40);
    sandbox.refund(&reference, money(40), "r2").await.unwrap();
    assert_eq!(fixture.charge("k").await.net_minor(), 0);

    let let_go = fixture.held("k2").await;
    for _ in 0..2 {
        let fenced = sandbox.fence(&asked("k2", 100, "tok_ok")).await.unwrap();
        assert_eq!(fenced.state, ChargeState::Voided);
    }
    assert!(
        sandbox.capture(&let_go, money(100)).await.is_err(),
        "voided"
    );
    for nonsense in ["ch_99", "ch_", "x"] {
        assert!(sandbox.capture(nonsense, money(100)).await.is_err());
    }
}

async fn a_lost_answer_is_told_when_asked_again(fixture: Fixture) {
    let ask = || held_by(&fixture.sandbox, "k", 100, "tok_timeout");
    let stands = async {
        let find = || fixture.sandbox.find(vec![asked("k", 100, "tok_timeout")]);
        while find().await.unwrap() == [None] {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        answer = ask() => panic!("{answer:?}"),
        () = stands => {}
    }
    assert_eq!(fixture.charge("k").await.state, ChargeState::Authorised);
    assert_eq!(ask().await.unwrap().state, ChargeState::Authorised);
}

async fn charges_are_found_by_key_in_the_order_asked(fixture: Fixture) {
    let (one, two) = (fixture.held("one").await, fixture.held("two").await);
    let keys = ["two", "none", "one"].map(|key| asked(key, 100, "tok_ok"));
    let found = fixture.sandbox.find(keys.to_vec()).await.unwrap();
    let references: Vec<_> = found
        .iter()
        .map(|charge| charge.as_ref().map(|found| found.reference.clone()))
        .collect();
    assert_eq!(references, [Some(two), None, Some(one)]);
}

async fn what_was_fenced_before_it_was_asked_for_is_never_held(fixture: Fixture) {
    let fenced = fixture
        .sandbox
        .fence(&asked("k", 100, "tok_ok"))
        .await
        .unwrap();
    assert_eq!(fenced.state, ChargeState::Voided);
    let late = held_by(&fixture.sandbox, "k", 100, "tok_ok").await;
    assert_eq!(late.unwrap().state, ChargeState::Voided);
}

async fn it_misbehaves_as_its_knobs_say_and_no_longer(fixture: Fixture) {
    let (sandbox, turn) = (&fixture.sandbox, |knobs| fixture.sandbox.turn(knobs));
    turn(Knobs {
        down: true,
        ..Knobs::default()
    });
    assert!(held_by(sandbox, "a", 100, "tok_ok").await.is_err());
    turn(Knobs {
        drop_answers: 1,
        decline: 1,
        wrong_amount: 1,
        ..Knobs::default()
    });
    let lost = held_by(sandbox, "b", 100, "tok_ok").await;
    assert!(matches!(lost, Err(ProviderError::Unknown(_))), "{lost:?}");
    let charge = fixture.charge("b").await;
    assert_eq!(
        (charge.state, charge.amount),
        (ChargeState::Declined, money(101))
    );
    fixture.held("c").await;
    assert_eq!(fixture.charge("c").await.amount, money(100));
    assert_eq!(sandbox.knobs(), Knobs::default());
}

async fn a_callback_is_believed_only_as_it_was_signed_and_in_its_time(fixture: Fixture) {
    let sandbox = &fixture.sandbox;
    sandbox.load_secret().await.unwrap();
    let body = br#"{"id":"evt_1","kind":"charge.authorised","key":"k"}"#;
    let now = Timestamp::from_ms(10_000_000);
    let signature = sandbox.sign(body, now).unwrap();
    let read = |signature: &str, body: &[u8], at| sandbox.read_callback(signature, body, at);
    let callback = read(&signature, body, now).unwrap().unwrap();
    assert_eq!(
        (callback.event_id.as_str(), callback.key.as_str()),
        ("evt_1", "k")
    );
    for (signature, body, at) in [
        (signature.as_str(), &body[1..], now),
        (&signature.replace("v1=", "v1=A"), body, now),
        (&signature.replace("t=10000", "t=10001"), body, now),
        (signature.as_str(), body, now.plus_seconds(301)),
        (signature.as_str(), body, now.plus_seconds(-301)),
        ("", body, now),
        ("t=x,v1=", body, now),
    ] {
        let refused = read(signature, body, at);
        assert!(
            matches!(refused, Err(CallbackError::BadSignature(_))),
            "{signature}"
        );
    }
    let nonsense = sandbox.sign(b"[]", now).unwrap();
    assert!(matches!(
        read(&nonsense, b"[]", now),
        Err(CallbackError::Malformed)
    ));
}

async fn a_callback_is_left_alone_for_a_while_and_forgotten_when_it_was_answered(fixture: Fixture) {
    fixture.sandbox.turn(Knobs {
        callbacks: true,
        ..Knobs::default()
    });
    for key in ["one", "two"] {
        fixture.held(key).await;
    }
    let book = &fixture.sandbox.book;
    let at = |seconds| Timestamp::from_ms(0).plus_seconds(seconds);
    let taken = book.take_callbacks(at(0), at(10), 9).await.unwrap();
    let keys: Vec<&str> = taken.iter().map(|callback| callback.key.as_str()).collect();
    assert_eq!(keys, ["one", "two"], "oldest first");
    book.end_callback(taken[0].number, None).await.unwrap();
    book.end_callback(taken[1].number, Some(at(5)))
        .await
        .unwrap();
    let early = book.take_callbacks(at(4), at(14), 9).await.unwrap();
    assert_eq!(early, []);
    let again = book.take_callbacks(at(5), at(15), 9).await.unwrap();
    assert_eq!((again.len(), again[0].tries), (1, 1));
}

#[tokio::test]
async fn a_key_makes_one_charge_on_all_nodes_and_numbers_leave_none_behind() {
    let Some(nodes) = postgres_nodes(3).await else {
        return;
    };
    let mut seen = Vec::new();
    for turn in 0..15 {
        let keys = [format!("a{turn}"), format!("b{turn}")];
        let asking = nodes
            .iter()
            .flat_map(|node| keys.iter().map(move |key| node.held(key)));
        let asking = join_all(asking);
        let reading = async {
            let after = seen.last().copied().unwrap_or(0);
            nodes[0].sandbox.list(after, 100).await.unwrap()
        };
        let (references, listed) = tokio::join!(asking, reading);
        let made: std::collections::HashSet<_> = references.into_iter().collect();
        assert_eq!(made.len(), 2);
        // Whoever reads on from the last number they saw, while others are being made, misses none.
        seen.extend(listed.iter().map(|charge| charge.number));
    }
    let after = seen.last().copied().unwrap_or(0);
    let rest = nodes[1].sandbox.list(after, 100).await.unwrap();
    seen.extend(rest.iter().map(|charge| charge.number));
    assert_eq!(seen.len(), 30);
}

#[tokio::test]
async fn nodes_together_give_back_no_more_than_was_taken() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    let reference = nodes[0].held("k").await;
    let capture = |node: usize| nodes[node].sandbox.capture(&reference, money(100));
    let (one, other) = tokio::join!(capture(0), capture(1));
    assert!(one.is_ok() && other.is_ok());
    let keys: Vec<String> = (0..20).map(|turn| format!("r{turn}")).collect();
    let giving = keys.iter().flat_map(|key| {
        let reference = &reference;
        nodes
            .iter()
            .map(move |node| node.sandbox.refund(reference, money(9), key))
    });
    let given = join_all(giving).await;
    assert_eq!(given.iter().filter(|answer| answer.is_ok()).count(), 22);
    assert_eq!(nodes[1].charge("k").await.net_minor(), 1);
}

#[tokio::test]
async fn nodes_sign_and_believe_with_one_secret_and_share_the_callbacks() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    let (one, other) = (&nodes[0].sandbox, &nodes[1].sandbox);
    let (first, second) = tokio::join!(one.load_secret(), other.load_secret());
    assert!(first.is_ok() && second.is_ok());
    let body = br#"{"id":"evt_1","kind":"charge.authorised","key":"k"}"#;
    let now = Timestamp::from_ms(10_000_000);
    let signature = one.sign(body, now).unwrap();
    assert!(other.read_callback(&signature, body, now).is_ok());

    one.turn(Knobs {
        callbacks: true,
        ..Knobs::default()
    });
    for turn in 0..20 {
        nodes[0].held(&format!("k{turn}")).await;
    }
    let at = |seconds| Timestamp::from_ms(0).plus_seconds(seconds);
    let (mine, theirs) = tokio::join!(
        one.book.take_callbacks(at(0), at(10), 64),
        other.book.take_callbacks(at(0), at(10), 64)
    );
    assert_eq!(mine.unwrap().len() + theirs.unwrap().len(), 20);
}
