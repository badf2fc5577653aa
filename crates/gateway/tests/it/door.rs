//! Which service answers, with what the door knows of the caller; and what the door answers by itself.

use crate::{
    fakes::answer,
    shop::{Shop, wish},
};
use serde_json::json;

#[tokio::test]
async fn each_path_is_answered_by_its_service() {
    let shop = Shop::open(|_| answer(200, &json!({})));
    for (path, expected) in [
        ("/api/v1/auth/login", "identity"),
        ("/api/v1/me", "identity"),
        ("/api/v1/users/usr_1", "identity"),
        ("/.well-known/jwks.json", "identity"),
        ("/api/v1/products?limit=1", "catalog"),
        ("/api/v1/products/", "catalog"),
        ("/api/v1/categories", "catalog"),
        ("/api/v1/inventory/var_1", "catalog"),
        ("/api/v1/orders/ord_1/cancel", "orders"),
        ("/api/v1/payments", "payments"),
        ("/", "storefront"),
        ("/p/green-tea", "storefront"),
        ("/assets/souk.css", "storefront"),
    ] {
        let told = shop.ask(wish("GET", path)).await;
        assert_eq!(told.header("x-answered-by"), expected, "{path}");
    }
}

#[tokio::test]
async fn a_trailing_slash_is_taken_without_a_redirect() {
    let shop = Shop::open(|_| answer(200, &json!({"data": [], "next_cursor": null})));
    assert_eq!(
        shop.ask(wish("GET", "/api/v1/products/?q=a")).await.status,
        200
    );
    assert_eq!(shop.ask(wish("GET", "/products/")).await.status, 200);
    assert_eq!(
        shop.lines(),
        ["GET /api/v1/products?q=a", "GET /api/v1/products?limit=100"]
    );
}

#[tokio::test]
async fn an_unknown_api_path_is_a_problem_and_asks_nobody() {
    let shop = Shop::open(|_| answer(200, &json!({})));
    for path in [
        "/api/v1",
        "/api/v1/nothing",
        "/api/v1/%2e%2e/products",
        "/api/v2/orders",
    ] {
        let told = shop
            .ask(wish("GET", path).header("accept", "text/html"))
            .await;
        assert_eq!(told.brief(), "404 not_found", "{path}");
        assert_eq!(
            told.header("content-type"),
            "application/problem+json",
            "{path}"
        );
    }
    assert!(shop.seen().is_empty());
}

#[tokio::test]
async fn a_service_without_an_answer_is_a_problem_too() {
    let shop = Shop::open(|_| None);
    assert_eq!(
        shop.ask(wish("GET", "/api/v1/products/x")).await.brief(),
        "404 not_found"
    );
    assert_eq!(
        shop.ask(wish("GET", "/products/x")).await.brief(),
        "404 not_found"
    );
}

#[tokio::test]
async fn headers_that_claim_to_be_somebody_reach_nobody() {
    let shop = Shop::open(|_| answer(200, &json!({})));
    let claims = wish("GET", "/api/v1/orders")
        .header("x-user-id", "usr_1")
        .header("x-role", "admin")
        .header("x-forwarded-user", "admin")
        .header("x-forwarded-for", "127.0.0.1")
        .header("x-forwarded-host", "evil.example")
        .header("forwarded", "for=127.0.0.1");
    shop.ask(claims).await;
    let seen = shop.seen().remove(0);
    let mut names: Vec<_> = seen.headers.keys().map(ToString::to_string).collect();
    names.sort();
    assert_eq!(names, ["host"]);
    assert_eq!(seen.who, None);
    assert_eq!(seen.client, "203.0.113.9".parse().ok());
}

#[tokio::test]
async fn a_trusted_proxy_is_believed_about_the_client() {
    let settings =
        json!({"gateway": {"trusted_proxies": ["10.0.0.0/8"]}, "limits": {"enabled": false}});
    let shop = Shop::with(settings, |_| answer(200, &json!({})));
    let through = |peer: &str| {
        let forwarded = "1.1.1.1, 198.51.100.7, 10.0.0.3";
        wish("GET", "/")
            .from(peer)
            .header("x-forwarded-for", forwarded)
    };
    shop.ask(through("10.0.0.2")).await;
    shop.ask(through("203.0.113.9")).await;
    let clients: Vec<_> = shop
        .seen()
        .iter()
        .map(|seen| seen.client.unwrap().to_string())
        .collect();
    assert_eq!(clients, ["198.51.100.7", "203.0.113.9"]);
}

#[tokio::test]
async fn the_door_answers_for_itself() {
    let shop = Shop::open(|_| None);
    let told = shop.ask(wish("GET", "/livez")).await;
    assert_eq!((told.status, told.text.as_str()), (200, "ok"));
    assert_eq!(shop.ask(wish("GET", "/readyz")).await.status, 200);
    shop.readiness.drain();
    assert_eq!(
        shop.ask(wish("GET", "/readyz")).await.brief(),
        "503 unavailable"
    );
    assert_eq!(shop.ask(wish("GET", "/livez")).await.status, 200);
    let version = shop.ask(wish("GET", "/version")).await.json();
    assert_eq!(version["name"], "souk");
    assert_eq!(
        shop.ask(wish("GET", "/openapi.json")).await.json()["info"]["title"],
        "Souk"
    );
    let wrong = shop.ask(wish("POST", "/version")).await;
    assert_eq!((wrong.status, wrong.header("allow")), (405, "GET, HEAD"));
    assert!(shop.seen().is_empty());
}

#[tokio::test]
async fn the_documentation_is_one_plain_page() {
    let shop = Shop::open(|_| None);
    let page = shop.ask(wish("GET", "/docs")).await;
    assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
    for part in [
        "<h2 id=\"tag-orders\">orders</h2>",
        "<article id=\"place_order\"><h3>Place an order</h3>",
        "<b class=\"post\">POST</b> <code>/api/v1/orders</code>",
        "<p>Holds the stock.</p><p>Then writes the order.</p>",
        "<code>Idempotency-Key</code> <em>required</em>",
        "<a href=\"#schema-PlaceOrder\">PlaceOrder</a>",
        "<article id=\"schema-PlaceOrder\">",
        "Placed &lt;at once&gt;",
        "id=\"problem-insufficient_stock\"",
    ] {
        assert!(
            page.text.contains(part),
            "{part} is missing in {}",
            page.text
        );
    }
    assert!(!page.text.contains("<script") && !page.text.contains("style="));
    let style = shop.ask(wish("GET", "/docs/docs.css")).await;
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
}

#[tokio::test]
async fn other_sites_may_not_call() {
    let shop = Shop::open(|_| answer(200, &json!({})));
    let preflight = wish("OPTIONS", "/api/v1/orders")
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST");
    let told = shop.ask(preflight).await;
    assert_eq!(told.brief(), "403 forbidden");
    let plain = shop
        .ask(wish("GET", "/api/v1/products").header("origin", "https://evil.example"))
        .await;
    for answer in [&told, &plain] {
        let opened = answer
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("access-control"));
        assert!(!opened, "no CORS header");
    }
    let options = shop.ask(wish("OPTIONS", "/products")).await;
    assert_eq!(
        (options.status, options.header("allow")),
        (405, "GET, HEAD, POST")
    );
}
