//! Documents that go with the binary: a change of the API, or of a setting, is seen in a diff, never by accident.

use std::path::Path;
use testkit::{Shop, run};

/// That it is the one that the routes make is a test of the server's (`what_routes_say_is_the_document_in_docs`).
#[tokio::test]
async fn the_document_in_docs_is_the_one_that_is_sent() {
    let shop = Shop::start().await;
    let served = shop.visitor().get("/openapi.json").await;
    assert_eq!(served.status, 200);
    assert!(
        served
            .header("content-type")
            .starts_with("application/json")
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(kept == served.text, "another is built in: build again");
}

/// Clients in other languages are made of the document, and call what they ask by this name.
#[test]
fn every_operation_has_a_name_of_its_own() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let kept = std::fs::read_to_string(path).unwrap();
    let document: serde_json::Value = serde_json::from_str(&kept).unwrap();
    let paths = document
        .pointer("/paths")
        .and_then(|paths| paths.as_object());
    let operations = paths.unwrap().values().filter_map(|path| path.as_object());
    let mut names: Vec<&str> = operations
        .flat_map(|operations| operations.values())
        .filter_map(|operation| operation.pointer("/operationId"))
        .map(|name| name.as_str().unwrap())
        .collect();
    assert!(names.len() > 100, "the document was not read");
    names.sort_unstable();
    let twice: Vec<_> = names.windows(2).filter(|two| two[0] == two[1]).collect();
    assert!(twice.is_empty(), "{twice:?}");
}

#[tokio::test]
async fn the_page_of_the_api_works_without_a_network() {
    let shop = Shop::start().await;
    let page = shop.visitor().get("/docs").await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("place_order") || page.text.contains("Place an order"));
    for outside in ["src=\"http", "href=\"http", "<script", "url(http"] {
        assert!(!page.text.contains(outside), "{outside}");
    }
}

const SETTINGS: &str = "\
# Settings

Made of what `souk config defaults` prints; a test fails when it is not. How they are set: [configure](configure.md).
In the environment `[http] timeout_ms` is `SOUK_HTTP__TIMEOUT_MS`.
";
const HEAD: &str = "| key | unless it is set | what it is |\n|---|---|---|\n";

/// What `config defaults` prints, as a page: a table a section.
fn settings(defaults: &str) -> String {
    let mut page = SETTINGS.to_owned();
    let (mut words, mut is_open) = (Vec::new(), false);
    let cell = |words: &[&str]| words.join(" ").replace('|', "\\|");
    for line in defaults.lines() {
        if let Some(comment) = line.strip_prefix('#') {
            words.push(comment.trim());
        } else if line.starts_with('[') {
            page += &format!("\n## `{line}`\n\n");
            if !words.is_empty() {
                page += &format!("{}\n\n", words.join(" "));
            }
            page += HEAD;
            (words, is_open) = (Vec::new(), true);
        } else if let Some((key, value)) = line.split_once(" = ") {
            if !is_open {
                page += &format!("\n## Outside of any section\n\n{HEAD}");
                is_open = true;
            }
            page += &format!("| `{key}` | `{}` | {} |\n", cell(&[value]), cell(&words));
            words = Vec::new();
        }
    }
    page
}

#[tokio::test]
async fn the_page_of_settings_is_what_the_binary_says() {
    let defaults = run(&["config", "defaults"], "").await;
    let page = settings(&defaults.out);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/settings.md");
    if std::env::var_os("SOUK_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    let changed =
        "a setting changed: write docs/settings.md anew: SOUK_UPDATE_SNAPSHOTS=1 and this test";
    assert!(
        page.contains("| `timeout_ms` |") && kept == page,
        "{changed}"
    );
}
