//! The addresses that a customer keeps, with a shop on its own files and with one on PostgreSQL: kept, chosen at the
//! checkout, removed, and nobody else's.

use crate::{
    browser::{Browser, all, field},
    buying::{first, put_in},
    opened,
};
use serde_json::json;
use testkit::{Answer, Client, Shop, on_both_stores};

const HERE: &str = "/account/addresses";

on_both_stores! {
    shop:
    an_address_is_kept_chosen_at_the_checkout_and_removed,
    an_address_is_kept_with_the_order_that_goes_there,
    what_is_no_address_is_said_beside_its_field_and_there_are_never_too_many,
}

struct Open {
    shop: Shop,
    ann: Client,
    browser: Browser,
}

async fn shop(more: &[(&str, &str)]) -> Open {
    let opened::Open { shop, admin, .. } = opened::shop(more).await;
    admin.sell("Tea", 250, 99).await;
    Open {
        ann: shop.customer("ann").await,
        browser: Browser::signed_in(&shop, "ann@souk.example").await,
        shop,
    }
}

const LANE: [(&str, &str); 5] = [
    ("name", "Ann Bell"),
    ("line1", "1 Tea Lane"),
    ("city", "London"),
    ("postcode", "N1 1AA"),
    ("country", "GB"),
];

async fn keep(browser: &mut Browser, fields: &[(&str, &str)]) -> Answer {
    let csrf = browser.proof(HERE).await;
    let fields: Vec<_> = fields
        .iter()
        .copied()
        .chain([("csrf", csrf.as_str())])
        .collect();
    browser.submit(HERE, &fields).await
}

async fn an_address_is_kept_chosen_at_the_checkout_and_removed(open: Open) {
    let Open {
        shop,
        ann,
        mut browser,
    } = open;
    let none = browser.get(HERE).await;
    assert!(
        none.text.contains("You keep no address yet"),
        "{}",
        none.text
    );
    for _ in 0..2 {
        let kept = keep(&mut browser, &LANE).await;
        assert_eq!(kept.status, 303, "{}", kept.text);
    }
    let page = browser.get(HERE).await;
    let line = "Ann Bell, 1 Tea Lane, N1 1AA London, United Kingdom";
    assert_eq!(all(&page, "aria-label=\"Remove ").len(), 1, "{}", page.text);
    assert!(page.text.contains(line), "{}", page.text);
    put_in(&mut browser, "1").await;
    let checkout = browser.get("/checkout").await;
    assert!(!checkout.text.contains("value=\"1 Tea Lane\""));
    let choice = first(&checkout, "<a href=\"/checkout?address=");
    let chosen = browser.get(&format!("/checkout?address={choice}")).await;
    for value in [
        "value=\"1 Tea Lane\"",
        "value=\"N1 1AA\"",
        "<option value=\"GB\" selected>",
    ] {
        assert!(chosen.text.contains(value), "{value}: {}", chosen.text);
    }
    // Somebody else does not get it by its name, and cannot take it away.
    shop.customer("bob").await;
    let mut bob = Browser::signed_in(&shop, "bob@souk.example").await;
    put_in(&mut bob, "1").await;
    let his = bob.get(&format!("/checkout?address={choice}")).await;
    assert!(
        his.status == 200 && !his.text.contains("1 Tea Lane"),
        "{}",
        his.text
    );
    let csrf = bob.proof(HERE).await;
    let forget = format!("{HERE}/{choice}/forget");
    bob.submit(&forget, &[("csrf", &csrf)]).await;
    let list = "/api/v1/me/addresses";
    assert_eq!(ann.get(list).await.str("/data/0/id"), choice);
    let csrf = browser.proof(HERE).await;
    assert_eq!(browser.submit(&forget, &[("csrf", "x")]).await.status, 403);
    for _ in 0..2 {
        let gone = browser.submit(&forget, &[("csrf", &csrf)]).await;
        assert_eq!(gone.status, 303, "{}", gone.text);
    }
    assert_eq!(
        ann.get(list).await.json,
        json!({"data": [], "next_cursor": null})
    );
    let mut nobody = Browser::new(&shop);
    assert_eq!(nobody.get(HERE).await.status, 303);
}

async fn an_address_is_kept_with_the_order_that_goes_there(open: Open) {
    let Open {
        shop,
        ann,
        mut browser,
    } = open;
    put_in(&mut browser, "1").await;
    let page = browser.get("/checkout").await;
    let named = |name: &str| field(&page, name).expect("a field");
    let (csrf, cart, total) = (named("csrf"), named("cart"), named("total"));
    let mut fields = LANE.to_vec();
    fields.extend([
        ("csrf", csrf.as_str()),
        ("cart", &cart),
        ("total", &total),
        ("method", "tok_ok"),
        ("keep", "yes"),
    ]);
    let bought = browser.submit("/checkout", &fields).await;
    assert_eq!(bought.status, 303, "{}", bought.text);
    let kept = ann.get("/api/v1/me/addresses").await;
    assert_eq!(kept.str("/data/0/address/line1"), "1 Tea Lane");
    let orders = ann.get("/api/v1/orders").await;
    assert_eq!(
        orders.str("/data/0/shipping_address/line1"),
        kept.str("/data/0/address/line1")
    );
    shop.verify().await;
}

async fn what_is_no_address_is_said_beside_its_field_and_there_are_never_too_many(open: Open) {
    let Open {
        ann, mut browser, ..
    } = open;
    let wrong = keep(&mut browser, &[("name", "Ann"), ("country", "XX")]).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    for error in [
        "id=\"line1-error\"",
        "id=\"city-error\"",
        "id=\"country-error\"",
        "value=\"Ann\"",
    ] {
        assert!(wrong.text.contains(error), "{error}: {}", wrong.text);
    }
    let api = "/api/v1/me/addresses";
    for number in 0..20 {
        let street = format!("{number} Tea Lane");
        let address = json!({"name": "Ann", "line1": street, "city": "London", "country": "GB"});
        let kept = ann.post(api, &address).await;
        assert_eq!(kept.status, 201, "{}", kept.text);
    }
    let many = keep(&mut browser, &LANE).await;
    assert_eq!(many.status, 409, "{}", many.text);
    assert!(
        many.text.contains("20 addresses may be kept") && many.text.contains("value=\"Ann Bell\""),
        "what was typed stays: {}",
        many.text
    );
    let kept = ann.get(api).await;
    assert_eq!(kept.text.matches("Tea Lane").count(), 20);
}
