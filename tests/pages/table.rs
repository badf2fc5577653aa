//! Every page that the storefront has a route for, as its source names them: a new one is looked at here without
//! anybody having to think of it.

use crate::{
    browser::{Browser, all, open},
    guards::check_headers,
};
use std::{collections::BTreeSet, fs, path::Path};
use testkit::PASSWORD;

const ANN: &str = "ann@souk.example";
/// What is the same for everybody, and may be kept by whoever likes.
const FOR_ALL: &[&str] = &[
    "/assets/",
    "/media/",
    "/problems/",
    "/robots.txt",
    "/sitemap.xml",
];

/// Forms that change nothing of anybody's: they have no proof, and are still taken from our own pages only.
const WITHOUT_PROOF: &[&str] = &["/language"];

/// The paths of all routes in the storefront's source.
fn routes() -> BTreeSet<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/storefront/src");
    let mut found = BTreeSet::new();
    look(&source, &mut found);
    assert!(found.contains("/sign-in") && found.len() > 10, "{found:?}");
    found
}

fn look(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("the source is here") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            look(&path, found);
            continue;
        }
        let text = fs::read_to_string(&path).expect("a text");
        for rest in text.split(".route(").skip(1) {
            let rest = rest.trim_start().strip_prefix('"');
            let route = rest.and_then(|rest| rest.split('"').next());
            found.insert(route.expect("a route begins with its path").to_owned());
        }
    }
}

/// A path of this route.
fn example(route: &str, product: &str) -> String {
    match route {
        "/p/{slug}" => product.to_owned(),
        "/p/{slug}/reviews" => format!("{product}/reviews"),
        "/media/demo/{file}" => "/media/demo/nothing.jpg".to_owned(),
        "/problems/{code}" => "/problems/not_found".to_owned(),
        // What is not there has the same headers.
        other => other.replace(['{', '}'], ""),
    }
}

#[tokio::test]
async fn every_page_has_its_headers_and_what_is_somebody_s_is_kept_by_nobody() {
    let mut shop = open().await;
    shop.customer("ann").await;
    shop.admin().await;
    let mut visitor = Browser::new(&shop);
    let home = visitor.get("/").await;
    let product = all(&home, "<h2><a href=\"")[0].to_owned();
    let mut ann = Browser::signed_in(&shop, ANN).await;
    let mut admin = Browser::signed_in(&shop, "admin@souk.example").await;
    for route in routes() {
        let path = example(&route, &product);
        for (who, browser) in [
            ("nobody", &mut visitor),
            ("ann", &mut ann),
            ("admin", &mut admin),
        ] {
            let page = browser.get(&path).await;
            assert!(page.status < 500, "{who} {path}: {}", page.text);
            let is_page = page.header("content-type").starts_with("text/html");
            if is_page {
                check_headers(&page, &path);
            }
            // A redirect has no content, and yet tells something of whoever was sent there.
            let for_all = FOR_ALL.iter().any(|root| path.starts_with(root));
            let keep = page.header("cache-control");
            if who != "nobody" && !for_all {
                assert_eq!(keep, "no-store", "{who} {path}: {}", page.status);
            }
            assert_eq!(
                page.header("x-content-type-options"),
                "nosniff",
                "{who} {path}"
            );
        }
    }
}

#[tokio::test]
async fn no_form_of_any_page_is_taken_from_another_site_or_without_its_proof() {
    let shop = open().await;
    shop.customer("ann").await;
    let mut ann = Browser::signed_in(&shop, ANN).await;
    let fields = [
        ("name", ANN),
        ("email", ANN),
        ("password", PASSWORD),
        ("csrf", "a.b"),
    ];
    let mut forms = 0;
    for route in routes() {
        let path = example(&route, "/p/nothing");
        let plain = ann.submit(&path, &fields).await;
        if matches!(plain.status, 404 | 405) {
            continue;
        }
        forms += 1;
        let refused = if WITHOUT_PROOF.contains(&path.as_str()) {
            303
        } else {
            403
        };
        assert_eq!(plain.status, refused, "{path}: a proof of somebody else's");
        for foreign in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "null"),
        ] {
            let page = ann.submit_with(&path, &fields, &[foreign]).await;
            assert_eq!(page.status, 403, "{path} {foreign:?}");
        }
    }
    assert!(forms >= 6, "{forms}");
    assert_eq!(ann.get("/account").await.status, 200, "still signed in");
}
