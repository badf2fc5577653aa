//! Whose account it is: the owner hears of every provider that is added or taken away, gets a first password by mail,
//! and is kept out by an admin whatever the provider says.

use crate::{
    browser::{Browser, field},
    mails::{link, subject},
    providers::{ANN, came_back, change, is_nobody, link_of, me, shop_with},
};
use serde_json::json;
use testkit::{Client, Folder, Issuer, PASSWORD, Shop, Signs};

const NEW: &str = "another horse battery";
const SECRET: &str = "the secret of all nodes of a test";

async fn shop_with_mails(issuer: &Issuer, files: &Folder) -> Shop {
    let folder = files.at("mails");
    let settings = [
        ("SOUK_MAIL__FOLDER", folder.as_str()),
        ("SOUK_MAIL__POLL_MS", "20"),
    ];
    shop_with(issuer, &settings).await
}

#[tokio::test]
async fn the_owner_is_told_of_a_provider_that_was_added_or_taken_away() {
    let (issuer, files) = (Issuer::start(Signs::EdDsa), Folder::default());
    let shop = shop_with_mails(&issuer, &files).await;
    shop.customer("ann").await;
    issuer.knows("subject-1", ANN, true);
    let mut ann = Browser::signed_in(&shop, ANN).await;
    let page = change(&mut ann, "link", PASSWORD, "").await;
    let linked = ann.get(&issuer.visit(&link_of(&page))).await;
    assert_eq!(linked.status, 303, "{}", linked.text);
    assert_eq!(subject(&files).await, "Another way to sign in was added");
    // What is refused is no news.
    assert_eq!(
        change(&mut ann, "unlink", "wrong horse", "").await.status,
        403
    );
    let gone = change(&mut ann, "unlink", PASSWORD, "").await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    assert_eq!(subject(&files).await, "A way to sign in was taken away");
}

#[tokio::test]
async fn an_account_of_a_provider_s_gets_its_first_password_by_mail() {
    let (issuer, files) = (Issuer::start(Signs::EdDsa), Folder::default());
    let shop = shop_with_mails(&issuer, &files).await;
    issuer.knows("subject-1", ANN, true);
    let mut browser = Browser::new(&shop);
    assert_eq!(came_back(&mut browser, &issuer).await.status, 303);
    let id = me(&mut browser).await.str("/id").to_owned();
    let csrf = browser.proof("/forgot-password").await;
    let fields = [("email", ANN), ("csrf", csrf.as_str())];
    let asked = browser.submit("/forgot-password", &fields).await;
    assert!(
        asked.text.contains("If there is an account"),
        "{}",
        asked.text
    );
    let link = link(&shop, &files, "/reset-password").await;
    let page = browser.get(&link).await;
    let token = field(&page, "token").expect("the token goes on");
    let fields = [
        ("token", token.as_str()),
        ("password", NEW),
        ("csrf", csrf.as_str()),
    ];
    let done = browser.submit("/reset-password", &fields).await;
    assert_eq!(
        (done.status, done.header("location")),
        (303, "/sign-in"),
        "{}",
        done.text
    );
    // Both ways lead to the one account, and now the provider can be taken away from it.
    let mut by_password = Browser::new(&shop);
    assert_eq!(by_password.sign_in(ANN, NEW, "").await.status, 303);
    assert_eq!(me(&mut by_password).await.str("/id"), id);
    let mut by_provider = Browser::new(&shop);
    assert_eq!(came_back(&mut by_provider, &issuer).await.status, 303);
    assert_eq!(me(&mut by_provider).await.str("/id"), id);
    let gone = change(&mut by_provider, "unlink", NEW, "").await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    let mut again = Browser::new(&shop);
    assert_eq!(again.sign_in(ANN, NEW, "").await.status, 303);
}

async fn set_status(admin: &Client, id: &str, status: &str) {
    let path = format!("/api/v1/users/{id}");
    let version = admin.get(&path).await.int("/version");
    let request = admin.request(reqwest::Method::PUT, &format!("{path}/status"));
    let change = json!({"status": status, "version": version});
    let answer = admin.send(request.json(&change)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn a_disabled_account_stays_closed_behind_its_provider_and_its_owner_is_told() {
    let issuer = Issuer::start(Signs::EdDsa);
    let mut shop = shop_with(&issuer, &[]).await;
    let admin = shop.admin().await;
    issuer.knows("subject-1", ANN, true);
    let mut ann = Browser::new(&shop);
    assert_eq!(came_back(&mut ann, &issuer).await.status, 303);
    let id = me(&mut ann).await.str("/id").to_owned();
    set_status(&admin, &id, "disabled").await;
    let still = ann
        .get_with("/api/v1/me", ("accept", "application/json"))
        .await;
    assert_eq!(still.status, 401, "the session has ended: {}", still.text);
    let mut again = Browser::new(&shop);
    let refused = came_back(&mut again, &issuer).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert!(
        refused.text.contains("account_disabled"),
        "{}",
        refused.text
    );
    assert!(is_nobody(&again), "{:?}", again.cookies);
    set_status(&admin, &id, "active").await;
    assert_eq!(came_back(&mut again, &issuer).await.status, 303);
    assert_eq!(me(&mut again).await.str("/id"), id, "the same account");
}

#[tokio::test]
async fn a_provider_signs_in_where_the_pages_and_the_accounts_are_on_nodes_of_their_own() {
    let issuer = Issuer::start(Signs::EdDsa);
    issuer.knows("subject-1", ANN, true);
    let common = [
        ("SOUK_INTERNAL__SECRET", SECRET),
        ("SOUK_HTTP__INTERNAL_LISTEN", "127.0.0.1:0"),
        ("SOUK_HTTP__PUBLIC_URL", "http://shop.example"),
        ("SOUK_BALANCE__PROBE__EVERY_MS", "50"),
    ];
    let services = [
        &[("SOUK_TARGET", "identity,catalog,orders,payments")],
        &common[..],
    ]
    .concat();
    let services = shop_with(&issuer, &services).await;
    let there = services.internal_url().trim_start_matches("http://");
    let there = format!("[\"{there}\"]");
    // The node at the door knows no provider and no secret of one: it asks.
    let mut door = vec![("SOUK_TARGET", "gateway,storefront")];
    for name in [
        "SOUK_PEERS__IDENTITY",
        "SOUK_PEERS__CATALOG",
        "SOUK_PEERS__ORDERS",
        "SOUK_PEERS__PAYMENTS",
    ] {
        door.push((name, there.as_str()));
    }
    door.extend(common);
    let door = Shop::start_with(&door).await;
    let mut browser = Browser::new(&door);
    let page = browser.get("/sign-in").await;
    assert!(
        page.text.contains("Sign in with The Provider"),
        "{}",
        page.text
    );
    let first = came_back(&mut browser, &issuer).await;
    assert_eq!(
        (first.status, first.header("location")),
        (303, "/p/tea"),
        "{}",
        first.text
    );
    let id = me(&mut browser).await.str("/id").to_owned();
    let mut again = Browser::new(&door);
    assert_eq!(came_back(&mut again, &issuer).await.status, 303);
    assert_eq!(me(&mut again).await.str("/id"), id);
    // What the provider breaks is refused in the same words as near.
    issuer.breaks(Some(testkit::Broken::Nonce));
    let mut broken = Browser::new(&door);
    let refused = came_back(&mut broken, &issuer).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(refused.text.contains("The provider"), "{}", refused.text);
    assert!(is_nobody(&broken));
}
