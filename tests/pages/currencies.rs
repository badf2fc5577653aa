//! A choice of currency on the pages, without script, where there is one: what is shown, what a cart says of the change,
//! and what is paid.

use crate::browser::{Browser, all, field, open};
use serde_json::{Value, json};
use testkit::{Answer, Shop};

async fn turn(browser: &mut Browser, currency: &str) -> Answer {
    let csrf = browser.proof("/currency?back=/cart").await;
    let fields = [
        ("csrf", csrf.as_str()),
        ("currency", currency),
        ("back", "/cart"),
    ];
    browser.submit("/currency", &fields).await
}

async fn put_in(browser: &mut Browser, variant: &str) -> Answer {
    let csrf = browser.proof(&format!("/cart?add={variant}")).await;
    let fields = [
        ("csrf", csrf.as_str()),
        ("variant", variant),
        ("quantity", "2"),
    ];
    browser.submit("/cart/items", &fields).await
}

#[tokio::test]
async fn who_chooses_a_currency_sees_pays_and_is_told_prices_in_it() {
    let euros = ("SOUK_CATALOG__FURTHER_CURRENCIES", "[\"EUR\"]");
    let mut shop = Shop::start_with(&[euros, ("SOUK_SHOP__DEMO", "false")]).await;
    let admin = shop.admin().await;
    let tea = json!({"name": "Tea", "price": "19.99", "stock": 9, "prices": [{"amount": 1_799, "currency": "EUR"}]});
    let tea = admin.post("/api/v1/products", &tea).await;
    let cup = admin
        .post(
            "/api/v1/products",
            &json!({"name": "Cup", "price": "9.00", "stock": 9}),
        )
        .await;
    let (tea, cup) = (tea.str("/variants/0/id"), cup.str("/variants/0/id"));
    let mut guest = Browser::new(&shop);
    let home = guest.get("/").await;
    assert!(
        home.text.contains("Prices in USD") && home.text.contains("$19.99"),
        "{}",
        home.text
    );
    assert_eq!(put_in(&mut guest, tea).await.status, 303);
    let turned = turn(&mut guest, "EUR").await;
    assert_eq!(
        (turned.status, turned.header("location")),
        (303, "/cart"),
        "{}",
        turned.text
    );
    let home = guest.get("/").await;
    assert!(
        home.text.contains("Prices in EUR") && home.text.contains("€17.99"),
        "{}",
        home.text
    );
    let page = guest.get("/p/tea").await;
    assert!(
        page.text.contains("€17.99") && !page.text.contains("$19.99"),
        "{}",
        page.text
    );
    let page = guest.get("/p/cup").await;
    assert!(page.text.contains("Not sold in EUR"), "{}", page.text);
    let cart = guest.get(&format!("/cart?add={cup}")).await;
    assert!(
        cart.text.contains("Cup is not sold in EUR."),
        "{}",
        cart.text
    );
    assert!(
        cart.text.contains("It was $19.99 when you put it in."),
        "{}",
        cart.text
    );
    assert!(cart.text.contains("€35.98"), "{}", cart.text);
    let refused = put_in(&mut guest, cup).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(
        refused.text.contains("It is not sold in EUR."),
        "{}",
        refused.text
    );
    let page = guest.get("/checkout").await;
    let one = |name| field(&page, name).expect("a hidden field");
    assert_eq!(one("total"), "3598 EUR");
    let (csrf, cart, total) = (one("csrf"), one("cart"), one("total"));
    let fields = [
        ("csrf", csrf.as_str()),
        ("cart", cart.as_str()),
        ("total", total.as_str()),
        ("email", "gus@souk.example"),
        ("method", "tok_ok"),
    ];
    let bought = guest.submit("/checkout", &fields).await;
    assert_eq!(bought.status, 303, "{}", bought.text);
    let order = guest.get(bought.header("location")).await;
    assert!(order.text.contains("€35.98"), "{}", order.text);
    let list = admin.get("/api/v1/orders").await;
    let totals: Vec<&Value> = list.json["data"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|one| &one["total"])
        .collect();
    assert_eq!(totals, [&json!({"amount": 3_598, "currency": "EUR"})]);
    assert_eq!(turn(&mut guest, "CHF").await.status, 422);
    assert_eq!(turn(&mut guest, "USD").await.status, 303);
    assert!(guest.get("/").await.text.contains("Prices in USD"));
    shop.verify().await;
}

#[tokio::test]
async fn where_there_is_one_currency_there_is_nothing_to_choose() {
    let shop = open().await;
    let mut guest = Browser::new(&shop);
    guest
        .cookies
        .insert("souk_currency".to_owned(), "EUR".to_owned());
    let home = guest.get("/").await;
    assert!(
        home.text.contains('$') && !home.text.contains("Prices in"),
        "{}",
        home.text
    );
    assert!(all(&home, "href=\"/currency").is_empty());
    assert_eq!(guest.get("/currency").await.status, 404);
}
