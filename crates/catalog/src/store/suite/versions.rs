//! The versions of products, and what reservations were priced at: what an audit finds in them.

use super::{NOW, Room, seller, shop, wish};
use crate::{
    domain::{
        change::{Change, Patch},
        lineup::{Altered, LineupChange},
        scope::Scope,
    },
    store::{Edit, LineupEdit},
};
use contracts::{
    catalog::{EditError, ImportProduct, ProductAudit, ReservationAudit, ReservationState},
    request::Precondition,
    values::{Money, OrderId, ProductId, Timestamp, UserId},
};
use serde_json::{Value, json};

impl Room {
    async fn priced(&self, id: ProductId, price: &str, at: Timestamp) {
        let patch = serde_json::from_str(&json!({ "price": price }).to_string()).unwrap();
        let edit = Edit {
            product_id: id,
            scope: Scope::Of(seller()),
            sent: Precondition::LastWriterWins,
            change: Change::Patch(Box::new(Patch::check(patch, shop()).unwrap())),
            by: seller(),
            at,
        };
        self.store.edit(edit).await.unwrap();
    }

    async fn reserved(&self, id: ProductId, at: Timestamp) -> OrderId {
        let order = OrderId::generate();
        let answers = self
            .store
            .reserve_all(vec![wish(order, &[(id, 1)])], at)
            .await;
        answers.unwrap().remove(0).unwrap();
        order
    }

    async fn products_audited(&self) -> Vec<ProductAudit> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = self.store.audit_products(after, 2).await.unwrap();
            let Some(last) = page.last() else { return all };
            after = Some(last.variant_id);
            all.extend(page);
        }
    }

    async fn reservation_audited(&self, order: OrderId) -> ReservationAudit {
        let all = self.store.audit_reservations(None, 100).await.unwrap();
        all.into_iter().find(|row| row.order_id == order).unwrap()
    }
}

pub(super) async fn every_version_is_kept_whoever_made_it(room: Room) {
    let tea = room.tea(5).await.id;
    room.tea(5).await;
    room.tea(5).await;
    room.priced(tea, "3.00", NOW).await;
    room.patched(tea, json!({"name": "Green tea"})).await;
    room.patched(tea, json!({"status": "archived"})).await;
    let all = room.products_audited().await;
    assert_eq!(all.len(), 3);
    for row in all {
        let versions = if row.product_id == tea { 4 } else { 1 };
        assert_eq!(
            (row.version.get(), row.first, row.last, row.known),
            (versions, 1, versions, versions)
        );
        assert!(row.is_current && !row.opened_late, "{row:?}");
    }
}

/// Prices in dollars with who made them, the newest first.
async fn told(room: &Room, id: ProductId) -> Vec<(i64, Option<UserId>)> {
    let prices = room.store.prices(id, None, 100).await.unwrap();
    prices
        .into_iter()
        .map(|one| (one.price.minor, one.actor))
        .collect()
}

pub(super) async fn who_made_a_version_is_kept_with_it_and_nobody_is_named_for_another(room: Room) {
    let [ann, bob, eve] = [1, 2, 3].map(|byte| UserId::from_bytes([byte; 16]));
    let patched = async |id: ProductId, by: UserId, body: Value| {
        let patch = serde_json::from_str(&body.to_string()).unwrap();
        let edit = Edit {
            product_id: id,
            scope: Scope::All,
            sent: Precondition::LastWriterWins,
            change: Change::Patch(Box::new(Patch::check(patch, shop()).unwrap())),
            by,
            at: NOW,
        };
        room.store.edit(edit).await
    };
    let pot = room
        .product(json!({"name": "Pot", "sku": "pot", "price": "2.00"}))
        .await;
    patched(pot.id, ann, json!({"price": "3.00"}))
        .await
        .unwrap();
    // Another text by somebody else is no other price, and takes nothing over.
    patched(pot.id, bob, json!({"name": "Large pot"}))
        .await
        .unwrap();
    room.product(json!({"name": "Pan", "price": 1, "slug": "pan"}))
        .await;
    let refused = patched(pot.id, eve, json!({"price": "9.00", "slug": "pan"}));
    assert!(matches!(refused.await, Err(EditError::SlugTaken)));
    // An import says nobody, whoever wrote last.
    let line = ImportProduct {
        price: Money::new(400, shop()),
        ..super::products::line("pot", &[])
    };
    assert!(room.import(vec![line], true).await[0].is_ok());
    assert_eq!(
        told(&room, pot.id).await,
        [(400, None), (300, Some(ann)), (200, Some(seller()))]
    );
    room.priced(pot.id, "5.00", NOW).await;
    let altered = json!({"price": "6.00"}).to_string();
    let altered = Altered::check(serde_json::from_str(&altered).unwrap(), shop()).unwrap();
    let edit = LineupEdit {
        product_id: pot.id,
        scope: Scope::All,
        sent: Precondition::LastWriterWins,
        change: LineupChange::Edit(pot.variants[0].id, altered),
        by: bob,
        at: NOW,
        request: None,
    };
    room.store.change_lineup(edit).await.unwrap();
    assert_eq!(
        told(&room, pot.id).await[..3],
        [(600, Some(bob)), (500, Some(seller())), (400, None)]
    );
}

pub(super) async fn a_reservation_is_known_by_a_price_that_the_product_had_then(room: Room) {
    let tea = room.tea(5).await.id;
    let before = room.reserved(tea, NOW.plus_seconds(10)).await;
    room.priced(tea, "3.00", NOW.plus_seconds(3_600)).await;
    let after = room.reserved(tea, NOW.plus_seconds(3_601)).await;
    // As if the new price had been taken an hour before it was there, and the old one an hour after it had gone.
    let early = room.reserved(tea, NOW.plus_seconds(60)).await;
    room.priced(tea, "2.50", NOW.plus_seconds(7_200)).await;
    let late = room.reserved(tea, NOW.plus_seconds(5_000)).await;
    for (order, expected) in [(before, true), (after, true), (early, false), (late, false)] {
        let row = room.reservation_audited(order).await;
        assert_eq!(row.prices_known, expected, "{row:?}");
    }
}

pub(super) async fn what_is_reserved_has_one_mark_and_ends_once(room: Room) {
    let (tea, cup) = (room.tea(9).await.id, room.tea(9).await.id);
    let orders = [OrderId::generate(), OrderId::generate()];
    let lines: [&[(ProductId, u32)]; 2] = [&[(tea, 1), (cup, 2), (tea, 2)], &[(cup, 2), (tea, 3)]];
    for (order, lines) in orders.into_iter().zip(lines) {
        room.reserve(vec![wish(order, lines)])
            .await
            .remove(0)
            .unwrap();
    }
    let [one, other] = [
        room.reservation_audited(orders[0]).await,
        room.reservation_audited(orders[1]).await,
    ];
    assert_eq!(
        one.contents, other.contents,
        "the same things in another order"
    );
    assert_ne!(one.contents, 0);
    for state in [ReservationState::Committed, ReservationState::Returned] {
        room.resolve(orders[0], state).await.unwrap();
        let row = room.reservation_audited(orders[0]).await;
        assert!(row.ended_once && row.state == state, "{row:?}");
    }
}
