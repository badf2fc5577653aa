//! What protects people: headers, and requests that no page of ours has caused.

use crate::browser::{Browser, HTML, all, open};
use reqwest::Method;
use serde_json::json;
use std::collections::BTreeMap;
use testkit::{Answer, PASSWORD};

const ANN: &str = "ann@souk.example";
/// What a browser tells of a form on another site.
const FOREIGN: &[(&str, &str)] = &[
    ("origin", "https://evil"),
    ("origin", "null"),
    ("origin", "http://127.0.0.1:1"),
    ("sec-fetch-site", "cross-site"),
    ("sec-fetch-site", "same-site"),
];

/// What no page is without.
const PARTS: &[&str] = &[
    "<!doctype html>",
    "<html lang=\"en\">",
    "<meta name=\"viewport\"",
    "<title>",
    "<main",
    "<h1",
];

/// Text of a page that would run or be styled in place, and scripts of anybody but us.
fn inline(page: &Answer) -> Option<&str> {
    let parts = page.text.split('<').skip(1);
    let mut tags = parts.filter_map(|rest| rest.split('>').next());
    tags.find(|tag| {
        // Told to machines as data: no browser runs it.
        if *tag == "script type=\"application/ld+json\"" {
            return false;
        }
        if tag.starts_with("script src=\"/assets/") {
            return false;
        }
        let name = tag.split_whitespace().next().unwrap_or_default();
        let runs = tag.split_whitespace().skip(1).any(|word| {
            let (name, value) = word.split_once('=').unwrap_or_default();
            name.starts_with("on") || name == "style" || value.contains("javascript:")
        });
        matches!(
            name,
            "script" | "style" | "iframe" | "object" | "embed" | "base"
        ) || runs
    })
}

pub(crate) fn check_headers(page: &Answer, path: &str) {
    let policy = page.header("content-security-policy");
    for rule in [
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ] {
        assert!(policy.contains(rule), "{path}: {policy}");
    }
    assert!(!policy.contains("unsafe"), "{path}: {policy}");
    for (name, value) in [
        ("content-type", "text/html; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(page.header(name), value, "{path}");
    }
    let permissions = page.header("permissions-policy");
    for power in ["camera=()", "geolocation=()", "microphone=()", "payment=()"] {
        assert!(permissions.contains(power), "{path}: {permissions}");
    }
    assert!(!page.header("x-request-id").is_empty(), "{path}");
    assert!(!page.header("cache-control").is_empty(), "{path}");
    for told in ["server", "x-powered-by"] {
        assert_eq!(page.header(told), "", "{path}");
    }
}

#[tokio::test]
async fn every_page_has_its_headers_and_nothing_that_runs() {
    let shop = open().await;
    shop.customer("ann").await;
    let mut ann = Browser::signed_in(&shop, ANN).await;
    let mut visitor = Browser::new(&shop);
    let home = visitor.get("/").await;
    let product = all(&home, "<h2><a href=\"")[0].to_owned();
    let style = visitor.get("/assets/souk.css").await.text.len();
    for (path, status, keep) in [
        ("/", 200, "no-cache"),
        ("/?q=tea", 200, "no-cache"),
        ("/?q=zeppelin", 200, "no-cache"),
        ("/?cursor=x", 400, "no-store"),
        (product.as_str(), 200, "no-cache"),
        ("/p/nothing", 404, "no-store"),
        ("/nothing", 404, "no-store"),
        ("/sign-out", 405, "no-store"),
        ("/problems/not_found", 200, "no-cache"),
        ("/problems/nothing", 404, "no-store"),
        ("/sign-in", 200, "no-store"),
        ("/register-account", 200, "no-store"),
        ("/forgot-password", 200, "no-store"),
        ("/reset-password?token=x", 200, "no-store"),
        ("/verify-email?token=x", 200, "no-store"),
        ("/cart", 200, "no-store"),
        ("/order/nothing", 404, "no-store"),
        ("/account", 200, "no-store"),
        ("/account/security", 200, "no-store"),
        ("/account/security/password", 405, "no-store"),
        ("/docs", 200, "max-age=60"),
    ] {
        let browser = if path.starts_with("/account") {
            &mut ann
        } else {
            &mut visitor
        };
        let page = browser.get(path).await;
        assert_eq!(
            (page.status, page.header("cache-control")),
            (status, keep),
            "{path}"
        );
        check_headers(&page, path);
        assert_eq!(inline(&page), None, "{path}");
        for part in PARTS {
            assert!(page.text.contains(part), "{path}: no {part}");
        }
        // The API's guide may be long.
        let weight = page.text.len() + style;
        assert!(path == "/docs" || weight < 50 * 1_024, "{path}: {weight}");
    }
    for path in ["/", &product] {
        assert_eq!(
            ann.get(path).await.header("cache-control"),
            "no-store",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_form_on_another_site_changes_nothing() {
    let shop = open().await;
    shop.customer("ann").await;
    let mut ann = Browser::signed_in(&shop, ANN).await;
    let out = ann.proof("/account").await;
    let mut visitor = Browser::new(&shop);
    let csrf = visitor.proof("/sign-in").await;
    for foreign in FOREIGN {
        let headers = [*foreign];
        let page = ann
            .submit_with("/sign-out", &[("csrf", &out)], &headers)
            .await;
        assert_eq!(page.status, 403, "{foreign:?}");
        assert!(page.header("content-type").starts_with("text/html"));
        let fields = [
            ("name", ANN),
            ("email", "new@souk.example"),
            ("password", PASSWORD),
            ("csrf", &csrf),
        ];
        for path in [
            "/sign-in",
            "/sign-in/code",
            "/register-account",
            "/forgot-password",
            "/reset-password",
            "/verify-email",
        ] {
            let page = visitor.submit_with(path, &fields, &headers).await;
            assert_eq!(page.status, 403, "{path} {foreign:?}");
            assert!(visitor.set.is_empty(), "{path} {foreign:?}");
        }
    }
    assert_eq!(ann.get("/account").await.status, 200, "still signed in");
    let login = json!({"email": "new@souk.example", "password": PASSWORD});
    assert_eq!(
        shop.visitor()
            .post("/api/v1/auth/login", &login)
            .await
            .status,
        401
    );
    let same = [("origin", shop.url()), ("sec-fetch-site", "same-origin")];
    let answer = ann.submit_with("/sign-out", &[("csrf", &out)], &same).await;
    assert_eq!(answer.status, 303);
}

#[tokio::test]
async fn odd_forms_are_refused_in_kind() {
    let shop = open().await;
    let client = shop.visitor();
    let form = "application/x-www-form-urlencoded";
    let long = format!("name={}", "a".repeat(70_000));
    for (kind, body, status) in [
        ("application/json", "{\"name\":\"ann\"}", 415),
        ("multipart/form-data; boundary=x", "--x--", 415),
        ("", "", 415),
        (form, "", 403),
        (form, "name=%ff&password=%00&csrf=%", 403),
        (form, "name=a&name=b", 422),
        (form, &long, 413),
    ] {
        for path in ["/sign-in", "/register-account", "/sign-out"] {
            let request = client.request(Method::POST, path).header("accept", HTML);
            let request = request.header("content-type", kind).body(body.to_owned());
            let page = client.send(request).await;
            // The way out has no field `name` that could come twice.
            let refused = page.status == status || (status == 422 && page.status == 403);
            assert!(refused, "{path} {kind} {body:.40}: {}", page.status);
            check_headers(&page, path);
        }
    }
}

#[tokio::test]
async fn a_cookie_alone_orders_nothing() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let tea = admin.sell("Mountain tea", 250, 90).await;
    shop.customer("ann").await;
    let ann = Browser::signed_in(&shop, ANN).await;
    let cookies: Vec<_> = ann
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let cookies = cookies.join("; ");
    let api = shop.visitor();
    let send = async |method: &str, path: &str, more: &[(&str, &str)]| {
        let body = json!({"items": [{"product_id": tea, "quantity": 1}]});
        let request = api
            .request(method.parse().expect("a method"), path)
            .json(&body);
        let request = request
            .header("cookie", &cookies)
            .header("idempotency-key", "k1");
        let request = more.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        api.send(request).await
    };
    for (method, path) in [
        ("POST", "/api/v1/orders"),
        ("POST", "/api/v1/orders/"),
        ("POST", "/orders"),
        ("PATCH", "/api/v1/me"),
        ("DELETE", "/api/v1/me"),
        ("POST", "/api/v1/auth/logout"),
        ("POST", "/api/auth/logout"),
        ("POST", "/api/auth/refresh"),
        ("PUT", "/api/auth/delete"),
        ("POST", "/api/v1/products"),
    ] {
        for more in FOREIGN.iter().map(std::slice::from_ref).chain([&[][..]]) {
            let answer = send(method, path, more).await;
            assert_eq!(
                (answer.status, answer.code()),
                (403, "csrf_failed"),
                "{method} {path} {more:?}"
            );
            assert!(answer.headers.get("set-cookie").is_none());
        }
    }
    assert_eq!(api.stock(&tea).await, (90, 0, 90));
    let answer = send("POST", "/api/v1/orders", &[("origin", shop.url())]).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let answer = send("GET", "/api/v1/orders", &[("sec-fetch-site", "cross-site")]).await;
    assert_eq!(answer.status, 200, "reading changes nothing");
    assert_eq!(
        answer.header("access-control-allow-origin"),
        "",
        "and tells another site nothing"
    );
}

#[tokio::test]
async fn no_address_changes_anything_when_it_is_only_read() {
    let shop = open().await;
    shop.customer("ann").await;
    let mut ann = Browser::signed_in(&shop, ANN).await;
    let csrf = ann.proof("/account").await;
    let before = ann.cookies.clone();
    for path in [
        format!("/sign-out?csrf={csrf}"),
        "/account?delete=true&_method=DELETE".to_owned(),
        "/api/v1/auth/logout".to_owned(),
        "/api/auth/logout".to_owned(),
        "/api/auth/delete".to_owned(),
    ] {
        for method in ["text/html", "application/json"] {
            let answer = ann.get_with(&path, ("accept", method)).await;
            assert!(
                matches!(answer.status, 200 | 404 | 405),
                "{path}: {}",
                answer.status
            );
        }
    }
    assert_eq!(ann.cookies, before);
    assert_eq!(
        ann.get("/account").await.status,
        200,
        "still signed in, still there"
    );
    let mut visitor = Browser::new(&shop);
    let csrf = visitor.proof("/sign-in").await;
    let fields = BTreeMap::from([
        ("name", ANN),
        ("email", "new@souk.example"),
        ("password", PASSWORD),
    ]);
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
        .collect();
    for path in ["/sign-in", "/register-account"] {
        let page = visitor
            .get(&format!("{path}?{}&csrf={csrf}", fields.join("&")))
            .await;
        assert_eq!(page.status, 200);
        assert!(!page.text.contains(PASSWORD), "{path}");
        assert!(!visitor.cookies.contains_key("souk_access"), "{path}");
    }
    let login = json!({"email": "new@souk.example", "password": PASSWORD});
    assert_eq!(
        shop.visitor()
            .post("/api/v1/auth/login", &login)
            .await
            .status,
        401
    );
}
