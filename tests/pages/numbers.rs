//! Pages of a shelf by their numbers, on both kinds of stores: each has an address that stays, all of them together
//! hold the whole shelf, and what is no number of a page is refused.

use crate::browser::{Browser, all};
use serde_json::json;
use std::collections::BTreeSet;
use testkit::{Answer, Shop, on_both_stores};

/// Products of the shelf: two whole pages, and some.
const ON_IT: usize = 55;

/// A shop with a shelf of two pages and a bit, and something beside it.
async fn filled(more: &[(&str, &str)]) -> Shop {
    let settings = [("SOUK_SHOP__DEMO", "false")];
    let settings: Vec<_> = settings.iter().chain(more).copied().collect();
    let mut shop = Shop::start_with(&settings).await;
    let admin = shop.admin().await;
    let made = admin
        .post("/api/v1/categories", &json!({"name": "Tea"}))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let prices = [100, 200, 300, 400, 500, 600, 700].into_iter().cycle();
    for (n, price) in (0..=ON_IT).zip(prices) {
        let category = if n == ON_IT { None } else { Some("tea") };
        let body = json!({
            "name": format!("Tea {n:02}"), "price": {"amount": price, "currency": "USD"},
            "stock": n % 5, "category": category,
        });
        let made = admin.post("/api/v1/products", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    shop
}

on_both_stores! {
    filled:
    the_pages_of_a_shelf_hold_all_of_it_whichever_way_they_are_reached,
    a_page_says_where_it_is_and_what_is_one_choice_of_many_is_not_found,
    what_is_no_page_of_a_shelf_is_refused,
}

fn products(page: &Answer) -> Vec<String> {
    let links = all(page, "<h2><a href=\"");
    links.into_iter().map(str::to_owned).collect()
}

/// The address of the link that stands like this to the page.
fn link(page: &Answer, relation: &str) -> Option<String> {
    let (before, _) = page.text.split_once(&format!("\" rel=\"{relation}\""))?;
    let (_, address) = before.rsplit_once("href=\"")?;
    Some(address.replace("&#38;", "&"))
}

/// The numbers' links.
fn numbers(page: &Answer) -> Vec<String> {
    let (_, rest) = page.text.split_once("<ol>").unwrap_or_default();
    let (list, _) = rest.split_once("</ol>").unwrap_or_default();
    let links = list.split("href=\"").skip(1);
    links
        .filter_map(|rest| rest.split('"').next())
        .map(|address| address.replace("&#38;", "&"))
        .collect()
}

async fn the_pages_of_a_shelf_hold_all_of_it_whichever_way_they_are_reached(shop: Shop) {
    let mut visitor = Browser::new(&shop);
    for (choice, count) in [
        ("", ON_IT),
        ("sort=price", ON_IT),
        ("sort=-price", ON_IT),
        ("sort=name&in_stock=true", 44),
        ("in_stock=true&price_min=200&price_max=700", 38),
    ] {
        let first = format!("/c/tea?{choice}");
        let mut page = visitor.get(first.trim_end_matches('?')).await;
        let (mut walked, mut before) = (Vec::new(), None);
        for number in 1_usize.. {
            assert_eq!(page.status, 200, "{choice}: {}", page.text);
            let here = format!("aria-label=\"Page {number}\" aria-current=\"page\">{number}<");
            assert!(page.text.contains(&here), "{choice}: {}", page.text);
            assert_eq!(link(&page, "prev"), before, "{choice}");
            walked.push(products(&page));
            let Some(next) = link(&page, "next") else {
                break;
            };
            assert!(next.starts_with(first.trim_end_matches('?')), "{next}");
            assert!(
                next.ends_with(&format!("page={}", number.saturating_add(1))),
                "{next}"
            );
            before = numbers(&page).get(number.saturating_sub(1)).cloned();
            page = visitor.get(&next).await;
        }
        let whole: Vec<_> = walked.concat();
        let distinct: BTreeSet<_> = whole.iter().collect();
        assert_eq!((whole.len(), distinct.len()), (count, count), "{choice}");
        let numbers = numbers(&page);
        assert_eq!(numbers.len(), walked.len(), "{choice}");
        assert_eq!(
            numbers.first().map(String::as_str),
            Some(first.trim_end_matches('?'))
        );
        for (address, walked) in numbers.iter().zip(&walked) {
            assert_eq!(&products(&visitor.get(address).await), walked, "{address}");
        }
    }
}

async fn a_page_says_where_it_is_and_what_is_one_choice_of_many_is_not_found(shop: Shop) {
    let mut visitor = Browser::new(&shop);
    let canonical = |page: &Answer| {
        let found = all(page, "<link rel=\"canonical\" href=\"");
        found.first().map(|one| (*one).to_owned())
    };
    let hidden = |page: &Answer| {
        page.text
            .contains("<meta name=\"robots\" content=\"noindex\">")
    };
    for (address, own, is_hidden) in [
        ("/c/tea", Some("/c/tea"), false),
        ("/c/tea?page=1", Some("/c/tea"), false),
        ("/c/tea?sort=price", Some("/c/tea"), false),
        ("/c/tea?page=3", Some("/c/tea?page=3"), false),
        ("/?category=tea&page=2", Some("/c/tea?page=2"), false),
        ("/c/tea?page=2&sort=price", None, true),
        ("/c/tea?page=2&price_min=200", None, true),
        ("/search?q=tea&page=2", None, true),
    ] {
        let page = visitor.get(address).await;
        assert_eq!(page.status, 200, "{address}: {}", page.text);
        let found = canonical(&page);
        assert_eq!(found.is_some(), own.is_some(), "{address}");
        assert!(
            own.is_none_or(|own| found.is_some_and(|found| found.ends_with(own))),
            "{address}"
        );
        assert_eq!(hidden(&page), is_hidden, "{address}");
    }
    let second = visitor.get("/c/tea?page=2&sort=price&in_stock=true").await;
    assert!(second.text.contains("<title>Tea · Page 2 · "));
    let kept = "<input type=\"hidden\" name=\"in_stock\" value=\"true\">";
    assert!(second.text.contains(kept), "another order keeps the choice");
    // Whoever was led by a cursor once goes on by it.
    let page = shop.visitor();
    let listed = page.get("/api/v1/products?category=tea&limit=24").await;
    let led = format!("/c/tea?cursor={}", listed.str("/next_cursor"));
    let led = visitor.get(&led).await;
    assert_eq!(
        products(&led),
        products(&visitor.get("/c/tea?page=2").await)
    );
    assert!(led.text.contains(">First page</a>") && numbers(&led).is_empty());
}

async fn what_is_no_page_of_a_shelf_is_refused(shop: Shop) {
    let mut visitor = Browser::new(&shop);
    for (address, status) in [
        ("/c/tea?page=0", 400),
        ("/c/tea?page=101", 400),
        ("/c/tea?page=-1", 400),
        ("/c/tea?page=1.5", 400),
        ("/c/tea?page=two", 400),
        ("/c/tea?page=%00", 400),
        ("/c/tea?page=%3Cscript%3E", 400),
        ("/c/tea?page=99999999999999999999", 400),
        ("/c/tea?page=2&page=3", 400),
        ("/c/tea?page=2&cursor=abc", 400),
        ("/c/tea?page=4", 404),
        ("/c/tea?page=100", 404),
        ("/c/tea?page=3&in_stock=true", 404),
        ("/c/nowhere", 404),
        ("/c/nowhere?page=2", 404),
    ] {
        let page = visitor.get(address).await;
        assert_eq!(page.status, status, "{address}: {}", page.text);
        assert!(page.header("content-type").starts_with("text/html"));
        assert!(!page.text.contains("<script>"), "{address}");
        assert_eq!(page.header("cache-control"), "no-store", "{address}");
    }
    let gone = visitor.get("/c/tea?page=4").await;
    assert!(
        gone.text.contains("This list has no such page"),
        "{}",
        gone.text
    );
    // Where pages have no numbers, nobody looks at one.
    for address in [
        "/?page=7",
        "/search?q=tea&page=x",
        "/search?category=nowhere",
        "/c/tea?page=",
    ] {
        assert_eq!(visitor.get(address).await.status, 200, "{address}");
    }
}
