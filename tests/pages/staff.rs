//! Pages for those who run the shop: whom they let in, and how light they are.

use crate::browser::{Browser, open};
use std::time::{Duration, Instant};
use testkit::Shop;

/// Longer than anything here takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// All pages for admins that lists lead to.
const ADMINS: &[&str] = &[
    "/admin/orders",
    "/admin/returns",
    "/admin/returns?status=approved",
    "/admin/categories",
    "/admin/reviews",
    "/admin/customers",
    "/admin/discounts",
    "/admin/discounts/new",
    "/admin/shipping",
    "/admin/shipping/new",
    "/admin/taxes",
    "/admin/taxes/new",
    "/admin/audit",
    "/admin/audit?kind=sign_in_refused",
    "/admin/settings",
    "/admin/settings?section=http",
    "/admin/payments",
    "/admin/payments?show=open",
    "/admin/payments?show=all",
    "/admin/payments?show=captured",
    "/admin/developers",
    "/admin/developers/events",
    "/admin/developers/requests",
    "/admin/system",
    "/admin/books",
];
/// Those that sellers see as well.
const SELLERS: &[&str] = &[
    "/admin",
    "/admin/products",
    "/admin/products/new",
    "/admin/inventory",
    "/admin/inventory?low=true",
];
/// How much a page may weigh with its style, in bytes.
const WEIGHT_MAX: usize = 50_000;

/// All of them.
pub(crate) fn pages() -> impl Iterator<Item = String> {
    ADMINS.iter().chain(SELLERS).map(|path| (*path).to_owned())
}

async fn people() -> (Shop, [(&'static str, Browser); 4]) {
    let mut shop = Shop::start_with(&[("SOUK_SHOP__DEMO", "true")]).await;
    let admin = shop.admin().await;
    shop.customer("ann").await;
    shop.merchant(&admin, "mel").await;
    let people = [
        ("nobody", Browser::new(&shop)),
        ("ann", Browser::signed_in(&shop, "ann@souk.example").await),
        ("mel", Browser::signed_in(&shop, "mel@souk.example").await),
        (
            "admin",
            Browser::signed_in(&shop, "admin@souk.example").await,
        ),
    ];
    (shop, people)
}

#[tokio::test]
async fn pages_for_staff_let_in_whom_they_are_for_and_nobody_else() {
    let (_shop, mut people) = people().await;
    for (who, browser) in &mut people {
        for (path, is_sellers) in ADMINS
            .iter()
            .map(|path| (path, false))
            .chain(SELLERS.iter().map(|path| (path, true)))
        {
            let page = browser.get(path).await;
            let expected = match *who {
                "nobody" => 303,
                "admin" => 200,
                "mel" if is_sellers => 200,
                _ => 403,
            };
            assert_eq!(page.status, expected, "{who} {path}: {}", page.text);
            if page.status == 303 {
                assert!(
                    page.header("location")
                        .starts_with("/sign-in?next=%2Fadmin")
                );
            }
            if page.status == 403 {
                assert!(!page.text.contains("aria-label=\"Running the shop\""));
            }
        }
    }
}

#[tokio::test]
async fn pages_for_staff_are_light_and_run_one_script_of_ours() {
    let shop = open().await;
    let mut shop = shop;
    shop.admin().await;
    let mut browser = Browser::signed_in(&shop, "admin@souk.example").await;
    let style = browser.get("/assets/souk.css").await.text.len();
    for path in ADMINS.iter().chain(SELLERS) {
        let page = browser.get(path).await;
        let is_list = *path == "/admin/products";
        assert_eq!(page.text.contains("<img class=\"mini\""), is_list, "{path}");
        assert!(
            page.text.len() + style < WEIGHT_MAX,
            "{path}: {}",
            page.text.len()
        );
        assert!(
            page.text.matches("<script src=\"/assets/site.js?").count() == 1
                && page.text.matches("<script").count() == 1
                && !page.text.contains(" style="),
            "{path}"
        );
        assert_eq!(page.text.matches("<h1").count(), 1, "{path}");
        assert!(page.text.contains("class=\"skip\""), "{path}");
    }
}

#[tokio::test]
async fn the_system_s_page_says_what_was_counted_and_settings_keep_what_is_secret() {
    let secret = "a-secret-of-nodes-0123456789-abcdef";
    let settings = [
        ("SOUK_INTERNAL__SECRET", secret),
        ("SOUK_HTTP__OPS_LISTEN", "127.0.0.1:0"),
    ];
    let mut shop = Shop::start_with(&settings).await;
    let admin = shop.admin().await;
    let ann = shop.customer("ann").await;
    let tea = admin.sell("Green tea", 250, 9).await;
    assert_eq!(ann.order("k", &tea, 1).await.status, 201);
    let mut browser = Browser::signed_in(&shop, "admin@souk.example").await;
    let page = browser.get("/admin/system").await;
    for shown in [
        "commits by how many orders were in them, most of them 1.",
        "<title>1: 1</title>",
        "souk backup DIR",
        "This process asks no other",
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    let home = browser.get("/admin").await;
    assert!(
        home.text.contains("How the shop is") && home.text.contains(">Takes work<"),
        "{}",
        home.text
    );
    let page = browser.get("/admin/settings?section=internal").await;
    assert!(
        page.text.contains("body_bytes_max") && page.text.contains("***"),
        "{}",
        page.text
    );
    assert!(!page.text.contains(secret), "{}", page.text);
}

#[tokio::test]
async fn settings_lead_to_every_page_on_which_something_is_changed() {
    let (_shop, mut people) = people().await;
    let (_, browser) = &mut people[3];
    let page = browser.get("/admin/settings").await;
    let begin = "<caption class=\"unseen\">Where what is changed";
    let (_, rest) = page.text.split_once(begin).expect("the list");
    let (list, _) = rest.split_once("</table>").expect("its end");
    for shown in ["<code>Souk</code>", "<code>USD</code>", "<code>off</code>"] {
        assert!(list.contains(shown), "{shown}: {list}");
    }
    let links: Vec<&str> = list
        .split("href=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    assert_eq!(links.len(), 12, "{list}");
    for href in links {
        let there = browser.get(href).await;
        assert_eq!(there.status, 200, "{href}: {}", there.text);
    }
}

#[tokio::test]
async fn the_audit_log_shows_whose_it_is_and_by_whom() {
    let (shop, mut people) = people().await;
    let wrong = Browser::new(&shop)
        .sign_in("ann@souk.example", "wrong horse", "")
        .await;
    assert_eq!(wrong.status, 401, "{}", wrong.text);
    let (_, browser) = &mut people[3];
    // Refusals are counted, and written down a little later.
    let begun = Instant::now();
    let page = loop {
        let page = browser.get("/admin/audit?kind=sign_in_refused").await;
        if page.text.contains("Sign in refused: wrong password") {
            break page;
        }
        assert!(begun.elapsed() < PATIENCE, "{}", page.text);
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(page.text.contains(">ann"), "{}", page.text);
    let page = browser.get("/admin/audit?q=mel@souk.example").await;
    assert!(
        page.text.contains("Signed in") && !page.text.contains(">ann"),
        "{}",
        page.text
    );
    let page = browser.get("/admin/audit?q=nobody@souk.example").await;
    assert!(
        page.text.contains("Nobody has this address"),
        "{}",
        page.text
    );
}
