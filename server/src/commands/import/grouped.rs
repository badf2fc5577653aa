//! Variants that stand in lines of their own, put together again: what follows each other and belongs together is one
//! product. Holds no more than one product, and a name for each that came before.

use super::{
    source::{Found, Numbered},
    weight,
};
use contracts::{
    catalog::{ImportProduct, ImportVariant, ProductOption},
    values::fold,
};
use std::collections::HashMap;

/// As many as a product may have.
const VARIANTS_MAX: usize = 250;

/// A line that is a variant.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    /// What all lines of the product say.
    pub(super) of: String,
    /// The product as this line tells it; SKU, price and stock are the variant's.
    pub(super) product: ImportProduct,
    /// Options and this variant's values, in their order.
    pub(super) values: Vec<(String, String)>,
}

/// What was read and is not whole yet.
#[derive(Default)]
pub(super) struct Grouped {
    waiting: Option<(u64, String, ImportProduct)>,
    /// The first SKU of each product that was given out, by what its lines say: those that come later belong to it.
    known: HashMap<String, String>,
}

impl Grouped {
    /// Takes a line in, and gives out what is whole by then.
    pub(super) fn take(&mut self, (number, found): Numbered) -> Numbered {
        let line = match found {
            Ok(Found::Variant(line)) => *line,
            other => return (number, other),
        };
        if let Some((_, of, product)) = &mut self.waiting
            && *of == line.of
        {
            return (number, add(product, line).map(|()| Found::Nothing));
        }
        let whole = self.rest();
        let of = line.of.clone();
        let mut product = begun(line);
        match self.known.get(&of) {
            Some(sku) => product.sku.clone_from(sku),
            None => drop(self.known.insert(of.clone(), product.sku.clone())),
        }
        self.waiting = Some((number, of, product));
        whole.unwrap_or((number, Ok(Found::Nothing)))
    }

    /// What is whole because nothing follows.
    pub(super) fn rest(&mut self) -> Option<Numbered> {
        let (number, _, product) = self.waiting.take()?;
        Some((number, Ok(Found::Product(Box::new(product)))))
    }
}

/// A product with the first of its variants.
fn begun(line: Line) -> ImportProduct {
    let mut product = line.product;
    for (name, _) in &line.values {
        product.attributes.remove(name);
    }
    let (names, values): (Vec<String>, Vec<String>) = line.values.into_iter().unzip();
    let option = |name| ProductOption {
        name,
        values: Vec::new(),
    };
    // A file of ours names all values, in their order.
    if product.options.is_empty() {
        product.options = names.into_iter().map(option).collect();
    }
    product.variants = vec![ImportVariant {
        sku: product.sku.clone(),
        price: product.price,
        prices: std::mem::take(&mut product.prices),
        stock: product.stock,
        values,
    }];
    product
}

fn add(product: &mut ImportProduct, line: Line) -> Result<(), String> {
    let same =
        |(option, (name, _)): (&ProductOption, &(String, String))| fold(&option.name) == fold(name);
    if line.values.len() != product.options.len()
        || !product.options.iter().zip(&line.values).all(same)
    {
        return Err("has other options than the variants before it".to_owned());
    }
    if product.variants.len() >= VARIANTS_MAX {
        return Err(format!("a product has at most {VARIANTS_MAX} variants"));
    }
    weight::heavier(&mut product.attributes, &line.product.attributes);
    product.variants.push(ImportVariant {
        sku: line.product.sku,
        price: line.product.price,
        prices: line.product.prices,
        stock: line.product.stock,
        values: line.values.into_iter().map(|(_, value)| value).collect(),
    });
    Ok(())
}
