//! The second factor: what turns it on and off, and what it asks of whoever signs in.

use crate::shop::{Answer, Call, PASSWORD, Shop};
use futures_util::future::join_all;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::App;

const FACTOR: &str = "/api/v1/me/second-factor";
const CODES: &str = "/api/v1/me/second-factor/recovery-codes";
const ANSWER: &str = "/api/v1/auth/login/second-factor";
const CHANGE: &str = "/api/v1/auth/password/change";
const NEW: &str = "another horse";

/// Somebody whose second factor is on.
struct Person {
    app: App,
    secret: String,
    /// The session that turned it on.
    signed_in: Answer,
    codes: Vec<String>,
}

impl Person {
    fn token(&self) -> String {
        self.signed_in.access()
    }
}

async fn send(shop: &Shop, method: &str, path: &str, token: &str, body: Value) -> Answer {
    let call = Call::new(method.parse().unwrap(), path).bearer(token);
    shop.send(call.json(&body)).await
}

fn shown_now(shop: &Shop, app: &App) -> String {
    app.at(shop.clock.now().as_ms())
}

async fn begin(shop: &Shop, token: &str) -> Answer {
    send(shop, "POST", FACTOR, token, json!({"password": PASSWORD})).await
}

async fn confirm(shop: &Shop, token: &str, code: &str) -> Answer {
    let path = "/api/v1/me/second-factor/confirm";
    send(shop, "POST", path, token, json!({"code": code})).await
}

fn codes_in(answer: &Answer) -> Vec<String> {
    let codes = answer.body["recovery_codes"].as_array().unwrap().iter();
    codes
        .map(|code| code.as_str().unwrap().to_owned())
        .collect()
}

/// Registers somebody and turns their factor on. The clock goes on by a step, so that the app shows another code.
async fn person(shop: &Shop, who: &str) -> Person {
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

async fn challenge(shop: &Shop, who: &str, password: &str) -> String {
    let asked = shop.login(who, password).await;
    assert_eq!(asked.short(), "401 second_factor_required");
    asked.body["challenge"].as_str().unwrap().to_owned()
}

async fn answer(shop: &Shop, challenge: &str, code: &str) -> Answer {
    shop.post(ANSWER, json!({"challenge": challenge, "code": code}))
        .await
}

async fn sign_in(shop: &Shop, who: &str, code: &str) -> Answer {
    let challenge = challenge(shop, who, PASSWORD).await;
    answer(shop, &challenge, code).await
}

async fn state(shop: &Shop, token: &str) -> (bool, u64) {
    let seen = shop.send(Call::get(FACTOR).bearer(token)).await;
    assert_eq!(seen.headers["cache-control"], "no-store");
    let left = seen.body["recovery_codes_left"].as_u64().unwrap();
    (seen.body["on"].as_bool().unwrap(), left)
}

fn counts(answers: &[Answer]) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for answer in answers {
        *counts.entry(answer.short()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn signing_in_asks_for_a_code_once_the_factor_is_on() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await.access();
    assert_eq!(state(&shop, &ann).await, (false, 0));
    let begun = begin(&shop, &ann).await;
    assert_eq!(begun.status, 200, "{:?}", begun.body);
    assert_eq!(begun.headers["cache-control"], "no-store");
    let secret = begun.body["secret"].as_str().unwrap();
    let uri =
        format!("otpauth://totp/shop.test:ann%40example.com?secret={secret}&issuer=shop.test");
    assert_eq!((secret.len(), &begun.body["uri"]), (32, &json!(uri)));
    assert_eq!(shop.login("ann", PASSWORD).await.status, 200, "not yet");
    let app = App::new(secret);
    assert_eq!(
        confirm(&shop, &ann, "000000").await.short(),
        "401 invalid_code"
    );
    let on = confirm(&shop, &ann, &shown_now(&shop, &app)).await;
    let codes = codes_in(&on);
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| code.len() == 27), "120 bits each");
    assert_eq!(state(&shop, &ann).await, (true, 10));
    let asked = shop.login("ann", PASSWORD).await;
    assert_eq!(asked.short(), "401 second_factor_required");
    assert_eq!(asked.headers["cache-control"], "no-store");
    assert!(asked.body.get("access_token").is_none());
    let wrong = shop.login("ann", "wrong horse").await;
    assert_eq!(
        wrong.short(),
        "401 invalid_credentials",
        "it asks nobody else"
    );
    let used = sign_in(&shop, "ann", &shown_now(&shop, &app)).await;
    assert_eq!(used.short(), "401 invalid_code", "it turned the factor on");
    shop.clock.advance_seconds(30);
    let opened = sign_in(&shop, "ann", &shown_now(&shop, &app)).await;
    assert_eq!(opened.status, 200, "{:?}", opened.body);
    assert!(shop.takes(&opened.access()));
    assert_eq!(
        shop.refresh(&opened.refresh()).await.status,
        200,
        "asks nothing"
    );
}

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

/// Whom the next mails are for, and what they are about.
async fn subjects(shop: &Shop, count: usize) -> Vec<String> {
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
    for _ in 0..9 {
        // Each with the right password before it.
        assert_eq!(
            sign_in(&shop, "ann", "000000").await.short(),
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
        sign_in(&shop, "ann", "000000").await.short(),
        "401 invalid_code",
        "and all is forgotten"
    );
}

#[tokio::test]
async fn however_many_codes_come_at_once_each_is_counted_before_the_next() {
    let shop = Shop::start().await;
    person(&shop, "ann").await;
    let held = challenge(&shop, "ann", PASSWORD).await;
    let codes: Vec<String> = (0..64).map(|number| format!("{number:06}")).collect();
    let answers = join_all(codes.iter().map(|code| answer(&shop, &held, code))).await;
    let counts = counts(&answers);
    let right = counts.get("200").copied().unwrap_or_default();
    assert_eq!(right, 0, "by chance: one time in five thousand");
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

#[tokio::test]
async fn turning_it_on_or_off_ends_every_session_but_the_one_that_asks() {
    let shop = Shop::start().await;
    shop.register("ann").await;
    let before = shop.login("ann", PASSWORD).await;
    let here = shop.login("ann", PASSWORD).await;
    let secret = begin(&shop, &here.access()).await;
    let app = App::new(secret.body["secret"].as_str().unwrap());
    assert!(shop.takes(&before.access()), "nothing is on yet");
    let on = confirm(&shop, &here.access(), &shown_now(&shop, &app)).await;
    assert!(!shop.takes(&before.access()), "at once");
    assert_eq!(shop.refresh(&before.refresh()).await.status, 401);
    assert!(shop.takes(&here.access()));
    shop.clock.advance_seconds(30);
    let there = sign_in(&shop, "ann", &shown_now(&shop, &app)).await;
    let both = |code: &str| json!({"password": PASSWORD, "code": code});
    let old = codes_in(&on);
    let made = send(&shop, "POST", CODES, &here.access(), both(&old[0])).await;
    let codes = codes_in(&made);
    assert!(shop.takes(&there.access()), "other codes end nothing");
    let worthless = sign_in(&shop, "ann", &old[1]).await;
    assert_eq!(worthless.short(), "401 invalid_code");
    let off = send(&shop, "DELETE", FACTOR, &here.access(), both(&codes[0])).await;
    assert_eq!((off.status.as_u16(), &off.body), (204, &Value::Null));
    assert!(!shop.takes(&there.access()) && shop.takes(&here.access()));
    assert_eq!(shop.login("ann", PASSWORD).await.status, 200, "no code");
    assert_eq!(state(&shop, &here.access()).await, (false, 0));
    let told = subjects(&shop, 5).await.join("\n");
    for subject in [
        "Signing in asks for a code now",
        "You have other recovery codes",
        "A recovery code was used",
        "Signing in does not ask for a code any more",
    ] {
        assert!(told.contains(subject), "{subject}: {told}");
    }
}

#[tokio::test]
async fn what_changes_how_one_signs_in_asks_for_password_and_code() {
    let shop = Shop::start().await;
    let ann = person(&shop, "ann").await;
    let (here, code) = (ann.token(), shown_now(&shop, &ann.app));
    let changes = [
        (
            "POST",
            CHANGE,
            json!({"current_password": PASSWORD, "new_password": NEW}),
        ),
        ("DELETE", "/api/v1/me", json!({"password": PASSWORD})),
    ];
    for (method, path, body) in &changes {
        let asked = send(&shop, method, path, &here, body.clone()).await;
        assert_eq!(asked.short(), "401 second_factor_required", "{path}");
        assert!(asked.body.get("challenge").is_none());
    }
    let both = json!({"password": PASSWORD});
    for (method, path, body) in changes
        .iter()
        .cloned()
        .chain([("POST", CODES, both.clone()), ("DELETE", FACTOR, both)])
    {
        for (name, value, expected) in [
            ("code", "000000", "401 invalid_code"),
            ("password", "wrong horse", "401 invalid_credentials"),
        ] {
            let mut body = body.clone();
            body["code"] = json!(code);
            let name = match body.get("current_password") {
                Some(_) if name == "password" => "current_password",
                _ => name,
            };
            body[name] = json!(value);
            let refused = send(&shop, method, path, &here, body).await;
            assert_eq!(refused.short(), expected, "{method} {path} {name}");
        }
    }
    assert_eq!(
        sign_in(&shop, "ann", &code).await.status,
        200,
        "and uses none up"
    );
    assert_eq!(state(&shop, &here).await, (true, 10));
    let gone = json!({"password": PASSWORD, "code": ann.codes[0]});
    assert_eq!(
        send(&shop, "DELETE", "/api/v1/me", &here, gone)
            .await
            .status,
        204
    );
    assert_eq!(
        shop.login("ann", PASSWORD).await.short(),
        "401 invalid_credentials"
    );
}

#[tokio::test]
async fn a_link_for_a_forgotten_password_does_not_go_around_the_factor() {
    let shop = Shop::start().await;
    let ann = person(&shop, "ann").await;
    shop.start_work();
    shop.mail().await;
    let asked = json!({"email": "ann@example.com"});
    shop.post("/api/v1/auth/password/forgot", asked).await;
    let (_, _, text) = shop.mail().await;
    let (_, rest) = text.split_once("reset-password?token=").unwrap();
    let token = rest.split_once("\r\n").unwrap().0;
    let body = json!({"token": token, "new_password": NEW});
    let reset = shop.post("/api/v1/auth/password/reset", body).await;
    assert_eq!((reset.status.as_u16(), &reset.body), (204, &Value::Null));
    let held = challenge(&shop, "ann", NEW).await;
    assert_eq!(
        answer(&shop, &held, "000000").await.short(),
        "401 invalid_code"
    );
    let opened = answer(&shop, &held, &shown_now(&shop, &ann.app)).await;
    assert_eq!(opened.status, 200);
}

#[tokio::test]
async fn an_admin_takes_a_lost_factor_off_and_its_owner_is_told() {
    let shop = Shop::start().await;
    let root = shop.admin().await;
    let ann = person(&shop, "ann").await;
    let path = |id: &str| format!("/api/v1/users/{id}/second-factor");
    let id = ann.signed_in.user_id();
    let held = challenge(&shop, "ann", PASSWORD).await;
    let own = Call::delete(&path(&id)).bearer(&ann.token());
    assert_eq!(shop.send(own).await.short(), "403 forbidden");
    let admins = shop.verifier.verify(&root).unwrap().user_id.to_string();
    let own = Call::delete(&path(&admins)).bearer(&root);
    assert_eq!(
        shop.send(own).await.short(),
        "403 forbidden",
        "with both, like everybody"
    );
    let nobody = contracts::values::UserId::generate().to_string();
    let missing = Call::delete(&path(&nobody)).bearer(&root);
    assert_eq!(shop.send(missing).await.short(), "404 not_found");
    for _ in 0..2 {
        let taken = Call::delete(&path(&id)).bearer(&root);
        assert_eq!(shop.send(taken).await.status, 204, "twice is no fault");
    }
    assert!(!shop.takes(&ann.token()), "at once");
    assert_eq!(shop.refresh(&ann.signed_in.refresh()).await.status, 401);
    let refused = answer(&shop, &held, &ann.codes[0]).await;
    assert_eq!(refused.short(), "401 invalid_challenge");
    assert_eq!(shop.login("ann", PASSWORD).await.status, 200);
    let told = subjects(&shop, 2).await.join("\n");
    assert!(told.contains("does not ask for a code any more"), "{told}");
}

#[tokio::test]
async fn what_was_begun_is_confirmed_soon_or_not_at_all() {
    let shop = Shop::start().await;
    let ann = shop.register("ann").await.access();
    assert_eq!(
        confirm(&shop, &ann, "000000").await.short(),
        "409 second_factor_off"
    );
    let wrong = json!({"password": "wrong horse"});
    let refused = send(&shop, "POST", FACTOR, &ann, wrong).await;
    assert_eq!(refused.short(), "401 invalid_credentials");
    let first = begin(&shop, &ann).await;
    let second = begin(&shop, &ann).await;
    let apps = [first, second].map(|begun| App::new(begun.body["secret"].as_str().unwrap()));
    let replaced = confirm(&shop, &ann, &shown_now(&shop, &apps[0])).await;
    assert_eq!(replaced.short(), "401 invalid_code");
    shop.clock.advance_seconds(900);
    let late = confirm(&shop, &ann, &shown_now(&shop, &apps[1])).await;
    assert_eq!(late.short(), "409 second_factor_off");
    assert_eq!(shop.login("ann", PASSWORD).await.status, 200);
    let bob = person(&shop, "bob").await;
    assert_eq!(
        begin(&shop, &bob.token()).await.short(),
        "409 second_factor_on"
    );
    let again = confirm(&shop, &bob.token(), &shown_now(&shop, &bob.app)).await;
    assert_eq!(again.short(), "409 second_factor_on");
    for (method, path) in [("POST", CODES), ("DELETE", FACTOR)] {
        let both = json!({"password": PASSWORD, "code": "000000"});
        let off = send(&shop, method, path, &ann, both).await;
        assert_eq!(off.short(), "409 second_factor_off");
    }
}

#[tokio::test]
async fn neither_secret_nor_recovery_codes_rest_in_clear() {
    let shop = Shop::start().await;
    let ann = person(&shop, "ann").await;
    let kept = shop.bytes_on_disk();
    let holds = |part: &[u8]| kept.windows(part.len()).any(|window| window == part);
    assert!(holds(b"ann@example.com"), "it looks at the right files");
    let code = ann.codes[0].replace('-', "");
    for text in [&ann.secret, &ann.codes[0], &code] {
        assert!(!holds(text.as_bytes()), "{text}");
        assert!(!holds(text.to_lowercase().as_bytes()), "{text}");
    }
    assert!(!holds(&ann.app.secret()[..10]));
    let seen = shop.send(Call::get(FACTOR).bearer(&ann.token())).await;
    assert!(!seen.body.to_string().contains(&ann.secret));
}
