//! Stock that is changed in the list itself, by buttons alone, and taken back; on both stores.

use crate::{
    browser::{Browser, field},
    forms::send,
};
use testkit::{Answer, Client, Shop, on_both_stores};

const ADMIN: &str = "admin@souk.example";
const STEP: &str = "/admin/inventory/step";

/// A shop with these settings more.
async fn start(more: &[(&str, &str)]) -> Shop {
    Shop::start_with(more).await
}

on_both_stores! {
    start:
    a_button_is_one_change_however_often_it_is_pressed_and_can_be_taken_back,
    the_list_of_products_has_the_buttons_and_leads_back_to_itself,
    what_is_promised_stays_and_nobody_takes_back_what_somebody_else_did,
}

/// The admin, their browser, and tea with the id of its variant.
async fn open(shop: &mut Shop, units: i64) -> (Client, Browser, (String, String)) {
    let admin = shop.admin().await;
    let tea = admin.sell("Tea", 250, units).await;
    let product = admin.get(&format!("/api/v1/products/{tea}")).await;
    let variant = product.str("/variants/0/id").to_owned();
    let browser = Browser::signed_in(shop, ADMIN).await;
    (admin, browser, (tea, variant))
}

/// The page that a form leads to.
async fn next(browser: &mut Browser, answer: &Answer) -> Answer {
    assert_eq!(answer.status, 303, "{}", answer.text);
    browser.get(answer.header("location")).await
}

async fn a_button_is_one_change_however_often_it_is_pressed_and_can_be_taken_back(mut shop: Shop) {
    let (admin, mut browser, (tea, variant)) = open(&mut shop, 9).await;
    let list = browser.get("/admin/inventory?q=Tea").await;
    assert!(
        list.text.contains("aria-label=\"More of Tea\""),
        "{}",
        list.text
    );
    let more = [("more", variant.as_str()), ("units", "5")];
    let once = send(&mut browser, (&list, STEP), &more).await;
    let twice = send(&mut browser, (&list, STEP), &more).await;
    assert_eq!(once.header("location"), twice.header("location"));
    assert_eq!(
        admin.stock(&tea).await,
        (14, 0, 14),
        "a double click is one change"
    );
    // Another button of the same page is another change.
    let fewer = send(&mut browser, (&list, STEP), &[("fewer", &variant)]).await;
    assert_eq!(admin.stock(&tea).await, (13, 0, 13));
    let changed = next(&mut browser, &fewer).await;
    assert!(
        changed.text.contains("The stock of Tea is changed by -1."),
        "{}",
        changed.text
    );
    assert!(
        changed.text.contains("value=\"Tea\""),
        "it is still the list that was looked for: {}",
        changed.text
    );
    let back = send(&mut browser, (&changed, STEP), &[]).await;
    send(&mut browser, (&changed, STEP), &[]).await;
    assert_eq!(admin.stock(&tea).await, (14, 0, 14), "taken back, once");
    let taken = next(&mut browser, &back).await;
    assert!(
        taken
            .text
            .contains("It is taken back: the stock of Tea is changed by +1.")
            && !taken.text.contains("Take it back"),
        "{}",
        taken.text
    );
    let ledger = browser.get(&format!("/admin/inventory/{variant}")).await;
    for kept in ["changed in the list", "taken back in the list"] {
        assert!(ledger.text.contains(kept), "{kept}: {}", ledger.text);
    }
}

async fn the_list_of_products_has_the_buttons_and_leads_back_to_itself(mut shop: Shop) {
    let (admin, mut browser, (tea, variant)) = open(&mut shop, 9).await;
    let list = browser.get("/admin/products?q=Tea").await;
    assert!(list.text.contains("aria-label=\"More of "), "{}", list.text);
    let more = [("more", variant.as_str()), ("units", "5")];
    let done = send(&mut browser, (&list, STEP), &more).await;
    assert!(
        done.header("location").starts_with("/admin/products?"),
        "{}",
        done.header("location")
    );
    assert_eq!(admin.stock(&tea).await, (14, 0, 14));
    let changed = next(&mut browser, &done).await;
    assert!(
        changed.text.contains("is changed by +5.") && changed.text.contains("value=\"Tea\""),
        "{}",
        changed.text
    );
    let back = send(&mut browser, (&changed, STEP), &[]).await;
    let taken = next(&mut browser, &back).await;
    assert!(taken.text.contains("It is taken back"), "{}", taken.text);
    assert_eq!(admin.stock(&tea).await, (9, 0, 9));
    let too_many = [("fewer", variant.as_str()), ("units", "10")];
    let refused = send(&mut browser, (&taken, STEP), &too_many).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(
        refused.text.contains("role=\"alert\"") && refused.text.contains("<h1>Products"),
        "{}",
        refused.text
    );
    assert_eq!(admin.stock(&tea).await, (9, 0, 9));
}

async fn what_is_promised_stays_and_nobody_takes_back_what_somebody_else_did(mut shop: Shop) {
    let (admin, mut browser, (tea, variant)) = open(&mut shop, 3).await;
    let ann = shop.customer("ann").await;
    assert_eq!(ann.order("k", &tea, 2).await.status, 201);
    let list = browser.get("/admin/inventory").await;
    let too_many = [("fewer", variant.as_str()), ("units", "2")];
    let refused = send(&mut browser, (&list, STEP), &too_many).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert!(refused.text.contains("role=\"alert\""), "{}", refused.text);
    assert_eq!(admin.stock(&tea).await, (3, 2, 1), "nothing is changed");
    let both = [("fewer", variant.as_str()), ("more", variant.as_str())];
    for wrong in [&[][..], &both, &[("more", "x")]] {
        let refused = send(&mut browser, (&list, STEP), wrong).await;
        assert_eq!(refused.status, 422, "{wrong:?}: {}", refused.text);
    }
    let done = send(&mut browser, (&list, STEP), &[("more", &variant)]).await;
    let offered = next(&mut browser, &done).await;
    assert!(offered.text.contains("Take it back"), "{}", offered.text);
    // The same address in somebody else's hands: they did not do it.
    shop.merchant(&admin, "mel").await;
    let mut mel = Browser::signed_in(&shop, "mel@souk.example").await;
    let other = mel.get(done.header("location")).await;
    assert_eq!(other.status, 200, "{}", other.text);
    assert!(!other.text.contains("Take it back"), "{}", other.text);
    let csrf = mel.proof("/admin/products/new").await;
    let key = field(&list, "key").expect("a key");
    let fields = [("csrf", &*csrf), ("key", &*key), ("more", &*variant)];
    let theirs = mel.submit(STEP, &fields).await;
    assert_eq!(theirs.status, 404, "not theirs: {}", theirs.text);
    assert_eq!(admin.stock(&tea).await, (4, 2, 2));
}
