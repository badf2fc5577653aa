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
        ("units left in stock", 0),
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
    let (orders, catalog) = (
        format!("{folder}/orders-500.jsonl"),
        format!("{folder}/orders-500-catalog.jsonl"),
    );
    if ![&orders, &catalog]
        .iter()
        .all(|file| std::path::Path::new(file).is_file())
    {
        note(
            "SKIPPED: the real trace was not replayed; set SOUK_TRACE_DIR to the folder of orders-500.jsonl",
        );
        return;
    }
    let said = run(&["replay", &orders, "--catalog", &catalog], "").await;
    assert_eq!(said.code, 0, "{said:?}");
    let totals = Totals {
        orders: 500,
        lines: 13_058,
        units: 138_426,
        at_catalog_prices: 27_139_188,
        at_trace_prices: 24_761_918,
    };
    note(&said.out);
    assert_reports(&said.out, &totals);
}
