//! What is written down of a product's changes, as those who sell it read it, with a shop on its own files and with one
//! on PostgreSQL.

use crate::{
    browser::{Browser, all},
    opened::{Open, shop},
};
use serde_json::{Value, json};
use testkit::{Answer, Client, on_both_stores};

on_both_stores! {
    shop:
    prices_and_what_moved_the_stock_are_one_list_newest_first,
    a_history_is_for_those_who_may_change_the_product,
    who_changed_a_price_is_told_to_those_who_may_change_it,
    what_a_save_changed_is_told_field_by_field_with_who_it_was,
}

/// The rows of the list, each as the texts of its cells.
fn rows(page: &Answer) -> Vec<Vec<String>> {
    assert_eq!(page.status, 200, "{}", page.text);
    let start = "<caption class=\"unseen\">What changed, newest first";
    let (_, rest) = page.text.split_once(start).expect("the list");
    let (_, body) = rest.split_once("<tbody>").expect("its rows");
    let (body, _) = body.split_once("</tbody>").expect("their end");
    let plain = |cell: &str| {
        let (cell, _) = cell.split_once("</td>").expect("its end");
        let tags = cell.split('<').skip(1);
        let texts = tags.filter_map(|tag| tag.split_once('>').map(|(_, text)| text));
        let (class, text) = cell.split_once('>').expect("a cell");
        assert!(class.is_empty() || class == " class=\"number\"", "{class}");
        let bare = text.split('<').next().unwrap_or_default();
        format!("{bare}{}", texts.collect::<String>())
    };
    let row = |row: &str| row.split("<td").skip(1).map(plain).collect();
    body.split("<tr>").skip(1).map(row).collect()
}

/// What and how much a row says, without when and by whom.
fn told(row: &[String]) -> Vec<&str> {
    [1, 2, 3, 5, 6]
        .into_iter()
        .filter_map(|place| row.get(place).map(String::as_str))
        .collect()
}

async fn prices_and_what_moved_the_stock_are_one_list_newest_first(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let tea = admin.sell("TEA-1", 250, 9).await;
    let api = format!("/api/v1/products/{tea}");
    let dearer = json!({"price": "3.00", "version": 1});
    assert_eq!(admin.patch(&api, &dearer).await.status, 200);
    let fewer = json!({"changes": [{"sku": "TEA-1", "delta": -2, "reason": "a <leak>"}]});
    let fewer = admin.post("/api/v1/inventory/adjust", &fewer).await;
    assert_eq!(fewer.status, 200, "{}", fewer.text);
    let ann = shop.customer("ann").await;
    let bought = ann.buy("k", &tea, 1, "tok_ok").await;
    assert_eq!(bought.status, 201, "{}", bought.text);

    let here = format!("/admin/products/{tea}/history");
    let product = browser.get(&format!("/admin/products/{tea}")).await;
    let links = all(&product, "<a href=\"/admin/products/");
    let leads = links.iter().any(|link| link.ends_with("/history"));
    assert!(leads, "its page leads there: {}", product.text);
    let page = browser.get(&here).await;
    let rows = rows(&page);
    let said: Vec<_> = rows.iter().map(|row| told(row)).collect();
    let leak = vec!["Adjusted", "TEA-1", "-2", "", "a &#60;leak&#62;"];
    let dearer = vec!["Price", "", "", "$2.50 → $3.00", ""];
    let first = vec!["Price", "", "", "$2.50", ""];
    let place = |what: &Vec<&str>| said.iter().position(|row| row == what);
    let (leak, dearer, first) = (place(&leak), place(&dearer), place(&first));
    assert!(
        leak.is_some() && leak < dearer && dearer < first,
        "{said:?}: {}",
        page.text
    );
    let whats: Vec<_> = said.iter().filter_map(|row| row.first().copied()).collect();
    for what in ["Initial", "Reserved", "Sold"] {
        assert!(whats.contains(&what), "{what}: {whats:?}");
    }
    let order = format!("href=\"/admin/orders/{}\"", bought.str("/id"));
    assert!(page.text.contains(&order), "{}", page.text);
    let gone = browser.get("/admin/products/nothing/history").await;
    assert_eq!(gone.status, 404, "{}", gone.text);
}

async fn a_history_is_for_those_who_may_change_the_product(open: Open) {
    let Open { shop, admin, .. } = open;
    let theirs = admin.sell("TEA-1", 250, 9).await;
    let mel = shop.merchant(&admin, "mel").await;
    let own = mel.sell("CUP-1", 500, 3).await;
    shop.customer("ann").await;
    let mut mel = Browser::signed_in(&shop, "mel@souk.example").await;
    let mut ann = Browser::signed_in(&shop, "ann@souk.example").await;
    let history = |id: &str| format!("/admin/products/{id}/history");
    let page = mel.get(&history(&own)).await;
    let said = rows(&page);
    assert!(
        said.iter().any(|row| told(row).contains(&"$5.00")),
        "{said:?}"
    );
    assert_eq!(mel.get(&history(&theirs)).await.status, 404);
    assert_eq!(ann.get(&history(&own)).await.status, 403);
    let away = Browser::new(&shop).get(&history(&own)).await;
    assert_eq!(away.status, 303, "{}", away.text);
}

/// Prices and who made them, as a list in the API says it to somebody.
async fn actors(who: &Client, product: &str) -> Vec<(i64, Option<String>)> {
    let listed = who.get(&format!("/api/v1/products/{product}/prices")).await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    let prices = listed.json["data"].as_array().cloned().unwrap_or_default();
    let one = |price: &Value| {
        let minor = price["price"]["amount"].as_i64().expect("an amount");
        (minor, price["actor"].as_str().map(str::to_owned))
    };
    prices.iter().map(one).collect()
}

async fn who_changed_a_price_is_told_to_those_who_may_change_it(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let mel = shop.merchant(&admin, "mel").await;
    let cup = mel.sell("CUP-1", 500, 3).await;
    let api = format!("/api/v1/products/{cup}");
    for (who, change) in [
        (&admin, json!({"price": "6.00", "version": 1})),
        (&mel, json!({"name": "Large cup", "version": 2})),
        (&mel, json!({"price": "7.00", "version": 3})),
    ] {
        assert_eq!(who.patch(&api, &change).await.status, 200, "{change}");
    }
    let stale = json!({"price": "9.00", "version": 1});
    assert_eq!(admin.patch(&api, &stale).await.status, 409);
    let expected = [(700, &mel), (600, &admin), (500, &mel)];
    let expected = expected.map(|(minor, who)| (minor, Some(who.user_id().to_owned())));
    for who in [&admin, &mel] {
        assert_eq!(actors(who, &cup).await, expected);
    }
    let ann = shop.customer("ann").await;
    let other = shop.merchant(&admin, "max").await;
    for who in [&shop.visitor(), &ann, &other] {
        let told = actors(who, &cup).await;
        assert_eq!(told.len(), 3);
        assert!(told.iter().all(|(_, actor)| actor.is_none()), "{told:?}");
    }
    let names = |page: &Answer| -> Vec<String> {
        let rows = rows(page);
        let prices = rows.iter().filter(|row| row[1] == "Price");
        prices.map(|row| row[7].clone()).collect()
    };
    let here = format!("/admin/products/{cup}/history");
    let page = browser.get(&here).await;
    let [last, middle, first] = names(&page).try_into().expect("three prices");
    assert_eq!((last.as_str(), first.as_str()), ("mel", "mel"));
    assert!(!middle.is_empty() && middle != "mel", "{middle}");
    let mut browser = Browser::signed_in(&shop, "mel@souk.example").await;
    let page = browser.get(&here).await;
    assert_eq!(names(&page), ["mel", "", "mel"], "their own name alone");
}

async fn what_a_save_changed_is_told_field_by_field_with_who_it_was(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let mel = shop.merchant(&admin, "mel").await;
    let cup = mel.sell("CUP-1", 500, 3).await;
    let here = format!("/admin/products/{cup}");
    let form = browser.get(&here).await;
    let wish = [
        ("name", "Large <cup>"),
        ("description", "Holds much."),
        ("status", "draft"),
    ];
    let saved = crate::forms::send(&mut browser, (&form, &here), &wish).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let long = "z".repeat(900);
    let texts = json!({"description": format!("Holds much. {long}"), "version": 2});
    let api = format!("/api/v1/products/{cup}");
    assert_eq!(mel.patch(&api, &texts).await.status, 200);
    let page = browser.get(&format!("{here}/history")).await;
    let rows = rows(&page);
    let said = |what: &str| -> Vec<(String, String)> {
        let of = rows.iter().filter(|row| row[1] == what);
        of.map(|row| (row[6].clone(), row[7].clone())).collect()
    };
    assert_eq!(said("Name")[0].0, "CUP-1 → Large &#60;cup&#62;");
    assert_eq!(said("Status")[0].0, "Active → Draft");
    let [last, first] = said("Description").try_into().expect("two saves");
    assert_eq!(first.0, "– → Holds much.");
    assert!(
        last.0.starts_with("Holds much. → Holds much."),
        "{}",
        last.0
    );
    assert!(last.0.contains('…') && last.0.len() < 900, "{}", last.0);
    assert_eq!(last.1, "mel");
    assert!(!first.1.is_empty() && first.1 != "mel", "{}", first.1);
    let mut browser = Browser::signed_in(&shop, "mel@souk.example").await;
    let page = browser.get(&format!("{here}/history")).await;
    let names: Vec<String> = self::rows(&page).iter().map(|row| row[7].clone()).collect();
    let known = names.iter().all(|name| matches!(name.as_str(), "" | "mel"));
    assert!(known, "their own name alone: {names:?}");
}
