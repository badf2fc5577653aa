//! What kind of file it is, by what is in it, and its products one after the other.

use super::{
    grouped::{Grouped, Line},
    pictures::Picture,
    product, sheet,
    shopify::Shopify,
    table::Table,
    woocommerce::WooCommerce,
};
use crate::{
    commands::lines::{self, Lines, Progress},
    shop::now,
};
use contracts::{BoxError, catalog::ImportProduct, values::Currency};
use std::path::Path;

/// What a line holds.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    Product(Box<ImportProduct>),
    /// One of a product's variants; `grouped` puts them together.
    Variant(Box<Line>),
    /// A product without any, of which more lines may follow.
    Plain(Box<Line>),
    /// One more picture of a product, by what its lines say.
    Picture(String, Picture),
    /// Something that is no product of ours, on purpose; why.
    LeftOut(&'static str),
    /// Nothing by itself: it belongs to another line.
    Nothing,
}

/// A line with its number, or what is wrong with it.
pub(super) type Numbered = (u64, Result<Found, String>);

/// A file of products.
pub(super) struct Source {
    kind: Kind,
    grouped: Grouped,
    currency: Currency,
}

enum Kind {
    Lines(Lines),
    Sheet(Table),
    Shopify(Table, Shopify),
    WooCommerce(Table, WooCommerce),
}

impl Source {
    /// Opens a file, and finds out how to read it; what has no currency is in the shop's.
    pub(super) fn open(path: &Path, currency: Currency) -> Result<(Self, Progress), BoxError> {
        let cannot = |error: BoxError| format!("{} cannot be read: {error}", path.display());
        let (mut reader, progress) = lines::open(path)?;
        let begin = reader.fill_buf().map_err(|error| cannot(error.into()))?;
        let first = begin.iter().find(|byte| !byte.is_ascii_whitespace());
        let kind = if matches!(first, Some(b'{') | None) {
            Kind::Lines(Lines::of(reader))
        } else {
            let table = Table::open(reader).map_err(cannot)?;
            if Shopify::wrote(table.header()) {
                Kind::Shopify(table, Shopify::default())
            } else if WooCommerce::wrote(table.header()) {
                Kind::WooCommerce(table, WooCommerce::at(now()))
            } else if sheet::fits(table.header()) {
                Kind::Sheet(table)
            } else {
                let what = "it is neither JSON Lines nor CSV whose first line names sku, name and price, nor \
                            what Shopify or WooCommerce write";
                return Err(cannot(what.into()).into());
            }
        };
        let source = Self {
            kind,
            grouped: Grouped::default(),
            currency,
        };
        Ok((source, progress))
    }

    /// The next product, or a line that is none by itself.
    pub(super) fn next(&mut self) -> Result<Option<Numbered>, BoxError> {
        Ok(match self.next_line()? {
            Some(line) => Some(self.grouped.take(line)),
            None => self.grouped.rest(),
        })
    }

    fn next_line(&mut self) -> Result<Option<Numbered>, BoxError> {
        let currency = self.currency;
        let as_found = |product| Found::Product(Box::new(product));
        match &mut self.kind {
            Kind::Lines(lines) => Ok(lines
                .next_line()?
                .map(|(number, line)| (number, product::read(&line, currency).map(as_found)))),
            Kind::Sheet(table) => table.next_with(|record| sheet::read(record, currency)),
            Kind::Shopify(table, shop) => table.next_with(|record| shop.read(record, currency)),
            Kind::WooCommerce(table, shop) => table.next_with(|record| shop.read(record, currency)),
        }
    }
}
