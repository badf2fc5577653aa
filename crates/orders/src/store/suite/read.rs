//! Reading: pages, filters, the moment of payment, and audits that notice what was spoilt by hand.

use super::{Bench, SELLER, at, line, order, order_by, order_of, usd};
use crate::domain::order::Happening;
use contracts::{
    catalog::{PricedLine, line_mark},
    orders::{OrderAudit, OrderError, OrderMove, OrderQuery, OrderStatus, OrderView},
    values::{Cursor, OrderId, Page, PageSize, UserId},
};
use platform::{db::Abort, digest};

async fn list(bench: &Bench, customer: Option<UserId>, query: OrderQuery) -> Page<OrderView> {
    bench.store.list(customer, query).await.unwrap()
}

fn numbers(page: &Page<OrderView>) -> Vec<i64> {
    page.data.iter().map(|view| view.number).collect()
}

fn pages_of(rows: u32) -> OrderQuery {
    OrderQuery {
        limit: PageSize::try_from(rows).unwrap(),
        ..OrderQuery::default()
    }
}

pub(super) async fn pages_hold_every_order_once_newest_first(bench: Bench) {
    let orders = (1..=7).map(|n| order_of(vec![line("A", n, 100), line("B", 1, 1)]));
    let placed = bench.store.place_all(orders.collect()).await.unwrap();
    let mut seen: Vec<Vec<OrderView>> = Vec::new();
    let mut query = pages_of(3);
    loop {
        let page = list(&bench, None, query.clone()).await;
        seen.push(page.data);
        // What comes while somebody turns pages changes none of them.
        bench.place(&order()).await;
        let Some(cursor) = page.next_cursor else {
            break;
        };
        query.cursor = Some(cursor);
    }
    let mut expected: Vec<_> = placed.into_iter().map(|one| one.unwrap().view).collect();
    expected.reverse();
    assert_eq!((seen.len(), seen.concat()), (3, expected));

    let whole = list(&bench, None, pages_of(10)).await;
    assert_eq!(
        (whole.data.len(), whole.next_cursor),
        (10, None),
        "just full"
    );
}

pub(super) async fn filters_narrow_the_list(bench: Bench) {
    let (ann, bob) = (UserId::generate(), UserId::generate());
    for (customer, second) in [(ann, 0), (bob, 10), (ann, 20), (bob, 30)] {
        let view = bench.place(&order_by(customer, second)).await;
        if second >= 20 {
            bench.pay(view.id, 40).await;
        }
    }
    let paid = Some(OrderStatus::Paid);
    for (customer, status, after, expected) in [
        (None, None, None, vec![10_004, 10_003, 10_002, 10_001]),
        (Some(ann), None, None, vec![10_003, 10_001]),
        (None, paid, None, vec![10_004, 10_003]),
        (Some(bob), paid, None, vec![10_004]),
        (None, None, Some(at(10)), vec![10_004, 10_003, 10_002]),
        (Some(ann), None, Some(at(1)), vec![10_003]),
        (Some(ann), paid, Some(at(21)), vec![]),
        (None, None, Some(at(31)), vec![]),
        (None, Some(OrderStatus::Refunded), None, vec![]),
        (Some(UserId::generate()), None, None, vec![]),
    ] {
        let query = OrderQuery {
            status,
            created_after: after,
            ..OrderQuery::default()
        };
        let page = list(&bench, customer, query).await;
        assert_eq!(
            numbers(&page),
            expected,
            "{customer:?} {status:?} {after:?}"
        );
    }
    let one = list(&bench, Some(ann), pages_of(1)).await;
    let cursor = one.next_cursor;
    assert!(cursor.is_some());
    let next = OrderQuery {
        cursor,
        ..pages_of(1)
    };
    let next = list(&bench, Some(ann), next).await;
    assert_eq!((numbers(&next), next.next_cursor), (vec![10_001], None));
}

pub(super) async fn a_foreign_cursor_is_refused(bench: Bench) {
    bench.place(&order()).await;
    let encoded = [
        "",
        "x",
        "10001x",
        "1.5",
        "{\"id\":1}",
        "99999999999999999999",
    ]
    .map(|text| digest::base64url(text.as_bytes()));
    let plain = ["!", "10001", "a.b", "----"].map(str::to_owned);
    for text in encoded.into_iter().chain(plain) {
        let Ok(cursor) = Cursor::parse(&text) else {
            continue;
        };
        let query = OrderQuery {
            cursor: Some(cursor),
            ..OrderQuery::default()
        };
        let refusal = bench.store.list(None, query).await;
        let told = matches!(
            refusal,
            Err(Abort::Refused(OrderError::Invalid { field, .. })) if field == "cursor"
        );
        assert!(told, "{text}");
    }
}

pub(super) async fn the_one_who_sells_all_lines_is_told(bench: Bench) {
    let foreign = PricedLine {
        seller_id: UserId::generate(),
        ..line("CUP-1", 1, 500)
    };
    let one = order_of(vec![line("TEA-1", 1, 1), line("TEA-2", 1, 1)]);
    let two = order_of(vec![line("TEA-1", 1, 1), foreign]);
    for (wish, expected) in [(&one, Some(SELLER)), (&two, None)] {
        bench.place(wish).await;
        let found = bench.store.find(wish.id).await.unwrap().unwrap();
        assert_eq!(found.sole_seller, expected);
    }
}

pub(super) async fn the_moment_of_payment_is_kept(bench: Bench) {
    let id = bench.place(&order()).await.id;
    assert_eq!(bench.store.paid_at(id).await.unwrap(), None);
    bench.pay(id, 10).await;
    let ship = Happening::Moved(OrderMove::Ship { tracking: None });
    bench.happen(id, ship, 20).await.unwrap();
    assert_eq!(bench.store.paid_at(id).await.unwrap(), Some(at(10)));
    let unknown = OrderId::generate();
    assert_eq!(bench.store.paid_at(unknown).await.unwrap(), None);
}

async fn audit(bench: &Bench) -> Vec<OrderAudit> {
    bench.store.audit(None, 100).await.unwrap()
}

fn adds_up(row: &OrderAudit) -> bool {
    row.total.minor == row.lines_total_minor
}

pub(super) async fn an_audit_adds_up_and_goes_by_id(bench: Bench) {
    let wish = order_of(vec![
        line("A", 2, 1_999),
        line("B", 3, 7),
        line("A", 1, 1_999),
    ]);
    bench.place(&wish).await;
    let payment = bench.pay(wish.id, 5).await;
    let contents = wish.lines.iter().fold(0_u64, |sum, line| {
        let units = i64::from(line.quantity.get());
        sum.wrapping_add(line_mark(line.variant_id, line.unit_price.minor, units))
    });
    let expected = OrderAudit {
        id: wish.id,
        number: 10_001,
        status: OrderStatus::Paid,
        total: usd(6_018),
        lines_total_minor: 6_018,
        parts_total_minor: 0,
        lines: 3,
        units: 6,
        payment_id: Some(payment),
        timeline_is_legal: true,
        taxes_add_up: true,
        versions_count_moves: true,
        contents,
        returns: Vec::new(),
        returns_were_sent: true,
        updated_at: at(5),
    };
    assert_eq!(audit(&bench).await, [expected]);

    for _ in 0..6 {
        bench.place(&order()).await;
    }
    let all: Vec<OrderId> = audit(&bench).await.iter().map(|row| row.id).collect();
    assert!(all.is_sorted() && all.len() == 7);
    let (mut walked, mut after) = (Vec::new(), None);
    while let Some(last) = {
        let page = bench.store.audit(after, 3).await.unwrap();
        walked.extend(page.iter().map(|row| row.id));
        page.last().map(|row| row.id)
    } {
        after = Some(last);
    }
    assert_eq!(walked, all);
}

pub(super) async fn an_audit_notices_a_total_that_is_not_the_lines_sum(bench: Bench) {
    for sql in [
        "UPDATE orders SET total_minor = total_minor + 1 WHERE order_number = 10001",
        "DELETE FROM order_lines WHERE order_number = 10002",
        "UPDATE order_lines SET quantity = quantity + 1 WHERE order_number = 10003",
    ] {
        bench.place(&order()).await;
        assert_eq!(
            audit(&bench)
                .await
                .iter()
                .filter(|row| adds_up(row))
                .count(),
            1
        );
        bench.behind.spoil(sql).await;
        assert!(!audit(&bench).await.iter().any(adds_up), "{sql}");
    }
}

pub(super) async fn an_audit_notices_a_timeline_that_no_order_can_have(bench: Bench) {
    for sql in [
        "UPDATE orders SET status = 'shipped' WHERE order_number = 10001",
        "DELETE FROM order_events WHERE order_number = 10002",
        "UPDATE order_events SET status = 'delivered' WHERE order_number = 10003 AND sequence = 2",
        "UPDATE order_events SET status = 'lost' WHERE order_number = 10004 AND sequence = 2",
    ] {
        let id = bench.place(&order()).await.id;
        bench.pay(id, 5).await;
        let legal = |row: &&OrderAudit| row.timeline_is_legal;
        assert_eq!(audit(&bench).await.iter().filter(legal).count(), 1);
        bench.behind.spoil(sql).await;
        assert_eq!(audit(&bench).await.iter().filter(legal).count(), 0, "{sql}");
    }
}
