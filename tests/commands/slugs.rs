//! Addresses of products' pages in files of products, with a shop on its own files and with one on PostgreSQL: they go
//! out and come in again, are exchanged in the order of the lines, and are never two products'.

use testkit::{Folder, Said, postgres::Postgres, run_with};

/// Two of one name, the first of which is no longer shown first; and one whose address says more than its name.
const PAGES: &str = "\
{\"sku\":\"S-1\",\"name\":\"Teapot\",\"price_minor\":4250,\"currency\":\"USD\",\"status\":\"draft\"}
{\"sku\":\"S-2\",\"name\":\"Teapot\",\"price_minor\":4350,\"currency\":\"USD\"}
{\"sku\":\"S-3\",\"name\":\"Cup\",\"price_minor\":900,\"currency\":\"USD\",\"slug\":\"the-cup\"}
";

async fn at(words: &[&str], place: &str) -> Said {
    let settings = [("SOUK_DB", place), ("SOUK_POSTGRES__MIGRATE", "true")];
    run_with(words, &settings, "").await
}

async fn import(files: &Folder, lines: &str, place: &str) -> Said {
    let file = files.write("in.jsonl", lines);
    at(&["import", "products", &file, "--commit"], place).await
}

async fn exported(file: &str, place: &str) -> String {
    let said = at(&["export", "products", file], place).await;
    assert_eq!(said.code, 0, "{said:?}");
    std::fs::read_to_string(file).expect("what was exported")
}

/// SKUs and addresses, as the shop tells them.
async fn told(files: &Folder, place: &str) -> Vec<String> {
    let lines = exported(&files.at("told.jsonl"), place).await;
    let row = |line: &str| {
        let product: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let [sku, slug] =
            ["sku", "slug"].map(|field| product[field].as_str().unwrap_or_default().to_owned());
        format!("{sku} {slug}")
    };
    let mut rows: Vec<String> = lines.lines().map(row).collect();
    rows.sort();
    rows
}

/// A line about what is there by now, with this address.
fn line(sku: &str, slug: &str) -> String {
    let known = PAGES.lines().find(|line| line.contains(sku));
    let whole = known
        .unwrap_or("{\"sku\":\"S-9\",\"name\":\"New\",\"price_minor\":1,\"currency\":\"USD\"}");
    let mut product: serde_json::Value = serde_json::from_str(whole).expect("a line");
    product["slug"] = slug.into();
    format!("{product}\n")
}

async fn addresses_come_back(files: &Folder, fresh: impl Fn(&str) -> String) {
    let first = fresh("first");
    let said = import(files, PAGES, &first).await;
    assert!(said.out.starts_with("created 3,"), "{said:?}");
    let pages = ["S-1 teapot", "S-2 teapot-2", "S-3 the-cup"];
    assert_eq!(told(files, &first).await, pages);
    for end in ["jsonl", "csv"] {
        let file = files.at(&format!("all.{end}"));
        let before = exported(&file, &first).await;
        let again = at(&["import", "products", &file, "--commit"], &first).await;
        assert!(
            again.out.starts_with("created 0, updated 0, unchanged 3,"),
            "{again:?}"
        );
        let other = fresh(end);
        let said = at(&["import", "products", &file, "--commit"], &other).await;
        assert!(said.out.starts_with("created 3,"), "{said:?}");
        assert_eq!(
            exported(&files.at(&format!("copy.{end}")), &other).await,
            before
        );
        assert_eq!(told(files, &other).await, pages);
    }
    addresses_change_hands(files, &first).await;
    addresses_of_others_are_refused(files, &first).await;
}

/// What one lets go of the next may have, also in one file; a line that says nothing of it keeps it.
async fn addresses_change_hands(files: &Folder, first: &str) {
    let turns = [
        line("S-3", "a-cup"),
        line("S-2", "the-cup"),
        line("S-9", "teapot-2"),
    ]
    .concat();
    let said = import(files, &turns, first).await;
    assert!(said.out.starts_with("created 1, updated 2,"), "{said:?}");
    let said = import(files, PAGES.lines().next().unwrap_or_default(), first).await;
    assert!(
        said.out.starts_with("created 0, updated 0, unchanged 1,"),
        "{said:?}"
    );
    let turned = ["S-1 teapot", "S-2 the-cup", "S-3 a-cup", "S-9 teapot-2"];
    assert_eq!(told(files, first).await, turned);
}

async fn addresses_of_others_are_refused(files: &Folder, first: &str) {
    let before = exported(&files.at("before.jsonl"), first).await;
    let wrong = [
        ("S-1", "a-cup", "slug a-cup is another product's"),
        ("S-8", "the-cup", "slug the-cup is another product's"),
        (
            "S-3",
            "Not a slug",
            "slug must be 1 to 80 of a-z, 0-9 and -",
        ),
        ("S-3", "facets", "slug is an address of the shop's own"),
    ];
    let lines: String = wrong
        .iter()
        .map(|(sku, slug, _)| line(sku, slug).replace("S-9", sku))
        .collect();
    let said = import(files, &lines, first).await;
    assert!(
        said.out
            .starts_with("created 0, updated 0, unchanged 0, bad lines 4;"),
        "{said:?}"
    );
    for (number, (.., why)) in (1..).zip(wrong) {
        let told = format!("line {number}: {why}");
        assert!(said.err.contains(&told), "{told}: {said:?}");
    }
    assert_eq!(exported(&files.at("after.jsonl"), first).await, before);
    let twice = [
        line("S-7", "one").replace("S-9", "S-7"),
        line("S-8", "one").replace("S-9", "S-8"),
    ]
    .concat();
    let said = import(files, &twice, first).await;
    assert!(
        said.out
            .starts_with("created 1, updated 0, unchanged 0, bad lines 1;"),
        "{said:?}"
    );
    assert!(
        said.err.contains("line 2: slug one is another product's"),
        "{said:?}"
    );
}

#[tokio::test]
async fn addresses_of_pages_go_out_and_in_again_by_files() {
    let files = Folder::default();
    addresses_come_back(&files, |name| format!("sqlite:{}", files.at(name))).await;
}

#[tokio::test]
async fn addresses_of_pages_go_out_and_in_again_on_postgresql() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    addresses_come_back(&Folder::default(), |_| server.database()).await;
}
