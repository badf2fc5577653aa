//! `kill -9` of imports by the public API, and of the shop that takes them, in the middle: the same command again ends
//! with each thing once.

use crate::import::number_after;
use serde_json::json;
use std::{fmt::Write, os::unix::fs::PermissionsExt};
use testkit::{Client, Folder, PASSWORD, Running, Said, Shop, on_both_stores, run};

const PEOPLE: usize = 3_000;
const ORDERS: i64 = 4_000;
const PRODUCTS: usize = 4_000;

async fn open(settings: &[(&str, &str)]) -> Shop {
    let quiet = [("SOUK_LOG_LEVEL", "error")];
    Shop::start_with(&[&quiet, settings].concat()).await
}

on_both_stores! {
    open:
    customers_whose_import_and_shop_were_killed_have_one_account_each_by_the_same_command,
    orders_whose_import_and_shop_were_killed_are_one_record_each_by_the_same_command,
    products_whose_import_and_shop_were_killed_are_there_once_by_the_same_command,
}

/// An import of a file, by a program with a key of the admin's.
struct Import {
    words: Vec<String>,
    _files: Folder,
}

impl Import {
    async fn of(admin: &Client, scope: &str, words: &[&str], name: &str, content: &str) -> Self {
        let files = Folder::default();
        let scopes = ["read", "write"].map(|right| format!("{scope}:{right}"));
        let body = json!({"name": "import", "scopes": scopes, "password": PASSWORD});
        let key = admin.post("/api/v1/api-keys", &body).await;
        let key = files.write("key", key.str("/secret"));
        let owner_only = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&key, owner_only).expect("it is set");
        let file = files.write(name, content);
        let rest = [file.as_str(), "--commit", "--key-file", key.as_str()];
        let words = words.iter().chain(&rest).map(|word| (*word).to_owned());
        Self {
            words: words.collect(),
            _files: files,
        }
    }

    fn at<'w>(&'w self, url: &'w str) -> Vec<&'w str> {
        let words = self.words.iter().map(String::as_str);
        words.chain(["--url", url]).collect()
    }

    /// Begins, and is killed with the shop once some of it is there; the admin of the shop that is open again.
    async fn killed(&self, shop: &mut Shop, admin: &Client, path: &str, some: &str) -> Client {
        let mut import = Running::start(&self.at(shop.url()), &[]);
        let begun = |answer: &testkit::Answer| answer.text.contains(some);
        admin.get_until(path, begun).await;
        import.kill().await;
        shop.kill().await;
        shop.restart().await;
        admin.at(shop.url())
    }

    /// The same command again, which refuses nothing.
    async fn again(&self, shop: &Shop) -> Said {
        let said = run(&self.at(shop.url()), "").await;
        assert_eq!(said.code, 0, "{said:?}");
        said
    }
}

/// All addresses of people who were brought along, in order.
async fn brought(admin: &Client) -> Vec<String> {
    let mut emails = Vec::new();
    let mut path = "/api/v1/users?limit=100".to_owned();
    loop {
        let page = admin.get(&path).await;
        let rows = page.json["data"].as_array().expect("rows").iter();
        let found = rows.filter_map(|row| row["email"].as_str());
        let theirs = found.filter(|email| email.ends_with("@brought.example"));
        emails.extend(theirs.map(str::to_owned));
        let Some(cursor) = page.json["next_cursor"].as_str() else {
            emails.sort();
            return emails;
        };
        path = format!("/api/v1/users?limit=100&cursor={cursor}");
    }
}

async fn customers_whose_import_and_shop_were_killed_have_one_account_each_by_the_same_command(
    mut shop: Shop,
) {
    let admin = shop.admin().await;
    let mut table = "email,name,verified\n".to_owned();
    let all: Vec<String> = (0..PEOPLE)
        .map(|number| format!("p{number:05}@brought.example"))
        .collect();
    for email in &all {
        writeln!(table, "{email},Somebody,yes").expect("it is written");
    }
    let words = ["import", "customers"];
    let import = Import::of(&admin, "customers", &words, "people.csv", &table).await;
    let some = "@brought.example";
    let path = "/api/v1/users?limit=100";
    let admin = import.killed(&mut shop, &admin, path, some).await;
    let killed = brought(&admin).await.len();
    assert!(killed > 0 && killed < PEOPLE, "killed too late: {killed}");
    for known in [killed, PEOPLE] {
        let said = import.again(&shop).await;
        let report = format!(
            "created {}, known before {known}, refused 0",
            PEOPLE - known
        );
        assert!(said.out.starts_with(&report), "{report}: {said:?}");
        assert_eq!(brought(&admin).await, all);
    }
    shop.verify().await;
}

async fn orders_whose_import_and_shop_were_killed_are_one_record_each_by_the_same_command(
    mut shop: Shop,
) {
    let admin = shop.admin().await;
    let mut table = "number,created_at,status,currency,sku,quantity,unit_price,total\n".to_owned();
    for number in 0..ORDERS {
        for (sku, quantity, price) in [("TEA", 2, "2.50"), ("CUP", 1, "6.00")] {
            writeln!(
                table,
                "{number},2020-05-01T10:00:00Z,delivered,USD,{sku},{quantity},{price},11.00"
            )
            .expect("it is written");
        }
    }
    let words = ["import", "orders", "--source", "old"];
    let import = Import::of(&admin, "orders", &words, "orders.csv", &table).await;
    let path = "/api/v1/earlier-orders/totals";
    let some = "\"source\":\"old\"";
    let admin = import.killed(&mut shop, &admin, path, some).await;
    let killed = admin.get(path).await.int("/data/0/orders");
    assert!(killed > 0 && killed < ORDERS, "killed too late: {killed}");
    for known in [killed, ORDERS] {
        let said = import.again(&shop).await;
        let report = format!(
            "created {}, known before {known}, refused 0",
            ORDERS - known
        );
        assert!(said.out.starts_with(&report), "{report}: {said:?}");
        let totals = admin.get(path).await;
        let figure = |name: &str| totals.int(&format!("/data/0/{name}"));
        assert_eq!(
            ["orders", "lines", "units", "total/amount"].map(figure),
            [ORDERS, 2 * ORDERS, 3 * ORDERS, 1_100 * ORDERS]
        );
    }
    shop.verify().await;
}

async fn products_whose_import_and_shop_were_killed_are_there_once_by_the_same_command(
    mut shop: Shop,
) {
    let admin = shop.admin().await;
    let mut lines = String::new();
    for number in 0..PRODUCTS {
        let line =
            json!({"sku": format!("S-{number}"), "name": "Thing", "price": "1.00", "stock": 3});
        writeln!(lines, "{line}").expect("it is written");
    }
    let words = ["import", "products"];
    let import = Import::of(&admin, "products", &words, "things.jsonl", &lines).await;
    let path = "/api/v1/inventory?limit=1";
    let some = "\"sku\":\"S-";
    let admin = import.killed(&mut shop, &admin, path, some).await;
    let said = import.again(&shop).await.out;
    let (created, unchanged) = (
        number_after(&said, "created"),
        number_after(&said, "unchanged"),
    );
    assert!(created > 0 && unchanged > 0, "killed too late: {said}");
    assert_eq!(created + unchanged, PRODUCTS, "{said}");
    let said = import.again(&shop).await.out;
    let report = format!("created 0, updated 0, unchanged {PRODUCTS}, bad lines 0;");
    assert!(said.starts_with(&report), "{said}");
    let last = format!("/api/v1/inventory?sku=S-{}", PRODUCTS - 1);
    let last = admin.get(&last).await;
    assert_eq!(last.int("/data/0/on_hand"), 3, "{}", last.text);
    let verified = shop.verify().await;
    let all = format!("verified {PRODUCTS} variants");
    assert!(verified.contains(&all), "{verified}");
}
