//! Lists of products: keyset pages over indexes made for each order. Every value is bound, never written
//! into the statement; what differs between statements are conditions from a closed set.

use super::{can_be_kept, categories, read};
use crate::{
    domain::{schedule, scope::Scope},
    store::{
        cursor,
        list::{After, Key, List, Stands},
    },
};
use contracts::{
    catalog::{ProductSort, ProductStatus, ProductView},
    values::Page,
};
use platform::db::{
    StoreError,
    postgres::{Bytes, Connection, Row, ToSql},
};

/// Conditions that all hold, with their values. A `?` in one stands for its value.
#[derive(Default)]
pub(super) struct Conditions {
    texts: Vec<String>,
    values: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Conditions {
    /// Binds a value: its name in the statement.
    pub(super) fn bind(&mut self, value: impl ToSql + Sync + Send + 'static) -> String {
        self.values.push(Box::new(value));
        format!("${}", self.values.len())
    }

    pub(super) fn add(&mut self, text: &str, value: impl ToSql + Sync + Send + 'static) {
        let name = self.bind(value);
        self.texts.push(text.replace('?', &name));
    }

    pub(super) fn text(&self) -> String {
        self.texts.join(" AND ")
    }

    pub(super) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.values
            .iter()
            .map(|value| {
                let value: &(dyn ToSql + Sync) = value.as_ref();
                value
            })
            .collect()
    }
}

/// Whether any variant of a product can be bought. Whether others than the default one can, a function says, so that a
/// plan for plain products is not made for what they do not have.
const IN_STOCK: &str =
    "(s.on_hand > s.reserved OR p.options <> '[]' AND others_in_stock_1(p.product_number)) = ?";

/// How an order is written.
struct Order {
    /// The key before the number, if there is one, as the database compares it.
    key: &'static str,
    /// The product's number, as the leading table's index holds it.
    number: &'static str,
    ascending: bool,
}

fn order(sort: ProductSort) -> Order {
    let (key, number, ascending) = match sort {
        ProductSort::Newest => ("", "p.product_number", false),
        ProductSort::Oldest => ("", "p.product_number", true),
        ProductSort::Name => ("p.name_key", "p.product_number", true),
        ProductSort::Cheapest => ("v.price_minor", "v.product_number", true),
        ProductSort::Dearest => ("v.price_minor", "v.product_number", false),
        // Only the index knows it; without words there is no such list.
        ProductSort::Relevance => ("", "p.product_number", true),
    };
    Order {
        key,
        number,
        ascending,
    }
}

/// One page; a statement, and one more for a category.
pub(super) async fn page(
    connection: &Connection,
    list: &List,
) -> Result<Page<ProductView>, StoreError> {
    let category = match &list.query.category {
        None => None,
        Some(slug) if can_be_kept(slug) => {
            match categories::with_descendants(connection, slug).await? {
                numbers if numbers.is_empty() => return Ok(Page::empty()),
                numbers => Some(numbers),
            }
        }
        Some(_) => return Ok(Page::empty()),
    };
    let (sql, conditions) = statement(list, category);
    let rows = connection.query(&sql, &conditions.values()).await?;
    let rows = rows
        .iter()
        .map(|row| Ok((read::row(row)?, key_of(row, list.sort)?)))
        .collect::<Result<Vec<_>, StoreError>>()?;
    let page = cursor::page(rows, list.limit(), |((number, _), key)| After {
        sort: list.sort,
        key: key.as_ref().map(Key::written),
        number: *number,
    })?;
    Ok(Page {
        data: page
            .data
            .into_iter()
            .map(|((_, view), _)| schedule::seen(view, list.at))
            .collect(),
        next_cursor: page.next_cursor,
    })
}

/// The sort key, which follows the product's columns.
fn key_of(row: &Row, sort: ProductSort) -> Result<Option<Key>, StoreError> {
    Ok(match sort {
        ProductSort::Newest | ProductSort::Oldest | ProductSort::Relevance => None,
        ProductSort::Name => Some(Key::Text(row.try_get(read::COLUMN_COUNT)?)),
        ProductSort::Cheapest | ProductSort::Dearest => {
            Some(Key::Integer(row.try_get(read::COLUMN_COUNT)?))
        }
    })
}

/// The page's numbers are found first, in the order of an index; the rest is read for them alone.
pub(super) fn statement(list: &List, category: Option<Vec<i64>>) -> (String, Conditions) {
    let Order {
        key,
        number,
        ascending,
    } = order(list.sort);
    let mut conditions = Conditions::default();
    for (condition, value) in list.stands() {
        match value {
            Stands::Status(word) => conditions.add(condition, word),
            Stands::At(now) => conditions.add(condition, now.as_ms()),
        }
    }
    filters(list, category, &mut conditions);
    let (direction, than) = if ascending { ("", ">") } else { (" DESC", "<") };
    if let Some((bound, last)) = list.after() {
        let last = conditions.bind(last);
        match bound {
            None => conditions.texts.push(format!("{number} {than} {last}")),
            Some(bound) => {
                let bound = match bound {
                    Key::Text(text) => conditions.bind(text),
                    Key::Integer(number) => conditions.bind(number),
                };
                let beyond = format!("({key}, {number}) {than} ({bound}, {last})");
                conditions.texts.push(beyond);
            }
        }
    }
    let (key, sorted_by, again) = if key.is_empty() {
        (
            "NULL::text",
            format!("{number}{direction}"),
            format!("page.number{direction}"),
        )
    } else {
        (
            key,
            format!("{key}{direction}, {number}{direction}"),
            format!("page.key{direction}, page.number{direction}"),
        )
    };
    // One more than the page holds tells whether there is a next one.
    let fits = conditions.bind(i64::from(list.query.limit.get()).saturating_add(1));
    let sql = format!(
        "WITH page AS MATERIALIZED (
             SELECT {number} AS number, {key} AS key
               FROM products p
               JOIN variants v ON v.product_number = p.product_number AND v.position = 0
               JOIN stock s ON s.variant_number = v.variant_number
              WHERE {conditions}
              ORDER BY {sorted_by}
              LIMIT {fits}
         )
         SELECT {columns}, page.key
           FROM page
           JOIN products p ON p.product_number = page.number
           {joined}
          ORDER BY {again}",
        conditions = conditions.text(),
        columns = read::COLUMNS,
        joined = read::FROM,
    );
    (sql, conditions)
}

fn filters(list: &List, category: Option<Vec<i64>>, conditions: &mut Conditions) {
    if list.status != ProductStatus::Active
        && let Scope::Of(owner) = list.scope
    {
        conditions.add("p.owner_id = ?", Bytes(*owner.as_bytes()));
    }
    if let Some(numbers) = category {
        conditions.add("p.category_number = ANY(?)", numbers);
    }
    if let Some(least) = list.query.price_min {
        conditions.add("v.price_minor >= ?", least);
    }
    if let Some(most) = list.query.price_max {
        conditions.add("v.price_minor <= ?", most);
    }
    if let Some(in_stock) = list.query.in_stock {
        conditions.add(IN_STOCK, in_stock);
    }
}
