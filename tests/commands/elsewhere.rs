//! `souk import products` into a shop that is elsewhere, by its public API: what a file becomes there is what it
//! becomes in a folder.

use crate::{
    daily::{Desk, open},
    files::WHOLE,
    refusal,
};
use serde_json::json;
use testkit::{Folder, on_both_stores, run, run_with};

on_both_stores! {
    open:
    a_file_of_products_becomes_the_same_elsewhere_as_in_a_folder,
    products_that_are_long_together_go_in_several_requests_and_bad_ones_are_named,
    who_is_no_admin_gets_no_file_and_brings_none,
}

async fn a_file_of_products_becomes_the_same_elsewhere_as_in_a_folder(desk: Desk) {
    let files = Folder::default();
    let file = files.write("whole.jsonl", WHOLE);
    let url = ["--url", desk.shop.url()];
    let import = [&["import", "products", &file][..], &url].concat();
    let dry = desk.try_to(&import).await;
    assert!(
        dry.out
            .starts_with("dry run, nothing written: would have created 3,"),
        "{dry:?}"
    );
    let none = desk.admin.get("/api/v1/products?status=active").await;
    assert_eq!(none.json["data"], json!([]));
    let commit = [&import[..], &["--commit"]].concat();
    for report in [
        "created 3, updated 0, unchanged 0, bad lines 0;",
        "created 0, updated 0, unchanged 3, bad lines 0;",
    ] {
        let said = desk.does(&commit).await;
        assert!(said.starts_with(report), "{said}");
    }
    let data = files.at("data");
    let near = ["import", "products", &file, "--commit", "--data", &data];
    let near = run(&near, "").await;
    assert_eq!(near.code, 0, "{near:?}");
    let out = ["export", "products", "-"];
    let near = run(&[&out[..], &["--data", &data]].concat(), "").await;
    let far = desk.does(&[&out[..], &url].concat()).await;
    // Those of one moment are in no order.
    let sorted = |out: &str| {
        let mut lines: Vec<String> = out.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&far), sorted(&near.out));
    desk.shop.verify().await;
}

async fn products_that_are_long_together_go_in_several_requests_and_bad_ones_are_named(desk: Desk) {
    let text = "tea ".repeat(4_900);
    let product = |number: usize| {
        let price = json!(format!("{number}.00"));
        json!({"sku": format!("L-{number}"), "name": "Long", "price": price, "description": text})
    };
    let mut lines: Vec<String> = (0..120).map(|number| product(number).to_string()).collect();
    let long = json!({"sku": "L-X", "name": "x".repeat(201), "price": "1.00"});
    lines.insert(70, long.to_string());
    lines.insert(71, "{".to_owned());
    let files = Folder::default();
    let file = files.write("long.jsonl", lines.join("\n"));
    let words = [
        "import",
        "products",
        &file,
        "--commit",
        "--url",
        desk.shop.url(),
    ];
    let said = desk.try_to(&words).await;
    assert_eq!(refusal(&said), "souk: 2 lines were refused");
    let report = "created 120, updated 0, unchanged 0, bad lines 2;";
    assert!(said.out.starts_with(report), "{said:?}");
    for line in ["line 71: ", "line 72: EOF"] {
        assert!(said.err.contains(line), "{line}: {}", said.err);
    }
    desk.shop.verify().await;
}

async fn who_is_no_admin_gets_no_file_and_brings_none(desk: Desk) {
    let ann = desk.shop.customer("ann").await;
    assert_eq!(ann.get("/api/v1/orders").await.status, 200, "her own");
    for what in ["orders", "earlier-orders", "stock", "customers"] {
        let words = [
            "export",
            what,
            "-",
            "--url",
            desk.shop.url(),
            "--email",
            "ann@souk.example",
        ];
        let said = run_with(&words, &[], testkit::PASSWORD).await;
        assert!(refusal(&said).contains("403 "), "{what}: {said:?}");
    }
    let files = Folder::default();
    let file = files.write("whole.jsonl", WHOLE);
    let words = [
        "import",
        "products",
        &file,
        "--commit",
        "--url",
        desk.shop.url(),
    ];
    let stranger = [&words[..], &["--email", "ann@souk.example"]].concat();
    let refused = run_with(&stranger, &[], testkit::PASSWORD).await;
    assert!(refusal(&refused).contains("403 "), "{refused:?}");
    let none = desk.admin.get("/api/v1/products").await;
    assert_eq!(none.json["data"], json!([]), "nothing was made");
}
