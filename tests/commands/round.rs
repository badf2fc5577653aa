//! What `souk export stock`, `customers` and `orders` write of one shop, read back by `souk import` in empty ones, and
//! written again: the same figures. From the folder or the database, and by the public API, the same bytes.

use crate::daily::{Desk, open};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use testkit::{Folder, Said, on_both_stores, postgres::Postgres, run_with};

/// A shop, and where its data are.
struct Place {
    desk: Desk,
    database: String,
    files: Folder,
}

impl Place {
    async fn open(settings: &[(&str, &str)]) -> Self {
        let taxed = [("SOUK_ORDERS__TAX", "added")];
        let desk = open(&[&taxed, settings].concat()).await;
        let files = format!("sqlite:{}", desk.shop.folder().display());
        let named = settings.iter().rfind(|(name, _)| *name == "SOUK_DB");
        Self {
            database: named.map_or(files, |(_, url)| (*url).to_owned()),
            desk,
            files: Folder::default(),
        }
    }

    /// What is exported under this name, whichever way; the file's name says which kind it is.
    async fn exported(&self, what: &str, name: &str) -> String {
        let (near, far) = (
            self.files.at(&format!("near-{name}")),
            self.files.at(&format!("far-{name}")),
        );
        let settings = [("SOUK_DB", self.database.as_str())];
        let said = run_with(&["export", what, &near], &settings, "").await;
        assert_eq!(said.code, 0, "{said:?}");
        let url = ["--url", self.desk.shop.url()];
        self.desk
            .does(&[&["export", what, &far], &url[..]].concat())
            .await;
        let read = |file: &str| std::fs::read_to_string(file).expect("a file");
        let (near, far) = (read(&near), read(&far));
        assert_eq!(near, far, "the API tells the same");
        far
    }

    async fn takes(&self, what: &str, name: &str, content: &str) -> Said {
        let file = self.files.write(name, content);
        let words = ["import", what, &file, "--commit"];
        self.desk.try_to(&words).await
    }

    /// The same, of which nothing may be refused.
    async fn takes_all(&self, what: &str, name: &str, content: &str) -> String {
        let said = self.takes(what, name, content).await;
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    }
}

/// A shop that has something, and empty ones of the same kind, one for each kind of file.
type Places = [Place; 3];

async fn places(settings: &[(&str, &str)]) -> Places {
    let other = async || {
        let server = Postgres::shared().filter(|_| !settings.is_empty());
        let database = server.map(Postgres::database);
        let own = database.iter().map(|url| ("SOUK_DB", url.as_str()));
        let own: Vec<_> = settings.iter().copied().chain(own).collect();
        Place::open(&own).await
    };
    [Place::open(settings).await, other().await, other().await]
}

on_both_stores! {
    places:
    stock_goes_out_and_in_again_to_the_unit,
    customers_go_out_and_in_again_without_a_right_of_anybody_s,
    orders_go_out_and_in_again_to_the_last_penny,
}

type Row = BTreeMap<String, String>;

/// The rows of a table, by the names of their columns.
fn rows(table: &str) -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let names: Vec<String> = reader
        .headers()
        .expect("names")
        .iter()
        .map(str::to_owned)
        .collect();
    let rows = reader.records().map(|row| row.expect("a row"));
    rows.map(|row| {
        let cells = row.iter().map(str::to_owned);
        names.iter().cloned().zip(cells).collect()
    })
    .collect()
}

/// These columns of each row, in no order: rows of one moment have none.
fn columns(rows: &[Row], names: &[&str]) -> Vec<Vec<String>> {
    let row = |row: &Row| {
        let cells = names
            .iter()
            .map(|name| row.get(*name).expect("a column").clone());
        cells.collect::<Vec<_>>()
    };
    let mut all: Vec<_> = rows.iter().map(row).collect();
    all.sort();
    all
}

fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

async fn stock_goes_out_and_in_again_to_the_unit([from, first, second]: Places) {
    let teas = from.desk.admin.sell("=Tea, \"green\"", 399, 0).await;
    from.desk.admin.sell("Cup", 900, 3).await;
    // Files of products were made before it was counted, so that they are not what brings it.
    let products = from.exported("products", "products.jsonl").await;
    let counted = [
        "stock",
        "set",
        "=Tea, \"green\"",
        "70",
        "--reason",
        "counted",
    ];
    from.desk.does(&counted).await;
    let (table, lines) = (
        from.exported("stock", "stock.csv").await,
        from.exported("stock", "stock.jsonl").await,
    );
    assert_eq!(
        table,
        "sku,on_hand,reserved,available\n\"'=Tea, \"\"green\"\"\",70,0,70\nCup,3,0,3\n"
    );
    for (shop, name, content) in [
        (&first, "stock.csv", &table),
        (&second, "stock.jsonl", &lines),
    ] {
        let file = shop.files.write("products.jsonl", &products);
        let settings = [("SOUK_DB", shop.database.as_str())];
        let said = run_with(&["import", "products", &file, "--commit"], &settings, "").await;
        assert_eq!(said.code, 0, "{said:?}");
        let said = shop.takes_all("stock", name, content).await;
        assert!(said.starts_with("set or adjusted 2,"), "{said}");
        assert_eq!(shop.exported("stock", "again.csv").await, table);
        shop.desk.shop.verify().await;
    }
    // What is promised to an order stays behind with it: the copy has all units to sell.
    let ann = from.desk.shop.customer("ann").await;
    assert_eq!(ann.order("k1", &teas, 2).await.status, 201);
    let promised = from.exported("stock", "promised.csv").await;
    assert!(promised.contains(",70,2,68\n"), "{promised}");
    let said = first.takes_all("stock", "promised.csv", &promised).await;
    assert!(said.starts_with("set or adjusted 2,"), "{said}");
    assert_eq!(first.exported("stock", "again.csv").await, table);
}

async fn customers_go_out_and_in_again_without_a_right_of_anybody_s([from, first, second]: Places) {
    let people = "email,name,verified\n\
        ann@brought.example,\"=Ann, \"\"A\"\"\",yes\n\
        bob@brought.example,Bob,no\n\
        cat@brought.example,,yes\n\
        dan@brought.example,Dan,yes\n";
    from.takes_all("customers", "people.csv", people).await;
    let dan = &from.desk.json(&["customers", "list", "--q", "dan@"]).await[0];
    let disabled = json!({"status": "disabled", "version": dan["version"]});
    let path = format!(
        "/api/v1/users/{}/status",
        dan["id"].as_str().expect("an id")
    );
    let disabled = from.desk.admin.put(&path, &disabled).await;
    assert_eq!(disabled.status, 200, "{}", disabled.text);
    let eve =
        json!({"email": "eve@brought.example", "username": "eve", "password": testkit::PASSWORD});
    let registered = from.desk.shop.visitor();
    let registered = registered.post("/api/v1/auth/register", &eve).await;
    assert_eq!(registered.status, 201, "{}", registered.text);
    let (table, lines) = (
        from.exported("customers", "people.csv").await,
        from.exported("customers", "people.jsonl").await,
    );
    let told = |table: &str| {
        let rows = rows(table)
            .into_iter()
            .filter(|row| row["disabled_at"].is_empty());
        let mut rows: Vec<Row> = rows.collect();
        for row in &mut rows {
            let is_verified = !row["verified_at"].is_empty();
            row.insert("verified".to_owned(), is_verified.to_string());
        }
        columns(&rows, &["email", "name", "roles", "verified"])
    };
    assert_eq!(told(&table).len(), 5, "{table}");
    for (shop, name, content) in [
        (&first, "people.csv", &table),
        (&second, "people.jsonl", &lines),
    ] {
        let said = shop.takes("customers", name, content).await;
        // The admin is there before, and stays who they are; whoever was kept out there is not let in here.
        assert!(
            said.out.starts_with("created 4, known before 1, refused 1"),
            "{said:?}"
        );
        assert!(said.err.contains("is disabled there"), "{said:?}");
        let again = shop.exported("customers", "again.csv").await;
        assert_eq!(told(&again), told(&table));
    }
}

/// Somebody who is sent things, and what they cost beside themselves.
async fn sells_with_everything(from: &Place) -> Value {
    let admin = &from.desk.admin;
    let vat = json!({"name": "VAT", "country": "DE", "millionths": 190_000});
    let made = admin.post("/api/v1/tax-rates", &vat).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let half = json!({"code": "half", "basis_points": 5_000});
    assert_eq!(admin.post("/api/v1/discounts", &half).await.status, 201);
    let post = json!({"name": "By post", "price": {"amount": 500, "currency": "USD"}});
    let post = admin.post("/api/v1/shipping-methods", &post).await;
    json!({"discount_code": "half", "shipping_method": post.str("/id"),
        "shipping_address": {"name": "Ann", "line1": "Weg 1", "city": "Berlin", "country": "DE"},
        "payment": {"method": "tok_ok"}})
}

/// Orders that ended in every way, of an account and of a guest; how many of them are records elsewhere.
async fn orders_of_every_kind(from: &Place) -> usize {
    let admin = &from.desk.admin;
    let (tea, cup) = (
        admin.sell("=Tea, \"green\"", 333, 99).await,
        admin.sell("Cup", 900, 99).await,
    );
    let ann = from.desk.shop.customer("ann").await;
    let mut whole = sells_with_everything(from).await;
    whole["items"] =
        json!([{"product_id": tea, "quantity": 3}, {"product_id": cup, "quantity": 1}]);
    let whole = ann.post_with_key("/api/v1/orders", "whole", &whole).await;
    assert_eq!(whole.status, 201, "{}", whole.text);
    assert!(
        ["shipping", "tax", "discount"]
            .iter()
            .all(|kind| whole.text.contains(&format!("\"kind\":\"{kind}\""))),
        "{}",
        whole.text
    );
    let gus = json!({"items": [{"product_id": cup, "quantity": 2}], "email": "gus@souk.example",
        "payment": {"method": "tok_ok"}});
    let visitor = from.desk.shop.visitor();
    let guests = visitor.post_with_key("/api/v1/orders", "guest", &gus).await;
    assert_eq!(guests.status, 201, "{}", guests.text);
    let part = [
        "orders",
        "refund",
        guests.str("/id"),
        "--amount",
        "5.00",
        "--key",
        "r1",
    ];
    from.desk.does(&part).await;
    let all = ann.buy("all", &cup, 1, "tok_ok").await;
    from.desk
        .does(&["orders", "refund", all.str("/id"), "--key", "r2"])
        .await;
    let cancelled = ann.buy("cancelled", &tea, 2, "tok_ok").await;
    from.desk
        .does(&["orders", "cancel", cancelled.str("/id")])
        .await;
    for (order, told) in [
        (&guests, "refunded_in_part"),
        (&all, "refunded"),
        (&cancelled, "refunded"),
    ] {
        let path = format!("/api/v1/orders/{}/timeline", order.str("/id"));
        let kind = format!("\"kind\":\"{told}\"");
        admin
            .get_until(&path, |answer| answer.text.contains(&kind))
            .await;
    }
    let unpaid = ann.order("unpaid", &tea, 1).await;
    from.desk
        .does(&["orders", "cancel", unpaid.str("/id")])
        .await;
    assert_eq!(ann.order("pending", &tea, 1).await.status, 201);
    5
}

const FIGURES: &[&str] = &[
    "number",
    "sku",
    "name",
    "quantity",
    "unit_price",
    "line_total",
    "total",
    "currency",
    "shipping",
    "tax",
    "discount",
    "refunded",
];

/// What all records of a shop add up to: orders, units, money, and what of it went back.
async fn totals(shop: &Place) -> (i64, i64, i64, i64) {
    let totals = shop.desk.admin.get("/api/v1/earlier-orders/totals").await;
    let figure = |name: &str| totals.int(&format!("/data/0/{name}"));
    (
        figure("orders"),
        figure("units"),
        figure("total/amount"),
        figure("refunded/amount"),
    )
}

/// The same of orders as the shop that had them tells of them.
async fn told_of(from: &Place, table: &[Row]) -> (i64, i64, i64, i64) {
    let listed = from.desk.admin.get("/api/v1/orders?limit=100").await;
    let orders = listed.json["data"].as_array().expect("orders").iter();
    let ended: Vec<&Value> = orders
        .filter(|order| order["status"] != "pending")
        .collect();
    let units = ended
        .iter()
        .flat_map(|order| order["items"].as_array().expect("lines"));
    let units = units.filter_map(|line| line["quantity"].as_i64()).sum();
    let money = ended
        .iter()
        .filter_map(|order| order["total"]["amount"].as_i64());
    let back: BTreeMap<&str, i64> = table
        .iter()
        .map(|row| {
            let minor = row["refunded"].replace('.', "").parse();
            (row["number"].as_str(), minor.expect("cents"))
        })
        .collect();
    let count = i64::try_from(ended.len()).expect("few");
    (count, units, money.sum(), back.values().sum())
}

/// What went back in part, in whole, and because it was called off.
fn each_way_back_is_told(ended: &[Row]) {
    let refunded = columns(ended, &["status", "total", "refunded"]);
    for (status, back) in [
        ("paid", "5.00"),
        ("refunded", "9.00"),
        ("cancelled", "6.66"),
    ] {
        let told = refunded
            .iter()
            .any(|row| row[0] == status && row[2] == back);
        assert!(told, "{status} {back}: {refunded:?}");
    }
}

async fn orders_go_out_and_in_again_to_the_last_penny([from, first, second]: Places) {
    let count = orders_of_every_kind(&from).await;
    let (table, lines) = (
        from.exported("orders", "orders.csv").await,
        from.exported("orders", "orders.jsonl").await,
    );
    let ended: Vec<Row> = rows(&table)
        .into_iter()
        .filter(|row| row["status"] != "pending")
        .collect();
    each_way_back_is_told(&ended);
    let verified = r#"{"email":"ann@souk.example","verified":true}"#;
    let mut again = Vec::new();
    for (shop, name, content) in [
        (&first, "orders.csv", &table),
        (&second, "orders.jsonl", &lines),
    ] {
        shop.takes_all("customers", "ann.jsonl", verified).await;
        let nameless = shop.takes("orders", name, content).await;
        assert!(nameless.err.contains("source is missing"), "{nameless:?}");
        let file = shop.files.write(name, content);
        let words = [
            "import",
            "orders",
            &file,
            "--source",
            "the old shop",
            "--commit",
        ];
        for made in [count, 0] {
            let said = shop.desk.try_to(&words).await;
            let known = count - made;
            let report = format!("created {made}, known before {known}, refused 1");
            assert!(said.out.starts_with(&report), "{said:?}");
            assert!(said.err.contains(": it is pending"), "{said:?}");
        }
        let records = shop.exported("earlier-orders", "earlier.csv").await;
        let kept = rows(&records);
        assert_eq!(columns(&kept, FIGURES), columns(&ended, FIGURES));
        assert_eq!(
            columns(&kept, &["number", "placed_at", "customer_ref", "email"]),
            columns(&ended, &["number", "created_at", "customer_id", "email"])
        );
        assert_eq!(totals(shop).await, told_of(&from, &ended).await);
        again.push(records);
        shop.desk.shop.verify().await;
    }
    assert_eq!(
        sorted(&again[0]),
        sorted(&again[1]),
        "whichever file it was"
    );
    // Records go on as they came, under the name of the shop that had them first.
    let lines = second.exported("earlier-orders", "earlier.jsonl").await;
    from.takes_all("orders", "earlier.csv", &again[0]).await;
    let said = from.takes_all("orders", "earlier.jsonl", &lines).await;
    assert!(
        said.starts_with(&format!("created 0, known before {count},")),
        "{said}"
    );
    let third = rows(&from.exported("earlier-orders", "third.csv").await);
    // Whose address is not proven is not told.
    let same = [&["source", "status", "placed_at", "customer_ref"], FIGURES].concat();
    assert_eq!(columns(&third, &same), columns(&rows(&again[0]), &same));
}
