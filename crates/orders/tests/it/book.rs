//! Addresses that customers keep, through the router: whoever was erased keeps none, even if their token outlives their
//! account for a moment.

use crate::shop::{Answer, Ask, Shop, ann, bob, stocked};
use contracts::{access::Principal, event::Event, identity::UserDeleted, values::EventId};
use futures_util::future::join_all;
use platform::db::Place;
use serde_json::json;
use std::sync::Arc;
use testkit::postgres::Postgres;

const HERE: &str = "/api/v1/me/addresses";

async fn keep(shop: &Shop, who: &Principal, street: &str) -> Answer {
    let body = json!({"name": "Ann Bell", "line1": street, "city": "London", "country": "GB"});
    shop.ask(Ask::post(HERE, body.to_string()).by(who)).await
}

async fn kept(shop: &Shop, who: &Principal) -> usize {
    let list = shop.ask(Ask::get(HERE).by(who)).await.json();
    list["data"].as_array().unwrap().len()
}

/// Identity tells that the account is gone.
async fn erase(shop: &Shop, who: &Principal) {
    let gone = UserDeleted {
        user_id: who.user_id,
    };
    let envelope = gone.envelope(EventId::generate(), shop.clock.now());
    let told = shop.opened.consumer();
    told.consume(&envelope.unwrap()).await.unwrap();
}

async fn whoever_was_erased_keeps_no_address(shop: &Shop) {
    for who in [ann(), bob()] {
        assert_eq!(keep(shop, &who, "1 Tea Lane").await.said(), "201");
    }
    let tries = (2..12).map(|number| async move {
        let street = format!("{number} Tea Lane");
        keep(shop, &ann(), &street).await.said()
    });
    let her = ann();
    let (said, ()) = tokio::join!(join_all(tries), erase(shop, &her));
    let fits = |said: &String| said == "201" || said == "401 invalid_token";
    assert!(said.iter().all(fits), "{said:?}");
    assert_eq!(kept(shop, &ann()).await, 0, "whoever came first");
    let late = keep(shop, &ann(), "12 Tea Lane").await;
    assert_eq!(late.said(), "401 invalid_token");
    assert_eq!(kept(shop, &ann()).await, 0);
    assert_eq!(kept(shop, &bob()).await, 1, "nobody else's");
}

#[tokio::test]
async fn whoever_was_erased_keeps_no_address_in_sqlite() {
    whoever_was_erased_keeps_no_address(&Shop::open().await).await;
}

#[tokio::test]
async fn whoever_was_erased_keeps_no_address_in_postgresql() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let place = Place::Postgres(server.place("orders"));
    let shop = Shop::node(place, &Arc::new(stocked())).await;
    whoever_was_erased_keeps_no_address(&shop).await;
}
