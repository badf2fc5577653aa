//! Units that come back while the rest of their order stays sold: once, and never more than was sold.

use super::{NOW, Room, wish};
use contracts::{
    catalog::{GiveBack, GiveBackError, ReservationState, ReturnedItem, line_mark},
    values::{OrderId, ProductId, Quantity, RefundId},
};

impl Room {
    async fn sold(&self, lines: &[(ProductId, u32)]) -> OrderId {
        let order = OrderId::generate();
        self.reserve(vec![wish(order, lines)])
            .await
            .remove(0)
            .unwrap();
        self.resolve(order, ReservationState::Committed)
            .await
            .unwrap();
        order
    }

    async fn give_back(
        &self,
        order_id: OrderId,
        refund: u8,
        items: &[(ProductId, u32)],
    ) -> Result<(), GiveBackError> {
        let mut returned = Vec::new();
        for (product, units) in items {
            let variant = self.seen(*product).await.variants[0].id;
            returned.push(ReturnedItem {
                variant_id: variant,
                quantity: Quantity::try_from(*units).unwrap(),
            });
        }
        let wish = GiveBack {
            order_id,
            refund_id: RefundId::from_bytes([refund; 16]),
            items: returned,
            actor: "system".to_owned(),
        };
        let given = self.store.give_back_all(vec![wish], NOW).await.unwrap();
        given.answers.into_iter().next().unwrap()
    }

    async fn on_hand(&self, id: ProductId) -> i64 {
        self.seen(id).await.stock.on_hand
    }
}

pub(super) async fn units_come_back_once_for_each_refund(room: Room) {
    let (tea, cup) = (room.tea(10).await.id, room.tea(10).await.id);
    let order = room.sold(&[(tea, 3), (cup, 2), (tea, 1)]).await;
    for _ in 0..2 {
        room.give_back(order, 1, &[(tea, 3), (cup, 1)])
            .await
            .unwrap();
    }
    assert_eq!((room.on_hand(tea).await, room.on_hand(cup).await), (9, 9));
    room.give_back(order, 2, &[(tea, 1)]).await.unwrap();
    assert_eq!(room.on_hand(tea).await, 10);
    let all = room.store.audit_reservations(None, 9).await.unwrap();
    let mut back = all[0].back.clone().unwrap();
    back.sort_by_key(|one| one.refund_id);
    let mut mark = 0_u64;
    for (product, units) in [(tea, 3), (cup, 1)] {
        let variant = room.seen(product).await.variants[0].id;
        mark = mark.wrapping_add(line_mark(variant, 0, units));
    }
    assert_eq!((back[0].units, back[0].contents), (4, mark));
    assert_eq!((back[1].units, back.len()), (1, 2));
    room.assert_books_balance().await;
}

pub(super) async fn no_more_comes_back_than_was_sold_and_a_refusal_takes_nothing(room: Room) {
    let (tea, cup) = (room.tea(10).await.id, room.tea(10).await.id);
    let order = room.sold(&[(tea, 3), (cup, 1)]).await;
    room.give_back(order, 1, &[(tea, 2)]).await.unwrap();
    let many = room.give_back(order, 2, &[(cup, 1), (tea, 2)]).await;
    assert!(
        matches!(many, Err(GiveBackError::TooMany { left: 1, .. })),
        "{many:?}"
    );
    let other = room.tea(10).await.id;
    let foreign = room.give_back(order, 3, &[(other, 1)]).await;
    assert!(matches!(
        foreign,
        Err(GiveBackError::TooMany { left: 0, .. })
    ));
    assert_eq!((room.on_hand(tea).await, room.on_hand(cup).await), (9, 9));
    room.assert_books_balance().await;
}

pub(super) async fn an_order_that_comes_back_whole_brings_only_what_is_still_away(room: Room) {
    let tea = room.tea(10).await.id;
    let order = room.sold(&[(tea, 3)]).await;
    room.give_back(order, 1, &[(tea, 2)]).await.unwrap();
    room.resolve(order, ReservationState::Returned)
        .await
        .unwrap();
    assert_eq!(room.on_hand(tea).await, 10);
    room.give_back(order, 2, &[(tea, 1)]).await.unwrap();
    assert_eq!(room.on_hand(tea).await, 10, "nothing is left to take back");
    room.assert_books_balance().await;
}

pub(super) async fn nothing_comes_back_of_what_was_not_sold(room: Room) {
    let tea = room.tea(10).await.id;
    let order = OrderId::generate();
    let unknown = room.give_back(order, 1, &[(tea, 1)]).await;
    assert!(matches!(unknown, Err(GiveBackError::Unknown)));
    room.reserve(vec![wish(order, &[(tea, 1)])])
        .await
        .remove(0)
        .unwrap();
    for state in [ReservationState::Open, ReservationState::Released] {
        if state != ReservationState::Open {
            room.resolve(order, state).await.unwrap();
        }
        let refused = room.give_back(order, 1, &[(tea, 1)]).await;
        assert!(matches!(refused, Err(GiveBackError::NotSold(found)) if found == state));
    }
    assert_eq!(room.on_hand(tea).await, 10);
    room.assert_books_balance().await;
}
