//! The page of the system: backups at the push of a button where the shop is in a folder, and the nodes that share a
//! database, alike on all of them.

use crate::{browser::Browser, forms::send};
use std::{
    fs,
    path::{Path, PathBuf},
};
use testkit::{Folder, Shop, postgres::Postgres, run};

const ADMIN: &str = "admin@souk.example";
const HERE: &str = "/admin/system";
const BACKUP: &str = "/admin/system/backup";
/// The copies in a folder, by their names.
fn copies(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut copies: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    copies.sort();
    copies
}

#[tokio::test]
async fn a_backup_is_made_once_for_each_push_of_the_button_and_brings_the_shop_back() {
    let mut shop = Shop::start_with(&[("SOUK_BACKUPS__KEPT_MAX", "2")]).await;
    let admin = shop.admin().await;
    let tea = admin.sell("Tea", 250, 9).await;
    let ann = shop.customer("ann").await;
    let order = ann.buy("k", &tea, 1, "tok_ok").await.str("/id").to_owned();
    let mut browser = Browser::signed_in(&shop, ADMIN).await;
    let folder = shop.folder().join("backups");
    let mut page = browser.get(HERE).await;
    assert!(page.text.contains("There is none yet."), "{}", page.text);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let asked = page.clone();
        for _ in 0..2 {
            let pushed = send(&mut browser, (&asked, BACKUP), &[]).await;
            assert_eq!(pushed.status, 303, "{}", pushed.text);
        }
        page = browser
            .get_until(HERE, |page| page.text.contains("Make a backup now"))
            .await;
        let newest = copies(&folder).pop().expect("a copy");
        let name = newest.file_name().and_then(|name| name.to_str());
        assert!(page.text.contains(name.expect("a name")), "{}", page.text);
        assert!(page.text.contains(">Verified<"), "{}", page.text);
        assert!(!seen.contains(&newest), "each time another one");
        seen.push(newest);
    }
    assert_eq!(
        copies(&folder),
        seen[1..],
        "two pushes of one form are one; the newest two are kept"
    );
    let files = Folder::default();
    let back = files.at("back");
    let copy = seen[2].to_str().expect("a plain path");
    let said = run(&["restore", copy, "--data", &back], "").await;
    assert_eq!(said.code, 0, "{said:?}");
    let opened = Shop::start_with(&[("SOUK_DB", &format!("sqlite:{back}"))]).await;
    let again = ann
        .at(opened.url())
        .get(&format!("/api/v1/orders/{order}"))
        .await;
    assert_eq!((again.status, again.str("/status")), (200, "paid"));
    opened.verify().await;
    shop.verify().await;
}

#[tokio::test]
async fn a_backup_that_cannot_be_made_says_why_and_only_admins_ask_for_one() {
    let files = Folder::default();
    let taken = files.at("taken");
    fs::write(&taken, "a file").expect("it is written");
    let mut shop = Shop::start_with(&[("SOUK_BACKUPS__FOLDER", &taken)]).await;
    let admin = shop.admin().await;
    shop.merchant(&admin, "mel").await;
    let mut mel = Browser::signed_in(&shop, "mel@souk.example").await;
    let csrf = mel.proof("/admin/products/new").await;
    let closed = mel.submit(BACKUP, &[("csrf", &csrf), ("key", "k")]).await;
    assert_eq!(closed.status, 403, "{}", closed.text);
    let mut browser = Browser::signed_in(&shop, ADMIN).await;
    let page = browser.get(HERE).await;
    let pushed = send(&mut browser, (&page, BACKUP), &[]).await;
    let failed = browser.get(pushed.header("location")).await;
    assert!(
        failed.text.contains("No backup was made: ") && failed.text.contains("cannot be made"),
        "{}",
        failed.text
    );
    assert_eq!(fs::read_to_string(&taken).expect("it is there"), "a file");
}

#[tokio::test]
async fn on_a_database_of_several_nodes_the_page_says_what_to_use_and_every_node_sees_all() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = server.database();
    let settings = [
        ("SOUK_DB", database.as_str()),
        ("SOUK_POSTGRES__MIGRATE", "true"),
    ];
    let mut first = Shop::start_with(&settings).await;
    let second = Shop::start_with(&settings).await;
    first.admin().await;
    let address = |shop: &Shop| shop.url().trim_start_matches("http://").to_owned();
    let (one, other) = (address(&first), address(&second));
    let mut browsers = [
        Browser::signed_in(&first, ADMIN).await,
        Browser::signed_in(&second, ADMIN).await,
    ];
    for browser in &mut browsers {
        let page = browser.get(HERE).await;
        for shown in [&one, &other] {
            let cell = format!("<code>{shown}</code>");
            assert_eq!(page.text.matches(&cell).count(), 1, "{cell}: {}", page.text);
        }
        assert!(page.text.contains("pg_dump"), "{}", page.text);
        assert!(!page.text.contains(BACKUP), "{}", page.text);
        let csrf = browser.proof("/admin/products/new").await;
        let none = browser.submit(BACKUP, &[("csrf", &csrf)]).await;
        assert_eq!(none.status, 404, "{}", none.text);
    }
    assert!(first.stop().await);
    browsers[1]
        .get_until(HERE, |page| !page.text.contains(&one))
        .await;
}
