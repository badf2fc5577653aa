//! What only this form has: an index in two parts, and a schema that came before it.

use super::{MIGRATIONS, audit, place, read};
use crate::{domain::order::NewOrder, store::suite::order};
use contracts::values::OrderId;
use platform::{db::migrate::migrate, digest};
use rusqlite::Connection;

/// As even as real ids are.
fn with_a_hash(number: u32) -> NewOrder {
    let id = digest::derived_id("order", &number.to_string());
    NewOrder {
        id: OrderId::from_bytes(id),
        ..order()
    }
}

fn shop() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection, &MIGRATIONS, 1).unwrap();
    connection
}

fn count(connection: &Connection, table: &str) -> u32 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

fn walk(connection: &Connection) -> Vec<OrderId> {
    let mut ids: Vec<OrderId> = Vec::new();
    loop {
        let page = audit::orders(connection, ids.last().copied(), 7).unwrap();
        if page.is_empty() {
            return ids;
        }
        ids.extend(page.iter().map(|row| row.id));
    }
}

#[test]
fn an_order_is_known_whichever_part_its_key_is_in() {
    let connection = shop();
    let orders: Vec<NewOrder> = (0..700).map(with_a_hash).collect();
    for batch in orders.chunks(50) {
        let placed = place::place_all(&connection, batch.to_vec()).unwrap();
        assert!(placed.iter().all(|one| !one.as_ref().unwrap().replayed));
    }
    assert!(count(&connection, "by_order_recent") > 100);
    assert!(count(&connection, "by_order_settled") > 100);
    for twin in &orders {
        let found = read::order(&connection, twin.id).unwrap().unwrap();
        let again = place::place_all(&connection, vec![twin.clone()]).unwrap();
        let again = again[0].as_ref().unwrap();
        assert!(again.replayed && again.view.number == found.number);
    }
    assert_eq!(count(&connection, "orders"), 700);
    let mut ids: Vec<OrderId> = orders.iter().map(|order| order.id).collect();
    ids.sort_unstable();
    assert_eq!(walk(&connection), ids);
}

#[test]
fn an_audit_notices_a_key_that_is_lost_or_leads_elsewhere() {
    for spoil in [
        "DELETE FROM by_order_recent WHERE number = 10002",
        "UPDATE by_order_recent SET number = 10001 WHERE number = 10002",
        "UPDATE by_order_recent SET number = 99999 WHERE number = 10002",
        "INSERT INTO by_order_settled SELECT order_id, number FROM by_order_recent",
    ] {
        let connection = shop();
        place::place_all(&connection, (0..3).map(with_a_hash).collect()).unwrap();
        assert_eq!(walk(&connection).len(), 3);
        connection.execute(spoil, []).unwrap();
        assert!(audit::orders(&connection, None, 7).is_err(), "{spoil}");
    }
}

#[test]
fn a_shop_of_the_schema_before_keeps_every_order() {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection, &MIGRATIONS[..2], 1).unwrap();
    connection
        .execute_batch(
            "WITH RECURSIVE n (n) AS (VALUES (10001) UNION ALL SELECT n + 1 FROM n WHERE n < 10300)
             INSERT INTO orders (order_number, order_id, customer_id, fingerprint, status, version, total_minor,
                                 currency, payment_due_at_ms, created_at_ms, updated_at_ms)
             SELECT n, randomblob(16), zeroblob(16), zeroblob(32), 'pending', 1, 7, 'USD', 1, 2, 3 FROM n;
             INSERT INTO order_lines SELECT order_number, 1, zeroblob(16), zeroblob(16), zeroblob(16), 'A', 'A', 1, 7
               FROM orders;
             INSERT INTO order_events SELECT order_number, 1, 'placed', 'pending', 1, 'guest', NULL, 2 FROM orders;",
        )
        .unwrap();
    let rows = |connection: &Connection| -> Vec<(OrderId, i64)> {
        let sql = "SELECT order_id, order_number FROM orders ORDER BY order_id";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            Ok((OrderId::from_bytes(row.get(0)?), row.get(1)?))
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    let indices = |connection: &Connection| {
        count(
            connection,
            "sqlite_schema WHERE tbl_name = 'orders' AND sql > ''",
        )
    };
    let (before, indices_before) = (rows(&connection), indices(&connection));

    migrate(&mut connection, &MIGRATIONS, 2).unwrap();
    assert_eq!(rows(&connection), before);
    // All of them, and those of guests' addresses and of what was sold, which came later.
    assert_eq!(indices(&connection), indices_before + 2);
    assert_eq!(
        walk(&connection),
        before.iter().map(|(id, _)| *id).collect::<Vec<_>>()
    );
    for (id, number) in before {
        let found = read::view(&connection, id).unwrap().unwrap();
        assert_eq!((found.number, found.items.len()), (number, 1));
    }
    let placed = place::place_all(&connection, vec![with_a_hash(1)]).unwrap();
    assert_eq!(placed[0].as_ref().unwrap().view.number, 10_301);
    assert!(
        connection.execute("DELETE FROM orders", []).is_err(),
        "lines refer to them"
    );
}

/// The steps of SQLite's machine that make tables for a while.
fn tables_made(connection: &Connection, sql: &str) -> usize {
    let mut statement = connection.prepare(&format!("EXPLAIN {sql}")).unwrap();
    let steps = statement
        .query_map([], |row| row.get::<_, String>(1))
        .unwrap();
    steps
        .filter(|step| step.as_ref().unwrap() == "OpenEphemeral")
        .count()
}

#[test]
fn what_an_order_may_be_is_checked_without_a_table_of_words() {
    let connection = shop();
    place::place_all(&connection, vec![with_a_hash(1)]).unwrap();
    let update = |status: &str| format!("UPDATE orders SET status = '{status}'");
    assert_eq!(tables_made(&connection, &update("cancelled")), 0);
    for status in ["paid", "shipped", "delivered", "refunded", "lost", ""] {
        let refused = connection.execute(&update(status), []);
        assert!(refused.is_err(), "{status} without a payment");
    }
    connection.execute(&update("cancelled"), []).unwrap();
    connection
        .execute("UPDATE orders SET payment_id = zeroblob(16)", [])
        .unwrap();
    for status in ["paid", "shipped", "delivered", "refunded", "pending"] {
        connection.execute(&update(status), []).unwrap();
    }
    assert!(connection.execute(&update("lost"), []).is_err());
}
