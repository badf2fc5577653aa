//! What every store of payments promises; a second store runs the same tests. Nothing here knows SQL.

mod money;

use super::{Change, Delay, Lease, SqliteStore, Store, Taken};
use crate::domain::{Intent, Payment, State};
use contracts::values::{Money, OrderId, PaymentId, Timestamp};
use platform::db::{Abort, sqlite::Options};
use std::path::PathBuf;

const OPTIONS: Options = Options {
    readers: 1,
    write_queue_max: 64,
    group_max: 16,
    wal_checkpoint_pages: 1_000,
    cache_kilobytes: 1_000,
};

struct Fixture {
    folder: PathBuf,
    store: Box<dyn Store>,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(0).plus_seconds(seconds)
}

fn reference() -> String {
    "ch_1".to_owned()
}

fn change(to: State) -> Change {
    Change {
        to,
        told: false,
        late: false,
        booked: None,
        at: at(5),
        lease_until: at(13),
    }
}

fn lease(owner: &str, until: i64) -> Lease {
    Lease {
        owner: owner.to_owned(),
        until: at(until),
    }
}

fn failed(until: i64) -> Delay {
    Delay {
        until: at(until),
        failed: true,
        parked: false,
        reason: "no answer".to_owned(),
    }
}

impl Fixture {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("souk-payments-{}", PaymentId::generate()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("payments.sqlite");
        let store = Box::new(SqliteStore::open(&path, OPTIONS, at(0)).unwrap());
        Self { folder, store }
    }

    async fn begin(&self, order_id: OrderId) -> Result<Payment, Abort<Taken>> {
        let intent = Intent {
            id: PaymentId::generate(),
            order_id,
            fingerprint: [7; 32],
            amount: Money::new(1_999, "USD".parse().unwrap()),
            method: "tok_ok".to_owned(),
        };
        self.store.begin(intent, at(0), lease("a", 8)).await
    }

    async fn moved(&self, payment: &Payment, to: State) -> Payment {
        self.store
            .advance(payment, change(to))
            .await
            .unwrap()
            .unwrap()
    }

    async fn kept(&self, payment: &Payment) -> Payment {
        self.store.payment(payment.id).await.unwrap().unwrap()
    }

    async fn due(&self, seconds: i64) -> Vec<PaymentId> {
        self.store.due(at(seconds), 10).await.unwrap()
    }
}

#[tokio::test]
async fn every_state_is_kept_as_it_was_written() {
    let fixture = Fixture::new();
    let begun = fixture.begin(OrderId::generate()).await.unwrap();
    assert_eq!(
        (&begun.state, begun.version.get(), begun.told),
        (&State::Pending, 1, false)
    );
    let mut payment = begun;
    for (version, state) in (2..).zip([
        State::Authorised {
            reference: reference(),
        },
        State::Captured {
            reference: reference(),
        },
    ]) {
        let moved = fixture.moved(&payment, state.clone()).await;
        assert_eq!((&moved.state, moved.version.get()), (&state, version));
        assert_eq!(fixture.kept(&payment).await, moved);
        assert_eq!((moved.created_at, moved.updated_at), (at(0), at(5)));
        payment = moved;
    }
    for state in [
        State::Declined {
            code: "card_declined".to_owned(),
        },
        State::Voided { reference: None },
        State::Voided {
            reference: Some(reference()),
        },
        State::Challenged {
            reference: reference(),
            url: "/prove".to_owned(),
            due: at(600),
        },
    ] {
        let begun = fixture.begin(OrderId::generate()).await.unwrap();
        assert_eq!(fixture.moved(&begun, state.clone()).await.state, state);
    }
}

#[tokio::test]
async fn an_order_has_one_payment_under_way_or_captured() {
    let fixture = Fixture::new();
    let order = OrderId::generate();
    let refused = || async { matches!(fixture.begin(order).await, Err(Abort::Refused(Taken))) };
    let first = fixture.begin(order).await.unwrap();
    assert!(refused().await, "pending");
    let withdrawn = fixture
        .moved(&first, State::Voided { reference: None })
        .await;
    let second = fixture.begin(order).await.unwrap();
    let back = fixture
        .store
        .advance(&withdrawn, change(State::Pending))
        .await;
    assert!(
        matches!(back, Err(Abort::Refused(Taken))),
        "another is under way"
    );
    let held = fixture
        .moved(
            &second,
            State::Authorised {
                reference: reference(),
            },
        )
        .await;
    assert!(refused().await, "authorised");
    let taken = State::Captured {
        reference: reference(),
    };
    fixture.moved(&held, taken).await;
    assert!(refused().await, "captured");
}

#[tokio::test]
async fn who_reads_an_old_version_moves_nothing() {
    let fixture = Fixture::new();
    let old = fixture.begin(OrderId::generate()).await.unwrap();
    let declined = State::Declined {
        code: "no".to_owned(),
    };
    let new = fixture.moved(&old, declined.clone()).await;
    let authorised = State::Authorised {
        reference: reference(),
    };
    for to in [authorised, declined, State::Voided { reference: None }] {
        assert_eq!(fixture.store.advance(&old, change(to)).await.unwrap(), None);
    }
    assert_eq!(fixture.store.mark_told(&old, at(6)).await.unwrap(), None);
    fixture.store.postpone(&old, failed(99)).await.unwrap();
    assert_eq!(fixture.kept(&old).await, new);
    assert_eq!(fixture.due(13).await, [new.id]);
}

#[tokio::test]
async fn what_is_unfinished_comes_due_until_its_order_knows() {
    let fixture = Fixture::new();
    let payment = fixture.begin(OrderId::generate()).await.unwrap();
    assert_eq!(
        (fixture.due(7).await, fixture.due(8).await),
        (vec![], vec![payment.id])
    );
    fixture.store.postpone(&payment, failed(10)).await.unwrap();
    assert_eq!(
        (fixture.due(9).await, fixture.due(10).await),
        (vec![], vec![payment.id])
    );
    assert_eq!(fixture.kept(&payment).await.progress.tries, 1);
    let declined = fixture
        .moved(
            &payment,
            State::Declined {
                code: "no".to_owned(),
            },
        )
        .await;
    assert_eq!((declined.progress.tries, declined.told), (0, false));
    assert_eq!(
        (fixture.due(12).await, fixture.due(13).await),
        (vec![], vec![payment.id])
    );
    let told = fixture
        .store
        .mark_told(&declined, at(14))
        .await
        .unwrap()
        .unwrap();
    assert_eq!((told.told, told.version), (true, declined.version));
    assert_eq!(fixture.due(1_000_000).await, []);
}

#[tokio::test]
async fn the_longest_due_come_first_and_a_page_is_bounded() {
    let fixture = Fixture::new();
    let mut ids = Vec::new();
    for seconds in [30, 10, 20] {
        let payment = fixture.begin(OrderId::generate()).await.unwrap();
        fixture
            .store
            .postpone(&payment, failed(seconds))
            .await
            .unwrap();
        ids.push((seconds, payment.id));
    }
    ids.sort_unstable();
    let expected: Vec<PaymentId> = ids.iter().map(|(_, id)| *id).collect();
    assert_eq!(fixture.due(30).await, expected);
    let page = fixture.store.due(at(30), 2).await.unwrap();
    assert_eq!(page.len(), 2);
}

#[tokio::test]
async fn a_payment_that_has_not_ended_cannot_be_told() {
    let fixture = Fixture::new();
    let payment = fixture.begin(OrderId::generate()).await.unwrap();
    assert!(fixture.store.mark_told(&payment, at(1)).await.is_err());
    assert_eq!(fixture.kept(&payment).await, payment);
}

#[tokio::test]
async fn pages_go_through_all_payments_by_order_and_id() {
    let fixture = Fixture::new();
    let mut expected = Vec::new();
    for _ in 0..3 {
        let order = OrderId::generate();
        for _ in 0..2 {
            let payment = fixture.begin(order).await.unwrap();
            let to = State::Declined {
                code: "no".to_owned(),
            };
            expected.push((order, fixture.moved(&payment, to).await.id));
        }
    }
    expected.sort_unstable();
    let (mut seen, mut last) = (Vec::new(), None);
    loop {
        let page = fixture.store.after(last, 4).await.unwrap();
        let Some(end) = page.last() else { break };
        last = Some((end.order_id, end.id));
        seen.extend(page.iter().map(|payment| (payment.order_id, payment.id)));
    }
    assert_eq!(seen, expected);
}
