//! Products and stock as those who sell change them, by forms alone; among them two who edit one product.

use crate::{
    browser::{Browser, field, open},
    forms::send,
};
use serde_json::json;
use testkit::{Client, Shop};

const ADMIN: &str = "admin@souk.example";

async fn shop() -> (Shop, Client, Browser) {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let browser = Browser::signed_in(&shop, ADMIN).await;
    (shop, admin, browser)
}

#[tokio::test]
async fn a_product_is_made_once_however_often_its_form_is_sent_and_put_on_sale() {
    let (_shop, admin, mut browser) = shop().await;
    let page = browser.get("/admin/products/new").await;
    assert_eq!(page.status, 200, "{}", page.text);
    let new = [
        ("name", "Mint & <tea>"),
        ("sku", "MINT-1"),
        ("price", "4.50"),
        ("stock", "7"),
    ];
    let wrong = [("name", "Mint"), ("price", "lots"), ("currency", "USD")];
    let refused = send(&mut browser, (&page, "/admin/products/new"), &wrong).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(
        refused.text.contains("id=\"product-price-error\"")
            && refused.text.contains("value=\"lots\"")
    );
    let made = send(&mut browser, (&page, "/admin/products/new"), &new).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let again = send(&mut browser, (&page, "/admin/products/new"), &new).await;
    assert_eq!(
        made.header("location"),
        again.header("location"),
        "{}",
        again.text
    );
    let here = made
        .header("location")
        .split('?')
        .next()
        .expect("a path")
        .to_owned();
    let page = browser.get(&here).await;
    assert!(
        page.text.contains("Mint &#38; &#60;tea&#62;"),
        "{}",
        page.text
    );
    let saved = send(
        &mut browser,
        (&page, &here),
        &[("status", "active"), ("price", "5.00")],
    )
    .await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (303, format!("{here}?flash=saved").as_str()),
        "{}",
        saved.text
    );
    let product = admin.get(&here.replace("/admin/", "/api/v1/")).await;
    assert_eq!(product.str("/status"), "active");
    assert_eq!(product.int("/price/amount"), 500);
    assert_eq!(product.int("/stock/available"), 7);
    let page = browser.get(&here).await;
    let same = send(&mut browser, (&page, &here), &[]).await;
    assert!(
        same.header("location").ends_with("flash=same"),
        "{}",
        same.text
    );
}

#[tokio::test]
async fn two_who_edit_one_product_see_each_other_s_words_and_lose_none() {
    let (_shop, admin, mut first) = shop().await;
    let id = admin.sell("Green tea", 250, 9).await;
    let here = format!("/admin/products/{id}");
    let page = first.get(&here).await;
    let theirs = json!({"name": "Green tea, theirs", "description": "Theirs.", "version": 1});
    let api = here.replace("/admin/", "/api/v1/");
    assert_eq!(admin.patch(&api, &theirs).await.status, 200);
    let mine = [("name", "Green tea, mine"), ("price", "3.00")];
    let conflict = send(&mut first, (&page, &here), &mine).await;
    assert_eq!(conflict.status, 409, "{}", conflict.text);
    for shown in [
        "somebody else was faster",
        "Green tea, mine",
        "Green tea, theirs",
        "3.00",
        "2.50",
    ] {
        assert!(conflict.text.contains(shown), "{shown}: {}", conflict.text);
    }
    assert!(
        !conflict.text.contains("Theirs."),
        "what I did not touch is not asked"
    );
    assert_eq!(
        admin.get(&api).await.str("/name"),
        "Green tea, theirs",
        "nothing is saved yet"
    );
    let saved = send(&mut first, (&conflict, &here), &[("keep.name", "theirs")]).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    let product = admin.get(&api).await;
    assert_eq!(product.str("/name"), "Green tea, theirs");
    assert_eq!(product.str("/description"), "Theirs.");
    assert_eq!(product.int("/price/amount"), 300);
    // A third who was faster still is not overwritten either.
    let late = send(&mut first, (&conflict, &here), &[("keep.price", "mine")]).await;
    assert_eq!(late.status, 409, "{}", late.text);
}

#[tokio::test]
async fn stock_is_changed_with_a_reason_and_never_on_top_of_what_moved_meanwhile() {
    let (_shop, admin, mut browser) = shop().await;
    let id = admin.sell("Green tea", 250, 9).await;
    let product = admin.get(&format!("/api/v1/products/{id}")).await;
    let here = format!("/admin/inventory/{}", product.str("/variants/0/id"));
    let page = browser.get(&here).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let adjust = format!("{here}/adjust");
    let nothing = send(&mut browser, (&page, &adjust), &[("reason", "x")]).await;
    assert_eq!(nothing.status, 422, "{}", nothing.text);
    let broken = [("delta", "-2"), ("reason", "two broke")];
    for _ in 0..2 {
        let done = send(&mut browser, (&page, &adjust), &broken).await;
        assert_eq!(done.status, 303, "{}", done.text);
    }
    assert_eq!(
        admin.stock(&id).await,
        (7, 0, 7),
        "the same form twice is one change"
    );
    let stale = send(
        &mut browser,
        (&page, &adjust),
        &[("set", "50"), ("reason", "counted"), ("key", "k2")],
    )
    .await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    assert!(stale.text.contains("7 on hand"), "{}", stale.text);
    let page = browser.get(&here).await;
    assert!(page.text.contains("two broke"), "{}", page.text);
    let counted = send(
        &mut browser,
        (&page, &adjust),
        &[("set", "50"), ("reason", "counted")],
    )
    .await;
    assert_eq!(counted.status, 303, "{}", counted.text);
    assert_eq!(admin.stock(&id).await, (50, 0, 50));
}

#[tokio::test]
async fn a_seller_changes_what_is_theirs_and_sees_no_other_s() {
    let (shop, admin, _) = shop().await;
    let mel = shop.merchant(&admin, "mel").await;
    let own = mel.sell("Mel's tea", 250, 9).await;
    let other = admin.sell("House tea", 250, 9).await;
    let mut browser = Browser::signed_in(&shop, "mel@souk.example").await;
    let list = browser.get("/admin/products").await;
    assert!(
        list.text.contains("Mel&#39;s tea") && !list.text.contains("House tea"),
        "{}",
        list.text
    );
    let hidden = browser.get(&format!("/admin/products/{other}")).await;
    assert_eq!(hidden.status, 404, "{}", hidden.text);
    let here = format!("/admin/products/{own}");
    let page = browser.get(&here).await;
    let csrf = field(&page, "csrf").expect("a proof");
    let fields = [
        ("csrf", csrf.as_str()),
        ("version", "1"),
        ("name", "Mine now"),
        ("was.name", "House tea"),
    ];
    let foreign = browser
        .submit(&format!("/admin/products/{other}"), &fields)
        .await;
    assert_eq!(foreign.status, 404, "{}", foreign.text);
    let archive = format!("{here}/archive");
    let unsure = send(&mut browser, (&page, &archive), &[]).await;
    assert_eq!(unsure.status, 422, "{}", unsure.text);
    let gone = send(&mut browser, (&page, &archive), &[("confirm", "yes")]).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    assert_eq!(
        admin
            .get(&format!("/api/v1/products/{own}"))
            .await
            .str("/status"),
        "archived"
    );
}

#[tokio::test]
async fn a_picture_is_added_by_a_form_and_taken_away() {
    let (shop, admin, mut browser) = shop().await;
    let id = admin.sell("Green tea", 250, 9).await;
    let here = format!("/admin/products/{id}");
    let page = browser.get(&here).await;
    let csrf = field(&page, "csrf").expect("a proof");
    let cookies: Vec<_> = browser
        .cookies
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let send = async |csrf: &str, file: &[u8]| {
        let mut body = format!(
            "--xx\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--xx\r\n\
             Content-Disposition: form-data; name=\"alt\"\r\n\r\nA cup\r\n--xx\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n"
        )
        .into_bytes();
        body.extend(file);
        body.extend(b"\r\n--xx--\r\n");
        let client = shop.visitor();
        let request = client.request(
            "POST".parse().expect("a method"),
            &format!("{here}/pictures"),
        );
        let request = request
            .header("accept", crate::browser::HTML)
            .header("cookie", cookies.join("; "))
            .header("content-type", "multipart/form-data; boundary=xx");
        client.send(request.body(body)).await
    };
    let unproven = send("x.y", PIXEL).await;
    assert_eq!(unproven.status, 403, "{}", unproven.text);
    let broken = send(&csrf, b"no picture").await;
    assert!((400..500).contains(&broken.status), "{}", broken.text);
    assert!(broken.text.contains("role=\"alert\""), "{}", broken.text);
    let added = send(&csrf, PIXEL).await;
    assert_eq!(added.status, 303, "{}", added.text);
    let page = browser.get(&here).await;
    assert!(page.text.contains("alt=\"A cup\""), "{}", page.text);
    let (_, rest) = page
        .text
        .split_once("/pictures/")
        .expect("a way to take it away");
    let remove = format!(
        "{here}/pictures/{}",
        rest.split('"').next().expect("its end")
    );
    let gone = browser
        .submit(&remove, &[("csrf", &csrf), ("version", "1")])
        .await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    let product = admin.get(&format!("/api/v1/products/{id}")).await;
    assert_eq!(product.json["images"].as_array().map(Vec::len), Some(0));
}

/// A picture of one dot.
const PIXEL: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52,
    0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x02, 0x00, 0x00, 0x00, 0x90, 0x77, 0x53,
    0xde, 0x00, 0x00, 0x00, 0x0c, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x68, 0x70, 0x50, 0x00,
    0x00, 0x02, 0x24, 0x00, 0xe1, 0xab, 0x59, 0x62, 0x27, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e,
    0x44, 0xae, 0x42, 0x60, 0x82,
];
