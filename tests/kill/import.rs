//! `kill -9` in the middle of an import.

use std::{fmt::Write, path::Path, time::Duration};
use testkit::{Folder, Running, Shop, run};

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
fn number_after(report: &str, word: &str) -> usize {
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
