//! A payment's own page, with a shop on its own files and with one on PostgreSQL: all tries to pay its order, what the
//! provider told of it, and giving it up.

use crate::browser::{Browser, all, field};
use serde_json::json;
use testkit::{Answer, Client, Provider, Shop, on_both_stores};

on_both_stores! {
    shop:
    a_payment_s_page_has_all_tries_and_what_the_provider_told,
    a_payment_whose_money_was_not_taken_is_given_up_after_a_tick,
    a_payment_s_page_is_for_whoever_runs_the_shop,
}

struct Open {
    shop: Shop,
    admin: Client,
    ann: Client,
    tea: String,
    browser: Browser,
}

async fn shop(more: &[(&str, &str)]) -> Open {
    let mut settings = vec![("SOUK_SHOP__DEMO", "false")];
    settings.extend(more);
    let mut shop = Shop::start_with(&settings).await;
    let admin = shop.admin().await;
    let tea = admin.sell("Tea", 250, 99).await;
    Open {
        ann: shop.customer("ann").await,
        browser: Browser::signed_in(&shop, "admin@souk.example").await,
        shop,
        admin,
        tea,
    }
}

/// An order that is not paid yet.
async fn placed(ann: &Client, tea: &str) -> String {
    let order = ann.order("k1", tea, 2).await;
    assert_eq!(order.status, 201, "{}", order.text);
    order.str("/id").to_owned()
}

async fn pay(ann: &Client, order: &str, key: &str, method: &str) -> Answer {
    let wish = json!({"order_id": order, "method": method});
    ann.post_with_key("/api/v1/payments", key, &wish).await
}

async fn a_payment_s_page_has_all_tries_and_what_the_provider_told(open: Open) {
    let Open {
        shop,
        admin,
        ann,
        tea,
        mut browser,
    } = open;
    Provider::of(&admin).turn(&json!({"callbacks": true})).await;
    let order = placed(&ann, &tea).await;
    let refused = pay(&ann, &order, "p1", "tok_declined").await;
    assert_eq!(refused.status, 402, "{}", refused.text);
    let paid = pay(&ann, &order, "p2", "tok_ok").await;
    assert_eq!(paid.status, 201, "{}", paid.text);
    let listed = browser.get("/admin/payments?show=captured").await;
    let here = format!("/admin/payments/{}", paid.str("/id"));
    assert!(all(&listed, "<a href=\"").contains(&here.as_str()));
    let of_order = browser.get(&format!("/admin/orders/{order}")).await;
    let tries = all(&of_order, "<a href=\"/admin/payments/");
    assert_eq!(tries.len(), 2, "{}", of_order.text);
    assert!(tries.contains(&paid.str("/id")));
    // The sandbox tells by itself, a moment later.
    let page = browser
        .get_until(&here, |page| page.text.contains("<pre>"))
        .await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(all(&page, "<a href=\"/admin/payments/"), tries);
    for shown in [
        "Payment of $5.00",
        "status-captured\">Captured</span>",
        "status-declined\">Declined</span>",
        "<code>tok_ok</code>",
        "<pre>{\n  &#34;",
        paid.str("/id"),
    ] {
        assert!(page.text.contains(shown), "{shown}: {}", page.text);
    }
    assert!(
        !page.text.contains("/void\""),
        "what was taken is given back, not up"
    );
    shop.verify().await;
}

async fn a_payment_whose_money_was_not_taken_is_given_up_after_a_tick(open: Open) {
    let Open {
        shop,
        ann,
        tea,
        mut browser,
        ..
    } = open;
    let order = placed(&ann, &tea).await;
    let asked = pay(&ann, &order, "p1", "tok_challenge").await;
    assert_eq!(asked.str("/status"), "requires_action", "{}", asked.text);
    let here = format!("/admin/payments/{}", asked.str("/id"));
    let page = browser.get(&here).await;
    assert!(page.text.contains("told nothing of it"), "{}", page.text);
    let csrf = field(&page, "csrf").expect("a proof");
    let to = format!("{here}/void");
    let unsure = browser.submit(&to, &[("csrf", &csrf)]).await;
    assert_eq!(unsure.status, 422, "{}", unsure.text);
    let sure = [("csrf", csrf.as_str()), ("confirm", "yes")];
    let forged = [("csrf", "mine"), ("confirm", "yes")];
    assert_eq!(browser.submit(&to, &forged).await.status, 403);
    let path = format!("/api/v1/payments/{}", asked.str("/id"));
    assert_eq!(ann.get(&path).await.str("/status"), "requires_action");
    let done = browser.submit(&to, &sure).await;
    assert_eq!(done.status, 303, "{}", done.text);
    let page = browser.get(done.header("location")).await;
    assert!(
        page.text.contains("given up: nothing is taken") && page.text.contains("Voided</span>"),
        "{}",
        page.text
    );
    assert_eq!(ann.get(&path).await.str("/status"), "voided");
    // Sent once more, it changes nothing.
    let again = browser.submit(&to, &sure).await;
    assert!(matches!(again.status, 303 | 409), "{}", again.text);
    let paid = pay(&ann, &order, "p2", "tok_ok").await;
    assert_eq!(paid.status, 201, "it is paid anew: {}", paid.text);
    shop.verify().await;
}

async fn a_payment_s_page_is_for_whoever_runs_the_shop(open: Open) {
    let Open {
        shop,
        ann,
        tea,
        mut browser,
        ..
    } = open;
    let order = placed(&ann, &tea).await;
    let paid = pay(&ann, &order, "p1", "tok_ok").await;
    let here = format!("/admin/payments/{}", paid.str("/id"));
    let mut hers = Browser::signed_in(&shop, "ann@souk.example").await;
    assert_eq!(hers.get(&here).await.status, 403, "not even its buyer's");
    assert_eq!(Browser::new(&shop).get(&here).await.status, 303);
    for nothing in ["019ad000-0000-7000-8000-000000000000", "x", "%00"] {
        let page = browser.get(&format!("/admin/payments/{nothing}")).await;
        assert_eq!(page.status, 404, "{nothing}: {}", page.text);
    }
}
