//! What whoever runs the shop reads in its lists, with a shop on its own files and with one on PostgreSQL: what there
//! is of each product, over all its variants, how many carts became orders, and all payments, by where they stand.

use crate::{
    browser::Browser,
    opened::{Open, shop},
};
use serde_json::json;
use testkit::{Answer, Client, on_both_stores};

/// Payments of a page.
const ROWS: usize = 25;

on_both_stores! {
    shop:
    a_product_s_row_says_what_can_be_bought_of_all_its_variants,
    the_first_page_says_how_many_carts_became_orders,
    payments_are_listed_by_where_they_stand_and_read_in_both_directions,
    a_list_of_no_payments_says_so_and_a_page_that_there_is_not_is_refused,
    a_list_leads_back_by_the_pages_that_led_there,
}

/// The row of a list in which this stands.
fn row<'p>(page: &'p Answer, what: &str) -> &'p str {
    let mut rows = page.text.split("<tr>");
    let found = rows.find(|row| row.contains(what)).expect("its row");
    found.split("</tr>").next().expect("its end")
}

/// Where the orders of a list's rows are.
fn orders(page: &Answer) -> Vec<String> {
    let rows = page.text.split("<td><a href=\"/admin/orders/").skip(1);
    let of = |row: &str| row.split('"').next().expect("its end").to_owned();
    rows.map(of).collect()
}

/// Where a link of this kind leads.
fn link(page: &Answer, rel: &str) -> Option<String> {
    let (before, _) = page.text.split_once(&format!("\" rel=\"{rel}\">"))?;
    let (_, href) = before.rsplit_once("href=\"")?;
    Some(href.replace("&#38;", "&"))
}

async fn a_product_s_row_says_what_can_be_bought_of_all_its_variants(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let ann = shop.customer("ann").await;
    let shirt = json!({
        "name": "Shirt", "price": "20.00",
        "options": [{"name": "Size", "values": ["S", "M", "L"]}],
        "variants": [
            {"options": {"Size": "S"}, "sku": "S-S", "stock": 1_200},
            {"options": {"Size": "M"}, "sku": "S-M", "stock": 30},
            {"options": {"Size": "L"}, "sku": "S-L", "stock": 4},
        ],
    });
    let shirt = admin.post("/api/v1/products", &shirt).await;
    assert_eq!(shirt.status, 201, "{}", shirt.text);
    let tea = admin.sell("Tea", 250, 77).await;
    let order = json!({"items": [
        {"variant_id": shirt.str("/variants/1/id"), "quantity": 3},
        {"product_id": tea, "quantity": 1},
    ]});
    let placed = ann.post_with_key("/api/v1/orders", "k", &order).await;
    assert_eq!(placed.status, 201, "{}", placed.text);
    let page = browser.get("/admin/products").await;
    assert!(page.text.contains(">Available</th>"), "{}", page.text);
    for (product, available) in [("Shirt", "1,231"), ("Tea", "76")] {
        let row = row(&page, &format!(">{product}</a>"));
        assert!(
            row.contains(&format!("<td class=\"number\">{available}</td>")),
            "{row}"
        );
    }
}

/// A cart of whoever this is, with so many units in it.
async fn cart(who: &Client, tea: &str, units: i64) -> String {
    let cart = who.post("/api/v1/carts", &json!({})).await;
    assert_eq!(cart.status, 201, "{}", cart.text);
    let here = format!("/api/v1/carts/{}", cart.str("/id"));
    if units > 0 {
        let put = json!({"quantity": units});
        let put = who.put(&format!("{here}/items/{tea}"), &put).await;
        assert_eq!(put.status, 200, "{}", put.text);
    }
    here
}

async fn the_first_page_says_how_many_carts_became_orders(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let tea = admin.sell("Tea", 250, 9).await;
    let words = "of carts became orders in the last 24 hours";
    let share = async |browser: &mut Browser| {
        let home = browser.get("/admin").await;
        let (before, _) = home.text.split_once(words).expect("the figure");
        let (_, value) = before.rsplit_once("<strong>").expect("its value");
        let (_, title) = before.rsplit_once("title=\"").expect("what it is");
        let title = title.split('"').next().expect("its end").to_owned();
        (value.split('<').next().expect("its end").to_owned(), title)
    };
    assert_eq!(share(&mut browser).await.0, "–");
    let people = ["ann", "bob", "cal", "dan"];
    let mut carts = Vec::new();
    for (name, units) in people.into_iter().zip([1, 2, 3, 0]) {
        let who = shop.customer(name).await;
        let here = cart(&who, &tea, units).await;
        carts.push((who, here));
    }
    assert_eq!(share(&mut browser).await.0, "0%");
    let (ann, here) = carts.first().expect("hers");
    let wish = json!({"cart_id": here.rsplit('/').next()});
    let bought = ann.post_with_key("/api/v1/orders", "k", &wish).await;
    assert_eq!(bought.status, 201, "{}", bought.text);
    // Bought without a cart: it counts for nothing.
    assert_eq!(ann.order("k2", &tea, 1).await.status, 201);
    let (value, title) = share(&mut browser).await;
    assert_eq!(value, "33%", "an empty cart is none");
    assert!(
        title.contains(
            "that became an order: 1; that were changed, have something in them and are open: 2."
        ),
        "{title}"
    );
}

async fn payments_are_listed_by_where_they_stand_and_read_in_both_directions(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let ann = shop.customer("ann").await;
    let tea = admin.sell("Tea", 250, 99).await;
    let mut bought = Vec::new();
    for number in 0..ROWS + 2 {
        let paid = ann.buy(&format!("k{number}"), &tea, 1, "tok_ok").await;
        assert_eq!(paid.status, 201, "{}", paid.text);
        bought.push(paid.str("/id").to_owned());
    }
    let refused = ann.buy("no", &tea, 1, "tok_declined").await;
    assert_eq!(refused.status, 402, "{}", refused.text);
    bought.reverse();
    let (first, rest) = bought.split_at(ROWS);
    let newest = first.first().expect("the newest");
    let here = "/admin/payments?show=captured";
    let page = browser.get(here).await;
    assert_eq!(page.status, 200, "{}", page.text);
    for count in [
        "Captured <span class=\"count\">27<",
        "Declined <span class=\"count\">1<",
    ] {
        assert!(page.text.contains(count), "{count}: {}", page.text);
    }
    assert_eq!(orders(&page), first);
    assert_eq!(link(&page, "prev"), None, "it is the first");
    let order = admin.get(&format!("/api/v1/orders/{newest}")).await;
    let newest = row(&page, newest);
    for shown in [
        format!(">{}</a>", order.int("/number")).as_str(),
        ">Captured</span>",
        "<td>sandbox</td>",
        "$2.50",
    ] {
        assert!(newest.contains(shown), "{shown}: {newest}");
    }
    let second = browser.get(&link(&page, "next").expect("a second")).await;
    assert_eq!(orders(&second), rest);
    assert_eq!(link(&second, "next"), None, "it is the last");
    let back = browser
        .get(&link(&second, "prev").expect("a way back"))
        .await;
    assert_eq!(orders(&back), first);
    assert_eq!(link(&back, "prev"), None);
    let declined = browser.get("/admin/payments?show=declined").await;
    assert_eq!(orders(&declined).len(), 1, "{}", declined.text);
    assert!(
        declined.text.contains(">Declined</span>") && !declined.text.contains("<td>sandbox</td>"),
        "nobody took its money: {}",
        declined.text
    );
    let all = browser.get("/admin/payments?show=all").await;
    let paid: Vec<String> = orders(&all).split_off(1);
    assert_eq!(Some(paid.as_slice()), first.get(..ROWS - 1));
    let unreconciled = browser.get("/admin/payments").await;
    assert!(
        unreconciled.text.contains("All is well")
            && unreconciled
                .text
                .contains("Unreconciled <span class=\"count\">0</span>"),
        "{}",
        unreconciled.text
    );
}

async fn a_list_of_no_payments_says_so_and_a_page_that_there_is_not_is_refused(open: Open) {
    let Open { mut browser, .. } = open;
    let open = browser.get("/admin/payments?show=open").await;
    let none = "Under way <span class=\"count\">0</span>";
    assert!(open.text.contains(none), "{}", open.text);
    for (show, said) in [
        ("all", "There are no payments yet."),
        ("voided", "No payment stands so."),
    ] {
        let page = browser.get(&format!("/admin/payments?show={show}")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        assert!(page.text.contains(said), "{}", page.text);
        assert_eq!(orders(&page), Vec::<String>::new());
    }
    for cursor in ["o", "7", "x7", "a%20b"] {
        let path = format!("/admin/payments?show=all&cursor={cursor}");
        let page = browser.get(&path).await;
        assert_eq!(page.status, 400, "{cursor}: {}", page.text);
    }
}

async fn a_list_leads_back_by_the_pages_that_led_there(open: Open) {
    let Open {
        admin, mut browser, ..
    } = open;
    for number in 0..ROWS * 2 + 1 {
        admin.sell(&format!("Tea {number:02}"), 250, 9).await;
    }
    let names = |page: &Answer| -> Vec<String> {
        let texts = page.text.split(">Tea ").skip(1);
        let texts = texts.filter_map(|rest| rest.split_once('<'));
        let links = texts.filter(|(_, end)| end.starts_with("/a>"));
        let mut names: Vec<String> = links.map(|(name, _)| name.to_owned()).collect();
        // Where an SKU stands beside the name it is the same.
        names.dedup();
        names
    };
    for list in ["/admin/products", "/admin/inventory?low="] {
        let first = browser.get(list).await;
        assert_eq!(link(&first, "prev"), None, "it is the first");
        let counted = first.text.contains("On sale <span class=\"count\">51<");
        assert_eq!(counted, list.ends_with("products"), "{}", first.text);
        let second = browser
            .get(&link(&first, "next").expect("a second page"))
            .await;
        let third = browser
            .get(&link(&second, "next").expect("a third page"))
            .await;
        assert_eq!(names(&third).len(), 1, "{list}: {}", third.text);
        assert_eq!(link(&third, "next"), None, "it is the last");
        let back = browser
            .get(&link(&third, "prev").expect("a way back"))
            .await;
        assert_eq!(names(&back), names(&second), "{list}");
        let back = browser.get(&link(&back, "prev").expect("a way back")).await;
        assert_eq!(names(&back), names(&first), "{list}");
        assert_eq!(link(&back, "prev"), None);
        // Who made up the way there is not led astray.
        let next = link(&first, "next").expect("a second page");
        let (bare, _) = next.split_once("&trail=").expect("the way");
        let page = browser.get(bare).await;
        assert_eq!(names(&page), names(&second));
        assert_eq!(link(&page, "prev"), None);
        let odd = browser
            .get(&format!("{bare}&trail=%22%3E%3Cscript%3E"))
            .await;
        assert_eq!(odd.status, 200, "{}", odd.text);
        assert!(!odd.text.contains("<script>"), "{}", odd.text);
    }
}
