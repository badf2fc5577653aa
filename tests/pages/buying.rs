//! Buying on the pages, from the product to the order, without script: as a guest, and as somebody who signs in on the
//! way, on both stores. What a page says of an order is looked at through the API afterwards.

use crate::browser::{Browser, all, field, open_with};
use serde_json::{Value, json};
use testkit::{Answer, Client, Shop, on_both_stores};

const ANN: &str = "ann@souk.example";

on_both_stores! {
    open_with:
    a_shirt_is_bought_in_the_size_that_was_chosen,
    a_guest_buys_on_one_page_and_pays_again_after_a_refusal,
    a_line_is_taken_out_with_one_button,
    an_order_goes_where_the_checkout_was_told_and_faults_stand_beside_their_fields,
    a_cart_comes_along_at_sign_in_and_a_form_sent_twice_is_one_order,
    a_code_takes_off_what_the_page_says_and_a_guest_s_form_sent_twice_is_one_order,
}

pub(crate) fn first(page: &Answer, before: &str) -> String {
    let found = all(page, before);
    (*found.first().expect("one of them")).to_owned()
}

/// Puts so many of the first product of the home page into the cart.
pub(crate) async fn put_in(browser: &mut Browser, quantity: &str) -> Answer {
    let home = browser.get("/").await;
    let product = first(&home, "<h2><a href=\"");
    let product = browser.get(&product).await;
    let adding = first(&product, "name=\"add\" value=\"");
    let cart = format!("/cart?add={adding}&quantity={quantity}");
    let cart = browser.get(&cart).await;
    assert_eq!(field(&cart, "quantity").as_deref(), Some(quantity));
    let csrf = field(&cart, "csrf").expect("a form");
    let there = field(&cart, "there").expect("a form that adds");
    let fields = [
        ("csrf", csrf.as_str()),
        ("variant", adding.as_str()),
        ("quantity", quantity),
        ("there", there.as_str()),
    ];
    // Clicked twice, it is put in once.
    for _ in 0..2 {
        let put = browser.submit("/cart/items", &fields).await;
        assert_eq!(
            (put.status, put.header("location")),
            (303, "/cart"),
            "{}",
            put.text
        );
    }
    browser.get("/cart").await
}

/// Sends the form of the checkout as it came, with these.
pub(crate) async fn check_out(browser: &mut Browser, email: &str, method: &str) -> Answer {
    let page = browser.get("/checkout").await;
    let csrf = field(&page, "csrf").expect("a form");
    let (cart, total) = hidden(&page);
    let fields = [
        ("csrf", csrf.as_str()),
        ("cart", cart.as_str()),
        ("total", total.as_str()),
        ("email", email),
        ("method", method),
    ];
    browser.submit("/checkout", &fields).await
}

/// What is bought, and what it is said to cost.
fn hidden(page: &Answer) -> (String, String) {
    let one = |name| field(page, name).expect("a hidden field");
    (one("cart"), one("total"))
}

/// The steps that an order has come, and the one that it is at; all four are shown.
fn steps(page: &Answer) -> (Vec<&str>, &str) {
    let (_, rest) = page.text.split_once("<ol class=\"steps\"").expect("steps");
    let (steps, _) = rest.split_once("</ol>").expect("their end");
    let items = steps.split("<li").skip(1);
    let items: Vec<(&str, &str)> = items.filter_map(|item| item.split_once('>')).collect();
    assert_eq!(items.len(), 4, "{steps}");
    let mut done = Vec::new();
    let mut last = "";
    for (tag, text) in items {
        let word = text.split('<').next().unwrap_or_default();
        if tag.contains("class=\"done\"") {
            done.push(word);
        }
        if tag.contains("aria-current=\"step\"") {
            last = word;
        }
    }
    (done, last)
}

async fn orders(admin: &Client) -> usize {
    let list = admin.get("/api/v1/orders").await;
    list.json
        .pointer("/data")
        .and_then(Value::as_array)
        .map_or(0, Vec::len)
}

/// What an order of these is answered with.
async fn ordered(buyer: &Client, key: &str, items: Value) -> Answer {
    let body = json!({ "items": items });
    buyer.post_with_key("/api/v1/orders", key, &body).await
}

async fn a_shirt_is_bought_in_the_size_that_was_chosen(mut shop: Shop) {
    let admin = shop.admin().await;
    let shirt = json!({"name": "Zephyr shirt", "price": "10.00",
        "options": [{"name": "Size", "values": ["S", "M"]}],
        "variants": [{"options": {"Size": "S"}, "stock": 1},
                     {"options": {"Size": "M"}, "price": "12.00", "stock": 9}]});
    let shirt = admin.post("/api/v1/products", &shirt).await;
    assert_eq!(shirt.status, 201, "{}", shirt.text);
    let (product, small) = (shirt.str("/id"), shirt.str("/variants/0/id"));
    let ann = shop.customer("ann").await;
    let vague = ordered(&ann, "k1", json!([{"product_id": product, "quantity": 1}])).await;
    assert_eq!(
        (vague.status, vague.str("/code")),
        (422, "variant_required")
    );
    assert_eq!(vague.str("/items/0/variants/0/variant_id"), small);
    let bought = ordered(&ann, "k2", json!([{"variant_id": small, "quantity": 1}])).await;
    assert_eq!(
        bought.str("/items/0/name"),
        "Zephyr shirt (S)",
        "{}",
        bought.text
    );
    let late = ordered(&ann, "k3", json!([{"variant_id": small, "quantity": 1}])).await;
    assert_eq!(late.str("/code"), "insufficient_stock");
    let mut guest = Browser::new(&shop);
    let page = guest.get(&format!("/p/{}", shirt.str("/slug"))).await;
    assert!(page.text.contains("From $10.00"), "{}", page.text);
    assert!(
        page.text
            .contains(&format!("<option value=\"{small}\" disabled>S, $10.00"))
    );
    let adding = shirt.str("/variants/1/id");
    let cart = guest.get(&format!("/cart?add={adding}")).await;
    assert!(cart.text.contains("Zephyr shirt (M)"), "{}", cart.text);
    let csrf = field(&cart, "csrf").expect("a form");
    let fields = [
        ("csrf", csrf.as_str()),
        ("variant", adding),
        ("quantity", "2"),
        ("there", "0"),
    ];
    assert_eq!(guest.submit("/cart/items", &fields).await.status, 303);
    let bought = check_out(&mut guest, "gus@souk.example", "tok_ok").await;
    assert_eq!(bought.status, 303, "{}", bought.text);
    let order = guest.get(bought.header("location")).await;
    assert!(order.text.contains("Zephyr shirt (M)"), "{}", order.text);
    // What was bought keeps its name, whatever becomes of the variant.
    let line = format!("/api/v1/products/{product}/variants/{small}?version=1");
    assert_eq!(admin.delete(&line, None).await.status, 204);
    let kept = ann
        .get(&format!("/api/v1/orders/{}", first_order(&ann).await))
        .await;
    assert_eq!(kept.str("/items/0/name"), "Zephyr shirt (S)");
}

async fn first_order(buyer: &Client) -> String {
    let list = buyer.get("/api/v1/orders").await;
    list.str("/data/0/id").to_owned()
}

async fn a_guest_buys_on_one_page_and_pays_again_after_a_refusal(mut shop: Shop) {
    let admin = shop.admin().await;
    let mut guest = Browser::new(&shop);
    let empty = guest.get("/checkout").await;
    assert_eq!((empty.status, empty.header("location")), (303, "/cart"));
    put_in(&mut guest, "1").await;
    let cart = put_in(&mut guest, "2").await;
    assert!(
        cart.text.contains("value=\"3\""),
        "on top of what was there: {}",
        cart.text
    );
    let nameless = check_out(&mut guest, "nobody", "tok_ok").await;
    assert_eq!(nameless.status, 422);
    assert!(
        nameless.text.contains("id=\"email-error\""),
        "{}",
        nameless.text
    );
    let bought = check_out(&mut guest, "gus@souk.example", "tok_declined").await;
    assert_eq!(bought.status, 303, "{}", bought.text);
    let place = bought.header("location").to_owned();
    let order = guest.get(&place).await;
    assert!(order.text.contains("was declined"), "{}", order.text);
    assert_eq!(steps(&order), (vec!["Placed"], "Placed"));
    assert!(
        order.text.contains("It is held for you until <time"),
        "{}",
        order.text
    );
    let csrf = field(&order, "csrf").expect("a form to pay with");
    let attempt = field(&order, "attempt").expect("its name");
    let path = place.split('?').next().unwrap_or_default();
    let fields = [
        ("csrf", csrf.as_str()),
        ("attempt", attempt.as_str()),
        ("method", "tok_ok"),
    ];
    let paid = guest.submit(&format!("{path}/pay"), &fields).await;
    assert_eq!(paid.status, 303, "{}", paid.text);
    let order = guest.get(paid.header("location")).await;
    assert!(order.text.contains("Thank you"), "{}", order.text);
    assert_eq!(steps(&order), (vec!["Placed", "Paid"], "Paid"));
    let cart = guest.get("/cart").await;
    assert!(
        cart.text.contains("There is nothing in it yet"),
        "{}",
        cart.text
    );
    // Another browser does not learn of it.
    let mut other = Browser::new(&shop);
    let hidden = other.get(path).await;
    assert!(matches!(hidden.status, 401 | 404), "{}", hidden.status);
    assert_eq!(orders(&admin).await, 1);
    shop.verify().await;
}

async fn a_line_is_taken_out_with_one_button(shop: Shop) {
    let mut guest = Browser::new(&shop);
    let cart = put_in(&mut guest, "2").await;
    assert!(
        cart.text.contains(">Take it out<span class=\"unseen\">: "),
        "{}",
        cart.text
    );
    let csrf = field(&cart, "csrf").expect("a form");
    let variant = field(&cart, "variant").expect("a line");
    let none = [
        ("csrf", csrf.as_str()),
        ("variant", variant.as_str()),
        ("quantity", "0"),
    ];
    assert!(cart.text.contains("name=\"quantity\" value=\"0\""));
    let out = guest.submit("/cart/items", &none).await;
    assert_eq!(out.status, 303, "{}", out.text);
    let cart = guest.get("/cart").await;
    assert!(
        cart.text.contains("There is nothing in it yet"),
        "{}",
        cart.text
    );
    // What no form says is one.
    for odd in ["0", "-1", "x", "1000001", ""] {
        let page = guest
            .get(&format!("/cart?add={variant}&quantity={odd}"))
            .await;
        assert_eq!(field(&page, "quantity").as_deref(), Some("1"), "{odd}");
    }
}

async fn an_order_goes_where_the_checkout_was_told_and_faults_stand_beside_their_fields(
    mut shop: Shop,
) {
    let mut guest = Browser::new(&shop);
    put_in(&mut guest, "1").await;
    let page = guest.get("/checkout").await;
    assert!(
        page.text.contains("autocomplete=\"shipping postal-code\""),
        "{}",
        page.text
    );
    let csrf = field(&page, "csrf").expect("a form");
    let (cart, total) = hidden(&page);
    let fields = |country| {
        [
            ("csrf", csrf.as_str()),
            ("cart", cart.as_str()),
            ("total", total.as_str()),
            ("email", "gus@souk.example"),
            ("method", "tok_ok"),
            ("name", "Gus Canary"),
            ("line1", "Weg 1"),
            ("city", "Köln"),
            ("country", country),
        ]
    };
    let refused = guest.submit("/checkout", &fields("")).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    for shown in ["id=\"country-error\"", "value=\"Gus Canary\""] {
        assert!(refused.text.contains(shown), "{shown}: {}", refused.text);
    }
    // What is to be sent goes somewhere; how it can be sent shows when that is known.
    let post = json!({"name": "By post", "price": {"amount": 500, "currency": "USD"}, "zones": [
        {"countries": ["DE"], "price": {"amount": 300, "currency": "USD"}}]});
    let admin = shop.admin().await;
    let post = admin.post("/api/v1/shipping-methods", &post).await;
    let way = [("way", post.str("/id"))];
    let nowhere: Vec<_> = fields("DE").into_iter().take(5).chain(way).collect();
    assert_eq!(guest.submit("/checkout", &nowhere).await.status, 422);
    let look: Vec<_> = fields("DE").into_iter().chain([("step", "look")]).collect();
    let looked = guest.submit("/checkout", &look).await;
    assert!(looked.text.contains(">By post: "), "{}", looked.text);
    let chosen: Vec<_> = look.into_iter().chain(way).collect();
    let looked = guest.submit("/checkout", &chosen).await;
    assert!(looked.text.contains("selected>By post"), "{}", looked.text);
    let (_, with_post) = hidden(&looked);
    assert_ne!(with_post, total);
    let stale = guest.submit("/checkout", &fields("DE")).await;
    assert_eq!(stale.status, 409, "another total was shown: {}", stale.text);
    let fields = |country| {
        let mut all = fields(country);
        all[2].1 = with_post.as_str();
        all
    };
    let bought = guest.submit("/checkout", &fields("DE")).await;
    let again = guest.submit("/checkout", &fields("DE")).await;
    assert_eq!(bought.status, 303, "{}", bought.text);
    assert_eq!(again.header("location"), bought.header("location"));
    let order = guest.get(bought.header("location")).await;
    assert!(
        order
            .text
            .contains("Gus Canary<br>Weg 1<br>Köln<br>Germany"),
        "{}",
        order.text
    );
    shop.verify().await;
}

async fn a_cart_comes_along_at_sign_in_and_a_form_sent_twice_is_one_order(mut shop: Shop) {
    let admin = shop.admin().await;
    shop.customer("ann").await;
    let mut browser = Browser::new(&shop);
    put_in(&mut browser, "2").await;
    browser.sign_in(ANN, testkit::PASSWORD, "").await;
    let cart = browser.get("/cart").await;
    assert!(cart.text.contains("value=\"2\""), "{}", cart.text);
    let page = browser.get("/checkout").await;
    assert!(!page.text.contains("name=\"email\""), "the shop knows it");
    let csrf = field(&page, "csrf").expect("a form");
    let (cart, total) = hidden(&page);
    let wrong = [
        ("csrf", csrf.as_str()),
        ("cart", cart.as_str()),
        ("total", "1 USD"),
        ("method", "tok_ok"),
    ];
    let refused = browser.submit("/checkout", &wrong).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    let fields = [
        ("csrf", csrf.as_str()),
        ("cart", cart.as_str()),
        ("total", total.as_str()),
        ("method", "tok_ok"),
    ];
    let unknown: Vec<_> = fields
        .into_iter()
        .take(3)
        .chain([("method", "tok_none")])
        .collect();
    let unknown = browser.submit("/checkout", &unknown).await;
    assert_eq!(unknown.status, 422, "{}", unknown.text);
    assert_eq!(orders(&admin).await, 0, "nothing was ordered so far");
    let first = browser.submit("/checkout", &fields).await;
    let second = browser.submit("/checkout", &fields).await;
    assert_eq!(first.status, 303, "{}", first.text);
    assert_eq!(second.status, 303, "{}", second.text);
    assert_eq!(first.header("location"), second.header("location"));
    let order = browser.get(first.header("location")).await;
    assert!(order.text.contains("Thank you"), "{}", order.text);
    assert_eq!(orders(&admin).await, 1);
    // With another means of payment it is the same order, which is paid already.
    let again: Vec<_> = fields
        .into_iter()
        .take(3)
        .chain([("method", "tok_declined")])
        .collect();
    let again = browser.submit("/checkout", &again).await;
    let order = browser.get(again.header("location")).await;
    assert!(order.text.contains("was sent before"), "{}", order.text);
    let account = browser.get("/account").await;
    let place = first.header("location");
    let place = place.split('?').next().unwrap_or_default();
    assert!(
        account.text.contains(&format!("href=\"{place}\"")),
        "{}",
        account.text
    );
    shop.verify().await;
}

/// Makes a promotion that is given by itself.
async fn post_is_free(admin: &Client) {
    let free = json!({"code": "post-free", "name": "Free post today", "automatic": true, "basis_points": 10_000,
        "takes_off": "shipping"});
    assert_eq!(admin.post("/api/v1/discounts", &free).await.status, 201);
}

/// There is one order, whose lines and parts add up to what the page said.
async fn the_only_order_costs(admin: &Client, total: &str) {
    assert_eq!(orders(admin).await, 1);
    let list = admin.get("/api/v1/orders").await;
    let costs = list.int("/data/0/total/amount");
    let parts = list.json.pointer("/data/0/parts").and_then(Value::as_array);
    let parts = parts.into_iter().flatten();
    let amounts = parts.filter_map(|part| part.pointer("/amount/amount").and_then(Value::as_i64));
    let lines = list.int("/data/0/items/0/line_total/amount");
    let sum = amounts.fold(lines, i64::saturating_add);
    assert_eq!(sum, costs, "{}", list.text);
    let currency = list.str("/data/0/total/currency");
    assert_eq!(total, format!("{costs} {currency}"));
}

async fn a_code_takes_off_what_the_page_says_and_a_guest_s_form_sent_twice_is_one_order(
    mut shop: Shop,
) {
    let admin = shop.admin().await;
    let half = json!({"code": "half", "basis_points": 5_000, "uses_max": 1});
    assert_eq!(admin.post("/api/v1/discounts", &half).await.status, 201);
    post_is_free(&admin).await;
    let mut guest = Browser::new(&shop);
    let cart = put_in(&mut guest, "1").await;
    let csrf = field(&cart, "csrf").expect("a form");
    let use_code = [("csrf", csrf.as_str()), ("code", "nothing")];
    let refused = guest.submit("/cart/discount", &use_code).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(refused.text.contains("no such code"), "{}", refused.text);
    let use_code = [("csrf", csrf.as_str()), ("code", "half")];
    assert_eq!(guest.submit("/cart/discount", &use_code).await.status, 303);
    let post = json!({"name": "By post", "price": {"amount": 500, "currency": "USD"}});
    let post = admin.post("/api/v1/shipping-methods", &post).await;
    let choose = [("csrf", csrf.as_str()), ("method", post.str("/id"))];
    assert_eq!(guest.submit("/cart/shipping", &choose).await.status, 303);
    let page = guest.get("/cart").await;
    assert!(page.text.contains("selected>By post"), "{}", page.text);
    let page = guest.get("/checkout").await;
    assert!(
        page.text.contains("HALF") && page.text.contains("By post"),
        "{}",
        page.text
    );
    assert!(
        page.text.contains("Free post today") && page.text.contains("-$5.00"),
        "{}",
        page.text
    );
    let (cart, total) = hidden(&page);
    let fields = [
        ("csrf", csrf.as_str()),
        ("cart", cart.as_str()),
        ("total", total.as_str()),
        ("email", "gus@souk.example"),
        ("method", "tok_ok"),
        ("name", "Gus"),
        ("line1", "Weg 1"),
        ("city", "Köln"),
        ("country", "DE"),
    ];
    let first = guest.submit("/checkout", &fields).await;
    assert_eq!(first.status, 303, "{}", first.text);
    let second = guest.submit("/checkout", &fields).await;
    assert_eq!(first.header("location"), second.header("location"));
    let order = guest.get(first.header("location")).await;
    assert!(
        order.text.contains("Thank you")
            && order.text.contains("HALF")
            && order.text.contains("Free post today"),
        "{}",
        order.text
    );
    the_only_order_costs(&admin, &total).await;
    shop.verify().await;
}
