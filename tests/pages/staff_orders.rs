//! Orders as those who run the shop see and move them, by forms alone. What came of it is looked at through the API.

use crate::browser::{Browser, all, field, open};
use testkit::{Answer, Client, Shop};

const ADMIN: &str = "admin@souk.example";

/// An admin at a browser, and the same by the API, in a shop with this many orders that were paid.
async fn shop_with(orders: u32) -> (Shop, Client, Browser, Vec<String>) {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let tea = admin.sell("TEA-1", 1_999, 50).await;
    let ann = shop.customer("ann").await;
    let mut ids = Vec::new();
    for number in 0..orders {
        let bought = ann.buy(&format!("k{number}"), &tea, 2, "tok_ok").await;
        assert_eq!(bought.status, 201, "{}", bought.text);
        ids.push(bought.str("/id").to_owned());
    }
    let browser = Browser::signed_in(&shop, ADMIN).await;
    (shop, admin, browser, ids)
}

/// Sends the form that leads there as the page shows it, with these fields besides.
async fn send(browser: &mut Browser, page: &Answer, to: &str, more: &[(&str, &str)]) -> Answer {
    let csrf = field(page, "csrf").expect("a proof");
    let key = field(page, "key").expect("a key");
    let fields = [("csrf", csrf.as_str()), ("key", key.as_str())];
    let fields: Vec<_> = fields.into_iter().chain(more.iter().copied()).collect();
    browser.submit(to, &fields).await
}

#[tokio::test]
async fn orders_have_exact_counters_and_are_found_by_number_and_address() {
    let (_shop, admin, mut browser, ids) = shop_with(3).await;
    let order = admin.get(&format!("/api/v1/orders/{}", ids[0])).await;
    let number = order.json["number"].as_i64().expect("a number").to_string();
    let page = browser.get("/admin/orders").await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(
        page.text.contains("To ship <span class=\"count\">3</span>"),
        "{}",
        page.text
    );
    assert!(page.text.contains("To pay <span class=\"count\">0</span>"));
    for (q, found) in [
        (number.as_str(), 1),
        ("ann@souk.example", 3),
        ("nobody@souk.example", 0),
        ("999", 0),
        ("words", 0),
    ] {
        let page = browser.get(&format!("/admin/orders?q={q}")).await;
        let links = all(&page, "<td><a href=\"/admin/orders/");
        assert_eq!(
            (page.status, links.len()),
            (200, found),
            "{q}: {}",
            page.text
        );
    }
    let page = browser.get("/admin/orders?status=shipped").await;
    assert!(page.text.contains("No such order"), "{}", page.text);
    let page = browser.get("/admin/orders?cursor=wrong").await;
    assert_eq!(page.status, 400, "{}", page.text);
}

#[tokio::test]
async fn many_orders_are_shipped_at_once_and_once() {
    let (shop, admin, mut browser, ids) = shop_with(2).await;
    let page = browser.get("/admin/orders?status=paid").await;
    let csrf = field(&page, "csrf").expect("a proof");
    let fields = [
        ("csrf", csrf.as_str()),
        ("status", "paid"),
        ("order", ids[0].as_str()),
        ("order", ids[1].as_str()),
        ("order", "nothing"),
    ];
    let sent = browser.submit("/admin/orders/ship", &fields).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    let page = browser.get(sent.header("location")).await;
    assert!(
        page.text
            .contains("2 orders marked as shipped. One order could not"),
        "{}",
        page.text
    );
    let again = browser.submit("/admin/orders/ship", &fields).await;
    assert!(
        again.header("location").contains("shipped=0"),
        "each goes once"
    );
    for id in &ids {
        let order = admin.get(&format!("/api/v1/orders/{id}")).await;
        assert_eq!(order.str("/status"), "shipped");
    }
    shop.verify().await;
}

#[tokio::test]
async fn an_order_is_sent_in_parcels_noted_and_refunded_on_its_page() {
    let (shop, admin, mut browser, ids) = shop_with(1).await;
    let here = format!("/admin/orders/{}", ids[0]);
    let page = browser.get(&here).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains("Nothing was sent yet") && page.text.contains("Timeline"));
    assert!(
        page.text.contains("&#34;request_id&#34;"),
        "raw: {}",
        page.text
    );
    let parcel = [("line.1", "1"), ("carrier", "Post"), ("tracking", "RR-1")];
    let sent = send(&mut browser, &page, &format!("{here}/ship"), &parcel).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    // The same form twice is one parcel: it has the same key.
    let again = send(&mut browser, &page, &format!("{here}/ship"), &parcel).await;
    assert_eq!(again.status, 303, "{}", again.text);
    let parcels = admin
        .get(&format!("/api/v1/orders/{}/shipments", ids[0]))
        .await;
    assert_eq!(parcels.json["data"].as_array().map(Vec::len), Some(1));
    let page = browser.get(&format!("{here}?flash=shipped")).await;
    assert!(
        page.text.contains("RR-1") && page.text.contains("It is sent"),
        "{}",
        page.text
    );
    assert!(
        !page.text.contains("Cancel it"),
        "something was sent: {}",
        page.text
    );
    let wrong = [("line.1", "9")];
    let refused = send(&mut browser, &page, &format!("{here}/ship"), &wrong).await;
    assert!((400..500).contains(&refused.status), "{}", refused.text);
    assert!(refused.text.contains("role=\"alert\"") && refused.text.contains("value=\"9\""));
    let note = [("text", "Knock <twice>"), ("for_customer", "yes")];
    for _ in 0..2 {
        let noted = send(&mut browser, &page, &format!("{here}/note"), &note).await;
        assert_eq!(noted.status, 303, "{}", noted.text);
    }
    let notes = admin.get(&format!("/api/v1/orders/{}/notes", ids[0])).await;
    assert_eq!(notes.json["data"].as_array().map(Vec::len), Some(1));
    let refund = [("amount", "5.00"), ("reason", "a scratch")];
    let unsure = send(&mut browser, &page, &format!("{here}/refund"), &refund).await;
    assert_eq!(unsure.status, 422, "not without a tick: {}", unsure.text);
    let sure = [
        ("amount", "5.00"),
        ("reason", "a scratch"),
        ("confirm", "yes"),
    ];
    let done = send(&mut browser, &page, &format!("{here}/refund"), &sure).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let page = browser.get(done.header("location")).await;
    assert!(page.text.contains("-$5.00") && page.text.contains("Knock &#60;twice&#62;"));
    shop.verify().await;
}

#[tokio::test]
async fn an_order_that_waits_is_cancelled_after_a_tick() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let tea = admin.sell("TEA-1", 1_999, 5).await;
    let ann = shop.customer("ann").await;
    let placed = ann.order("k1", &tea, 2).await;
    let here = format!("/admin/orders/{}", placed.str("/id"));
    let mut browser = Browser::signed_in(&shop, ADMIN).await;
    let page = browser.get(&here).await;
    assert!(
        page.text.contains("Nobody has tried to pay it yet"),
        "{}",
        page.text
    );
    let unsure = send(&mut browser, &page, &format!("{here}/cancel"), &[]).await;
    assert_eq!(unsure.status, 422, "{}", unsure.text);
    let sure = [("confirm", "yes")];
    let done = send(&mut browser, &page, &format!("{here}/cancel"), &sure).await;
    assert_eq!(done.status, 303, "{}", done.text);
    assert_eq!(admin.stock(&tea).await, (5, 0, 5));
    // The page of before is sent once more: it was cancelled already.
    let late = send(&mut browser, &page, &format!("{here}/cancel"), &sure).await;
    assert!(matches!(late.status, 303 | 409), "{}", late.text);
}
