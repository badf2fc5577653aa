//! What buyers say, as whoever runs the shop reads it, hides it, shows it again and takes it out, by forms alone, with
//! a shop on its own files and with one on PostgreSQL.

use crate::{
    browser::{Browser, all, field},
    forms::send,
    opened::{Open, shop},
};
use serde_json::json;
use testkit::{Client, Shop, on_both_stores};

const HERE: &str = "/admin/reviews";
/// Reviews of a page.
const ROWS: usize = 25;

on_both_stores! {
    shop:
    a_review_is_hidden_shown_again_and_taken_out_after_a_tick,
    what_is_said_of_all_products_is_one_list_newest_first,
    a_review_that_its_author_changed_meanwhile_stays_as_it_is,
    reviews_are_hidden_by_whoever_runs_the_shop_alone,
}

/// What somebody says of a product that they bought: its id.
async fn says(shop: &Shop, name: &str, product: &str, title: &str) -> (Client, String) {
    let who = shop.customer(name).await;
    let bought = who.buy(name, product, 1, "tok_ok").await;
    assert_eq!(bought.status, 201, "{}", bought.text);
    let word = json!({"rating": 4, "title": title, "author": name});
    let path = format!("/api/v1/products/{product}/reviews");
    let said = who.post(&path, &word).await;
    assert_eq!(said.status, 201, "{}", said.text);
    (who, said.str("/id").to_owned())
}

/// How many of a product's reviews count.
async fn counted(admin: &Client, product: &str) -> i64 {
    let seen = admin.get(&format!("/api/v1/products/{product}")).await;
    seen.int("/rating/count")
}

async fn a_review_is_hidden_shown_again_and_taken_out_after_a_tick(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let tea = admin.sell("Tea", 250, 9).await;
    let here = format!("/admin/products/{tea}/reviews");
    let none = browser.get(&here).await;
    assert!(
        none.text.contains("Nothing of the kind is said of it."),
        "{}",
        none.text
    );
    let (_ann, id) = says(&shop, "ann", &tea, "Fresh <b>").await;
    let product = browser.get(&format!("/admin/products/{tea}")).await;
    assert_eq!(
        all(&product, &format!("<a href=\"{here}")).len(),
        1,
        "its page leads there: {}",
        product.text
    );
    let page = browser.get(&here).await;
    assert!(
        page.text.contains("Fresh &#60;b&#62;")
            && page.text.contains("Shown <span class=\"count\">1<"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("Take it out"), "{}", page.text);
    let hide = format!("{HERE}/{id}/hide");
    let hidden = send(&mut browser, (&page, &hide), &[]).await;
    assert_eq!(
        (hidden.status, hidden.header("location")),
        (303, format!("{here}?show=shown&flash=hide").as_str()),
        "{}",
        hidden.text
    );
    let page = browser.get(hidden.header("location")).await;
    assert!(
        page.text.contains("It is hidden") && !page.text.contains("Fresh"),
        "{}",
        page.text
    );
    assert_eq!(counted(&admin, &tea).await, 0);
    let page = browser.get(&format!("{here}?show=hidden")).await;
    let counters = [("Shown", 0), ("Hidden", 1)];
    for (title, count) in counters {
        let tab = format!("{title} <span class=\"count\">{count}<");
        assert!(page.text.contains(&tab), "{tab}: {}", page.text);
    }
    let show = format!("{HERE}/{id}/show");
    let shown = send(&mut browser, (&page, &show), &[]).await;
    assert_eq!(shown.status, 303, "{}", shown.text);
    assert_eq!(counted(&admin, &tea).await, 1);
    is_taken_out_after_a_tick(&mut browser, &id).await;
}

/// Hidden once more, from the list of all, and gone.
async fn is_taken_out_after_a_tick(browser: &mut Browser, id: &str) {
    let page = browser.get(HERE).await;
    let hide = format!("{HERE}/{id}/hide");
    let hidden = send(browser, (&page, &hide), &[]).await;
    assert_eq!(hidden.header("location"), format!("{HERE}?flash=hide"));
    let page = browser.get(HERE).await;
    assert!(page.text.contains(">Hidden</span>"), "{}", page.text);
    let remove = format!("{HERE}/{id}/remove");
    let unsure = send(browser, (&page, &remove), &[]).await;
    assert_eq!(unsure.status, 422, "{}", unsure.text);
    assert!(unsure.text.contains("role=\"alert\""), "{}", unsure.text);
    let gone = send(browser, (&page, &remove), &[("confirm", "yes")]).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    let page = browser.get(gone.header("location")).await;
    assert!(
        page.text.contains("It is taken out for good.")
            && page.text.contains("No buyer has said anything yet."),
        "{}",
        page.text
    );
    let again = [("csrf", field(&page, "csrf").expect("a proof"))];
    let again = again
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .chain([("version", "4"), ("confirm", "yes")]);
    let again: Vec<_> = again.collect();
    let again = browser.submit(&remove, &again).await;
    assert_eq!(again.status, 404, "{}", again.text);
}

async fn what_is_said_of_all_products_is_one_list_newest_first(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let empty = browser.get(HERE).await;
    assert!(
        empty.text.contains("No buyer has said anything yet."),
        "{}",
        empty.text
    );
    let (ann, _) = says(&shop, "ann", &admin.sell("Tea 0", 250, 9).await, "Word 0").await;
    for number in 1..=ROWS {
        let product = admin.sell(&format!("Tea {number}"), 250, 9).await;
        let bought = ann.buy(&format!("k{number}"), &product, 1, "tok_ok").await;
        assert_eq!(bought.status, 201, "{}", bought.text);
        let word = json!({"rating": 5, "title": format!("Word {number}")});
        let path = format!("/api/v1/products/{product}/reviews");
        assert_eq!(ann.post(&path, &word).await.status, 201);
    }
    let page = browser.get(HERE).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let words = |page: &testkit::Answer| -> Vec<String> {
        let cells = page.text.split("<td>Word ").skip(1);
        cells
            .filter_map(|rest| rest.split('<').next())
            .map(str::to_owned)
            .collect()
    };
    let expected: Vec<String> = (1..=ROWS).rev().map(|number| number.to_string()).collect();
    assert_eq!(words(&page), expected);
    assert!(page.text.contains(">Tea 25</a>"), "{}", page.text);
    let (before, _) = page
        .text
        .split_once("\" rel=\"next\">")
        .expect("a second page");
    let (_, next) = before.rsplit_once("href=\"").expect("its address");
    let second = browser.get(&next.replace("&#38;", "&")).await;
    assert_eq!(words(&second), ["0"]);
    let wrong = browser.get(&format!("{HERE}?cursor=wrong")).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);
    let gone = browser.get("/admin/products/nothing/reviews").await;
    assert_eq!(gone.status, 404, "{}", gone.text);
}

async fn a_review_that_its_author_changed_meanwhile_stays_as_it_is(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let tea = admin.sell("Tea", 250, 9).await;
    let (ann, id) = says(&shop, "ann", &tea, "Fresh").await;
    let page = browser.get(HERE).await;
    let anew = json!({"rating": 1, "title": "Stale", "version": 1});
    let anew = ann.put(&format!("/api/v1/reviews/{id}"), &anew).await;
    assert_eq!(anew.status, 200, "{}", anew.text);
    let hide = format!("{HERE}/{id}/hide");
    let stale = send(&mut browser, (&page, &hide), &[]).await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    assert!(
        stale.text.contains("role=\"alert\"") && stale.text.contains("Stale"),
        "what it says now is shown: {}",
        stale.text
    );
    assert_eq!(counted(&admin, &tea).await, 1);
    let hidden = send(&mut browser, (&stale, &hide), &[]).await;
    assert_eq!(hidden.status, 303, "{}", hidden.text);
    assert_eq!(counted(&admin, &tea).await, 0);
}

async fn reviews_are_hidden_by_whoever_runs_the_shop_alone(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let tea = admin.sell("Tea", 250, 9).await;
    let (_ann, id) = says(&shop, "ann", &tea, "Fresh").await;
    shop.merchant(&admin, "mel").await;
    let posts = ["hide", "show", "remove"].map(|verb| format!("{HERE}/{id}/{verb}"));
    let pages = [HERE.to_owned(), format!("/admin/products/{tea}/reviews")];
    for name in ["ann", "mel"] {
        let mut other = Browser::signed_in(&shop, &format!("{name}@souk.example")).await;
        let csrf = other.proof("/account/details").await;
        let fields = [
            ("csrf", csrf.as_str()),
            ("version", "1"),
            ("confirm", "yes"),
        ];
        for path in &posts {
            let sent = other.submit(path, &fields).await;
            assert_eq!(sent.status, 403, "{name} {path}: {}", sent.text);
        }
        for path in &pages {
            assert_eq!(other.get(path).await.status, 403, "{name} {path}");
        }
    }
    let mut nobody = Browser::new(&shop);
    let forged = [("csrf", "x"), ("version", "1"), ("confirm", "yes")];
    for path in &posts {
        let sent = browser.submit(path, &forged).await;
        assert_eq!(sent.status, 403, "{path}: {}", sent.text);
        let away = nobody.submit(path, &forged).await;
        assert_eq!(away.status, 303, "{path}: {}", away.text);
    }
    assert_eq!(counted(&admin, &tea).await, 1);
    let page = browser.get(HERE).await;
    assert_eq!(
        all(&page, "<li><a href=\"/admin/reviews\"").len(),
        1,
        "it is in the navigation: {}",
        page.text
    );
}
