//! Prices in further currencies in files of products, with a shop on its own files and with one on PostgreSQL: what
//! goes out comes in again as it was, and what is no price changes nothing.

use testkit::{Folder, Said, postgres::Postgres, run_with};

/// Something plain in two more currencies, something of which each size has its own, and something in none.
const ABROAD: &str = "\
{\"sku\":\"P-1\",\"name\":\"Teapot\",\"price_minor\":4250,\"currency\":\"USD\",\"stock\":3,\
\"prices\":{\"EUR\":\"39.90\",\"JPY\":\"6200\"}}
{\"sku\":\"P-2\",\"name\":\"Cosy\",\"price_minor\":1500,\"currency\":\"USD\",\
\"options\":[{\"name\":\"Size\",\"values\":[\"S\",\"M\"]}],\
\"variants\":[{\"sku\":\"P-2\",\"price_minor\":1500,\"stock\":2,\"values\":[\"S\"],\"prices\":{\"EUR\":\"14.00\"}},\
{\"sku\":\"P-2-M\",\"price_minor\":1700,\"stock\":1,\"values\":[\"M\"],\"prices\":{\"JPY\":\"2500\"}}]}
{\"sku\":\"P-3\",\"name\":\"Cup\",\"price_minor\":900,\"currency\":\"EUR\",\"prices\":{\"USD\":\"10.00\"}}
{\"sku\":\"P-4\",\"name\":\"Saucer\",\"price_minor\":300,\"currency\":\"USD\"}
";

/// Each of these with what is wrong with it, as a line and as a row of a table.
const WRONG: &[(&str, &str)] = &[
    (
        r#"{"XXX":"1.00"}"#,
        "prices: currency XXX must be an ISO 4217 code",
    ),
    (r#"{"CHF":"1.00"}"#, "prices: the shop does not sell in CHF"),
    (
        r#"{"EUR":"1.999"}"#,
        "prices: EUR has more decimals than EUR has",
    ),
    (
        r#"{"JPY":"one"}"#,
        "prices: JPY must be a plain decimal number",
    ),
    (r#"{"EUR":"-1"}"#, "prices must not be negative"),
    (
        r#"{"USD":"1.00"}"#,
        "prices must not be in USD, which the price is in",
    ),
    (r#"{"EUR":1}"#, "expected a string"),
];

/// Runs this against a shop in this folder, or in this database, which sells in these currencies as well.
async fn at(words: &[&str], (place, further): (&str, &str)) -> Said {
    let settings = [
        ("SOUK_DB", place),
        ("SOUK_POSTGRES__MIGRATE", "true"),
        ("SOUK_CATALOG__FURTHER_CURRENCIES", further),
    ];
    run_with(words, &settings, "").await
}

const BOTH: &str = "[\"EUR\", \"JPY\"]";

async fn import(file: &str, place: &str) -> Said {
    at(&["import", "products", file, "--commit"], (place, BOTH)).await
}

async fn exported(file: &str, place: &str) -> String {
    let said = at(&["export", "products", file], (place, BOTH)).await;
    assert_eq!(said.code, 0, "{said:?}");
    let text = std::fs::read_to_string(file).expect("what was exported");
    // Those of one moment are in no order.
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines.join("\n")
}

fn begins(said: &Said, report: &str) {
    assert!(said.out.starts_with(report), "{report}: {said:?}");
}

/// What is exported, as both kinds of file, makes the same shop: what is exported of that is the same, line for line.
async fn they_come_back_whole(files: &Folder, fresh: impl Fn(&str) -> String) {
    let (file, first) = (files.write("abroad.jsonl", ABROAD), fresh("first"));
    let dry = at(&["import", "products", &file], (&first, BOTH)).await;
    begins(&dry, "dry run, nothing written: would have created 4,");
    begins(&import(&file, &first).await, "created 4,");
    let kinds = ["all.jsonl", "all.csv"].map(|name| files.at(name));
    let mut before = Vec::new();
    for kind in &kinds {
        before.push(exported(kind, &first).await);
        begins(
            &import(kind, &first).await,
            "created 0, updated 0, unchanged 4,",
        );
    }
    assert!(
        before[0].contains(r#""prices":{"EUR":"39.90","JPY":"6200"}"#),
        "{}",
        before[0]
    );
    assert!(
        before[1].contains(r#""{""JPY"":""2500""}""#),
        "{}",
        before[1]
    );
    for (kind, name) in kinds.iter().zip(["by-lines", "by-table"]) {
        let other = fresh(name);
        begins(&import(kind, &other).await, "created 4,");
        for (end, before) in ["jsonl", "csv"].iter().zip(&before) {
            let copy = files.at(&format!("{name}.{end}"));
            assert_eq!(&exported(&copy, &other).await, before);
        }
    }
    what_is_named_changes_and_the_rest_stays(files, &first).await;
    what_is_no_price_changes_nothing(files, &first).await;
    what_is_not_sold_in_is_left_out(files, &first).await;
    let verified = at(&["verify"], (&first, BOTH)).await;
    assert_eq!(verified.code, 0, "{verified:?}");
}

async fn what_is_named_changes_and_the_rest_stays(files: &Folder, place: &str) {
    let change = "sku,name,price,currency,stock,prices\n\
                  P-1,Teapot,42.50,USD,3,\"{\"\"EUR\"\":\"\"41.00\"\"}\"\n\
                  P-3,Cup,11.00,EUR,0,\n";
    let file = files.write("change.csv", change);
    let dry = at(&["import", "products", &file], (place, BOTH)).await;
    begins(
        &dry,
        "dry run, nothing written: would have created 0, updated 2,",
    );
    begins(&import(&file, place).await, "created 0, updated 2,");
    begins(
        &import(&file, place).await,
        "created 0, updated 0, unchanged 2,",
    );
    let lines = exported(&files.at("changed.jsonl"), place).await;
    assert!(
        lines.contains(r#""prices":{"EUR":"41.00","JPY":"6200"}"#),
        "{lines}"
    );
    assert!(lines.contains(r#""prices":{"USD":"10.00"}"#), "{lines}");
    let variant = ABROAD.replace(r#"{"JPY":"2500"}"#, r#"{"EUR":"16.00"}"#);
    let variant = variant.lines().nth(1).unwrap_or_default();
    let file = files.write("variant.jsonl", variant);
    begins(&import(&file, place).await, "created 0, updated 1,");
    let lines = exported(&files.at("variant-changed.jsonl"), place).await;
    assert!(
        lines.contains(r#""prices":{"EUR":"16.00","JPY":"2500"}"#),
        "{lines}"
    );
    // The main price goes to a currency that had one: there is no second one beside it.
    let turned = r#"{"sku":"P-1","name":"Teapot","price":"41.00","currency":"EUR","stock":3,"prices":{"USD":"42.50"}}"#;
    let file = files.write("turned.jsonl", turned);
    begins(&import(&file, place).await, "created 0, updated 1,");
    let lines = exported(&files.at("turned-changed.jsonl"), place).await;
    assert!(
        lines.contains(r#""prices":{"JPY":"6200","USD":"42.50"}"#),
        "{lines}"
    );
}

async fn what_is_no_price_changes_nothing(files: &Folder, place: &str) {
    let before = exported(&files.at("before.jsonl"), place).await;
    let (mut lines, mut rows) = (String::new(), "sku,name,price,currency,prices\n".to_owned());
    for (index, (prices, _)) in WRONG.iter().enumerate() {
        let (sku, name) = if index % 2 == 0 {
            ("P-4", "Renamed")
        } else {
            ("P-9", "New")
        };
        let line = format!(
            r#"{{"sku":"{sku}","name":"{name}","price":"9.00","currency":"USD","prices":{prices}}}"#
        );
        lines.push_str(&line);
        lines.push('\n');
        let cell = prices.replace('"', "\"\"");
        rows.push_str(&format!("{sku},{name},9.00,USD,\"{cell}\"\n"));
    }
    for (name, content, first) in [("wrong.jsonl", lines, 1), ("wrong.csv", rows, 2)] {
        let file = files.write(name, content);
        let said = import(&file, place).await;
        assert_eq!(said.code, 1, "{said:?}");
        begins(
            &said,
            &format!(
                "created 0, updated 0, unchanged 0, bad lines {};",
                WRONG.len()
            ),
        );
        for (number, (_, why)) in (first..).zip(WRONG) {
            let told = said
                .err
                .lines()
                .find(|line| line.starts_with(&format!("line {number}: ")));
            assert!(
                told.is_some_and(|told| told.contains(why)),
                "{number} {why}: {said:?}"
            );
        }
    }
    let of_all = ABROAD.replace(
        "\"variants\":[",
        "\"prices\":{\"EUR\":\"1.00\"},\"variants\":[",
    );
    let file = files.write("of-all.jsonl", of_all.lines().nth(1).unwrap_or_default());
    let said = import(&file, place).await;
    assert!(
        said.err
            .contains("is its variants', since the product has options"),
        "{said:?}"
    );
    assert_eq!(exported(&files.at("after.jsonl"), place).await, before);
}

/// A shop that gave a currency up writes no price in it, and says so: what it writes, it reads.
async fn what_is_not_sold_in_is_left_out(files: &Folder, place: &str) {
    let before = exported(&files.at("whole.jsonl"), place).await;
    let euros = "[\"EUR\"]";
    let file = files.at("euros.jsonl");
    let said = at(&["export", "products", &file], (place, euros)).await;
    assert_eq!(said.code, 0, "{said:?}");
    let told = said
        .err
        .lines()
        .filter(|line| line.starts_with("prices in"));
    assert!(
        told.eq([
            "prices in JPY are left out: the settings that were read here sell in no JPY \
                      (catalog.further_currencies)"
        ]),
        "{said:?}"
    );
    let said = at(&["import", "products", &file, "--commit"], (place, euros)).await;
    begins(&said, "created 0, updated 0, unchanged 4,");
    assert_eq!(
        exported(&files.at("again.jsonl"), place).await,
        before,
        "nothing is lost of it"
    );
}

#[tokio::test]
async fn prices_of_all_currencies_go_out_and_in_again_by_files() {
    let files = Folder::default();
    they_come_back_whole(&files, |name| format!("sqlite:{}", files.at(name))).await;
}

#[tokio::test]
async fn prices_of_all_currencies_go_out_and_in_again_on_postgresql() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    they_come_back_whole(&Folder::default(), |_| server.database()).await;
}
