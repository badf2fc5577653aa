//! Admins: how the first comes to be, and what they do to other accounts.

use crate::shop::{Answer, Call, PASSWORD, Shop};
use contracts::values::Email;
use platform::bus::MemoryBus;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

async fn setup(shop: &Shop, token: &str, who: &str) -> Answer {
    let email = format!("{who}@example.com");
    let body = json!({"setup_token": token, "email": email, "password": PASSWORD});
    shop.post("/api/v1/auth/setup", body).await
}

async fn setup_token(shop: &Shop) -> Option<String> {
    let token = shop.service.setup_token().await.unwrap();
    token.map(|token| token.expose_secret().to_owned())
}

async fn set_roles(shop: &Shop, admin: &str, user: &str, body: Value) -> Answer {
    let path = format!("/api/v1/users/{user}");
    shop.send(Call::patch(&path).bearer(admin).json(&body))
        .await
}

#[tokio::test]
async fn the_setup_token_makes_the_first_admin_and_then_is_worth_nothing() {
    let shop = Shop::start().await;
    let token = setup_token(&shop).await.unwrap();
    assert_eq!(setup_token(&shop).await.unwrap(), token, "it stands");
    let beside = setup_token(&shop.beside().await).await;
    assert_eq!(beside.unwrap(), token, "the same on every node");
    for wrong in ["", "guess", &format!("{token}x")] {
        let answer = setup(&shop, wrong, "eve").await;
        assert_eq!(answer.short(), "401 invalid_credentials", "{wrong}");
    }
    let answer = setup(&shop, &token, "root").await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert_eq!(answer.body["user"]["roles"], json!(["customer", "admin"]));
    assert!(shop.verifier.verify(&answer.access()).unwrap().is_admin());
    assert_eq!(
        setup(&shop, &token, "eve").await.short(),
        "401 invalid_credentials"
    );
    assert_eq!(setup_token(&shop).await, None, "there is an admin");
    assert_eq!(setup_token(&shop.beside().await).await, None);
}

#[tokio::test]
async fn a_refused_setup_does_not_use_the_token_up() {
    let shop = Shop::start().await;
    let token = setup_token(&shop).await.unwrap();
    shop.register("ann").await;
    assert_eq!(setup(&shop, &token, "ann").await.short(), "409 email_taken");
    let weak = json!({"setup_token": token, "email": "root@example.com", "password": "short"});
    let answer = shop.post("/api/v1/auth/setup", weak).await;
    assert_eq!(answer.short(), "422 validation_failed");
    assert_eq!(setup(&shop, &token, "root").await.status, 201);
}

#[tokio::test]
async fn the_command_line_makes_admins_while_the_shop_runs() {
    let shop = Shop::start().await;
    identity::start(&shop.service, &shop.tasks, Arc::new(MemoryBus::default()));
    let ann = shop.register("ann").await;
    let token = setup_token(&shop).await.unwrap();
    let command = shop.beside().await;
    let email = |text: &str| Email::parse(text).unwrap();
    let made = command
        .service
        .create_admin(email("ANN@example.com"), "new password".into())
        .await;
    let made = made.unwrap();
    assert_eq!(
        (made.id.to_string(), made.version.get()),
        (ann.user_id(), 2)
    );
    // The running shop hears of it by itself, within five seconds.
    let heard = async {
        while shop.takes(&ann.access()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), heard)
        .await
        .unwrap();
    assert_eq!(shop.refresh(&ann.refresh()).await.status, 401);
    assert_eq!(shop.login("ann", PASSWORD).await.status, 401);
    let admin = shop.login("ann", "new password").await;
    assert!(shop.verifier.verify(&admin.access()).unwrap().is_admin());
    assert_eq!(
        setup(&shop, &token, "eve").await.status,
        401,
        "no second way in"
    );
    let new = command
        .service
        .create_admin(email("root@example.com"), PASSWORD.into())
        .await;
    assert_eq!(new.unwrap().version.get(), 1);
    assert_eq!(shop.login("root", PASSWORD).await.status, 200);
    let weak = command
        .service
        .create_admin(email("x@example.com"), "short".into())
        .await;
    assert!(weak.is_err());
    shop.tasks.stop();
}

#[tokio::test]
async fn new_roles_count_at_once() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;
    let ann = shop.register("ann").await;
    let body = json!({"roles": ["merchant"], "version": 1});
    let answer = set_roles(&shop, &admin, &ann.user_id(), body.clone()).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.headers["etag"]),
        (200, &"\"2\"".parse().unwrap())
    );
    assert_eq!(answer.body["roles"], json!(["customer", "merchant"]));
    assert!(
        !shop.takes(&ann.access()),
        "the old token says the old roles"
    );
    let fresh = shop.refresh(&ann.refresh()).await;
    assert!(shop.verifier.verify(&fresh.access()).unwrap().may_sell());
    let stale = set_roles(&shop, &admin, &ann.user_id(), body).await;
    assert_eq!(stale.short(), "409 version_conflict");
    assert!(shop.takes(&fresh.access()), "a refusal ends nothing");
    let none = set_roles(
        &shop,
        &admin,
        &ann.user_id(),
        json!({"roles": [], "version": 2}),
    )
    .await;
    assert_eq!(none.body["roles"], json!(["customer"]));
}

#[tokio::test]
async fn roles_are_changed_by_the_rules() {
    let shop = Shop::start().await;
    let admin = shop.admin().await;
    let me = shop.verifier.verify(&admin).unwrap().user_id.to_string();
    let ann = shop.register("ann").await.user_id();
    let unknown = "usr_01h455vb4pex5vsknk084sn02q";
    let admins = json!({"roles": ["admin"], "version": 1});
    for (user, body, expected) in [
        (
            &*me,
            json!({"roles": [], "version": 1}),
            "422 validation_failed",
        ),
        (&ann, json!({"roles": []}), "428 precondition_required"),
        (
            &ann,
            json!({"roles": ["root"], "version": 1}),
            "422 validation_failed",
        ),
        (
            &ann,
            json!({"roles": "admin", "version": 1}),
            "400 malformed",
        ),
        (
            &ann,
            json!({"roles": [], "version": 1, "name": "x"}),
            "422 validation_failed",
        ),
        (&ann, json!({"version": 1}), "422 validation_failed"),
        (unknown, admins.clone(), "404 not_found"),
        ("7", admins.clone(), "400 malformed"),
        ("ord_01h455vb4pex5vsknk084sn02q", admins, "400 malformed"),
    ] {
        let answer = set_roles(&shop, &admin, user, body).await;
        assert_eq!(answer.short(), expected, "{user}");
    }
    assert!(shop.takes(&admin));
    let path = format!("/api/v1/users/{ann}");
    let call = Call::get(&path).header("if-none-match", "\"1\"");
    let answer = shop.send(call.bearer(&admin)).await;
    assert_eq!(answer.status, 304, "nothing was changed");
    let roles = json!({"roles": ["admin", "merchant"], "version": 1});
    let keeps = set_roles(&shop, &admin, &me, roles).await;
    let all = json!(["customer", "merchant", "admin"]);
    assert_eq!(keeps.body["roles"], all);
}
