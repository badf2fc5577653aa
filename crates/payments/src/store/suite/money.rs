//! Leases, refunds, the ledger: what bounds them is the store, whoever asks.
#![expect(clippy::arithmetic_side_effects, reason = "tests")]

use super::{Fixture, at, change, failed, lease, reference};
use crate::{
    domain::{Payment, Refund, RefundIntent, Stage, State, ledger},
    store::{Delay, KeptCallback, RefundRefusal},
};
use contracts::{
    catalog::{ReturnedItem, line_mark},
    payments::SagaState,
    values::{Money, OrderId, Quantity, RefundId, VariantId},
};
use platform::db::Abort;

pub(super) fn intent(payment: &Payment, id: u8, amount_minor: Option<i64>) -> RefundIntent {
    RefundIntent {
        id: RefundId::from_bytes([id; 16]),
        payment_id: payment.id,
        fingerprint: [id; 32],
        amount_minor,
        items: Vec::new(),
        lost: Vec::new(),
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
    pub(super) async fn captured(&self) -> Payment {
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

    pub(super) async fn decide(
        &self,
        intent: RefundIntent,
    ) -> Result<(Refund, bool), Abort<RefundRefusal>> {
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

pub(super) async fn nobody_gives_back_what_the_order_has_not_heard_of(fixture: Fixture) {
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

pub(super) async fn whoever_takes_a_payment_over_shuts_the_former_owner_out(fixture: Fixture) {
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

pub(super) async fn a_clock_that_was_put_back_delays_nothing(fixture: Fixture) {
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

pub(super) async fn the_leases_of_a_process_that_ended_are_let_go(fixture: Fixture) {
    let payment = fixture.begin(OrderId::generate()).await.unwrap();
    assert!(fixture.due(1).await.is_empty());
    fixture.store.release_leases(at(1)).await.unwrap();
    assert_eq!(fixture.due(1).await, [payment.id]);
}

pub(super) async fn what_is_parked_waits_for_a_person(fixture: Fixture) {
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

pub(super) async fn refunds_together_never_exceed_what_was_captured(fixture: Fixture) {
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

pub(super) async fn the_same_refund_is_decided_once(fixture: Fixture) {
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

pub(super) async fn no_more_units_come_back_than_were_bought(fixture: Fixture) {
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
    let sums = fixture.store.refund_sums(vec![payment.id]).await.unwrap();
    let [refunds] = sums.try_into().unwrap();
    let units: Vec<i64> = refunds.each.iter().map(|one| one.units).collect();
    assert_eq!((units, refunds.sums.units), (vec![3, 2], 5));
    let mark = line_mark(item(1, 1).variant_id, 0, 1);
    let mark = mark.wrapping_add(line_mark(item(7, 1).variant_id, 0, 1));
    let other = &refunds.each[1];
    assert_eq!((other.id, other.contents), (refund.id, mark));
    assert!(!other.restocked && !other.told);
}

pub(super) async fn the_ledger_sums_to_zero_and_its_accounts_are_their_entries(fixture: Fixture) {
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

pub(super) async fn nothing_is_booked_twice_nor_from_an_empty_account(fixture: Fixture) {
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

pub(super) async fn due_refunds_are_taken_over_but_for_those_that_are_left_out(fixture: Fixture) {
    let payment = fixture.captured().await;
    for id in 1..=3 {
        let wish = RefundIntent {
            items: vec![(item(id, 2), 9)],
            ..intent(&payment, id, Some(10))
        };
        fixture.decide(wish).await.unwrap();
    }
    let take = |now, except: Vec<RefundId>| {
        let lease = lease("b", now + 8);
        fixture.store.take_due_refunds(lease, at(now), 10, except)
    };
    assert_eq!(take(27, vec![]).await.unwrap(), []);
    let left_out = RefundId::from_bytes([2; 16]);
    let mut taken = take(28, vec![left_out]).await.unwrap();
    taken.sort_unstable_by_key(|refund| refund.id);
    let [one, other] = taken.as_slice() else {
        panic!("{taken:?}")
    };
    assert_eq!(
        (one.id, other.id),
        (RefundId::from_bytes([1; 16]), RefundId::from_bytes([3; 16]))
    );
    assert_eq!((&one.items, one.progress.fence), (&vec![item(1, 2)], 2));
    assert_eq!(take(28, vec![left_out]).await.unwrap(), [], "leased");
    assert_eq!(take(28, vec![]).await.unwrap().len(), 1);
}

pub(super) async fn no_entry_of_the_ledger_is_changed_or_removed(fixture: Fixture) {
    fixture.captured().await;
    for sql in [
        "UPDATE ledger_entries SET amount_minor = 1",
        "DELETE FROM ledger_entries",
    ] {
        assert!(!fixture.behind.spoil(sql).await, "{sql}");
    }
    let audit = fixture.store.audit_ledger().await.unwrap();
    assert_eq!((audit.entries, audit.broken_at), (2, None));
}

pub(super) async fn a_store_that_was_spoiled_is_told_by_its_audit(fixture: Fixture) {
    fixture.captured().await;
    let forged = "INSERT INTO ledger_entries (entry_number, transaction_id, account, amount_minor, currency, at_ms,
                                              hash)
                  SELECT 4, transaction_id, 'gifts', 5, currency, at_ms, hash
                    FROM ledger_entries
                   WHERE entry_number = 2";
    assert!(fixture.behind.spoil(forged).await);
    assert!(
        fixture
            .behind
            .spoil("UPDATE ledger_accounts SET balance_minor = 7 WHERE account = 'sales'")
            .await
    );
    let audit = fixture.store.audit_ledger().await.unwrap();
    assert_eq!(
        (audit.gap_free, audit.broken_at, audit.unbalanced),
        (false, Some(4), 1)
    );
    let kept: Vec<_> = audit
        .balances
        .iter()
        .map(|one| (one.account.as_str(), one.kept_minor, one.summed_minor))
        .collect();
    assert_eq!(
        kept,
        [
            ("cash:test", 1_999, 1_999),
            ("sales", 7, -1_999),
            ("gifts", 0, 5)
        ]
    );
}
