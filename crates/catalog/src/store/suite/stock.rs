//! Stock and reservations: idempotency, batches, races, ledgers.
#![expect(clippy::arithmetic_side_effects, reason = "tests")]

use super::{NOW, Room, resolve, wish};
use contracts::{
    catalog::{AdjustError, ItemRef, ReservationState, ReserveError, ResolveError},
    values::{OrderId, Quantity},
};
use serde_json::json;
use std::sync::Arc;

pub(super) async fn a_reservation_is_answered_again_with_the_price_it_was_made_at(room: Room) {
    let tea = room.tea(5).await;
    let order = OrderId::generate();
    let first = room
        .reserve(vec![wish(order, &[(tea.id, 2), (tea.id, 1)])])
        .await;
    let first = first[0].as_ref().unwrap().clone();
    assert_eq!(first.lines.len(), 2, "a line for each line of the wish");
    assert_eq!(first.lines[1].quantity, Quantity::ONE);
    room.patched(tea.id, json!({"price": "9.99"})).await;
    let again = room
        .reserve(vec![wish(order, &[(tea.id, 2), (tea.id, 1)])])
        .await;
    assert_eq!(again[0].as_ref().unwrap(), &first);
    assert_eq!(room.seen(tea.id).await.stock.reserved, 3, "taken once");
}

pub(super) async fn twins_in_one_batch_take_once(room: Room) {
    let tea = room.tea(5).await;
    let order = OrderId::generate();
    let mut other = wish(order, &[(tea.id, 2)]);
    other.fingerprint = [2; 32];
    let twin = wish(order, &[(tea.id, 2)]);
    let answers = room.reserve(vec![twin.clone(), twin.clone(), other]).await;
    assert_eq!(answers[0].as_ref().unwrap(), answers[1].as_ref().unwrap());
    assert!(matches!(answers[2], Err(ReserveError::FingerprintDiffers)));
    assert_eq!(room.seen(tea.id).await.stock.reserved, 2);
    room.resolve(order, ReservationState::Released)
        .await
        .unwrap();
    let late = room.reserve(vec![twin]).await;
    assert!(matches!(
        late[0],
        Err(ReserveError::Resolved(ReservationState::Released))
    ));
}

pub(super) async fn a_refused_wish_fails_none_of_its_batch_and_leaves_nothing(room: Room) {
    let (tea, cup) = (room.tea(3).await, room.tea(1).await);
    let orders: Vec<OrderId> = (0..4).map(|_| OrderId::generate()).collect();
    let answers = room
        .reserve(vec![
            wish(orders[0], &[(tea.id, 2)]),
            wish(orders[1], &[(cup.id, 1), (tea.id, 2)]),
            wish(orders[2], &[]),
            wish(orders[3], &[(cup.id, 1), (tea.id, 1)]),
        ])
        .await;
    assert!(answers[0].is_ok() && answers[3].is_ok());
    match &answers[1] {
        Err(ReserveError::InsufficientStock { items }) => {
            assert_eq!(items.len(), 1);
            assert_eq!((items[0].requested, items[0].available), (2, 1));
            assert_eq!(items[0].product_id, tea.id);
        }
        other => panic!("{other:?}"),
    }
    assert!(matches!(answers[2], Err(ReserveError::Unavailable { .. })));
    let refused = room.resolve(orders[1], ReservationState::Released).await;
    assert!(matches!(refused, Err(ResolveError::Unknown)));
    assert_eq!(room.seen(tea.id).await.stock.available, 0);
    room.assert_books_balance().await;
}

pub(super) async fn drafts_and_unknown_things_cannot_be_bought(room: Room) {
    let draft = room
        .product(json!({"name": "Tea", "price": 1, "stock": 5, "status": "draft"}))
        .await;
    let mut order = wish(OrderId::generate(), &[(draft.id, 1)]);
    order.lines.push(contracts::catalog::ReserveLine {
        item: ItemRef::Variant(contracts::values::VariantId::generate()),
        quantity: Quantity::ONE,
    });
    match &room.reserve(vec![order]).await[0] {
        Err(ReserveError::Unavailable { lines }) => assert_eq!(lines, &[0, 1]),
        other => panic!("{other:?}"),
    }
}

pub(super) async fn of_a_thousand_buyers_of_the_last_ten_ten_win(room: Room) {
    for batch in [1, 40] {
        let tea = room.tea(10).await;
        let id = tea.id;
        let buyers: Vec<_> = (0..1_000 / batch)
            .map(|_| {
                let room = room.clone();
                let wishes = (0..batch)
                    .map(|_| wish(OrderId::generate(), &[(id, 1)]))
                    .collect();
                async move { room.reserve(wishes).await }
            })
            .collect();
        let answers = futures_util::future::join_all(buyers).await;
        let (mut won, mut lost) = (0, 0);
        for answer in answers.into_iter().flatten() {
            match answer {
                Ok(_) => won += 1,
                Err(ReserveError::InsufficientStock { .. }) => lost += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!((won, lost), (10, 990), "in batches of {batch}");
        let stock = room.seen(tea.id).await.stock;
        assert_eq!((stock.on_hand, stock.available), (10, 0));
        room.assert_books_balance().await;
    }
}

pub(super) async fn a_batch_of_resolutions_answers_each(room: Room) {
    let tea = room.tea(10).await;
    let orders: Vec<OrderId> = (0..3).map(|_| OrderId::generate()).collect();
    let wishes = orders.iter().map(|order| wish(*order, &[(tea.id, 2)]));
    room.reserve(wishes.collect()).await;
    let resolved = room
        .store
        .resolve_all(
            vec![
                resolve(orders[0], ReservationState::Committed),
                resolve(orders[0], ReservationState::Committed),
                resolve(orders[0], ReservationState::Released),
                resolve(orders[1], ReservationState::Expired),
                resolve(OrderId::generate(), ReservationState::Released),
                resolve(orders[0], ReservationState::Returned),
                resolve(orders[2], ReservationState::Open),
            ],
            NOW,
        )
        .await
        .unwrap();
    assert_eq!(resolved.products, [tea.id], "what moved is told");
    let shown: Vec<String> = resolved
        .answers
        .iter()
        .map(|answer| match answer {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.to_string(),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "ok",
            "ok",
            "the reservation is Committed",
            "ok",
            "there is no reservation",
            "ok",
            "the reservation is Open",
        ]
    );
    let stock = room.seen(tea.id).await.stock;
    assert_eq!((stock.on_hand, stock.reserved), (10, 2));
    room.assert_books_balance().await;
    // Whoever comes second may be answered before the first has told what moved.
    let again = vec![resolve(orders[0], ReservationState::Returned)];
    let again = room.store.resolve_all(again, NOW).await.unwrap();
    assert_eq!(again.products, [tea.id], "it is told again");
    assert_eq!(room.seen(tea.id).await.stock, stock);
}

pub(super) async fn overdue_reservations_are_found_oldest_first(room: Room) {
    let tea = room.tea(10).await;
    let orders: Vec<OrderId> = (0..3).map(|_| OrderId::generate()).collect();
    let mut wishes: Vec<_> = orders.iter().map(|o| wish(*o, &[(tea.id, 1)])).collect();
    wishes[0].hold_until = NOW.plus_seconds(20);
    wishes[1].hold_until = NOW.plus_seconds(10);
    room.reserve(wishes).await;
    let late = NOW.plus_seconds(30);
    let found = async |moment, after| {
        let page = room.store.overdue(moment, after, 10).await.unwrap();
        let ids: Vec<_> = page.iter().map(|one| one.order_id).collect();
        (ids, page.first().copied())
    };
    let (all, first) = found(late, None).await;
    assert_eq!(all, [orders[1], orders[0]]);
    assert_eq!(
        found(late, first).await.0,
        [orders[0]],
        "behind what was seen"
    );
    room.resolve(orders[1], ReservationState::Expired)
        .await
        .unwrap();
    assert_eq!(found(late, None).await.0, [orders[0]]);
    assert_eq!(found(NOW, None).await.0, []);
}

pub(super) async fn an_adjustment_is_all_or_nothing(room: Room) {
    let (tea, cup) = (room.tea(5).await, room.tea(1).await);
    let changes = json!([
        {"sku": tea.sku, "delta": 3, "reason": "found"},
        {"sku": cup.sku, "delta": -2, "reason": "broken"},
    ]);
    let refused = room.adjust(changes).await;
    assert!(matches!(
        refused,
        Err(AdjustError::InsufficientStock { available: 1, .. })
    ));
    assert_eq!(room.seen(tea.id).await.stock.on_hand, 5, "nothing was kept");
    let unknown = json!([
        {"sku": tea.sku, "delta": 3, "reason": "found"},
        {"sku": "nothing", "delta": 1, "reason": "found"},
    ]);
    assert!(matches!(
        room.adjust(unknown).await,
        Err(AdjustError::NotFound { index: 1 })
    ));
    assert_eq!(room.seen(tea.id).await.stock.on_hand, 5, "nothing was kept");
    room.assert_books_balance().await;
}

pub(super) async fn a_count_is_compared_and_set_and_two_changes_of_one_add_up(room: Room) {
    let tea = room.tea(5).await;
    let sku = tea.sku.to_lowercase();
    let views = room
        .adjust(json!([
            {"sku": sku, "set": 40, "expected": 5, "reason": "count"},
            {"variant_id": tea.variants[0].id, "delta": -1, "reason": "damaged"},
        ]))
        .await
        .unwrap();
    assert_eq!((views[0].on_hand, views[1].on_hand), (39, 39));
    let stale = room
        .adjust(json!([{"sku": sku, "set": 41, "expected": 40, "reason": "count"}]))
        .await;
    assert!(matches!(
        stale,
        Err(AdjustError::StockChanged { on_hand: 39, .. })
    ));
    let version = room.seen(tea.id).await.stock_version;
    let same = json!([{"sku": sku, "set": 39, "expected": 39, "reason": "count"}]);
    room.adjust(same).await.unwrap();
    assert_eq!(room.seen(tea.id).await.stock_version, version);
}

pub(super) async fn movements_tell_the_whole_story_page_by_page(room: Room) {
    let tea = room.tea(5).await;
    let orders: Vec<OrderId> = (0..2).map(|_| OrderId::generate()).collect();
    let wishes = orders.iter().map(|order| wish(*order, &[(tea.id, 2)]));
    room.reserve(wishes.collect()).await;
    for (order, to) in [
        (orders[0], ReservationState::Committed),
        (orders[0], ReservationState::Returned),
        (orders[1], ReservationState::Expired),
    ] {
        room.resolve(order, to).await.unwrap();
    }
    let change = json!([{"sku": tea.sku, "delta": -1, "reason": "damaged"}]);
    room.adjust(change).await.unwrap();
    let (mut kinds, mut cursor) = (Vec::new(), None);
    loop {
        let limit = 2.try_into().unwrap();
        let page = room
            .store
            .movements(tea.variants[0].id, limit, cursor)
            .await;
        let page = page.unwrap();
        kinds.extend(page.data.into_iter().map(|movement| movement.kind));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            "adjusted", "expired", "initial", "reserved", "reserved", "returned", "sold"
        ]
    );
}

pub(super) async fn reservations_are_audited_in_the_order_of_their_ids(room: Room) {
    let ship = room
        .product(json!({
            "name": "Ship",
            "price": {"amount": 1_000_000_000_000_i64, "currency": "USD"},
            "stock": 1_000_000_000,
        }))
        .await;
    let lines = [(ship.id, 1_000_000); 9];
    let too_dear = wish(OrderId::generate(), &[(ship.id, 1_000_000); 10]);
    assert!(matches!(
        room.reserve(vec![too_dear]).await[0],
        Err(ReserveError::TotalOutOfRange)
    ));
    let order = OrderId::generate();
    assert!(room.reserve(vec![wish(order, &lines)]).await[0].is_ok());
    let tea = room.tea(5).await;
    let second = OrderId::generate();
    room.reserve(vec![wish(second, &[(tea.id, 2), (tea.id, 1)])])
        .await;
    let audit = room.store.audit_reservations(None, 10).await.unwrap();
    assert_eq!(audit.len(), 2);
    assert_eq!(
        (audit[0].units, audit[0].value_minor),
        (9_000_000, 9_000_000_000_000_000_000)
    );
    assert_eq!((audit[1].units, audit[1].value_minor), (3, 750));
    let rest = room
        .store
        .audit_reservations(Some(audit[0].order_id), 10)
        .await;
    assert_eq!(rest.unwrap(), audit[1..]);
}

pub(super) async fn orders_in_opposite_order_never_stand_in_each_other_s_way(room: Room) {
    let (tea, cup) = (room.tea(100).await, room.tea(100).await);
    let room = Arc::new(room);
    let buyers = (0..100).map(|n| {
        let room = Arc::clone(&room);
        let lines = if n % 2 == 0 {
            [(tea.id, 1), (cup.id, 1)]
        } else {
            [(cup.id, 1), (tea.id, 1)]
        };
        async move { room.reserve(vec![wish(OrderId::generate(), &lines)]).await }
    });
    for answers in futures_util::future::join_all(buyers).await {
        assert!(answers[0].is_ok());
    }
    assert_eq!(room.seen(tea.id).await.stock.available, 0);
}
