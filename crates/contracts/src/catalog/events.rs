//! What nodes tell each other of the catalog, and what its database tells others of products and stock.

use super::ProductStatus;
use crate::{
    event::Event,
    values::{EventId, ProductId, RawId, Version},
};
use serde::{Deserialize, Serialize};

/// What is shown of products may be old: whoever keeps it in memory forgets it. It tells what changed, not how, and
/// it may get lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductsChanged {
    /// The node that changed them; it knows already.
    pub node: EventId,
    /// Whose document or stock changed.
    pub products: Vec<ProductId>,
    /// Whether a document changed or a product is new, so that any list may be another.
    pub documents: bool,
    /// Whether anything at all may have changed.
    pub everything: bool,
}

impl Event for ProductsChanged {
    const NAME: &'static str = "catalog.products_changed.v1";

    fn subject(&self) -> String {
        self.node.to_string()
    }
}

/// What became of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProductChange {
    /// It is new.
    Created,
    /// Its document is another.
    Changed,
    /// It is not sold any more.
    Archived,
}

/// A product was made or changed. Written by the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductEdited {
    /// Which.
    pub product: RawId,
    /// How.
    pub change: ProductChange,
    /// The version that it has since.
    pub version: Version,
    /// Where it stands since.
    pub status: ProductStatus,
}

impl Event for ProductEdited {
    const NAME: &'static str = "catalog.product_edited.v1";

    fn subject(&self) -> String {
        self.product.into()
    }
}

/// Somebody changed a variant's stock by hand. Written by the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockAdjusted {
    /// Of what.
    pub variant: RawId,
    /// Its product.
    pub product: RawId,
    /// How many units came or went.
    pub delta: i64,
}

impl Event for StockAdjusted {
    const NAME: &'static str = "catalog.stock_adjusted.v1";

    fn subject(&self) -> String {
        self.variant.into()
    }
}

/// Few units of a variant are left, and a moment before there were more. Written by the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRanLow {
    /// Of what.
    pub variant: RawId,
    /// Its product.
    pub product: RawId,
    /// How many are left to sell.
    pub available: i64,
}

impl Event for StockRanLow {
    const NAME: &'static str = "catalog.stock_ran_low.v1";

    fn subject(&self) -> String {
        self.variant.into()
    }
}
