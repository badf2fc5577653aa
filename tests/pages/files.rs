//! The style sheet, the pictures, what errors mean, and what a command line is told.

use crate::browser::{Browser, all, open};
use contracts::problem::Code;
use reqwest::Method;

#[tokio::test]
async fn the_style_sheet_is_small_and_kept_for_good() {
    let shop = open().await;
    let mut visitor = Browser::new(&shop);
    let home = visitor.get("/").await;
    let sheets = all(&home, "<link rel=\"stylesheet\" href=\"");
    assert_eq!(sheets.len(), 1);
    let sheet = visitor.get(sheets[0]).await;
    assert_eq!(
        (sheet.status, sheet.header("content-type")),
        (200, "text/css; charset=utf-8")
    );
    assert!(sheet.text.len() < 20_000, "{}", sheet.text.len());
    assert_eq!(
        sheet.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert!(sheet.text.contains("prefers-color-scheme: dark"));
    assert!(
        !sheet.text.contains("@import") && !sheet.text.contains("http"),
        "nothing from elsewhere"
    );
    assert!(visitor.set.is_empty());
    let known = ("if-none-match", sheet.header("etag"));
    let again = visitor.get_with(sheets[0], known).await;
    assert_eq!((again.status, again.text.as_str()), (304, ""));
    for other in ["/assets/souk.css", "/assets/souk.css?v=old"] {
        let sheet = visitor.get(other).await;
        assert_eq!(
            (sheet.status, sheet.header("cache-control")),
            (200, "no-cache"),
            "{other}"
        );
    }
    for none in [
        "/assets/",
        "/assets/other.css",
        "/assets/..%2fCargo.toml",
        "/assets/souk.css/x",
    ] {
        assert_eq!(visitor.get(none).await.status, 404, "{none}");
    }
}

#[tokio::test]
async fn pictures_draw_and_do_nothing_else() {
    let shop = open().await;
    let mut visitor = Browser::new(&shop);
    let home = visitor.get("/").await;
    let pictures = all(&home, "<img src=\"");
    assert_eq!(pictures.len(), 24);
    assert_eq!(
        home.text.matches("width=\"400\" height=\"400\"").count(),
        24,
        "nothing jumps"
    );
    assert!(home.text.matches("loading=\"lazy\"").count() >= 20);
    for address in pictures {
        let picture = visitor.get(address).await;
        assert_eq!(
            (picture.status, picture.header("content-type")),
            (200, "image/svg+xml")
        );
        let policy = picture.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("script"),
            "{policy}"
        );
        assert_eq!(picture.header("x-content-type-options"), "nosniff");
        assert!(
            picture.header("cache-control").contains("max-age="),
            "{address}"
        );
        assert!(
            picture.text.starts_with("<svg") && !picture.text.contains("<script"),
            "{address}"
        );
        let known = ("if-none-match", picture.header("etag"));
        assert_eq!(
            visitor.get_with(address, known).await.status,
            304,
            "{address}"
        );
    }
    for none in [
        "/media/demo/NO.svg",
        "/media/demo/..%2f..%2fproducts.jsonl",
        "/media/",
        "/media/demo/TEA-SENCHA",
    ] {
        assert_eq!(visitor.get(none).await.status, 404, "{none}");
    }
}

#[tokio::test]
async fn every_code_is_explained_at_the_address_that_problems_name() {
    let shop = open().await;
    let mut visitor = Browser::new(&shop);
    for code in Code::ALL {
        let page = visitor.get(&format!("/problems/{}", code.slug())).await;
        assert_eq!(page.status, 200, "{code:?}");
        for words in [
            format!("<code>{}</code>", code.slug()),
            format!("<td>{}</td>", code.status()),
            code.title().replace('\'', "&#39;"),
        ] {
            assert!(page.text.contains(&words), "{words}: {}", page.text);
        }
    }
    let problem = shop.visitor().get("/api/v1/me").await;
    let address = problem
        .str("/type")
        .strip_prefix(shop.url())
        .expect("an address of the shop");
    assert_eq!(visitor.get(address).await.status, 200, "{address}");
    assert_eq!(visitor.get("/problems/nothing").await.status, 404);
}

#[tokio::test]
async fn refusals_are_pages_for_people_and_problems_for_programs() {
    let shop = open().await;
    let mut visitor = Browser::new(&shop);
    for (path, status) in [
        ("/nowhere", 404),
        ("/p/nothing", 404),
        ("/sign-out", 405),
        ("/?cursor=x", 400),
    ] {
        let page = visitor.get(path).await;
        assert_eq!(
            (page.status, page.header("content-type")),
            (status, "text/html; charset=utf-8"),
            "{path}"
        );
        assert!(
            page.text.contains(page.header("x-request-id")),
            "{path}: {}",
            page.text
        );
        if path == "/?cursor=x" {
            continue;
        }
        let problem = visitor.get_with(path, ("accept", "application/json")).await;
        let kind = problem.header("content-type");
        assert_eq!(
            (problem.status, kind),
            (status, "application/problem+json"),
            "{path}"
        );
        assert_eq!(problem.str("/request_id"), problem.header("x-request-id"));
        assert_eq!(problem.str("/instance"), path);
    }
    for path in [
        "/api/v1/products/nothing",
        "/products/nothing",
        "/api/v1/orders",
        "/api/nothing",
    ] {
        let problem = visitor.get(path).await;
        assert_eq!(
            problem.header("content-type"),
            "application/problem+json",
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_command_line_is_told_in_plain_text_what_runs_here() {
    let shop = open().await;
    let curl = shop.visitor();
    let asked = curl
        .request(Method::GET, "/")
        .header("accept", "*/*")
        .header("user-agent", "curl/8.5.0");
    let bare = curl.request(Method::GET, "/");
    for request in [asked, bare] {
        let told = curl.send(request).await;
        assert_eq!(
            (told.status, told.header("content-type")),
            (200, "text/plain; charset=utf-8")
        );
        assert!(
            told.text.starts_with("Souk: ") && !told.text.contains('<'),
            "{}",
            told.text
        );
        assert!(told.header("vary").to_lowercase().contains("accept"));
        let addresses = told
            .text
            .lines()
            .filter_map(|line| line.split_whitespace().next());
        for address in addresses.filter(|word| word.starts_with('/')) {
            let answer = curl.get(address).await;
            assert!(
                matches!(answer.status, 200 | 401 | 405),
                "{address}: {}",
                answer.status
            );
        }
        assert!(told.text.ends_with("/api/v1/products?limit=3\n"));
    }
}
