//! Mails to the owners of accounts: owed with what causes them, sent until they went.

use crate::shop::{Call, PASSWORD, Shop};
use serde_json::json;

async fn change_password(shop: &Shop, token: &str, current: &str, new: &str) {
    let body = json!({"current_password": current, "new_password": new});
    let call = Call::post("/api/v1/auth/password/change").bearer(token);
    let answer = shop.send(call.json(&body)).await;
    assert_eq!(answer.status, 204, "{:?}", answer.body);
}

#[tokio::test]
async fn the_owner_is_told_of_another_password() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await;
    change_password(&shop, &ann.access(), PASSWORD, "another horse").await;
    shop.start_work();
    let (_, to, text) = shop.mail().await;
    assert_eq!(to, "ann@example.com");
    assert!(text.starts_with("Your password was changed\n"), "{text}");
    assert!(text.contains("https://shop.test"), "{text}");
    assert!(!text.contains("horse"), "{text}");
}

#[tokio::test]
async fn a_mail_that_does_not_go_is_sent_again_later_and_in_the_end_given_up() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await;
    shop.refuse_mails(3);
    change_password(&shop, &ann.access(), PASSWORD, "another horse").await;
    shop.start_work();
    let (first, ..) = shop.mail().await;
    // Nothing is sent while the clock stands: each of these moves it past the wait, however late it is put off.
    for _ in 0..2 {
        let again = loop {
            shop.clock.advance_seconds(5);
            let next = tokio::time::timeout(std::time::Duration::from_millis(50), shop.mail());
            if let Ok((id, ..)) = next.await {
                break id;
            }
        };
        assert_eq!(again, first, "the same mail");
    }
    // Of two mails the one that was given up would be first.
    change_password(&shop, &ann.access(), "another horse", PASSWORD).await;
    shop.clock.advance_seconds(3_600);
    let (next, ..) = shop.mail().await;
    assert_ne!(next, first);
}
