//! Product exports of WooCommerce, as its own exporter writes them in English. A variable product is a row without a
//! price and a row for each variation.

use super::{
    before,
    grouped::Line,
    html,
    pictures::{self, Picture},
    sheet::{names, plain},
    source::Found,
    table::{Header, Record},
    taxed, weight,
};
use contracts::{
    catalog::{ImportProduct, ProductStatus, TAX_CLASS, WEIGHT_GRAMS},
    values::{Currency, Money, Timestamp},
};
use serde_json::{Map, Value};
use std::collections::HashMap;

/// What is kept of variable products until their variations come, in bytes of their texts.
const PARENTS_BYTES_MAX: usize = 64 * 1_024 * 1_024;
/// Attributes are numbered from 1; more a product of ours cannot have.
const ATTRIBUTES_MAX: usize = 64;
const NO_CATEGORY: &str = "Uncategorized";
const BARCODE: &[&str] = &["gtin, upc, ean, or isbn"];

/// What variations do not say again.
#[derive(Clone)]
struct Parent {
    /// What variations are known by to belong together.
    of: String,
    name: String,
    attributes: Map<String, Value>,
    description: String,
    category_path: Vec<String>,
    pictures: Vec<String>,
    status: ProductStatus,
}

/// Reads the rows of a file in their order.
pub(super) struct WooCommerce {
    /// When: some prices are of some days.
    now: Timestamp,
    /// Variable products by what variations call them: their SKU, or `id:` and their number.
    parents: HashMap<String, Parent>,
    bytes: usize,
}

impl WooCommerce {
    /// What is read at this moment.
    pub(super) fn at(now: Timestamp) -> Self {
        Self {
            now,
            parents: HashMap::new(),
            bytes: 0,
        }
    }

    /// Whether this is a header of theirs.
    pub(super) fn wrote(header: &Header) -> bool {
        ["type", "sku", "name", "regular price"]
            .iter()
            .all(|name| header.has(&[*name]))
    }

    pub(super) fn read(&mut self, record: &Record<'_>, shop: Currency) -> Result<Found, String> {
        // A product may be several things, as `simple, virtual`.
        let kinds = record.get(&["type"]).ok_or("the type is missing")?;
        let is = |kind: &str| kinds.split(',').any(|one| one.trim() == kind);
        if is("variable") {
            let own = Parent::of(record)?;
            self.keep(record, own)?;
            return Ok(Found::Nothing);
        }
        if is("grouped") {
            return Ok(Found::LeftOut("a group of other products, not a product"));
        }
        if is("external") {
            return Ok(Found::LeftOut("is sold elsewhere"));
        }
        let mut own = Parent::of(record)?;
        let pictures = own.pictures.clone();
        let parent = if is("variation") {
            let parent = self.parent(record)?.clone();
            own.complete(&parent);
            Some(parent)
        } else {
            None
        };
        let price = Money::parse_decimal(&with_point(self.price(record)?), shop)
            .map_err(|error| format!("price {error}"))?;
        let product = own.product(record, price)?;
        Ok(match parent {
            Some(parent) => parent.variant(product, options(record), pictures),
            None => Found::Product(Box::new(product)),
        })
    }

    /// What a buyer pays at this moment.
    fn price<'r>(&self, record: &Record<'r>) -> Result<&'r str, String> {
        let regular = record.get(&["regular price"]);
        let regular = regular.ok_or("the price is missing")?;
        let Some(sale) = record.get(&["sale price"]) else {
            return Ok(regular);
        };
        let starts = moment(record, "date sale price starts", "00:00:00")?;
        let ends = moment(record, "date sale price ends", "23:59:59")?;
        let is_on = starts.is_none_or(|starts| starts <= self.now)
            && ends.is_none_or(|ends| self.now <= ends);
        Ok(if is_on { sale } else { regular })
    }

    fn keep(&mut self, record: &Record<'_>, parent: Parent) -> Result<(), String> {
        let shown: usize = parent.pictures.iter().map(String::len).sum();
        let size = parent.description.len().saturating_add(shown);
        let size = size.saturating_add(1_024);
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > PARENTS_BYTES_MAX {
            return Err("there are too many variable products before this one".to_owned());
        }
        let sku = record.get(&["sku"]).map(|sku| plain(sku).to_owned());
        let id = record.get(&["id"]).map(|id| format!("id:{id}"));
        for name in sku.into_iter().chain(id) {
            self.parents.insert(name, parent.clone());
        }
        Ok(())
    }

    fn parent(&self, record: &Record<'_>) -> Result<&Parent, String> {
        let name = plain(record.get(&["parent"]).ok_or("the parent is missing")?);
        let parent = self.parents.get(name);
        parent.ok_or_else(|| format!("its parent {name} does not stand before it"))
    }
}

impl Parent {
    fn of(record: &Record<'_>) -> Result<Self, String> {
        let id = record.get(&["id"]).or_else(|| record.get(&["sku"]));
        let name = record.get(&["name"]).unwrap_or_default();
        let long = record.get(&["description"]);
        let text = long.or_else(|| record.get(&["short description"]));
        Ok(Self {
            of: id.unwrap_or_default().to_owned(),
            name: plain(name).to_owned(),
            attributes: attributes(record)?,
            // Their exporter writes the end of a line as two characters.
            description: html::plain(&plain(text.unwrap_or_default()).replace("\\n", "\n")),
            category_path: category(record),
            pictures: record
                .get(&["images"])
                .map(|images| images.split(", ").map(str::to_owned).collect())
                .unwrap_or_default(),
            status: match record.get(&["published"]) {
                Some("1" | "yes") | None => ProductStatus::Active,
                // 0 is private there, -1 a draft.
                Some("0" | "-1" | "'-1" | "no") => ProductStatus::Draft,
                Some(word) => return Err(format!("published {word} is none of WooCommerce's")),
            },
        })
    }

    /// Takes from the parent what a variation leaves out; none of a hidden product is on sale.
    fn complete(&mut self, parent: &Self) {
        if self.description.is_empty() {
            self.description.clone_from(&parent.description);
        }
        if self.category_path.is_empty() {
            self.category_path.clone_from(&parent.category_path);
        }
        if self.pictures.is_empty() {
            self.pictures.clone_from(&parent.pictures);
        }
        if !self.attributes.contains_key(WEIGHT_GRAMS) {
            weight::heavier(&mut self.attributes, &parent.attributes);
        }
        if let Some(class) = parent.attributes.get(TAX_CLASS) {
            let own = self.attributes.entry(TAX_CLASS);
            own.or_insert_with(|| class.clone());
        }
        if parent.status != ProductStatus::Active {
            self.status = parent.status;
        }
    }

    /// A variation, if it has a value of each thing that variations of it differ in; or else a product of its own.
    fn variant(
        self,
        product: ImportProduct,
        values: Vec<(String, String)>,
        own: Vec<String>,
    ) -> Found {
        if values.is_empty() || self.name.is_empty() {
            return Found::Product(Box::new(product));
        }
        let told = product.attributes;
        let mut product = ImportProduct {
            publish_at: None,
            unpublish_at: None,
            related: None,
            name: self.name,
            attributes: self.attributes,
            image_url: None,
            ..product
        };
        before::carry(&mut product.attributes, &told);
        pictures::show(&mut product, in_order(self.pictures));
        Found::Variant(Box::new(Line {
            of: self.of,
            product,
            values,
            pictures: in_order(own),
        }))
    }

    fn product(mut self, record: &Record<'_>, price: Money) -> Result<ImportProduct, String> {
        // On the days of a sale that is what it costs on others.
        let regular = record.get(&["regular price"]).map(with_point);
        before::note(&mut self.attributes, regular.as_deref(), price)?;
        let id = || record.get(&["id"]).map(|id| format!("woo-{id}"));
        let sku = record.get(&["sku"]).map(|sku| plain(sku).to_owned());
        let mut product = ImportProduct {
            publish_at: None,
            unpublish_at: None,
            related: None,
            slug: None,
            prices: Vec::new(),
            sku: sku.or_else(id).ok_or("both sku and id are missing")?,
            name: plain(record.get(&["name"]).ok_or("the name is missing")?).to_owned(),
            description: self.description,
            category_path: self.category_path,
            price,
            status: Some(self.status),
            // Empty where nobody counts it, less than nothing where it was sold too often.
            stock: record
                .get(&["stock"])
                .and_then(|units| units.parse().ok())
                .unwrap_or(0),
            image_url: None,
            attributes: self.attributes,
            options: Vec::new(),
            variants: Vec::new(),
        };
        pictures::show(&mut product, in_order(self.pictures));
        Ok(product)
    }
}

/// Pictures that stand in one cell.
fn in_order(addresses: Vec<String>) -> Vec<Picture> {
    let pictures = addresses
        .into_iter()
        .map(|address| Picture { place: 0, address });
    pictures.collect()
}

/// A day or a moment, in UTC. Of a day it is where it begins or where it ends.
fn moment(record: &Record<'_>, column: &str, edge: &str) -> Result<Option<Timestamp>, String> {
    let Some(text) = record.get(&[column]) else {
        return Ok(None);
    };
    let (day, time) = text.split_once([' ', 'T']).unwrap_or((text, edge));
    let text = format!("{day}T{}Z", time.trim_end_matches('Z'));
    let read = serde_json::from_value(Value::from(text));
    read.map(Some).map_err(|error| format!("{column}: {error}"))
}

/// The first path: names have arrows between them, paths commas, and a comma of a name has a backslash.
fn category(record: &Record<'_>) -> Vec<String> {
    let all = record.get(&["categories"]).unwrap_or_default();
    let all = all.replace("\\,", "\u{0}");
    let first = all.split(',').next().unwrap_or_default();
    if first.trim() == NO_CATEGORY {
        return Vec::new();
    }
    names(&first.replace('\u{0}', ","))
}

/// What a row says in its numbered columns.
fn options(record: &Record<'_>) -> Vec<(String, String)> {
    let mut options = Vec::new();
    for number in 1..=ATTRIBUTES_MAX {
        let name = format!("attribute {number} name");
        let value = format!("attribute {number} value(s)");
        let Some(name) = record.get(&[&name]) else {
            break;
        };
        if let Some(value) = record.get(&[&value]) {
            options.push((plain(name).to_owned(), plain(value).to_owned()));
        }
    }
    options
}

/// Weights are in the unit that the shop there is set to; kilograms and grams are read.
fn attributes(record: &Record<'_>) -> Result<Map<String, Value>, String> {
    let numbered = options(record).into_iter();
    let mut attributes: Map<String, Value> = numbered
        .map(|(name, value)| (name, Value::from(value)))
        .collect();
    if let Some(tags) = record.get(&["tags"]) {
        let tags: Vec<&str> = tags.split(',').map(str::trim).collect();
        attributes.insert("tags".to_owned(), Value::from(tags));
    }
    for (name, column) in [("barcode", BARCODE), ("brand", &["brands"] as &[&str])] {
        if let Some(value) = record.get(column) {
            attributes.insert(name.to_owned(), Value::from(plain(value)));
        }
    }
    for (column, places) in [("weight (kg)", 3), ("weight (g)", 0)] {
        let weight = record.get(&[column]).map(with_point);
        weight::note(&mut attributes, weight.as_deref(), places)?;
    }
    let class = taxed::by_status(record.get(&["tax status"]), record.get(&["tax class"]))?;
    taxed::note(&mut attributes, class);
    Ok(attributes)
}

/// Numbers are written as the shop shows them, in some countries with a comma.
fn with_point(number: &str) -> String {
    if number.contains('.') {
        number.to_owned()
    } else {
        number.replacen(',', ".", 1)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{grouped::Grouped, table::tests::read_all},
        *,
    };

    const HEADER: &str = "\
ID,Type,SKU,\"GTIN, UPC, EAN, or ISBN\",Name,Published,\"Is featured?\",\"Visibility in catalog\",\
\"Short description\",\
Description,\"Date sale price starts\",\"Date sale price ends\",\"Tax status\",\"Tax class\",\"In stock?\",Stock,\
\"Low stock amount\",\"Backorders allowed?\",\"Sold individually?\",\"Weight (kg)\",\"Length (cm)\",\"Width (cm)\",\
\"Height (cm)\",\"Allow customer reviews?\",\"Purchase note\",\"Sale price\",\"Regular price\",Categories,Tags,\
\"Shipping class\",Images,\"Download limit\",\"Download expiry days\",Parent,\"Grouped products\",Upsells,Cross-sells,\
\"External URL\",\"Button text\",Position,Brands,\"Attribute 1 name\",\"Attribute 1 value(s)\",\
\"Attribute 1 visible\",\"Attribute 1 global\"
";

    fn found(rows: &str) -> Vec<Result<Found, String>> {
        let may = serde_json::from_value(Value::from("2024-05-15T12:00:00Z"));
        let mut shop = WooCommerce::at(may.unwrap());
        let text = format!("\u{feff}{HEADER}{rows}");
        let found = read_all(&text, |record| shop.read(record, "EUR".parse().unwrap()));
        found.into_iter().map(|(_, found)| found).collect()
    }

    fn product(found: &Result<Found, String>) -> &ImportProduct {
        match found {
            Ok(Found::Product(product)) => product,
            other => panic!("no product: {other:?}"),
        }
    }

    #[test]
    fn a_simple_product_is_read_with_its_first_category_all_pictures_and_the_price_of_today() {
        let row = "12,\"simple, virtual\",TEA,4006381333931,'=Tea,1,0,visible,Short,\"<b>Long</b>\\n\\nmore\",\
,,taxable,,\
1,7,,0,0,\"0,25\",,,,1,,\"3,00\",\"3,99\",\"Food\\, drink > Tea, Gifts\",\"green, fine\",,\
\"https://a.example/1.jpg, https://a.example/2.jpg\",,,,,,,,,0,Leaf,Origin,Japan,1,0\n";
        let all = found(row);
        let tea = product(&all[0]);
        assert_eq!((tea.sku.as_str(), tea.name.as_str()), ("TEA", "=Tea"));
        assert_eq!((tea.price.minor, tea.stock), (300, 7));
        assert_eq!(tea.description, "Long\n\nmore");
        assert_eq!(tea.category_path, ["Food, drink", "Tea"]);
        assert_eq!(tea.image_url.as_deref(), Some("https://a.example/1.jpg"));
        let attributes = serde_json::to_value(&tea.attributes).unwrap();
        let wanted = serde_json::json!({"Origin": "Japan", "tags": ["green", "fine"], "barcode": "4006381333931",
            "brand": "Leaf", "weight_grams": 250, "compare_at_price": "3.99 EUR",
            "image_urls": ["https://a.example/2.jpg"]});
        assert_eq!(attributes, wanted);
    }

    #[test]
    fn a_lower_price_of_some_days_holds_on_those_days() {
        let row = |starts: &str, ends: &str| {
            format!("1,simple,A,,A,1,,,,,{starts},{ends},,,,,,,,,,,,,,3,4\n")
        };
        for (starts, ends, price) in [
            ("", "", 300),
            ("2024-05-15", "2024-05-15", 300),
            ("2024-05-15 12:00:00", "2024-05-15T12:00:00Z", 300),
            ("2024-05-16", "", 400),
            ("2024-05-15 12:00:01", "", 400),
            ("", "2024-05-14", 400),
        ] {
            let all = found(&row(starts, ends));
            let one = product(&all[0]);
            assert_eq!(one.price.minor, price, "{starts} to {ends}");
            let before = one.attributes.get("compare_at_price");
            let before = before.and_then(Value::as_str);
            assert_eq!(before, (price == 300).then_some("4.00 EUR"));
        }
        let why = found(&row("soon", "")).remove(0).unwrap_err();
        assert!(why.contains("date sale price starts"), "{why}");
    }

    #[test]
    fn variations_are_variants_of_their_parent_wherever_they_stand() {
        let rows = "\
20,variable,SHIRT,,Shirt,1,0,visible,,Light,,,taxable,reduced-rate,1,,,0,0,0.2,,,,1,,,,Clothing,,,\
https://a.example/s.jpg,,,,,,,,,0,,Size,\"S, M\",1,1
21,variation,SHIRT-S,,\"Shirt - S\",1,0,visible,,,,,taxable,parent,1,4,,0,0,,,,,0,,,20,,,,,,,SHIRT,,,,,,1,,Size,S,,1
22,variation,,,\"Shirt - M\",1,0,visible,,,,,taxable,parent,1,,,0,0,,,,,0,,,21,,,,,,,id:20,,,,,,2,,Size,M,,1
";
        let mut grouped = Grouped::default();
        let mut all: Vec<_> = found(rows)
            .into_iter()
            .map(|one| grouped.take((1, one)))
            .collect();
        all.extend(grouped.rest());
        let all: Vec<_> = all.into_iter().map(|(_, found)| found).collect();
        assert_eq!(
            all[..3],
            [Ok(Found::Nothing), Ok(Found::Nothing), Ok(Found::Nothing)]
        );
        let shirt = product(&all[3]);
        assert_eq!(
            (shirt.name.as_str(), shirt.description.as_str()),
            ("Shirt", "Light")
        );
        let variants = shirt.variants.iter();
        let told: Vec<_> = variants
            .map(|one| (one.sku.as_str(), one.values[0].as_str(), one.stock))
            .collect();
        assert_eq!(told, [("SHIRT-S", "S", 4), ("woo-22", "M", 0)]);
        assert_eq!(shirt.options[0].name, "Size");
        let attributes = serde_json::to_value(&shirt.attributes).unwrap();
        let wanted = serde_json::json!({"weight_grams": 200, "tax_class": "reduced"});
        assert_eq!(attributes, wanted, "what it is chosen by is none of them");
        assert_eq!(shirt.category_path, ["Clothing"]);
        assert_eq!(shirt.image_url.as_deref(), Some("https://a.example/s.jpg"));
        // Another product stood between them: these belong to the first SKU all the same.
        let late = found(rows).remove(2);
        let kept = grouped.take((9, late));
        let late = grouped.rest().unwrap();
        assert_eq!(
            (kept.1, product(&late.1).sku.as_str()),
            (Ok(Found::Nothing), "SHIRT-S")
        );
    }

    #[test]
    fn what_is_no_product_is_left_out_and_what_is_hidden_stays_hidden() {
        let row = |kind: &str, published: &str, price: &str| {
            format!("1,{kind},A,,A,{published},,,,,,,,,,,,,,,,,,,,,{price},Uncategorized\n")
        };
        for kind in ["grouped", "external"] {
            assert!(matches!(
                found(&row(kind, "1", "1"))[0],
                Ok(Found::LeftOut(_))
            ));
        }
        for (published, word) in [("1", "active"), ("0", "draft"), ("-1", "draft")] {
            let all = found(&row("simple", published, "1.50"));
            let one = product(&all[0]);
            assert_eq!(one.status.map(ProductStatus::as_str), Some(word));
            assert!(one.category_path.is_empty());
        }
        for (text, word) in [
            (row("simple", "1", ""), "price"),
            (row("simple", "maybe", "1"), "published"),
            (row("variation", "1", "1"), "parent"),
            (row("", "1", "1"), "type"),
        ] {
            let why = found(&text).remove(0).unwrap_err();
            assert!(why.contains(word), "{text}: {why}");
        }
    }
}
