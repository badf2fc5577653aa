//! What the orders of one database promise to several nodes: they meet there, and nowhere else.

use super::{
    at, by,
    carts::{filled, order_of_cart},
    discounts::{make, order_with, tenth},
    open_postgres, order, postgres_nodes,
};
use crate::{
    domain::{
        cart::Owner,
        order::{Happening, NewOrder},
    },
    store::{PlaceRefusal, Store},
};
use contracts::{
    orders::{NewDiscount, OrderError, OrderMove},
    values::{OrderId, PaymentId, UserId},
};
use futures_util::future::join_all;
use std::sync::Arc;
use testkit::postgres::Postgres;

type Node = Arc<dyn Store>;

/// Every node places all of these, in batches that begin elsewhere: answers by node, in the order of the batch.
async fn place_everywhere(nodes: &[Node], orders: &[NewOrder]) -> Vec<Vec<(i64, bool)>> {
    let placing = nodes.iter().zip(0..).map(|(node, turn)| async move {
        let mut batch = orders.to_vec();
        (0..turn).for_each(|_| batch.rotate_left(20));
        let mut placed: Vec<_> = node
            .place_all(batch)
            .await
            .unwrap()
            .into_iter()
            .map(|placed| placed.unwrap())
            .collect();
        placed.sort_unstable_by_key(|placed| placed.view.id);
        placed
            .iter()
            .map(|placed| (placed.view.number, placed.replayed))
            .collect()
    });
    join_all(placing).await
}

#[tokio::test]
async fn twins_on_three_nodes_are_one_order_each() {
    let Some(nodes) = postgres_nodes(3).await else {
        return;
    };
    for _ in 0..5 {
        let orders: Vec<NewOrder> = (0..60).map(|_| order()).collect();
        let answers = place_everywhere(&nodes, &orders).await;
        for index in 0..orders.len() {
            let numbers: Vec<i64> = answers.iter().map(|node| node[index].0).collect();
            assert!(
                numbers.iter().all(|number| *number == numbers[0]),
                "{numbers:?}"
            );
            let fresh = answers.iter().filter(|node| !node[index].1).count();
            assert_eq!(fresh, 1, "one of them wrote it");
        }
    }
    assert_eq!(nodes[0].audit(None, 1_000).await.unwrap().len(), 300);
    assert_eq!(nodes[0].audit_events().await.unwrap().events, 300);
}

#[tokio::test]
async fn an_id_is_either_written_or_given_up_never_both() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    for _ in 0..30 {
        let orders: Vec<NewOrder> = (0..8).map(|_| order()).collect();
        let ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
        let (placed, given_up) = tokio::join!(
            nodes[0].place_all(orders),
            nodes[1].give_up(ids.clone(), at(960))
        );
        let given_up = given_up.unwrap();
        for (id, placed) in ids.iter().zip(placed.unwrap()) {
            match placed {
                Ok(_) => assert!(!given_up.contains(id), "{id} was written and given up"),
                Err(refusal) => {
                    assert_eq!(refusal, PlaceRefusal::GivenUp);
                    assert!(given_up.contains(id));
                }
            }
        }
    }
}

#[tokio::test]
async fn of_two_nodes_that_move_the_same_orders_each_order_has_one_winner() {
    let Some(nodes) = postgres_nodes(2).await else {
        return;
    };
    let orders: Vec<NewOrder> = (0..40).map(|_| order()).collect();
    nodes[0].place_all(orders.clone()).await.unwrap();
    let begin = |order: &NewOrder| {
        let began = Happening::PaymentBegan(PaymentId::generate());
        (order.id, began, by("system"))
    };
    let forwards: Vec<_> = orders.iter().map(begin).collect();
    let backwards: Vec<_> = orders.iter().rev().map(begin).collect();
    let (one, other) = tokio::join!(
        nodes[0].happen_all(forwards, at(5)),
        nodes[1].happen_all(backwards, at(5))
    );
    let (one, mut other) = (one.unwrap(), other.unwrap());
    other.reverse();
    for (one, other) in one.iter().zip(&other) {
        assert_ne!(one.is_ok(), other.is_ok());
        let lost = [one, other]
            .into_iter()
            .find_map(|answer| answer.as_ref().err());
        assert!(matches!(lost, Some(OrderError::PaymentInProgress)));
    }
    let cancel = Happening::Moved(OrderMove::Cancel);
    let cancel = (orders[0].id, cancel, by("system"));
    let refused = nodes[1].happen_all(vec![cancel], at(6)).await.unwrap();
    assert!(matches!(refused[0], Err(OrderError::PaymentInProgress)));
}

#[tokio::test]
async fn nodes_that_start_at_once_share_one_token_secret() {
    let Some(nodes) = postgres_nodes(4).await else {
        return;
    };
    let secrets = join_all(nodes.iter().map(|node| node.token_secret())).await;
    let first = secrets[0].as_ref().unwrap();
    assert!(
        secrets
            .iter()
            .all(|secret| secret.as_ref().unwrap() == first)
    );
}

#[tokio::test]
async fn a_cart_that_three_nodes_buy_becomes_one_order() {
    let Some(nodes) = postgres_nodes(3).await else {
        return;
    };
    for _ in 0..10 {
        let cart = filled(&*nodes[0], Owner::User(UserId::generate())).await;
        let mine = order_of_cart(&cart);
        // Two nodes mean the same order, one means another.
        let wishes = [mine.clone(), mine, order_of_cart(&cart)];
        let placing = nodes
            .iter()
            .zip(wishes)
            .map(|(node, wish)| async move { node.place_all(vec![wish]).await.unwrap().remove(0) });
        let answers = join_all(placing).await;
        let fresh = answers
            .iter()
            .filter(|answer| answer.as_ref().is_ok_and(|placed| !placed.replayed));
        assert_eq!(fresh.count(), 1, "{answers:?}");
        let refused = |answer: &Result<_, _>| *answer == Err(PlaceRefusal::CartChanged);
        assert!(answers.iter().any(refused), "{answers:?}");
    }
    assert_eq!(nodes[0].audit(None, 100).await.unwrap().len(), 10);
}

#[tokio::test]
async fn three_nodes_give_no_more_than_a_discount_has() {
    let Some(nodes) = postgres_nodes(3).await else {
        return;
    };
    let limits = NewDiscount {
        uses_max: Some(50),
        customer_uses_max: Some(1),
        ..tenth("fifty")
    };
    let discount = make(&*nodes[0], limits).await;
    let placing = nodes.iter().map(|node| {
        // The same hundred customers everywhere.
        let batch: Vec<NewOrder> = (0..100).map(|n| order_with(&discount, n)).collect();
        async move { node.place_all(batch).await.unwrap() }
    });
    let answers: Vec<_> = join_all(placing).await.into_iter().flatten().collect();
    let given = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(given, 50);
    let kept = nodes[1].discount(discount.id).await.unwrap().unwrap();
    assert_eq!(kept.uses, Some(50));
}

/// What a node of the release before calls for an order of a guest: it knows no ids of requests (ADR 102).
fn placed_before(id: OrderId) -> String {
    let digits: Vec<String> = id
        .as_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let id = format!("ARRAY['{}'::uuid]", digits.concat());
    let (zeros, one) = ("00".repeat(32), "ARRAY[1::bigint]");
    format!(
        "SELECT place_orders_1({id}, ARRAY[NULL::uuid], ARRAY['guest@example.com'], ARRAY['\\x{zeros}'::bytea],
                               ARRAY[999::bigint], ARRAY['USD'], ARRAY[900000::bigint], {one}, ARRAY['guest'],
                               {one}, {one}, {id}, {id}, {id}, ARRAY['A'], ARRAY['A'], {one}, ARRAY[999::bigint],
                               ARRAY[gen_random_uuid()], ARRAY['orders.placed.v1'], ARRAY['an order'],
                               ARRAY['{{\"number\":0,\"rest\":1}}'])"
    )
}

#[tokio::test]
async fn a_node_of_the_release_before_places_beside_this_one_and_nothing_twice() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let node = open_postgres(&server.place("orders")).await;
    let (ours, theirs, nobodys) = (order(), order(), order());
    node.place_all(vec![ours.clone()]).await.unwrap();
    node.give_up(vec![nobodys.id], at(1)).await.unwrap();
    let database = node.database();
    let connection = database.read().await.unwrap();
    let mut numbers = Vec::new();
    for id in [ours.id, theirs.id, theirs.id, nobodys.id] {
        let row = connection.query_one(&placed_before(id), &[]).await.unwrap();
        numbers.extend(row.get::<_, Vec<Option<i64>>>(0));
    }
    let written: Vec<bool> = numbers.iter().map(Option::is_some).collect();
    assert_eq!(written, [false, true, false, false], "{numbers:?}");
    let again = node.place_all(vec![theirs.clone()]).await.unwrap();
    assert_eq!(again, [Err(PlaceRefusal::FingerprintDiffers)]);
    let told = node.timeline(theirs.id).await.unwrap();
    let told: Vec<_> = told.iter().map(|entry| &entry.request_id).collect();
    assert_eq!(told, [&None]);
    let count = "SELECT COUNT(*) FROM orders";
    let row = connection.query_one(count, &[]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 2);
}
