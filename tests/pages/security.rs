//! The page that keeps one's own account, and signing in with a code, by forms alone.

use crate::browser::{Browser, all, field, open};
use serde_json::json;
use testkit::{Answer, App, PASSWORD, Shop};

const ANN: &str = "ann@souk.example";
const PAGE: &str = "/account/security";
const NEW: &str = "another horse battery";

/// Sends a form of the page, with its proof.
async fn send(browser: &mut Browser, form: &str, fields: &[(&str, &str)]) -> Answer {
    let csrf = browser.proof(PAGE).await;
    let mut fields = fields.to_vec();
    fields.push(("csrf", &csrf));
    browser.submit(&format!("{PAGE}/{form}"), &fields).await
}

/// Types a code into the page that the right password led to.
async fn type_in(browser: &mut Browser, page: &Answer, code: &str) -> Answer {
    let hidden = |name| field(page, name).expect("a hidden field");
    let (csrf, challenge, next) = (hidden("csrf"), hidden("challenge"), hidden("next"));
    let fields = [
        ("csrf", csrf.as_str()),
        ("challenge", &challenge),
        ("next", &next),
        ("code", code),
    ];
    browser.submit("/sign-in/code", &fields).await
}

/// Who has turned the factor on by forms, with the app and the recovery codes.
async fn set_up(browser: &mut Browser) -> (App, Vec<String>) {
    let page = send(browser, "second-factor", &[("password", PASSWORD)]).await;
    assert_eq!(
        (page.status, page.header("cache-control")),
        (200, "no-store"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("<svg class=\"code-picture\""),
        "{}",
        page.text
    );
    let uri = field(&page, "uri").expect("the app's address");
    let uri = uri.replace("&#38;", "&").replace("&amp;", "&");
    let (_, rest) = uri.split_once("?secret=").expect("a secret");
    let app = App::new(rest.split('&').next().unwrap_or_default());
    let wrong = [("uri", uri.as_str()), ("code", "000000")];
    let again = send(browser, "second-factor/confirm", &wrong).await;
    assert_eq!(again.status, 422, "{}", again.text);
    assert!(again.text.contains("This code is wrong"), "{}", again.text);
    assert!(
        again.text.contains("<svg class=\"code-picture\""),
        "the picture stays"
    );
    let right = [("uri", uri.as_str()), ("code", &app.now(0))];
    let on = send(browser, "second-factor/confirm", &right).await;
    assert_eq!((on.status, on.header("cache-control")), (200, "no-store"));
    let codes = on.text.split("<li><code>").skip(1);
    let codes = codes.filter_map(|rest| rest.split('<').next());
    (app, codes.map(str::to_owned).collect())
}

#[tokio::test]
async fn a_second_factor_is_set_up_used_and_turned_off_with_forms_alone() {
    let shop = open().await;
    let before = shop.customer("ann").await;
    let mut here = Browser::signed_in(&shop, ANN).await;
    let refused = send(&mut here, "second-factor", &[("password", "wrong")]).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("The password is wrong."),
        "{}",
        refused.text
    );
    let (app, codes) = set_up(&mut here).await;
    assert_eq!(codes.len(), 10);
    assert_eq!(
        before.get("/api/v1/me").await.status,
        401,
        "signed out elsewhere"
    );
    let page = here.get(PAGE).await;
    assert!(
        page.text.contains("10 recovery codes left"),
        "{}",
        page.text
    );

    let mut there = Browser::new(&shop);
    let asked = there.sign_in(ANN, PASSWORD, "/p/tea").await;
    assert_eq!(
        (asked.status, asked.header("cache-control")),
        (200, "no-store")
    );
    assert!(
        !there.cookies.contains_key("souk_access"),
        "nothing is open yet"
    );
    assert!(asked.text.contains("autocomplete=\"one-time-code\""));
    let wrong = type_in(&mut there, &asked, "000000").await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    let opened = type_in(&mut there, &wrong, &app.now(1)).await;
    assert_eq!((opened.status, opened.header("location")), (303, "/p/tea"));
    assert_eq!(there.get("/account").await.status, 200);

    let both = [("password", PASSWORD), ("code", codes[0].as_str())];
    let made = send(&mut here, "second-factor/codes", &both).await;
    assert_eq!(made.text.matches("<li><code>").count(), 10, "{}", made.text);
    let used = send(&mut here, "second-factor/off", &both).await;
    assert_eq!(used.status, 422, "{}", used.text);
    let (_, rest) = made.text.split_once("<li><code>").expect("codes");
    let fresh = rest.split('<').next().unwrap_or_default();
    let both = [("password", PASSWORD), ("code", fresh)];
    let off = send(&mut here, "second-factor/off", &both).await;
    assert_eq!(
        (off.status, off.header("location")),
        (303, "/account/security?flash=off")
    );
    assert_eq!(
        there.get("/account").await.status,
        303,
        "signed out elsewhere"
    );
    Browser::signed_in(&shop, ANN).await;
}

#[tokio::test]
async fn who_waits_too_long_or_comes_without_a_challenge_begins_again() {
    let shop = open().await;
    let ann = shop.customer("ann").await;
    let (app, _) = App::set_up(&ann).await;
    let mut browser = Browser::new(&shop);
    let reloaded = browser.get("/sign-in/code").await;
    assert_eq!(
        (reloaded.status, reloaded.header("location")),
        (303, "/sign-in")
    );
    let asked = browser.sign_in(ANN, PASSWORD, "/p/tea").await;
    let code = app.now(1);
    let csrf = field(&asked, "csrf").expect("a proof");
    for challenge in ["", "x", &"A".repeat(75)] {
        let fields = [
            ("csrf", csrf.as_str()),
            ("challenge", challenge),
            ("next", "//evil.example"),
            ("code", &code),
        ];
        let late = browser.submit("/sign-in/code", &fields).await;
        assert_eq!(late.status, 401);
        assert!(late.text.contains("That took too long."), "{}", late.text);
        assert!(!late.text.contains("evil.example"));
    }
    let challenge = field(&asked, "challenge").expect("a challenge");
    let unproven = [("challenge", challenge.as_str()), ("code", &code)];
    let stale = browser.submit("/sign-in/code", &unproven).await;
    assert_eq!(stale.status, 403);
    assert!(!browser.cookies.contains_key("souk_access"));
    let opened = type_in(&mut browser, &asked, &code).await;
    assert_eq!(opened.status, 303, "and none of it used the code up");
}

#[tokio::test]
async fn sessions_are_shown_and_ended_with_buttons() {
    let shop = open().await;
    let phone = shop.customer("ann").await;
    let mut here = Browser::signed_in(&shop, ANN).await;
    let mut there = Browser::signed_in(&shop, ANN).await;
    let page = here.get(PAGE).await;
    assert_eq!(
        page.text.matches("<button class=\"plain\" type").count(),
        3,
        "{}",
        page.text
    );
    assert_eq!(page.text.matches("This is you").count(), 1);
    let oldest = all(&page, "name=\"id\" value=\"");
    let oldest = oldest.last().expect("a session");
    let ended = send(&mut here, "end-session", &[("id", oldest)]).await;
    assert_eq!(ended.header("location"), "/account/security?flash=session");
    assert_eq!(phone.get("/api/v1/me").await.status, 401);
    assert_eq!(there.get("/account").await.status, 200);
    let foreign = send(&mut here, "end-session", &[("id", "x")]).await;
    assert_eq!(foreign.status, 404);
    let out = send(&mut here, "end-sessions", &[]).await;
    assert_eq!((out.status, out.header("location")), (303, "/sign-in"));
    assert!(here.cookies.is_empty(), "{:?}", here.cookies);
    assert_eq!(there.get("/account").await.status, 303);
}

#[tokio::test]
async fn another_password_is_set_with_a_form_and_a_code_where_one_is_asked_for() {
    let shop = open().await;
    let ann = shop.customer("ann").await;
    let mut here = Browser::signed_in(&shop, ANN).await;
    let weak = [("current", PASSWORD), ("new", "seven77")];
    let refused = send(&mut here, "password", &weak).await;
    assert_eq!(refused.status, 422);
    assert!(
        refused.text.contains("id=\"new-error\""),
        "{}",
        refused.text
    );
    let right = [("current", PASSWORD), ("new", NEW)];
    let changed = send(&mut here, "password", &right).await;
    assert_eq!(
        changed.header("location"),
        "/account/security?flash=password"
    );
    assert_eq!(ann.get("/api/v1/me").await.status, 401);
    let back = [("current", NEW), ("new", PASSWORD)];
    assert_eq!(send(&mut here, "password", &back).await.status, 303);
    let (_, codes) = set_up(&mut here).await;
    let asked = send(&mut here, "password", &right).await;
    assert_eq!(asked.status, 422, "{}", asked.text);
    let mut right = right.to_vec();
    right.push(("code", &codes[0]));
    assert_eq!(send(&mut here, "password", &right).await.status, 303);
    let login = json!({"email": ANN, "password": NEW});
    let asked = shop.visitor().post("/api/v1/auth/login", &login).await;
    assert_eq!(asked.code(), "second_factor_required");
}

#[tokio::test]
async fn nothing_of_the_page_is_done_without_its_proof_or_its_owner() {
    let shop = open().await;
    let ann = shop.customer("ann").await;
    let (_, codes) = App::set_up(&ann).await;
    let mut here = Browser::new(&shop);
    let asked = here.sign_in(ANN, PASSWORD, "").await;
    assert_eq!(type_in(&mut here, &asked, &codes[0]).await.status, 303);
    let mut nobody = Browser::new(&shop);
    let gone = nobody.get(PAGE).await;
    let sign_in = "/sign-in?next=%2Faccount%2Fsecurity";
    assert_eq!((gone.status, gone.header("location")), (303, sign_in));
    for form in [
        "password",
        "end-session",
        "end-sessions",
        "second-factor",
        "second-factor/confirm",
        "second-factor/codes",
        "second-factor/off",
    ] {
        let path = format!("{PAGE}/{form}");
        let fields = [
            ("current", PASSWORD),
            ("new", NEW),
            ("password", PASSWORD),
            ("code", codes[1].as_str()),
            ("csrf", "x"),
        ];
        let unproven = here.submit(&path, &fields).await;
        assert_eq!(unproven.status, 403, "{form}");
        let stranger = nobody.submit(&path, &fields).await;
        assert_eq!(
            (stranger.status, stranger.header("location")),
            (303, sign_in)
        );
    }
    let page = here.get(PAGE).await;
    assert!(page.text.contains("9 recovery codes left"), "{}", page.text);
    assert_eq!(ann.get("/api/v1/me").await.status, 200);
}

#[tokio::test]
async fn a_shop_on_tls_shows_its_own_name_to_the_app() {
    let shop = Shop::start_with(&[("SOUK_HTTP__PUBLIC_URL", "https://shop.example")]).await;
    let ann = shop.customer("ann").await;
    let wish = json!({"password": PASSWORD});
    let begun = ann.post("/api/v1/me/second-factor", &wish).await;
    let start = "otpauth://totp/shop.example:ann%40souk.example?secret=";
    assert!(begun.str("/uri").starts_with(start), "{}", begun.text);
}
