//! What only this form can show: how its statements are carried out.

use super::{PostgresStore, list::statement};
use crate::{
    domain::scope::Scope,
    store::{
        cursor,
        list::{After, List},
    },
};
use contracts::values::Timestamp;
use platform::db::postgres::{Database, Snapshot};
use serde_json::{Value, json};
use testkit::postgres::Postgres;

/// A few thousand products, so that it matters how they are found.
const MANY: &str = "
    INSERT INTO products (product_id, owner_id, slug, name, name_key, status, version, created_at_ms, updated_at_ms,
                          attributes, description)
    SELECT gen_random_uuid(), gen_random_uuid(), 'p' || n, 'p' || n, 'p' || n, 'active', 1, 1, 1, '{}', ''
      FROM generate_series(1, 5000) AS n;
    INSERT INTO variants (variant_id, product_number, position, sku, sku_key, price_minor, currency)
    SELECT gen_random_uuid(), product_number, 0, slug, slug, product_number % 900, 'USD' FROM products;
    INSERT INTO stock (variant_number, on_hand, reserved, version) SELECT variant_number, 1, 0, 1 FROM variants;
    ANALYZE products; ANALYZE variants; ANALYZE stock;";

/// How PostgreSQL would answer.
async fn plan(snapshot: &Snapshot, query: &Value) -> String {
    let query = serde_json::from_value(query.clone()).unwrap();
    let list = List::new(query, Scope::Nothing, super::super::suite::NOW).unwrap();
    let (sql, conditions) = statement(&list, None);
    let explain = format!("EXPLAIN {sql}");
    let rows = snapshot.query(&explain, &conditions.values()).await;
    let steps: Vec<String> = rows.unwrap().iter().map(|row| row.get(0)).collect();
    // The page's own numbers, before the rest is read for them.
    let page = steps.iter().skip_while(|step| !step.contains("CTE page"));
    page.take_while(|step| !step.contains("CTE Scan"))
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join("\n")
}

#[tokio::test]
async fn nothing_is_taken_out_of_a_ledger() {
    let Some(database) = database().await else {
        return;
    };
    let connection = database.read().await.unwrap();
    connection.execute_batch(MANY).await.unwrap();
    let held =
        "INSERT INTO reservations (order_id, state, fingerprint, hold_until_at_ms, created_at_ms)
                SELECT gen_random_uuid(), 'open', '', 1, 1 FROM generate_series(1, 2);
                INSERT INTO reservation_lines
                SELECT MIN(reservation_number), 0, 1, 1, 1, 'USD' FROM reservations;";
    connection.execute_batch(held).await.unwrap();
    for spoil in [
        "UPDATE stock_adjustments SET delta = 2",
        "DELETE FROM reservation_lines",
        "UPDATE reservation_lines SET quantity = 2",
        "TRUNCATE reservation_returns",
        "DELETE FROM product_versions",
        "TRUNCATE product_editors",
        "DELETE FROM variants",
        "DELETE FROM reservations",
        "TRUNCATE reservations",
    ] {
        assert!(connection.execute_batch(spoil).await.is_err(), "{spoil}");
    }
    let claim = "DELETE FROM reservations
                  WHERE reservation_number NOT IN (SELECT reservation_number FROM reservation_lines)";
    assert_eq!(connection.execute(claim, &[]).await.unwrap(), 1);
}

async fn database() -> Option<Database> {
    let place = Postgres::shared()?.place("catalog");
    let store = PostgresStore::open(place, Timestamp::from_ms(1)).await;
    Some(store.unwrap().database)
}

#[tokio::test]
async fn every_order_is_read_from_its_index() {
    let Some(database) = database().await else {
        return;
    };
    let connection = database.read().await.unwrap();
    connection.execute_batch(MANY).await.unwrap();
    let snapshot = database.snapshot().await.unwrap();
    for (sort, index) in [
        // Where all is on sale, the numbers themselves do as well.
        ("-created_at", "products_"),
        ("created_at", "products_"),
        ("name", "products_by_name"),
        ("price", "variants_by_price"),
        ("-price", "variants_by_price"),
    ] {
        let cursor = cursor::write(&After {
            sort: serde_json::from_value(json!(sort)).unwrap(),
            key: (!sort.ends_with("created_at")).then(|| "7".to_owned()),
            number: 7,
        });
        for query in [
            json!({"sort": sort}),
            json!({"sort": sort, "cursor": cursor.unwrap()}),
            json!({"sort": sort, "price_min": 1, "price_max": 800, "in_stock": true}),
        ] {
            let plan = plan(&snapshot, &query).await;
            let scan = format!("using {index}");
            assert!(plan.contains(&scan), "{query}: {plan}");
            assert!(!plan.contains("Sort"), "{query}: {plan}");
        }
    }
}
