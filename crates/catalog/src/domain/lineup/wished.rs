//! Variants as somebody wishes them: new ones, and what changes of those that are there.

use super::{Member, VARIANTS_MAX, invalid, options::values};
use crate::domain::{
    document::{STOCK_MAX, tail},
    price_list::PriceList,
    text,
};
use contracts::{
    catalog::{EditError, NewVariant, PatchVariant, ProductOption},
    values::{Currency, Money, ValueError, VariantId},
};
use std::collections::BTreeMap;

/// A variant to be made.
#[derive(Debug, Clone)]
pub(crate) struct Wished {
    pub(crate) id: VariantId,
    sku: Option<String>,
    price: Option<Money>,
    prices: PriceList,
    stock: i64,
    options: BTreeMap<String, String>,
}

/// What changes of a variant.
#[derive(Debug, Clone)]
pub(crate) struct Altered {
    sku: Option<String>,
    price: Option<Money>,
    prices: Option<PriceList>,
    options: Option<BTreeMap<String, String>>,
}

impl Wished {
    pub(crate) fn check(wish: NewVariant, shop: Currency) -> Result<Self, EditError> {
        let at = |field: &'static str| move |error: ValueError| text::invalid(field, error);
        let price = wish
            .price
            .map(|price| price.resolve(shop).and_then(text::price));
        let sku = wish.sku.map(|sku| text::sku(&sku)).transpose();
        let stock = i64::from(wish.stock.unwrap_or(0));
        if stock > STOCK_MAX {
            return Err(invalid("/stock", format!("must be at most {STOCK_MAX}")));
        }
        Ok(Self {
            id: VariantId::generate(),
            sku: sku.map_err(at("/sku"))?,
            price: price.transpose().map_err(at("/price"))?,
            prices: PriceList::check(wish.prices)?,
            stock,
            options: wish.options,
        })
    }

    pub(super) fn member(
        self,
        options: &[ProductOption],
        price: Money,
    ) -> Result<Member, EditError> {
        let price = self.price.unwrap_or(price);
        Ok(Member {
            values: values(options, self.options)?,
            prices: self.prices.beside(price)?,
            sku: self
                .sku
                .unwrap_or_else(|| tail(self.id).to_ascii_uppercase()),
            price,
            stock: self.stock,
            id: self.id,
        })
    }
}

impl Altered {
    pub(crate) fn check(wish: PatchVariant, shop: Currency) -> Result<Self, EditError> {
        let at = |field: &'static str| move |error: ValueError| text::invalid(field, error);
        let price = wish
            .price
            .map(|price| price.resolve(shop).and_then(text::price));
        let sku = wish.sku.map(|sku| text::sku(&sku)).transpose();
        Ok(Self {
            sku: sku.map_err(at("/sku"))?,
            price: price.transpose().map_err(at("/price"))?,
            prices: wish.prices.map(PriceList::check).transpose()?,
            options: wish.options,
        })
    }

    pub(super) fn apply(
        self,
        options: &[ProductOption],
        member: &mut Member,
    ) -> Result<(), EditError> {
        if let Some(sku) = self.sku {
            member.sku = sku;
        }
        if let Some(price) = self.price {
            member.price = price;
        }
        if let Some(prices) = self.prices {
            member.prices = prices.beside(member.price)?;
        }
        if let Some(others) = self.options {
            let mut all: BTreeMap<String, String> = BTreeMap::new();
            for (option, value) in options.iter().zip(&member.values) {
                all.insert(option.name.clone(), value.clone());
            }
            all.extend(others);
            member.values = values(options, all)?;
        }
        Ok(())
    }
}

/// Checks the variants of a product that is made with all of them.
pub(crate) fn wishes(wishes: Vec<NewVariant>, shop: Currency) -> Result<Vec<Wished>, EditError> {
    if wishes.len() > VARIANTS_MAX {
        let most = VARIANTS_MAX;
        return Err(EditError::TooManyVariants { most });
    }
    let mut checked = Vec::with_capacity(wishes.len());
    for (index, wish) in wishes.into_iter().enumerate() {
        let wish = Wished::check(wish, shop);
        checked.push(wish.map_err(|error| below(&format!("/variants/{index}"), error))?);
    }
    Ok(checked)
}

/// A refusal of something that stands below this.
pub(super) fn below(place: &str, error: EditError) -> EditError {
    let EditError::Invalid { field, reason } = error else {
        return error;
    };
    EditError::Invalid {
        field: format!("{place}{field}"),
        reason,
    }
}
