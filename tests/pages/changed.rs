//! What changes between a buyer's look at the checkout and the click that orders: a price, or what is left. The page
//! says what is otherwise, nothing is ordered and nothing held, and the buyer takes it as it is now, or goes. On both
//! stores.

use crate::{
    browser::{Browser, all, field},
    buying::put_in,
};
use serde_json::{Value, json};
use testkit::{Answer, Client, Shop, on_both_stores};

const ANN: &str = "ann@souk.example";
const CHANGED: &str =
    "Something has changed since you looked: see the lines below. Nothing was ordered.";

async fn open(more: &[(&str, &str)]) -> Shop {
    Shop::start_with(more).await
}

on_both_stores! {
    open:
    a_price_that_rises_is_shown_and_paid_by_whoever_takes_it,
    whoever_does_not_take_a_dearer_price_goes_and_nothing_is_left_of_it,
    a_price_that_falls_is_shown_as_well_and_is_what_is_paid,
    what_others_have_bought_meanwhile_is_said_and_what_is_left_is_taken,
    whoever_finds_it_sold_out_goes_and_the_others_keep_what_they_bought,
}

/// Tea for 10.00, ten of it; who sells it, and what it is called.
async fn tea(shop: &mut Shop) -> (Client, String) {
    let admin = shop.admin().await;
    let tea = admin.sell("tea", 1_000, 10).await;
    (admin, tea)
}

async fn costs_now(admin: &Client, tea: &str, price: &str) {
    let path = format!("/api/v1/products/{tea}");
    let changed = admin
        .patch(&path, &json!({"price": price, "version": 1}))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
}

/// Orders what a page of the checkout shows, as its form says it.
async fn order(browser: &mut Browser, page: &Answer) -> Answer {
    let [csrf, cart, total] =
        ["csrf", "cart", "total"].map(|name| field(page, name).expect("a hidden field"));
    let fields = [
        ("csrf", csrf.as_str()),
        ("cart", cart.as_str()),
        ("total", total.as_str()),
        ("email", "gus@souk.example"),
        ("method", "tok_ok"),
    ];
    browser.submit("/checkout", &fields).await
}

/// It was refused with what is otherwise: these words, and this total from now on.
fn says(page: &Answer, words: &str, total: &str) {
    assert_eq!(page.status, 409, "{}", page.text);
    assert!(page.text.contains(CHANGED), "{}", page.text);
    assert!(page.text.contains(words), "{words}: {}", page.text);
    assert_eq!(field(page, "total").as_deref(), Some(total));
}

/// The orders that there are, by what each costs.
async fn orders(admin: &Client) -> Vec<i64> {
    let list = admin.get("/api/v1/orders").await;
    let data = list.json.pointer("/data").and_then(|data| data.as_array());
    let orders = data.into_iter().flatten();
    orders
        .filter_map(|order| order.pointer("/total/amount")?.as_i64())
        .collect()
}

/// What was taken by the provider, of everybody.
async fn taken(admin: &Client) -> i64 {
    testkit::Provider::of(admin).net().await
}

/// Somebody else buys so many through the API.
async fn somebody_buys(shop: &Shop, tea: &str, quantity: i64) {
    let ben = shop.customer("ben").await;
    let bought = ben.buy("k", tea, quantity, "tok_ok").await;
    assert_eq!((bought.status, bought.str("/status")), (201, "paid"));
}

async fn a_price_that_rises_is_shown_and_paid_by_whoever_takes_it(mut shop: Shop) {
    let (admin, tea) = tea(&mut shop).await;
    let mut guest = Browser::new(&shop);
    put_in(&mut guest, "2").await;
    let looked = guest.get("/checkout").await;
    assert_eq!(field(&looked, "total").as_deref(), Some("2000 USD"));
    costs_now(&admin, &tea, "12.50").await;
    let before = "It was $10.00 when you put it in.";
    let refused = order(&mut guest, &looked).await;
    says(&refused, before, "2500 USD");
    assert!(
        refused.text.contains("value=\"gus@souk.example\""),
        "what was typed stays"
    );
    // The form of before is no way around, however often it is sent.
    says(&order(&mut guest, &looked).await, before, "2500 USD");
    assert_eq!(orders(&admin).await, [0; 0]);
    assert_eq!(
        (admin.stock(&tea).await, taken(&admin).await),
        ((10, 0, 10), 0)
    );
    // Taken as it is now, and clicked twice: it is one order.
    let bought = order(&mut guest, &refused).await;
    let again = order(&mut guest, &refused).await;
    assert_eq!(bought.status, 303, "{}", bought.text);
    assert_eq!(again.header("location"), bought.header("location"));
    let shown = guest.get(bought.header("location")).await;
    assert!(
        shown.text.contains("Thank you") && shown.text.contains("$25.00"),
        "{}",
        shown.text
    );
    assert_eq!(orders(&admin).await, [2_500]);
    assert_eq!(
        (admin.stock(&tea).await, taken(&admin).await),
        ((8, 0, 8), 2_500)
    );
    shop.verify().await;
}

async fn whoever_does_not_take_a_dearer_price_goes_and_nothing_is_left_of_it(mut shop: Shop) {
    let (admin, tea) = tea(&mut shop).await;
    shop.customer("ann").await;
    let mut ann = Browser::signed_in(&shop, ANN).await;
    put_in(&mut ann, "2").await;
    let looked = ann.get("/checkout").await;
    costs_now(&admin, &tea, "12.50").await;
    let refused = order(&mut ann, &looked).await;
    says(&refused, "It was $10.00 when you put it in.", "2500 USD");
    // She goes by the page's own way, and takes it out.
    assert!(
        refused.text.contains("<a href=\"/cart\">"),
        "{}",
        refused.text
    );
    let cart = ann.get("/cart").await;
    assert!(
        cart.text.contains("It was $10.00 when you put it in."),
        "{}",
        cart.text
    );
    let [csrf, variant] = ["csrf", "variant"].map(|name| field(&cart, name).expect("a form"));
    let out = [
        ("csrf", csrf.as_str()),
        ("variant", variant.as_str()),
        ("quantity", "0"),
    ];
    assert_eq!(ann.submit("/cart/items", &out).await.status, 303);
    let empty = ann.get("/cart").await;
    assert!(
        empty.text.contains("There is nothing in it yet"),
        "{}",
        empty.text
    );
    // What she had before her is worth nothing now either.
    for page in [&looked, &refused] {
        let late = order(&mut ann, page).await;
        assert!(
            matches!(late.status, 303 | 409 | 422),
            "{}: {}",
            late.status,
            late.text
        );
        assert!(
            !late.header("location").contains("/order/"),
            "{}",
            late.text
        );
    }
    assert_eq!(orders(&admin).await, [0; 0]);
    assert_eq!(
        (admin.stock(&tea).await, taken(&admin).await),
        ((10, 0, 10), 0)
    );
    shop.verify().await;
}

async fn a_price_that_falls_is_shown_as_well_and_is_what_is_paid(mut shop: Shop) {
    let (admin, tea) = tea(&mut shop).await;
    let mut guest = Browser::new(&shop);
    put_in(&mut guest, "2").await;
    let looked = guest.get("/checkout").await;
    costs_now(&admin, &tea, "7.99").await;
    let refused = order(&mut guest, &looked).await;
    says(&refused, "It was $10.00 when you put it in.", "1598 USD");
    assert_eq!(orders(&admin).await, [0; 0]);
    let bought = order(&mut guest, &refused).await;
    assert_eq!(bought.status, 303, "{}", bought.text);
    assert_eq!(
        (orders(&admin).await, taken(&admin).await),
        (vec![1_598], 1_598)
    );
    shop.verify().await;
}

async fn what_others_have_bought_meanwhile_is_said_and_what_is_left_is_taken(mut shop: Shop) {
    let (admin, tea) = tea(&mut shop).await;
    shop.customer("ann").await;
    let mut ann = Browser::signed_in(&shop, ANN).await;
    put_in(&mut ann, "3").await;
    let looked = ann.get("/checkout").await;
    somebody_buys(&shop, &tea, 9).await;
    let refused = order(&mut ann, &looked).await;
    says(&refused, "Only 1 left.", "3000 USD");
    // What cannot be had is not had by asking again.
    says(&order(&mut ann, &refused).await, "Only 1 left.", "3000 USD");
    assert_eq!(
        admin.stock(&tea).await,
        (1, 0, 1),
        "nothing of hers is held"
    );
    // One click adjusts the line to what is there.
    let cart = ann.get("/cart").await;
    assert!(
        cart.text.contains(">Take the 1 that are left</button>"),
        "{}",
        cart.text
    );
    let [csrf, variant] = ["csrf", "variant"].map(|name| field(&cart, name).expect("a form"));
    let left = all(&cart, "name=\"quantity\" value=\"");
    let left = *left.first().expect("what is left");
    let take = [
        ("csrf", csrf.as_str()),
        ("variant", variant.as_str()),
        ("quantity", left),
    ];
    assert_eq!(ann.submit("/cart/items", &take).await.status, 303);
    let page = ann.get("/checkout").await;
    assert!(!page.text.contains("left."), "{}", page.text);
    let bought = order(&mut ann, &page).await;
    assert_eq!(bought.status, 303, "{}", bought.text);
    let shown = ann.get(bought.header("location")).await;
    assert!(shown.text.contains("Thank you"), "{}", shown.text);
    let mut sold = orders(&admin).await;
    sold.sort_unstable();
    assert_eq!((sold, taken(&admin).await), (vec![1_000, 9_000], 10_000));
    assert_eq!(admin.stock(&tea).await, (0, 0, 0));
    shop.verify().await;
}

async fn whoever_finds_it_sold_out_goes_and_the_others_keep_what_they_bought(mut shop: Shop) {
    let (admin, tea) = tea(&mut shop).await;
    let mut guest = Browser::new(&shop);
    put_in(&mut guest, "1").await;
    let looked = guest.get("/checkout").await;
    somebody_buys(&shop, &tea, 10).await;
    let refused = order(&mut guest, &looked).await;
    says(&refused, "It is sold out for now.", "1000 USD");
    let cart = guest.get("/cart").await;
    assert!(cart.text.contains(">Take it out</button>"), "{}", cart.text);
    // He goes; what he leaves in the cart is nobody's.
    assert_eq!(guest.get("/").await.status, 200);
    assert_eq!(
        (orders(&admin).await, taken(&admin).await),
        (vec![10_000], 10_000)
    );
    assert_eq!(admin.stock(&tea).await, (0, 0, 0));
    // There is more of it later, and the cart is as it was.
    let variant = admin.get(&format!("/api/v1/products/{tea}")).await;
    let more: Value =
        json!([{"variant_id": variant.str("/variants/0/id"), "delta": 5, "reason": "came"}]);
    let came = admin
        .post("/api/v1/inventory/adjust", &json!({ "changes": more }))
        .await;
    assert_eq!(came.status, 200, "{}", came.text);
    let page = guest.get("/checkout").await;
    assert!(!page.text.contains("sold out"), "{}", page.text);
    let bought = order(&mut guest, &page).await;
    assert_eq!(bought.status, 303, "{}", bought.text);
    assert_eq!(admin.stock(&tea).await, (4, 0, 4));
    shop.verify().await;
}
