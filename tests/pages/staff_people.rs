//! Customers, discounts, ways of shipping, keys and webhooks on the pages for staff. What came of a form is looked at
//! through the API.

use crate::browser::{Browser, all, field, open};
use testkit::{Answer, Client, PASSWORD, Shop};

async fn shop() -> (Shop, Client, Browser) {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let browser = Browser::signed_in(&shop, "admin@souk.example").await;
    (shop, admin, browser)
}

/// Sends these fields with the page's proof and key.
async fn send(browser: &mut Browser, page: &Answer, to: &str, more: &[(&str, &str)]) -> Answer {
    let csrf = field(page, "csrf").expect("a proof");
    let key = field(page, "key").expect("a key");
    let fields = [("csrf", csrf.as_str()), ("key", key.as_str())];
    let fields: Vec<_> = fields.into_iter().chain(more.iter().copied()).collect();
    browser.submit(to, &fields).await
}

#[tokio::test]
async fn somebody_is_found_kept_out_and_let_in_again() {
    let (shop, admin, mut browser) = shop().await;
    let ann = shop.customer("ann").await;
    let found = browser.get("/admin/customers?q=ann").await;
    let here = format!("/admin/customers/{}", ann.user_id());
    assert!(
        found.text.contains(&format!("href=\"{here}\"")),
        "{}",
        found.text
    );
    let page = browser.get(&here).await;
    assert!(
        page.text.contains("They have not ordered anything yet"),
        "{}",
        page.text
    );
    let version = field(&page, "version").expect("a version");
    let unsure = [("version", version.as_str())];
    let refused = send(&mut browser, &page, &format!("{here}/disable"), &unsure).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    let sure = [("version", version.as_str()), ("confirm", "yes")];
    let done = send(&mut browser, &page, &format!("{here}/disable"), &sure).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(ann.get("/api/v1/me").await.status, 401);
    let stale = send(&mut browser, &page, &format!("{here}/enable"), &unsure).await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    let page = browser.get(&here).await;
    let version = field(&page, "version").expect("a version");
    let done = send(
        &mut browser,
        &page,
        &format!("{here}/enable"),
        &[("version", &version)],
    )
    .await;
    assert_eq!(done.status, 303, "{}", done.text);
    let user = admin.get(&format!("/api/v1/users/{}", ann.user_id())).await;
    assert!(user.json["disabled_at"].is_null(), "{}", user.text);
    let odd = send(&mut browser, &page, &format!("{here}/nothing"), &[]).await;
    assert_eq!(odd.status, 404, "{}", odd.text);
}

#[tokio::test]
async fn a_discount_is_made_changed_and_ended() {
    let (_shop, admin, mut browser) = shop().await;
    let page = browser.get("/admin/discounts/new").await;
    let wrong = [("code", "TEA-10"), ("percent", "ten"), ("active", "yes")];
    let refused = send(&mut browser, &page, "/admin/discounts/new", &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(
        refused.text.contains("edit-percent-error"),
        "{}",
        refused.text
    );
    let good = [
        ("code", "TEA-10"),
        ("percent", "12.5"),
        ("uses_max", "5"),
        ("active", "yes"),
    ];
    let made = send(&mut browser, &page, "/admin/discounts/new", &good).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let list = browser.get("/admin/discounts").await;
    assert!(
        list.text.contains("12.5 %") && list.text.contains("0 of 5"),
        "{}",
        list.text
    );
    let here = format!(
        "/admin/discounts/{}",
        all(&list, "<td><a href=\"/admin/discounts/")[0]
    );
    let page = browser.get(&here).await;
    let version = field(&page, "version").expect("a version");
    let ended = [
        ("version", version.as_str()),
        ("percent", "12.5"),
        ("was.percent", "12.5"),
        ("uses_max", "5"),
        ("was.uses_max", "5"),
        ("was.active", "yes"),
    ];
    let done = send(&mut browser, &page, &here, &ended).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let discount = admin.get(&here.replace("/admin/", "/api/v1/")).await;
    assert_eq!(
        (
            discount.json["active"].as_bool(),
            discount.int("/basis_points")
        ),
        (Some(false), 1_250)
    );
    let stale = send(&mut browser, &page, &here, &ended).await;
    // Both have ended it: there is nothing to decide.
    assert_eq!(
        stale.header("location"),
        format!("{here}?flash=same"),
        "{}",
        stale.text
    );
}

#[tokio::test]
async fn a_way_of_shipping_is_made_and_found_again() {
    let (_shop, _admin, mut browser) = shop().await;
    let page = browser.get("/admin/shipping/new").await;
    let post = [
        ("name", "By post"),
        ("price", "5.00"),
        ("currency", "usd"),
        ("active", "yes"),
    ];
    let made = send(&mut browser, &page, "/admin/shipping/new", &post).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let list = browser.get("/admin/shipping?flash=saved").await;
    assert!(
        list.text.contains("By post") && list.text.contains("$5.00"),
        "{}",
        list.text
    );
    let here = format!(
        "/admin/shipping/{}",
        all(&list, "<td><a href=\"/admin/shipping/")[0]
    );
    let page = browser.get(&here).await;
    assert!(page.text.contains("value=\"5.00\""), "{}", page.text);
}

#[tokio::test]
async fn what_a_program_asked_with_its_key_is_listed_and_nothing_of_what_was_in_it() {
    let mut shop = Shop::start().await;
    shop.admin().await;
    let mut browser = Browser::signed_in(&shop, "admin@souk.example").await;
    let page = browser.get("/admin/developers").await;
    let wish = [
        ("name", "Till"),
        ("scope.orders:read", "yes"),
        ("password", PASSWORD),
    ];
    let made = send(&mut browser, &page, "/admin/developers/keys", &wish).await;
    let (_, rest) = made.text.split_once("<code>souk_").expect("the key");
    let secret = format!("souk_{}", rest.split('<').next().expect("its end"));
    for (path, status) in [("/api/v1/orders?q=1", 400), ("/api/v1/users", 403)] {
        let request = shop
            .visitor()
            .request("GET".parse().expect("a method"), path);
        let answer = shop.visitor().send(request.bearer_auth(&secret)).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        let log = browser.get("/admin/developers/requests").await;
        let (path, _) = path.split_once('?').unwrap_or((path, ""));
        assert!(
            log.text.contains(&format!("<code>GET {path}</code>")),
            "{}",
            log.text
        );
        let id = answer.header("x-request-id");
        assert!(
            log.text.contains(id) && log.text.contains(">Till<"),
            "{}",
            log.text
        );
        assert!(!log.text.contains(&secret));
    }
}

#[tokio::test]
async fn a_key_is_shown_once_and_ended_and_a_webhook_is_made_pinged_and_deleted() {
    let allow = ("SOUK_WEBHOOKS__OUTWARD__ALLOW", "[\"127.0.0.1\"]");
    let mut shop = Shop::start_with(&[allow]).await;
    let admin = shop.admin().await;
    let mut browser = Browser::signed_in(&shop, "admin@souk.example").await;
    let page = browser.get("/admin/developers").await;
    let wish = [
        ("name", "Till"),
        ("scope.orders:read", "yes"),
        ("password", "wrong horse"),
    ];
    let refused = send(&mut browser, &page, "/admin/developers/keys", &wish).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("key-password-error") && !refused.text.contains("wrong horse"));
    let wish = [
        ("name", "Till"),
        ("scope.orders:read", "yes"),
        ("password", PASSWORD),
    ];
    let made = send(&mut browser, &page, "/admin/developers/keys", &wish).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let (_, rest) = made.text.split_once("<code>souk_").expect("the key");
    let secret = format!("souk_{}", rest.split('<').next().expect("its end"));
    assert!(
        !browser
            .get("/admin/developers")
            .await
            .text
            .contains(&secret),
        "this once"
    );
    let keys = admin.get("/api/v1/api-keys").await;
    let revoke = format!("/admin/developers/keys/{}/revoke", keys.str("/data/0/id"));
    let done = send(&mut browser, &page, &revoke, &[("confirm", "yes")]).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let keys = admin.get("/api/v1/api-keys").await;
    assert!(
        keys.json["data"][0]["revoked_at"].is_string(),
        "{}",
        keys.text
    );
    let wish = [("url", "https://127.0.0.1/"), ("type.order.paid", "yes")];
    let made = send(&mut browser, &page, "/admin/developers/webhooks", &wish).await;
    assert_eq!(made.status, 200, "{}", made.text);
    assert!(made.text.contains("<code>whsec_"), "{}", made.text);
    let here = format!(
        "/admin/developers/webhooks/{}",
        all(&made, "href=\"/admin/developers/webhooks/")[0]
    );
    let page = browser.get(&here).await;
    let pinged = send(&mut browser, &page, &format!("{here}/ping"), &[]).await;
    assert_eq!(pinged.status, 303, "{}", pinged.text);
    let page = browser.get(&here).await;
    assert!(page.text.contains("webhook.ping"), "{}", page.text);
    let version = field(&page, "version").expect("a version");
    let sure = [("version", version.as_str()), ("confirm", "yes")];
    let gone = send(&mut browser, &page, &format!("{here}/delete"), &sure).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    let left = admin.get("/api/v1/webhooks").await;
    assert_eq!(left.json["data"].as_array().map(Vec::len), Some(0));
}
