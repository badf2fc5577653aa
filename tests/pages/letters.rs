//! Buyers and goods whose letters are not Latin: pages and the API give them back as they were written, mails go, and
//! papers say where all of it stands, since they have no such letters.

use crate::{
    browser::Browser,
    mails::{open, subject},
};
use serde_json::json;
use testkit::{Folder, Shop, on_both_stores};

on_both_stores! {
    open:
    what_papers_have_no_letters_for_stands_on_the_page_that_they_name,
}

async fn what_papers_have_no_letters_for_stands_on_the_page_that_they_name(
    (files, mut shop): (Folder, Shop),
) {
    const NAME: &str = "Дмитрий Ωμέγα";
    const GOODS: &str = "日本の茶";
    let admin = shop.admin().await;
    let tea = admin.sell(GOODS, 250, 9).await;
    let ann = shop.customer("ann").await;
    let to = json!({"name": NAME, "line1": "7", "city": "Αθήνα", "country": "GR"});
    let wish = json!({"items": [{"product_id": tea, "quantity": 1}], "shipping_address": to,
        "payment": {"method": "tok_ok"}});
    let order = ann.post_with_key("/api/v1/orders", "k1", &wish).await;
    assert_eq!(order.status, 201, "{}", order.text);
    assert_eq!(order.str("/shipping_address/name"), NAME);
    let id = order.str("/id");
    let paper = ann.get(&format!("/api/v1/orders/{id}/invoice")).await;
    assert_eq!(paper.status, 200);
    let page = format!("/order/{id}");
    let address = format!("({}{page})", shop.url());
    for said in [
        "(??????? ?????)",
        "letter that this paper does not have",
        address.as_str(),
    ] {
        assert!(paper.text.contains(said), "{said}: {}", paper.text);
    }
    let mut browser = Browser::signed_in(&shop, "ann@souk.example").await;
    let shown = browser.get(&page).await;
    assert_eq!(shown.status, 200);
    for written in [NAME, GOODS, "Αθήνα"] {
        assert!(shown.text.contains(written), "{written}: {}", shown.text);
    }
    let subject = subject(&files).await;
    let number = order.int("/number").to_string();
    assert!(subject.contains(&number), "{subject}");
}
