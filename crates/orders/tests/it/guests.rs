//! Orders of guests become theirs whose the address is, once that is certain.

use crate::shop::{Ask, Shop, ann, bob, tea, with};
use async_trait::async_trait;
use axum::http::StatusCode;
use contracts::{
    BoxError,
    event::Event,
    identity::{Addresses, EmailVerified},
    values::{Email, EventId, UserId},
};
use serde_json::json;
use std::sync::Arc;

/// Knows Ann's address.
struct Book;

#[async_trait]
impl Addresses for Book {
    async fn verified_address(&self, id: UserId) -> Result<Option<Email>, BoxError> {
        let address = (id == ann().user_id).then_some("ann@example.com");
        Ok(address.and_then(|text| Email::parse(text).ok()))
    }

    async fn owner(&self, email: &Email) -> Result<Option<UserId>, BoxError> {
        Ok((email.key() == "ann@example.com").then(|| ann().user_id))
    }

    async fn address(&self, id: UserId) -> Result<Option<Email>, BoxError> {
        self.verified_address(id).await
    }
}

impl Shop {
    async fn hears_verified(&self, user_id: UserId) -> Result<(), BoxError> {
        let event = EmailVerified { user_id };
        let envelope = event.envelope(EventId::generate(), self.clock.now())?;
        let consumer = self.opened.consumer();
        assert!(consumer.wants().contains(&envelope.name.as_str()));
        consumer.consume(&envelope).await
    }
}

#[tokio::test]
async fn what_a_guest_bought_is_in_the_account_when_the_address_is_theirs_for_sure() {
    let shop = Shop::open().await;
    let guest = async |key: &str, email: &str| {
        let body = with(tea(1), "email", json!(email));
        let placed = shop.ask(Ask::place(&body).key(key)).await;
        assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
        placed
    };
    let first = guest("k1", "Ann@Example.com").await;
    guest("k2", "ann@example.com").await;
    guest("k1", "eve@example.com").await;
    let of_ann = async || {
        let list = shop.ask(Ask::get("/api/v1/orders").by(&ann())).await.json();
        list["data"].as_array().map_or(0, Vec::len)
    };
    let early = shop.hears_verified(ann().user_id).await;
    assert!(
        early.is_err(),
        "it comes again when somebody knows addresses"
    );
    shop.opened.introduce(Arc::new(Book));
    shop.hears_verified(bob().user_id).await.unwrap();
    assert_eq!(of_ann().await, 0);
    for _ in 0..2 {
        shop.hears_verified(ann().user_id).await.unwrap();
        assert_eq!(of_ann().await, 2);
    }
    let seen = shop.ask(Ask::order(first.order_id()).by(&ann())).await;
    assert_eq!(seen.status, StatusCode::OK);
    let hidden = shop.ask(Ask::order(first.order_id()).by(&bob())).await;
    assert_eq!(hidden.said(), "404 not_found");
}
