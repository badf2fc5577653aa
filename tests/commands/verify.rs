//! `souk verify`: what it says of books that balance, of books that do not, and of no books.

use crate::{note, refusal};
use std::process::Command;
use testkit::{Folder, Shop, run};

/// Takes a database and a statement.
const PROGRAM: &str = "import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.execute(sys.argv[2])
c.commit()
c.close()";

/// Runs SQL on a database of a stopped shop; false if there is no Python to do it with.
fn damage(database: &std::path::Path, sql: &str) -> bool {
    match Command::new("python3")
        .args(["-c", PROGRAM])
        .arg(database)
        .arg(sql)
        .status()
    {
        Ok(status) => {
            assert!(status.success(), "{sql}");
            true
        }
        Err(_) => {
            note(
                "SKIPPED: without python3 no book can be damaged, so that verify finding it was not tested",
            );
            false
        }
    }
}

/// A stopped shop with a paid order and one that waits.
async fn stopped_shop() -> Shop {
    let mut shop = Shop::start_with(&[("SOUK_LOG_LEVEL", "warn")]).await;
    let admin = shop.admin().await;
    let (tea, cup) = (
        admin.sell("TEA-1", 1_999, 10).await,
        admin.sell("CUP-1", 700, 10).await,
    );
    let ann = shop.customer("ann").await;
    assert_eq!(ann.buy("k1", &tea, 2, "tok_ok").await.status, 201);
    assert_eq!(ann.order("k2", &cup, 3).await.status, 201);
    assert!(shop.stop().await);
    shop.verify().await;
    shop
}

#[tokio::test]
async fn a_folder_without_a_shop_is_said_and_left_alone() {
    let files = Folder::default();
    let data = files.at("data");
    let said = run(&["verify", "--data", &data], "").await;
    assert_eq!(refusal(&said), format!("souk: there is no shop in {data}"));
    assert!(!std::path::Path::new(&data).exists(), "nothing was made");
}

#[tokio::test]
async fn stock_that_drifted_is_found_and_named() {
    let shop = stopped_shop().await;
    let sql = "UPDATE stock SET on_hand = on_hand + 1 WHERE variant_number = \
               (SELECT variant_number FROM variants WHERE sku = 'TEA-1')";
    if !damage(&shop.folder().join("catalog.sqlite"), sql) {
        return;
    }
    let data = shop.folder().to_str().unwrap_or_default();
    let said = run(&["verify", "--data", data], "").await;
    assert_eq!(refusal(&said), "souk: the books do not balance");
    assert!(
        said.out.contains("stock of TEA-1: on hand 9 (ledger 8)"),
        "{}",
        said.out
    );
    assert!(
        !said.out.contains("CUP-1") && said.out.contains(": 1 violations"),
        "{}",
        said.out
    );
}

#[tokio::test]
async fn a_total_that_was_changed_is_found() {
    let shop = stopped_shop().await;
    if !damage(
        &shop.folder().join("orders.sqlite"),
        "UPDATE orders SET total_minor = 1 WHERE status = 'paid'",
    ) {
        return;
    }
    let data = shop.folder().to_str().unwrap_or_default();
    let said = run(&["verify", "--data", data], "").await;
    assert_eq!(refusal(&said), "souk: the books do not balance");
    assert!(
        said.out
            .contains("its total is 1, its lines add up to 3998"),
        "{}",
        said.out
    );
}

#[tokio::test]
async fn a_payment_that_vanished_is_found() {
    let shop = stopped_shop().await;
    if !damage(
        &shop.folder().join("payments.sqlite"),
        "DELETE FROM payments",
    ) {
        return;
    }
    let data = shop.folder().to_str().unwrap_or_default();
    let said = run(&["verify", "--data", data], "").await;
    assert_eq!(refusal(&said), "souk: the books do not balance");
    assert!(
        said.out.contains("(paid): 0 payments are captured"),
        "{}",
        said.out
    );
}
