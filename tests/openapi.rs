//! The API's document is a snapshot: a change of the public API is seen in a diff, never by accident.

use std::path::Path;
use testkit::Shop;

/// Write the snapshot anew with `SOUK_UPDATE_SNAPSHOTS=1 cargo nextest run -p system-tests --test openapi`.
#[tokio::test]
async fn the_document_of_the_api_is_the_one_in_docs() {
    let shop = Shop::start().await;
    let served = shop.visitor().get("/openapi.json").await;
    assert_eq!(served.status, 200);
    assert!(
        served
            .header("content-type")
            .starts_with("application/json")
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    if std::env::var_os("SOUK_UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(&path, format!("{}\n", served.text.trim_end())).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    let changed =
        "the API changed: look at the difference, then write docs/openapi.json anew (see the test)";
    assert!(kept.trim_end() == served.text.trim_end(), "{changed}");
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
