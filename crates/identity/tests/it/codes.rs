//! The codes of a second factor, and the challenge that they answer: good once, for a while, for one account.

use crate::{
    people::{
        CHANGE, FACTOR, NEW, answer, challenge, counts, person, send, shown_now, sign_in, state,
        subjects, wrong_now,
    },
    shop::{Call, PASSWORD, Shop},
};
use futures_util::future::join_all;
use serde_json::json;

#[tokio::test]
async fn a_code_is_good_once_and_for_a_step_either_way() {
    let shop = Shop::start().await;
    let ann = person(&shop, "ann").await;
    let now = shop.clock.now().as_ms();
    let steps = |steps: i64| ann.app.at(now + steps * 30_000);
    for far in [2, 3, -3, 100] {
        let refused = sign_in(&shop, "ann", &steps(far)).await;
        assert_eq!(refused.short(), "401 invalid_code", "{far} steps");
    }
    shop.clock.advance_seconds(60);
    for (steps_away, expected) in [(1, "200"), (1, "401 invalid_code"), (3, "200")] {
        let heard = sign_in(&shop, "ann", &steps(steps_away)).await;
        assert_eq!(heard.short(), expected, "{steps_away} steps");
    }
    let between = sign_in(&shop, "ann", &steps(2)).await;
    assert_eq!(between.short(), "401 invalid_code", "one after it was used");
    shop.clock.advance_seconds(-3_600);
    let back = shown_now(&shop, &ann.app);
    let refused = sign_in(&shop, "ann", &back).await;
    assert_eq!(
        refused.short(),
        "401 invalid_code",
        "a clock that was set back"
    );
    let recovered = sign_in(&shop, "ann", &ann.codes[0]).await;
    assert_eq!(recovered.status, 200, "locks nobody out");
}

#[tokio::test]
async fn a_recovery_code_opens_the_account_once_and_its_owner_is_told() {
    let shop = Shop::start().await;
    let ann = person(&shop, "ann").await;
    let bob = person(&shop, "bob").await;
    let foreign = sign_in(&shop, "ann", &bob.codes[0]).await;
    assert_eq!(foreign.short(), "401 invalid_code");
    let typed = ann.codes[3].to_lowercase().replace('-', " ");
    assert_eq!(sign_in(&shop, "ann", &typed).await.status, 200);
    let again = sign_in(&shop, "ann", &ann.codes[3]).await;
    assert_eq!(again.short(), "401 invalid_code");
    assert_eq!(state(&shop, &ann.token()).await, (true, 9));
    assert_eq!(state(&shop, &bob.token()).await, (true, 10));
    let told = subjects(&shop, 3).await;
    assert!(told.contains(&"ann@example.com A recovery code was used".to_owned()));
}

#[tokio::test]
async fn a_challenge_that_is_over_forged_or_for_another_opens_nothing() {
    let shop = Shop::start().await;
    let ann = person(&shop, "ann").await;
    let bob = person(&shop, "bob").await;
    let held = challenge(&shop, "ann", PASSWORD).await;
    let bobs = challenge(&shop, "bob", PASSWORD).await;
    let code = shown_now(&shop, &ann.app);
    let swapped = format!("{}{}", &held[..22], &bobs[22..]);
    let later = format!("{}zzzz{}", &held[..22], &held[26..]);
    for forged in ["", "x", &held[1..], &swapped, &later, &"A".repeat(75)] {
        let refused = answer(&shop, forged, &code).await;
        assert_eq!(refused.short(), "401 invalid_challenge", "{forged}");
    }
    let theirs = answer(&shop, &bobs, &code).await;
    assert_eq!(
        theirs.short(),
        "401 invalid_code",
        "the code of another account"
    );
    shop.clock.advance_seconds(299);
    let code = shown_now(&shop, &ann.app);
    shop.clock.advance_seconds(1);
    let over = answer(&shop, &held, &code).await;
    assert_eq!(over.short(), "401 invalid_challenge");
    let opened = sign_in(&shop, "ann", &shown_now(&shop, &ann.app)).await;
    assert_eq!(opened.status, 200, "the codes were not used up");
    assert_eq!(
        sign_in(&shop, "bob", &shown_now(&shop, &bob.app))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_challenge_ends_with_the_password_the_sessions_and_the_factor_it_was_made_for() {
    let shop = Shop::start().await;
    let ann = person(&shop, "ann").await;
    let held = challenge(&shop, "ann", PASSWORD).await;
    let body = json!({"current_password": PASSWORD, "new_password": NEW, "code": ann.codes[0]});
    let changed = send(&shop, "POST", CHANGE, &ann.token(), body).await;
    assert_eq!(changed.status, 204, "{:?}", changed.body);
    let refused = answer(&shop, &held, &ann.codes[1]).await;
    assert_eq!(refused.short(), "401 invalid_challenge", "another password");
    let held = challenge(&shop, "ann", NEW).await;
    let everywhere = Call::delete("/api/v1/me/sessions").bearer(&ann.token());
    assert_eq!(shop.send(everywhere).await.status, 204);
    let refused = answer(&shop, &held, &ann.codes[1]).await;
    assert_eq!(
        refused.short(),
        "401 invalid_challenge",
        "logged out everywhere"
    );
    let held = challenge(&shop, "ann", NEW).await;
    let here = answer(&shop, &held, &ann.codes[1]).await.access();
    let off = json!({"password": NEW, "code": ann.codes[2]});
    assert_eq!(send(&shop, "DELETE", FACTOR, &here, off).await.status, 204);
    let refused = answer(&shop, &held, &ann.codes[3]).await;
    assert_eq!(
        refused.short(),
        "401 invalid_challenge",
        "no factor any more"
    );
}

#[tokio::test]
async fn wrong_codes_have_to_wait_and_a_right_password_does_not_forgive_them() {
    let shop = Shop::start().await;
    let ann = person(&shop, "ann").await;
    let wrong = wrong_now(&shop, &ann.app);
    for _ in 0..9 {
        // Each with the right password before it.
        assert_eq!(
            sign_in(&shop, "ann", &wrong).await.short(),
            "401 invalid_code"
        );
    }
    let held = challenge(&shop, "ann", PASSWORD).await;
    assert_eq!(
        answer(&shop, &held, "what?").await.short(),
        "401 invalid_code"
    );
    let right = shown_now(&shop, &ann.app);
    let waits = answer(&shop, &held, &right).await;
    assert_eq!(waits.short(), "429 rate_limited", "the right one waits too");
    assert_eq!(waits.headers["retry-after"], "2");
    let password = shop.login("ann", PASSWORD).await;
    assert_eq!(password.short(), "429 rate_limited", "one count");
    shop.clock.advance_seconds(2);
    assert_eq!(
        answer(&shop, &held, &right).await.status,
        200,
        "never for good"
    );
    assert_eq!(
        sign_in(&shop, "ann", &wrong).await.short(),
        "401 invalid_code",
        "and all is forgotten"
    );
}

#[tokio::test]
async fn a_code_is_good_at_home_while_others_guess_the_password_elsewhere() {
    let shop = Shop::start().await;
    let ann = person(&shop, "ann").await;
    let guess = json!({"email": "ann@example.com", "password": "wrong horse"});
    for _ in 0..11 {
        let call = Call::post("/api/v1/auth/login").from("203.0.113.9");
        let refused = shop.send(call.json(&guess)).await;
        assert!(matches!(refused.status.as_u16(), 401 | 429), "{refused:?}");
    }
    let right = shown_now(&shop, &ann.app);
    assert_eq!(sign_in(&shop, "ann", &right).await.status, 200);
}

#[tokio::test]
async fn however_many_codes_come_at_once_each_is_counted_before_the_next() {
    let shop = Shop::start().await;
    let ann = person(&shop, "ann").await;
    let held = challenge(&shop, "ann", PASSWORD).await;
    let wrong = wrong_now(&shop, &ann.app);
    let answers = join_all((0..64).map(|_| answer(&shop, &held, &wrong))).await;
    let counts = counts(&answers);
    assert_eq!(counts["401 invalid_code"], 10);
    assert_eq!(counts["429 rate_limited"], 54);
}

#[tokio::test]
async fn of_many_uses_of_one_code_at_once_one_opens_a_session() {
    let shop = Shop::start_with(json!({"login_failures_max": 1_000})).await;
    let ann = person(&shop, "ann").await;
    let held = challenge(&shop, "ann", PASSWORD).await;
    for code in [&shown_now(&shop, &ann.app), &ann.codes[0]] {
        let answers = join_all((0..64).map(|_| answer(&shop, &held, code))).await;
        let counts = counts(&answers);
        assert_eq!((counts["200"], counts["401 invalid_code"]), (1, 63));
    }
    let list = shop.send(Call::get("/api/v1/me/sessions").bearer(&ann.token()));
    assert_eq!(list.await.body["data"].as_array().unwrap().len(), 3);
    assert_eq!(state(&shop, &ann.token()).await, (true, 9));
}
