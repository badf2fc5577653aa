//! A product's variants and the options that they are chosen by: what may be asked of them, and what comes of it.
//! A product without options has one variant. It knows no stock but the first of what is new.

mod imported;
mod options;
#[cfg(test)]
mod tests;
mod wished;

pub(crate) use imported::listed;
pub(crate) use options::checked;
pub(crate) use wished::{Altered, Wished, wishes};

use super::price_list::PriceList;
use contracts::{
    catalog::{EditError, ProductOption, VariantView, variant_title},
    values::{Money, VariantId, fold},
};
use std::collections::HashSet;
use wished::below;

/// Variants of a product.
pub(crate) const VARIANTS_MAX: usize = 250;

/// A variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: VariantId,
    pub(crate) sku: String,
    pub(crate) price: Money,
    /// In other currencies.
    pub(crate) prices: PriceList,
    /// One of each option, in their order.
    pub(crate) values: Vec<String>,
    /// Units to begin with, if it is new.
    pub(crate) stock: i64,
}

/// All variants of a product, the default one first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Lineup {
    pub(crate) options: Vec<ProductOption>,
    pub(crate) variants: Vec<Member>,
}

/// What becomes of variants.
#[derive(Debug, Clone)]
pub(crate) enum LineupChange {
    Options(Vec<ProductOption>),
    Add(Wished),
    Edit(VariantId, Altered),
    Withdraw(VariantId),
}

impl Lineup {
    /// The variants of a product that is made with all of them at once.
    pub(crate) fn new(
        options: Vec<ProductOption>,
        wishes: Vec<Wished>,
        price: Money,
    ) -> Result<Self, EditError> {
        let options = checked(options)?;
        if options.is_empty() != wishes.is_empty() {
            let reason = "must come with options, and options with variants";
            return Err(invalid("/variants", reason));
        }
        let mut variants = Vec::with_capacity(wishes.len());
        for (index, wish) in wishes.into_iter().enumerate() {
            let member = wish.member(&options, price);
            variants.push(member.map_err(|error| below(&format!("/variants/{index}"), error))?);
        }
        Self { options, variants }.in_order()
    }

    /// Its variants that are not in another.
    pub(crate) fn without<'l>(&'l self, other: &'l Self) -> impl Iterator<Item = &'l Member> {
        let known = |member: &Member| other.variants.iter().any(|known| known.id == member.id);
        self.variants.iter().filter(move |member| !known(member))
    }

    /// The lineup after a change.
    pub(crate) fn apply(mut self, change: LineupChange) -> Result<Self, EditError> {
        match change {
            LineupChange::Options(options) => return self.with(options)?.in_order(),
            LineupChange::Add(wish) => {
                if self.options.is_empty() {
                    let reason = "are needed first: without them a product has one variant";
                    return Err(invalid("/options", reason));
                }
                let price = self.variants.first().map(|first| first.price);
                let price = price.ok_or(EditError::NotFound)?;
                self.variants.push(wish.member(&self.options, price)?);
            }
            LineupChange::Edit(id, altered) => {
                let member = self.variants.iter_mut().find(|member| member.id == id);
                altered.apply(&self.options, member.ok_or(EditError::NotFound)?)?;
            }
            LineupChange::Withdraw(id) => {
                let before = self.variants.len();
                self.variants.retain(|member| member.id != id);
                if self.variants.len() == before {
                    return Err(EditError::NotFound);
                }
                if self.variants.is_empty() {
                    return Err(EditError::LastVariant);
                }
            }
        }
        self.in_order()
    }

    /// Each combination once, one currency, and the cheapest first: it is what lists show, sort and filter by. Of
    /// equally cheap ones the first stays first.
    fn in_order(mut self) -> Result<Self, EditError> {
        if self.variants.len() > VARIANTS_MAX {
            let most = VARIANTS_MAX;
            return Err(EditError::TooManyVariants { most });
        }
        let mut seen = HashSet::new();
        for member in &self.variants {
            if !seen.insert(&member.values) {
                let title = variant_title(&member.values);
                return Err(EditError::VariantExists { title });
            }
        }
        let mut currencies = self.variants.iter().map(|member| member.price.currency);
        let first = currencies.next();
        if currencies.any(|currency| Some(currency) != first) {
            return Err(invalid(
                "/price",
                "must be in the currency of the other variants",
            ));
        }
        let cheapest = self.variants.iter().enumerate();
        let cheapest = cheapest.min_by_key(|(_, member)| member.price.minor);
        if let Some(index) = cheapest.map(|(index, _)| index) {
            let member = self.variants.remove(index);
            self.variants.insert(0, member);
        }
        Ok(self)
    }

    fn with(mut self, options: Vec<ProductOption>) -> Result<Self, EditError> {
        let before = std::mem::replace(&mut self.options, options);
        let sources: Vec<Option<usize>> = (0..self.options.len())
            .map(|index| source(&before, &self.options, index, &self.variants))
            .collect();
        for member in &mut self.variants {
            let mut values = Vec::with_capacity(self.options.len());
            for (index, (option, source)) in self.options.iter().zip(&sources).enumerate() {
                let kept = source.and_then(|place| member.values.get(place));
                let known = match kept {
                    None => option.values.first(),
                    Some(kept) => option.values.iter().find(|known| fold(known) == fold(kept)),
                };
                let Some(known) = known else {
                    let lost = kept.map_or("", String::as_str);
                    let reason = format!("must keep {lost}, which a variant has");
                    return Err(invalid(&format!("/options/{index}/values"), reason));
                };
                values.push(known.clone());
            }
            member.values = values;
        }
        Ok(self)
    }
}

/// Which option of before this one is: the one of its name, or else the one in its place that no other has the name of,
/// if this one keeps all its values in use.
fn source(
    before: &[ProductOption],
    next: &[ProductOption],
    index: usize,
    variants: &[Member],
) -> Option<usize> {
    let same = |one: &ProductOption, other: &ProductOption| fold(&one.name) == fold(&other.name);
    let option = next.get(index)?;
    if let Some(place) = before.iter().position(|old| same(old, option)) {
        return Some(place);
    }
    let old = before.get(index)?;
    let keeps = |value: &String| option.values.iter().any(|known| fold(known) == fold(value));
    let renamed = !next.iter().any(|other| same(other, old))
        && variants
            .iter()
            .all(|member| member.values.get(index).is_some_and(keeps));
    renamed.then_some(index)
}

/// Puts variants into the order of their options.
pub(crate) fn arrange(options: &[ProductOption], variants: &mut [VariantView]) {
    if options.is_empty() {
        return;
    }
    variants.sort_by_cached_key(|variant| {
        let place = |option: &ProductOption| {
            let value = variant.options.get(&option.name)?;
            option.values.iter().position(|known| known == value)
        };
        options.iter().map(place).collect::<Vec<_>>()
    });
}

/// SKU and price of a product with options are its variants'.
pub(crate) fn not_here(field: &str) -> EditError {
    invalid(field, "is its variants', since the product has options")
}

fn invalid(field: &str, reason: impl Into<String>) -> EditError {
    EditError::Invalid {
        field: field.to_owned(),
        reason: reason.into(),
    }
}
