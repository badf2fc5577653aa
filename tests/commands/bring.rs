//! `souk import stock`, `customers` and `orders`: files into a shop by its public door, each row judged by itself,
//! twice as well as once.

use crate::{
    daily::{Desk, open},
    note, refusal,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::Path};
use testkit::{Client, Folder, Said, on_both_stores};

/// Lines 4, 6 and 7 are refused.
const STOCK: &str = "sku,on_hand,delta,reason\n\
    tea,7,,counted\n\
    cup,,-2,broken\n\
    nothing,1,,\n\
    tea,,3,\n\
    cup,,-99,lost\n\
    cup,many,,\n";

on_both_stores! {
    open:
    stock_of_a_file_is_set_and_adjusted_once_with_a_movement_that_says_why,
    customers_of_a_file_get_accounts_without_a_password_and_nobody_is_changed,
    earlier_orders_of_a_file_are_records_that_their_buyer_sees_and_nothing_else,
}

async fn on_hand(admin: &Client) -> BTreeMap<String, i64> {
    let listed = admin.get("/api/v1/inventory").await;
    let rows = listed.json["data"].as_array().expect("rows").iter();
    let units = |row: &Value| {
        let sku = row["sku"].as_str().unwrap_or_default().to_owned();
        (sku, row["on_hand"].as_i64().unwrap_or(-1))
    };
    rows.map(units).collect()
}

fn shelf(tea: i64, cup: i64) -> BTreeMap<String, i64> {
    BTreeMap::from([("tea".to_owned(), tea), ("cup".to_owned(), cup)])
}

/// What was said in the end, and that some rows were refused.
fn ends(said: &Said, line: &str, refused: usize) {
    assert!(said.out.starts_with(line), "{line}: {said:?}");
    let lines = said.err.lines().filter(|line| line.starts_with("line "));
    assert_eq!(lines.count(), refused, "{said:?}");
    if refused == 0 {
        assert_eq!(said.code, 0, "{said:?}");
    } else {
        assert_eq!(refusal(said), format!("souk: {refused} rows were refused"));
    }
}

async fn stock_of_a_file_is_set_and_adjusted_once_with_a_movement_that_says_why(desk: Desk) {
    let admin = desk.admin.clone();
    admin.sell("tea", 500, 1).await;
    admin.sell("cup", 900, 5).await;
    let files = Folder::default();
    let file = files.write("count.csv", STOCK);
    let dry = desk.try_to(&["import", "stock", &file, "--dry-run"]).await;
    ends(
        &dry,
        "dry run, nothing written: would have set or adjusted 3, known before 0, refused 3",
        3,
    );
    assert_eq!(on_hand(&admin).await, shelf(1, 5));
    for known in [0, 1] {
        let said = desk.try_to(&["import", "stock", &file, "--commit"]).await;
        let done = 3 - known;
        ends(
            &said,
            &format!("set or adjusted {done}, known before {known}, refused 3"),
            3,
        );
        assert!(said.err.contains("line 4: there is no nothing"), "{said:?}");
        assert_eq!(on_hand(&admin).await, shelf(10, 3), "twice as once");
    }
    let moved = desk.does(&["stock", "movements", "tea"]).await;
    assert!(
        moved.contains("counted") && moved.contains("import of count.csv"),
        "{moved}"
    );
    let again = ["import", "stock", &file, "--commit", "--again", "tuesday"];
    desk.try_to(&again).await;
    assert_eq!(on_hand(&admin).await, shelf(10, 1), "meant once more");
    desk.shop.verify().await;
}

async fn customers_of_a_file_get_accounts_without_a_password_and_nobody_is_changed(desk: Desk) {
    let admin = desk.admin.clone();
    let ann = desk.shop.customer("ann").await;
    let files = Folder::default();
    let file = files.write(
        "customers.csv",
        "Email,First Name,Last Name,verified\n\
         ann@souk.example,Eve,Else,yes\n\
         bob@brought.example,Bob,Builder,yes\n\
         BOB@brought.example,Robert,,no\n\
         nobody,No,Body,\n\
         cat@brought.example,,,perhaps\n",
    );
    let dry = desk.try_to(&["import", "customers", &file]).await;
    ends(
        &dry,
        "dry run, nothing written: would have created 1, known before 2, refused 2",
        2,
    );
    for made in [1, 0] {
        let said = desk
            .try_to(&["import", "customers", &file, "--commit"])
            .await;
        let known = 3 - made;
        ends(
            &said,
            &format!("created {made}, known before {known}, refused 2"),
            2,
        );
    }
    let me = ann.get("/api/v1/me").await;
    assert_eq!(
        (me.str("/name"), &me.json["verified_at"]),
        ("ann", &Value::Null),
        "{}",
        me.text
    );
    let found = desk.json(&["customers", "list", "--q", "bob@"]).await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["name"], &found[0]["roles"]),
        (&json!("Bob Builder"), &json!(["customer"]))
    );
    assert!(!found[0]["verified_at"].is_null(), "{found:?}");
    let guess = json!({"email": "bob@brought.example", "password": ""});
    let refused = admin.post("/api/v1/auth/login", &guess).await;
    assert!([401, 422].contains(&refused.status), "{}", refused.text);
    desk.shop.verify().await;
}

/// Three records; the last does not add up.
fn records() -> String {
    let tea = json!({"sku": "A", "name": "Tea", "quantity": 2, "unit_price": "2.50"});
    let cup = json!({"sku": "B", "quantity": 1, "unit_price_minor": 600});
    let one = json!({"sku": "A", "quantity": 1, "unit_price_minor": 250});
    let rows = [
        json!({"number": "7", "placed_at": "2020-05-01T10:00:00Z", "email": "ann@brought.example", "currency": "USD",
            "lines": [tea, cup], "shipping": "1.00", "discount": "1.00", "total": "11.00"}),
        json!({"number": "8", "placed_at": "2020-06-01T10:00:00Z", "currency": "USD", "status": "refunded",
            "lines": [one]}),
        json!({"number": "9", "placed_at": "2020-07-01T10:00:00Z", "currency": "USD", "lines": [one],
            "total_minor": 251}),
    ];
    rows.map(|row| row.to_string()).join("\n")
}

async fn earlier_orders_of_a_file_are_records_that_their_buyer_sees_and_nothing_else(desk: Desk) {
    let admin = desk.admin.clone();
    let files = Folder::default();
    let people = r#"{"email":"ann@brought.example","verified":true}"#;
    desk.does(&[
        "import",
        "customers",
        &files.write("people.jsonl", people),
        "--commit",
    ])
    .await;
    let file = files.write("orders.jsonl", records());
    let words = ["import", "orders", &file, "--source", "old shop"];
    let dry = desk.try_to(&words).await;
    ends(
        &dry,
        "dry run, nothing written: would have created 2, known before 0, refused 1",
        1,
    );
    for made in [2, 0] {
        let said = desk.try_to(&[&words[..], &["--commit"]].concat()).await;
        let known = 2 - made;
        ends(
            &said,
            &format!("created {made}, known before {known}, refused 1"),
            1,
        );
        assert!(
            said.err.contains("line 3: ") && said.err.contains("are 250"),
            "{said:?}"
        );
    }
    let ann = &desk.json(&["customers", "list", "--q", "ann@"]).await[0];
    let path = format!(
        "/api/v1/earlier-orders?customer_id={}",
        ann["id"].as_str().expect("an id")
    );
    let listed = admin.get(&path).await;
    assert_eq!(
        listed.json["data"].as_array().map(Vec::len),
        Some(1),
        "{}",
        listed.text
    );
    let usd = |amount: i64| json!({"amount": amount, "currency": "USD"});
    let record = &listed.json["data"][0];
    assert_eq!(
        (&record["number"], &record["total"]),
        (&json!("7"), &usd(1_100))
    );
    assert_eq!(record["lines"][0]["unit_price"], usd(250));
    let own = format!(
        "/api/v1/earlier-orders/{}",
        record["id"].as_str().expect("an id")
    );
    assert_eq!(admin.get(&own).await.status, 200);
    assert_eq!(desk.shop.customer("eve").await.get(&own).await.status, 404);
    let totals = admin.get("/api/v1/earlier-orders/totals").await;
    let (orders, total, back) = (2, usd(1_350), usd(250));
    let sums = &totals.json["data"][0];
    assert_eq!(sums["orders"], orders, "{}", totals.text);
    assert_eq!((&sums["total"], &sums["refunded"]), (&total, &back));
    let none = admin.get("/api/v1/orders").await;
    assert_eq!(none.json["data"], json!([]), "they are no orders");
    desk.shop.verify().await;
}

/// How many rows were looked at, each time that was said, of a file that is so long.
fn told(said: &Said, bytes: usize) -> Vec<usize> {
    let rows = |line: &str| {
        let rest = line.strip_suffix(" rows")?;
        let (read, rows) = rest.split_once(" bytes read, ")?;
        let is_of_it = read.ends_with(&format!(" of {bytes}"));
        is_of_it.then(|| rows.parse().expect("a number"))
    };
    said.err.lines().filter_map(rows).collect()
}

/// The shop lets so little through that it takes some seconds, whatever the machine.
#[tokio::test]
async fn where_only_a_log_watches_an_import_says_how_far_it_is() {
    let desk = open(&[
        ("SOUK_LIMITS__ENABLED", "true"),
        ("SOUK_LIMITS__DEFAULT__UNITS", "6"),
        ("SOUK_LIMITS__DEFAULT__WINDOW_SECONDS", "3"),
    ])
    .await;
    let people: String = (0..500)
        .map(|number| format!("{{\"email\":\"p{number}@brought.example\"}}\n"))
        .collect();
    let files = Folder::default();
    let file = files.write("people.jsonl", &people);
    let words = ["import", "customers", &file, "--commit"];
    let said = desk.try_to(&words).await;
    ends(&said, "created 500, known before 0, refused 0", 0);
    let told = told(&said, people.len());
    let midway = told.iter().filter(|rows| **rows < 500).count();
    assert!(midway > 1, "{said:?}");
    assert!(told.is_sorted_by(|one, other| one < other), "{said:?}");
}

/// With `SOUK_TRACE_DIR` naming a folder with `orders.jsonl.gz` and `totals.json`.
#[tokio::test]
async fn two_years_of_a_real_shop_are_brought_along_to_the_last_penny() {
    let folder = std::env::var("SOUK_TRACE_DIR").unwrap_or_default();
    let orders = Path::new(&folder).join("orders.jsonl.gz");
    if !orders.is_file() {
        note("SKIPPED: SOUK_TRACE_DIR names no folder with orders.jsonl.gz");
        return;
    }
    let said = std::fs::read_to_string(Path::new(&folder).join("totals.json")).expect("totals");
    let expected: Value = serde_json::from_str(&said).expect("JSON");
    let desk = open(&[]).await;
    let admin = desk.admin.clone();
    let file = orders.display().to_string();
    let words = [
        "import",
        "orders",
        &file,
        "--source",
        "online retail",
        "--commit",
    ];
    let first = desk.try_to(&words).await;
    note(&format!("two years: {}", first.out.trim()));
    let totals = admin.get("/api/v1/earlier-orders/totals").await;
    let sums = &totals.json["data"][0];
    for (name, of) in [
        ("orders", "/orders"),
        ("lines", "/order_lines"),
        ("units", "/units"),
    ] {
        assert_eq!(
            &sums[name],
            expected.pointer(of).expect("a total"),
            "{name}: {}",
            totals.text
        );
    }
    assert_eq!(
        &sums["total"]["amount"],
        expected.pointer("/gross_minor").expect("a total")
    );
    desk.shop.verify().await;
}
