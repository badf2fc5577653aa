//! The tree of categories as whoever runs the shop changes it, by forms alone, with a shop on its own files and with
//! one on PostgreSQL. What came of it is looked at through the API.

use crate::{
    browser::{Browser, all, field},
    forms::send,
    opened::{Open, shop},
};
use serde_json::json;
use testkit::{Answer, Client, on_both_stores};

const HERE: &str = "/admin/categories";
const API: &str = "/api/v1/categories";

on_both_stores! {
    shop:
    a_category_is_made_once_however_often_its_form_is_sent_and_stands_in_the_tree,
    a_category_is_renamed_and_moved_and_never_below_itself,
    two_who_change_one_category_see_each_other_s_words_and_lose_none,
    only_an_empty_category_goes_and_only_after_a_tick,
    the_tree_is_for_whoever_runs_the_shop_and_its_forms_have_their_proof,
}

/// The id of a category that the API makes.
async fn made(admin: &Client, name: &str, parent: Option<&str>) -> String {
    let made = admin
        .post(API, &json!({"name": name, "parent": parent}))
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.str("/id").to_owned()
}

/// Slug, name and parent of each, as the API has them.
async fn tree(admin: &Client) -> Vec<(String, String, Option<String>)> {
    let listed = admin.get(API).await;
    let all = listed.json["data"].as_array().cloned().unwrap_or_default();
    let text = |one: &serde_json::Value, name: &str| one[name].as_str().map(str::to_owned);
    let mut found: Vec<_> = all
        .iter()
        .map(|one| {
            let slug = text(one, "slug").expect("a slug");
            (
                slug,
                text(one, "name").expect("a name"),
                text(one, "parent"),
            )
        })
        .collect();
    found.sort();
    found
}

fn lying(slug: &str, name: &str, parent: Option<&str>) -> (String, String, Option<String>) {
    (slug.to_owned(), name.to_owned(), parent.map(str::to_owned))
}

/// What the list shows, in its order.
fn names(page: &Answer) -> Vec<&str> {
    let rows = page.text.split("<td><a href=\"/admin/categories/").skip(1);
    rows.filter_map(|row| {
        let (_, rest) = row.split_once('>')?;
        rest.split("</a>").next()
    })
    .collect()
}

async fn a_category_is_made_once_however_often_its_form_is_sent_and_stands_in_the_tree(open: Open) {
    let Open {
        admin, mut browser, ..
    } = open;
    let page = browser.get(HERE).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(
        page.text.contains("There are no categories yet."),
        "{}",
        page.text
    );
    for _ in 0..2 {
        let made = send(&mut browser, (&page, HERE), &[("name", "Tea <3")]).await;
        assert_eq!(made.status, 303, "{}", made.text);
        assert_eq!(made.header("location"), "/admin/categories?flash=made");
    }
    let page = browser.get("/admin/categories?flash=made").await;
    assert!(page.text.contains("It is made."), "{}", page.text);
    assert_eq!(names(&page), ["Tea &#60;3"]);
    made(&admin, "Home", None).await;
    let page = browser.get(HERE).await;
    let below = [("name", "Green"), ("slug", "greens"), ("parent", "tea-3")];
    let below = send(&mut browser, (&page, HERE), &below).await;
    assert_eq!(below.status, 303, "{}", below.text);
    let page = browser.get(HERE).await;
    assert_eq!(names(&page), ["Home", "Tea &#60;3", "– Green"]);
    assert!(page.text.contains("href=\"/c/greens\""), "{}", page.text);
    let expected = [
        lying("greens", "Green", Some("tea-3")),
        lying("home", "Home", None),
        lying("tea-3", "Tea <3", None),
    ];
    assert_eq!(tree(&admin).await, expected);
    // What the catalog refuses is said where it was typed, and nothing is made.
    for (name, slug, status, error) in [
        ("", "", 422, "new-name-error"),
        ("Tea", "No slug!", 422, "new-slug-error"),
        ("Tea", "home", 409, "new-slug-error"),
    ] {
        let typed = [("name", name), ("slug", slug)];
        let refused = send(&mut browser, (&page, HERE), &typed).await;
        assert_eq!(refused.status, status, "{typed:?}: {}", refused.text);
        assert!(refused.text.contains("role=\"alert\""), "{}", refused.text);
        let kept = format!("name=\"slug\" type=\"text\" value=\"{slug}\"");
        assert!(refused.text.contains(&kept), "{kept}: {}", refused.text);
        assert!(refused.text.contains(error), "{error}: {}", refused.text);
    }
    assert_eq!(tree(&admin).await, expected);
}

async fn a_category_is_renamed_and_moved_and_never_below_itself(open: Open) {
    let Open {
        admin, mut browser, ..
    } = open;
    let tea = made(&admin, "Tea", None).await;
    made(&admin, "Green", Some("tea")).await;
    made(&admin, "Drinks", None).await;
    let here = format!("{HERE}/{tea}");
    let page = browser.get(&here).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let same = send(&mut browser, (&page, &here), &[]).await;
    assert!(
        same.header("location").ends_with("?flash=same"),
        "{}",
        same.text
    );
    let own = send(&mut browser, (&page, &here), &[("parent", "green")]).await;
    assert_eq!(own.status, 422, "{}", own.text);
    assert!(
        own.text.contains("id=\"edit-parent-error\"") && own.text.contains("lies below"),
        "{}",
        own.text
    );
    let change = [("name", "Teas"), ("slug", "teas"), ("parent", "drinks")];
    let saved = send(&mut browser, (&page, &here), &change).await;
    assert_eq!(
        (saved.status, saved.header("location")),
        (303, format!("{here}?flash=saved").as_str()),
        "{}",
        saved.text
    );
    let expected = [
        lying("drinks", "Drinks", None),
        lying("green", "Green", Some("teas")),
        lying("teas", "Teas", Some("drinks")),
    ];
    assert_eq!(tree(&admin).await, expected);
    let cup = json!({"name": "Sencha", "price": 1, "category": "green"});
    assert_eq!(admin.post("/api/v1/products", &cup).await.status, 201);
    let list = browser.get(HERE).await;
    assert_eq!(names(&list), ["Drinks", "– Teas", "– – Green"]);
    let counted = list.text.matches("<td class=\"number\">1</td>").count();
    assert_eq!(counted, 3, "in it and in all above: {}", list.text);
    // Back to the top.
    let page = browser.get(&here).await;
    let up = send(&mut browser, (&page, &here), &[("parent", "")]).await;
    assert_eq!(up.status, 303, "{}", up.text);
    assert!(tree(&admin).await.contains(&lying("teas", "Teas", None)));
    let gone = browser.get(&format!("{HERE}/cat_nothing")).await;
    assert_eq!(gone.status, 404, "{}", gone.text);
}

async fn two_who_change_one_category_see_each_other_s_words_and_lose_none(open: Open) {
    let Open {
        admin, mut browser, ..
    } = open;
    let tea = made(&admin, "Tea", None).await;
    let (here, api) = (format!("{HERE}/{tea}"), format!("{API}/{tea}"));
    let page = browser.get(&here).await;
    let theirs = json!({"name": "Tea, theirs", "slug": "theirs", "version": 1});
    assert_eq!(admin.patch(&api, &theirs).await.status, 200);
    let mine = [("name", "Tea, mine")];
    let conflict = send(&mut browser, (&page, &here), &mine).await;
    assert_eq!(conflict.status, 409, "{}", conflict.text);
    for shown in ["somebody else was faster", "Tea, mine", "Tea, theirs"] {
        assert!(conflict.text.contains(shown), "{shown}: {}", conflict.text);
    }
    assert_eq!(
        tree(&admin).await,
        [lying("theirs", "Tea, theirs", None)],
        "nothing is saved yet"
    );
    let decided = send(&mut browser, (&conflict, &here), &[]).await;
    assert_eq!(decided.status, 303, "{}", decided.text);
    assert_eq!(tree(&admin).await, [lying("theirs", "Tea, mine", None)]);
    let late = send(&mut browser, (&page, &here), &[("slug", "late")]).await;
    assert_eq!(late.status, 409, "{}", late.text);
}

async fn only_an_empty_category_goes_and_only_after_a_tick(open: Open) {
    let Open {
        admin, mut browser, ..
    } = open;
    let tea = made(&admin, "Tea", None).await;
    let green = made(&admin, "Green", Some("tea")).await;
    let (above, below) = (format!("{HERE}/{tea}"), format!("{HERE}/{green}"));
    let sure = [("confirm", "yes")];
    let page = browser.get(&above).await;
    let remove = format!("{above}/remove");
    let used = send(&mut browser, (&page, &remove), &sure).await;
    assert_eq!(used.status, 409, "{}", used.text);
    assert!(
        used.text.contains("roducts or categories are in it"),
        "{}",
        used.text
    );
    let page = browser.get(&below).await;
    let remove = format!("{below}/remove");
    let unsure = send(&mut browser, (&page, &remove), &[]).await;
    assert_eq!(unsure.status, 422, "{}", unsure.text);
    let renamed = admin
        .patch(
            &format!("{API}/{green}"),
            &json!({"name": "Greens", "version": 1}),
        )
        .await;
    assert_eq!(renamed.status, 200, "{}", renamed.text);
    let stale = send(&mut browser, (&page, &remove), &sure).await;
    assert_eq!(stale.status, 409, "{}", stale.text);
    assert_eq!(tree(&admin).await.len(), 2, "nothing is gone yet");
    let page = browser.get(&below).await;
    let gone = send(&mut browser, (&page, &remove), &sure).await;
    assert_eq!(
        (gone.status, gone.header("location")),
        (303, "/admin/categories?flash=removed"),
        "{}",
        gone.text
    );
    assert_eq!(tree(&admin).await, [lying("tea", "Tea", None)]);
    let again = send(&mut browser, (&page, &remove), &sure).await;
    assert_eq!(again.status, 404, "{}", again.text);
}

async fn the_tree_is_for_whoever_runs_the_shop_and_its_forms_have_their_proof(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let tea = made(&admin, "Tea", None).await;
    shop.merchant(&admin, "mel").await;
    shop.customer("ann").await;
    let here = format!("{HERE}/{tea}");
    let page = browser.get(HERE).await;
    assert_eq!(
        all(&page, "<li><a href=\"/admin/categories\"").len(),
        1,
        "it is in the navigation: {}",
        page.text
    );
    let own = field(&page, "csrf").expect("a proof");
    for (name, status) in [("mel", 403), ("ann", 403)] {
        let mut other = Browser::signed_in(&shop, &format!("{name}@souk.example")).await;
        let csrf = other.proof("/account/details").await;
        for path in [HERE, here.as_str(), &format!("{here}/remove")] {
            let fields = [
                ("csrf", csrf.as_str()),
                ("name", "Mine"),
                ("version", "1"),
                ("confirm", "yes"),
            ];
            let sent = other.submit(path, &fields).await;
            assert_eq!(sent.status, status, "{name} {path}: {}", sent.text);
        }
        assert_eq!(other.get(HERE).await.status, status, "{name}");
    }
    let mut nobody = Browser::new(&shop);
    let away = nobody.get(&here).await;
    assert!(
        away.status == 303 && away.header("location").starts_with("/sign-in"),
        "{}",
        away.text
    );
    for path in [HERE, here.as_str(), &format!("{here}/remove")] {
        let fields = [
            ("csrf", "x"),
            ("name", "Mine"),
            ("version", "1"),
            ("confirm", "yes"),
        ];
        let forged = browser.submit(path, &fields).await;
        assert_eq!(forged.status, 403, "{path}: {}", forged.text);
    }
    assert_eq!(tree(&admin).await, [lying("tea", "Tea", None)]);
    let proven = [("csrf", own.as_str()), ("name", "Cups")];
    assert_eq!(browser.submit(HERE, &proven).await.status, 303);
    assert_eq!(tree(&admin).await.len(), 2);
}
