//! The second factor: what turns it on and off, and what it is asked for.

use crate::{
    people::{
        CHANGE, CODES, FACTOR, NEW, answer, begin, challenge, codes_in, confirm, person, send,
        shown_now, sign_in, state, subjects, wrong_now,
    },
    security::{kinds, quick, until},
    shop::{Call, PASSWORD, Shop},
};
use serde_json::{Value, json};
use testkit::App;

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
        confirm(&shop, &ann, &wrong_now(&shop, &app)).await.short(),
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
    let wrong = wrong_now(&shop, &ann.app);
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
            ("code", wrong.as_str(), "401 invalid_code"),
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
        answer(&shop, &held, &wrong_now(&shop, &ann.app))
            .await
            .short(),
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
    let shop = Shop::start_with(json!({"second_factor_setup_seconds": 300})).await;
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
    shop.clock.advance_seconds(300);
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

#[tokio::test]
async fn what_happens_to_a_factor_is_written_down() {
    let shop = quick().await;
    let root = shop.admin().await;
    let ann = person(&shop, "ann").await;
    sign_in(&shop, "ann", &wrong_now(&shop, &ann.app)).await;
    let here = sign_in(&shop, "ann", &ann.codes[0]).await.access();
    let both = |code: &str| json!({"password": PASSWORD, "code": code});
    let made = send(&shop, "POST", CODES, &here, both(&ann.codes[1])).await;
    let code = &codes_in(&made)[0];
    let off = send(&shop, "DELETE", FACTOR, &here, both(code)).await;
    assert_eq!(off.status, 204, "{:?}", off.body);
    until(&shop, &root, "second_factor_refused", 1).await;
    let kinds = kinds(&shop, &here).await;
    for (kind, count) in [
        ("second_factor_on", 1),
        ("second_factor_refused", 1),
        ("recovery_code_used", 3),
        ("recovery_codes_made", 1),
        ("second_factor_off", 1),
        ("signed_in", 2),
    ] {
        let found = kinds.iter().filter(|found| *found == kind).count();
        assert_eq!(found, count, "{kind} in {kinds:?}");
    }
}
