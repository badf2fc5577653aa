//! Returns: of each line no more comes back than was sent, whoever asks at once; each step happens once.

use super::{Bench, at, by, line, order_of, shipments::sending};
use crate::{
    domain::order::Happening,
    store::returns::{Answering, Asking, Place, Receiving, ReturnWish, Returning, refund_of},
};
use contracts::{
    catalog::line_mark,
    event::Event,
    orders::{
        OrderStatus, RefundNote, ReturnAudit, ReturnError, ReturnReceived, ReturnStatus,
        ReturnView, ShipLine,
    },
    request::IdempotencyKey,
    values::{Cursor, Money, OrderId, Page, Quantity, ReturnId, UserId},
};
use futures_util::future::join_all;
use platform::{
    db::{Abort, keys::KeyedRequest},
    digest,
};

/// A paid order of three units of tea, of which two are on their way, and a cup.
async fn sent_in_part(bench: &Bench) -> OrderId {
    let order = order_of(vec![line("TEA-1", 3, 1_000), line("CUP-1", 1, 500)]);
    let id = bench.place(&order).await.id;
    bench.pay(id, 10).await;
    let parcel = sending(id, Some(&[(1, 2)]));
    bench.store.send(parcel).await.unwrap();
    id
}

fn asking(order: OrderId, units: u32) -> Asking {
    Asking {
        order,
        id: ReturnId::generate(),
        lines: vec![ShipLine {
            line: 1,
            quantity: Quantity::try_from(units).unwrap(),
        }],
        reason: "too small".to_owned(),
        by: by("guest"),
        at: at(30),
        most: 3,
        request: None,
    }
}

fn receiving(order: OrderId, id: ReturnId) -> Receiving {
    Receiving {
        order,
        id,
        written_off: Vec::new(),
        amount: None,
        by: by("admin"),
        at: at(50),
    }
}

impl Bench {
    async fn ask(&self, order: OrderId, units: u32) -> Result<Returning, Abort<ReturnError>> {
        self.store.ask_return(asking(order, units)).await
    }

    async fn answer(&self, order: OrderId, id: ReturnId, to: ReturnStatus) -> bool {
        let answering = Answering {
            order,
            id,
            to,
            note: Some("yes".to_owned()),
            by: by("admin"),
            at: at(40),
        };
        self.store.answer_return(answering).await.is_ok()
    }

    async fn told(&self) -> Vec<ReturnReceived> {
        let events = self.behind.events().await.into_iter();
        let told = events.filter(|(name, _)| name == ReturnReceived::NAME);
        told.map(|(_, event)| serde_json::from_value(event).unwrap())
            .collect()
    }
}

pub(super) async fn of_many_who_ask_at_once_no_more_comes_back_than_was_sent(bench: Bench) {
    let id = sent_in_part(&bench).await;
    let asked = join_all((0..8).map(|_| bench.ask(id, 1))).await;
    assert_eq!(asked.iter().filter(|one| one.is_ok()).count(), 2);
    let returns = bench.store.returns(id).await.unwrap();
    let numbers: Vec<u32> = returns.iter().map(|one| one.number).collect();
    assert_eq!(numbers, [1, 2]);
    assert!(bench.answer(id, returns[0].id, ReturnStatus::Refused).await);
    bench.ask(id, 1).await.unwrap();
    assert!(bench.ask(id, 1).await.is_err(), "and no further");
}

pub(super) async fn a_return_goes_its_way_once_and_payments_are_told_once(bench: Bench) {
    let id = sent_in_part(&bench).await;
    let one = bench.ask(id, 2).await.unwrap().id;
    let early = bench.store.receive_return(receiving(id, one)).await;
    assert!(matches!(
        early,
        Err(Abort::Refused(ReturnError::IllegalMove { .. }))
    ));
    for _ in 0..2 {
        assert!(bench.answer(id, one, ReturnStatus::Approved).await);
    }
    let twins = (0..8).map(|_| bench.store.receive_return(receiving(id, one)));
    for twin in join_all(twins).await {
        twin.unwrap();
    }
    assert!(!bench.answer(id, one, ReturnStatus::Refused).await);
    let [told] = bench.told().await.try_into().unwrap();
    assert_eq!((told.return_id, told.refund_id), (one, refund_of(one)));
    assert_eq!(told.amount.minor, 2_000);
    let items: Vec<_> = told
        .items
        .iter()
        .map(|(item, of)| (item.quantity.get(), *of))
        .collect();
    assert_eq!(items, [(2, 3)]);
    assert_eq!((told.lost.len(), &told.shares), (0, &vec![2_000]));
    let note = RefundNote {
        order_id: id,
        refund_id: told.refund_id,
        amount: told.amount,
        whole: false,
        items: told.items.iter().map(|(item, _)| *item).collect(),
        actor: told.actor,
    };
    for _ in 0..2 {
        let happening = Happening::Refunded(note.clone());
        bench.happen(id, happening, 60).await.unwrap();
    }
    let back = &bench.store.returns(id).await.unwrap()[0];
    assert_eq!(
        (back.status, back.refund_id),
        (ReturnStatus::Refunded, Some(note.refund_id))
    );
    // What was not sent is not withheld for what came back.
    bench.store.send(sending(id, None)).await.unwrap();
    let view = bench.store.view(id).await.unwrap().unwrap();
    assert_eq!(view.status, OrderStatus::Shipped);
    let kinds: Vec<String> = bench
        .store
        .timeline(id)
        .await
        .unwrap()
        .into_iter()
        .map(|one| one.kind)
        .collect();
    let way = [
        "return_requested",
        "return_approved",
        "return_received",
        "refunded_in_part",
    ];
    assert!(kinds.windows(4).any(|part| part == way), "{kinds:?}");
    let audit = bench.store.audit(None, 9).await.unwrap();
    assert!(audit[0].timeline_is_legal && audit[0].versions_count_moves);
    assert_eq!(bench.store.audit_events().await.unwrap().differing, 0);
}

pub(super) async fn an_audit_tells_of_returns_and_notices_more_than_was_sent(bench: Bench) {
    let id = sent_in_part(&bench).await;
    let one = bench.ask(id, 1).await.unwrap().id;
    assert!(bench.answer(id, one, ReturnStatus::Approved).await);
    bench
        .store
        .receive_return(receiving(id, one))
        .await
        .unwrap();
    bench.refund(id, 1, 0, 2).await;
    let audit = || async { bench.store.audit(None, 9).await.unwrap().remove(0) };
    let [told] = bench.told().await.try_into().unwrap();
    let contents = line_mark(told.items[0].0.variant_id, 0, 1);
    let expected = ReturnAudit {
        id: one,
        status: ReturnStatus::Received,
        refund_id: Some(refund_of(one)),
        is_named: true,
        on_sale: 1,
        contents,
        updated_at: at(50),
    };
    let seen = audit().await;
    assert_eq!(
        (seen.returns, seen.returns_were_sent),
        (vec![expected], true)
    );
    let events = bench.store.audit_events().await.unwrap();
    assert_eq!(events.untold_returns, [one], "nobody delivered it");
    for (sql, sent, named, on_sale) in [
        ("UPDATE return_lines SET quantity = 2", false, true, 2),
        ("UPDATE return_lines SET quantity = 1", true, true, 1),
        ("UPDATE came_back_lines SET quantity = 2", false, true, 1),
        ("DELETE FROM came_back_lines", true, true, 1),
        ("DELETE FROM shipment_lines", false, true, 1),
        ("UPDATE returns SET refund_id = return_id", false, false, 1),
    ] {
        bench.behind.spoil(sql).await;
        let seen = audit().await;
        let back = seen.returns[0];
        let seen = (seen.returns_were_sent, back.is_named, back.on_sale);
        assert_eq!(seen, (sent, named, on_sale), "{sql}");
    }
}

pub(super) async fn what_came_back_without_a_return_does_not_come_back_once_more(bench: Bench) {
    let id = sent_in_part(&bench).await;
    // The first of these was not sent, and stays; the second was.
    bench.refund(id, 1, 0, 2).await;
    assert!(bench.ask(id, 2).await.is_err());
    let one = bench.ask(id, 1).await.unwrap().id;
    assert!(bench.answer(id, one, ReturnStatus::Approved).await);
    let lost = Receiving {
        written_off: vec![1],
        amount: Some(Money::new(7, "USD".parse().unwrap())),
        ..receiving(id, one)
    };
    let wrong = Receiving {
        written_off: vec![2],
        ..lost.clone()
    };
    assert!(bench.store.receive_return(wrong).await.is_err());
    bench.store.receive_return(lost).await.unwrap();
    let [told] = bench.told().await.try_into().unwrap();
    assert_eq!((told.items.len(), told.amount.minor), (0, 7));
    assert_eq!((told.lost.len(), told.shares.len()), (1, 0));
    assert!(bench.store.returns(id).await.unwrap()[0].lines[0].written_off);
}

pub(super) async fn a_return_with_a_key_is_asked_for_once_and_forgotten_with_its_buyer(
    bench: Bench,
) {
    let bob = UserId::generate();
    let order = super::order_by(bob, 1);
    let id = bench.place(&order).await.id;
    bench.pay(id, 10).await;
    bench.store.send(sending(id, None)).await.unwrap();
    let key = IdempotencyKey::parse("k").unwrap();
    let keyed = |body: &str| Asking {
        request: KeyedRequest::new("bob POST returns", &key, &body).ok(),
        ..asking(id, 1)
    };
    let first = bench.store.ask_return(keyed("a")).await.unwrap();
    let again = bench.store.ask_return(keyed("a")).await.unwrap();
    assert_eq!((again.id, again.replayed), (first.id, true));
    let other = bench.store.ask_return(keyed("b")).await;
    assert!(matches!(other, Err(Abort::Refused(ReturnError::KeyReused))));
    bench.store.forget_customer(bob, None).await.unwrap();
    assert_eq!(bench.store.returns(id).await.unwrap()[0].reason, "");
}

/// A page of two of all returns, from there on.
async fn two(
    bench: &Bench,
    status: Option<ReturnStatus>,
    from: Option<&Cursor>,
) -> Page<ReturnView> {
    let wish = ReturnWish {
        status,
        before: Place::read(from).unwrap(),
        limit: 2,
    };
    bench.store.all_returns(wish).await.unwrap()
}

/// All of them, page by page.
async fn walked(bench: &Bench, status: Option<ReturnStatus>) -> Vec<ReturnView> {
    let (mut seen, mut from) = (Vec::new(), None);
    loop {
        let page = two(bench, status, from.as_ref()).await;
        assert!(page.data.len() <= 2);
        seen.extend(page.data);
        from = page.next_cursor;
        if from.is_none() {
            return seen;
        }
    }
}

pub(super) async fn returns_of_all_orders_are_one_list_by_status_and_are_counted(bench: Bench) {
    assert!(walked(&bench, None).await.is_empty());
    let mut asked = Vec::new();
    // Each order has two, asked for in the same moment; the last order's, first of all.
    for second in [31, 31, 30] {
        let id = sent_in_part(&bench).await;
        for _ in 0..2 {
            let wish = Asking {
                at: at(second),
                ..asking(id, 1)
            };
            let one = bench.store.ask_return(wish).await.unwrap();
            asked.push((id, one.id));
        }
    }
    let ids = |seen: &[ReturnView]| seen.iter().map(|one| one.id).collect::<Vec<_>>();
    let newest_first = [3, 2, 1, 0, 5, 4].map(|place: usize| asked[place].1);
    let seen = walked(&bench, None).await;
    assert_eq!(ids(&seen), newest_first);
    // Each as its order shows it.
    for (order, id) in &asked {
        let own = bench.store.returns(*order).await.unwrap();
        let own = own.iter().find(|one| one.id == *id);
        assert_eq!(seen.iter().find(|one| one.id == *id), own);
    }
    let number = bench.store.view(asked[5].0).await.unwrap().unwrap().number;
    assert_eq!((seen[4].order_number, seen[4].number), (number, 2));
    for (order, id) in [asked[0], asked[3], asked[4]] {
        assert!(bench.answer(order, id, ReturnStatus::Approved).await);
    }
    let approved = walked(&bench, Some(ReturnStatus::Approved)).await;
    assert_eq!(ids(&approved), [asked[3].1, asked[0].1, asked[4].1]);
    assert!(
        walked(&bench, Some(ReturnStatus::Refunded))
            .await
            .is_empty()
    );
    let counts = bench.store.count_returns(9).await.unwrap();
    let expected = ReturnStatus::ALL.map(|status| match status {
        ReturnStatus::Requested | ReturnStatus::Approved => (status, 3),
        ReturnStatus::Refused | ReturnStatus::Received | ReturnStatus::Refunded => (status, 0),
    });
    assert_eq!(counts, expected);
    let few = bench.store.count_returns(2).await.unwrap();
    assert!(
        few.iter().all(|(_, count)| *count <= 2),
        "no further than asked"
    );
    for text in ["", "1", "1.2", "1.2.3.4", "a.b.c", "1.2.x"] {
        let foreign = Cursor::parse(&digest::base64url(text.as_bytes()));
        if let Ok(foreign) = foreign {
            assert!(Place::read(Some(&foreign)).is_err(), "{text}");
        }
    }
}
