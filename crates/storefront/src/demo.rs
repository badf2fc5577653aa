//! The demo catalog that a new shop starts with, inside the binary: products and their drawn
//! pictures. Nothing here touches a store: whoever seeds a shop decides that.

use crate::pictures::PICTURES;
use contracts::{
    catalog::ImportProduct,
    values::{Currency, Money},
};
use serde::Deserialize;
use serde_json::{Map, Value};

const LINES: &str = include_str!("../demo/products.jsonl");

/// A line of `products.jsonl`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    sku: String,
    name: String,
    description: String,
    category_path: Vec<String>,
    price_minor: i64,
    currency: Currency,
    stock: u32,
    image_url: Option<String>,
    attributes: Map<String, Value>,
}

impl From<Line> for ImportProduct {
    fn from(line: Line) -> Self {
        Self {
            sku: line.sku,
            name: line.name,
            description: line.description,
            category_path: line.category_path,
            price: Money::new(line.price_minor, line.currency),
            status: None,
            stock: line.stock,
            image_url: line.image_url,
            attributes: line.attributes,
            options: Vec::new(),
            variants: Vec::new(),
            publish_at: None,
            unpublish_at: None,
            related: None,
            slug: None,
            prices: Vec::new(),
        }
    }
}

/// The demo products, in the order of the file.
#[must_use]
pub fn products() -> Vec<ImportProduct> {
    LINES
        .lines()
        .filter_map(|line| match serde_json::from_str::<Line>(line) {
            Ok(line) => Some(line.into()),
            Err(error) => {
                // A test reads every line, so this is for whoever edits the file and skips the
                // tests.
                tracing::warn!(%error, "a line of the demo catalog was skipped");
                None
            }
        })
        .collect()
}

/// The picture (SVG) of a demo product.
#[must_use]
pub fn picture(sku: &str) -> Option<&'static str> {
    let found = PICTURES.binary_search_by(|(known, _)| (*known).cmp(sku));
    found
        .ok()
        .and_then(|index| PICTURES.get(index))
        .map(|(_, picture)| *picture)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn every_line_of_the_demo_catalog_is_read() {
        let lines = LINES.lines().count();
        assert!((55..=70).contains(&lines), "{lines}");
        assert_eq!(products().len(), lines);
    }

    #[test]
    fn skus_and_names_are_unique() {
        let products = products();
        let skus: BTreeSet<_> = products.iter().map(|product| &product.sku).collect();
        let names: BTreeSet<_> = products.iter().map(|product| &product.name).collect();
        assert_eq!((skus.len(), names.len()), (products.len(), products.len()));
    }

    #[test]
    fn every_product_has_its_picture_and_every_picture_its_product() {
        let products = products();
        for product in &products {
            let address = format!("/media/demo/{}.svg", product.sku);
            assert_eq!(product.image_url.as_deref(), Some(address.as_str()));
            assert!(picture(&product.sku).is_some(), "{}", product.sku);
        }
        assert_eq!(PICTURES.len(), products.len());
        assert_eq!(picture("NO-SUCH"), None);
    }

    #[test]
    fn the_table_of_pictures_is_sorted() {
        assert!(PICTURES.is_sorted_by(|one, next| one.0 < next.0));
    }

    #[test]
    fn pictures_are_whole_small_and_without_references() {
        for (sku, picture) in PICTURES {
            let tags = picture.matches('<').count();
            assert!(picture.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
            assert!(picture.trim_end().ends_with("</svg>"), "{sku}");
            assert_eq!(tags, picture.matches('>').count(), "{sku}");
            assert_eq!(picture.matches('"').count() % 2, 0, "{sku}");
            for group in ["g", "svg", "clipPath", "radialGradient"] {
                let opened = picture.matches(&format!("<{group} ")).count();
                assert_eq!(opened, picture.matches(&format!("</{group}>")).count());
            }
            for word in [
                "<script",
                "href",
                "<image",
                "<style",
                "<foreignObject",
                " on",
            ] {
                assert!(!picture.contains(word), "{sku} has {word}");
            }
        }
        let bytes: usize = PICTURES.iter().map(|(_, picture)| picture.len()).sum();
        assert!(bytes < 200_000, "{bytes}");
    }

    #[test]
    fn the_demo_shop_has_shelves_low_stock_and_something_sold_out() {
        let products = products();
        let mut shelves = BTreeMap::<&str, u32>::new();
        for product in &products {
            let [shelf] = product.category_path.as_slice() else {
                panic!("{}", product.sku)
            };
            *shelves.entry(shelf).or_default() += 1;
            let dollars = product.price.minor / 100;
            assert!((4..=240).contains(&dollars), "{}", product.sku);
            assert_eq!(product.price.currency.code(), "USD");
            let sentences = product.description.matches(". ").count();
            assert!((1..=4).contains(&sentences), "{}", product.sku);
        }
        assert_eq!(shelves.len(), 8);
        let with = |low: u32, high: u32| {
            products
                .iter()
                .filter(|product| (low..=high).contains(&product.stock))
                .count()
        };
        assert!(
            with(0, 0) >= 1 && with(1, 3) >= 3,
            "{} {}",
            with(0, 0),
            with(1, 3)
        );
    }
}
