//! The variants of a product on the pages for staff: added, changed, taken away, and two who change one.

use crate::{
    browser::{Browser, field, open},
    forms::{form, send},
};
use serde_json::json;
use testkit::{Client, Shop};

/// A shop with a shirt in two sizes, an admin, and the admin's browser; the shirt's address in the API.
async fn shirt() -> (Shop, Client, Browser, String) {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let shirt = json!({
        "name": "Shirt", "price": {"amount": 2_000, "currency": "USD"},
        "options": [{"name": "Size of it", "values": ["S", "M", "L"]}],
        "variants": [
            {"options": {"Size of it": "S"}, "sku": "SHIRT-S", "stock": 3},
            {"options": {"Size of it": "M"}, "sku": "SHIRT-M", "stock": 4},
        ],
    });
    let made = admin.post("/api/v1/products", &shirt).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let api = format!("/api/v1/products/{}", made.str("/id"));
    let browser = Browser::signed_in(&shop, "admin@souk.example").await;
    (shop, admin, browser, api)
}

fn page_of(api: &str) -> String {
    api.replace("/api/v1/", "/admin/")
}

#[tokio::test]
async fn a_variant_is_added_once_changed_and_taken_away_for_good() {
    let (_shop, admin, mut browser, api) = shirt().await;
    let here = page_of(&api);
    let page = browser.get(&here).await;
    assert!(
        page.text.contains("SHIRT-S") && !page.text.contains("id=\"edit-sku\""),
        "SKU and price are the variants': {}",
        page.text
    );
    let add = format!("{here}/variants");
    let large = [
        ("options/Size%20of%20it", "L"),
        ("sku", "SHIRT-L"),
        ("price", "25.00"),
        ("stock", "7"),
    ];
    let wrong = [("options/Size%20of%20it", "L"), ("price", "lots")];
    let refused = send(&mut browser, (&page, &add), &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("add-price-error"), "{}", refused.text);
    let added = send(&mut browser, (&page, &add), &large).await;
    assert_eq!(
        added.header("location"),
        format!("{here}?flash=added"),
        "{}",
        added.text
    );
    let again = send(&mut browser, (&page, &add), &large).await;
    assert_eq!(again.status, 409, "{}", again.text);
    let product = admin.get(&api).await;
    assert_eq!(product.json["variants"].as_array().map(Vec::len), Some(3));
    assert_eq!(product.int("/variants/2/price/amount"), 2_500);
    assert_eq!(product.int("/variants/2/stock/available"), 7);

    let one = format!("{here}/variants/{}", product.str("/variants/2/id"));
    let page = browser.get(&one).await;
    assert!(page.text.contains("value=\"SHIRT-L\""), "{}", page.text);
    let other = [("sku", "SHIRT-LARGE"), ("price", "26.50")];
    let saved = send(&mut browser, (&page, &one), &other).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let product = admin.get(&api).await;
    assert_eq!(product.str("/variants/2/sku"), "SHIRT-LARGE");
    assert_eq!(product.int("/variants/2/price/amount"), 2_650);

    let remove = format!("{one}/remove");
    let page = browser.get(&one).await;
    let unsure = send(&mut browser, (&page, &remove), &[]).await;
    assert_eq!(unsure.status, 422, "{}", unsure.text);
    let gone = send(&mut browser, (&page, &remove), &[("confirm", "yes")]).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    let product = admin.get(&api).await;
    assert_eq!(product.json["variants"].as_array().map(Vec::len), Some(2));
    assert_eq!(browser.get(&one).await.status, 404);
}

#[tokio::test]
async fn two_who_change_one_variant_see_both_sides_words() {
    let (_shop, admin, mut browser, api) = shirt().await;
    let product = admin.get(&api).await;
    let variant = product.str("/variants/0/id").to_owned();
    let here = format!("{}/variants/{variant}", page_of(&api));
    let page = browser.get(&here).await;
    let theirs = json!({
        "sku": "THEIRS", "price": {"amount": 1_111, "currency": "USD"}, "version": product.int("/version"),
    });
    let changed = admin
        .patch(&format!("{api}/variants/{variant}"), &theirs)
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let mine = [("sku", "MINE"), ("options/Size%20of%20it", "L")];
    let conflict = send(&mut browser, (&page, &here), &mine).await;
    assert_eq!(conflict.status, 409, "{}", conflict.text);
    for shown in ["somebody else was faster", "MINE", "THEIRS", "Size of it"] {
        assert!(conflict.text.contains(shown), "{shown}: {}", conflict.text);
    }
    assert!(
        !conflict.text.contains("11.11"),
        "nobody is asked about what I did not touch"
    );
    assert_eq!(
        admin.get(&api).await.str("/variants/0/sku"),
        "THEIRS",
        "nothing is saved yet"
    );
    let decided = send(&mut browser, (&conflict, &here), &[("keep.sku", "theirs")]).await;
    assert_eq!(decided.status, 303, "{}", decided.text);
    let product = admin.get(&api).await;
    let all = product.json["variants"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let one = all
        .iter()
        .find(|one| one["id"] == variant.as_str())
        .expect("the variant");
    assert_eq!(one["sku"], "THEIRS");
    assert_eq!(one["price"]["amount"], 1_111, "what I did not touch");
    assert_eq!(one["options"]["Size of it"], "L");
}

#[tokio::test]
async fn options_are_changed_as_a_whole_and_nobody_s_are_lost() {
    let (_shop, admin, mut browser, api) = shirt().await;
    let here = page_of(&api);
    let page = browser.get(&here).await;
    let set = format!("{here}/options");
    let missing = [("options/0/values", "S\r\nL")];
    let refused = send(&mut browser, (&page, &set), &missing).await;
    assert_eq!(refused.status, 422, "a variant has M: {}", refused.text);
    assert!(
        refused.text.contains("options-options/0/values-error"),
        "{}",
        refused.text
    );
    let more = [
        ("options/1/name", "Colour"),
        ("options/1/values", "red\r\nblue"),
    ];
    let saved = send(&mut browser, (&page, &set), &more).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let product = admin.get(&api).await;
    assert_eq!(product.json["options"][0]["values"], json!(["S", "M", "L"]));
    assert_eq!(
        product.json["options"][1],
        json!({"name": "Colour", "values": ["red", "blue"]})
    );
    // Of a page of before, which knows nothing of colours.
    let late = [("options/0/values", "S\r\nM\r\nL\r\nXL")];
    let conflict = send(&mut browser, (&page, &set), &late).await;
    assert_eq!(conflict.status, 409, "{}", conflict.text);
    let decided = send(&mut browser, (&conflict, &set), &[]).await;
    assert_eq!(decided.status, 303, "{}", decided.text);
    let product = admin.get(&api).await;
    assert_eq!(
        product.json["options"][0]["values"],
        json!(["S", "M", "L", "XL"])
    );
    assert_eq!(product.str("/options/1/name"), "Colour");
}

#[tokio::test]
async fn a_form_that_was_refused_is_still_about_what_it_was_made_of() {
    let (_shop, admin, mut browser, api) = shirt().await;
    let here = page_of(&api);
    let page = browser.get(&here).await;
    let theirs = json!({"description": "Theirs.", "version": 1});
    assert_eq!(admin.patch(&api, &theirs).await.status, 200);
    let wrong = [("slug", "not a slug"), ("name", "Mine")];
    let refused = send(&mut browser, (&page, &here), &wrong).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text);
    let fields = form(&refused, &here);
    let version = fields
        .iter()
        .find(|(name, _)| name == "version")
        .expect("a version");
    if refused.status == 422 {
        assert_eq!(version.1, "1", "the one whose fields were typed over");
    }
    let csrf = field(&refused, "csrf").expect("a proof");
    assert!(!csrf.is_empty());
    assert_eq!(admin.get(&api).await.str("/description"), "Theirs.");
}
