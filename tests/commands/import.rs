//! `souk import products`.

use crate::refusal;
use flate2::{Compression, write::GzEncoder};
use std::io::Write;
use testkit::{Folder, Shop, run};

/// Good lines, one of them twice.
const GOOD: &str = r#"{"sku":"A-1","name":"Green tea","price_minor":399,"currency":"USD","stock":5}
{"sku":"A-2","name":"Cup","price":"4.50","currency":"USD","brand":"B","category":"Kitchen"}

{"sku":"A-3","name":"Pot","price_minor":4250,"currency":"USD","stock":1,"description":"Cast iron."}
{"sku":"A-1","name":"Green tea","price_minor":399,"currency":"USD","stock":5}
"#;

/// Lines 2, 3, 5 and 6 are bad; line 7 is line 1 in other words.
const MIXED: &str = r#"{"sku":"B-1","name":"Cake","price_minor":500,"currency":"USD","stock":2}
{"sku":"B-2","name":"Bread",
{"sku":"B-3","name":"Milk","currency":"USD"}
{"sku":"B-4","name":"Salt","price_minor":90,"currency":"USD"}
{"sku":"B-5","name":"Fish","price_minor":900,"currency":"DOUBLOON"}
{"sku":"","name":"Nothing","price_minor":1,"currency":"USD"}
{"sku":"B-1","name":"Big cake","price_minor":900,"currency":"USD","stock":2}
"#;

fn gzip(text: &str) -> Vec<u8> {
    let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
    zip.write_all(text.as_bytes())
        .unwrap_or_else(|error| panic!("{error}"));
    zip.finish().unwrap_or_else(|error| panic!("{error}"))
}

async fn variants(data: &str) -> String {
    let verified = run(&["verify", "--data", data], "").await;
    assert_eq!(verified.code, 0, "{verified:?}");
    verified
        .out
        .split(',')
        .next()
        .unwrap_or_default()
        .to_owned()
}

async fn import_twice(name: &str, content: &[u8]) {
    let files = Folder::default();
    let (file, data) = (files.write(name, content), files.at("data"));
    let dry = run(&["import", "products", &file, "--data", &data], "").await;
    assert_eq!(dry.code, 0, "{dry:?}");
    assert!(
        dry.out
            .starts_with("dry run, nothing written: would have created 3,"),
        "{dry:?}"
    );
    assert!(
        !std::path::Path::new(&data).exists(),
        "not even an empty shop"
    );
    let commit = ["import", "products", &file, "--commit", "--data", &data];
    let first = run(&commit, "").await;
    assert_eq!(first.code, 0, "{first:?}");
    assert!(
        first
            .out
            .starts_with("created 3, updated 0, unchanged 1, bad lines 0;"),
        "{first:?}"
    );
    assert_eq!(variants(&data).await, "verified 3 variants");
    let second = run(&commit, "").await;
    assert_eq!(second.code, 0, "{second:?}");
    assert!(
        second
            .out
            .starts_with("created 0, updated 0, unchanged 4, bad lines 0;"),
        "{second:?}"
    );
}

#[tokio::test]
async fn a_file_is_tried_written_and_found_unchanged() {
    import_twice("products.jsonl", GOOD.as_bytes()).await;
}

#[tokio::test]
async fn a_zipped_file_is_tried_written_and_found_unchanged() {
    import_twice("products.jsonl.gz", &gzip(GOOD)).await;
}

#[tokio::test]
async fn bad_lines_are_named_and_the_good_ones_written() {
    let files = Folder::default();
    let (file, data) = (files.write("products.jsonl", MIXED), files.at("data"));
    for (arguments, start) in [
        (&[] as &[&str], "dry run, nothing written: would have "),
        (&["--commit"], ""),
    ] {
        let command = [&["import", "products", &file, "--data", &data], arguments].concat();
        let said = run(&command, "").await;
        assert_eq!(refusal(&said), "souk: 4 lines were refused");
        let report = format!("{start}created 2, updated 1, unchanged 0, bad lines 4;");
        assert!(said.out.starts_with(&report), "{said:?}");
        let named: Vec<&str> = said
            .err
            .lines()
            .filter_map(|line| line.strip_prefix("line "))
            .collect();
        let words = [
            ("2: ", "EOF"),
            ("3: ", "price"),
            ("5: ", "currency"),
            ("6: ", "sku"),
        ];
        assert_eq!(named.len(), words.len(), "{said:?}");
        for (line, (number, word)) in named.iter().zip(words) {
            assert!(line.starts_with(number) && line.contains(word), "{line}");
        }
    }
    assert_eq!(variants(&data).await, "verified 2 variants");
}

#[tokio::test]
async fn what_is_imported_beside_an_open_shop_is_on_sale() {
    let files = Folder::default();
    let file = files.write("products.jsonl", GOOD);
    let shop = Shop::start().await;
    let data = shop.folder().to_str().unwrap_or_default();
    let none = shop.visitor().get("/api/v1/products/green-tea").await;
    assert_eq!(none.status, 404);
    let said = run(
        &["import", "products", &file, "--commit", "--data", data],
        "",
    )
    .await;
    assert_eq!(said.code, 0, "{said:?}");
    // The shop remembers for half a second that there was none.
    let mut tea = shop.visitor().get("/api/v1/products/green-tea").await;
    for _ in 0..100 {
        if tea.status == 200 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        tea = shop.visitor().get("/api/v1/products/green-tea").await;
    }
    assert_eq!(
        (
            tea.status,
            tea.int("/price/amount"),
            tea.int("/stock/available")
        ),
        (200, 399, 5),
        "{}",
        tea.text
    );
    let order = shop
        .customer("ann")
        .await
        .buy("k1", tea.str("/id"), 2, "tok_ok")
        .await;
    assert_eq!(
        (order.status, order.str("/status")),
        (201, "paid"),
        "{}",
        order.text
    );
    shop.verify().await;
}

#[tokio::test]
async fn files_that_are_none_are_refused() {
    let files = Folder::default();
    let data = files.at("data");
    let missing = run(
        &["import", "products", "/nonexistent.jsonl", "--data", &data],
        "",
    )
    .await;
    assert!(refusal(&missing).contains("/nonexistent.jsonl cannot be read"));
    let zipped = gzip(GOOD);
    let cut = files.write("cut.gz", zipped.get(..zipped.len() / 2).unwrap_or_default());
    let said = run(
        &["import", "products", &cut, "--commit", "--data", &data],
        "",
    )
    .await;
    assert!(refusal(&said).contains("cannot be read"), "{said:?}");
    let binary = files.write("binary", [0xff_u8, 0xfe, b'\n', 0x80]);
    let said = run(
        &["import", "products", &binary, "--commit", "--data", &data],
        "",
    )
    .await;
    refusal(&said);
    assert_eq!(variants(&data).await, "verified 0 variants");
}
