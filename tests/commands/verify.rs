//! `souk verify`: what it says of books that balance, of books that do not, and of no books.

use crate::{note, refusal};
use futures_util::{StreamExt, stream};
use serde_json::json;
use std::process::Command;
use testkit::{Folder, Shop, run};

/// Books at a time in one test: verification mostly waits, to look a second time at what does not fit.
const AT_A_TIME: usize = 4;

/// Takes a database and a statement.
const PROGRAM: &str = "import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
c.executescript(sys.argv[2])
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

/// Damage, and what verification says of it.
const DAMAGE: &[(&str, &str, &str)] = &[
    (
        "catalog.sqlite",
        "UPDATE reservation_lines SET unit_price_minor = 1, quantity = 3998 WHERE unit_price_minor = 1999",
        "a product of it never had that price then (I-5 price)",
    ),
    (
        "catalog.sqlite",
        "DROP TRIGGER variants_are_versioned_when_changed; UPDATE variants SET price_minor = 1 WHERE sku = 'TEA-1'",
        "its version 1 was kept with another price or status (I-9 versions)",
    ),
    (
        "orders.sqlite",
        "UPDATE orders SET version = 7 WHERE status = 'paid'",
        "its version is not the number of its moves (I-9 versions)",
    ),
    (
        "orders.sqlite",
        "DELETE FROM outbox WHERE name = 'orders.moved.v1'",
        "pending, paid happened, pending was told (I-16 events)",
    ),
    (
        "payments.sqlite",
        "DROP TRIGGER ledger_entries_never_change; UPDATE ledger_entries SET amount_minor = amount_minor + 1",
        "ledger: entry 1 was changed after it was written",
    ),
    (
        "payments.sqlite",
        "UPDATE ledger_accounts SET balance_minor = 5 WHERE account = 'sales'",
        "ledger: sales is kept with 5 USD, its entries add up to -3998 (I-11 ledger)",
    ),
    (
        "payments.sqlite",
        "UPDATE payments SET refunding_minor = 5",
        "keeps 5 wanted back and 0 given back, its refunds add up to 0 and 0",
    ),
    (
        "sandbox.sqlite",
        "UPDATE charges SET key = 'pay_00000000000000000000000000'",
        "took 39.98 USD for pay_00000000000000000000000000, which is no payment of ours (I-2 money)",
    ),
];

#[tokio::test]
async fn each_book_that_was_damaged_is_found_by_what_must_hold_of_it() {
    let found = async |(database, sql, said_of_it): &(&str, &str, &str)| {
        let shop = stopped_shop().await;
        if !damage(&shop.folder().join(database), sql) {
            return;
        }
        let data = shop.folder().to_str().unwrap_or_default();
        let said = run(&["verify", "--data", data], "").await;
        assert_eq!(refusal(&said), "souk: the books do not balance", "{sql}");
        assert!(said.out.contains(said_of_it), "{sql}: {}", said.out);
    };
    stream::iter(DAMAGE)
        .for_each_concurrent(AT_A_TIME, found)
        .await;
}

/// A stopped shop with an order of which two of three units came back by a return.
async fn shop_with_a_return() -> Shop {
    let mut shop = Shop::start_with(&[("SOUK_LOG_LEVEL", "warn")]).await;
    let admin = shop.admin().await;
    let tea = admin.sell("TEA-1", 1_999, 10).await;
    let ann = shop.customer("ann").await;
    let order = ann.buy("k1", &tea, 3, "tok_ok").await;
    let path = format!("/api/v1/orders/{}", order.str("/id"));
    let nothing = json!({});
    let sent = admin.post(&format!("{path}/ship"), &nothing).await;
    assert_eq!(sent.status, 200, "{}", sent.text);
    let wish = json!({"lines": [{"line": 1, "quantity": 2}], "reason": "too strong"});
    let returns = format!("{path}/returns");
    let asked = ann.post_with_key(&returns, "r", &wish).await;
    for step in ["approve", "receive"] {
        let path = format!("{returns}/{}/{step}", asked.str("/id"));
        let done = admin.post(&path, &nothing).await;
        assert_eq!(done.status, 200, "{}", done.text);
    }
    let refunded = |seen: &testkit::Answer| seen.str("/data/0/status") == "refunded";
    ann.get_until(&returns, refunded).await;
    let noted = |seen: &testkit::Answer| seen.json["data"].as_array().is_some_and(Vec::is_empty);
    admin.get_until("/api/v1/payments/sagas", noted).await;
    assert!(shop.stop().await);
    shop.verify().await;
    shop
}

/// What is done to a return's books, and what verification says of it; nothing where all is well.
type Spoilt = (&'static [(&'static str, &'static str)], &'static str);

const UNKNOWING: (&str, &str) = (
    "orders.sqlite",
    "UPDATE returns SET status = 'received', updated_at_ms = 0",
);
const UNPAID: (&str, &str) = (
    "payments.sqlite",
    "DELETE FROM refund_items; DELETE FROM refunds",
);

const SPOILT_RETURNS: &[Spoilt] = &[
    (
        &[("orders.sqlite", "UPDATE return_lines SET quantity = 4")],
        "(shipped): more of it comes back than was sent (I-1 stock)",
    ),
    (
        &[("orders.sqlite", "DELETE FROM shipment_lines")],
        "(shipped): more of it comes back than was sent (I-1 stock)",
    ),
    (
        &[(
            "orders.sqlite",
            "UPDATE returns SET refund_id = randomblob(16)",
        )],
        "which is not the refund of its name (I-2 money)",
    ),
    (
        &[("orders.sqlite", "UPDATE return_lines SET written_off = 1")],
        "0 units go on sale, its refund puts 2 there, or others (I-1 stock)",
    ),
    (
        &[UNKNOWING],
        "was paid back, and does not know of it (I-2 money)",
    ),
    (
        &[UNPAID],
        "is at its end, and its refund is not there (I-2 money)",
    ),
    (
        &[UNKNOWING, UNPAID],
        "came, and nobody pays it back (I-20 liveness)",
    ),
    (
        &[(
            "catalog.sqlite",
            "DROP TRIGGER reservation_returns_never_change; UPDATE reservation_returns SET quantity = 3",
        )],
        "the catalog took 3 for it, or others (I-1 stock)",
    ),
    (
        &[(
            "catalog.sqlite",
            "DROP TRIGGER reservation_returns_never_go; DELETE FROM reservation_returns",
        )],
        "the catalog took 0 for it, or others (I-1 stock)",
    ),
    (
        &[(
            "catalog.sqlite",
            "DROP TRIGGER reservation_returns_never_change; UPDATE reservation_returns SET refund_id = randomblob(16)",
        )],
        "which is no refund of it (I-1 stock)",
    ),
];

/// What verification says of a copy of a shop's books to which this was done.
async fn verified_copy(shop: &Shop, spoilt: &[(&str, &str)]) -> Option<testkit::Said> {
    let files = Folder::default();
    for file in std::fs::read_dir(shop.folder()).expect("the shop's folder") {
        let file = file.expect("a file of the shop");
        let to = files.at(file.file_name().to_str().unwrap_or_default());
        if file.path().is_file() {
            std::fs::copy(file.path(), to).expect("a copy");
        }
    }
    for (database, sql) in spoilt {
        if !damage(files.at(database).as_ref(), sql) {
            return None;
        }
    }
    Some(run(&["verify", "--data", &files.at("")], "").await)
}

#[tokio::test]
async fn each_book_of_a_return_that_was_spoilt_is_found_by_what_must_hold_of_it() {
    let shop = shop_with_a_return().await;
    let found = async |(spoilt, said_of_it): &Spoilt| {
        let Some(said) = verified_copy(&shop, spoilt).await else {
            return;
        };
        assert_eq!(
            refusal(&said),
            "souk: the books do not balance",
            "{spoilt:?}"
        );
        assert!(said.out.contains(said_of_it), "{spoilt:?}: {}", said.out);
    };
    stream::iter(SPOILT_RETURNS)
        .for_each_concurrent(AT_A_TIME, found)
        .await;
    // What waits to be told is owed, and not forgotten.
    let waits = (
        "orders.sqlite",
        "UPDATE outbox_cursor SET delivered_number = 0",
    );
    if let Some(said) = verified_copy(&shop, &[UNKNOWING, UNPAID, waits]).await {
        assert!(!said.out.contains("nobody pays it back"), "{}", said.out);
    }
}

#[tokio::test]
async fn an_admin_asks_a_running_shop_whether_its_books_balance_however_often() {
    let mut shop = Shop::start().await;
    let admin = shop.admin().await;
    let tea = admin.sell("TEA-1", 1_999, 10).await;
    let ann = shop.customer("ann").await;
    assert_eq!(ann.buy("k1", &tea, 2, "tok_ok").await.status, 201);
    let asked = (0..8).map(|_| admin.get("/api/v1/audit"));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["balanced"], true, "{}", answer.text);
        assert_eq!(answer.json["counts"]["orders"], 1);
        assert_eq!(answer.json["counts"]["ledger_entries"], 2);
    }
    assert_eq!(ann.get("/api/v1/audit").await.status, 403);
}

/// A line of a history: somebody ordered and was told this.
fn told(buyer: &str, variant: &str, order: &str, body: &str) -> String {
    let operation = serde_json::json!({
        "user": buyer, "action": {"place": {"lines": [[variant, 2]], "method": "tok_ok"}}, "key": "k1",
        "means": order, "based_on": null, "start": "2026-01-01T00:00:00Z", "end": null, "outcome": {"unknown": null},
    });
    let outcome = serde_json::json!({"ok": {"status": 201, "body": body}});
    let began = serde_json::json!({"began": operation});
    let ended = serde_json::json!({"ended": {"number": 0, "at": "2026-01-01T00:00:01Z", "outcome": outcome}});
    format!("{began}\n{ended}\n")
}

#[tokio::test]
async fn what_a_client_was_told_and_what_is_not_there_is_named() {
    let mut shop = Shop::start_with(&[("SOUK_LOG_LEVEL", "warn")]).await;
    let admin = shop.admin().await;
    let tea = admin.sell("TEA-1", 1_999, 10).await;
    let view = admin.get(&format!("/api/v1/products/{tea}")).await;
    let (variant, ann) = (view.str("/variants/0/id"), shop.customer("ann").await);
    let order = ann.buy("k1", &tea, 2, "tok_ok").await;
    assert_eq!(order.status, 201, "{}", order.text);
    assert!(shop.stop().await);
    let files = Folder::default();
    let data = shop.folder().to_str().unwrap_or_default();
    let shelf = serde_json::json!({"shelf": {
        "variant": variant, "units": 10, "price": view.json["variants"][0]["price"],
    }});
    let lost = order
        .text
        .replace(order.str("/id"), "ord_00000000000000000000000001");
    for (body, code, says) in [
        (
            &order.text,
            0,
            "1 requests held against the books: 0 promises broken",
        ),
        (
            &lost,
            1,
            "was acknowledged, and is not there (I-6 durability)",
        ),
    ] {
        let lines = format!(
            "{{\"patience\":9000}}\n{shelf}\n{}",
            told(ann.user_id(), variant, order.str("/id"), body)
        );
        let history = files.write("history.jsonl", lines);
        let said = run(&["verify", "--data", data, "--history", &history], "").await;
        assert_eq!(said.code, code, "{}{}", said.out, said.err);
        assert!(said.out.contains(says), "{}", said.out);
    }
}
