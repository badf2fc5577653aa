//! Product files of Shopify, of the columns it has exported for years and of those of its newer template. A product is
//! some rows with the same handle; each row with a price is a variant.

use super::{
    before,
    grouped::Line,
    html,
    pictures::Picture,
    sheet::names,
    source::Found,
    table::{Header, Record},
    taxed, weight,
};
use contracts::{
    catalog::{ImportProduct, ProductStatus},
    values::{Currency, Money},
};
use serde_json::{Map, Value};

/// The same column has two names: the older one, and that of the newer template.
type Column = &'static [&'static str];

const HANDLE: Column = &["handle", "url handle"];
const TITLE: Column = &["title"];
const BODY: Column = &["body (html)", "description"];
const VENDOR: Column = &["vendor"];
const CATEGORY: Column = &["product category"];
const TYPE: Column = &["type"];
const TAGS: Column = &["tags"];
const PUBLISHED: Column = &["published", "published on online store"];
const STATUS: Column = &["status"];
const OPTION_NAMES: [Column; 3] = [&["option1 name"], &["option2 name"], &["option3 name"]];
const OPTION_VALUES: [Column; 3] = [&["option1 value"], &["option2 value"], &["option3 value"]];
const SKU: Column = &["variant sku", "sku"];
const PRICE: Column = &["variant price", "price"];
const BEFORE: Column = &["variant compare at price", "compare-at price"];
const STOCK: Column = &["variant inventory qty", "inventory quantity"];
/// Whatever unit people see there, the file says grams.
const GRAMS: Column = &["variant grams", "weight value (grams)"];
const TAXABLE: Column = &["variant taxable", "charge tax"];
const BARCODE: Column = &["variant barcode", "barcode"];
const IMAGE: Column = &["image src", "product image url"];
const IMAGE_PLACE: Column = &["image position"];
const VARIANT_IMAGE: Column = &["variant image", "variant image url"];
/// What the only variant of a plain product is called.
const DEFAULT: &str = "Default Title";

/// What the rows of a product share; only the first of them says it.
struct Head {
    handle: String,
    title: String,
    description: String,
    category_path: Vec<String>,
    status: ProductStatus,
    option_names: [Option<String>; 3],
    attributes: Map<String, Value>,
}

/// Reads the rows of a file in their order.
#[derive(Default)]
pub(super) struct Shopify {
    head: Option<Head>,
}

impl Shopify {
    /// Whether this is a header of theirs.
    pub(super) fn wrote(header: &Header) -> bool {
        header.has(HANDLE) && header.has(TITLE) && header.has(PRICE)
    }

    pub(super) fn read(&mut self, record: &Record<'_>, shop: Currency) -> Result<Found, String> {
        let handle = record.get(HANDLE).ok_or("handle is missing")?;
        if self.head.as_ref().is_none_or(|head| head.handle != handle) {
            self.head = None;
            self.head = Some(head(record, handle)?);
        }
        let Some(head) = &self.head else {
            return Ok(Found::Nothing);
        };
        let Some(price) = record.get(PRICE) else {
            // Rows that only add a picture.
            return match (record.get(SKU), picture(record)) {
                (Some(_), _) => Err("the price is missing".to_owned()),
                (None, Some(picture)) => Ok(Found::Picture(handle.to_owned(), picture)),
                (None, None) => Ok(Found::Nothing),
            };
        };
        let price = Money::parse_decimal(price, shop).map_err(|error| format!("price {error}"))?;
        head.variant(record, price)
    }
}

/// A row names one of the product's pictures, whatever else it says.
fn picture(record: &Record<'_>) -> Option<Picture> {
    let address = record.get(IMAGE)?.to_owned();
    let place = record.get(IMAGE_PLACE).and_then(|place| place.parse().ok());
    // What has no place there comes behind what has one, and before what is only a variant's.
    let place = place.unwrap_or(u32::MAX.saturating_sub(1));
    Some(Picture { place, address })
}

/// That of a variant, which may be none of the product's.
fn picture_of_variant(record: &Record<'_>) -> Option<Picture> {
    let address = record.get(VARIANT_IMAGE)?.to_owned();
    let place = u32::MAX;
    Some(Picture { place, address })
}

fn head(record: &Record<'_>, handle: &str) -> Result<Head, String> {
    let title = record.get(TITLE).ok_or("the title is missing")?;
    let mut attributes = Map::new();
    attributes.insert("handle".to_owned(), Value::from(handle));
    if let Some(vendor) = record.get(VENDOR) {
        attributes.insert("vendor".to_owned(), Value::from(vendor));
    }
    if let Some(tags) = record.get(TAGS) {
        let tags: Vec<&str> = tags.split(',').map(str::trim).collect();
        attributes.insert("tags".to_owned(), Value::from(tags));
    }
    Ok(Head {
        handle: handle.to_owned(),
        title: title.to_owned(),
        description: html::plain(record.get(BODY).unwrap_or_default()),
        category_path: match (record.get(CATEGORY), record.get(TYPE)) {
            (Some(path), _) => names(path),
            (None, kind) => kind.map(str::to_owned).into_iter().collect(),
        },
        status: status(record)?,
        option_names: OPTION_NAMES.map(|name| record.get(name).map(str::to_owned)),
        attributes,
    })
}

/// What is not published there is not put on sale here.
fn status(record: &Record<'_>) -> Result<ProductStatus, String> {
    let is_hidden = record
        .get(PUBLISHED)
        .is_some_and(|word| word.eq_ignore_ascii_case("false"));
    match record.get(STATUS).map(str::to_lowercase).as_deref() {
        Some("archived") => Ok(ProductStatus::Archived),
        Some("draft" | "unlisted") => Ok(ProductStatus::Draft),
        Some("active") | None if is_hidden => Ok(ProductStatus::Draft),
        Some("active") | None => Ok(ProductStatus::Active),
        Some(word) => Err(format!("status {word} is none of Shopify's")),
    }
}

impl Head {
    fn variant(&self, record: &Record<'_>, price: Money) -> Result<Found, String> {
        let mut attributes = self.attributes.clone();
        weight::note(&mut attributes, record.get(GRAMS), 0)?;
        before::note(&mut attributes, record.get(BEFORE), price)?;
        taxed::note(&mut attributes, taxed::by_word(record.get(TAXABLE)));
        let mut values: Vec<(String, String)> = Vec::new();
        for (name, value) in self.option_names.iter().zip(OPTION_VALUES) {
            if let Some(value) = record.get(value).filter(|value| *value != DEFAULT)
                && let Some(name) = name
            {
                values.push((name.clone(), value.to_owned()));
            }
        }
        if let Some(barcode) = record.get(BARCODE) {
            attributes.insert("barcode".to_owned(), Value::from(unmarked(barcode)));
        }
        let product = ImportProduct {
            publish_at: None,
            unpublish_at: None,
            related: None,
            slug: None,
            prices: Vec::new(),
            sku: match record.get(SKU) {
                Some(sku) => unmarked(sku).to_owned(),
                None => made_sku(&self.handle, &values),
            },
            name: self.title.clone(),
            description: self.description.clone(),
            category_path: self.category_path.clone(),
            price,
            status: Some(self.status),
            // Sold too often there, it may be less than nothing.
            stock: record
                .get(STOCK)
                .and_then(|units| units.parse().ok())
                .unwrap_or(0),
            image_url: None,
            attributes,
            options: Vec::new(),
            variants: Vec::new(),
        };
        let pictures = [picture(record), picture_of_variant(record)];
        let is_plain = values.is_empty();
        let line = Box::new(Line {
            of: self.handle.clone(),
            product,
            values,
            pictures: pictures.into_iter().flatten().collect(),
        });
        Ok(if is_plain {
            Found::Plain(line)
        } else {
            Found::Variant(line)
        })
    }
}

/// Numbers are exported with a mark, so that spreadsheets leave them alone.
fn unmarked(cell: &str) -> &str {
    cell.strip_prefix('\'').unwrap_or(cell)
}

/// The same name for the same variant, whenever the file is read.
fn made_sku(handle: &str, values: &[(String, String)]) -> String {
    let mut sku = handle.to_owned();
    for (_, value) in values {
        sku.push('-');
        sku.extend(
            value
                .to_lowercase()
                .chars()
                .map(|c| if c.is_alphanumeric() { c } else { '-' }),
        );
    }
    sku
}

#[cfg(test)]
mod tests {
    use super::{
        super::{grouped::Grouped, table::tests::read_all},
        *,
    };

    const CLASSIC: &str = "\
Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,\
Option2 Value,Option3 Name,Option3 Value,Variant SKU,Variant Grams,Variant Inventory Tracker,Variant Inventory Qty,\
Variant Inventory Policy,Variant Fulfillment Service,Variant Price,Variant Compare At Price,Variant Requires Shipping,\
Variant Taxable,Variant Barcode,Image Src,Image Position,Image Alt Text,Gift Card,Variant Image,Variant Weight Unit,\
Cost per item,Status
";

    fn products(text: &str) -> Vec<Result<ImportProduct, String>> {
        let mut shop = Shopify::default();
        let found = read_all(text, |record| shop.read(record, "EUR".parse().unwrap()));
        let mut grouped = Grouped::default();
        let mut whole: Vec<_> = found.into_iter().map(|found| grouped.take(found)).collect();
        whole.extend(grouped.rest());
        let products = whole.into_iter().filter_map(|(_, found)| match found {
            Ok(Found::Product(product)) => Some(Ok(*product)),
            Ok(
                Found::Variant(_)
                | Found::Plain(_)
                | Found::Picture(..)
                | Found::LeftOut(_)
                | Found::Nothing,
            ) => None,
            Err(why) => Some(Err(why)),
        });
        products.collect()
    }

    fn classic(rows: &str) -> Vec<Result<ImportProduct, String>> {
        products(&format!("{CLASSIC}{rows}"))
    }

    #[test]
    fn rows_of_a_handle_are_variants_of_a_product_with_what_its_first_row_says() {
        let rows = "\
shirt,Linen shirt,<p>Light.</p><p>Cool.</p>,Loom,Apparel > Shirts,Shirt,\"linen, summer\",true,Size,S,Colour,Blue,,,\
SH-S,200,shopify,4,deny,manual,39.90,,true,true,'4006381333931,https://cdn.example/a.jpg,1,,false,,g,,active
shirt,,,,,,,,,M,,White,,,,200,shopify,-2,deny,manual,41,,true,true,,https://cdn.example/b.jpg,2,,,\
https://cdn.example/m.jpg,g,,
shirt,,,,,,,,,,,,,,,,,,,,,,,,,https://cdn.example/c.jpg,3,,,,,,
";
        let mut found: Vec<_> = classic(rows).into_iter().map(Result::unwrap).collect();
        let shirt = found.remove(0);
        assert!(found.is_empty());
        assert_eq!(
            (shirt.sku.as_str(), shirt.name.as_str()),
            ("SH-S", "Linen shirt")
        );
        let names: Vec<_> = shirt
            .options
            .iter()
            .map(|option| option.name.as_str())
            .collect();
        assert_eq!(names, ["Size", "Colour"]);
        let variants = shirt.variants.iter();
        let told: Vec<_> = variants
            .map(|one| {
                (
                    one.sku.as_str(),
                    one.values.join("/"),
                    one.price.minor,
                    one.stock,
                )
            })
            .collect();
        let wanted = [
            ("SH-S", "S/Blue".to_owned(), 3_990, 4),
            ("shirt-m-white", "M/White".to_owned(), 4_100, 0),
        ];
        assert_eq!(told, wanted);
        assert_eq!(shirt.description, "Light.\n\nCool.");
        assert_eq!(shirt.category_path, ["Apparel", "Shirts"]);
        assert_eq!(
            shirt.image_url.as_deref(),
            Some("https://cdn.example/a.jpg")
        );
        let attributes = serde_json::to_value(&shirt.attributes).unwrap();
        let wanted = serde_json::json!({"handle": "shirt", "vendor": "Loom", "tags": ["linen", "summer"],
            "barcode": "4006381333931", "weight_grams": 200,
            "image_urls": ["https://cdn.example/b.jpg", "https://cdn.example/c.jpg", "https://cdn.example/m.jpg"]});
        assert_eq!(attributes, wanted);
    }

    #[test]
    fn a_plain_product_has_its_own_name_and_what_is_not_on_sale_stays_so() {
        let row = |published: &str, status: &str| {
            format!(
                "mug,Mug,,,,Kitchen,,{published},Title,Default Title,,,,,MUG,,,3,,,5.00,,,,,,,,,,,,{status}\n"
            )
        };
        for (published, status, word) in [
            ("true", "active", "active"),
            ("TRUE", "", "active"),
            ("FALSE", "active", "draft"),
            ("true", "draft", "draft"),
            ("true", "Archived", "archived"),
        ] {
            let mug = classic(&row(published, status)).remove(0).unwrap();
            assert_eq!((mug.name.as_str(), mug.sku.as_str()), ("Mug", "MUG"));
            assert_eq!(mug.status.map(ProductStatus::as_str), Some(word));
            assert_eq!(mug.category_path, ["Kitchen"]);
        }
    }

    #[test]
    fn the_newer_template_is_read_as_well() {
        let text = "\
Title,URL handle,Description,Vendor,Product category,Type,Tags,Published on online store,Status,SKU,Barcode,\
Option1 name,Option1 value,Option2 name,Option2 value,Option3 name,Option3 value,Price,Compare-at price,Cost per item,\
Charge tax,Inventory tracker,Inventory quantity,Continue selling when out of stock,Weight value (grams),\
Product image URL,Image position,Variant image URL,Gift card
Mug,mug,Holds tea,,,Kitchen,,TRUE,Active,MUG,,Title,Default Title,,,,,5.5,,,FALSE,shopify,7,DENY,300,\
https://cdn.example/mug.jpg,1,,FALSE
";
        let mug = products(text).remove(0).unwrap();
        assert_eq!(
            (mug.sku.as_str(), mug.price.minor, mug.stock),
            ("MUG", 550, 7)
        );
        assert_eq!(
            mug.image_url.as_deref(),
            Some("https://cdn.example/mug.jpg")
        );
        assert_eq!(mug.attributes.get("weight_grams"), Some(&300.into()));
        assert_eq!(mug.attributes.get("tax_class"), Some(&"zero".into()));
    }

    #[test]
    fn pictures_are_in_the_order_of_their_places_each_once_and_prices_what_is_paid_today() {
        let row = |rest: &str| format!("mug,{rest}\n");
        let rows = [
            row(
                "Mug,,,,,,true,Title,Default Title,,,,,MUG,,,3,,,5.00,8.00,,,,https://cdn.example/2.jpg,2,,,,,,",
            ),
            row(",,,,,,,,,,,,,,,,,,,,,,,,https://cdn.example/none.jpg,,,,,,,"),
            row(",,,,,,,,,,,,,,,,,,,,,,,,https://cdn.example/1.jpg,1,,,,,,"),
            row(",,,,,,,,,,,,,,,,,,,,,,,,https://cdn.example/2.jpg,3,,,,,,"),
        ];
        let mug = classic(&rows.concat()).remove(0).unwrap();
        assert_eq!(mug.price.minor, 500, "not what is crossed out");
        assert_eq!(mug.image_url.as_deref(), Some("https://cdn.example/1.jpg"));
        let further = mug.attributes.get("image_urls");
        let wanted =
            serde_json::json!(["https://cdn.example/2.jpg", "https://cdn.example/none.jpg"]);
        assert_eq!(further, Some(&wanted));
        assert!(mug.options.is_empty() && mug.variants.is_empty());
        let picture = row(",,,,,,,,,,,,,,,,,,,,,,,,https://cdn.example/x.jpg,9,,,,,,");
        let many: String = (0..70)
            .map(|number| picture.replace('x', &number.to_string()))
            .collect();
        let mug = classic(&format!("{}{many}", rows[0])).remove(0).unwrap();
        let further = mug.attributes["image_urls"].as_array().unwrap();
        assert_eq!(further.len(), 64, "as many as a list has");
    }

    #[test]
    fn what_is_missing_is_said() {
        for (row, word) in [
            (",T,,,,,,,,,,,,,A,,,,,,1\n", "handle"),
            ("h,,,,,,,,,,,,,,A,,,,,,1\n", "title"),
            ("h,T,,,,,,,,,,,,,A,,,,,,\n", "price"),
            ("h,T,,,,,,,,,,,,,A,,,,,,1.999\n", "price"),
            ("h,T,,,,,,,,,,,,,A,heavy,,,,,1\n", "weight"),
        ] {
            let why = classic(row).remove(0).unwrap_err();
            assert!(why.contains(word), "{row}: {why}");
        }
    }

    #[test]
    fn an_earlier_price_comes_along_where_all_variants_say_the_same() {
        let rows = |first: &str, second: &str| {
            let cells = "200,shopify,4,deny,manual";
            format!(
                "mug,Mug,,,,,,true,Size,S,,,,,M-S,{cells},9.90,{first},true,true,,,,,,,g,,active\n\
                 mug,,,,,,,,,M,,,,,M-M,{cells},11,{second},true,true,,,,,,,g,,\n"
            )
        };
        for (first, second, wanted) in [
            ("15", "15.00", Some("15.00 EUR")),
            ("15", "16", None),
            ("15", "", None),
            ("10", "10", None),
            ("", "", None),
        ] {
            let mug = classic(&rows(first, second)).remove(0).unwrap();
            assert_eq!(mug.variants.len(), 2);
            let before = mug.attributes.get("compare_at_price");
            let before = before.and_then(Value::as_str);
            assert_eq!(before, wanted, "{first} {second}");
        }
        let why = classic(&rows("much", "15")).remove(0).unwrap_err();
        assert!(why.starts_with("the price before"), "{why}");
    }
}
