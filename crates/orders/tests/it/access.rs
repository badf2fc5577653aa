//! Who may do what: every route, for everybody.

use crate::shop::{
    Answer, Ask, CUP, Shop, TEA, admin, ann, bob, cup_merchant, tea, tea_merchant, with,
};
use axum::http::StatusCode;
use contracts::{
    access::{Principal, Role},
    values::OrderId,
};
use serde_json::json;
use std::collections::BTreeSet;

/// What an order must have gone through for a route to have something to do.
#[derive(Debug, Clone, Copy)]
enum Stage {
    Placed,
    Paid,
    Shipped,
}

/// A route, and the status it answers nobody, another customer, the buyer, another merchant, the merchant
/// who sells all of the order, and an admin with.
type Row = (&'static str, &'static str, Stage, [u16; 6]);

const TABLE: [Row; 10] = [
    (
        "post",
        "/api/v1/orders",
        Stage::Placed,
        [201, 201, 201, 201, 201, 201],
    ),
    (
        "get",
        "/api/v1/orders",
        Stage::Placed,
        [401, 200, 200, 200, 200, 200],
    ),
    (
        "get",
        "/api/v1/orders?customer_id=ANN",
        Stage::Placed,
        [401, 403, 200, 403, 403, 200],
    ),
    (
        "get",
        "/api/v1/orders/{id}",
        Stage::Placed,
        [401, 404, 200, 404, 200, 200],
    ),
    (
        "get",
        "/api/v1/orders/{id}/timeline",
        Stage::Placed,
        [401, 404, 200, 404, 200, 200],
    ),
    (
        "post",
        "/api/v1/orders/{id}/cancel",
        Stage::Placed,
        [401, 404, 200, 404, 403, 200],
    ),
    (
        "post",
        "/api/v1/orders/{id}/cancel",
        Stage::Paid,
        [401, 404, 200, 404, 403, 200],
    ),
    (
        "post",
        "/api/v1/orders/{id}/ship",
        Stage::Paid,
        [401, 404, 403, 404, 200, 200],
    ),
    (
        "post",
        "/api/v1/orders/{id}/deliver",
        Stage::Shipped,
        [401, 404, 403, 404, 200, 200],
    ),
    // Whether there is something to give back is for payments to say: these here never have anything.
    (
        "post",
        "/api/v1/orders/{id}/refund",
        Stage::Paid,
        [401, 403, 403, 403, 403, 404],
    ),
];

fn people() -> [Option<Principal>; 6] {
    [
        None,
        Some(bob()),
        Some(ann()),
        Some(cup_merchant()),
        Some(tea_merchant()),
        Some(admin()),
    ]
}

/// Asks a route about a fresh order of Ann's.
async fn ask(shop: &Shop, row: &Row, who: Option<&Principal>, key: &str) -> (OrderId, Answer) {
    let (method, path, stage, _) = row;
    let id = match stage {
        Stage::Placed => shop.placed(key, 1).await,
        Stage::Paid => shop.paid(key, 1).await,
        Stage::Shipped => shop.shipped(key, 1).await,
    };
    let path = path
        .replace("{id}", &id.to_string())
        .replace("ANN", &ann().user_id.to_string());
    let ask = match *method {
        "get" => Ask::get(&path),
        _ if path.ends_with("/orders") => {
            Ask::place(&with(tea(1), "email", json!("a@b.c"))).key(&format!("{key}-new"))
        }
        _ if path.ends_with("/refund") => Ask::post(&path, "{}").key(key),
        _ => Ask::post(&path, "{}"),
    };
    let ask = match who {
        Some(who) => ask.by(who),
        None => ask,
    };
    (id, shop.ask(ask).await)
}

#[tokio::test]
async fn everybody_gets_what_the_table_says_on_every_route() {
    let shop = Shop::open().await;
    shop.catalog.restock(TEA, 1_000);
    for (index, row) in TABLE.iter().enumerate() {
        for (column, who) in people().iter().enumerate() {
            let key = format!("k{index}-{column}");
            let (id, answer) = ask(&shop, row, who.as_ref(), &key).await;
            let (method, path, stage, expected) = row;
            let what = format!("{method} {path} of {stage:?} by {who:?}: {}", answer.said());
            assert_eq!(answer.status.as_u16(), expected[column], "{what}");
            if *method == "post" && answer.status.is_client_error() {
                let status = shop.seen(id).await["status"].clone();
                let before = format!("{stage:?}")
                    .to_lowercase()
                    .replace("placed", "pending");
                assert_eq!(status, before, "nothing moved: {what}");
            }
        }
    }
}

#[test]
fn the_table_leaves_no_route_out() {
    let api = serde_json::to_value(orders::api()).unwrap();
    let paths = api["paths"].as_object().unwrap().iter();
    // Who may do what with a cart is in `carts`.
    let paths = paths.filter(|(path, _)| path.starts_with("/api/v1/orders"));
    let documented: BTreeSet<(&str, &str)> = paths
        .flat_map(|(path, routes)| {
            let methods = routes.as_object().unwrap().keys();
            methods.map(|method| (method.as_str(), path.as_str()))
        })
        .collect();
    let known = TABLE
        .iter()
        .map(|(method, path, ..)| (*method, path.split('?').next().unwrap()));
    assert_eq!(documented, known.collect());
}

#[tokio::test]
async fn a_foreign_order_looks_like_none_at_all() {
    let shop = Shop::open().await;
    let (real, none) = (shop.placed("k1", 1).await, OrderId::generate());
    let told = async |id: OrderId, path: &str| {
        let ask = match path {
            "" | "/timeline" => Ask::get(&format!("/api/v1/orders/{id}{path}")),
            _ => Ask::post(&format!("/api/v1/orders/{id}{path}"), "{}"),
        };
        let answer = shop
            .ask(ask.by(&bob()).header("x-request-id", "same"))
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        let body = String::from_utf8(answer.bytes).unwrap();
        body.replace(&id.to_string(), "ID")
    };
    for path in ["", "/timeline", "/cancel", "/ship", "/deliver"] {
        assert_eq!(told(real, path).await, told(none, path).await, "{path}");
    }
}

#[tokio::test]
async fn a_merchant_who_sells_only_some_of_it_sees_nothing() {
    let shop = Shop::open().await;
    let wish = json!({"items": [
        {"product_id": TEA, "quantity": 1},
        {"product_id": CUP, "quantity": 1},
    ]});
    let id = shop
        .ask(Ask::place(&wish).key("k1").by(&ann()))
        .await
        .order_id();
    for who in [tea_merchant(), cup_merchant()] {
        assert_eq!(
            shop.ask(Ask::order(id).by(&who)).await.said(),
            "404 not_found"
        );
        let ship = shop.ask(Ask::step(id, "ship").by(&who)).await;
        assert_eq!(ship.said(), "404 not_found");
    }
}

#[tokio::test]
async fn a_seller_without_the_role_any_more_sees_nothing() {
    let shop = Shop::open().await;
    let id = shop.paid("k1", 1).await;
    let demoted = Principal {
        roles: vec![Role::Customer],
        ..tea_merchant()
    };
    assert_eq!(
        shop.ask(Ask::order(id).by(&demoted)).await.said(),
        "404 not_found"
    );
}

#[tokio::test]
async fn a_merchant_who_buys_of_their_own_may_do_what_buyers_and_sellers_may() {
    let shop = Shop::open().await;
    let who = tea_merchant();
    let wish = with(tea(1), "payment", json!({"method": "tok_ok"}));
    let mut ids = Vec::new();
    for key in ["k1", "k2"] {
        let placed = shop.ask(Ask::place(&wish).key(key).by(&who)).await;
        ids.push(placed.order_id());
    }
    for verb in ["ship", "deliver"] {
        let answer = shop.ask(Ask::step(ids[0], verb).by(&who)).await;
        assert_eq!(answer.said(), "200", "{verb}");
    }
    let cancelled = shop.ask(Ask::step(ids[1], "cancel").by(&who)).await;
    assert_eq!(cancelled.said(), "200");
}

#[tokio::test]
async fn a_malformed_id_is_told_apart_from_an_unknown_one() {
    let shop = Shop::open().await;
    for id in [
        "1",
        "ord_1",
        "prd_01h455vb4pex5vsknk084sn02q",
        "%27%20OR%201=1",
        "..",
        "%00",
        "%ff",
    ] {
        for ask in [
            Ask::get(&format!("/api/v1/orders/{id}")),
            Ask::get(&format!("/api/v1/orders/{id}/timeline")),
            Ask::post(&format!("/api/v1/orders/{id}/cancel"), "{}"),
        ] {
            let said = shop.ask(ask.by(&admin())).await.said();
            assert_eq!(said, "400 malformed", "{id}");
        }
    }
    let unknown = shop.ask(Ask::order(OrderId::generate()).by(&admin())).await;
    assert_eq!(unknown.said(), "404 not_found");
}
