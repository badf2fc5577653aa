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
        match self
            .sandbox
            .authorise(key, money(100), "tok_ok")
            .await
            .unwrap()
        {
            Authorisation::Authorised { reference } => reference,
            Authorisation::Declined { code } => panic!("{code}"),
        }
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
    let expected = Authorisation::Declined {
        code: "card_declined".to_owned(),
    };
    assert_eq!(declined().await.unwrap(), expected);
    assert_eq!(declined().await.unwrap(), expected);
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
    assert!(
        sandbox.void(&reference, money(100)).await.is_err(),
        "captured"
    );
    assert!(
        sandbox.refund(&reference, money(99), "r").await.is_err(),
        "not all of it"
    );
    for _ in 0..2 {
        sandbox.refund(&reference, money(100), "r").await.unwrap();
    }
    assert!(
        sandbox.refund(&reference, money(100), "r2").await.is_err(),
        "a second refund"
    );
    assert_eq!(fixture.charge("k").await.net_minor(), 0);

    let let_go = fixture.held("k2").await;
    for _ in 0..2 {
        sandbox.void(&let_go, money(100)).await.unwrap();
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
    assert!(matches!(
        ask().await.unwrap(),
        Authorisation::Authorised { .. }
    ));
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
