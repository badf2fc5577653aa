//! Signing in, signing out, opening an account, and one's own account.

use crate::browser::{Browser, field, open};
use serde_json::json;
use testkit::{PASSWORD, Shop};

const ANN: &str = "ann@souk.example";

#[tokio::test]
async fn a_form_without_its_proof_signs_nobody_in() {
    let shop = open().await;
    shop.customer("ann").await;
    let mut browser = Browser::new(&shop);
    let mut other = Browser::new(&shop);
    let foreign = other.proof("/sign-in").await;
    browser.proof("/sign-in").await;
    let forms = [("/sign-in", "name"), ("/register-account", "email")];
    for (path, name) in forms {
        for csrf in ["", "x", "a.b", &foreign] {
            let fields = [(name, ANN), ("password", PASSWORD), ("csrf", csrf)];
            let page = browser.submit(path, &fields).await;
            assert_eq!(page.status, 403, "{path} {csrf}: {}", page.text);
            assert!(page.text.contains("send it once more"), "{}", page.text);
            assert_eq!(
                field(&page, name).as_deref(),
                Some(ANN),
                "nothing is typed twice"
            );
        }
        let page = browser
            .submit(path, &[(name, ANN), ("password", PASSWORD)])
            .await;
        assert_eq!(page.status, 403, "{path}: {}", page.text);
    }
    assert!(browser.cookies.keys().all(|name| name == "souk_form"));
    let proof = browser.proof("/sign-in").await;
    browser.cookies.clear();
    let fields = [
        ("name", ANN),
        ("password", PASSWORD),
        ("csrf", proof.as_str()),
    ];
    assert_eq!(
        browser.submit("/sign-in", &fields).await.status,
        403,
        "without its cookie"
    );
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again() {
    let shop = open().await;
    shop.customer("ann").await;
    let mut browser = Browser::new(&shop);
    let wrong = browser.sign_in(ANN, "wrong horse battery", "/p/tea").await;
    let unknown = browser
        .sign_in("nobody@souk.example", "wrong horse battery", "")
        .await;
    for (page, typed) in [(&wrong, ANN), (&unknown, "nobody@souk.example")] {
        assert_eq!(page.status, 401, "{}", page.text);
        assert!(page.text.contains("The name or the password is wrong."));
        assert_eq!(field(page, "name").as_deref(), Some(typed));
        assert!(!page.text.contains("wrong horse battery"));
        assert_eq!(page.header("cache-control"), "no-store");
    }
    assert_eq!(
        field(&wrong, "next").as_deref(),
        Some("/p/tea"),
        "and where to go on"
    );
    for (name, password, words) in [
        ("", "x", "Please enter your e-mail address or user name."),
        (ANN, "", "Please enter your password."),
    ] {
        let page = browser.sign_in(name, password, "").await;
        assert_eq!(page.status, 422, "{}", page.text);
        assert!(page.text.contains(words), "{}", page.text);
    }
    assert!(!browser.cookies.contains_key("souk_access"));
}

#[tokio::test]
async fn too_many_wrong_passwords_have_to_wait() {
    let shop = open().await;
    shop.customer("ann").await;
    let mut browser = Browser::new(&shop);
    let mut last = browser.sign_in(ANN, "wrong horse battery", "").await;
    for _ in 0..11 {
        last = browser.sign_in(ANN, "wrong horse battery", "").await;
    }
    assert_eq!(last.status, 429, "{}", last.text);
    let wait = last.header("retry-after").parse::<u32>();
    assert!(wait.is_ok_and(|seconds| seconds > 0), "{:?}", last.headers);
    assert!(last.text.contains("There were too many tries. Please wait"));
    assert_eq!(field(&last, "name").as_deref(), Some(ANN));
}

fn check_cookies(browser: &Browser, prefix: &str, secure: bool) {
    for name in ["souk_access", "souk_refresh"] {
        let start = format!("{prefix}{name}=");
        let line = browser.set.iter().find(|line| line.starts_with(&start));
        let line = line.expect("it is set");
        for flag in ["; HttpOnly", "; SameSite=Lax", "; Path=/", "; Max-Age="] {
            assert!(line.contains(flag), "{line}");
        }
        assert_eq!(line.contains("; Secure"), secure, "{line}");
        assert!(!line.contains("Domain="), "{line}");
    }
}

#[tokio::test]
async fn the_right_password_opens_a_session_in_cookies() {
    let shop = open().await;
    shop.customer("ann").await;
    let mut browser = Browser::new(&shop);
    let before = browser.proof("/sign-in").await;
    let secret = browser.cookies.get("souk_form").cloned();
    for name in [ANN, "ANN@Souk.Example"] {
        let answer = browser.sign_in(name, PASSWORD, "").await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, "/account")
        );
        assert_eq!(answer.header("cache-control"), "no-store");
        check_cookies(&browser, "", false);
        assert_ne!(
            browser.cookies.get("souk_form"),
            secret.as_ref(),
            "no form outlives a sign-in"
        );
        let page = browser.get("/account").await;
        assert!(
            page.status == 200 && page.text.contains(ANN),
            "{}",
            page.text
        );
        let again = browser.get("/sign-in").await;
        assert_eq!((again.status, again.header("location")), (303, "/account"));
        let csrf = field(&page, "csrf").expect("a way out");
        assert_eq!(
            browser.submit("/sign-out", &[("csrf", &csrf)]).await.status,
            303
        );
    }
    let fields = [
        ("name", ANN),
        ("password", PASSWORD),
        ("csrf", before.as_str()),
    ];
    assert_eq!(
        browser.submit("/sign-in", &fields).await.status,
        403,
        "an old page's form"
    );
}

#[tokio::test]
async fn on_tls_the_cookies_are_bound_to_the_host() {
    let shop = Shop::start_with(&[("SOUK_HTTP__PUBLIC_URL", "https://shop.example")]).await;
    shop.customer("ann").await;
    let mut browser = Browser::new(&shop);
    browser
        .headers
        .push(("origin", "https://shop.example".to_owned()));
    let answer = browser.sign_in(ANN, PASSWORD, "").await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    check_cookies(&browser, "__Host-", true);
    assert_eq!(browser.get("/account").await.status, 200);
    browser.cookies = browser
        .cookies
        .iter()
        .map(|(name, value)| (name.replace("__Host-", ""), value.clone()))
        .collect();
    assert_eq!(
        browser.get("/account").await.status,
        303,
        "a cookie that any host could set"
    );
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let shop = open().await;
    shop.customer("ann").await;
    let outside = [
        "//evil",
        "https://evil",
        "https:evil",
        "/\\evil",
        "\\\\evil",
        "javascript:alert(1)",
        "///evil",
        "/\t/evil",
        "\t//evil",
        " //evil",
        "evil",
        "/\r\nset-cookie: a=b",
        "http:///evil",
    ];
    for next in outside {
        let mut browser = Browser::new(&shop);
        let query = next
            .bytes()
            .fold(String::new(), |text, byte| format!("{text}%{byte:02X}"));
        for path in ["/sign-in", "/register-account"] {
            let page = browser.get(&format!("{path}?next={query}")).await;
            assert_eq!(field(&page, "next").as_deref(), Some(""), "{path} {next}");
        }
        let answer = browser.sign_in(ANN, PASSWORD, next).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, "/account"),
            "{next}"
        );
        assert!(answer.header("set-cookie").starts_with("souk_"));
        let answer = browser.get(&format!("/sign-in?next={query}")).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (303, "/account"),
            "{next}"
        );
    }
    let mut browser = Browser::new(&shop);
    let answer = browser.sign_in(ANN, PASSWORD, "/?q=tea&sort=price").await;
    assert_eq!(answer.header("location"), "/?q=tea&sort=price");
}

#[tokio::test]
async fn an_account_page_shows_one_s_own_orders_to_oneself_alone() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let tea = admin.sell("Mountain tea", 250, 90).await;
    let pot = admin.sell("Iron pot", 4_000, 90).await;
    let ann = shop.customer("ann").await;
    let bob = shop.customer("bob").await;
    assert_eq!(ann.buy("k1", &tea, 2, "tok_ok").await.status, 201);
    let order = ann.order("k2", &tea, 1).await;
    assert_eq!(bob.order("k1", &pot, 1).await.status, 201);
    let mut browser = Browser::new(&shop);
    let answer = browser.get("/account").await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "/sign-in?next=%2Faccount")
    );
    for (name, mine, theirs) in [
        (ANN, "Mountain tea", "Iron pot"),
        ("bob@souk.example", "Iron pot", "Mountain tea"),
    ] {
        let mut browser = Browser::signed_in(&shop, name).await;
        let page = browser.get("/account").await;
        assert_eq!(
            (page.status, page.header("cache-control")),
            (200, "no-store")
        );
        assert!(
            page.text.contains(mine) && !page.text.contains(theirs),
            "{}",
            page.text
        );
        assert!(page.text.contains(name), "{}", page.text);
    }
    let mut browser = Browser::signed_in(&shop, ANN).await;
    let page = browser.get("/account").await;
    for words in [
        ">Paid<",
        ">Pending<",
        "$5.00",
        "2 × Mountain tea",
        &order.int("/number").to_string(),
    ] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let mut browser = Browser::signed_in(&shop, "admin@souk.example").await;
    let page = browser.get("/account").await;
    assert!(
        page.text.contains("You have not ordered anything yet"),
        "{}",
        page.text
    );
    for bad in ["/account?cursor=x", "/account?cursor=%00"] {
        assert_eq!(browser.get(bad).await.status, 400);
    }
}

#[tokio::test]
async fn many_orders_come_in_pages() {
    let mut shop = open().await;
    let tea = shop.admin().await.sell("Mountain tea", 250, 90).await;
    let ann = shop.customer("ann").await;
    for number in 0..25 {
        let answer = ann.order(&format!("k{number}"), &tea, 1).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let mut browser = Browser::signed_in(&shop, ANN).await;
    let rows = |page: &testkit::Answer| page.text.matches("<tr><th scope=\"row\">").count();
    let first = browser.get("/account").await;
    let (_, rest) = first
        .text
        .split_once("href=\"/account?cursor=")
        .expect("a next page");
    let cursor = rest.split('"').next().unwrap_or_default();
    let second = browser.get(&format!("/account?cursor={cursor}")).await;
    assert_eq!(rows(&first) + rows(&second), 25);
    assert!(!second.text.contains("rel=\"next\""));
}

#[tokio::test]
async fn signing_out_ends_the_session_and_not_only_its_cookies() {
    let shop = open().await;
    shop.customer("ann").await;
    let mut browser = Browser::signed_in(&shop, ANN).await;
    let before = browser.cookies.clone();
    for csrf in ["", "x"] {
        let answer = browser.submit("/sign-out", &[("csrf", csrf)]).await;
        assert_eq!(answer.status, 403, "{}", answer.text);
    }
    assert_eq!(browser.get("/sign-out").await.status, 405);
    let csrf = browser.proof("/account").await;
    let answer = browser.submit("/sign-out", &[("csrf", &csrf)]).await;
    assert_eq!((answer.status, answer.header("location")), (303, "/"));
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    assert!(browser.get("/").await.text.contains(">Sign in</a>"));

    let access = before.get("souk_access").expect("it was there");
    let token = format!("Bearer {access}");
    let answer = browser
        .get_with("/api/v1/me", ("authorization", &token))
        .await;
    assert_eq!((answer.status, answer.code()), (401, "invalid_token"));
    for left in ["souk_access", "souk_refresh"] {
        browser.cookies = before.clone();
        browser.cookies.retain(|name, _| name == left);
        let answer = browser.get("/account").await;
        assert_eq!(answer.status, 303, "{left}");
        assert!(
            browser.cookies.is_empty(),
            "what is worth nothing is taken away"
        );
    }
}

#[tokio::test]
async fn a_session_goes_on_when_its_access_token_is_over() {
    let shop = open().await;
    shop.customer("ann").await;
    let mut browser = Browser::signed_in(&shop, ANN).await;
    let old = browser
        .cookies
        .insert("souk_access".to_owned(), "over".to_owned());
    let answer = browser.get("/account").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    check_cookies(&browser, "", false);
    assert_ne!(browser.cookies.get("souk_access"), old.as_ref());
    browser.cookies.remove("souk_access");
    assert_eq!(browser.get("/account").await.status, 200);
}

#[tokio::test]
async fn an_account_is_opened_with_the_form() {
    let shop = open().await;
    let mut browser = Browser::new(&shop);
    for (email, password, words) in [
        ("ann", PASSWORD, "must be an e-mail address"),
        ("", PASSWORD, "id=\"email-error\""),
        (ANN, "", "Please choose a password."),
        (ANN, "short", "at least 8 characters"),
        ("ann", "short", "must be an e-mail address"),
        (ANN, &"x".repeat(129), "at most 128 characters"),
    ] {
        let page = browser.register(email, "Ann", password).await;
        assert_eq!(page.status, 422, "{}", page.text);
        assert!(page.text.contains(words), "{words}: {}", page.text);
        assert_eq!(field(&page, "email").as_deref(), Some(email));
        assert!(password.is_empty() || !page.text.contains(&format!("\"{password}\"")));
    }
    assert!(!browser.cookies.contains_key("souk_access"));
    let answer = browser.register(ANN, "Ann", PASSWORD).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, "/account?flash=welcome")
    );
    check_cookies(&browser, "", false);
    let page = browser.get("/account?flash=welcome").await;
    for words in ["Hello, Ann", ANN, "Your account is open. Welcome."] {
        assert!(page.text.contains(words), "{words}: {}", page.text);
    }
    let page = Browser::new(&shop)
        .register("ANN@souk.example", "", PASSWORD)
        .await;
    assert_eq!(page.status, 422, "{}", page.text);
    assert!(
        page.text.contains("has an account already"),
        "{}",
        page.text
    );
    let login = json!({"email": ANN, "password": PASSWORD});
    let answer = shop.visitor().post("/api/v1/auth/login", &login).await;
    assert_eq!(
        answer.json["user"]["roles"],
        json!(["customer", "merchant"])
    );
}
