//! Lists of products: keyset pages over indexes made for each order. Every value is bound, never written
//! into the statement.

use super::{categories, cursor, read};
use crate::{
    domain::{schedule, scope::Scope},
    store::list::{After, Key, List, Stands},
};
use contracts::{
    catalog::{ProductSort, ProductStatus, ProductView},
    values::Page,
};
use platform::db::StoreError;
use rusqlite::{Connection, Row, params_from_iter, types::Value};

/// Whether any variant of a product can be bought.
const IN_STOCK: &str = "(s.on_hand > s.reserved OR p.options <> '[]' AND EXISTS (
                SELECT 1
                  FROM variants a
                  JOIN stock t ON t.variant_number = a.variant_number
                 WHERE a.product_number = p.product_number AND a.position > 0 AND t.on_hand > t.reserved)) = ?";

/// How an order is written.
struct Order {
    /// The key before the number, if there is one.
    key: &'static str,
    /// The product's number, as the leading table's index holds it.
    number: &'static str,
    ascending: bool,
    /// Which table leads, so that its index gives the order.
    from: &'static str,
}

const BY_PRODUCT: &str = "products p
     CROSS JOIN variants v ON v.product_number = p.product_number AND v.position = 0";
const BY_VARIANT: &str = "variants v CROSS JOIN products p ON p.product_number = v.product_number";
fn order(sort: ProductSort) -> Order {
    let (key, ascending, from) = match sort {
        ProductSort::Newest => ("", false, BY_PRODUCT),
        ProductSort::Oldest => ("", true, BY_PRODUCT),
        ProductSort::Name => ("p.name_key", true, BY_PRODUCT),
        ProductSort::Cheapest => ("v.price_minor", true, BY_VARIANT),
        ProductSort::Dearest => ("v.price_minor", false, BY_VARIANT),
        // Only the index knows it; without words there is no such list.
        ProductSort::Relevance => ("", true, BY_PRODUCT),
    };
    let number = if from == BY_VARIANT {
        "v.product_number"
    } else {
        "p.product_number"
    };
    Order {
        key,
        number,
        ascending,
        from,
    }
}

/// One page; two statements, and one more for a category.
pub(super) fn page(connection: &Connection, list: &List) -> Result<Page<ProductView>, StoreError> {
    let category = match &list.query.category {
        None => None,
        Some(slug) => match categories::with_descendants(connection, slug)? {
            None => return Ok(Page::empty()),
            some @ Some(_) => some,
        },
    };
    let (sql, values) = statement(list, category);
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        Ok((read::row(row)?, key_of(row)?))
    })?;
    let rows: Vec<((i64, ProductView), Option<String>)> = rows.collect::<Result<_, _>>()?;
    let page = cursor::page(rows, list.limit(), |((number, _), key)| After {
        sort: list.sort,
        key: key.clone(),
        number: *number,
    })?;
    let mut products: Vec<(i64, ProductView)> = page.data.into_iter().map(|(row, _)| row).collect();
    read::add_variants(connection, &mut products)?;
    Ok(Page {
        data: products
            .into_iter()
            .map(|(_, view)| schedule::seen(view, list.at))
            .collect(),
        next_cursor: page.next_cursor,
    })
}

/// The sort key, which follows the product's columns.
fn key_of(row: &Row<'_>) -> rusqlite::Result<Option<String>> {
    let key = match row.get(read::COLUMN_COUNT)? {
        Value::Null | Value::Blob(_) | Value::Real(_) => None,
        Value::Integer(number) => Some(Key::Integer(number)),
        Value::Text(text) => Some(Key::Text(text)),
    };
    Ok(key.map(|key| key.written()))
}

fn bound(key: Key) -> Value {
    match key {
        Key::Text(text) => Value::Text(text),
        Key::Integer(number) => Value::Integer(number),
    }
}

/// The statement and its values, in the order in which they stand in it.
fn statement(list: &List, category: Option<String>) -> (String, Vec<Value>) {
    let order = order(list.sort);
    let mut values = Vec::new();
    let mut conditions = vec!["v.position = 0".to_owned()];
    for (condition, value) in list.stands() {
        conditions.push(condition.to_owned());
        values.push(match value {
            Stands::Status(word) => Value::Text(word.to_owned()),
            Stands::At(now) => Value::Integer(now.as_ms()),
        });
    }
    filters(list, category, |condition, value| {
        conditions.push(condition.to_owned());
        values.push(value);
    });
    let (direction, than) = if order.ascending {
        ("", ">")
    } else {
        (" DESC", "<")
    };
    let Order {
        key, number, from, ..
    } = order;
    let (sorted_by, beyond) = if key.is_empty() {
        (format!("{number}{direction}"), format!("{number} {than} ?"))
    } else {
        (
            format!("{key}{direction}, {number}{direction}"),
            format!("({key}, {number}) {than} (?, ?)"),
        )
    };
    if let Some((key, number)) = list.after() {
        conditions.push(beyond);
        values.extend(key.map(bound));
        values.push(Value::Integer(number));
    }
    let key = if key.is_empty() { "NULL" } else { key };
    let sql = format!(
        "SELECT {columns}, {key}
           FROM {from}
          CROSS JOIN stock s ON s.variant_number = v.variant_number
           LEFT JOIN categories c ON c.category_number = p.category_number
          WHERE {conditions}
          ORDER BY {sorted_by}
          LIMIT ?",
        columns = read::COLUMNS,
        conditions = conditions.join(" AND "),
    );
    // One more than the page holds tells whether there is a next one.
    values.push(Value::Integer(
        i64::from(list.query.limit.get()).saturating_add(1),
    ));
    (sql, values)
}

fn filters(list: &List, category: Option<String>, mut add: impl FnMut(&'static str, Value)) {
    if list.status != ProductStatus::Active
        && let Scope::Of(owner) = list.scope
    {
        add("p.owner_id = ?", Value::Blob(owner.as_bytes().to_vec()));
    }
    if let Some(numbers) = category {
        add(
            "p.category_number IN (SELECT value FROM json_each(?))",
            Value::Text(numbers),
        );
    }
    if let Some(least) = list.query.price_min {
        add("v.price_minor >= ?", Value::Integer(least));
    }
    if let Some(most) = list.query.price_max {
        add("v.price_minor <= ?", Value::Integer(most));
    }
    if let Some(in_stock) = list.query.in_stock {
        add(IN_STOCK, Value::Integer(i64::from(in_stock)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::Timestamp;
    use serde_json::json;

    /// How SQLite would answer.
    fn plan(connection: &Connection, query: &serde_json::Value) -> String {
        let query = serde_json::from_value(query.clone()).unwrap();
        let list = List::new(query, Scope::Nothing, Timestamp::from_ms(0)).unwrap();
        let (sql, values) = statement(&list, None);
        let mut statement = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3));
        steps
            .unwrap()
            .map(Result::unwrap)
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn every_order_is_read_from_its_index() {
        let mut connection = Connection::open_in_memory().unwrap();
        platform::db::migrate::migrate(&mut connection, super::super::MIGRATIONS, 1).unwrap();
        for (sort, index) in [
            ("-created_at", "products_by_age"),
            ("created_at", "products_by_age"),
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
                json!({"sort": sort, "price_min": 1, "price_max": 9, "in_stock": true}),
            ] {
                let plan = plan(&connection, &query);
                assert!(plan.contains(index), "{query}: {plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{query}: {plan}");
            }
        }
    }
}
