//! What is sent: of each line no more than was sold, whoever sends at once.

use super::{Bench, at, by, line, order_of};
use crate::{
    domain::order::Happening,
    store::shipments::{Sending, Sent},
};
use contracts::{
    catalog::ReturnedItem,
    orders::{OrderError, OrderStatus, RefundNote, ShipError, ShipLine},
    request::IdempotencyKey,
    values::{Money, OrderId, Quantity, RefundId, ShipmentId},
};
use futures_util::future::{join, join_all};
use platform::db::{Abort, keys::KeyedRequest};

/// A paid order of three units of tea and one cup.
async fn paid(bench: &Bench) -> OrderId {
    let order = order_of(vec![line("TEA-1", 3, 1_000), line("CUP-1", 1, 500)]);
    let id = bench.place(&order).await.id;
    bench.pay(id, 10).await;
    id
}

pub(super) fn sending(order: OrderId, lines: Option<&[(u32, u32)]>) -> Sending {
    let line = |(line, units): &(u32, u32)| ShipLine {
        line: *line,
        quantity: Quantity::try_from(*units).unwrap(),
    };
    Sending {
        order,
        id: ShipmentId::generate(),
        lines: lines.map(|lines| lines.iter().map(line).collect()),
        carrier: Some("Carrier".to_owned()),
        tracking: Some("1Z999".to_owned()),
        tracking_url: None,
        by: by("system"),
        at: at(20),
        request: None,
    }
}

impl Bench {
    /// Gives back so many of a line's units, for a part of the money.
    pub(super) async fn refund(&self, order: OrderId, refund: u8, line: usize, units: u32) {
        let view = self.store.view(order).await.unwrap().unwrap();
        let note = RefundNote {
            order_id: order,
            refund_id: RefundId::from_bytes([refund; 16]),
            amount: Money::new(5, "USD".parse().unwrap()),
            whole: false,
            items: vec![ReturnedItem {
                variant_id: view.items[line].variant_id,
                quantity: Quantity::try_from(units).unwrap(),
            }],
            actor: "system".to_owned(),
        };
        let happening = Happening::Refunded(note);
        self.happen(order, happening, 25).await.unwrap();
    }

    /// Units in all parcels, by line.
    async fn sent(&self, order: OrderId) -> Vec<(u32, u32)> {
        let shipments = self.store.shipments(order).await.unwrap();
        let lines = shipments.iter().flat_map(|one| &one.lines);
        lines.map(|one| (one.line, one.quantity.get())).collect()
    }

    async fn send(&self, sending: Sending) -> Result<Sent, ShipError> {
        self.store.send(sending).await.map_err(|abort| match abort {
            Abort::Refused(refusal) => refusal,
            Abort::Failed(error) => panic!("{error}"),
        })
    }
}

pub(super) async fn parcels_add_up_and_the_last_one_ships_the_order(bench: Bench) {
    let id = paid(&bench).await;
    bench.send(sending(id, Some(&[(1, 2)]))).await.unwrap();
    let seen = bench.seen(id).await;
    let last = seen.timeline.last().unwrap();
    assert_eq!(
        (last.kind.as_str(), last.status),
        ("shipped_in_part", OrderStatus::Paid)
    );
    assert_eq!(seen.view.unwrap().version.get(), 2, "nothing has moved");
    bench.send(sending(id, None)).await.unwrap();
    let seen = bench.seen(id).await;
    let view = seen.view.unwrap();
    assert_eq!((view.status, view.version.get()), (OrderStatus::Shipped, 3));
    assert_eq!(view.tracking.as_deref(), Some("1Z999"));
    assert_eq!(seen.events.last().unwrap().1["status"], "shipped");
    let shipments = bench.store.shipments(id).await.unwrap();
    let units = |place: usize| -> Vec<(u32, u32)> {
        let lines = shipments[place].lines.iter();
        lines.map(|one| (one.line, one.quantity.get())).collect()
    };
    assert_eq!((units(0), units(1)), (vec![(1, 2)], vec![(1, 1), (2, 1)]));
    assert_eq!(
        (shipments[1].number, shipments[1].lines[1].sku.as_str()),
        (2, "CUP-1")
    );
    assert_eq!(shipments[0].created_at, at(20));
    let audit = bench.store.audit(None, 10).await.unwrap();
    assert!(audit[0].timeline_is_legal && audit[0].versions_count_moves);
    assert_eq!(bench.store.audit_events().await.unwrap().differing, 0);
    assert!(matches!(
        bench.send(sending(id, None)).await,
        Err(ShipError::Order(OrderError::IllegalTransition { .. }))
    ));
}

pub(super) async fn of_many_who_send_at_once_no_line_goes_more_often_than_it_was_sold(
    bench: Bench,
) {
    let id = paid(&bench).await;
    let tries = (0..8).map(|_| bench.send(sending(id, Some(&[(1, 1)]))));
    let outcomes = join_all(tries).await;
    assert_eq!(outcomes.iter().filter(|sent| sent.is_ok()).count(), 3);
    assert_eq!(bench.store.shipments(id).await.unwrap().len(), 3);
    let view = bench.store.view(id).await.unwrap().unwrap();
    assert_eq!(view.status, OrderStatus::Paid, "the cup is still here");
}

pub(super) async fn what_a_refund_puts_back_on_sale_goes_into_no_parcel(bench: Bench) {
    let id = paid(&bench).await;
    bench.refund(id, 1, 0, 2).await;
    bench.refund(id, 1, 0, 2).await;
    let too_many = bench.send(sending(id, Some(&[(1, 2)]))).await;
    assert!(matches!(
        too_many,
        Err(ShipError::Order(OrderError::Invalid { .. }))
    ));
    bench.send(sending(id, None)).await.unwrap();
    assert_eq!(bench.sent(id).await, [(1, 1), (2, 1)], "noted once");
    let view = bench.store.view(id).await.unwrap().unwrap();
    assert_eq!(view.status, OrderStatus::Shipped);
    // What comes back after it was sent was in a parcel once, and stays there.
    bench.refund(id, 2, 1, 1).await;
    assert_eq!(bench.sent(id).await, [(1, 1), (2, 1)]);
    // Whatever is given back of an order before anything was sent, it is not sent by that.
    let nothing = paid(&bench).await;
    bench.refund(nothing, 3, 0, 3).await;
    bench.refund(nothing, 4, 1, 1).await;
    let view = bench.store.view(nothing).await.unwrap().unwrap();
    assert_eq!(view.status, OrderStatus::Paid);
    assert!(bench.send(sending(nothing, None)).await.is_err());
}

pub(super) async fn a_refund_of_all_that_was_not_sent_ships_the_order(bench: Bench) {
    let id = paid(&bench).await;
    bench.send(sending(id, Some(&[(1, 3)]))).await.unwrap();
    bench.refund(id, 1, 1, 1).await;
    let seen = bench.seen(id).await;
    let kinds = seen.timeline.iter().map(|entry| entry.kind.as_str());
    let kinds: Vec<&str> = kinds.collect();
    assert!(
        kinds.ends_with(&["shipped_in_part", "refunded_in_part", "shipped"]),
        "{kinds:?}"
    );
    assert_eq!(seen.view.unwrap().status, OrderStatus::Shipped);
    let audit = bench.store.audit(None, 10).await.unwrap();
    assert!(audit[0].timeline_is_legal && audit[0].versions_count_moves);
    assert_eq!(bench.store.audit_events().await.unwrap().differing, 0);
}

pub(super) async fn of_parcels_and_refunds_at_once_no_unit_goes_both_ways(bench: Bench) {
    for round in 1..=8 {
        let id = paid(&bench).await;
        let parcel = bench.send(sending(id, Some(&[(1, 2)])));
        let (parcel, ()) = join(parcel, bench.refund(id, round, 0, 2)).await;
        let rest = bench.send(sending(id, None)).await;
        // Either the parcel went, and of the two units that came back one had gone with it; or two never went.
        let left: &[(u32, u32)] = match (&parcel, &rest) {
            (Ok(_), Ok(_)) => &[(1, 2), (2, 1)],
            (Err(_), Ok(_)) => &[(1, 1), (2, 1)],
            (_, Err(refusal)) => panic!("{refusal:?}"),
        };
        assert_eq!(bench.sent(id).await, left);
    }
}

pub(super) async fn what_was_sent_in_part_is_not_called_off(bench: Bench) {
    let (sent, whole) = (paid(&bench).await, paid(&bench).await);
    bench.send(sending(sent, Some(&[(2, 1)]))).await.unwrap();
    let call_off = async |id| bench.store.call_off(id, by("system"), at(30)).await;
    assert!(matches!(
        call_off(sent).await,
        Err(Abort::Refused(OrderError::IllegalTransition { allowed, .. })) if allowed == [OrderStatus::Shipped]
    ));
    let (_, after) = call_off(whole).await.unwrap();
    assert_eq!(after.status, OrderStatus::Cancelled);
    assert!(matches!(
        bench.send(sending(whole, None)).await,
        Err(ShipError::Order(OrderError::IllegalTransition { .. }))
    ));
}

pub(super) async fn a_request_with_a_key_sends_once(bench: Bench) {
    let id = paid(&bench).await;
    let key = IdempotencyKey::parse("k1").unwrap();
    let with = |body: &str| Sending {
        request: Some(KeyedRequest::new("ann", &key, &body).unwrap()),
        ..sending(id, Some(&[(1, 1)]))
    };
    let first = bench.send(with("one")).await.unwrap();
    let again = bench.send(with("one")).await.unwrap();
    assert!(!first.replayed && again.replayed && first.id == again.id);
    assert!(matches!(
        bench.send(with("other")).await,
        Err(ShipError::KeyReused)
    ));
    assert_eq!(bench.store.shipments(id).await.unwrap().len(), 1);
}
