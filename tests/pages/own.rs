//! One's own: the order's way and its end, what one is called, leaving for good. And what machines are told that look
//! for things.

use crate::browser::{Browser, all, field, open};
use serde_json::json;
use testkit::{Answer, PASSWORD, Shop};

const ANN: &str = "ann@souk.example";

#[tokio::test]
async fn a_buyer_sees_an_order_s_way_and_calls_it_off_after_a_tick() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let tea = admin.sell("TEA-1", 1_999, 5).await;
    let ann = shop.customer("ann").await;
    let bought = ann.buy("k1", &tea, 2, "tok_ok").await;
    let here = format!("/order/{}", bought.str("/id"));
    let mut browser = Browser::signed_in(&shop, ANN).await;
    let page = browser.get(&here).await;
    assert!(
        page.text.contains("What happened so far") && page.text.contains("<strong>Paid"),
        "{}",
        page.text
    );
    let csrf = field(&page, "csrf").expect("a proof");
    let cancel = format!("{here}/cancel");
    let unsure = browser.submit(&cancel, &[("csrf", &csrf)]).await;
    let page = browser.get(unsure.header("location")).await;
    assert!(page.text.contains("tick the box first"), "{}", page.text);
    let sure = [("csrf", csrf.as_str()), ("confirm", "yes")];
    let mut stranger = Browser::new(&shop);
    let proof = stranger.proof("/sign-in").await;
    let foreign = [("csrf", proof.as_str()), ("confirm", "yes")];
    let foreign = stranger.submit(&cancel, &foreign).await;
    assert!(matches!(foreign.status, 401 | 404), "{}", foreign.text);
    let done = browser.submit(&cancel, &sure).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let page = browser.get(done.header("location")).await;
    assert!(
        page.text.contains("is called off") && !page.text.contains("Call it off"),
        "{}",
        page.text
    );
    let again = browser.submit(&cancel, &sure).await;
    assert_eq!(again.status, 303, "{}", again.text);
    assert_eq!(admin.stock(&tea).await, (5, 0, 5));
}

#[tokio::test]
async fn an_order_s_page_comes_again_by_itself_only_while_its_money_is_on_its_way() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let tea = admin.sell("TEA-1", 1_999, 5).await;
    let ann = shop.customer("ann").await;
    let placed = ann.order("k1", &tea, 1).await;
    let here = format!("/order/{}", placed.str("/id"));
    let mut browser = Browser::signed_in(&shop, ANN).await;
    let waits = browser.get(&format!("{here}?flash=thanks")).await;
    let again =
        |page: &Answer| all(page, "<noscript><meta http-equiv=\"refresh\" content=\"").join(",");
    assert_eq!(again(&waits), "5", "{}", waits.text);
    assert_eq!(again(&browser.get(&here).await), "", "nobody pays");
    let cancel = format!("/api/v1/orders/{}/cancel", placed.str("/id"));
    assert_eq!(ann.post(&cancel, &serde_json::json!({})).await.status, 200);
    let ended = browser.get(&format!("{here}?flash=thanks")).await;
    assert_eq!(again(&ended), "");
}

#[tokio::test]
async fn a_buyer_says_something_of_a_product_changes_it_and_takes_it_back() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let tea = admin.sell("Green tea", 250, 9).await;
    let product = admin.get(&format!("/api/v1/products/{tea}")).await;
    let here = format!("/p/{}/reviews", product.str("/slug"));
    let ann = shop.customer("ann").await;
    let mut browser = Browser::signed_in(&shop, ANN).await;
    let before = browser.get(&here).await;
    assert!(
        !before.text.contains("What do you say?"),
        "nothing bought yet"
    );
    let csrf = browser.proof("/account").await;
    let word = [
        ("csrf", csrf.as_str()),
        ("rating", "4"),
        ("title", "Fresh <b>"),
    ];
    let refused = browser.submit(&here, &word).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(ann.buy("k1", &tea, 1, "tok_ok").await.status, 201);
    let page = browser.get(&here).await;
    assert!(page.text.contains("What do you say?"), "{}", page.text);
    let said = browser.submit(&here, &word).await;
    assert_eq!(said.status, 303, "{}", said.text);
    let page = browser.get(said.header("location")).await;
    assert!(
        page.text.contains("4 of 5: Fresh &#60;b&#62;"),
        "{}",
        page.text
    );
    let again = browser.submit(&here, &word).await;
    assert_eq!(again.status, 409, "one each: {}", again.text);
    let (id, version) = (field(&page, "id"), field(&page, "version"));
    let (id, version) = (id.expect("an id"), version.expect("a version"));
    let own = [
        ("csrf", csrf.as_str()),
        ("id", id.as_str()),
        ("version", version.as_str()),
    ];
    let wrong: Vec<_> = own.into_iter().chain([("rating", "9")]).collect();
    let wrong = browser.submit(&here, &wrong).await;
    assert_eq!(wrong.status, 422, "{}", wrong.text);
    let gone = browser.submit(&format!("{here}/remove"), &own).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    let page = browser.get(&here).await;
    assert!(
        page.text.contains("Nobody has said anything yet"),
        "{}",
        page.text
    );
}

#[tokio::test]
async fn a_name_is_changed_and_an_account_ends_with_its_password_only() {
    let shop = open().await;
    let ann = shop.customer("ann").await;
    let mut browser = Browser::signed_in(&shop, ANN).await;
    let page = browser.get("/account/details").await;
    assert_eq!(page.status, 200, "{}", page.text);
    let csrf = field(&page, "csrf").expect("a proof");
    let version = field(&page, "version").expect("a version");
    let name = [
        ("csrf", csrf.as_str()),
        ("version", version.as_str()),
        ("name", "Ann B."),
    ];
    let saved = browser.submit("/account/details", &name).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    assert_eq!(ann.get("/api/v1/me").await.str("/name"), "Ann B.");
    let stale = browser.submit("/account/details", &name).await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    let unsure = [("csrf", csrf.as_str()), ("password", PASSWORD)];
    let kept = browser.submit("/account/delete", &unsure).await;
    assert_eq!(kept.status, 422, "{}", kept.text);
    let wrong = [
        ("csrf", csrf.as_str()),
        ("password", "another horse"),
        ("confirm", "yes"),
    ];
    let kept = browser.submit("/account/delete", &wrong).await;
    assert_eq!(kept.status, 401, "{}", kept.text);
    assert!(kept.text.contains("The password is wrong"), "{}", kept.text);
    let right = [
        ("csrf", csrf.as_str()),
        ("password", PASSWORD),
        ("confirm", "yes"),
    ];
    let gone = browser.submit("/account/delete", &right).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    assert!(!browser.cookies.contains_key("souk_access"));
    assert_eq!(ann.get("/api/v1/me").await.status, 401);
}

#[tokio::test]
async fn machines_that_look_for_things_find_products_and_are_kept_from_the_rest() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let tea = admin.sell("Tea & </script>", 250, 9).await;
    let product = admin.get(&format!("/api/v1/products/{tea}")).await;
    let slug = product.str("/slug").to_owned();
    let mut visitor = Browser::new(&shop);
    let robots = visitor.get("/robots.txt").await;
    assert!(robots.text.contains("Disallow: /admin") && robots.text.contains("/sitemap.xml"));
    let map = visitor.get("/sitemap.xml").await;
    assert!(map.header("content-type").starts_with("application/xml"));
    assert!(
        map.text.contains(&format!("/p/{slug}</loc>")),
        "{}",
        map.text
    );
    let page = visitor.get(&format!("/p/{slug}")).await;
    assert!(
        page.text.contains(&format!(
            "rel=\"canonical\" href=\"{}/p/{slug}\"",
            shop.url()
        )),
        "{}",
        page.text
    );
    let (_, data) = page
        .text
        .split_once("<script type=\"application/ld+json\">")
        .expect("data");
    let (data, _) = data.split_once("</script>").expect("its end");
    let data: serde_json::Value = serde_json::from_str(data).expect("JSON");
    assert_eq!(data["name"], "Tea & </script>");
    assert_eq!(data["offers"]["price"], "2.50");
}

#[tokio::test]
async fn lists_that_anybody_may_find_name_a_picture_and_those_without_one_none() {
    let mut shop = Shop::start_with(&[("SOUK_SHOP__DEMO", "false")]).await;
    let admin = shop.admin().await;
    let mut visitor = Browser::new(&shop);
    let picture = "<meta property=\"og:image\" content=\"";
    let shown = async |visitor: &mut Browser, path: &str| {
        let page = visitor.get(path).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        let shown: Vec<String> = all(&page, picture).into_iter().map(str::to_owned).collect();
        shown
    };
    for (name, category) in [("Cup", "cups"), ("Green tea", "tea")] {
        let wish = json!({"name": name, "price": "2.50", "category": category});
        let made = admin.post("/api/v1/products", &wish).await;
        assert_eq!(made.status, 201, "{}", made.text);
        if name == "Cup" {
            let added = admin.show(made.str("/id")).await;
            assert_eq!(added.status, 201, "{}", added.text);
        }
    }
    for path in ["/", "/c/cups"] {
        let found = shown(&mut visitor, path).await;
        assert_eq!(found.len(), 1, "{path}: {found:?}");
        let address = found.first().expect("its picture");
        let inside = address.strip_prefix(&format!("{}/", shop.url()));
        let inside = inside.expect("a whole address of this shop");
        let file = visitor.get(&format!("/{inside}")).await;
        assert_eq!(file.status, 200, "{address}");
    }
    for path in ["/c/tea", "/search?q=cup"] {
        assert_eq!(
            shown(&mut visitor, path).await,
            Vec::<String>::new(),
            "{path}"
        );
    }
}
