//! `kill -9` in the middle of imports.

use serde_json::json;
use std::{fmt::Write, os::unix::fs::PermissionsExt, path::Path, time::Duration};
use testkit::{Answer, Folder, PASSWORD, Running, Shop, run};

const PRODUCTS: usize = 6_000;
/// Products in one commit of the import.
const BATCH: usize = 500;

fn products() -> String {
    let mut lines = String::new();
    for number in 0..PRODUCTS {
        let line = format!(
            r#"{{"sku":"S-{number}","name":"Thing {number}","price_minor":{},"currency":"USD","stock":{}}}"#,
            100 + number,
            number % 50
        );
        writeln!(lines, "{line}").unwrap_or_else(|error| panic!("{error}"));
    }
    lines
}

fn bytes(path: &Path) -> u64 {
    path.metadata().map_or(0, |metadata| metadata.len())
}

/// The number that follows a word of the import's report.
pub(crate) fn number_after(report: &str, word: &str) -> usize {
    let rest = report.split_once(word).map_or("", |(_, rest)| rest);
    let digits: String = rest
        .trim_start()
        .chars()
        .take_while(char::is_ascii_digit)
        .collect();
    digits
        .parse()
        .unwrap_or_else(|_| panic!("no number after {word:?}: {report}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_killed_in_the_middle_leaves_whole_batches_and_can_be_run_again() {
    let files = Folder::default();
    let file = files.write("products.jsonl", products());
    let mut shop = Shop::start_with(&[("SOUK_LOG_LEVEL", "error")]).await;
    assert!(shop.stop().await);
    let data = shop.folder().to_str().unwrap_or_default().to_owned();
    let arguments = ["import", "products", &file, "--commit", "--data", &data];
    let log = shop.folder().join("catalog.sqlite-wal");
    let mut import = Running::start(&arguments, &[]);
    while bytes(&log) < 500_000 && !import.has_ended() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    import.kill().await;
    shop.verify().await;
    shop.restart().await;
    let listed = shop.visitor().get("/api/v1/products?limit=1").await;
    assert_eq!(listed.status, 200, "{}", listed.text);
    let again = run(&arguments, "").await;
    assert_eq!(again.code, 0, "{}", again.err);
    let (created, unchanged) = (
        number_after(&again.out, "created"),
        number_after(&again.out, "unchanged"),
    );
    assert_eq!(
        (created + unchanged, unchanged % BATCH),
        (PRODUCTS, 0),
        "{}",
        again.out
    );
    assert!(
        unchanged > 0 && created > 0,
        "killed too early or too late: {}",
        again.out
    );
    let verified = shop.verify().await;
    assert!(
        verified.contains(&format!("verified {PRODUCTS} variants")),
        "{verified}"
    );
}

/// Things whose stock is brought, and units that come to each.
const THINGS: i64 = 10;
const UNITS: i64 = 120;

/// How many units there are of all things.
fn units(inventory: &Answer) -> i64 {
    let rows = inventory.json["data"].as_array().expect("rows").iter();
    rows.filter_map(|row| row["on_hand"].as_i64()).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn stock_whose_import_and_shop_were_killed_is_added_once_by_the_same_command() {
    let files = Folder::default();
    let mut shop = Shop::start_with(&[("SOUK_LOG_LEVEL", "error")]).await;
    let admin = shop.admin().await;
    for number in 0..THINGS {
        admin.sell(&format!("s{number}"), 100, 0).await;
    }
    let scopes = ["inventory:read", "inventory:write"];
    let body = json!({"name": "import", "scopes": scopes, "password": PASSWORD});
    let key = admin.post("/api/v1/api-keys", &body).await;
    let key = files.write("key", key.str("/secret"));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("it is set");
    let mut lines = String::new();
    for number in 0..THINGS * UNITS {
        let line = json!({"sku": format!("s{}", number % THINGS), "delta": 1});
        writeln!(lines, "{line}").expect("it is written");
    }
    let file = files.write("stock.jsonl", lines);
    let words = |url: &str| {
        let words = [
            "import",
            "stock",
            &file,
            "--commit",
            "--key-file",
            &key,
            "--url",
            url,
        ];
        words.map(str::to_owned)
    };
    let first = words(shop.url());
    let mut import = Running::start(&first.each_ref().map(String::as_str), &[]);
    let begun = |inventory: &Answer| units(inventory) > 0;
    admin.get_until("/api/v1/inventory?limit=100", begun).await;
    import.kill().await;
    shop.kill().await;
    shop.restart().await;
    let admin = admin.at(shop.url());
    let killed = units(&admin.get("/api/v1/inventory?limit=100").await);
    assert!(
        killed > 0 && killed < THINGS * UNITS,
        "killed too late: {killed}"
    );
    for _ in 0..2 {
        let again = words(shop.url());
        let said = run(&again.each_ref().map(String::as_str), "").await;
        assert_eq!(said.code, 0, "{said:?}");
        let all = admin.get("/api/v1/inventory?limit=100").await;
        assert_eq!(units(&all), THINGS * UNITS);
        let rows = all.json["data"].as_array().expect("rows").iter();
        let counted = rows.filter(|row| row["on_hand"] == UNITS);
        assert_eq!(counted.count(), 10, "{}", all.text);
    }
    shop.verify().await;
}
