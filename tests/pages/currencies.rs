//! A choice of currency on the pages, without script, where there is one: what is shown, what a cart says of the
//! change, and what is paid.

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

fn shows(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

/// Buys what is in the cart, for what the page says that it costs.
async fn buy(guest: &mut Browser) {
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
    shows(&order, &["€35.98"]);
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
    shows(&home, &["Prices in USD", "$19.99"]);
    assert_eq!(put_in(&mut guest, tea).await.status, 303);
    let turned = turn(&mut guest, "EUR").await;
    assert_eq!(
        (turned.status, turned.header("location")),
        (303, "/cart"),
        "{}",
        turned.text
    );
    let home = guest.get("/").await;
    shows(&home, &["Prices in EUR", "€17.99"]);
    let page = guest.get("/p/tea").await;
    assert!(
        page.text.contains("€17.99") && !page.text.contains("$19.99"),
        "{}",
        page.text
    );
    let page = guest.get("/p/cup").await;
    shows(&page, &["Not sold in EUR"]);
    let cart = guest.get(&format!("/cart?add={cup}")).await;
    shows(&cart, &["Cup is not sold in EUR."]);
    shows(&cart, &["It was $19.99 when you put it in."]);
    shows(&cart, &["€35.98"]);
    let refused = put_in(&mut guest, cup).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    shows(&refused, &["It is not sold in EUR."]);
    buy(&mut guest).await;
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
