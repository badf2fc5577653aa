//! Other sites' pages: none may call the shop unless it is named, and then the API only, and without cookies.

use crate::{
    fakes::answer,
    shop::{Answer, Shop, Wish, wish},
};
use contracts::access::Role;
use serde_json::json;

const FRIEND: &str = "https://app.example";

fn shop(sites: &[&str]) -> Shop {
    let settings = json!({"gateway": {"cors_origins": sites}});
    Shop::with(settings, |_| answer(200, &json!({})))
}

fn preflight(site: &str, path: &str) -> Wish {
    wish("OPTIONS", path)
        .header("origin", site)
        .header("access-control-request-method", "POST")
}

/// What browsers go by.
fn allows(told: &Answer) -> Vec<String> {
    let names = told.headers.keys().map(|name| name.as_str().to_owned());
    let mut allows: Vec<_> = names
        .filter(|name| name.starts_with("access-control-"))
        .collect();
    allows.sort();
    allows
}

#[tokio::test]
async fn no_site_may_call_a_shop_that_names_none() {
    let shop = shop(&[]);
    for site in [FRIEND, "null", "https://shop.example"] {
        let told = shop.ask(preflight(site, "/api/v1/orders")).await;
        assert_eq!(told.brief(), "403 forbidden", "{site}");
        assert!(allows(&told).is_empty(), "{site}");
        let told = shop
            .ask(wish("GET", "/api/v1/products").header("origin", site))
            .await;
        assert!(
            allows(&told).is_empty() && told.header("vary").is_empty(),
            "{site}"
        );
    }
}

#[tokio::test]
async fn a_site_that_is_named_may_call_the_api_without_cookies() {
    let shop = shop(&["http://127.0.0.1:3000", FRIEND]);
    let told = shop.ask(preflight(FRIEND, "/api/v1/orders")).await;
    assert_eq!(told.status, 204);
    assert_eq!(told.header("access-control-allow-origin"), FRIEND);
    assert!(
        told.header("access-control-allow-headers")
            .contains("idempotency-key")
    );
    assert!(told.header("access-control-allow-methods").contains("POST"));
    assert_eq!(shop.seen().len(), 0, "no service is asked");
    for (method, path) in [
        ("GET", "/api/v1/products"),
        ("POST", "/api/v1/orders"),
        ("GET", "/api/v1/nothing"),
    ] {
        let told = shop.ask(wish(method, path).header("origin", FRIEND)).await;
        assert_eq!(told.header("access-control-allow-origin"), FRIEND, "{path}");
        assert_eq!(told.header("vary"), "origin", "{path}");
        assert_eq!(
            told.header("access-control-allow-credentials"),
            "",
            "{path}"
        );
    }
    // A cache keeps no answer without the word that others get another one.
    let told = shop.ask(wish("GET", "/api/v1/products")).await;
    assert_eq!((told.header("vary"), allows(&told).len()), ("origin", 0));
}

#[tokio::test]
async fn neither_other_sites_nor_other_paths_are_let_in_by_it() {
    let shop = shop(&[FRIEND]);
    for site in [
        "https://app.example.evil.example",
        "http://app.example",
        "https://app.example:8443",
        "null",
    ] {
        let told = shop.ask(preflight(site, "/api/v1/orders")).await;
        assert_eq!((told.status, allows(&told).len()), (403, 0), "{site}");
        let told = shop
            .ask(wish("GET", "/api/v1/products").header("origin", site))
            .await;
        assert!(allows(&told).is_empty(), "{site}");
    }
    for path in [
        "/",
        "/sign-in",
        "/orders",
        "/products",
        "/login",
        "/api/orders",
    ] {
        let told = shop.ask(preflight(FRIEND, path)).await;
        assert_eq!((told.status, allows(&told).len()), (403, 0), "{path}");
        let told = shop.ask(wish("GET", path).header("origin", FRIEND)).await;
        assert!(allows(&told).is_empty(), "{path}");
    }
    // The session's cookies are worth nothing to it.
    let token = shop.signer.token(shop.ann, &[Role::Customer]);
    let order = wish("POST", "/api/v1/orders")
        .header("origin", FRIEND)
        .header("cookie", &format!("__Host-souk_access={token}"));
    assert_eq!(shop.ask(order).await.brief(), "403 csrf_failed");
}
