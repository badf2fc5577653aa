//! A product as a card of a list.

use super::{found, home::Picture};
use crate::view;
use contracts::catalog::ProductView;

/// A product as a card.
pub(super) struct Card {
    pub(super) name: String,
    pub(super) href: String,
    pub(super) picture: Option<Picture>,
    pub(super) price: String,
    /// What it cost before; empty where it costs no less now.
    pub(super) before: String,
    pub(super) badge: String,
    pub(super) sold_out: bool,
}

impl Card {
    pub(super) fn new(product: &ProductView) -> Self {
        Self {
            name: product.name.clone(),
            href: format!("/p/{}", view::encoded(&product.slug)),
            picture: Picture::small(product),
            price: view::price_of(product),
            before: view::price_before(product),
            badge: view::badge(product.stock),
            sold_out: product.stock.available <= 0,
        }
    }
}

/// The picture that stands for a list elsewhere, as a whole address: the first that there is, as large as it is kept.
pub(super) fn shown_elsewhere(root: &str, products: &[ProductView]) -> String {
    let address = |product: &ProductView| match product.images.first() {
        Some(image) => Some(image.full.url.clone()),
        None => product.pictures_elsewhere().next().map(str::to_owned),
    };
    let first = products.iter().find_map(address);
    first.map_or_else(String::new, |address| found::absolute(root, &address))
}
