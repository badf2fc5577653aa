//! Staff's lists as files, with a shop on its own files and with one on PostgreSQL: all rows of a list, whatever its
//! pages are, for whom the list is for.

use crate::{
    browser::Browser,
    buying::first,
    opened::{Open, shop},
};
use serde_json::json;
use testkit::{Client, on_both_stores};

/// More than a page of any list.
const MANY: usize = 27;

on_both_stores! {
    shop:
    a_list_is_one_file_with_all_of_its_rows,
    a_list_s_file_is_for_whom_the_list_is_for,
}

/// The rows of a list's file, to which its page leads.
async fn file(browser: &mut Browser, list: &str) -> Vec<String> {
    let page = browser.get(list).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let path = list.split('?').next().expect("a path");
    let start = format!("<p><a href=\"{path}.csv");
    let rest = first(&page, &start).replace("&#38;", "&");
    let file = browser.get(&format!("{path}.csv{rest}")).await;
    assert_eq!(file.status, 200, "{}", file.text);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(file.header("cache-control"), "no-store");
    let name = path.rsplit('/').next().expect("a name");
    let disposition = format!("attachment; filename=\"{name}.csv\"");
    assert_eq!(file.header("content-disposition"), disposition);
    file.text.lines().map(str::to_owned).collect()
}

fn row(rows: &[String], number: usize) -> &str {
    rows.get(number).expect("such a row")
}

async fn a_list_is_one_file_with_all_of_its_rows(open: Open) {
    let Open {
        shop,
        admin,
        mut browser,
    } = open;
    let ann = shop.customer("ann").await;
    let tea = admin.sell("=Tea, black", 250, 99).await;
    let mut numbers = Vec::new();
    for number in 0..MANY {
        let bought = ann.buy(&format!("k{number}"), &tea, 1, "tok_ok").await;
        assert_eq!(bought.status, 201, "{}", bought.text);
        let path = format!("/api/v1/orders/{}", bought.str("/id"));
        numbers.push(admin.get(&path).await.int("/number").to_string());
    }
    let unpaid = ann.order("unpaid", &tea, 2).await;
    assert_eq!(unpaid.status, 201, "{}", unpaid.text);
    numbers.reverse();
    let orders = file(&mut browser, "/admin/orders?status=paid").await;
    assert_eq!(
        row(&orders, 0),
        "Order,Placed,Buyer,Payment,Fulfilment,Units,Total"
    );
    let found: Vec<&str> = orders
        .iter()
        .skip(1)
        .filter_map(|row| row.split(',').next())
        .collect();
    assert_eq!(found, numbers, "each once, newest first");
    assert!(
        row(&orders, 1).ends_with(",Paid,To ship,1,$2.50"),
        "{}",
        row(&orders, 1)
    );
    let all_orders = file(&mut browser, "/admin/orders").await;
    assert_eq!(all_orders.len(), MANY + 2);
    let payments = file(&mut browser, "/admin/payments?show=captured").await;
    assert_eq!(payments.len(), MANY + 1);
    assert!(
        row(&payments, 1).contains(",Captured,"),
        "{}",
        row(&payments, 1)
    );
    let products = file(&mut browser, "/admin/products").await;
    assert_eq!(
        row(&products, 0),
        "Product,SKU,Category,Status,Variants,Available,Price"
    );
    assert!(
        row(&products, 1).starts_with("\"'=Tea, black\","),
        "{}",
        row(&products, 1)
    );
    let inventory = file(&mut browser, "/admin/inventory").await;
    assert!(
        row(&inventory, 1).ends_with(",72,2,70"),
        "{}",
        row(&inventory, 1)
    );
    what_is_given_and_said_is_a_file_too(&mut browser, &admin, (&ann, &tea)).await;
    let customers = file(&mut browser, "/admin/customers").await;
    assert!(customers.iter().any(|row| row.contains("ann@souk.example")));
    let audit = file(&mut browser, "/admin/audit").await;
    assert!(
        audit.len() > 2 && row(&audit, 0).starts_with("When,What,"),
        "{audit:?}"
    );
}

async fn what_is_given_and_said_is_a_file_too(
    browser: &mut Browser,
    admin: &Client,
    (ann, tea): (&Client, &str),
) {
    for number in 0..MANY {
        let code = json!({"code": format!("CODE{number:02}"), "basis_points": 100});
        let made = admin.post("/api/v1/discounts", &code).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    let discounts = file(browser, "/admin/discounts?show=given").await;
    assert_eq!(discounts.len(), MANY + 1);
    assert!(
        row(&discounts, 1).starts_with("CODE00,1 %,"),
        "{}",
        row(&discounts, 1)
    );
    let said = json!({"rating": 4, "title": "Good, \"black\" tea", "author": "Ann"});
    let path = format!("/api/v1/products/{tea}/reviews");
    let said = ann.post(&path, &said).await;
    assert_eq!(said.status, 201, "{}", said.text);
    let reviews = file(browser, "/admin/reviews").await;
    assert_eq!(
        row(&reviews, 0),
        "When,Product,Status,Stars,What is said,Name"
    );
    assert!(
        row(&reviews, 1).contains(",Shown,4,\"Good, \"\"black\"\" tea\","),
        "{}",
        row(&reviews, 1)
    );
}

async fn a_list_s_file_is_for_whom_the_list_is_for(open: Open) {
    let Open { shop, .. } = open;
    shop.customer("ann").await;
    let mut ann = Browser::signed_in(&shop, "ann@souk.example").await;
    let mut nobody = Browser::new(&shop);
    for list in [
        "orders",
        "returns",
        "payments",
        "products",
        "inventory",
        "customers",
        "discounts",
        "reviews",
        "audit",
    ] {
        let path = format!("/admin/{list}.csv");
        assert_eq!(ann.get(&path).await.status, 403, "{path}");
        let away = nobody.get(&path).await;
        assert_eq!(away.status, 303, "{path}");
        assert!(away.header("location").starts_with("/sign-in"), "{path}");
    }
}
