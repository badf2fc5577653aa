//! What the sandbox's tokens do, and that its books take each entry once.

use super::*;
use contracts::values::{PaymentId, Timestamp};
use platform::db::sqlite::Options;
use std::path::PathBuf;

struct Fixture {
    folder: PathBuf,
    sandbox: Sandbox,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

impl Fixture {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("souk-sandbox-{}", PaymentId::generate()));
        std::fs::create_dir_all(&folder).unwrap();
        let options = Options {
            readers: 1,
            write_queue_max: 64,
            group_max: 16,
            wal_checkpoint_pages: 1_000,
            cache_kilobytes: 1_000,
        };
        let clock = Clock::manual(Timestamp::from_ms(0));
        let book = SandboxBook::open(&folder.join("sandbox.sqlite"), options, clock.now()).unwrap();
        let sandbox = Sandbox::new(book, Duration::from_millis(1), clock);
        Self { folder, sandbox }
    }

    async fn held(&self, key: &str) -> String {
        let charge = self.sandbox.authorise(key, money(100), "tok_ok").await;
        charge.unwrap().reference
    }

    async fn charge(&self, key: &str) -> Charge {
        let found = self.sandbox.find(vec![key.to_owned()]).await.unwrap();
        found[0].clone().unwrap()
    }
}

fn money(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

#[tokio::test]
async fn a_key_makes_one_charge_and_tells_its_first_outcome_for_ever() {
    let fixture = Fixture::new();
    let reference = fixture.held("k").await;
    assert_eq!(fixture.held("k").await, reference);
    fixture
        .sandbox
        .capture(&reference, money(100))
        .await
        .unwrap();
    assert_eq!(fixture.held("k").await, reference);
    for (amount, method) in [(101, "tok_ok"), (100, "tok_slow"), (100, "tok_none")] {
        let other = fixture.sandbox.authorise("k", money(amount), method).await;
        assert!(other.is_err(), "{amount} {method}");
    }
    let declined = || fixture.sandbox.authorise("k2", money(100), "tok_declined");
    for _ in 0..2 {
        assert_eq!(declined().await.unwrap().state, ChargeState::Declined);
    }
}

#[tokio::test]
async fn money_moves_along_the_states_only_and_each_step_may_be_repeated() {
    let fixture = Fixture::new();
    let (sandbox, reference) = (&fixture.sandbox, fixture.held("k").await);
    assert!(
        sandbox.refund(&reference, money(100), "r").await.is_err(),
        "not captured"
    );
    for _ in 0..2 {
        sandbox.capture(&reference, money(100)).await.unwrap();
    }
    assert_eq!(fixture.charge("k").await.net_minor(), 100);
    let fenced = sandbox.fence("k", money(100)).await.unwrap();
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
        let fenced = sandbox.fence("k2", money(100)).await.unwrap();
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

#[tokio::test]
async fn a_lost_answer_is_told_when_asked_again() {
    let fixture = Fixture::new();
    let ask = || fixture.sandbox.authorise("k", money(100), "tok_timeout");
    let stands = async {
        let find = || fixture.sandbox.find(vec!["k".to_owned()]);
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

#[tokio::test]
async fn charges_are_found_by_key_in_the_order_asked() {
    let fixture = Fixture::new();
    let (one, two) = (fixture.held("one").await, fixture.held("two").await);
    let keys = ["two", "none", "one"].map(str::to_owned).to_vec();
    let found = fixture.sandbox.find(keys).await.unwrap();
    let references: Vec<_> = found
        .iter()
        .map(|charge| charge.as_ref().map(|found| found.reference.clone()))
        .collect();
    assert_eq!(references, [Some(two), None, Some(one)]);
}

#[tokio::test]
async fn what_was_fenced_before_it_was_asked_for_is_never_held() {
    let fixture = Fixture::new();
    let fenced = fixture.sandbox.fence("k", money(100)).await.unwrap();
    assert_eq!(fenced.state, ChargeState::Voided);
    let late = fixture.sandbox.authorise("k", money(100), "tok_ok").await;
    assert_eq!(late.unwrap().state, ChargeState::Voided);
}

#[tokio::test]
async fn it_misbehaves_as_its_knobs_say_and_no_longer() {
    let fixture = Fixture::new();
    let (sandbox, turn) = (&fixture.sandbox, |knobs| fixture.sandbox.turn(knobs));
    turn(Knobs {
        down: true,
        ..Knobs::default()
    });
    assert!(sandbox.authorise("a", money(100), "tok_ok").await.is_err());
    turn(Knobs {
        drop_answers: 1,
        decline: 1,
        wrong_amount: 1,
        ..Knobs::default()
    });
    let lost = sandbox.authorise("b", money(100), "tok_ok").await;
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

#[tokio::test]
async fn a_callback_is_believed_only_as_it_was_signed_and_in_its_time() {
    let fixture = Fixture::new();
    let sandbox = &fixture.sandbox;
    sandbox.load_secret().await.unwrap();
    let body = br#"{"id":"evt_1","kind":"charge.authorised","key":"k"}"#;
    let now = Timestamp::from_ms(10_000_000);
    let signature = sandbox.sign(body, now).unwrap();
    let read = |signature: &str, body: &[u8], at| sandbox.read_callback(signature, body, at);
    let callback = read(&signature, body, now).unwrap();
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
