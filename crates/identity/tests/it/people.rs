//! Somebody whose second factor is on, and what they do with it. The app is the one on their telephone: it knows the
//! secret and the shop's clock.

use crate::shop::{Answer, Call, PASSWORD, Shop};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::App;

pub(crate) const FACTOR: &str = "/api/v1/me/second-factor";
pub(crate) const CODES: &str = "/api/v1/me/second-factor/recovery-codes";
pub(crate) const ANSWER: &str = "/api/v1/auth/login/second-factor";
pub(crate) const CHANGE: &str = "/api/v1/auth/password/change";
pub(crate) const NEW: &str = "another horse";

/// Somebody whose second factor is on.
pub(crate) struct Person {
    pub(crate) app: App,
    pub(crate) secret: String,
    /// The session that turned it on.
    pub(crate) signed_in: Answer,
    pub(crate) codes: Vec<String>,
}

impl Person {
    pub(crate) fn token(&self) -> String {
        self.signed_in.access()
    }
}

pub(crate) async fn send(
    shop: &Shop,
    method: &str,
    path: &str,
    token: &str,
    body: Value,
) -> Answer {
    let call = Call::new(method.parse().unwrap(), path).bearer(token);
    shop.send(call.json(&body)).await
}

pub(crate) fn shown_now(shop: &Shop, app: &App) -> String {
    app.at(shop.clock.now().as_ms())
}

/// A wrong code, whatever the secret is.
pub(crate) fn wrong_now(shop: &Shop, app: &App) -> String {
    app.never_at(shop.clock.now().as_ms())
}

pub(crate) async fn begin(shop: &Shop, token: &str) -> Answer {
    send(shop, "POST", FACTOR, token, json!({"password": PASSWORD})).await
}

pub(crate) async fn confirm(shop: &Shop, token: &str, code: &str) -> Answer {
    let path = "/api/v1/me/second-factor/confirm";
    send(shop, "POST", path, token, json!({"code": code})).await
}

pub(crate) fn codes_in(answer: &Answer) -> Vec<String> {
    let codes = answer.body["recovery_codes"].as_array().unwrap().iter();
    codes
        .map(|code| code.as_str().unwrap().to_owned())
        .collect()
}

/// Registers somebody and turns their factor on. The clock goes on by a step, so that the app shows another code.
pub(crate) async fn person(shop: &Shop, who: &str) -> Person {
    let signed_in = shop.register(who).await;
    let secret = begin(shop, &signed_in.access()).await;
    let secret = secret.body["secret"].as_str().unwrap().to_owned();
    let app = App::new(&secret);
    let on = confirm(shop, &signed_in.access(), &shown_now(shop, &app)).await;
    assert_eq!(on.status, 200, "{:?}", on.body);
    assert_eq!(on.headers["cache-control"], "no-store");
    shop.clock.advance_seconds(30);
    Person {
        app,
        secret,
        signed_in,
        codes: codes_in(&on),
    }
}

pub(crate) async fn challenge(shop: &Shop, who: &str, password: &str) -> String {
    let asked = shop.login(who, password).await;
    assert_eq!(asked.short(), "401 second_factor_required");
    asked.body["challenge"].as_str().unwrap().to_owned()
}

pub(crate) async fn answer(shop: &Shop, challenge: &str, code: &str) -> Answer {
    shop.post(ANSWER, json!({"challenge": challenge, "code": code}))
        .await
}

pub(crate) async fn sign_in(shop: &Shop, who: &str, code: &str) -> Answer {
    let challenge = challenge(shop, who, PASSWORD).await;
    answer(shop, &challenge, code).await
}

pub(crate) async fn state(shop: &Shop, token: &str) -> (bool, u64) {
    let seen = shop.send(Call::get(FACTOR).bearer(token)).await;
    assert_eq!(seen.headers["cache-control"], "no-store");
    let left = seen.body["recovery_codes_left"].as_u64().unwrap();
    (seen.body["on"].as_bool().unwrap(), left)
}

pub(crate) fn counts(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.short()).or_default() += 1;
    }
    counts
}

/// Whom the next mails are for, and what they are about.
pub(crate) async fn subjects(shop: &Shop, count: usize) -> Vec<String> {
    shop.start_work();
    let mut told = Vec::new();
    for _ in 0..count {
        let (_, to, text) = shop.mail().await;
        assert!(text.contains("https://shop.test/forgot-password"), "{text}");
        told.push(format!("{to} {}", text.lines().next().unwrap()));
    }
    told.sort();
    told
}
