//! Leases, refunds, the ledger: what bounds them is the store, whoever asks.

use super::{Fixture, at, change, failed, lease, reference};
use crate::{
    domain::{Payment, Refund, RefundIntent, Stage, State, ledger},
    store::{Delay, KeptCallback, RefundRefusal},
};
use contracts::{
    catalog::ReturnedItem,
    payments::SagaState,
    values::{Money, OrderId, Quantity, RefundId, VariantId},
};
use platform::db::Abort;

fn intent(payment: &Payment, id: u8, amount_minor: Option<i64>) -> RefundIntent {
    RefundIntent {
        id: RefundId::from_bytes([id; 16]),
        payment_id: payment.id,
        fingerprint: [id; 32],
        amount_minor,
        items: Vec::new(),
        reason: None,
        actor: "system".to_owned(),
        before_told: true,
    }
}

fn item(variant: u8, units: u32) -> ReturnedItem {
    ReturnedItem {
        variant_id: VariantId::from_bytes([variant; 16]),
        quantity: Quantity::try_from(units).unwrap(),
    }
}

impl Fixture {
    /// A payment of 1,999 that was captured, and is in the ledger.
    async fn captured(&self) -> Payment {
        let begun = self.begin(OrderId::generate()).await.unwrap();
        let held = State::Authorised {
            reference: reference(),
        };
        let held = self.moved(&begun, held).await;
        let mut taken = change(State::Captured {
            reference: reference(),
        });
        taken.booked = Some(ledger::captured("test", begun.id, begun.amount));
        self.store.advance(&held, taken).await.unwrap().unwrap()
    }

    async fn decide(&self, intent: RefundIntent) -> Result<(Refund, bool), Abort<RefundRefusal>> {
        self.store
            .begin_refund(intent, at(20), lease("a", 28))
            .await
    }

    async fn book(&self, refund: &Refund) -> Option<Refund> {
        let transaction = ledger::refunded("test", refund.id, refund.amount);
        let booked = self.store.book_refund(refund, transaction, at(21)).await;
        booked.ok().flatten()
    }
}

#[tokio::test]
async fn nobody_gives_back_what_the_order_has_not_heard_of() {
    let fixture = Fixture::new();
    let payment = fixture.captured().await;
    let by_people = |id| RefundIntent {
        before_told: false,
        ..intent(&payment, id, None)
    };
    let early = fixture.decide(by_people(1)).await;
    assert!(matches!(
        early,
        Err(Abort::Refused(RefundRefusal::NotCaptured))
    ));
    fixture.store.mark_told(&payment, at(19)).await.unwrap();
    assert!(fixture.decide(by_people(1)).await.is_ok());
}

#[tokio::test]
async fn whoever_takes_a_payment_over_shuts_the_former_owner_out() {
    let fixture = Fixture::new();
    let mine = fixture.begin(OrderId::generate()).await.unwrap();
    let claim = |owner, now| fixture.store.claim(mine.id, lease(owner, now + 8), at(now));
    assert_eq!(claim("b", 7).await.unwrap(), None, "the lease still runs");
    let theirs = claim("b", 8).await.unwrap().unwrap();
    assert_eq!(theirs.progress.fence, mine.progress.fence + 1);
    let declined = || State::Declined {
        code: "no".to_owned(),
    };
    let late = fixture.store.advance(&mine, change(declined())).await;
    assert_eq!(late.unwrap(), None, "0 rows");
    fixture.store.postpone(&mine, failed(99)).await.unwrap();
    assert_eq!(fixture.kept(&mine).await, theirs);
    fixture.moved(&theirs, declined()).await;
}

#[tokio::test]
async fn a_clock_that_was_put_back_delays_nothing() {
    let fixture = Fixture::new();
    let payment = fixture.begin(OrderId::generate()).await.unwrap();
    assert_eq!(fixture.due(-3_600).await, [payment.id]);
    let claimed = fixture
        .store
        .claim(payment.id, lease("b", -3_592), at(-3_600));
    assert!(claimed.await.unwrap().is_some());
    let callback = KeptCallback {
        event_id: "evt_1".to_owned(),
        key: "k".to_owned(),
        tries: 0,
        received_at: at(0),
    };
    let kept = fixture.store.keep_callback(callback, String::new(), at(2));
    assert!(kept.await.unwrap());
    let due = async |second| {
        fixture
            .store
            .due_callbacks(at(second), 9)
            .await
            .unwrap()
            .len()
    };
    assert_eq!((due(1).await, due(2).await, due(-3_600).await), (0, 1, 1));
}

#[tokio::test]
async fn the_leases_of_a_process_that_ended_are_let_go() {
    let fixture = Fixture::new();
    let payment = fixture.begin(OrderId::generate()).await.unwrap();
    assert!(fixture.due(1).await.is_empty());
    fixture.store.release_leases(at(1)).await.unwrap();
    assert_eq!(fixture.due(1).await, [payment.id]);
}

#[tokio::test]
async fn what_is_parked_waits_for_a_person() {
    let fixture = Fixture::new();
    let payment = fixture.begin(OrderId::generate()).await.unwrap();
    let parked = Delay {
        parked: true,
        ..failed(9)
    };
    fixture.store.postpone(&payment, parked).await.unwrap();
    assert!(fixture.due(1_000).await.is_empty());
    let open = |state| fixture.store.open_payments(state, None, 10);
    assert_eq!(open(Some(SagaState::Open)).await.unwrap(), []);
    let found = open(Some(SagaState::Parked)).await.unwrap();
    assert_eq!(found[0].progress.reason.as_deref(), Some("no answer"));
    fixture.store.unpark(payment.id, at(50)).await.unwrap();
    assert_eq!(fixture.due(50).await, [payment.id]);
    assert_eq!(open(None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn refunds_together_never_exceed_what_was_captured() {
    let fixture = Fixture::new();
    let payment = fixture.captured().await;
    let (first, _) = fixture
        .decide(intent(&payment, 1, Some(1_500)))
        .await
        .unwrap();
    let more = fixture.decide(intent(&payment, 2, Some(500))).await;
    let left = Money::new(499, payment.amount.currency);
    assert!(matches!(more, Err(Abort::Refused(RefundRefusal::TooMuch { left: l })) if l == left));
    let (rest, _) = fixture.decide(intent(&payment, 3, None)).await.unwrap();
    assert_eq!(rest.amount.minor, 499);
    assert!(
        fixture.decide(intent(&payment, 4, None)).await.is_err(),
        "nothing is left"
    );

    let booked = fixture.book(&first).await.unwrap();
    assert_eq!((booked.stage, booked.whole), (Stage::Booked, false));
    assert_eq!(fixture.book(&first).await, None, "once");
    assert!(fixture.book(&rest).await.unwrap().whole);
    let refunded = fixture.kept(&payment).await;
    assert!(matches!(refunded.state, State::Refunded { .. }));
    assert_eq!(
        (refunded.refunding_minor, refunded.refunded_minor),
        (1_999, 1_999)
    );
}

#[tokio::test]
async fn the_same_refund_is_decided_once() {
    let fixture = Fixture::new();
    let payment = fixture.captured().await;
    let (first, known) = fixture.decide(intent(&payment, 1, Some(10))).await.unwrap();
    let (second, replayed) = fixture.decide(intent(&payment, 1, Some(10))).await.unwrap();
    assert_eq!((first, known, replayed), (second, false, true));
    let other = RefundIntent {
        fingerprint: [9; 32],
        ..intent(&payment, 1, Some(11))
    };
    let other = fixture.decide(other).await;
    assert!(matches!(other, Err(Abort::Refused(RefundRefusal::Differs))));
    assert_eq!(fixture.kept(&payment).await.refunding_minor, 10);
    let pending = fixture.begin(OrderId::generate()).await.unwrap();
    let early = fixture.decide(intent(&pending, 2, None)).await;
    assert!(matches!(
        early,
        Err(Abort::Refused(RefundRefusal::NotCaptured))
    ));
}

#[tokio::test]
async fn no_more_units_come_back_than_were_bought() {
    let fixture = Fixture::new();
    let payment = fixture.captured().await;
    let with = |id, units| RefundIntent {
        items: vec![(item(1, 1), 9), (item(7, units), 3)],
        ..intent(&payment, id, Some(1))
    };
    fixture.decide(with(1, 2)).await.unwrap();
    let many = fixture.decide(with(2, 2)).await;
    assert!(matches!(
        many,
        Err(Abort::Refused(RefundRefusal::TooManyUnits {
            index: 1,
            left: 1
        }))
    ));
    let (refund, _) = fixture.decide(with(3, 1)).await.unwrap();
    assert_eq!(refund.items, [item(1, 1), item(7, 1)]);
    assert_eq!(
        fixture.kept(&payment).await.refunding_minor,
        2,
        "a refusal leaves nothing"
    );
}

#[tokio::test]
async fn the_ledger_sums_to_zero_and_its_accounts_are_their_entries() {
    let fixture = Fixture::new();
    let payment = fixture.captured().await;
    let other = fixture.captured().await;
    let (refund, _) = fixture.decide(intent(&payment, 1, Some(99))).await.unwrap();
    fixture.book(&refund).await.unwrap();
    let audit = fixture.store.audit_ledger().await.unwrap();
    assert_eq!((audit.entries, audit.unbalanced), (6, 0));
    assert!(audit.gap_free && audit.broken_at.is_none());
    let balances: Vec<_> = audit
        .balances
        .iter()
        .map(|one| (one.account.as_str(), one.kept_minor, one.summed_minor))
        .collect();
    let cash = payment.amount.minor + other.amount.minor - 99;
    let sales = -payment.amount.minor - other.amount.minor;
    assert_eq!(
        balances,
        [
            ("cash:test", cash, cash),
            ("refunds", 99, 99),
            ("sales", sales, sales)
        ]
    );
}

#[tokio::test]
async fn nothing_is_booked_twice_nor_from_an_empty_account() {
    let fixture = Fixture::new();
    let begun = fixture.begin(OrderId::generate()).await.unwrap();
    let held = State::Authorised {
        reference: reference(),
    };
    let held = fixture.moved(&begun, held).await;
    let mut overdrawn = change(State::Captured {
        reference: reference(),
    });
    let nothing_there = ledger::refunded("test", RefundId::from_bytes([1; 16]), begun.amount);
    overdrawn.booked = Some(nothing_there);
    let refused = fixture.store.advance(&held, overdrawn).await;
    assert!(matches!(refused, Err(Abort::Failed(_))), "{refused:?}");
    assert_eq!(
        fixture.kept(&begun).await,
        held,
        "the move went with its booking"
    );
    assert_eq!(fixture.store.audit_ledger().await.unwrap().entries, 0);
}
