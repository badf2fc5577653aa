//! Paying, cancelling and shipping one order at once: it ends as one of them. Never as two.

use crate::ground::Ground;
use futures_util::future::{join, join_all};
use serde_json::json;
use testkit::{Answer, Client};

/// Pays an order and calls it off at once; gives both answers.
async fn pay_and_cancel(buyer: &Client, number: usize, order: &str) -> (Answer, Answer) {
    let method = if number.is_multiple_of(3) {
        "tok_slow"
    } else {
        "tok_ok"
    };
    let (key, body) = (
        format!("p{number}"),
        json!({"order_id": order, "method": method}),
    );
    let path = format!("/api/v1/orders/{order}/cancel");
    let nothing = json!({});
    let pay = buyer.post_with_key("/api/v1/payments", &key, &body);
    let cancel = buyer.post(&path, &nothing);
    if number.is_multiple_of(2) {
        join(pay, cancel).await
    } else {
        let (cancelled, paid) = join(cancel, pay).await;
        (paid, cancelled)
    }
}

/// Waits for how it ended, and says whether the order was paid.
async fn ended_paid(buyer: &Client, order: &str, paid: &Answer, cancelled: &Answer) -> bool {
    let settled = |answer: &Answer| answer.str("/status") != "pending";
    let order = buyer
        .get_until(&format!("/api/v1/orders/{order}"), settled)
        .await;
    match order.str("/status") {
        "paid" => {
            assert_eq!(
                (paid.status, cancelled.status),
                (201, 409),
                "{}\n{}",
                paid.text,
                cancelled.text
            );
            let payment = buyer
                .get(&format!("/api/v1/payments/{}", paid.str("/id")))
                .await;
            assert_eq!(payment.str("/status"), "captured");
            true
        }
        "cancelled" => {
            assert_eq!(cancelled.status, 200, "{}", cancelled.text);
            if paid.status == 201 {
                let path = format!("/api/v1/payments/{}", paid.str("/id"));
                buyer
                    .get_until(&path, |payment| payment.str("/status") == "refunded")
                    .await;
            } else {
                assert_eq!(
                    (paid.status, paid.code()),
                    (409, "illegal_transition"),
                    "{}",
                    paid.text
                );
            }
            false
        }
        other => panic!("the order is {other}"),
    }
}

async fn an_order_paid_and_cancelled_at_once_ends_paid_or_with_the_money_back(mut shop: Ground) {
    let admin = shop.admin().await;
    let product = admin.sell("tea", 1_999, 100).await;
    let ann = shop.customer("ann").await;
    let keys: Vec<String> = (0..40).map(|number| format!("k{number}")).collect();
    let orders = join_all(keys.iter().map(|key| ann.order(key, &product, 1))).await;
    let ids: Vec<&str> = orders.iter().map(|order| order.str("/id")).collect();
    let races = ids
        .iter()
        .enumerate()
        .map(|(number, order)| pay_and_cancel(&ann, number, order));
    let answers = join_all(races).await;
    let mut sold = 0;
    for (order, (paid, cancelled)) in ids.iter().zip(&answers) {
        sold += i64::from(ended_paid(&ann, order, paid, cancelled).await);
    }
    let path = format!("/api/v1/products/{product}");
    let back = admin
        .get_until(&path, |product| {
            product.int("/stock/available") == 100 - sold
        })
        .await;
    assert_eq!(back.int("/stock/on_hand"), 100 - sold);
    shop.verify().await;
}

async fn second_admin(shop: &Ground, admin: &Client) -> Client {
    let bob = shop.customer("bob").await;
    let body = json!({"roles": ["customer", "admin"], "version": 1});
    let raised = admin
        .patch(&format!("/api/v1/users/{}", bob.user_id()), &body)
        .await;
    assert_eq!(raised.status, 200, "{}", raised.text);
    shop.sign_in("bob").await
}

async fn of_two_admins_who_ship_and_cancel_an_order_at_once_one_wins(mut shop: Ground) {
    let admin = shop.admin().await;
    let bob = second_admin(&shop, &admin).await;
    let product = admin.sell("tea", 1_999, 100).await;
    let ann = shop.customer("ann").await;
    let nothing = json!({});
    let mut shipped = 0;
    for number in 0..16 {
        let order = ann.buy(&format!("k{number}"), &product, 1, "tok_ok").await;
        let path = format!("/api/v1/orders/{}", order.str("/id"));
        let (ship, cancel) = (format!("{path}/ship"), format!("{path}/cancel"));
        let (ship, cancel) = if number % 2 == 0 {
            join(admin.post(&ship, &nothing), bob.post(&cancel, &nothing)).await
        } else {
            let (cancel, ship) =
                join(admin.post(&cancel, &nothing), bob.post(&ship, &nothing)).await;
            (ship, cancel)
        };
        let (won, lost) = if ship.status == 200 {
            (&ship, &cancel)
        } else {
            (&cancel, &ship)
        };
        assert_eq!(
            (won.status, lost.status),
            (200, 409),
            "{}\n{}",
            ship.text,
            cancel.text
        );
        assert_eq!(lost.code(), "illegal_transition");
        assert_eq!(ann.get(&path).await.str("/status"), won.str("/status"));
        shipped += i64::from(won.str("/status") == "shipped");
    }
    let path = format!("/api/v1/products/{product}");
    admin
        .get_until(&path, |product| {
            product.int("/stock/available") == 100 - shipped
        })
        .await;
    shop.verify().await;
}

on_both_grounds! {
    an_order_paid_and_cancelled_at_once_ends_paid_or_with_the_money_back,
    of_two_admins_who_ship_and_cancel_an_order_at_once_one_wins,
}
