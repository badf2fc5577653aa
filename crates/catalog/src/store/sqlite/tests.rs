//! What only this form has: an index in two parts, and a schema that came before it.
#![expect(clippy::arithmetic_side_effects, reason = "tests")]

use super::{MIGRATIONS, audit, movements, reserve, resolve};
use crate::store::{
    movement,
    suite::{NOW, resolve as end, wish},
};
use contracts::{
    catalog::{ReservationState, Reserve},
    values::{OrderId, PageSize, ProductId, VariantId},
};
use platform::{
    db::migrate::{Migration, migrate},
    digest,
};
use rusqlite::Connection;

const TEA: ProductId = ProductId::from_bytes([1; 16]);
const COFFEE: ProductId = ProductId::from_bytes([2; 16]);

const SHELF: &str = "
    INSERT INTO products (product_number, product_id, owner_id, slug, name, name_key, status, version, created_at_ms,
                          updated_at_ms, attributes, description)
    VALUES (1, unhex('01010101010101010101010101010101'), zeroblob(16), 'tea', 'Tea', 'tea', 'active', 1, 1, 1, '{}',
            '');
    INSERT INTO products (product_number, product_id, owner_id, slug, name, name_key, status, version, created_at_ms,
                          updated_at_ms, attributes, description)
    VALUES (2, unhex('02020202020202020202020202020202'), zeroblob(16), 'coffee', 'Coffee', 'coffee', 'active', 1, 1, 1,
            '{}', '');
    INSERT INTO variants (variant_number, variant_id, product_number, position, sku, sku_key, price_minor, currency)
    VALUES (1, zeroblob(16), 1, 0, 'TEA', 'tea', 250, 'USD');
    INSERT INTO variants (variant_number, variant_id, product_number, position, sku, sku_key, price_minor, currency)
    VALUES (2, unhex('02020202020202020202020202020202'), 2, 0, 'COFFEE', 'coffee', 250, 'USD');
    INSERT INTO stock VALUES (1, 100000, 0, 1), (2, 100000, 0, 1);";

fn shop(migrations: &[Migration]) -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    migrate(&mut connection, migrations, 1).unwrap();
    connection.execute_batch(SHELF).unwrap();
    connection
}

/// As even as real ids are.
fn with_a_hash(number: u32) -> Reserve {
    let id = digest::derived_id("order", &number.to_string());
    wish(OrderId::from_bytes(id), &[(TEA, 1)])
}

fn count(connection: &Connection, table: &str) -> u32 {
    let sql = format!("SELECT COUNT(*) FROM {table}");
    connection.query_row(&sql, [], |row| row.get(0)).unwrap()
}

fn walk(connection: &Connection) -> Vec<OrderId> {
    let mut ids: Vec<OrderId> = Vec::new();
    loop {
        let page = audit::reservations(connection, ids.last().copied(), 7).unwrap();
        if page.is_empty() {
            return ids;
        }
        ids.extend(page.iter().map(|row| row.order_id));
    }
}

fn moves_of_the_tea(connection: &Connection) -> usize {
    let (mut count, mut cursor) = (0, None);
    loop {
        let before = movement::before(cursor.as_ref()).unwrap();
        let limit = PageSize::try_from(100).unwrap();
        let tea = VariantId::from_bytes([0; 16]);
        let page = movements::page(connection, tea, limit, before).unwrap();
        count += page.data.len();
        cursor = page.next_cursor;
        if cursor.is_none() {
            return count;
        }
    }
}

#[test]
fn a_variant_s_movements_are_all_there_whether_sorted_yet_or_not() {
    let connection = shop(MIGRATIONS);
    let tea = |number| Reserve {
        // Two lines of the same are one movement.
        lines: [with_a_hash(number).lines, with_a_hash(number).lines].concat(),
        ..with_a_hash(number)
    };
    let coffee = |number| wish(with_a_hash(number).order_id, &[(COFFEE, 1)]);
    let wishes: Vec<Reserve> = (1..=9_300_u32)
        .map(|number| {
            if number % 50 == 0 {
                tea(number)
            } else {
                coffee(number)
            }
        })
        .collect();
    let mut from = 0;
    for (to, sorted) in [
        (8_191, 0),
        (8_192, 0),
        (9_215, 0),
        (9_216, 163),
        (9_300, 163),
    ] {
        let held = reserve::all(&connection, &wishes[from..to], NOW).unwrap();
        assert!(held.iter().all(Result::is_ok));
        assert_eq!(moves_of_the_tea(&connection), to / 50);
        let tea = "reservations_by_variant WHERE variant_number = 1";
        assert_eq!(count(&connection, tea), sorted, "after {to}");
        from = to;
    }
}

#[test]
fn a_reservation_is_known_whichever_part_its_key_is_in() {
    let connection = shop(MIGRATIONS);
    let wishes: Vec<Reserve> = (0..700).map(with_a_hash).collect();
    for batch in wishes.chunks(50) {
        let held = reserve::all(&connection, batch, NOW).unwrap();
        assert!(held.iter().all(Result::is_ok));
    }
    assert!(count(&connection, "by_order_recent") > 100);
    assert!(count(&connection, "by_order_settled") > 100);
    let twins = reserve::all(&connection, &wishes, NOW).unwrap();
    assert!(twins.iter().all(Result::is_ok));
    assert_eq!(count(&connection, "reservations"), 700);
    let mut ids: Vec<OrderId> = wishes.iter().map(|wish| wish.order_id).collect();
    ids.sort_unstable();
    assert_eq!(walk(&connection), ids);
    let ends: Vec<_> = ids
        .into_iter()
        .map(|id| end(id, ReservationState::Committed))
        .collect();
    let ended = resolve::all(&connection, &ends, NOW).unwrap();
    assert!(ended.answers.iter().all(Result::is_ok));
    assert_eq!(
        count(&connection, "reservations WHERE state = 'committed'"),
        700
    );
}

#[test]
fn an_audit_notices_a_key_that_is_lost_or_leads_elsewhere() {
    for spoil in [
        "DELETE FROM by_order_recent WHERE number = 2",
        "UPDATE by_order_recent SET number = 1 WHERE number = 2",
        "UPDATE by_order_recent SET number = 99999 WHERE number = 2",
        "INSERT INTO by_order_settled SELECT order_id, number FROM by_order_recent",
    ] {
        let connection = shop(MIGRATIONS);
        let wishes: Vec<Reserve> = (0..3).map(with_a_hash).collect();
        reserve::all(&connection, &wishes, NOW).unwrap();
        assert_eq!(walk(&connection).len(), 3);
        connection.execute(spoil, []).unwrap();
        assert!(
            audit::reservations(&connection, None, 7).is_err(),
            "{spoil}"
        );
    }
}

#[test]
fn a_shop_of_the_schema_before_keeps_every_reservation() {
    let mut connection = shop(&MIGRATIONS[..4]);
    connection
        .execute_batch(
            "WITH RECURSIVE n (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM n WHERE n < 9000)
             INSERT INTO reservations (reservation_number, order_id, state, fingerprint, hold_until_at_ms,
                                       created_at_ms, resolved_at_ms, resolved_by)
             SELECT n, randomblob(16), 'committed', zeroblob(32), 1, 2, 3, 'system' FROM n;
             INSERT INTO reservation_lines SELECT reservation_number, 0, 1, 2, 250, 'USD' FROM reservations;
             INSERT INTO reservation_returns (reservation_number, refund_id, variant_number, quantity, actor, at_ms)
             SELECT reservation_number, randomblob(16), 1, 1, 'system', 4 FROM reservations;",
        )
        .unwrap();
    let rows = |connection: &Connection| -> Vec<(OrderId, i64)> {
        let sql = "SELECT order_id, reservation_number FROM reservations ORDER BY order_id";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            Ok((OrderId::from_bytes(row.get(0)?), row.get(1)?))
        });
        rows.unwrap().map(Result::unwrap).collect()
    };
    let before = rows(&connection);

    migrate(&mut connection, MIGRATIONS, 2).unwrap();
    assert_eq!(rows(&connection), before);
    assert_eq!(
        count(
            &connection,
            "sqlite_schema WHERE name IN ('reservations_open', 'reservations_by_variant_grows')"
        ),
        2
    );
    assert_eq!(
        walk(&connection),
        before.iter().map(|(id, _)| *id).collect::<Vec<_>>()
    );
    assert_eq!(count(&connection, "reservations_by_variant"), 8_191);
    let back: Vec<_> = before
        .iter()
        .map(|(id, _)| end(*id, ReservationState::Returned))
        .collect();
    let returned = resolve::all(&connection, &back, NOW).unwrap();
    assert!(returned.answers.iter().all(Result::is_ok));
    assert_eq!(count(&connection, "stock WHERE on_hand = 109000"), 1);
    assert!(
        connection.execute("DELETE FROM reservations", []).is_err(),
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
fn what_a_reservation_may_be_is_checked_without_a_table_of_words() {
    let connection = shop(MIGRATIONS);
    reserve::all(&connection, &[with_a_hash(1)], NOW).unwrap();
    let update =
        |state: &str| format!("UPDATE reservations SET state = '{state}', resolved_at_ms = 1");
    assert_eq!(tables_made(&connection, &update("committed")), 0);
    for state in ["open", "lost", ""] {
        assert!(connection.execute(&update(state), []).is_err(), "{state}");
    }
    for state in ["committed", "released", "expired"] {
        connection.execute(&update(state), []).unwrap();
    }
}
