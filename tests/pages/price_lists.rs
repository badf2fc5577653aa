//! What a variant costs in further currencies, on the pages for staff, with a shop on its own files and with one on
//! PostgreSQL: written down, seen by whoever buys, taken back, refused beside its field, and changed by two at a time.

use crate::{
    browser::{Browser, open},
    forms::{form, send},
};
use serde_json::{Value, json};
use testkit::{Answer, Client, Shop, on_both_stores, postgres::Postgres};

/// A shop that sells in dollars, euros and yen.
async fn abroad(more: &[(&str, &str)]) -> Shop {
    let mut settings = vec![
        ("SOUK_CATALOG__FURTHER_CURRENCIES", "[\"EUR\", \"JPY\"]"),
        ("SOUK_SHOP__DEMO", "false"),
        ("SOUK_IDENTITY__REGISTRATION_ROLE", "merchant"),
    ];
    settings.extend(more);
    Shop::start_with(&settings).await
}

on_both_stores! {
    abroad:
    a_price_is_written_down_in_a_currency_paid_and_taken_back,
    what_is_no_price_is_refused_beside_its_currency_and_changes_nothing,
    two_who_price_one_variant_decide_currency_by_currency,
    nobody_prices_what_another_sells_or_without_a_proof,
}

/// Something plain to sell: its address in the API, and the page of its prices.
async fn tea(seller: &Client) -> (String, String) {
    let tea = json!({"name": "Tea", "price": "19.99", "stock": 9, "sku": "TEA"});
    let made = seller.post("/api/v1/products", &tea).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (id, variant) = (made.str("/id"), made.str("/variants/0/id"));
    (
        format!("/api/v1/products/{id}"),
        format!("/admin/products/{id}/variants/{variant}/prices"),
    )
}

async fn prices(seller: &Client, api: &str) -> Value {
    let product = seller.get(api).await;
    let prices = product.json.pointer("/variants/0/prices");
    prices.cloned().unwrap_or_else(|| json!([]))
}

fn money(minor: i64, code: &str) -> Value {
    json!({"amount": minor, "currency": code})
}

fn shows(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

async fn a_price_is_written_down_in_a_currency_paid_and_taken_back(mut shop: Shop) {
    let admin = shop.admin().await;
    let (api, here) = tea(&admin).await;
    let product = api.replace("/api/v1/", "/admin/");
    let mut browser = Browser::signed_in(&shop, "admin@souk.example").await;
    let page = browser.get(&product).await;
    shows(&page, &["In other currencies", "no price", &here]);
    let page = browser.get(&here).await;
    shows(&page, &["Price in EUR", "Price in JPY", "It costs $19.99."]);
    let wrong = browser
        .get(&here.replace("/variants/", "/variants/x"))
        .await;
    assert_eq!(wrong.status, 404);
    let unchanged = send(&mut browser, (&page, &here), &[]).await;
    assert_eq!(unchanged.header("location"), format!("{here}?flash=same"));
    let both = [("prices/EUR", "17.99"), ("prices/JPY", "2490")];
    let saved = send(&mut browser, (&page, &here), &both).await;
    assert_eq!(
        saved.header("location"),
        format!("{here}?flash=saved"),
        "{}",
        saved.text
    );
    assert_eq!(
        prices(&admin, &api).await,
        json!([money(1_799, "EUR"), money(2_490, "JPY")])
    );
    // What comes twice, with the version of before, says what is there already.
    let again = send(&mut browser, (&page, &here), &both).await;
    assert_eq!(
        again.header("location"),
        format!("{here}?flash=same"),
        "{}",
        again.text
    );
    shows(&browser.get(&product).await, &["€17.99", "2,490 ¥"]);
    let buyer = shop.customer("ann").await;
    let wish = json!({
        "items": [{"product_id": api.trim_start_matches("/api/v1/products/"), "quantity": 2}],
        "currency": "EUR",
    });
    let order = buyer.post_with_key("/api/v1/orders", "k1", &wish).await;
    assert_eq!(
        (order.status, order.int("/total/amount")),
        (201, 3_598),
        "{}",
        order.text
    );
    let page = browser.get(&here).await;
    let gone = send(&mut browser, (&page, &here), &[("prices/EUR", "")]).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    assert_eq!(
        prices(&admin, &api).await,
        json!([money(2_490, "JPY")]),
        "the other one stays"
    );
    let refused = buyer.post_with_key("/api/v1/orders", "k2", &wish).await;
    assert_eq!(
        (refused.status, refused.code()),
        (409, "not_priced"),
        "{}",
        refused.text
    );
    shop.verify().await;
}

async fn what_is_no_price_is_refused_beside_its_currency_and_changes_nothing(mut shop: Shop) {
    let admin = shop.admin().await;
    let (api, here) = tea(&admin).await;
    let mut browser = Browser::signed_in(&shop, "admin@souk.example").await;
    for (euros, yen, named) in [
        ("lots", "100", "EUR"),
        ("17.999", "100", "EUR"),
        ("17.99", "-5", "JPY"),
        ("17.99", "24.9", "JPY"),
        ("99999999999.00", "", "EUR"),
    ] {
        let page = browser.get(&here).await;
        let said = [("prices/EUR", euros), ("prices/JPY", yen)];
        let refused = send(&mut browser, (&page, &here), &said).await;
        assert_eq!(refused.status, 422, "{euros} {yen}: {}", refused.text);
        let error = format!("prices-prices/{named}-error");
        let other = format!(
            "prices-prices/{}-error",
            if named == "EUR" { "JPY" } else { "EUR" }
        );
        shows(&refused, &[&error, "This "]);
        assert!(
            !refused.text.contains(&other),
            "{euros} {yen}: {}",
            refused.text
        );
        // What was typed is still there.
        let fields = form(&refused, &here);
        assert!(
            fields.contains(&("prices/EUR".to_owned(), euros.to_owned())),
            "{fields:?}"
        );
    }
    let product = admin.get(&api).await;
    assert_eq!(
        (product.int("/version"), prices(&admin, &api).await),
        (1, json!([]))
    );
}

async fn two_who_price_one_variant_decide_currency_by_currency(mut shop: Shop) {
    let admin = shop.admin().await;
    let (api, here) = tea(&admin).await;
    let variant = here.replace("/admin/", "/api/v1/").replace("/prices", "");
    let mut browser = Browser::signed_in(&shop, "admin@souk.example").await;
    let page = browser.get(&here).await;
    let theirs = json!({"prices": [money(1_500, "EUR"), money(1_000, "JPY")], "version": 1});
    assert_eq!(admin.patch(&variant, &theirs).await.status, 200);
    let conflict = send(&mut browser, (&page, &here), &[("prices/EUR", "17.99")]).await;
    assert_eq!(conflict.status, 409, "{}", conflict.text);
    shows(&conflict, &["somebody else was faster", "17.99", "15.00"]);
    assert!(
        !conflict.text.contains("Price in JPY"),
        "nobody is asked about what I did not touch"
    );
    let both = json!([money(1_500, "EUR"), money(1_000, "JPY")]);
    assert_eq!(prices(&admin, &api).await, both, "nothing is saved yet");
    let kept = send(
        &mut browser,
        (&conflict, &here),
        &[("keep.prices/EUR", "theirs")],
    )
    .await;
    assert_eq!(
        kept.header("location"),
        format!("{here}?flash=same"),
        "{}",
        kept.text
    );
    assert_eq!(prices(&admin, &api).await, both);
    let decided = send(&mut browser, (&conflict, &here), &[]).await;
    assert_eq!(decided.status, 303, "{}", decided.text);
    let mine = json!([money(1_799, "EUR"), money(1_000, "JPY")]);
    assert_eq!(prices(&admin, &api).await, mine);
}

async fn nobody_prices_what_another_sells_or_without_a_proof(mut shop: Shop) {
    let admin = shop.admin().await;
    let (api, here) = tea(&admin).await;
    shop.customer("mel").await;
    let mut other = Browser::signed_in(&shop, "mel@souk.example").await;
    assert_eq!(other.get(&here).await.status, 404, "another's");
    let mut own = Browser::signed_in(&shop, "admin@souk.example").await;
    let page = own.get(&here).await;
    let forged = send(
        &mut own,
        (&page, &here),
        &[("prices/EUR", "1.00"), ("csrf", "a.b")],
    )
    .await;
    assert_eq!(forged.status, 403, "{}", forged.text);
    let fields = form(&page, &here);
    let mut fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    fields.retain(|(name, _)| *name != "csrf" && *name != "prices/EUR");
    let proof = other.proof("/admin/products/new").await;
    fields.extend([("csrf", proof.as_str()), ("prices/EUR", "1.00")]);
    assert_eq!(other.submit(&here, &fields).await.status, 404);
    assert_eq!(prices(&admin, &api).await, json!([]));
}

#[tokio::test]
async fn where_there_is_one_currency_staff_see_nothing_of_it() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let (api, here) = tea(&admin).await;
    let mut browser = Browser::signed_in(&shop, "admin@souk.example").await;
    let page = browser.get(&api.replace("/api/v1/", "/admin/")).await;
    assert!(
        page.status == 200 && !page.text.contains("currencies"),
        "{}",
        page.text
    );
    assert_eq!(browser.get(&here).await.status, 404);
}

#[tokio::test]
async fn a_currency_that_the_shop_gave_up_is_in_nobody_s_way() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = server.database();
    let db = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
    ];
    let mut before = abroad(&db).await;
    let admin = before.admin().await;
    let (api, here) = tea(&admin).await;
    let variant = here.replace("/admin/", "/api/v1/").replace("/prices", "");
    let both = json!({"prices": [money(1_500, "EUR"), money(1_000, "JPY")], "version": 1});
    assert_eq!(admin.patch(&variant, &both).await.status, 200);
    let fewer = ("SOUK_CATALOG__FURTHER_CURRENCIES", "[\"EUR\"]");
    let after = abroad(&[db[0], db[1], fewer]).await;
    let mut browser = Browser::signed_in(&after, "admin@souk.example").await;
    let page = browser.get(&here).await;
    shows(&page, &["It is sold for 1,000 ¥ no more"]);
    let saved = send(&mut browser, (&page, &here), &[("prices/EUR", "16.00")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let admin = admin.at(after.url());
    assert_eq!(prices(&admin, &api).await, json!([money(1_600, "EUR")]));
}
