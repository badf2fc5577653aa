//! `souk replay`.

use crate::{note, refusal};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use testkit::{Folder, PASSWORD, Shop, run};

/// A product's price in the catalog; the trace sold it a little dearer.
fn price(product: usize) -> i64 {
    100 + i64::try_from(product % 50).unwrap_or_default()
}

/// What a trace comes to.
#[derive(Debug, Default)]
struct Totals {
    orders: usize,
    lines: usize,
    units: i64,
    at_catalog_prices: i64,
    at_trace_prices: i64,
    units_returned: i64,
}

struct Trace {
    files: Folder,
    totals: Totals,
}

impl Trace {
    /// Thirty orders: twenty of five customers, ten of guests. The first has 300 lines, the others four, of which
    /// the last is the first once more.
    fn write() -> Self {
        let (files, mut totals, mut orders) = (Folder::default(), Totals::default(), String::new());
        for number in 0..30_usize {
            let count = if number == 0 { 300 } else { 4 };
            let mut lines = Vec::new();
            for line in 0..count {
                let product = if number > 0 && line == count - 1 {
                    number
                } else {
                    number + line
                };
                let quantity = i64::try_from(1 + (number + line) % 5).unwrap_or_default();
                let sku = format!("S-{product}");
                lines.push(
                    json!({"sku": sku, "qty": quantity, "unit_price_minor": price(product) + 1}),
                );
                totals.units += quantity;
                totals.at_catalog_prices += quantity * price(product);
                totals.at_trace_prices += quantity * (price(product) + 1);
            }
            totals.orders += 1;
            totals.lines += count;
            let customer = (number % 3 < 2).then(|| format!("c{}", number % 5));
            let order = json!({"order_ref": format!("r{number}"), "at": "2009-12-01T07:45:00", "customer_ref": customer,
                "country": "United Kingdom", "currency": "GBP", "lines": lines});
            orders.push_str(&format!("{order}\n"));
        }
        let product = |number: usize| -> Value {
            json!({"sku": format!("S-{number}"), "name": format!("Thing {number}"), "price_minor": price(number),
                "currency": "GBP", "units_sold_in_excerpt": 1})
        };
        files.write("orders.jsonl", orders);
        files.write(
            "catalog.jsonl",
            (0..300)
                .map(|number| format!("{}\n", product(number)))
                .collect::<String>(),
        );
        Self { files, totals }
    }

    /// Three documents: two products of the first order, one of them twice; the whole of the fourth order; and one
    /// that takes back from two orders of one customer and from none that is known.
    fn write_returns(&mut self) -> (String, String) {
        let line = |product: usize, units: i64, cancels: Option<&str>| {
            json!({"sku": format!("S-{product}"), "qty": units, "unit_price_minor": price(product) + 1,
                "cancels": cancels})
        };
        let all_of_r3: Vec<Value> = [3, 4, 5, 3]
            .into_iter()
            .enumerate()
            .map(|(line_number, product)| {
                line(
                    product,
                    i64::try_from(1 + (3 + line_number) % 5).unwrap_or_default(),
                    Some("r3"),
                )
            })
            .collect();
        let documents = [
            // r0: 1 of S-0, 2 of S-1, 3 of S-2 ...
            vec![
                line(1, 1, Some("r0")),
                line(2, 2, Some("r0")),
                line(1, 1, Some("r0")),
            ],
            all_of_r3,
            vec![
                line(10, 1, Some("r10")),
                line(25, 1, Some("r25")),
                line(7, 9, None),
            ],
        ];
        let mut text = String::new();
        for (number, lines) in documents.iter().enumerate() {
            let at = format!("2009-12-0{}T07:45:00", number + 1);
            let row = json!({"cancel_ref": format!("C{number}"), "at": at, "customer_ref": null, "lines": lines});
            text.push_str(&format!("{row}\n"));
            let matched = lines.iter().filter(|line| !line["cancels"].is_null());
            self.totals.units_returned += matched
                .map(|line| line["qty"].as_i64().unwrap_or_default())
                .sum::<i64>();
        }
        let totals = json!({
            "orders": self.totals.orders, "order_lines": self.totals.lines, "units": self.totals.units,
            "gross_minor": self.totals.at_trace_prices,
            "gross_at_catalog_price_minor": self.totals.at_catalog_prices,
        });
        (
            self.files.write("returns.jsonl", text),
            self.files.write("totals.json", totals.to_string()),
        )
    }

    fn paths(&self) -> (String, String) {
        (
            self.files.at("orders.jsonl"),
            self.files.at("catalog.jsonl"),
        )
    }
}

/// The first number on the report's line about something.
fn reported(report: &str, what: &str) -> i64 {
    let rest = report.lines().find_map(|line| line.strip_prefix(what));
    let number = rest.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.unwrap_or_else(|| panic!("nothing about {what}: {report}"))
}

fn assert_reports(report: &str, totals: &Totals) {
    let orders = i64::try_from(totals.orders).unwrap_or_default();
    for (what, expected) in [
        ("orders ", orders),
        ("orders paid", orders),
        ("lines ", i64::try_from(totals.lines).unwrap_or_default()),
        ("units ", totals.units),
        ("at catalog prices", totals.at_catalog_prices),
        ("at the trace's prices", totals.at_trace_prices),
        ("units left in stock", totals.units_returned),
    ] {
        assert_eq!(reported(report, what), expected, "{what}: {report}");
    }
    assert!(!report.contains("DIFFERS"), "{report}");
}

#[tokio::test]
async fn a_trace_is_replayed_into_a_shop_of_its_own_which_can_be_verified() {
    let trace = Trace::write();
    let (orders, catalog) = trace.paths();
    let data = trace.files.at("data");
    let said = run(
        &[
            "replay",
            &orders,
            "--catalog",
            &catalog,
            "--data",
            &data,
            "--clients",
            "8",
        ],
        "",
    )
    .await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_reports(&said.out, &trace.totals);
    assert!(said.out.contains(": 0 violations"), "{}", said.out);
    let verified = run(&["verify", "--data", &data], "").await;
    assert_eq!(verified.code, 0, "{verified:?}");
    let Totals {
        orders,
        lines,
        units,
        ..
    } = trace.totals;
    let counts = format!("{orders} orders ({lines} lines, {units} units), {orders} payments");
    assert!(verified.out.contains(&counts), "{counts}: {}", verified.out);
}

#[tokio::test]
async fn returns_are_given_back_with_the_goods_and_everything_is_compared_to_the_penny() {
    let mut trace = Trace::write();
    let (returns, totals) = trace.write_returns();
    let (orders, catalog) = trace.paths();
    let data = trace.files.at("data");
    let replay = [
        "replay",
        &orders,
        "--catalog",
        &catalog,
        "--returns",
        &returns,
        "--totals",
        &totals,
    ];
    let said = run(&[&replay as &[&str], &["--data", &data]].concat(), "").await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_reports(&said.out, &trace.totals);
    for (what, expected) in [
        ("refunds ", 4),
        ("orders with refunds", 4),
        ("lines given back", 9),
        ("units given back", trace.totals.units_returned),
        ("totals: gross_minor", trace.totals.at_trace_prices),
    ] {
        assert_eq!(reported(&said.out, what), expected, "{what}: {}", said.out);
    }
    assert!(
        said.out
            .contains("1 lines of returns (9 units) name no order"),
        "{}",
        said.out
    );
    let verified = run(&["verify", "--data", &data], "").await;
    assert!(
        verified.out.contains("30 payments, 4 refunds, 30 charges"),
        "{}",
        verified.out
    );
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[tokio::test]
async fn totals_that_are_wrong_are_found_and_files_that_are_not_there_are_named() {
    let mut trace = Trace::write();
    let (returns, _) = trace.write_returns();
    let (orders, catalog) = trace.paths();
    let wrong = json!({"orders": 30, "order_lines": 416, "units": 1, "gross_minor": 2,
        "gross_at_catalog_price_minor": 3});
    let wrong = trace.files.write("wrong.json", wrong.to_string());
    let replay = ["replay", &orders, "--catalog", &catalog, "--totals", &wrong];
    let said = run(&replay, "").await;
    assert_eq!(refusal(&said), "souk: 3 totals differ from the trace's");
    assert_eq!(said.out.matches("DIFFERS").count(), 3, "{}", said.out);
    assert!(
        said.out.contains(": 0 violations"),
        "the books balance all the same: {}",
        said.out
    );
    for (flag, file) in [("--returns", "no-returns"), ("--totals", "no-totals")] {
        let missing = trace.files.at(file);
        let said = run(
            &["replay", &orders, "--catalog", &catalog, flag, &missing],
            "",
        )
        .await;
        assert!(
            refusal(&said).contains(&format!("{file} cannot be read")),
            "{said:?}"
        );
    }
    let stray = json!({"cancel_ref": "C", "at": "", "lines": [
        {"sku": "S-900", "qty": 1, "unit_price_minor": 1, "cancels": "r0"}]});
    let stray = trace.files.write("stray.jsonl", stray.to_string());
    let said = run(
        &[
            "replay",
            &orders,
            "--catalog",
            &catalog,
            "--returns",
            &stray,
        ],
        "",
    )
    .await;
    assert!(
        refusal(&said).contains("stray.jsonl line 1: S-900 is in no catalog"),
        "{said:?}"
    );
    assert!(!returns.is_empty());
}

#[tokio::test]
async fn a_trace_is_replayed_into_a_running_shop_at_the_pace_of_its_limits() {
    let settings = [
        ("SOUK_LOG_LEVEL", "error"),
        ("SOUK_LIMITS__ENABLED", "true"),
        ("SOUK_LIMITS__DEFAULT__UNITS", "200"),
        ("SOUK_LIMITS__DEFAULT__WINDOW_SECONDS", "1"),
        ("SOUK_LIMITS__CHECKOUT__UNITS", "4"),
        ("SOUK_LIMITS__CHECKOUT__WINDOW_SECONDS", "1"),
        ("SOUK_LIMITS__LOGIN__UNITS", "3"),
        ("SOUK_LIMITS__LOGIN__WINDOW_SECONDS", "1"),
    ];
    let trace = Trace::write();
    let (orders, catalog) = trace.paths();
    let mut shop = Shop::start_with(&settings).await;
    shop.admin().await;
    let url = shop.url().to_owned();
    let replay = [
        "replay",
        &orders,
        "--catalog",
        &catalog,
        "--url",
        &url,
        "--admin-email",
        "admin@souk.example",
    ];
    let started = Instant::now();
    let said = run(&replay, &format!("{PASSWORD}\n")).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_reports(&said.out, &trace.totals);
    assert!(
        started.elapsed() > Duration::from_secs(1),
        "ten guests at one address, four a second"
    );
    shop.verify().await;
}

#[tokio::test]
async fn a_replay_that_cannot_be_says_why() {
    let trace = Trace::write();
    let (orders, catalog) = trace.paths();
    let shop = Shop::start().await;
    let url = shop.url();
    let replay = ["replay", &orders, "--catalog", &catalog, "--url", url];
    assert!(refusal(&run(&replay, "").await).contains("--admin-email"));
    let replay = [
        &replay as &[&str],
        &["--admin-email", "nobody@souk.example"],
    ]
    .concat();
    assert!(refusal(&run(&replay, "wrong password\n").await).contains("401"));
    let bad = trace.files.write("bad.jsonl", "{\"order_ref\":\"r1\"}\n");
    let said = run(&["replay", &bad, "--catalog", &catalog], "").await;
    assert!(refusal(&said).contains("bad.jsonl line 1"), "{said:?}");
}

/// A real shop's orders, if they are at hand.
#[tokio::test]
async fn five_hundred_real_orders_come_to_the_known_totals() {
    let folder = std::env::var("SOUK_TRACE_DIR").unwrap_or_default();
    let [orders, catalog, returns, totals] = [
        "orders-500.jsonl",
        "orders-500-catalog.jsonl",
        "orders-500-cancellations.jsonl",
        "totals.json",
    ]
    .map(|file| format!("{folder}/{file}"));
    if ![&orders, &catalog, &returns, &totals]
        .iter()
        .all(|file| std::path::Path::new(file).is_file())
    {
        note(
            "SKIPPED: the real trace was not replayed; set SOUK_TRACE_DIR to the folder of orders-500.jsonl",
        );
        return;
    }
    let replay = [
        "replay",
        &orders,
        "--catalog",
        &catalog,
        "--returns",
        &returns,
        "--totals",
        &totals,
    ];
    let said = run(&replay, "").await;
    assert_eq!(said.code, 0, "{said:?}");
    let totals = Totals {
        orders: 500,
        lines: 13_058,
        units: 138_426,
        at_catalog_prices: 27_139_188,
        at_trace_prices: 24_761_918,
        units_returned: 968,
    };
    note(&said.out);
    assert_reports(&said.out, &totals);
}
