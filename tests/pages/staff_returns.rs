//! What comes back of an order, as whoever runs the shop asks for it, answers it and receives it on the order's page,
//! by forms alone, with a shop on its own files and with one on PostgreSQL.

use crate::{
    browser::{Browser, all, field},
    forms::send,
    opened::{Open, shop},
};
use serde_json::{Value, json};
use testkit::{Answer, Client, Shop, on_both_stores};

on_both_stores! {
    shop:
    a_return_is_asked_for_once_however_often_its_form_is_sent,
    a_return_is_approved_and_received_and_its_money_goes_back_once,
    a_return_is_refused_after_a_tick_and_what_came_too_late_changes_nothing,
    no_more_than_was_sent_is_asked_for_and_the_page_says_beside_which_line,
    returns_are_answered_by_whoever_runs_the_shop_alone,
    returns_of_all_orders_are_one_list_with_exact_counters,
    the_list_of_all_returns_is_for_whoever_runs_the_shop_alone,
}

/// An order of three cups, of which two were sent, and its page for staff.
async fn sent_two(shop: &Shop, admin: &Client) -> (Client, String, String) {
    let ann = shop.customer("ann").await;
    let cup = admin.sell("Cup", 1_000, 9).await;
    let bought = ann.buy("k", &cup, 3, "tok_ok").await;
    assert_eq!(bought.status, 201, "{}", bought.text);
    let orders = format!("/api/v1/orders/{}", bought.str("/id"));
    let parcel = json!({"lines": [{"line": 1, "quantity": 2}]});
    let sent = admin.post(&format!("{orders}/shipments"), &parcel).await;
    assert_eq!(sent.status, 201, "{}", sent.text);
    let here = format!("/admin/orders/{}", bought.str("/id"));
    (ann, format!("{orders}/returns"), here)
}

async fn returns(admin: &Client, api: &str) -> Vec<Value> {
    let listed = admin.get(api).await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    listed.json["data"].as_array().cloned().unwrap_or_default()
}

/// A return that its buyer asked for.
async fn asked(ann: &Client, api: &str, key: &str) -> String {
    let wish = json!({"lines": [{"line": 1, "quantity": 1}], "reason": "too small"});
    let asked = ann.post_with_key(api, key, &wish).await;
    assert_eq!(asked.status, 201, "{}", asked.text);
    asked.str("/id").to_owned()
}

fn says(page: &Answer, words: &str) {
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.text.contains(words), "{words}: {}", page.text);
}

async fn a_return_is_asked_for_once_however_often_its_form_is_sent(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let (_ann, api, here) = sent_two(&shop, &admin).await;
    let page = browser.get(&here).await;
    assert!(
        !page
            .text
            .contains("<caption class=\"unseen\">What comes back"),
        "nothing comes back yet: {}",
        page.text
    );
    let ask = format!("{here}/returns");
    for _ in 0..2 {
        let wish = [("back.1", "2"), ("reason", "a <crack>")];
        let asked = send(&mut browser, (&page, &ask), &wish).await;
        assert_eq!(
            (asked.status, asked.header("location")),
            (303, format!("{here}?flash=asked").as_str()),
            "{}",
            asked.text
        );
    }
    let all = returns(&admin, &api).await;
    assert_eq!(all.len(), 1, "the same form twice is one: {all:?}");
    let page = browser.get(&format!("{here}?flash=asked")).await;
    for shown in [
        "The wish is kept.",
        "2 × Cup",
        "a &#60;crack&#62;",
        ">Requested</span>",
        "Return 1: may it come?",
    ] {
        says(&page, shown);
    }
}

async fn a_return_is_approved_and_received_and_its_money_goes_back_once(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let (ann, api, here) = sent_two(&shop, &admin).await;
    let id = asked(&ann, &api, "r").await;
    let one = format!("{here}/returns/{id}");
    let page = browser.get(&here).await;
    let note = [("note", "Send it to 1 Tea Lane")];
    let approve = format!("{one}/approve");
    let approved = send(&mut browser, (&page, &approve), &note).await;
    assert_eq!(approved.status, 303, "{}", approved.text);
    let page = browser.get(approved.header("location")).await;
    says(&page, "It may come.");
    says(&page, "Send it to 1 Tea Lane");
    let receive = format!("{one}/receive");
    let unsure = send(&mut browser, (&page, &receive), &[("lost.1", "yes")]).await;
    assert_eq!(unsure.status, 422, "not without a tick: {}", unsure.text);
    let much = [("amount", "99.00"), ("confirm", "yes")];
    let much = send(&mut browser, (&page, &receive), &much).await;
    assert_eq!(much.status, 422, "{}", much.text);
    assert!(
        much.text.contains("-amount-error\"") && much.text.contains("value=\"99.00\""),
        "{}",
        much.text
    );
    assert_eq!(returns(&admin, &api).await[0]["status"], "approved");
    let sure = [("amount", "7.50"), ("confirm", "yes")];
    for _ in 0..2 {
        let received = send(&mut browser, (&page, &receive), &sure).await;
        assert_eq!(received.status, 303, "{}", received.text);
    }
    let is_paid_back = |answer: &Answer| answer.json["data"][0]["status"] == "refunded";
    admin.get_until(&api, is_paid_back).await;
    let page = browser.get(&here).await;
    for shown in [">Refunded</span>", "-$7.50", "Return received"] {
        says(&page, shown);
    }
    assert!(
        !page.text.contains("Return 1:"),
        "nothing is left to do with it: {}",
        page.text
    );
    shop.verify().await;
}

async fn a_return_is_refused_after_a_tick_and_what_came_too_late_changes_nothing(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let (ann, api, here) = sent_two(&shop, &admin).await;
    let id = asked(&ann, &api, "r").await;
    let one = format!("{here}/returns/{id}");
    let page = browser.get(&here).await;
    let refuse = format!("{one}/refuse");
    let why = [("note", "It was used")];
    let unsure = send(&mut browser, (&page, &refuse), &why).await;
    assert_eq!(unsure.status, 422, "{}", unsure.text);
    assert!(unsure.text.contains("It was used"), "{}", unsure.text);
    assert_eq!(returns(&admin, &api).await[0]["status"], "requested");
    let sure = [("note", "It was used"), ("confirm", "yes")];
    let refused = send(&mut browser, (&page, &refuse), &sure).await;
    assert_eq!(refused.status, 303, "{}", refused.text);
    let said = browser.get(refused.header("location")).await;
    says(&said, "It may not come.");
    says(&said, ">Refused</span>");
    // The page of before is sent once more.
    let late = send(&mut browser, (&page, &format!("{one}/approve")), &[]).await;
    assert_eq!(late.status, 409, "{}", late.text);
    assert!(late.text.contains("role=\"alert\""), "{}", late.text);
    assert_eq!(returns(&admin, &api).await[0]["status"], "refused");
    let csrf = field(&page, "csrf").expect("a proof");
    let fields = [("csrf", csrf.as_str()), ("confirm", "yes")];
    for path in [
        format!("{one}/forget"),
        format!("{here}/returns/ret_nothing/approve"),
        "/admin/orders/nothing/returns".to_owned(),
    ] {
        let nothing = browser.submit(&path, &fields).await;
        assert_eq!(nothing.status, 404, "{path}: {}", nothing.text);
    }
    shop.verify().await;
}

async fn no_more_than_was_sent_is_asked_for_and_the_page_says_beside_which_line(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let (ann, api, here) = sent_two(&shop, &admin).await;
    let ask = format!("{here}/returns");
    let page = browser.get(&here).await;
    for (units, reason, error) in [
        ("3", "too many", "id=\"return-back.1-error\""),
        ("some", "no number", "id=\"return-back.1-error\""),
        ("1", "", "id=\"return-reason-error\""),
        ("", "nothing of it", "role=\"alert\""),
    ] {
        let wish = [("back.1", units), ("reason", reason)];
        let refused = send(&mut browser, (&page, &ask), &wish).await;
        assert_eq!(refused.status, 422, "{wish:?}: {}", refused.text);
        assert!(refused.text.contains(error), "{wish:?}: {}", refused.text);
    }
    assert!(returns(&admin, &api).await.is_empty());
    for key in ["a", "b"] {
        asked(&ann, &api, key).await;
    }
    let page = browser.get(&here).await;
    assert!(
        !page.text.contains(&format!("action=\"{ask}\"")),
        "all that was sent comes back: {}",
        page.text
    );
}

async fn returns_are_answered_by_whoever_runs_the_shop_alone(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let (ann, api, here) = sent_two(&shop, &admin).await;
    let id = asked(&ann, &api, "r").await;
    shop.merchant(&admin, "mel").await;
    let paths = [
        format!("{here}/returns"),
        format!("{here}/returns/{id}/approve"),
        format!("{here}/returns/{id}/refuse"),
        format!("{here}/returns/{id}/receive"),
    ];
    for name in ["ann", "mel"] {
        let mut other = Browser::signed_in(&shop, &format!("{name}@souk.example")).await;
        let csrf = other.proof("/account/details").await;
        let fields = [
            ("csrf", csrf.as_str()),
            ("confirm", "yes"),
            ("back.1", "1"),
            ("reason", "mine"),
        ];
        for path in &paths {
            let sent = other.submit(path, &fields).await;
            assert_eq!(sent.status, 403, "{name} {path}: {}", sent.text);
        }
    }
    let forged = [
        ("csrf", "x"),
        ("confirm", "yes"),
        ("back.1", "1"),
        ("reason", "mine"),
    ];
    for path in &paths {
        let sent = browser.submit(path, &forged).await;
        assert_eq!(sent.status, 403, "{path}: {}", sent.text);
        let away = Browser::new(&shop).submit(path, &forged).await;
        assert_eq!(away.status, 303, "{path}: {}", away.text);
    }
    let all = returns(&admin, &api).await;
    assert_eq!((all.len(), &all[0]["status"]), (1, &json!("requested")));
}

/// Returns of a page.
const ROWS: usize = 25;
const LIST: &str = "/admin/returns";

/// So many orders of a cup each that were sent, and all of which is to come back: its orders' numbers, and the paths of
/// their returns.
async fn many(shop: &Shop, admin: &Client, count: usize) -> Vec<(String, String)> {
    let ann = shop.customer("ann").await;
    let cup = admin.sell("Cup", 1_000, 99).await;
    let mut returns = Vec::new();
    for number in 0..count {
        let bought = ann.buy(&format!("k{number}"), &cup, 1, "tok_ok").await;
        assert_eq!(bought.status, 201, "{}", bought.text);
        let order = format!("/api/v1/orders/{}", bought.str("/id"));
        let sent = admin.post(&format!("{order}/ship"), &json!({})).await;
        assert_eq!(sent.status, 200, "{}", sent.text);
        let id = asked(&ann, &format!("{order}/returns"), &format!("r{number}")).await;
        let number = bought.int("/number").to_string();
        returns.push((number, format!("{order}/returns/{id}")));
    }
    returns
}

/// The numbers of orders in a list, in its order.
fn orders_of(page: &Answer) -> Vec<String> {
    let rows = page.text.split("<td><a href=\"/admin/orders/").skip(1);
    let number = |row: &str| {
        let (_, rest) = row.split_once("\">")?;
        Some(rest.split('<').next()?.to_owned())
    };
    rows.filter_map(number).collect()
}

async fn returns_of_all_orders_are_one_list_with_exact_counters(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let empty = browser.get(LIST).await;
    says(&empty, "Nothing comes back.");
    let home = browser.get("/admin").await;
    says(&home, "<strong>0</strong> <span>returns to answer</span>");
    let all_returns = many(&shop, &admin, ROWS + 1).await;
    for (_, one) in &all_returns[..2] {
        let approved = admin.post(&format!("{one}/approve"), &json!({})).await;
        assert_eq!(approved.status, 200, "{}", approved.text);
    }
    let page = browser.get(LIST).await;
    for shown in [
        "To answer <span class=\"count\">24</span>",
        "To receive <span class=\"count\">2</span>",
        "Refused <span class=\"count\">0</span>",
        "1 × Cup",
        "too small",
    ] {
        says(&page, shown);
    }
    let mut newest_first: Vec<&str> = all_returns
        .iter()
        .map(|(order, _)| order.as_str())
        .collect();
    newest_first.reverse();
    assert_eq!(orders_of(&page), newest_first[..ROWS]);
    let next = page
        .text
        .split_once("\" rel=\"next\">")
        .expect("a second page");
    let (_, next) = next.0.rsplit_once("href=\"").expect("its address");
    let second = browser.get(&next.replace("&#38;", "&")).await;
    assert_eq!(orders_of(&second), newest_first[ROWS..]);
    let approved = browser.get(&format!("{LIST}?status=approved")).await;
    assert_eq!(orders_of(&approved), newest_first[ROWS - 1..]);
    let none = browser.get(&format!("{LIST}?status=refused")).await;
    says(&none, "No return stands so.");
    let home = browser.get("/admin").await;
    says(&home, "<strong>24</strong> <span>returns to answer</span>");
    assert_eq!(
        all(&home, "<a href=\"/admin/returns?status=requested\"").len(),
        1
    );
    assert_eq!(all(&home, "<li><a href=\"/admin/returns\"").len(), 1);
    let file = browser.get(&format!("{LIST}.csv?status=approved")).await;
    assert_eq!(file.status, 200, "{}", file.text);
    let lines: Vec<&str> = file.text.lines().collect();
    assert_eq!(lines.len(), 3, "{}", file.text);
    assert_eq!(
        lines[0],
        "Order,Return,Asked for,What,Why,Status,Last moved"
    );
    let wrong = browser.get(&format!("{LIST}?cursor=wrong")).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);
}

async fn the_list_of_all_returns_is_for_whoever_runs_the_shop_alone(open: Open) {
    let Open { shop, admin, .. } = open;
    let (ann, api, _) = sent_two(&shop, &admin).await;
    let id = asked(&ann, &api, "r").await;
    let mel = shop.merchant(&admin, "mel").await;
    let path = "/api/v1/returns";
    let listed = admin.get(&format!("{path}?status=requested&limit=1")).await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    assert_eq!(listed.str("/data/0/id"), id);
    assert_eq!(listed.json["data"], admin.get(&api).await.json["data"]);
    assert!(listed.json["next_cursor"].is_null(), "{}", listed.text);
    for (who, status) in [(&shop.visitor(), 401), (&ann, 403), (&mel, 403)] {
        assert_eq!(who.get(path).await.status, status);
    }
    for wrong in [
        "?status=lost",
        "?limit=0",
        "?limit=101",
        "?cursor=x",
        "?order=1",
    ] {
        let refused = admin.get(&format!("{path}{wrong}")).await;
        assert_eq!(refused.status, 400, "{wrong}: {}", refused.text);
    }
    let mut browser = Browser::signed_in(&shop, "mel@souk.example").await;
    let page = browser.get("/admin").await;
    assert!(!page.text.contains(LIST), "{}", page.text);
    assert_eq!(browser.get(LIST).await.status, 403);
}
