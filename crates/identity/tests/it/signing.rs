//! The keys that sign tokens take turns, beside other processes on the same files, and nobody who is signed in notices
//! but where all earlier keys end at once.

use crate::shop::{Call, PASSWORD, Shop};
use jsonwebtoken::decode_header;
use std::time::Duration;

/// The name of the key that signed it.
fn signer(token: &str) -> String {
    decode_header(token).unwrap().kid.unwrap()
}

/// The names of the keys that are published.
async fn published(shop: &Shop) -> Vec<String> {
    let keys = shop.send(Call::get("/.well-known/jwks.json")).await.body;
    let keys = keys["keys"].as_array().unwrap().iter();
    keys.map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

async fn until_published(shop: &Shop, kids: &[&str]) {
    let waiting = async {
        while published(shop).await != kids {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(waited.is_ok(), "{:?}", published(shop).await);
}

#[tokio::test]
async fn a_new_key_is_known_to_every_process_before_it_signs_and_earlier_tokens_stay_good() {
    let shop = Shop::start().await;
    let other = shop.beside().await;
    shop.start_work();
    let before = shop.register("ann").await.access();
    let old = signer(&before);
    let made = other.service.rotate_signing_key(false).await.unwrap();
    until_published(&shop, &[&made.kid, &old]).await;

    let early = other.login("ann", PASSWORD).await.access();
    assert_eq!(signer(&early), old, "it is not due yet");
    shop.clock.advance_seconds(301);
    for process in [&shop, &other] {
        let token = process.login("ann", PASSWORD).await.access();
        assert_eq!(signer(&token), made.kid);
        for token in [&before, &early, &token] {
            assert!(shop.takes(token) && other.takes(token));
        }
    }
    // An hour later no token of the old one can be left, and it is forgotten.
    shop.clock.advance_seconds(3_700);
    until_published(&shop, &[&made.kid]).await;
}

#[tokio::test]
async fn when_keys_end_at_once_no_token_of_theirs_is_good_and_sessions_go_on() {
    let shop = Shop::start().await;
    let other = shop.beside().await;
    shop.start_work();
    let before = shop.register("ann").await;
    assert!(shop.takes(&before.access()), "it is remembered now");
    let made = other.service.rotate_signing_key(true).await.unwrap();
    assert!(!other.takes(&before.access()));
    until_published(&shop, &[&made.kid]).await;
    assert!(!shop.takes(&before.access()), "remembered or not");
    let after = shop.refresh(&before.refresh()).await.access();
    assert_eq!(signer(&after), made.kid);
    assert!(shop.takes(&after) && other.takes(&after));
    let listed = shop.service.signing_keys().await.unwrap();
    assert_eq!(listed, [made]);
}
