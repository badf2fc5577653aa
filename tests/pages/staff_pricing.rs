//! Discounts, ways of shipping and tax rates on the pages for staff: whatever the API can say of them a form can say,
//! and no form loses anything of what was said without it.

use crate::{
    browser::{Browser, open},
    forms::send,
};
use serde_json::{Value, json};
use testkit::{Answer, Client, Shop};

async fn shop() -> (Shop, Client, Browser) {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let browser = Browser::signed_in(&shop, "admin@souk.example").await;
    (shop, admin, browser)
}

fn usd(amount: i64) -> Value {
    json!({"amount": amount, "currency": "USD"})
}

/// Something as the API shows it, without what counts and dates its changes.
fn said(mut thing: Value) -> Value {
    let members = thing.as_object_mut().expect("a thing");
    members.retain(|name, _| !matches!(name.as_str(), "version" | "updated_at"));
    thing
}

fn made(answer: &Answer) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.str("/id").to_owned()
}

/// Sends a form with one field said otherwise, and sees that nothing but these members of the thing changed.
struct Editing<'e> {
    browser: &'e mut Browser,
    admin: &'e Client,
    page: String,
    api: String,
}

impl Editing<'_> {
    async fn thing(&self) -> Value {
        let found = self.admin.get(&self.api).await;
        let id = self.page.split('/').nth(3).expect("an id");
        let listed = found.json.get("data").and_then(Value::as_array).cloned();
        let one = listed.and_then(|all| {
            all.into_iter()
                .find(|one| one.get("id") == Some(&json!(id)))
        });
        said(one.unwrap_or(found.json))
    }

    async fn changes(&mut self, fields: &[(&str, &str)], members: &[(&str, Value)]) {
        let before = self.thing().await;
        let page = self.browser.get(&self.page).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let here = self.page.clone();
        let saved = send(self.browser, (&page, &here), fields).await;
        assert_eq!(saved.status, 303, "{fields:?}: {}", saved.text);
        let mut expected = before;
        for (pointer, value) in members {
            match expected.pointer_mut(pointer) {
                Some(place) => *place = value.clone(),
                None => {
                    let (parent, name) = pointer.rsplit_once('/').expect("a member");
                    let parent = expected.pointer_mut(parent).and_then(Value::as_object_mut);
                    parent
                        .expect("its parent")
                        .insert(name.to_owned(), value.clone());
                }
            }
        }
        assert_eq!(self.thing().await, expected, "{fields:?}");
    }
}

#[tokio::test]
async fn a_discount_s_page_changes_what_it_is_told_to_and_loses_nothing_else() {
    let (_shop, admin, mut browser) = shop().await;
    let cup = admin.sell("Cup", 500, 9).await;
    let tea = admin.sell("Green tea", 250, 9).await;
    let slug = admin.get(&format!("/api/v1/products/{tea}")).await;
    let slug = slug.str("/slug").to_owned();
    let categories = admin.get("/api/v1/categories").await;
    let shelf = categories.str("/data/0/id").to_owned();
    let wish = json!({
        "code": "CUPS", "name": "Third cup", "automatic": true, "basis_points": 5_050, "minimum": usd(1_000),
        "only": {"products": [cup], "categories": []},
        "buy": {"quantity": 2, "of": {"products": [cup], "categories": [shelf]}, "get": 1, "times_max": 3},
        "starts_at": "2026-11-01T10:20:33.123Z", "ends_at": "2030-01-01T00:00:59Z",
        "uses_max": 7, "customer_uses_max": 2,
    });
    let id = made(&admin.post("/api/v1/discounts", &wish).await);
    let mut editing = Editing {
        browser: &mut browser,
        admin: &admin,
        page: format!("/admin/discounts/{id}"),
        api: format!("/api/v1/discounts/{id}"),
    };
    let page = editing.browser.get(&editing.page.clone()).await;
    assert!(
        page.text.contains(">Cup<"),
        "what the ids are of: {}",
        page.text
    );
    editing
        .changes(
            &[("name", "Every third cup")],
            &[("/name", json!("Every third cup"))],
        )
        .await;
    editing
        .changes(&[("percent", "25.5")], &[("/basis_points", json!(2_550))])
        .await;
    editing
        .changes(&[("minimum", "12.00")], &[("/minimum", usd(1_200))])
        .await;
    editing
        .changes(&[("starts_at", "")], &[("/starts_at", Value::Null)])
        .await;
    editing
        .changes(&[("uses_max", "9")], &[("/uses_max", json!(9))])
        .await;
    editing
        .changes(
            &[("customer_uses_max", "3")],
            &[("/customer_uses_max", json!(3))],
        )
        .await;
    editing
        .changes(&[("buy/get", "2")], &[("/buy/get", json!(2))])
        .await;
    let of = format!("{cup}\r\n{slug}");
    let both = json!([cup, tea]);
    editing
        .changes(&[("buy/of/products", &of)], &[("/buy/of/products", both)])
        .await;
    editing
        .changes(&[("automatic", "")], &[("/automatic", json!(false))])
        .await;
    editing
        .changes(&[("active", "")], &[("/active", json!(false))])
        .await;
}

#[tokio::test]
async fn what_no_discount_can_be_is_said_beside_its_field_and_changes_nothing() {
    let (_shop, admin, mut browser) = shop().await;
    let wish = json!({"code": "TEA-10", "amount": usd(100)});
    let id = made(&admin.post("/api/v1/discounts", &wish).await);
    let (here, api) = (
        format!("/admin/discounts/{id}"),
        format!("/api/v1/discounts/{id}"),
    );
    let before = admin.get(&api).await.json;
    for (name, typed, field) in [
        ("percent", "x", "percent"),
        ("amount", "1,5", "amount"),
        ("currency", "", "currency"),
        ("only/products", "no-such-product", "only/products"),
        ("only/categories", "no-such-shelf", "only/categories"),
        ("buy/get", "1", "buy/quantity"),
        ("ends_at", "1999-01-01T00:00", ""),
    ] {
        let page = browser.get(&here).await;
        let mut wrong = vec![(name, typed)];
        if name == "ends_at" {
            wrong.push(("starts_at", "2026-01-01T00:00"));
        }
        let refused = send(&mut browser, (&page, &here), &wrong).await;
        assert_eq!(refused.status, 422, "{name}: {}", refused.text);
        let error = format!("id=\"edit-{field}-error\"");
        assert!(
            field.is_empty() || refused.text.contains(&error),
            "{name}: {}",
            refused.text
        );
    }
    assert_eq!(admin.get(&api).await.json, before);
}

#[tokio::test]
async fn two_who_change_one_discount_lose_no_word() {
    let (_shop, admin, mut browser) = shop().await;
    let wish = json!({"code": "TEA-10", "basis_points": 1_000, "uses_max": 5});
    let id = made(&admin.post("/api/v1/discounts", &wish).await);
    let (here, api) = (
        format!("/admin/discounts/{id}"),
        format!("/api/v1/discounts/{id}"),
    );
    let page = browser.get(&here).await;
    let theirs = json!({
        "code": "TEA-10", "basis_points": 2_000, "uses_max": 50, "name": "Tea time", "version": 1,
    });
    assert_eq!(admin.put(&api, &theirs).await.status, 200);
    let mine = [("percent", "15"), ("minimum", "3.00"), ("currency", "USD")];
    let conflict = send(&mut browser, (&page, &here), &mine).await;
    assert_eq!(conflict.status, 409, "{}", conflict.text);
    assert!(
        conflict.text.contains("<br>15<") && conflict.text.contains("<br>20<"),
        "{}",
        conflict.text
    );
    let decided = send(
        &mut browser,
        (&conflict, &here),
        &[("keep.percent", "theirs")],
    )
    .await;
    assert_eq!(decided.status, 303, "{}", decided.text);
    let discount = admin.get(&api).await;
    assert_eq!(discount.int("/basis_points"), 2_000);
    assert_eq!(discount.int("/uses_max"), 50);
    assert_eq!(discount.str("/name"), "Tea time");
    assert_eq!(discount.int("/minimum/amount"), 300);
}

fn way() -> Value {
    let bands = json!([
        {"weight_max_grams": 500, "price": usd(300)},
        {"goods_below": usd(2_000), "price": usd(400)},
    ]);
    json!({
        "name": "Post", "price": usd(500), "free_from": usd(9_000), "weight_max_grams": 30_000, "bands": bands,
        "zones": [
            {"countries": ["DE", "AT"], "price": usd(600), "free_from": usd(8_000), "weight_max_grams": 20_000,
             "bands": bands},
            {"countries": ["US"], "regions": ["Alaska", "Hawaii"], "price": usd(2_500)},
        ],
    })
}

#[tokio::test]
async fn a_way_of_shipping_keeps_its_zones_weights_and_bands_whatever_is_changed_beside_them() {
    let (_shop, admin, mut browser) = shop().await;
    let id = made(&admin.post("/api/v1/shipping-methods", &way()).await);
    let mut editing = Editing {
        browser: &mut browser,
        admin: &admin,
        page: format!("/admin/shipping/{id}"),
        api: "/api/v1/shipping-methods".to_owned(),
    };
    editing
        .changes(&[("name", "By post")], &[("/name", json!("By post"))])
        .await;
    editing
        .changes(
            &[("weight_max_grams", "25000")],
            &[("/weight_max_grams", json!(25_000))],
        )
        .await;
    let third = [
        ("bands/2/weight_max_grams", "900"),
        ("bands/2/price", "4.50"),
    ];
    let band = json!({"weight_max_grams": 900, "price": usd(450)});
    let mut bands = way()["bands"].as_array().cloned().unwrap_or_default();
    bands.push(band);
    editing
        .changes(&third, &[("/bands", Value::Array(bands.clone()))])
        .await;
    bands.remove(0);
    let none = [("bands/0/weight_max_grams", ""), ("bands/0/price", "")];
    editing
        .changes(&none, &[("/bands", Value::Array(bands))])
        .await;

    editing.page = format!("/admin/shipping/{id}/zones/0");
    editing
        .changes(&[("price", "6.50")], &[("/zones/0/price", usd(650))])
        .await;
    let countries = json!(["DE", "AT", "CH"]);
    editing
        .changes(
            &[("countries", "de, AT CH")],
            &[("/zones/0/countries", countries)],
        )
        .await;
    editing.page = format!("/admin/shipping/{id}/zones/1");
    let regions = json!(["Alaska", "Guam"]);
    editing
        .changes(
            &[("regions", "Alaska\r\nGuam")],
            &[("/zones/1/regions", regions)],
        )
        .await;
    let most = [("/zones/1/weight_max_grams", json!(1_000))];
    editing
        .changes(&[("weight_max_grams", "1000")], &most)
        .await;
}

#[tokio::test]
async fn a_zone_is_added_and_taken_away_and_a_wrong_one_says_where_it_is_wrong() {
    let (_shop, admin, mut browser) = shop().await;
    let id = made(&admin.post("/api/v1/shipping-methods", &way()).await);
    let here = format!("/admin/shipping/{id}");
    let zones =
        async || admin.get("/api/v1/shipping-methods").await.json["data"][0]["zones"].clone();
    let fresh = format!("{here}/zones/new");
    let page = browser.get(&fresh).await;
    let wrong = [("countries", "XX"), ("price", "7.00")];
    let refused = send(&mut browser, (&page, &fresh), &wrong).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text);
    assert!(refused.text.contains("role=\"alert\""), "{}", refused.text);
    let japan = [("countries", "JP"), ("price", "7.00")];
    let added = send(&mut browser, (&page, &fresh), &japan).await;
    assert_eq!(added.status, 303, "{}", added.text);
    let again = send(&mut browser, (&page, &fresh), &japan).await;
    assert_eq!(
        again.status, 409,
        "the same form is one zone: {}",
        again.text
    );
    assert_eq!(
        zones().await[2],
        json!({"countries": ["JP"], "price": usd(700)})
    );

    let first = format!("{here}/zones/0");
    let page = browser.get(&first).await;
    let wrong = [("bands/0/price", "")];
    let refused = send(&mut browser, (&page, &first), &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(
        refused.text.contains("id=\"edit-bands/0/price-error\""),
        "{}",
        refused.text
    );
    let remove = format!("{first}/remove");
    let gone = send(&mut browser, (&page, &remove), &[("confirm", "yes")]).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    let left = zones().await;
    assert_eq!(left.as_array().map(Vec::len), Some(2));
    assert_eq!(left[0]["countries"], json!(["US"]));
    let late = send(&mut browser, (&page, &first), &[("price", "1.00")]).await;
    assert_eq!(
        late.status, 409,
        "another zone stands there now: {}",
        late.text
    );
}

#[tokio::test]
async fn a_tax_rate_is_made_changed_and_taken_away() {
    let (_shop, admin, mut browser) = shop().await;
    let fresh = "/admin/taxes/new";
    let page = browser.get(fresh).await;
    let rate = [
        ("name", "NY sales tax"),
        ("country", "us"),
        ("region", "New York"),
        ("percent", "8.875"),
    ];
    let wrong = send(
        &mut browser,
        (&page, fresh),
        &[("name", "x"), ("country", "US"), ("percent", "a lot")],
    )
    .await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    assert!(wrong.text.contains("edit-percent-error"), "{}", wrong.text);
    let made = send(&mut browser, (&page, fresh), &rate).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let all = admin.get("/api/v1/tax-rates").await;
    assert_eq!(all.int("/data/0/millionths"), 88_750);
    let id = all.str("/data/0/id").to_owned();
    let mut editing = Editing {
        browser: &mut browser,
        admin: &admin,
        page: format!("/admin/taxes/{id}"),
        api: "/api/v1/tax-rates".to_owned(),
    };
    editing
        .changes(&[("name", "Sales tax")], &[("/name", json!("Sales tax"))])
        .await;
    editing
        .changes(&[("percent", "9")], &[("/millionths", json!(90_000))])
        .await;
    editing
        .changes(&[("class", "reduced")], &[("/class", json!("reduced"))])
        .await;
    let here = format!("/admin/taxes/{id}");
    let page = browser.get(&here).await;
    let remove = format!("{here}/remove");
    let unsure = send(&mut browser, (&page, &remove), &[]).await;
    assert_eq!(unsure.status, 422, "{}", unsure.text);
    let gone = send(&mut browser, (&page, &remove), &[("confirm", "yes")]).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    let left = admin.get("/api/v1/tax-rates").await;
    assert_eq!(left.json["data"], json!([]));
}
