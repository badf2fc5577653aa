//! Two nodes, one database: whoever asks twice, of whichever node, has one order; whoever is second has lost.

use crate::{
    fakes::FakeCatalog,
    races::{at_once, count},
    shop::{Answer, Ask, Shop, TEA, admin, ann, person, stocked, tea},
};
use axum::http::StatusCode;
use contracts::access::Role;
use std::sync::Arc;
use testkit::postgres::Postgres;

/// Two nodes that share the orders and the stock.
async fn two_nodes() -> Option<[Shop; 2]> {
    let url = Postgres::shared()?.database();
    let catalog: Arc<FakeCatalog> = Arc::new(stocked());
    let node = async || {
        let place = Postgres::shared()?.place_at(url.clone(), "orders");
        let place = platform::db::Place::Postgres(place);
        Some(Shop::node(place, &catalog).await)
    };
    Some([node().await?, node().await?])
}

/// Sends to both nodes at once.
async fn to_both(nodes: &[Shop; 2], asks: [Vec<Ask>; 2]) -> Vec<Answer> {
    let [first, second] = asks;
    let (mut answers, others) = tokio::join!(at_once(&nodes[0], first), at_once(&nodes[1], second));
    answers.extend(others);
    answers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_twins_on_two_nodes_make_one_order() {
    let Some(nodes) = two_nodes().await else {
        return;
    };
    let twins = vec![Ask::place(&tea(2)).key("k1").by(&ann()); 50];
    let answers = to_both(&nodes, [twins.clone(), twins]).await;
    assert_eq!(count(&answers, StatusCode::CREATED), 100);
    let first = &answers[0].bytes;
    assert!(answers.iter().all(|answer| answer.bytes == *first));
    let fresh = answers.iter().filter(|answer| !answer.replayed()).count();
    assert_eq!(fresh, 1, "all but one are repetitions");
    for node in &nodes {
        assert_eq!(node.orders().await.len(), 1);
    }
    let (on_hand, reserved) = nodes[0].catalog.stock(TEA);
    assert_eq!(on_hand - reserved, 8, "taken once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_ship_and_cancel_on_two_nodes_exactly_one_wins() {
    let Some(nodes) = two_nodes().await else {
        return;
    };
    let other = person(31, Role::Admin);
    let mut sold = 0;
    for round in 0..10 {
        let id = nodes[0].paid(&format!("k{round}"), 1).await;
        let ship = vec![Ask::step(id, "ship").by(&admin())];
        let cancel = vec![Ask::step(id, "cancel").by(&other)];
        let answers = to_both(&nodes, [ship, cancel]).await;
        assert_eq!(count(&answers, StatusCode::OK), 1, "{answers:?}");
        assert_eq!(count(&answers, StatusCode::CONFLICT), 1);
        let order = nodes[1].seen(id).await;
        assert_eq!(order["version"], 3, "one move");
        sold += i64::from(order["status"] == "shipped");
    }
    assert_eq!(nodes[0].catalog.stock(TEA), (10 - sold, 0));
}
