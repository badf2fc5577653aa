//! Variants as an import names them: known ones are found by their SKU, and none is taken away.

use super::{
    Lineup, Member, invalid,
    options::{add_value, checked, spelled},
};
use crate::domain::{
    document::{Draft, STOCK_MAX},
    price_list::PriceList,
    text,
};
use contracts::{
    catalog::{EditError, ImportVariant, ProductOption},
    values::{Money, VariantId, fold},
};

impl Lineup {
    /// What a line of an import says of variants, in words that say what is wrong with it.
    pub(crate) fn import(
        mut options: Vec<ProductOption>,
        variants: Vec<ImportVariant>,
    ) -> Result<Self, String> {
        if options.is_empty() && variants.is_empty() {
            return Ok(Self::default());
        }
        let mut members = Vec::with_capacity(variants.len());
        for variant in variants {
            if options.is_empty() || variant.values.len() != options.len() {
                return Err(format!(
                    "variant {} must have a value of each option",
                    variant.sku
                ));
            }
            for (option, value) in options.iter_mut().zip(&variant.values) {
                add_value(option, value.trim());
            }
            members.push(imported(variant)?);
        }
        let options = checked(options).map_err(|error| error.to_string())?;
        for member in &mut members {
            member.values = spelled(&options, std::mem::take(&mut member.values));
        }
        let lineup = Self {
            options,
            variants: members,
        };
        lineup.in_order().map_err(|error| error.to_string())
    }

    /// These variants with those that an import names: known ones are updated by their SKU, none is taken away.
    pub(crate) fn with_imported(mut self, other: &Self) -> Result<Self, EditError> {
        if self.options.is_empty() {
            self.options.clone_from(&other.options);
        }
        let same =
            |(own, their): (&ProductOption, &ProductOption)| fold(&own.name) == fold(&their.name);
        if self.options.len() != other.options.len()
            || !self.options.iter().zip(&other.options).all(same)
        {
            return Err(invalid(
                "/options",
                "must be those that the product has here",
            ));
        }
        for (own, their) in self.options.iter_mut().zip(&other.options) {
            their.values.iter().for_each(|value| add_value(own, value));
        }
        self.options = checked(self.options)?;
        for member in &other.variants {
            let mut member = member.clone();
            member.values = spelled(&self.options, member.values);
            let mut known = self.variants.iter_mut();
            match known.find(|own| fold(&own.sku) == fold(&member.sku)) {
                Some(own) => {
                    own.prices = std::mem::take(&mut own.prices).with(&member.prices, member.price);
                    own.price = member.price;
                    own.values = member.values;
                }
                None => self.variants.push(member),
            }
        }
        let count = self.options.len();
        if self
            .variants
            .iter()
            .any(|member| member.values.len() != count)
        {
            return Err(invalid(
                "/variants",
                "must name the product's own SKU among them",
            ));
        }
        self.in_order()
    }

    /// The only variant of a plain product with the prices in further currencies that an import names; nothing if it
    /// has them.
    pub(crate) fn with_listed(&self, draft: &Draft) -> Option<Self> {
        let mut next = self.clone();
        let member = next.variants.first_mut()?;
        let prices = member.prices.clone().with(&draft.prices, draft.price);
        if draft.prices == PriceList::default() || prices == member.prices {
            return None;
        }
        member.prices = prices;
        // The document was written before: both are as it says.
        member.price = draft.price;
        if let Some(sku) = &draft.sku {
            member.sku.clone_from(sku);
        }
        Some(next)
    }
}

/// Prices in further currencies as an import names them.
pub(crate) fn listed(prices: Vec<Money>, own: Money) -> Result<PriceList, String> {
    let list = PriceList::check(prices).and_then(|list| list.beside(own));
    list.map_err(|error| {
        if let EditError::Invalid { reason, .. } = error {
            return format!("prices {reason}");
        }
        error.to_string()
    })
}

fn imported(variant: ImportVariant) -> Result<Member, String> {
    let sku = text::sku(&variant.sku).map_err(|error| format!("sku {error}"))?;
    let stock = i64::from(variant.stock);
    if stock > STOCK_MAX {
        return Err(format!("variant {sku}: stock must be at most {STOCK_MAX}"));
    }
    let price = text::price(variant.price);
    let price = price.map_err(|error| format!("variant {sku}: price {error}"))?;
    let prices = listed(variant.prices, price);
    let values = variant.values.iter().map(|value| value.trim().to_owned());
    Ok(Member {
        id: VariantId::generate(),
        prices: prices.map_err(|error| format!("variant {sku}: {error}"))?,
        values: values.collect(),
        price,
        stock,
        sku,
    })
}
