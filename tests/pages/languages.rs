//! The pages in two languages: what a reader is answered in, that all of a page is in it, and that whoever keeps pages
//! is told for whom they are.

use crate::{
    browser::{Browser, all, open},
    guards::check_headers,
    staff,
};
use std::{collections::BTreeMap, fs, path::Path};
use testkit::{Answer, Shop};

const GERMAN: (&str, &str) = ("accept-language", "de-DE,de;q=0.9,en;q=0.8");

/// The English texts that are said otherwise in German, as the translators' file has them.
fn english() -> BTreeMap<String, String> {
    let path = "../crates/storefront/locales/de.po";
    let file = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path));
    let file = file.expect("the translations are here");
    let (mut ids, mut texts, mut found) = (Vec::new(), Vec::new(), BTreeMap::new());
    for line in file.lines().chain([""]) {
        let quoted = line.split_once('"').map_or("", |(_, text)| text);
        let text = quoted.trim_end_matches('"').replace("\\\"", "\"");
        match line.split(' ').next().unwrap_or_default() {
            "msgid" | "msgid_plural" => ids.push(text),
            "" => {
                found.extend(ids.drain(..).zip(texts.drain(..)));
            }
            word if word.starts_with("msgstr") => texts.push(text),
            _ => {}
        }
    }
    found.retain(|id, text| id != text);
    assert!(found.len() > 600, "{}", found.len());
    found
}

/// What stands between the tags of a page, piece by piece.
fn said(page: &Answer) -> Vec<String> {
    let parts = page.text.split('<').skip(1);
    let texts = parts.filter_map(|part| part.split_once('>'));
    let texts = texts.filter(|(tag, _)| !tag.starts_with("script"));
    let texts = texts.map(|(_, text)| text.trim().replace("&#39;", "'").replace("&#38;", "&"));
    texts.filter(|text| !text.is_empty()).collect()
}

/// Looks at a page that was asked for in German.
fn check(page: &Answer, path: &str, english: &BTreeMap<String, String>) {
    assert!(
        page.text.contains("<html lang=\"de\">"),
        "{path}: {}",
        page.text
    );
    assert_eq!(page.header("content-language"), "de", "{path}");
    let vary = page.header("vary").to_lowercase();
    assert!(
        vary.contains("accept-language") && vary.contains("cookie"),
        "{path}: {vary}"
    );
    check_headers(page, path);
    let said = said(page);
    let left: Vec<_> = said
        .iter()
        .filter(|text| english.contains_key(*text))
        .collect();
    assert!(left.is_empty(), "{path}: in English: {left:?}");
    assert!(page.text.len() < 50_000, "{path}: {}", page.text.len());
}

#[tokio::test]
async fn every_page_is_german_for_whoever_asks_for_german() {
    let mut shop = open().await;
    let admin = shop.admin().await;
    let tea = admin.sell("TEA-1", 123_450, 50).await;
    let ann = shop.customer("ann").await;
    let bought = ann.buy("k1", &tea, 2, "tok_ok").await;
    assert_eq!(bought.status, 201, "{}", bought.text);
    let order = bought.str("/id").to_owned();
    let mut visitor = Browser::new(&shop);
    let home = visitor.get("/").await;
    let product = all(&home, "<h2><a href=\"")[0].to_owned();
    let shelf = all(&home, "<li><a href=\"/c/")[0].to_owned();
    let english = english();
    let mut browsers = [
        Browser::new(&shop),
        Browser::signed_in(&shop, "ann@souk.example").await,
        Browser::signed_in(&shop, "admin@souk.example").await,
    ];
    let own = [
        vec![
            "/".to_owned(),
            format!("/c/{shelf}"),
            product.clone(),
            format!("{product}/reviews"),
            "/search?q=tea".to_owned(),
            "/search?q=zeppelin".to_owned(),
            "/cart".to_owned(),
            "/sign-in".to_owned(),
            "/register-account".to_owned(),
            "/forgot-password".to_owned(),
            "/reset-password?token=x".to_owned(),
            "/verify-email?token=x".to_owned(),
            "/nowhere".to_owned(),
            "/p/nothing".to_owned(),
            "/problems/insufficient_stock".to_owned(),
        ],
        vec![
            "/account".to_owned(),
            "/account/details".to_owned(),
            "/account/security".to_owned(),
            "/account/providers".to_owned(),
            format!("/order/{order}"),
            format!("/cart?add={}", first(&visitor.get(&product).await)),
        ],
        staff::pages()
            .chain([
                format!("/admin/orders/{order}"),
                format!("/admin/products/{tea}"),
                format!("/admin/products/{tea}/history"),
                format!("/admin/products/{tea}/reviews"),
            ])
            .collect(),
    ];
    for (browser, paths) in browsers.iter_mut().zip(&own) {
        browser.headers.push((GERMAN.0, GERMAN.1.to_owned()));
        for path in paths {
            let page = browser.get(path).await;
            assert!(
                page.header("content-type").starts_with("text/html"),
                "{path}: {}",
                page.text
            );
            check(&page, path, &english);
        }
    }
    let page = browsers[1].get(&format!("/order/{order}")).await;
    for text in ["2.469,00 $", "Bestellung", "Bezahlt", "datetime=\"20"] {
        assert!(page.text.contains(text), "no {text}: {}", page.text);
    }
}

/// The first thing that a product's page puts into the cart.
fn first(page: &Answer) -> String {
    let link = all(page, "name=\"add\" value=\"")
        .first()
        .map(|id| (*id).to_owned());
    link.or_else(|| {
        all(page, "<option value=\"var_")
            .first()
            .map(|id| format!("var_{id}"))
    })
    .expect("something to buy")
}

#[tokio::test]
async fn refusals_are_said_in_the_readers_language_beside_their_fields() {
    let shop = open().await;
    let mut visitor = Browser::new(&shop);
    visitor.headers.push((GERMAN.0, GERMAN.1.to_owned()));
    let short = visitor.register("ann@souk.example", "Ann", "short").await;
    assert_eq!(short.status, 422, "{}", short.text);
    let text = "Dies muss mindestens 8 Zeichen haben.";
    assert!(short.text.contains(text), "{}", short.text);
    let wrong = visitor
        .sign_in("nobody@souk.example", "wrong password", "")
        .await;
    assert!(
        wrong
            .text
            .contains("Der Name oder das Passwort ist falsch."),
        "{}",
        wrong.text
    );
    let api = shop.visitor().get("/api/v1/products?cursor=x").await;
    assert!(
        api.text.contains("cursor"),
        "programs are told in English: {}",
        api.text
    );
}

#[tokio::test]
async fn a_choice_goes_before_the_browsers_wish_and_leads_back() {
    let shop =
        Shop::start_with(&[("SOUK_SHOP__DEMO", "true"), ("SOUK_SHOP__LANGUAGE", "de")]).await;
    let mut visitor = Browser::new(&shop);
    let speaks = |page: &Answer| page.header("content-language").to_owned();
    assert_eq!(speaks(&visitor.get("/").await), "de", "the shop's own");
    let asks = ("accept-language", "fr, en-GB;q=0.7, de;q=0.3");
    assert_eq!(speaks(&visitor.get_with("/", asks).await), "en");
    let form = [("language", "de"), ("next", "/cart?add=x")];
    let chosen = visitor.submit("/language", &form).await;
    assert_eq!(
        (chosen.status, chosen.header("location")),
        (303, "/cart?add=x")
    );
    assert_eq!(
        speaks(&visitor.get_with("/", asks).await),
        "de",
        "what was chosen"
    );
    let english = [("language", "en"), ("next", "//evil.example")];
    let chosen = visitor.submit("/language", &english).await;
    assert_eq!(
        (chosen.status, chosen.header("location")),
        (303, "/"),
        "not elsewhere"
    );
    let page = visitor.get("/").await;
    assert_eq!(speaks(&page), "en");
    assert!(
        page.text
            .contains("value=\"de\" lang=\"de\">Deutsch</button>"),
        "{}",
        page.text
    );
    let nothing = visitor.submit("/language", &[("language", "xx")]).await;
    assert_eq!((nothing.status, visitor.set.len()), (303, 0), "no language");
    assert_eq!(speaks(&visitor.get("/").await), "en", "nothing changed");
}
