//! `souk export products`, and files of products as other shops write them. The header lines are theirs, the products
//! are made up here.

use crate::refusal;
use std::future::{Ready, ready};
use std::os::unix::fs::PermissionsExt;
use testkit::{Folder, Said, Shop, on_both_stores, postgres::Postgres, run_with};

/// A product of two variants and one picture more, a draft, and one whose price is missing.
const SHOPIFY: &str = "\
Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,\
Option2 Value,Option3 Name,Option3 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,\
Variant Inventory Policy,Variant Fulfillment Service,Variant Price,Variant Compare At Price,Variant Requires Shipping,\
Variant Taxable,Variant Barcode,Image Src,Image Position,Image Alt Text,Gift Card,SEO Title,SEO Description,\
Variant Image,Variant Weight Unit,Variant Tax Code,Cost per item,Status
shirt,Linen shirt,<p>Light &amp; cool</p>,Loom,Apparel > Shirts,,\"linen, summer\",true,Size,S,,,,,SH-S,200,shopify,4,\
deny,manual,39.90,59.90,true,true,,https://cdn.example/a.jpg,1,,false,,,,g,,,active
shirt,,,,,,,,,M,,,,,SH-M,250,shopify,2,deny,manual,41.00,,true,true,,https://cdn.example/b.jpg,2,,,,,\
https://cdn.example/m.jpg,g,,,
shirt,,,,,,,,,,,,,,,,,,,,,,,,,https://cdn.example/c.jpg,3,,,,,,,,,
secret,Secret mug,,Loom,,Kitchen,,false,Title,Default Title,,,,,MUG,300,shopify,9,deny,manual,5.00,,true,true,,,,,\
false,,,,g,,,draft
broken,Broken,,Loom,,Kitchen,,true,Title,Default Title,,,,,BROKEN,300,shopify,9,deny,manual,,,true,true,,,,,\
false,,,,g,,,\
active
";

/// A simple product, a variable one with a variation, and a group.
const WOOCOMMERCE: &str = "\
ID,Type,SKU,\"GTIN, UPC, EAN, or ISBN\",Name,Published,\"Is featured?\",\"Visibility in catalog\",\
\"Short description\",\
Description,\"Date sale price starts\",\"Date sale price ends\",\"Tax status\",\"Tax class\",\"In stock?\",Stock,\
\"Low stock amount\",\"Backorders allowed?\",\"Sold individually?\",\"Weight (kg)\",\"Length (cm)\",\"Width (cm)\",\
\"Height (cm)\",\"Allow customer reviews?\",\"Purchase note\",\"Sale price\",\"Regular price\",Categories,Tags,\
\"Shipping class\",Images,\"Download limit\",\"Download expiry days\",Parent,\"Grouped products\",Upsells,Cross-sells,\
\"External URL\",\"Button text\",Position,Brands,\"Attribute 1 name\",\"Attribute 1 value(s)\",\
\"Attribute 1 visible\",\"Attribute 1 global\"
12,simple,TEA,,Tea,1,0,visible,,<b>Green</b>,,,taxable,,1,7,,0,0,\"0,25\",,,,1,,\"3,00\",\"3,99\",\
\"Food > Tea, Gifts\",,,\"https://cdn.example/tea.jpg, https://cdn.example/pot.jpg\",,,,,,,,,0,,,,,
20,variable,SHIRT,,Shirt,1,0,visible,,Light,,,taxable,,1,,,0,0,,,,,1,,,,Clothing,,,,,,,,,,,,0,,Size,S,1,1
21,variation,SHIRT-S,,\"Shirt - S\",1,0,visible,,,,,taxable,parent,1,4,,0,0,,,,,0,,,20,,,,\
https://cdn.example/s.jpg,,,SHIRT,,,,,,1,,Size,S,,1
30,grouped,SET,,Set,1,0,visible,,,,,taxable,,1,,,0,0,,,,,1,,,,,,,,,,,\"TEA, SHIRT\",,,,,0,,,,,
";

/// Texts that spreadsheets would run, lists, categories within categories, products that are not on sale.
const ODD: &str = "\
{\"sku\":\"=A-1\",\"name\":\"=1+1\",\"price_minor\":399,\"currency\":\"USD\",\"stock\":5,\
\"description\":\"two\\n\\\"lines\\\", and more\"}
{\"sku\":\"A-2\",\"name\":\"'tis, a cup\",\"price\":\"4.50\",\"currency\":\"EUR\",\
\"category_path\":[\"Home\",\"Cups > mugs\"],\"attributes\":{\"sizes\":[\"s\",4],\"new\":true,\"weight\":1.5}}
{\"sku\":\"A-3\",\"name\":\"Pot\",\"price_minor\":4250,\"currency\":\"JPY\",\"status\":\"draft\",\
\"image_url\":\"https://cdn.example/pot.jpg\"}
{\"sku\":\"A-4\",\"name\":\"Old pot\",\"price_minor\":1,\"currency\":\"USD\",\"status\":\"archived\",\
\"category_path\":[\"Home\"]}
{\"sku\":\"A-5\",\"name\":\"Cap\",\"price_minor\":500,\"currency\":\"USD\",\
\"options\":[{\"name\":\"Size\",\"values\":[\"S\",\"M\",\"L\"]}],\
\"variants\":[{\"sku\":\"A-5\",\"price_minor\":500,\"stock\":2,\"values\":[\"S\"]},\
{\"sku\":\"=A-6\",\"price_minor\":400,\"stock\":3,\"values\":[\"M\"]}]}
";

/// Runs this against a shop in this folder, or in this database.
async fn at(words: &[&str], place: &str) -> Said {
    let settings = [("SOUK_DB", place), ("SOUK_POSTGRES__MIGRATE", "true")];
    run_with(words, &settings, "").await
}

async fn import(file: &str, place: &str) -> Said {
    at(&["import", "products", file, "--commit"], place).await
}

async fn export(file: &str, place: &str) -> String {
    export_of("products", file, place).await
}

async fn export_of(what: &str, file: &str, place: &str) -> String {
    let said = at(&["export", what, file], place).await;
    assert_eq!(said.code, 0, "{said:?}");
    std::fs::read_to_string(file).unwrap_or(said.out)
}

/// The named fields of each product, as the shop tells them.
async fn told(place: &str, fields: &[&str]) -> Vec<String> {
    let lines = export("-", place).await;
    let row = |line: &str| {
        let product: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
        let fields = fields.iter().map(|field| product[*field].to_string());
        fields.collect::<Vec<_>>().join(" ")
    };
    let mut rows: Vec<String> = lines.lines().map(row).collect();
    rows.sort();
    rows
}

/// Where the pictures of each product are that has any, the first one first.
async fn pictures(place: &str) -> Vec<(String, Vec<String>)> {
    let lines = export("-", place).await;
    let of = |line: &str| {
        let product: serde_json::Value = serde_json::from_str(line).ok()?;
        let further = product.pointer("/attributes/image_urls").cloned();
        let further = further.unwrap_or_else(|| serde_json::json!([]));
        let mut all = vec![product["image_url"].as_str()?.to_owned()];
        let further = further.as_array()?.iter();
        all.extend(further.filter_map(|one| one.as_str().map(str::to_owned)));
        let names = all
            .iter()
            .map(|one| one.replace("https://cdn.example/", ""));
        Some((product["sku"].as_str()?.to_owned(), names.collect()))
    };
    let mut all: Vec<_> = lines.lines().filter_map(of).collect();
    all.sort();
    all
}

/// What each product weighs that has a weight, in grams.
async fn weights(place: &str) -> Vec<(String, u64)> {
    let lines = export("-", place).await;
    let weight = |line: &str| {
        let product: serde_json::Value = serde_json::from_str(line).ok()?;
        let grams = product.pointer("/attributes/weight_grams")?.as_u64()?;
        Some((product["sku"].as_str()?.to_owned(), grams))
    };
    let mut weights: Vec<_> = lines.lines().filter_map(weight).collect();
    weights.sort();
    weights
}

fn folder(files: &Folder, name: &str) -> String {
    format!("sqlite:{}", files.at(name))
}

/// Files, and a place for a shop: a folder, or the database that these settings name.
fn place(settings: &[(&str, &str)]) -> Ready<(Folder, String)> {
    let files = Folder::default();
    let named = settings.iter().find(|(name, _)| *name == "SOUK_DB");
    let place = named.map_or_else(|| folder(&files, "data"), |(_, url)| (*url).to_owned());
    ready((files, place))
}

on_both_stores! {
    place:
    a_product_file_of_shopify_is_read_as_it_comes,
    an_export_of_woocommerce_is_read_as_it_comes,
    orders_stock_and_accounts_are_written_beside_an_open_shop,
}

#[tokio::test]
async fn what_is_exported_is_read_back_as_it_was() {
    let files = Folder::default();
    let (file, first) = (files.write("odd.jsonl", ODD), folder(&files, "first"));
    assert_eq!(import(&file, &first).await.code, 0);
    let lines = export("-", &first).await;
    assert_eq!(lines.lines().count(), 5, "{lines}");
    for name in ["all.jsonl", "all.csv"] {
        let file = files.at(name);
        let written = export(&file, &first).await;
        assert!(!std::path::Path::new(&format!("{file}.part")).exists());
        assert_eq!(
            written.starts_with("sku,name,"),
            name == "all.csv",
            "{written}"
        );
        let again = import(&file, &first).await;
        assert!(
            again.out.starts_with("created 0, updated 0, unchanged 5,"),
            "{again:?}"
        );
        let other = folder(&files, &format!("other-{name}"));
        assert_eq!(import(&file, &other).await.code, 0);
        assert_eq!(export("-", &other).await, lines);
    }
    let table = export(&files.at("all.csv"), &first).await;
    let cells = table
        .split([',', '\n'])
        .filter(|cell| cell.starts_with(['=', '+', '@']));
    assert_eq!(cells.count(), 0, "{table}");
}

/// Products that go with each other, also with what comes later; one that waits for its day, and one whose days are
/// numbered; with and without options, each with a picture somewhere.
pub(crate) const WHOLE: &str = "\
{\"sku\":\"W-1\",\"name\":\"Teapot\",\"price_minor\":4250,\"currency\":\"USD\",\"stock\":3,\
\"related\":[\"W-3\",\"W-2\"],\"image_url\":\"https://cdn.example/pot.jpg\",\
\"attributes\":{\"colour\":\"black\",\"weight_grams\":900},\"category_path\":[\"Home\",\"Pots\"],\
\"unpublish_at\":\"2099-12-24T18:00:00Z\"}
{\"sku\":\"W-2\",\"name\":\"Cup\",\"price_minor\":900,\"currency\":\"USD\",\"status\":\"draft\",\
\"publish_at\":\"2099-01-01T00:00:00Z\",\"unpublish_at\":\"2099-02-01T00:00:00Z\"}
{\"sku\":\"W-3\",\"name\":\"Cosy\",\"price_minor\":1500,\"currency\":\"USD\",\"related\":[\"W-1\"],\
\"options\":[{\"name\":\"Size\",\"values\":[\"S\",\"M\"]}],\
\"variants\":[{\"sku\":\"W-3\",\"price_minor\":1500,\"stock\":2,\"values\":[\"S\"]},\
{\"sku\":\"W-3-M\",\"price_minor\":1700,\"stock\":1,\"values\":[\"M\"]}]}
";

/// What is exported of a shop, as both kinds of file, makes the same shop: what is exported of that is the same, byte
/// for byte.
async fn comes_back_whole(files: &Folder, fresh: impl Fn(&str) -> String) {
    let (file, first) = (files.write("whole.jsonl", WHOLE), fresh("first"));
    let import = ["import", "products", &file, "--commit"];
    let said = at(&import, &first).await;
    assert!(said.out.starts_with("created 3,"), "{said:?}");
    let kinds = ["all.jsonl", "all.csv"].map(|name| files.at(name));
    let mut before = Vec::new();
    for kind in &kinds {
        before.push(export(kind, &first).await);
    }
    for word in [
        "publish_at",
        "2099-12-24T18:00:00Z",
        "W-3-M",
        "cdn.example/pot.jpg",
        "colour",
    ] {
        assert!(
            before.iter().all(|text| text.contains(word)),
            "{word}: {before:?}"
        );
    }
    assert!(
        before[0].contains("\"related\":[\"W-3\",\"W-2\"]"),
        "{}",
        before[0]
    );
    let again = at(&["import", "products", &kinds[0], "--commit"], &first).await;
    assert!(
        again.out.starts_with("created 0, updated 0, unchanged 3,"),
        "{again:?}"
    );
    for kind in &kinds {
        let other = fresh(if kind.ends_with("csv") {
            "by-csv"
        } else {
            "by-lines"
        });
        let said = at(&["import", "products", kind, "--commit"], &other).await;
        assert!(said.out.starts_with("created 3,"), "{said:?}");
        for (kind, before) in kinds.iter().zip(&before) {
            let copy = format!(
                "{kind}.copy.{}",
                if kind.ends_with("csv") {
                    "csv"
                } else {
                    "jsonl"
                }
            );
            assert_eq!(&export(&copy, &other).await, before);
        }
    }
    let odd = files.write("odd-related.jsonl", WHOLE.replace("\"W-2\"]", "\"W-9\"]"));
    let said = at(&["import", "products", &odd, "--commit"], &first).await;
    assert!(said.err.contains("no product has the SKU W-9"), "{said:?}");
    assert_eq!(
        export(&kinds[0], &first).await,
        before[0],
        "nothing of it was kept"
    );
}

#[tokio::test]
async fn a_whole_shop_goes_out_and_in_again_by_files() {
    let files = Folder::default();
    comes_back_whole(&files, |name| folder(&files, name)).await;
}

#[tokio::test]
async fn a_whole_shop_goes_out_and_in_again_on_postgresql() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    comes_back_whole(&Folder::default(), |_| server.database()).await;
}

async fn a_product_file_of_shopify_is_read_as_it_comes((files, data): (Folder, String)) {
    let file = files.write("products_export_1.csv", SHOPIFY);
    let dry = at(&["import", "products", &file], &data).await;
    assert!(
        dry.out
            .starts_with("dry run, nothing written: would have created 2,"),
        "{dry:?}"
    );
    let said = import(&file, &data).await;
    assert_eq!(refusal(&said), "souk: 1 lines were refused");
    assert!(
        said.err.contains("line 6: the price is missing"),
        "{said:?}"
    );
    assert_eq!(
        told(
            &data,
            &[
                "sku",
                "name",
                "price_minor",
                "stock",
                "status",
                "category_path"
            ]
        )
        .await,
        [
            r#""MUG" "Secret mug" 500 9 "draft" ["Kitchen"]"#,
            r#""SH-S" "Linen shirt" 3990 6 "active" ["Apparel","Shirts"]"#,
        ]
    );
    assert_eq!(
        weights(&data).await,
        [("MUG".to_owned(), 300), ("SH-S".to_owned(), 250)],
        "the heaviest of its variants'"
    );
    let shown = ["a.jpg", "b.jpg", "c.jpg", "m.jpg"].map(str::to_owned);
    assert_eq!(
        pictures(&data).await,
        [("SH-S".to_owned(), shown.to_vec())],
        "its variants' come last"
    );
    let again = import(&file, &data).await;
    assert!(
        again.out.starts_with("created 0, updated 0, unchanged 2,"),
        "{again:?}"
    );
}

async fn an_export_of_woocommerce_is_read_as_it_comes((files, data): (Folder, String)) {
    let content = format!("\u{feff}{WOOCOMMERCE}");
    let file = files.write("wc-product-export.csv", content);
    let said = import(&file, &data).await;
    assert_eq!(said.code, 0, "{said:?}");
    let report = "created 2, updated 0, unchanged 0, left out 1, bad lines 0;";
    assert!(said.out.starts_with(report), "{said:?}");
    assert!(
        said.err.contains("line 5: a group of other products"),
        "{said:?}"
    );
    assert_eq!(
        told(
            &data,
            &[
                "sku",
                "name",
                "description",
                "price_minor",
                "stock",
                "category_path"
            ]
        )
        .await,
        [
            r#""SHIRT-S" "Shirt" "Light" 2000 4 ["Clothing"]"#,
            r#""TEA" "Tea" "Green" 300 7 ["Food","Tea"]"#,
        ],
        "what is paid today"
    );
    let shown = |sku: &str, names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned());
        (sku.to_owned(), names.collect::<Vec<_>>())
    };
    assert_eq!(
        pictures(&data).await,
        [
            shown("SHIRT-S", &["s.jpg"]),
            shown("TEA", &["tea.jpg", "pot.jpg"])
        ]
    );
    assert_eq!(weights(&data).await, [("TEA".to_owned(), 250)]);
}

#[tokio::test]
async fn a_table_that_nobody_knows_is_refused_by_name() {
    let files = Folder::default();
    let data = folder(&files, "data");
    let file = files.write("people.csv", "name,age\nann,3\n");
    let said = import(&file, &data).await;
    assert!(
        refusal(&said).contains("people.csv cannot be read: it is neither"),
        "{said:?}"
    );
    let said = at(&["export", "products", &files.at("x.csv")], &data).await;
    assert!(refusal(&said).contains("there is no shop"), "{said:?}");
}

async fn orders_stock_and_accounts_are_written_beside_an_open_shop(
    (files, data): (Folder, String),
) {
    let settings = [
        ("SOUK_DB", data.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
    ];
    let mut shop = Shop::start_with(&settings).await;
    let tea = shop.admin().await.sell("=Tea", 399, 5).await;
    let ann = shop.customer("ann").await;
    let order = ann.buy("k1", &tea, 2, "tok_ok").await;
    let id = order.str("/id");
    let orders = export_of("orders", &files.at("orders.csv"), &data).await;
    let rows: Vec<&str> = orders.lines().collect();
    assert_eq!(rows.len(), 2, "{orders}");
    assert!(
        rows[0].starts_with("number,id,status,created_at,"),
        "{orders}"
    );
    assert!(
        rows[1].contains(id) && rows[1].contains(",paid,"),
        "{orders}"
    );
    assert!(rows[1].contains(",'=Tea,2,3.99,7.98,7.98,USD,"), "{orders}");
    let line = export_of("orders", "-", &data).await;
    let line: serde_json::Value = serde_json::from_str(&line).unwrap_or_default();
    assert_eq!(line["items"][0]["quantity"], 2);
    let stock = export_of("stock", &files.at("stock.csv"), &data).await;
    assert!(
        stock
            .lines()
            .nth(1)
            .is_some_and(|row| row.ends_with(",3,0,3")),
        "{stock}"
    );
    let file = files.at("people.csv");
    let people = export_of("customers", &file, &data).await;
    assert!(
        people.contains(ann.user_id()) && !people.contains("argon2"),
        "{people}"
    );
    let mode = std::fs::metadata(&file).map(|about| about.permissions().mode() & 0o777);
    assert_eq!(mode.ok(), Some(0o600));
}
