//! How many there are behind each tab of the lists for staff, with a shop on its own files and with one on PostgreSQL.

use crate::{
    browser::Browser,
    opened::{Open, shop},
};
use serde_json::json;
use testkit::{Answer, on_both_stores};

on_both_stores! {
    shop:
    products_and_stock_are_counted_each_seller_their_own,
    accounts_and_what_became_of_them_are_counted,
    discounts_are_listed_and_counted_by_whether_they_are_given,
    deliveries_of_a_webhook_are_counted_by_how_they_went,
    all_of_a_list_are_as_many_as_its_parts,
}

/// The tabs of a page, each with its counter.
fn tabs(page: &Answer) -> Vec<String> {
    assert_eq!(page.status, 200, "{}", page.text);
    let (_, rest) = page.text.split_once("<nav class=\"chips\"").expect("tabs");
    let (tabs, _) = rest.split_once("</ul>").expect("their end");
    let text = |link: &str| {
        let (_, text) = link.split_once('>')?;
        let (text, _) = text.split_once("</a>")?;
        Some(
            text.replace(" <span class=\"count\">", ": ")
                .replace("</span>", ""),
        )
    };
    let links = tabs.split("<a ").skip(1).filter_map(text);
    links.map(|text| text.trim().to_owned()).collect()
}

async fn products_and_stock_are_counted_each_seller_their_own(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let mel = shop.merchant(&admin, "mel").await;
    let tea = admin.sell("Tea", 250, 6).await;
    admin.sell("Cup", 500, 3).await;
    mel.sell("Teapot", 900, 2).await;
    for (who, name, status) in [
        (&admin, "White tea", "draft"),
        (&mel, "Blue cup", "draft"),
        (&mel, "Old cup", "archived"),
    ] {
        let body = json!({"name": name, "price": "1.00", "status": status, "stock": 1});
        let made = who.post("/api/v1/products", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let all = ["On sale: 3", "Drafts: 2", "Archived: 1", "Low in stock: 4"];
    assert_eq!(tabs(&browser.get("/admin/products").await), all);
    let found = ["On sale: 2", "Drafts: 1", "Archived: 0", "Low in stock: 4"];
    assert_eq!(tabs(&browser.get("/admin/products?q=tea").await), found);
    let stock = async |browser: &mut Browser| tabs(&browser.get("/admin/inventory").await);
    assert_eq!(stock(&mut browser).await, ["All: 6", "Low: 4"]);
    // One of six is sold: five are few.
    let ann = shop.customer("ann").await;
    let bought = ann.buy("k", &tea, 1, "tok_ok").await;
    assert_eq!(bought.status, 201, "{}", bought.text);
    assert_eq!(stock(&mut browser).await, ["All: 6", "Low: 5"]);
    let home = browser.get("/admin").await;
    let (before, _) = home.text.split_once("low in stock").expect("the figure");
    let (_, value) = before.rsplit_once("<strong>").expect("its value");
    assert!(value.starts_with("5<"), "{value}");
    let low = browser.get("/admin/inventory?low=true").await;
    assert!(low.text.contains(">Blue cup</a>"), "{}", low.text);
    assert_eq!(low.text.matches("/admin/products/prd_").count(), 5);
    let mut theirs = Browser::signed_in(&shop, "mel@souk.example").await;
    let own = ["On sale: 1", "Drafts: 1", "Archived: 1", "Low in stock: 2"];
    assert_eq!(tabs(&theirs.get("/admin/products").await), own);
    assert_eq!(stock(&mut theirs).await, ["All: 3", "Low: 2"]);
}

async fn accounts_and_what_became_of_them_are_counted(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    shop.merchant(&admin, "mel").await;
    let ann = shop.customer("ann").await;
    let status = format!("/api/v1/users/{}/status", ann.user_id());
    let user = admin.get(&format!("/api/v1/users/{}", ann.user_id())).await;
    let out = json!({"status": "disabled", "version": user.int("/version")});
    let out = admin.put(&status, &out).await;
    assert_eq!(out.status, 200, "{}", out.text);
    let people = browser.get("/admin/customers").await;
    let told = ["All: 3", "Merchants: 1", "Admins: 1", "Disabled: 1"];
    assert_eq!(tabs(&people), told);
    let audit = tabs(&browser.get("/admin/audit").await);
    assert!(audit.contains(&"Kept out: 1".to_owned()), "{audit:?}");
    assert!(audit.contains(&"New keys: 0".to_owned()), "{audit:?}");
    let of_one = tabs(&browser.get("/admin/audit?q=ann%40souk.example").await);
    assert!(of_one.contains(&"Kept out".to_owned()), "{of_one:?}");
}

async fn discounts_are_listed_and_counted_by_whether_they_are_given(open: Open) {
    let Open {
        admin, mut browser, ..
    } = open;
    let none = browser.get("/admin/discounts").await;
    assert_eq!(tabs(&none), ["All: 0", "Given: 0", "Ended: 0"]);
    for (code, active) in [("SPRING", true), ("SUMMER", true), ("WINTER", false)] {
        let body = json!({"code": code, "basis_points": 100, "active": active});
        let made = admin.post("/api/v1/discounts", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    for (show, codes) in [
        ("", vec!["SPRING", "SUMMER", "WINTER"]),
        ("given", vec!["SPRING", "SUMMER"]),
        ("ended", vec!["WINTER"]),
    ] {
        let page = browser.get(&format!("/admin/discounts?show={show}")).await;
        assert_eq!(tabs(&page), ["All: 3", "Given: 2", "Ended: 1"]);
        for code in ["SPRING", "SUMMER", "WINTER"] {
            let is_there = page.text.contains(&format!(">{code}</a>"));
            assert_eq!(is_there, codes.contains(&code), "{show}: {code}");
        }
    }
    let listed = admin.get("/api/v1/discounts?active=false").await;
    assert_eq!(listed.str("/data/0/code"), "WINTER");
    let odd = admin.get("/api/v1/discounts?active=maybe").await;
    assert_eq!(odd.status, 400, "{}", odd.text);
}

async fn deliveries_of_a_webhook_are_counted_by_how_they_went(open: Open) {
    let Open {
        admin, mut browser, ..
    } = open;
    let hook = json!({"url": "https://hooks.souk.example/", "types": ["order.paid"]});
    let made = admin.post("/api/v1/webhooks", &hook).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.str("/webhook/id").to_owned();
    let here = format!("/admin/developers/webhooks/{id}");
    let none = ["All: 0", "Waiting: 0", "Delivered: 0", "Failed: 0"];
    assert_eq!(tabs(&browser.get(&here).await), none);
    let path = format!("/api/v1/webhooks/{id}");
    let before = admin.get(&path).await;
    let ping = admin.post(&format!("{path}/ping"), &json!({})).await;
    assert_eq!(ping.status, 202, "{}", ping.text);
    // Its host is nowhere: it is tried again, or given up.
    let told = tabs(&browser.get(&here).await);
    assert_eq!(told[0], "All: 1", "{told:?}");
    let after = admin.get(&path).await;
    let counts = &after.json["deliveries"];
    let sum: i64 = ["pending", "delivered", "failed"]
        .iter()
        .filter_map(|word| counts[word].as_i64())
        .sum();
    assert_eq!(
        (sum, before.json["deliveries"]["pending"].as_i64()),
        (1, Some(0))
    );
    assert_ne!(before.header("etag"), after.header("etag"));
    let listed = admin.get("/api/v1/webhooks").await;
    assert!(listed.json["data"][0]["deliveries"].is_null());
}

async fn all_of_a_list_are_as_many_as_its_parts(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let tea = admin.sell("Tea", 250, 9).await;
    let ann = shop.customer("ann").await;
    assert_eq!(ann.buy("k", &tea, 1, "tok_ok").await.status, 201);
    assert_eq!(ann.order("k2", &tea, 1).await.status, 201);
    for (list, all) in [
        ("/admin/orders", "All: 2"),
        ("/admin/payments", "All: 1"),
        ("/admin/returns", "All: 0"),
    ] {
        let told = tabs(&browser.get(list).await);
        assert!(told.contains(&all.to_owned()), "{list}: {told:?}");
    }
}
