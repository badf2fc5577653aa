//! What was looked for is marked where it stands in a product's name, on both kinds of stores, and neither a name nor a
//! search becomes markup by it.

use crate::browser::Browser;
use serde_json::json;
use testkit::{Answer, Shop, on_both_stores};

/// What is for sale, to look for.
const NAMES: [&str; 4] = [
    "Crème brûlée dish",
    "Green teapot of iron",
    "<script>alert(1)</script> & \"tea\"",
    "&lt;mark&gt; on paper",
];

/// What is searched for, and what is on the page then.
const MARKED: [(&str, &[&str]); 8] = [
    ("creme", &["<mark>Crème</mark> brûlée dish</a>"]),
    (
        "BRÛ%20d",
        &["Crème <mark>brû</mark>lée <mark>d</mark>ish</a>"],
    ),
    (
        "tea",
        &[
            "Green <mark>tea</mark>pot of iron</a>",
            "&#60;/script&#62; &#38; &#34;<mark>tea</mark>&#34;</a>",
        ],
    ),
    (
        "%3Cscript%3Ealert",
        &["&#60;<mark>script</mark>&#62;<mark>alert</mark>(1)&#60;/"],
    ),
    ("mark", &["&#38;lt;<mark>mark</mark>&#38;gt; on paper</a>"]),
    ("lt", &["&#38;<mark>lt</mark>;mark&#38;gt; on paper</a>"]),
    // An error was forgiven: which word was meant, nobody says.
    ("taepot", &[">Green teapot of iron</a>"]),
    // It is its SKU that was found.
    ("papier-3", &[">&#38;lt;mark&#38;gt; on paper</a>"]),
];

async fn shop(more: &[(&str, &str)]) -> Shop {
    let settings = [("SOUK_SHOP__DEMO", "false")];
    let settings: Vec<_> = settings.iter().chain(more).copied().collect();
    let mut shop = Shop::start_with(&settings).await;
    let admin = shop.admin().await;
    for (number, name) in NAMES.iter().enumerate() {
        let sku = format!("PAPIER-{number}");
        let body = json!({"name": name, "price": 900, "stock": 2, "sku": sku});
        let made = admin.post("/api/v1/products", &body).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    shop
}

on_both_stores! { shop: names_are_marked_and_stay_text }

fn tame(page: &Answer, what: &str) {
    assert_eq!(page.status, 200, "{what}: {}", page.text);
    for markup in [
        "<script>",
        "<mark><",
        "alert(1)</script",
        "<b>",
        "onerror=x>",
    ] {
        assert!(
            !page.text.contains(markup),
            "{what}: {markup} in {}",
            page.text
        );
    }
}

async fn names_are_marked_and_stay_text(shop: Shop) {
    let mut visitor = Browser::new(&shop);
    for (search, parts) in MARKED {
        let page = visitor.get(&format!("/search?q={search}")).await;
        tame(&page, search);
        for part in parts {
            assert!(
                page.text.contains(part),
                "{search}: {part} in {}",
                page.text
            );
        }
    }
    for hostile in [
        "%3Cmark%3E%3Cb%3Etea",
        "tea%22%3E%3Cimg%20src%3Dy%20onerror%3Dx%3E",
        "tea%20%26%2360%3Bb%26%2362%3B",
        "%00tea",
        "te%CC%80a",
    ] {
        tame(&visitor.get(&format!("/search?q={hostile}")).await, hostile);
    }
    // Where nobody looked for anything, nothing is marked.
    for page in ["/", "/search", "/search?q=%2A"] {
        let page = visitor.get(page).await;
        assert!(!page.text.contains("<mark>"), "{}", page.text);
    }
}
