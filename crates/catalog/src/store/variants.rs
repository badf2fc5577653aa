//! What the catalog keeps of variants, as a trait beside the one of products: all of a product's in one commit, as an
//! edit of its document. No statement.

use super::ProductView;
use crate::domain::{
    lineup::{self, Lineup, LineupChange, Member},
    price_list::PriceList,
    scope::Scope,
};
use async_trait::async_trait;
use contracts::{
    catalog::{EditError, OfferView, ProductOption, VariantView, variant_name, variant_title},
    request::{Answered, Precondition},
    values::{Currency, ProductId, Timestamp, UserId},
};
use platform::db::{StoreError, keys::KeyedRequest};
use serde_json::{Map, Value};
use std::collections::HashSet;

/// Variants to be changed.
#[derive(Debug, Clone)]
pub(crate) struct LineupEdit {
    pub(crate) product_id: ProductId,
    pub(crate) scope: Scope,
    pub(crate) sent: Precondition,
    pub(crate) change: LineupChange,
    /// Who changes them.
    pub(crate) by: UserId,
    pub(crate) at: Timestamp,
    pub(crate) request: Option<KeyedRequest>,
}

/// Keeps variants.
#[async_trait]
pub(crate) trait Variants: Send + Sync {
    /// Changes a product's variants if the version that was sent is current; its version goes up by one. Once
    /// for a key.
    async fn change_lineup(&self, edit: LineupEdit) -> Result<Answered<ProductView>, EditError>;
}

/// Variants that are written, in this order: none that goes or makes way is in the way of another.
pub(super) struct Steps<'l> {
    /// Those that go.
    pub(super) gone: Vec<&'l Member>,
    /// The default one, if it will be another and stays.
    pub(super) makes_way: Option<&'l Member>,
    /// Those that are there and differ, but for the default one.
    pub(super) changed: Vec<&'l Member>,
    /// New ones, but for the default one.
    pub(super) fresh: Vec<&'l Member>,
    /// The default one, and whether it is new. It is written last: the versions of all others are noted with it.
    pub(super) first: Option<(&'l Member, bool)>,
}

impl<'l> Steps<'l> {
    /// Those that are there and are written.
    pub(super) fn kept(&self) -> impl Iterator<Item = &'l Member> {
        let first = self.first.filter(|(_, is_new)| !is_new);
        let first = first.map(|(member, _)| member);
        self.changed.iter().copied().chain(first)
    }

    pub(super) fn between(before: &'l Lineup, next: &'l Lineup) -> Self {
        let stay: HashSet<_> = next.variants.iter().map(|member| member.id).collect();
        let were: HashSet<_> = before.variants.iter().map(|member| member.id).collect();
        let others = || next.variants.iter().skip(1);
        let first = next.variants.first();
        let is_first = |member: &Member| first.is_some_and(|first| first.id == member.id);
        let old_first = before.variants.first();
        Self {
            gone: before
                .variants
                .iter()
                .filter(|member| !stay.contains(&member.id))
                .collect(),
            makes_way: old_first.filter(|old| stay.contains(&old.id) && !is_first(old)),
            changed: others()
                .filter(|member| were.contains(&member.id) && !before.variants.contains(member))
                .collect(),
            fresh: others()
                .filter(|member| !were.contains(&member.id))
                .collect(),
            first: first.map(|first| (first, !were.contains(&first.id))),
        }
    }
}

/// A variant's prices in other currencies, as they are kept.
pub(super) fn prices(kept: &str) -> Result<PriceList, StoreError> {
    PriceList::read(kept).map_err(|error| StoreError::Other(error.into()))
}

/// What is offered of a variant in this currency, or in its own.
pub(super) fn offered(
    offer: OfferView,
    currency: Option<Currency>,
    prices: &PriceList,
) -> OfferView {
    match prices.price(offer.unit_price, currency) {
        Some(unit_price) => OfferView {
            unit_price,
            ..offer
        },
        None => offer.without_a_price(),
    }
}

/// The values of a variant, as they are kept.
pub(super) fn values(kept: &str) -> Result<Vec<String>, StoreError> {
    // Nearly all products are plain.
    if kept == "[]" {
        return Ok(Vec::new());
    }
    serde_json::from_str(kept).map_err(|error| StoreError::Other(error.into()))
}

/// What a variant is called on an order.
pub(super) fn sold_as(product: String, kept: &str) -> Result<String, StoreError> {
    let values = values(kept)?;
    if values.is_empty() {
        return Ok(product);
    }
    Ok(variant_name(&product, &values))
}

/// Says of a variant which it is, by the options of its product.
pub(super) fn describe(
    view: &mut VariantView,
    options: &[ProductOption],
    kept: &str,
) -> Result<(), StoreError> {
    let values = values(kept)?;
    view.title = variant_title(&values);
    let names = options.iter().map(|option| option.name.clone());
    view.options = names.zip(values).collect();
    Ok(())
}

/// A product is found by the values of its options as by those of its attributes.
pub(super) fn found_by(attributes: &mut Map<String, Value>, options: Vec<ProductOption>) {
    for option in options {
        attributes
            .entry(option.name)
            .or_insert_with(|| option.values.into());
    }
}

/// What follows for a product from all of its variants.
pub(super) fn arrange(view: &mut ProductView) {
    let highest = view
        .variants
        .iter()
        .map(|variant| variant.price)
        .max_by_key(|price| price.minor);
    view.price_max = highest.filter(|highest| *highest != view.price);
    lineup::arrange(&view.options, &mut view.variants);
}
