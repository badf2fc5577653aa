//! Pictures of a product as other shops name them: their addresses, for an import asks nobody for anything. The first
//! stands for the product, the others are an attribute of it.

use contracts::catalog::{IMAGE_URLS, IMAGE_URLS_MAX, ImportProduct};
use serde_json::Value;

/// As many as a product has, the first included.
pub(super) const PICTURES_MAX: usize = IMAGE_URLS_MAX.saturating_add(1);

/// A picture that a line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    /// Its place among the product's; those of one place stay in the order of their lines.
    pub(super) place: u32,
    pub(super) address: String,
}

/// Shows these with the product, in their order, each once; those that are more than a product has are left out.
pub(super) fn show(product: &mut ImportProduct, mut pictures: Vec<Picture>) {
    pictures.sort_by_key(|picture| picture.place);
    for picture in pictures {
        add(product, picture.address);
    }
}

fn add(product: &mut ImportProduct, address: String) {
    let Some(first) = &product.image_url else {
        product.image_url = Some(address);
        return;
    };
    if *first == address {
        return;
    }
    let further = product
        .attributes
        .entry(IMAGE_URLS)
        .or_insert_with(|| Value::Array(Vec::new()));
    let address = Value::from(address);
    if let Value::Array(further) = further
        && further.len() < IMAGE_URLS_MAX
        && !further.contains(&address)
    {
        further.push(address);
    }
}
