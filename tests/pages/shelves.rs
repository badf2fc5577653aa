//! What shoppers see: lists, search, products, and names that are no markup.

use crate::browser::{Browser, all, open};
use serde_json::json;
use std::collections::BTreeSet;
use testkit::{Answer, Shop};

/// Products of the demo catalog.
const DEMO: usize = 62;

fn products(page: &Answer) -> Vec<&str> {
    let links = all(page, "<h2><a href=\"");
    links
        .into_iter()
        .filter(|link| link.starts_with("/p/"))
        .collect()
}

/// The address of the next page, as a browser reads it.
fn next(page: &Answer) -> Option<String> {
    let (before, _) = page.text.split_once("\" rel=\"next\"")?;
    let (_, address) = before.rsplit_once("href=\"")?;
    Some(address.replace("&#38;", "&"))
}

fn cents(page: &Answer) -> Vec<i64> {
    let prices = page.text.split("<p class=\"price\">$").skip(1);
    let prices = prices.filter_map(|rest| rest.split('<').next());
    prices
        .map(|price| price.replace(['.', ','], "").parse().expect("a price"))
        .collect()
}

#[tokio::test]
async fn the_first_page_leads_through_the_whole_catalog() {
    let shop = open().await;
    let mut visitor = Browser::new(&shop);
    for first in [
        "/",
        "/?sort=price",
        "/?sort=-price",
        "/?sort=name",
        "/?sort=-created_at",
    ] {
        let mut page = visitor.get(first).await;
        let (mut seen, mut prices, mut pages) = (Vec::new(), Vec::new(), 1);
        loop {
            assert_eq!(page.status, 200, "{first}: {}", page.text);
            seen.extend(products(&page).into_iter().map(str::to_owned));
            prices.extend(cents(&page));
            let Some(address) = next(&page) else { break };
            page = visitor.get(&address).await;
            assert!(page.text.contains(">First page</a>"), "{address}");
            pages += 1;
        }
        let distinct: BTreeSet<_> = seen.iter().collect();
        assert_eq!(
            (seen.len(), distinct.len(), pages),
            (DEMO, DEMO, 3),
            "{first}"
        );
        assert_eq!(prices.len(), DEMO);
        match first {
            "/?sort=price" => assert!(prices.is_sorted(), "{prices:?}"),
            "/?sort=-price" => assert!(prices.iter().rev().is_sorted(), "{prices:?}"),
            _ => {}
        }
    }
}

#[tokio::test]
async fn each_shelf_holds_its_own_products() {
    let shop = open().await;
    let mut visitor = Browser::new(&shop);
    let home = visitor.get("/").await;
    let shelves: BTreeSet<_> = all(&home, "<li><a href=\"").into_iter().collect();
    let shelves: Vec<_> = shelves
        .into_iter()
        .filter(|link| link.starts_with("/c/"))
        .collect();
    assert_eq!(shelves.len(), 8);
    let mut seen = 0;
    for shelf in shelves {
        let page = visitor.get(shelf).await;
        assert_eq!(page.status, 200);
        assert!(page.text.contains("aria-current=\"page\""), "{shelf}");
        assert_eq!(next(&page), None, "{shelf}");
        seen += products(&page).len();
    }
    assert_eq!(seen, DEMO);
    let empty = visitor.get("/?category=nothing-here").await;
    assert_eq!((empty.status, products(&empty).len()), (200, 0));
    assert!(empty.text.contains("See everything"));
}

#[tokio::test]
async fn search_finds_by_beginnings_and_says_when_it_does_not() {
    let shop = open().await;
    let mut visitor = Browser::new(&shop);
    let found = visitor.get("/?q=lant").await;
    assert!(found.text.contains("Results for “lant”"));
    assert!(products(&found).iter().any(|link| link.contains("lantern")));
    assert!(found.text.contains("value=\"lant\""), "it stays in the box");
    let tea = visitor.get("/?q=tea&sort=price").await;
    let prices = cents(&tea);
    assert!(prices.len() > 3 && prices.is_sorted(), "{prices:?}");
    let nothing = visitor.get("/?q=zeppelin").await;
    assert_eq!((nothing.status, products(&nothing).len()), (200, 0));
    assert!(nothing.text.contains("Nothing found for “zeppelin”"));
    for odd in [
        "/?q=%22%20OR%201%3D1",
        "/?q=(((((",
        "/?q=%2A",
        "/?q=%25",
        "/?q=%00",
        "/?sort=chaos",
        "/?utm_source=letter",
        "/?cursor=x",
        "/?cursor=%00",
        "/?q=a&q=b",
        "/?category=%2e%2e%2f",
        &format!("/?q={}", "a".repeat(2_000)),
    ] {
        let page = visitor.get(odd).await;
        assert!(matches!(page.status, 200 | 400), "{odd}: {}", page.text);
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{odd}"
        );
    }
}

#[tokio::test]
async fn every_page_has_a_script_that_asks_what_there_is() {
    let shop = open().await;
    let mut visitor = Browser::new(&shop);
    let home = visitor.get("/").await;
    assert!(home.text.contains("list=\"suggested\""));
    let address = all(&home, "<script src=\"")[0];
    let script = visitor.get(address).await;
    assert!(script.header("content-type").starts_with("text/javascript"));
    assert!(script.header("cache-control").contains("immutable"));
    let api = "/api/v1/products/suggestions?q=";
    assert!(script.text.contains(api), "{}", script.text);
    let told = visitor.get(&format!("{api}lanter")).await;
    assert!(told.text.contains("antern"), "{}", told.text);
}

#[tokio::test]
async fn a_product_has_a_page_by_its_slug() {
    let shop = open().await;
    let mut visitor = Browser::new(&shop);
    let home = visitor.get("/").await;
    for link in products(&home) {
        let page = visitor.get(link).await;
        assert_eq!(page.status, 200, "{link}");
        assert_eq!(page.text.matches("<h1>").count(), 1, "{link}");
        assert!(page.text.contains("<p class=\"price\">$"), "{link}");
        assert!(page.text.contains("<th scope=\"row\">SKU</th>"), "{link}");
    }
}

async fn make(shop: &Shop, body: serde_json::Value) -> (testkit::Client, Answer) {
    let merchant = shop.customer("merchant").await;
    let made = merchant.post("/api/v1/products", &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    (merchant, made)
}

#[tokio::test]
async fn a_picture_of_the_shop_s_own_is_on_its_pages_and_anybody_may_load_it() {
    let shop = open().await;
    let wish = json!({"name": "Blue vase", "price": 900, "image_url": "https://elsewhere.example/vase.png"});
    let (merchant, made) = make(&shop, wish).await;
    let image = merchant.show(made.str("/id")).await;
    assert_eq!(image.status, 201, "{}", image.text);
    let (url, size) = (image.str("/full/url"), "width=\"2\" height=\"1\"");
    let mut visitor = Browser::new(&shop);
    for page in ["/", &format!("/p/{}", made.str("/slug"))] {
        let page = visitor.get(page).await;
        let shown = format!("<img src=\"{url}\" alt=\"\" {size}");
        assert!(
            page.text.contains(&shown) && !page.text.contains("elsewhere.example"),
            "{}",
            page.text
        );
    }
    let file = shop.visitor().get(url).await;
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, "image/jpeg")
    );
    assert!(file.header("cache-control").contains("immutable"));
    assert!(file.header("content-security-policy").ends_with("sandbox"));
    assert_eq!(file.header("ratelimit"), "", "nobody is counted for it");
}

#[tokio::test]
async fn what_left_the_shop_is_gone_and_what_never_was_is_not_found() {
    let shop = open().await;
    let mut visitor = Browser::new(&shop);
    let (merchant, made) = make(
        &shop,
        json!({"name": "Blue vase", "price": 900, "stock": 2}),
    )
    .await;
    let page = visitor.get("/p/blue-vase").await;
    assert!(
        page.status == 200 && page.text.contains("Only 2 left"),
        "{}",
        page.text
    );
    let path = format!("/products/{}", made.str("/id"));
    let deleted = merchant.delete(&path, None).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    for (path, status, words) in [
        ("/p/blue-vase", 410, "Blue vase"),
        ("/p/red-vase", 404, "value=\"red vase\""),
        ("/p/%3Cscript%3E", 404, "&#60;script&#62;"),
        ("/nowhere", 404, "There is no such page"),
        ("/p/a/b", 404, "There is no such page"),
    ] {
        let page = visitor.get(path).await;
        assert_eq!(page.status, status, "{path}");
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{path}"
        );
        assert!(page.text.contains(words), "{path}: {}", page.text);
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert!(page.text.contains("id=\"again\" name=\"q\""), "{path}");
    }
    assert!(
        products(&visitor.get("/?q=vase").await)
            .iter()
            .all(|link| !link.contains("blue"))
    );
}

#[tokio::test]
async fn a_draft_is_shown_to_its_owner_alone() {
    let shop = open().await;
    let draft = json!({"name": "Blue vase", "price": 900, "stock": 2, "status": "draft"});
    make(&shop, draft).await;
    shop.customer("other").await;
    let mut owner = Browser::signed_in(&shop, "merchant@souk.example").await;
    let page = owner.get("/p/blue-vase").await;
    assert!(
        page.status == 200 && page.text.contains("Draft"),
        "{}",
        page.text
    );
    assert_eq!(page.header("cache-control"), "no-store");
    let mut other = Browser::signed_in(&shop, "other@souk.example").await;
    for visitor in [&mut other, &mut Browser::new(&shop)] {
        assert_eq!(visitor.get("/p/blue-vase").await.status, 404);
        assert!(
            products(&visitor.get("/?q=blue").await)
                .iter()
                .all(|link| !link.contains("vase"))
        );
    }
}

/// Nothing on a page may be one of these.
const MARKUP: &[&str] = &[
    "<script>",
    "<img src=x",
    "<i>alert",
    "onerror=alert(1)>",
    "javascript:",
];

fn tame(page: &Answer, what: &str) {
    for markup in MARKUP {
        assert!(
            !page.text.contains(markup),
            "{what}: {markup} in {}",
            page.text
        );
    }
}

#[tokio::test]
async fn names_are_text_wherever_they_stand() {
    let shop = open().await;
    let script = "<script>alert(1)</script>";
    let image = "\"><img src=x onerror=alert(1)>";
    let body = json!({
        "name": script, "description": image, "sku": image, "price": 900, "stock": 9,
        "attributes": {image: script, "<i>alert": "<i>alert"},
    });
    let (merchant, made) = make(&shop, body).await;
    let order = merchant.order("k1", made.str("/id"), 1).await;
    assert_eq!(order.status, 201, "{}", order.text);
    let named = merchant
        .patch("/api/v1/me", &json!({"name": script, "version": 1}))
        .await;
    assert_eq!(named.status, 200, "{}", named.text);
    let mut browser = Browser::signed_in(&shop, "merchant@souk.example").await;
    let page = format!("/p/{}", made.str("/slug"));
    let searched = "/?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    for path in ["/", searched, "/?category=%3Cscript%3E", &page, "/account"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, 200, "{path}");
        tame(&answer, path);
        assert!(
            answer.text.contains("&#60;script&#62;"),
            "{path}: {}",
            answer.text
        );
    }
    for path in [
        "/p/%3Cscript%3Ealert",
        "/problems/%3Cscript%3E",
        "/%3Cscript%3E",
        "/?cursor=%3Cscript%3E",
    ] {
        tame(&browser.get(path).await, path);
    }
    let mut visitor = Browser::new(&shop);
    tame(
        &visitor.sign_in(image, "wrong", script).await,
        "the sign-in form",
    );
    tame(
        &visitor.register(image, script, "short").await,
        "the registration form",
    );
    for address in [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example/x.png",
        "x",
    ] {
        let body = json!({"name": "Picture", "price": 1, "image_url": address});
        let answer = merchant.post("/api/v1/products", &body).await;
        assert_eq!(answer.status, 422, "{address}: {}", answer.text);
    }
}
