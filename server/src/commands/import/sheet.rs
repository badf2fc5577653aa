//! Our own columns: what `souk export products` writes as CSV, and how its cells are read back. Whatever comes out of
//! the shop goes into it again as it was.

use super::{
    grouped::Line,
    product,
    source::Found,
    table::{Header, Record},
};
use contracts::values::Currency;
use serde_json::{Map, Value};

/// What a spreadsheet would take for a formula, or for the mark that says that it is none.
const ACTIVE: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\''];
/// Columns whose cells are never written with a mark: none of them can begin like a formula.
const MARKLESS: [&str; 7] = [
    "price",
    "currency",
    "status",
    "image_url",
    "category",
    "publish_at",
    "unpublish_at",
];

/// Whether these are our columns.
pub(super) fn fits(header: &Header) -> bool {
    let has_price = header.has(&["price", "price_minor"]);
    header.has(&["sku"]) && header.has(&["name"]) && has_price
}

/// Reads a record as a line of JSON that has the same fields.
pub(super) fn read(record: &Record<'_>, shop: Currency) -> Result<Found, String> {
    let mut variant = (None, Vec::new());
    let mut fields = Map::new();
    for (name, cell) in record.all() {
        let value = match name {
            "price_minor" | "stock" => {
                let number = cell.parse::<i64>();
                Value::from(number.map_err(|_| format!("{name} must be a whole number"))?)
            }
            "attributes" => {
                serde_json::from_str(cell).map_err(|error| format!("attributes: {error}"))?
            }
            "variant_of" => {
                variant.0 = Some(plain(cell).to_owned());
                continue;
            }
            "variant" => {
                variant.1 =
                    serde_json::from_str(cell).map_err(|error| format!("variant: {error}"))?;
                continue;
            }
            "options" | "related" | "prices" | "image_urls" => {
                serde_json::from_str(cell).map_err(|error| format!("{name}: {error}"))?
            }
            "category_path" => Value::from(path(plain(cell))?),
            name if MARKLESS.contains(&name) => Value::from(cell),
            _ => Value::from(plain(cell)),
        };
        fields.insert(name.to_owned(), value);
    }
    let product = product::read_fields(fields, shop)?;
    Ok(match variant {
        (Some(of), values) => Found::Variant(Box::new(Line {
            of,
            product,
            values,
            pictures: Vec::new(),
        })),
        (None, _) => Found::Product(Box::new(product)),
    })
}

/// A text as a cell that no spreadsheet runs (OWASP: formula injection).
pub(crate) fn cell(text: &str) -> String {
    if text.starts_with(ACTIVE) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The text that a cell was made of.
pub(super) fn plain(cell: &str) -> &str {
    cell.strip_prefix('\'')
        .filter(|rest| rest.starts_with(ACTIVE))
        .unwrap_or(cell)
}

/// The names of categories as a cell: with arrows between them, or as JSON where a name has an arrow of its own.
pub(crate) fn path_cell(path: &[String]) -> String {
    let is_plain = |name: &String| !name.contains('>') && !name.starts_with('[');
    if path.iter().all(is_plain) {
        cell(&path.join(" > "))
    } else {
        Value::from(path).to_string()
    }
}

fn path(cell: &str) -> Result<Vec<String>, String> {
    if cell.starts_with('[') {
        return serde_json::from_str(cell).map_err(|error| format!("category_path: {error}"));
    }
    Ok(names(cell))
}

/// The names between arrows.
pub(super) fn names(cell: &str) -> Vec<String> {
    let names = cell.split('>').map(str::trim);
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{super::table::tests::read_all, *};
    use contracts::catalog::ImportProduct;
    use serde_json::json;

    fn read_one(text: &str) -> Result<ImportProduct, String> {
        let found = read_all(text, |record| read(record, "USD".parse().unwrap()));
        found
            .into_iter()
            .next()
            .unwrap()
            .1
            .map(|found| match found {
                Found::Product(product) => *product,
                Found::Variant(_)
                | Found::Plain(_)
                | Found::Picture(..)
                | Found::LeftOut(_)
                | Found::Nothing => panic!("no product"),
            })
    }

    #[test]
    fn a_record_is_read_like_a_line_with_its_fields() {
        let product = read_one(
            "sku,name,price,stock,category_path,status,attributes,Colour\n\
             A-1,Tea,3.99,5,Food > Tea,draft,\"{\"\"size\"\":{\"\"cm\"\":4}}\",green\n",
        )
        .unwrap();
        assert_eq!((product.price.minor, product.stock), (399, 5));
        assert_eq!(product.category_path, ["Food", "Tea"]);
        assert_eq!(product.status.map(|status| status.as_str()), Some("draft"));
        assert_eq!(
            json!(product.attributes),
            json!({"colour": "green", "size.cm": 4})
        );
        for (text, word) in [
            ("sku,name,price,stock\nA,T,1,many\n", "stock"),
            ("sku,name,price,status\nA,T,1,gone\n", "gone"),
            ("sku,name,price\nA,T,1.999\n", "price"),
            ("sku,name,price,attributes\nA,T,1,{\n", "attributes"),
            ("sku,name,price\n,T,1\n", "sku"),
        ] {
            let why = read_one(text).unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
    }

    #[test]
    fn no_cell_is_a_formula_and_every_text_comes_back() {
        for text in ["=1+1", "'=1", "'tis", "''", "-5", "@a", "plain", "'", "\t"] {
            let written = cell(text);
            assert!(
                !written.starts_with(['=', '+', '-', '@', '\t', '\r']),
                "{written}"
            );
            assert_eq!(plain(&written), text);
        }
        assert_eq!(plain("'tis"), "'tis");
    }

    #[test]
    fn paths_come_back_whatever_is_in_the_names() {
        for names in [
            &["Food", "Tea"] as &[&str],
            &["A > B", "C"],
            &["[x"],
            &["=x"],
            &[],
        ] {
            let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(path(plain(&path_cell(&names))), Ok(names));
        }
    }
}
