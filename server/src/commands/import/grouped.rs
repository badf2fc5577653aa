//! Variants that stand in lines of their own, put together again: what follows each other and belongs together is one
//! product. Holds no more than one product, and a name for each that came before.

use super::{
    before,
    pictures::{self, PICTURES_MAX, Picture},
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
    /// Pictures that it names beside those that its product says already.
    pub(super) pictures: Vec<Picture>,
}

/// What was read and is not whole yet.
#[derive(Default)]
pub(super) struct Grouped {
    waiting: Option<Waiting>,
    /// The first SKU of each product that was given out, by what its lines say: those that come later belong to it.
    known: HashMap<String, String>,
}

struct Waiting {
    number: u64,
    of: String,
    product: ImportProduct,
    pictures: Vec<Picture>,
}

impl Waiting {
    /// More than a product has are left out.
    fn show(&mut self, pictures: Vec<Picture>) {
        let room = PICTURES_MAX.saturating_sub(self.pictures.len());
        self.pictures.extend(pictures.into_iter().take(room));
    }
}

impl Grouped {
    /// Takes a line in, and gives out what is whole by then.
    pub(super) fn take(&mut self, (number, found): Numbered) -> Numbered {
        match found {
            Ok(Found::Variant(line)) => self.line(number, *line, begun),
            Ok(Found::Plain(line)) => self.line(number, *line, |line| line.product),
            Ok(Found::Picture(of, picture)) => (number, Ok(self.picture(&of, picture))),
            other => (number, other),
        }
    }

    fn line(
        &mut self,
        number: u64,
        mut line: Line,
        begun: impl FnOnce(Line) -> ImportProduct,
    ) -> Numbered {
        let pictures = std::mem::take(&mut line.pictures);
        if let Some(waiting) = &mut self.waiting
            && waiting.of == line.of
        {
            let added = add(&mut waiting.product, line);
            if added.is_ok() {
                waiting.show(pictures);
            }
            return (number, added.map(|()| Found::Nothing));
        }
        let whole = self.rest();
        let of = line.of.clone();
        let mut product = begun(line);
        match self.known.get(&of) {
            Some(sku) => product.sku.clone_from(sku),
            None => drop(self.known.insert(of.clone(), product.sku.clone())),
        }
        let mut waiting = Waiting {
            number,
            of,
            product,
            pictures: Vec::new(),
        };
        waiting.show(pictures);
        self.waiting = Some(waiting);
        whole.unwrap_or((number, Ok(Found::Nothing)))
    }

    /// Of a product that was refused, pictures say nothing either.
    fn picture(&mut self, of: &str, picture: Picture) -> Found {
        match self.waiting.as_mut().filter(|waiting| waiting.of == of) {
            Some(waiting) if waiting.pictures.len() >= PICTURES_MAX => {
                return Found::LeftOut("a picture more than a product has");
            }
            Some(waiting) => waiting.show(vec![picture]),
            None => {}
        }
        Found::Nothing
    }

    /// What is whole because nothing follows.
    pub(super) fn rest(&mut self) -> Option<Numbered> {
        let Waiting {
            number,
            mut product,
            pictures,
            ..
        } = self.waiting.take()?;
        pictures::show(&mut product, pictures);
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
    if product.variants.is_empty() || line.values.is_empty() {
        return Err("is one more of a product without options".to_owned());
    }
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
    before::agree(&mut product.attributes, &line.product.attributes);
    product.variants.push(ImportVariant {
        sku: line.product.sku,
        price: line.product.price,
        prices: line.product.prices,
        stock: line.product.stock,
        values: line.values.into_iter().map(|(_, value)| value).collect(),
    });
    Ok(())
}
