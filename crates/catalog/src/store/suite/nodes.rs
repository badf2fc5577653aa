//! What the stock of one database promises to several nodes: they meet there, and nowhere else.

use super::{NOW, Room, draft, resolve, seller, wish};
use crate::store::NewRow;
use contracts::{
    catalog::{AdjustError, GiveBack, ReservationState, Reserve, ReserveError, ReturnedItem},
    values::{OrderId, ProductId, Quantity, RefundId, VariantId},
};
use futures_util::future::join_all;
use serde_json::json;

/// Every node does the same at once: answers by node.
async fn everywhere<T, F>(nodes: &[Room], act: impl Fn(usize, Room) -> F) -> Vec<T>
where
    F: Future<Output = T>,
{
    join_all(
        nodes
            .iter()
            .cloned()
            .enumerate()
            .map(|(turn, node)| act(turn, node)),
    )
    .await
}

fn is_short(answer: &Result<contracts::catalog::Reserved, ReserveError>) -> bool {
    matches!(answer, Err(ReserveError::InsufficientStock { .. }))
}

#[tokio::test]
async fn the_last_units_are_sold_once_whichever_node_is_asked() {
    let Some(nodes) = Room::nodes(3).await else {
        return;
    };
    for (stock, batch) in [(10, 1), (100, 40), (7, 40), (0, 40)] {
        let id = nodes[0].tea(stock).await.id;
        let buyers = nodes.iter().flat_map(|node| {
            (0..120 / batch).map(move |_| {
                let wishes = (0..batch).map(|_| wish(OrderId::generate(), &[(id, 1)]));
                node.reserve(wishes.collect())
            })
        });
        let answers: Vec<_> = join_all(buyers).await.into_iter().flatten().collect();
        assert_eq!(answers.len(), 360);
        let won = answers.iter().filter(|answer| answer.is_ok()).count();
        let lost = answers.iter().filter(|answer| is_short(answer)).count();
        assert_eq!((i64::try_from(won).unwrap(), lost), (stock, 360 - won));
        let left = nodes[1].seen(id).await.stock;
        assert_eq!((left.on_hand, left.reserved), (stock, stock));
    }
    nodes[0].assert_books_balance().await;
}

#[tokio::test]
async fn a_product_that_is_edited_all_the_time_is_sold_all_the_same() {
    let Some(nodes) = Room::nodes(2).await else {
        return;
    };
    let id = nodes[0].tea(1_000).await.id;
    let sold = async {
        for _ in 0..100 {
            let answers = everywhere(&nodes, |_, node| async move {
                node.reserve(vec![wish(OrderId::generate(), &[(id, 1)])])
                    .await
            });
            for answer in answers.await.into_iter().flatten() {
                assert_eq!(answer.unwrap().lines.len(), 1);
            }
        }
    };
    let edited = async {
        for price in 1_u32.. {
            nodes[1].patched(id, json!({"price": price})).await;
        }
    };
    tokio::select! {
        () = sold => {}
        () = edited => {}
    }
    assert_eq!(nodes[0].seen(id).await.stock.reserved, 200);
    nodes[0].assert_books_balance().await;
}

#[tokio::test]
async fn baskets_in_opposite_order_are_all_served() {
    let Some(nodes) = Room::nodes(2).await else {
        return;
    };
    let mut shelf: Vec<ProductId> = Vec::new();
    for _ in 0..6 {
        shelf.push(nodes[0].tea(600).await.id);
    }
    let answers = everywhere(&nodes, |turn, node| {
        let mut basket: Vec<_> = shelf.iter().map(|id| (*id, 1)).collect();
        if turn == 0 {
            basket.reverse();
        }
        async move {
            let batches = (0..30).map(|_| {
                let wishes = (0..10).map(|_| wish(OrderId::generate(), &basket));
                node.reserve(wishes.collect())
            });
            join_all(batches).await
        }
    });
    let answers = answers.await.into_iter().flatten().flatten();
    assert_eq!(answers.filter(Result::is_ok).count(), 600);
    for id in shelf {
        assert_eq!(nodes[0].seen(id).await.stock.available, 0);
    }
    nodes[0].assert_books_balance().await;
}

#[tokio::test]
async fn twins_on_three_nodes_take_once_and_hear_the_same() {
    let Some(nodes) = Room::nodes(3).await else {
        return;
    };
    // With plenty, with too little for all, and with just enough.
    for stock in [10_000, 25, 60] {
        let id = nodes[0].tea(stock).await.id;
        let wishes: Vec<Reserve> = (0..60)
            .map(|_| wish(OrderId::generate(), &[(id, 1)]))
            .collect();
        let answers = everywhere(&nodes, |turn, node| {
            let mut batch = wishes.clone();
            batch.rotate_left(turn * 20);
            async move {
                let mut answers = node.reserve(batch).await;
                answers.rotate_right(turn * 20);
                answers
            }
        });
        let answers = answers.await;
        let mut held = 0;
        for index in 0..wishes.len() {
            let served: Vec<_> = answers
                .iter()
                .map(|node| node[index].as_ref().ok())
                .collect();
            let first = served.iter().flatten().next();
            held += i64::from(first.is_some());
            assert!(served.iter().flatten().all(|one| Some(one) == first));
            // A twin may have come too late for units that were there for the other, never the other way round.
            assert!(
                answers
                    .iter()
                    .all(|node| node[index].is_ok() || is_short(&node[index]))
            );
        }
        assert_eq!(held, stock.min(60));
        assert_eq!(nodes[2].seen(id).await.stock.reserved, held);
        for (index, again) in nodes[1].reserve(wishes.clone()).await.iter().enumerate() {
            let served = answers.iter().any(|node| node[index].is_ok());
            assert_eq!(again.is_ok(), served, "what was told stays true");
        }
    }
    nodes[0].assert_books_balance().await;
}

#[tokio::test]
async fn a_twin_with_another_body_is_refused_on_any_node() {
    let Some(nodes) = Room::nodes(2).await else {
        return;
    };
    let id = nodes[0].tea(1_000).await.id;
    for _ in 0..20 {
        let order = OrderId::generate();
        let answers = everywhere(&nodes, |turn, node| async move {
            let mut wish = wish(order, &[(id, 1 + u32::try_from(turn).unwrap())]);
            wish.fingerprint = [u8::try_from(turn).unwrap(); 32];
            node.reserve(vec![wish]).await.remove(0)
        });
        let answers = answers.await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        let differs = |answer: &&Result<_, ReserveError>| {
            matches!(answer, Err(ReserveError::FingerprintDiffers))
        };
        assert_eq!(answers.iter().filter(differs).count(), 1);
    }
    nodes[0].assert_books_balance().await;
}

#[tokio::test]
async fn a_reservation_is_paid_or_expires_never_both() {
    let Some(nodes) = Room::nodes(2).await else {
        return;
    };
    let id = nodes[0].tea(200).await.id;
    let orders: Vec<OrderId> = (0..100).map(|_| OrderId::generate()).collect();
    let wishes = orders.iter().map(|order| wish(*order, &[(id, 2)]));
    nodes[0].reserve(wishes.collect()).await;
    let answers = everywhere(&nodes, |turn, node| {
        let to = [ReservationState::Committed, ReservationState::Expired][turn];
        let mut orders = orders.clone();
        if turn == 1 {
            orders.reverse();
        }
        async move {
            let (mut ends, mut answers) = (orders.chunks(10), Vec::new());
            for chunk in ends.by_ref() {
                let batch = chunk.iter().map(|order| resolve(*order, to)).collect();
                answers.extend(node.store.resolve_all(batch, NOW).await.unwrap().answers);
            }
            if turn == 1 {
                answers.reverse();
            }
            answers
        }
    });
    let answers = answers.await;
    let mut paid = 0;
    for (paying, expiring) in answers[0].iter().zip(&answers[1]) {
        assert_ne!(paying.is_ok(), expiring.is_ok());
        paid += i64::from(paying.is_ok());
    }
    let stock = nodes[0].seen(id).await.stock;
    assert_eq!((stock.on_hand, stock.reserved), (200 - 2 * paid, 0));
    nodes[1].assert_books_balance().await;
}

#[tokio::test]
async fn what_is_promised_is_not_taken_off_the_shelf() {
    let Some(nodes) = Room::nodes(2).await else {
        return;
    };
    for _ in 0..20 {
        let tea = nodes[0].tea(10).await;
        let change = json!([{"sku": tea.sku, "delta": -6, "reason": "broken"}]);
        let wishes: Vec<Reserve> = (0..6)
            .map(|_| wish(OrderId::generate(), &[(tea.id, 1)]))
            .collect();
        let (adjusted, reserved) = tokio::join!(nodes[0].adjust(change), nodes[1].reserve(wishes));
        let held = reserved.iter().filter(|answer| answer.is_ok()).count();
        match adjusted {
            Ok(_) => assert_eq!(held, 4, "as many as were left"),
            Err(AdjustError::InsufficientStock { .. }) => assert_eq!(held, 6),
            Err(other) => panic!("{other:?}"),
        }
    }
    nodes[0].assert_books_balance().await;
}

#[tokio::test]
async fn a_refund_brings_its_units_back_once_whichever_node_hears_of_it() {
    let Some(nodes) = Room::nodes(3).await else {
        return;
    };
    let tea = nodes[0].tea(50).await;
    let variant_id: VariantId = tea.variants[0].id;
    for byte in 0..10 {
        let order_id = OrderId::generate();
        nodes[0].reserve(vec![wish(order_id, &[(tea.id, 5)])]).await;
        nodes[0]
            .resolve(order_id, ReservationState::Committed)
            .await
            .unwrap();
        let back = |refund: u8| GiveBack {
            order_id,
            refund_id: RefundId::from_bytes([refund; 16]),
            items: vec![ReturnedItem {
                variant_id,
                quantity: Quantity::try_from(2).unwrap(),
            }],
            actor: "system".to_owned(),
        };
        let answers = everywhere(&nodes, |turn, node| {
            // The same refund on two nodes, and another one on the third.
            let wish = back(2 * byte + u8::from(turn == 2));
            async move {
                let given = node.store.give_back_all(vec![wish], NOW).await;
                given.unwrap().answers
            }
        });
        assert!(answers.await.iter().flatten().all(Result::is_ok));
        let late = nodes[1]
            .store
            .give_back_all(vec![back(100 + byte)], NOW)
            .await;
        assert!(
            late.unwrap().answers[0].is_err(),
            "only one unit is still away"
        );
    }
    assert_eq!(nodes[0].seen(tea.id).await.stock.on_hand, 40);
    nodes[0].assert_books_balance().await;
}

#[tokio::test]
async fn products_of_one_name_get_a_slug_each_on_any_node() {
    let Some(nodes) = Room::nodes(3).await else {
        return;
    };
    let made = everywhere(&nodes, |_, node| async move {
        let mut slugs = Vec::new();
        for _ in 0..6 {
            let row = NewRow {
                product_id: ProductId::generate(),
                variant_id: VariantId::generate(),
                owner_id: seller(),
                draft: draft(&json!({"name": "Tea", "price": 1, "category": "Drinks"})),
                at: NOW,
            };
            slugs.push(node.store.create(row, None).await.unwrap().value.slug);
        }
        slugs
    });
    let slugs: std::collections::HashSet<String> = made.await.into_iter().flatten().collect();
    assert_eq!(slugs.len(), 18);
    assert_eq!(nodes[0].store.categories().await.unwrap().len(), 1);
}

#[tokio::test]
async fn one_import_on_two_nodes_makes_each_product_once() {
    let Some(nodes) = Room::nodes(2).await else {
        return;
    };
    let lines: Vec<_> = (0..40)
        .map(|n| super::products::line(&format!("S{n}"), &["House", "Lamps"]))
        .collect();
    let told = everywhere(&nodes, |turn, node| {
        let mut lines = lines.clone();
        lines.rotate_left(turn * 20);
        async move { node.import(lines, true).await }
    });
    let created =
        |outcome: &&Result<_, String>| **outcome == Ok(contracts::catalog::ImportOutcome::Created);
    let told = told.await;
    assert_eq!(told.iter().flatten().filter(created).count(), 40);
    assert_eq!(nodes[1].store.categories().await.unwrap().len(), 2);
    nodes[0].assert_books_balance().await;
}
