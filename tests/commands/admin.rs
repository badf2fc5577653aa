//! `souk admin`, beside a running shop.

use crate::refusal;
use serde_json::json;
use testkit::{App, Client, PASSWORD, Running, Shop, postgres::Postgres, run, run_with};

async fn sign_in(shop: &Shop, email: &str) -> Client {
    let body = json!({"email": email, "password": PASSWORD});
    let answer = shop.visitor().post("/api/v1/auth/login", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    shop.visitor().signed_in(&answer)
}

#[tokio::test]
async fn an_admin_made_while_the_shop_is_open_can_work_at_once() {
    let shop = Shop::start().await;
    let data = shop.folder().to_str().unwrap_or_default();
    let create = [
        "admin",
        "create",
        "--email",
        "boss@souk.example",
        "--data",
        data,
    ];
    let said = run(&create, &format!("{PASSWORD}\n")).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("is an admin"), "{said:?}");
    assert!(!said.out.contains(PASSWORD) && !said.err.contains(PASSWORD));
    let boss = sign_in(&shop, "boss@souk.example").await;
    let made = boss
        .post("/api/v1/categories", &json!({"name": "Tea"}))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
}

#[tokio::test]
async fn a_customer_is_raised_to_an_admin() {
    let shop = Shop::start().await;
    let ann = shop.customer("ann").await;
    let refused = ann
        .post("/api/v1/categories", &json!({"name": "Tea"}))
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let data = shop.folder().to_str().unwrap_or_default();
    let create = [
        "admin",
        "create",
        "--email",
        "ann@souk.example",
        "--data",
        data,
    ];
    let said = run(&create, &format!("{PASSWORD}\n")).await;
    assert_eq!(said.code, 0, "{said:?}");
    let ann = sign_in(&shop, "ann@souk.example").await;
    let made = ann
        .post("/api/v1/categories", &json!({"name": "Tea"}))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
}

#[tokio::test]
async fn an_admin_needs_a_password_and_an_address() {
    let shop = Shop::start().await;
    let data = shop.folder().to_str().unwrap_or_default();
    let create = [
        "admin",
        "create",
        "--email",
        "boss@souk.example",
        "--data",
        data,
    ];
    assert_eq!(
        refusal(&run(&create, "").await),
        "souk: no password came on standard input"
    );
    assert!(refusal(&run(&create, "short\n").await).contains("password"));
    let create = ["admin", "create", "--email", "boss", "--data", data];
    assert!(refusal(&run(&create, "long enough, this one\n").await).contains("--email"));
}

#[tokio::test]
async fn an_account_is_kept_out_from_the_command_line_while_the_shop_is_open() {
    let shop = Shop::start().await;
    let ann = shop.customer("ann").await;
    let data = shop.folder().to_str().unwrap_or_default();
    let users = async |command: &[&str]| {
        let whole = [&["admin", "users"], command, &["--data", data]].concat();
        run(&whole, "").await
    };
    let said = users(&["disable", "--email", "ann@souk.example"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    ann.get_until("/api/v1/me", |answer| answer.status == 401)
        .await;
    let body = json!({"email": "ann@souk.example", "password": PASSWORD});
    let refused = shop.visitor().post("/api/v1/auth/login", &body).await;
    assert_eq!((refused.status, refused.code()), (403, "account_disabled"));
    let listed = users(&["list", "--q", "ANN"]).await;
    assert!(
        listed.out.contains(ann.user_id()) && listed.out.contains("disabled"),
        "{listed:?}"
    );
    let said = users(&["enable", "--email", "ann@souk.example"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    sign_in(&shop, "ann@souk.example").await;
    let unknown = users(&["disable", "--email", "eve@souk.example"]).await;
    assert!(!refusal(&unknown).is_empty());
}

#[tokio::test]
async fn whoever_lost_app_and_codes_gets_in_again_by_a_command() {
    let shop = Shop::start().await;
    let ann = shop.customer("ann").await;
    App::set_up(&ann).await;
    let login = json!({"email": "ann@souk.example", "password": PASSWORD});
    let asked = shop.visitor().post("/api/v1/auth/login", &login).await;
    assert_eq!(asked.code(), "second_factor_required", "{}", asked.text);
    let data = shop.folder().to_str().unwrap_or_default();
    let off = |email| {
        [
            "admin",
            "second-factor-off",
            "--email",
            email,
            "--data",
            data,
        ]
    };
    let said = run(&off("ann@souk.example"), "").await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.contains("by the password alone"), "{said:?}");
    ann.get_until("/api/v1/me", |answer| answer.status == 401)
        .await;
    sign_in(&shop, "ann@souk.example").await;
    let again = run(&off("ann@souk.example"), "").await;
    assert!(again.out.contains("had no second factor"), "{again:?}");
    let nobody = run(&off("bob@souk.example"), "").await;
    assert_eq!(
        refusal(&nobody),
        "souk: nobody has the address bob@souk.example"
    );
}

/// What the notes of the first run say is done, word by word.
#[tokio::test]
async fn a_shop_on_a_server_says_how_one_becomes_its_admin_and_what_goes_with_it() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = server.database();
    let settings = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
        ("SOUK_SHOP__DEMO", "false"),
        ("SOUK_IDENTITY__ARGON2_MEMORY_KIB", "64"),
        ("SOUK_IDENTITY__ARGON2_PASSES", "1"),
    ];
    let mut shop = Running::start(&["serve", "--listen", "127.0.0.1:0"], &settings);
    let place = shop.after("Data ").await;
    assert!(place.starts_with("postgres"), "{place}");
    shop.after("Mails are files in ").await;
    shop.after("There is no admin yet").await;
    let note = shop.after("").await;
    let (_, words) = note.split_once(' ').unwrap_or_default();
    let words = words.replace("you@example.com", "boss@souk.example");
    let url = shop.after("listening on").await;
    let words: Vec<&str> = words.split(' ').collect();
    let said = run_with(&words, &settings, &format!("{PASSWORD}\n")).await;
    assert_eq!(said.code, 0, "{words:?}: {said:?}");
    let body = json!({"email": "boss@souk.example", "password": PASSWORD});
    let answer = Client::new(&url).post("/api/v1/auth/login", &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}
