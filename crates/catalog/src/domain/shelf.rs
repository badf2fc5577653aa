//! Who gets what of a batch of wishes: decided in memory, in order, so that each stock row is written once
//! and a refused wish never fails its neighbours. Writes nothing.

use super::price_list::PriceList;
use contracts::{
    catalog::{ItemRef, PricedLine, ReserveError, ReserveLine, Shortage, Unchosen, VariantChoice},
    values::{Currency, Money, MoneyInput, ProductId, UserId, VariantId},
};
use std::collections::{BTreeMap, HashMap};

/// A variant as it stood when the batch began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The store's own number of the variant.
    pub number: i64,
    pub product_id: ProductId,
    pub variant_id: VariantId,
    pub seller_id: UserId,
    pub sku: String,
    pub name: String,
    pub price: Money,
    /// In other currencies.
    pub prices: PriceList,
    pub on_sale: bool,
    pub available: i64,
}

#[derive(Debug)]
struct Slot {
    offer: Offer,
    taken: i64,
}

/// What a batch may take from.
#[derive(Debug, Default)]
pub struct Shelf {
    slots: BTreeMap<i64, Slot>,
    numbers: HashMap<ItemRef, Option<i64>>,
    /// Products of which a variant must be chosen, with what there is to choose.
    unchosen: HashMap<ProductId, Vec<VariantChoice>>,
}

/// A line that got its units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The store's own number of the variant.
    pub number: i64,
    pub line: PricedLine,
}

impl Shelf {
    /// Whether the store was asked for this item already.
    pub fn knows(&self, item: &ItemRef) -> bool {
        self.numbers.contains_key(item)
    }

    /// Puts what the store has under this name on the shelf. A variant that lies there stays as it is.
    pub fn put(&mut self, item: ItemRef, offer: Option<Offer>) {
        self.numbers
            .insert(item, offer.as_ref().map(|offer| offer.number));
        if let Some(offer) = offer {
            self.slots
                .entry(offer.number)
                .or_insert(Slot { offer, taken: 0 });
        }
    }

    /// Notes that a product cannot be bought without choosing among these.
    pub fn must_choose(&mut self, product: ProductId, choices: Vec<VariantChoice>) {
        self.unchosen.insert(product, choices);
    }

    /// Takes all lines of a wish, or none. An expected total must be what they cost now, in this currency or in their
    /// own.
    pub fn take(
        &mut self,
        lines: &[ReserveLine],
        (expected_total, currency): (Option<&MoneyInput>, Option<Currency>),
    ) -> Result<Vec<Taken>, ReserveError> {
        let taken = self.priced(lines, currency)?;
        let mut wanted: BTreeMap<i64, i64> = BTreeMap::new();
        for one in &taken {
            let units = wanted.entry(one.number).or_insert(0);
            *units = units.saturating_add(i64::from(one.line.quantity.get()));
        }
        let items = self.shortages(&wanted);
        if !items.is_empty() {
            return Err(ReserveError::InsufficientStock { items });
        }
        check_total(&taken, expected_total)?;
        for (number, units) in wanted {
            if let Some(slot) = self.slots.get_mut(&number) {
                slot.taken = slot.taken.saturating_add(units);
            }
        }
        Ok(taken)
    }

    /// What was taken from each variant, in the order of their numbers.
    pub fn taken(&self) -> impl Iterator<Item = (i64, i64)> {
        self.slots
            .iter()
            .filter(|(_, slot)| slot.taken > 0)
            .map(|(number, slot)| (*number, slot.taken))
    }

    fn offer(&self, item: &ItemRef) -> Option<&Offer> {
        let number = self.numbers.get(item).copied().flatten()?;
        let offer = &self.slots.get(&number)?.offer;
        offer.on_sale.then_some(offer)
    }

    fn unchosen(&self, index: usize, line: &ReserveLine) -> Option<Unchosen> {
        let ItemRef::Product(product_id) = &line.item else {
            return None;
        };
        let variants = self.unchosen.get(product_id)?.clone();
        Some(Unchosen {
            line: index,
            product_id: *product_id,
            variants,
        })
    }

    fn priced(
        &self,
        lines: &[ReserveLine],
        currency: Option<Currency>,
    ) -> Result<Vec<Taken>, ReserveError> {
        let (mut missing, mut unpriced) = (Vec::new(), Vec::new());
        let mut unchosen = Vec::new();
        let mut taken = Vec::with_capacity(lines.len());
        for (index, line) in lines.iter().enumerate() {
            match self.offer(&line.item) {
                None => missing.push(index),
                Some(offer) => {
                    unchosen.extend(self.unchosen(index, line));
                    match offer.prices.price(offer.price, currency) {
                        Some(price) => taken.push(offer.taken(line, price)),
                        None => unpriced.push(index),
                    }
                }
            }
        }
        if missing.is_empty() && !unchosen.is_empty() {
            return Err(ReserveError::VariantRequired { items: unchosen });
        }
        if let (Some(currency), true, false) = (currency, missing.is_empty(), unpriced.is_empty()) {
            let lines = unpriced;
            return Err(ReserveError::NotPriced { currency, lines });
        }
        if taken.is_empty() || !missing.is_empty() {
            return Err(ReserveError::Unavailable { lines: missing });
        }
        let mut currencies = taken.iter().map(|one| one.line.unit_price.currency);
        let first = currencies.next();
        if currencies.any(|currency| Some(currency) != first) {
            return Err(ReserveError::MixedCurrencies);
        }
        Ok(taken)
    }

    fn shortages(&self, wanted: &BTreeMap<i64, i64>) -> Vec<Shortage> {
        wanted
            .iter()
            .filter_map(|(number, requested)| {
                let slot = self.slots.get(number)?;
                let available = slot.offer.available.saturating_sub(slot.taken);
                (*requested > available).then(|| Shortage {
                    product_id: slot.offer.product_id,
                    variant_id: slot.offer.variant_id,
                    sku: slot.offer.sku.clone(),
                    requested: *requested,
                    available,
                })
            })
            .collect()
    }
}

/// A bare number is in the currency of the lines. What cannot be read is not the total either.
fn check_total(taken: &[Taken], expected: Option<&MoneyInput>) -> Result<(), ReserveError> {
    let out_of_range = |_| ReserveError::TotalOutOfRange;
    let mut total: Option<Money> = None;
    for one in taken {
        let cost = one
            .line
            .unit_price
            .times(one.line.quantity)
            .map_err(out_of_range)?;
        total = Some(match total {
            None => cost,
            Some(total) => total.plus(cost).map_err(out_of_range)?,
        });
    }
    match (total, expected) {
        (Some(total), Some(expected)) if expected.resolve(total.currency) != Ok(total) => {
            Err(ReserveError::PriceChanged { total })
        }
        (_, _) => Ok(()),
    }
}

impl Offer {
    fn taken(&self, line: &ReserveLine, unit_price: Money) -> Taken {
        Taken {
            number: self.number,
            line: PricedLine {
                product_id: self.product_id,
                variant_id: self.variant_id,
                seller_id: self.seller_id,
                sku: self.sku.clone(),
                name: self.name.clone(),
                quantity: line.quantity,
                unit_price,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::Quantity;

    fn product(n: u8) -> ProductId {
        ProductId::from_bytes([n; 16])
    }

    fn shelf(offers: &[(u8, i64, &str, bool)]) -> Shelf {
        let mut shelf = Shelf::default();
        for (n, available, currency, on_sale) in offers {
            let offer = Offer {
                number: i64::from(*n),
                product_id: product(*n),
                variant_id: VariantId::from_bytes([*n; 16]),
                seller_id: UserId::from_bytes([9; 16]),
                sku: format!("S{n}"),
                name: format!("N{n}"),
                price: Money::new(i64::from(*n), currency.parse().unwrap()),
                prices: PriceList::default(),
                on_sale: *on_sale,
                available: *available,
            };
            let by_variant = ItemRef::Variant(offer.variant_id);
            shelf.put(ItemRef::Product(product(*n)), Some(offer.clone()));
            shelf.put(by_variant, Some(offer));
        }
        shelf
    }

    fn line(n: u8, units: u32) -> ReserveLine {
        ReserveLine {
            item: ItemRef::Product(product(n)),
            quantity: Quantity::try_from(units).unwrap(),
        }
    }

    fn outcome(shelf: &mut Shelf, lines: &[ReserveLine]) -> String {
        match shelf.take(lines, (None, None)) {
            Ok(taken) => format!("{} lines", taken.len()),
            Err(ReserveError::InsufficientStock { items }) => items
                .iter()
                .map(|item| format!("{}: {} of {}", item.sku, item.requested, item.available))
                .collect::<Vec<_>>()
                .join(", "),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn wishes_are_served_in_order_until_the_shelf_is_empty() {
        let mut shelf = shelf(&[(1, 3, "USD", true)]);
        assert_eq!(outcome(&mut shelf, &[line(1, 2)]), "1 lines");
        assert_eq!(outcome(&mut shelf, &[line(1, 2)]), "S1: 2 of 1");
        assert_eq!(outcome(&mut shelf, &[line(1, 1)]), "1 lines");
        assert_eq!(shelf.taken().collect::<Vec<_>>(), [(1, 3)]);
    }

    #[test]
    fn all_lines_or_none_and_all_shortages_are_told() {
        let mut shelf = shelf(&[
            (1, 9, "USD", true),
            (2, 1, "USD", true),
            (3, 0, "USD", true),
        ]);
        assert_eq!(
            outcome(&mut shelf, &[line(1, 1), line(2, 2), line(3, 1)]),
            "S2: 2 of 1, S3: 1 of 0"
        );
        assert_eq!(shelf.taken().count(), 0, "nothing was taken");
    }

    #[test]
    fn one_thing_by_two_names_is_summed() {
        let mut shelf = shelf(&[(1, 3, "USD", true)]);
        let by_variant = ReserveLine {
            item: ItemRef::Variant(VariantId::from_bytes([1; 16])),
            quantity: Quantity::try_from(2).unwrap(),
        };
        assert_eq!(
            outcome(&mut shelf, &[line(1, 2), by_variant.clone()]),
            "S1: 4 of 3"
        );
        assert_eq!(outcome(&mut shelf, &[line(1, 1), by_variant]), "2 lines");
    }

    #[test]
    fn what_is_not_on_sale_is_named_by_its_line() {
        let mut shelf = shelf(&[(1, 3, "USD", true), (2, 3, "USD", false)]);
        shelf.put(ItemRef::Product(product(8)), None);
        assert_eq!(
            outcome(&mut shelf, &[line(2, 1), line(1, 1), line(8, 1)]),
            "lines [0, 2] are not on sale"
        );
        assert_eq!(outcome(&mut shelf, &[]), "lines [] are not on sale");
    }

    #[test]
    fn a_total_that_differs_takes_nothing() {
        let mut shelf = shelf(&[(2, 9, "USD", true)]);
        let lines = [line(2, 3), line(2, 1)];
        let total = |text: &str| MoneyInput::Decimal(text.to_owned());
        for wrong in [
            total("0.07"),
            total("8"),
            total("eight"),
            Money::new(8, "EUR".parse().unwrap()).into(),
        ] {
            match shelf.take(&lines, (Some(&wrong), None)) {
                Err(ReserveError::PriceChanged { total }) => assert_eq!(total.minor, 8),
                other => panic!("{wrong:?}: {other:?}"),
            }
        }
        assert_eq!(shelf.taken().count(), 0, "nothing was taken");
        assert!(shelf.take(&lines, (Some(&total("0.08")), None)).is_ok());
    }

    #[test]
    fn a_total_that_cannot_be_counted_is_refused() {
        let mut shelf = shelf(&[(1, i64::MAX, "USD", true)]);
        if let Some(slot) = shelf.slots.get_mut(&1) {
            slot.offer.price.minor = 1_000_000_000_000;
        }
        assert_eq!(outcome(&mut shelf, &[line(1, 1_000_000)]), "1 lines");
        assert_eq!(
            outcome(&mut shelf, &vec![line(1, 1_000_000); 10]),
            "the total is out of range"
        );
    }

    #[test]
    fn an_order_has_one_currency() {
        let mut shelf = shelf(&[(1, 3, "USD", true), (2, 3, "EUR", true)]);
        assert_eq!(
            outcome(&mut shelf, &[line(1, 1), line(2, 1)]),
            "the prices are in several currencies"
        );
    }
}
